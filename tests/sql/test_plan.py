"""What a run decides from what was kept: a table of cases for each decision. No database, as none is asked."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from payt.incremental import iso
from payt.listing import InvalidRecord
from payt.sql import plan
from payt.sql.state import Received, Run, Settings, State

NOW = datetime.datetime(2026, 11, 1, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
FIELDS = ("id", "lastname")
INVALID = InvalidRecord(id="5", path="$", reason="odd", raw=b"", cursor=None)


def settings(**given: Any) -> Settings:
    usual: dict[str, Any] = {"overlap": HOUR, "full": False, "full_every": None, "full_after": None}
    rest = {"allow_mass_delete": False, "per_page": 500, "on_invalid": "collect", "prefetch": 1}
    return Settings(**{**usual, **rest, **given})


def kept(**given: Any) -> State:
    usual = {"watermark": iso(NOW - DAY), "columns": FIELDS, "full_at": iso(NOW - DAY), "rows": 9}
    return State(**{**usual, **given})


def received(**given: Any) -> Received:
    usual: dict[str, Any] = {"rows": [], "ids": [], "moment": NOW, "cursor": None, "loose": False, "newest": None}
    return Received(**{**usual, "headers": {}, **given})


UNFINISHED = Run(full=True, columns=FIELDS, began=iso(NOW - HOUR), position="500", pages=1, new=True)


@pytest.mark.parametrize(
    ("state", "how", "columns", "lost", "wanted"),
    [
        (kept(), {}, FIELDS, False, {"full": False, "after": iso(NOW - DAY - HOUR)}),
        (kept(settled=3600.0), {}, FIELDS, False, {"full": False, "after": iso(NOW - DAY)}),
        (kept(settled=3599.0), {}, FIELDS, False, {"full": False, "after": iso(NOW - DAY - HOUR)}),
        (State(), {}, FIELDS, False, {"full": True}),
        (kept(watermark=None), {}, FIELDS, False, {"full": True}),
        (kept(), {"full": True}, FIELDS, False, {"full": True}),
        (kept(), {}, FIELDS, True, {"full": True}),
        (kept(), {}, (*FIELDS, "email"), False, {"full": True}),  # no row has it yet
        (kept(), {}, ("id",), False, {"full": False, "after": iso(NOW - DAY - HOUR)}),
        (kept(runs_since_full=1), {"full_every": 3}, FIELDS, False, {"full": False}),
        (kept(runs_since_full=2), {"full_every": 3}, FIELDS, False, {"full": True}),
        (kept(), {"full_after": DAY}, FIELDS, False, {"full": True}),
        (kept(), {"full_after": DAY + HOUR}, FIELDS, False, {"full": False}),
        (kept(full_at=None), {"full_after": DAY}, FIELDS, False, {"full": True}),
        (kept(full_at=iso(NOW + DAY)), {"full_after": DAY}, FIELDS, False, {"full": True}),  # by a clock that was wrong
    ],
)
def test_a_new_run(
    state: State, how: dict[str, Any], columns: tuple[str, ...], wanted: Mapping[str, Any], *, lost: bool
) -> None:
    run = plan.begin(state, settings(**how), columns, NOW, empty=False, lost=lost)
    assert {name: getattr(run, name) for name in wanted} == wanted
    assert (run.columns, run.first, run.pages, run.position, run.began) == (columns, False, 0, None, None)
    assert run.full or run.after is not None
    assert plan.begin(state, settings(**how), columns, NOW, empty=True, lost=lost).first


def test_an_unfinished_run_is_resumed() -> None:
    state = kept(run=UNFINISHED)
    assert plan.begin(state, settings(), FIELDS, NOW, empty=False, lost=False) is UNFINISHED


@pytest.mark.parametrize(
    ("how", "columns", "lost"),
    [({"full": True}, FIELDS, False), ({}, ("id",), False), ({}, FIELDS, True)],
    ids=["a full one is asked for", "other fields", "rows are missing"],
)
def test_an_unfinished_run_is_given_up(how: dict[str, Any], columns: tuple[str, ...], *, lost: bool) -> None:
    run = plan.begin(kept(run=UNFINISHED), settings(**how), columns, NOW, empty=False, lost=lost)
    assert (run.position, run.pages, run.columns) == (None, 0, columns)


@pytest.mark.parametrize("full", [True, False])
def test_a_run_that_was_listed_to_its_end_is_listed_again(*, full: bool) -> None:
    listed = Run(full=full, columns=FIELDS, first=True, after=None if full else iso(NOW - DAY), pages=3, changed=True)
    state = kept(run=listed)
    run = plan.begin(state, settings(), FIELDS, NOW, empty=False, lost=False)
    assert run == Run(full=full, columns=FIELDS, first=True, after=listed.after)
    assert state.run is run


@pytest.mark.parametrize("full", [True, False])
def test_a_run_starts_again_with_what_it_asks_for_or_in_full(*, full: bool) -> None:
    run = Run(full=False, columns=FIELDS, after=iso(NOW - DAY), position="500", pages=1)
    wanted = Run(full=full, columns=FIELDS, after=None if full else iso(NOW - DAY))
    assert plan.again(run, full=full) == wanted


def test_pages_are_taken_up() -> None:
    run = Run(full=True, columns=FIELDS)
    date = {"date": "Sun, 01 Nov 2026 12:00:03 GMT"}
    first = received(cursor="1", newest=iso(NOW - DAY), headers=date, loose=True, invalid=[INVALID])
    plan.note(run, first, asked_at=NOW, waited=2.0)
    assert (run.began, run.timed, run.position, run.pages) == (iso(NOW), True, "1", 1)
    assert (run.newest, run.loose, run.invalid, run.unknown) == (iso(NOW - DAY), True, 1, False)
    nameless = attrs.evolve(INVALID, id=None)
    plan.note(run, received(newest=iso(NOW - HOUR), invalid=[nameless]), asked_at=NOW + DAY, waited=9.0)
    plan.note(run, received(newest=iso(NOW - DAY), headers=date), asked_at=NOW + DAY, waited=9.0)
    assert (run.began, run.timed, run.position, run.pages) == (iso(NOW), True, None, 3)
    assert (run.newest, run.loose, run.invalid, run.unknown) == (iso(NOW - HOUR), True, 2, True)


def test_where_no_clock_is_to_be_believed_the_first_page_says_what_is_newest() -> None:
    run = Run(full=True, columns=FIELDS)
    for newest in (NOW - DAY, NOW - HOUR):
        plan.note(run, received(newest=iso(newest)), asked_at=NOW, waited=0.0)
    assert (run.began, run.timed, run.newest) == (iso(NOW), False, iso(NOW - DAY))


@pytest.mark.parametrize(
    ("passes", "loose", "new", "again"),
    [
        (0, False, True, False),
        (0, True, False, True),
        (1, True, True, True),
        (1, True, False, False),  # the second one brought nothing new
        (2, True, True, False),  # the third one is the last
    ],
)
def test_a_list_is_read_again_until_nothing_new_comes(passes: int, *, loose: bool, new: bool, again: bool) -> None:
    run = Run(full=True, columns=FIELDS, passes=passes, loose=loose, new=new, position="7")
    assert plan.next_pass(run) is again
    assert (run.passes, run.position is None, run.new) == (passes + 1, again, new and not again)


@pytest.mark.parametrize(
    ("count", "newest", "missing"),
    [
        (9, NOW, False),
        (10, NOW + HOUR, False),
        (8, NOW, True),
        (9, NOW - HOUR, True),
        (9, None, True),
    ],
)
def test_rows_that_are_missing_or_old(count: int, newest: datetime.datetime | None, *, missing: bool) -> None:
    assert plan.misses(kept(synced_at=iso(NOW)), count, newest) is missing
    assert plan.misses(kept(synced_at=None, rows=0), 0, None) is False


@pytest.mark.parametrize(
    ("run", "ahead"),
    [
        (Run(full=False, columns=FIELDS, began=iso(NOW - DAY - HOUR)), False),  # by the overlap at the most
        (Run(full=False, columns=FIELDS, began=iso(NOW - DAY - 2 * HOUR)), True),
        (Run(full=True, columns=FIELDS, began=iso(NOW - DAY - 2 * HOUR)), False),
        (Run(full=False, columns=FIELDS), False),
    ],
)
def test_a_watermark_may_be_ahead(run: Run, *, ahead: bool) -> None:
    assert plan.is_ahead(kept(), run, HOUR) is ahead
    assert plan.is_ahead(kept(watermark=None), run, HOUR) is False
    assert plan.is_ahead(kept(), run, datetime.timedelta.max) is False


def test_the_id_of_an_administration_steers_no_terminal() -> None:
    assert plan.whose("\x1b[31m1") == "administration  [31m1: "


def test_a_run_may_seem_to_begin_a_little_earlier() -> None:
    """A Date tells whole seconds, and the answer's way is a guess."""
    for seconds, ahead in ((5, False), (6, True)):
        run = Run(full=False, columns=FIELDS, began=iso(NOW - DAY - datetime.timedelta(seconds=seconds)))
        assert plan.is_ahead(kept(), run, datetime.timedelta(0)) is ahead


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        ({}, {"watermark": iso(NOW - DAY), "runs_since_full": 3, "full_at": iso(NOW - DAY)}),
        ({"newest": iso(NOW - 2 * HOUR)}, {"watermark": iso(NOW - 2 * HOUR)}),
        ({"newest": iso(NOW)}, {"watermark": iso(NOW - HOUR)}),  # never later than the run began
        ({"newest": iso(NOW - 2 * DAY)}, {"watermark": iso(NOW - DAY)}),  # nor does it go back
        ({"newest": iso(NOW - 2 * HOUR), "invalid": 1}, {"watermark": iso(NOW - DAY), "columns": FIELDS}),
        (
            {"full": True, "newest": iso(NOW - 2 * DAY), "timed": True},
            {"watermark": iso(NOW - DAY), "full_at": iso(NOW)},
        ),
        ({"full": True, "newest": iso(NOW - 2 * DAY)}, {"watermark": iso(NOW - 2 * DAY), "runs_since_full": 0}),
        (
            {"full": True, "newest": iso(NOW - 3 * DAY), "timed": True, "began": iso(NOW - 2 * DAY)},
            {"watermark": iso(NOW - 3 * DAY)},  # the one before was ahead
        ),
        ({"full": True, "timed": True}, {"watermark": iso(NOW - DAY)}),
        ({"full": True, "newest": iso(NOW - HOUR), "invalid": 1}, {"watermark": iso(NOW - DAY), "columns": ()}),
        ({"columns": ("id", "email")}, {"columns": ("id",)}),
        ({"columns": ("id", "email"), "full": True}, {"columns": ("id", "email")}),
    ],
    ids=str,
)
def test_what_is_kept_of_a_run_that_is_complete(run: dict[str, Any], wanted: Mapping[str, Any]) -> None:
    usual: dict[str, Any] = {"full": False, "columns": FIELDS, "began": iso(NOW - HOUR)}
    before = kept(runs_since_full=2, synced_at=iso(NOW), complete_at=iso(NOW - DAY))
    state = plan.finished(before, Run(**{**usual, **run}), settings(), now=NOW, deletions_done=True)
    wanted = {"complete_at": iso(NOW - DAY) if "invalid" in run else iso(NOW), **wanted}
    assert {name: getattr(state, name) for name in wanted} == wanted
    assert (state.run, state.rows, state.synced_at) == (None, 9, iso(NOW))


def test_a_full_run_whose_deletions_are_not_done_is_followed_by_another() -> None:
    run = Run(full=True, columns=FIELDS, began=iso(NOW - HOUR))
    state = plan.finished(kept(runs_since_full=2), run, settings(), now=NOW, deletions_done=False)
    assert (state.runs_since_full, state.full_at, state.complete_at) == (3, iso(NOW - DAY), None)


@pytest.mark.parametrize(
    ("run", "settled"),
    [
        ({}, 3600.0),
        ({"changed": True}, None),
        ({"invalid": 1}, None),
        ({"timed": False}, None),
        ({"newest": iso(NOW - 2 * HOUR)}, None),
        ({"began": iso(NOW - DAY + HOUR)}, 3600.0),
        ({"began": iso(NOW - DAY + HOUR / 2)}, None),  # the overlap is not over yet
    ],
    ids=str,
)
def test_the_overlap_is_read_again_until_it_brought_nothing(run: dict[str, Any], settled: float | None) -> None:
    usual: dict[str, Any] = {"full": False, "columns": FIELDS, "began": iso(NOW - HOUR), "timed": True}
    state = plan.finished(kept(), Run(**{**usual, **run}), settings(), now=NOW, deletions_done=True)
    assert state.settled == settled
    longest = settings(overlap=datetime.timedelta.max)
    assert plan.finished(kept(), Run(**{**usual, **run}), longest, now=NOW, deletions_done=True).settled is None
