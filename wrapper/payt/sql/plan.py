"""What a run of a sync does: decided here, once and without I/O, for both flavours and all databases.

A run asks for what was updated after the watermark of the last complete run (or, if it is full, for everything), takes
page after page, and moves the watermark when it is complete. The new watermark W may be at most as late as the moment
at which the run was begun, by the clock that stamps the records: a record that changes during a run may be on a page
that was passed already, and is then updated later than W, so that the next run asks for it. The server's Date tells
that moment, where it agrees with our clock. Where it does not, W is the latest change on the first page, which
happened before anything was passed, whatever any clock says.
"""

from __future__ import annotations

import datetime
from operator import attrgetter
from typing import Any

from dateutil.parser import isoparse

from ..errors import InvalidResponseError
from ..incremental import AGREED, begun, earlier, iso, latest
from ..listing import Page
from ..transport.redaction import plain
from .errors import MassDeletionError
from .state import Received, Run, Settings, State

MOST_GONE = 0.2
"""Which part of the records may be gone at once."""
_JITTER = datetime.timedelta(seconds=5)
"""How much earlier a later run may seem to have begun."""
MOST_PASSES = 3
"""How often a run lists the same at most, where cursors may lose records."""


def begin(
    state: State, settings: Settings, columns: tuple[str, ...], now: datetime.datetime, *, empty: bool, lost: bool
) -> Run:
    """The run to do now, which writes these columns: the unfinished one, or a new one.

    An explicitly full run starts afresh even then, so that what it finds gone is gone now.

    Args:
        state: What was kept from the last run.
        settings: How to sync.
        columns: Which fields the run writes.
        now: By our clock.
        empty: Whether there is no row.
        lost: Whether rows are missing.
    """
    if state.run is not None and state.run.columns == columns and not settings.full and not lost:
        if state.run.position is None:  # all was listed, but not all done: what was gone then may be less than now
            state.run = again(state.run)
        return state.run
    full = (
        settings.full
        or lost
        or not set(columns).issubset(state.columns)
        or (settings.full_every is not None and state.runs_since_full + 1 >= settings.full_every)
        or (settings.full_after is not None and _is_due(state.full_at, settings.full_after, now))
    )
    if full or state.watermark is None:
        return Run(full=True, first=empty, columns=columns)
    overlap = settings.overlap
    if state.settled is not None and state.settled >= overlap.total_seconds():
        overlap = datetime.timedelta(0)
    return Run(full=False, first=empty, columns=columns, after=earlier(state.watermark, overlap))


def again(run: Run, *, full: bool = False) -> Run:
    """The same run from its start: where the service does not know its cursor any more, or it has to be a full one."""
    return Run(full=full or run.full, first=run.first, columns=run.columns, after=None if full else run.after)


def next_pass(run: Run) -> bool:
    """Whether a run whose listing came to its end has to list once more; then it is ready to do so.

    What was moved onto a page that was passed comes with the next pass. It ends when one brought nothing new.
    """
    run.passes += 1
    if not run.loose or run.passes >= MOST_PASSES or (run.passes > 1 and not run.new):
        return False
    run.position, run.new = None, False
    return True


def note(run: Run, received: Received, *, asked_at: datetime.datetime, waited: float) -> None:
    """Take a page up into a run.

    Args:
        run: The run.
        received: The page.
        asked_at: When the listing was begun, by our clock.
        waited: How many seconds passed since.
    """
    if run.began is None:
        run.began, run.timed = begun(received.headers, asked_at, datetime.timedelta(seconds=waited))
    if run.timed or not run.pages:
        run.newest = latest(run.newest, received.newest)
    run.pages += 1
    run.position = received.cursor
    run.loose = run.loose or received.loose
    run.invalid += len(received.invalid)
    run.unknown = run.unknown or any(record.id is None for record in received.invalid)


def misses(state: State, count: int, newest: datetime.datetime | None) -> bool:
    """Whether rows are missing that were written, or are as they were before: deleted, or restored alone."""
    older = state.synced_at is not None and (newest is None or newest < isoparse(state.synced_at))
    return count < state.rows or older


def is_ahead(state: State, run: Run, overlap: datetime.timedelta) -> bool:
    """Whether the watermark is later than the server's time, so that it hides what changes until then."""
    if run.full or state.watermark is None or run.began is None:
        return False
    return isoparse(state.watermark) - isoparse(run.began) > max(overlap, _JITTER)


def finished(state: State, run: Run, settings: Settings, *, now: datetime.datetime, deletions_done: bool) -> State:
    """What is kept of an administration when a run is complete."""
    known, began = state.watermark, isoparse(str(run.began))
    if run.full and not (known and run.timed and isoparse(known) <= began):
        known = None  # it may have been too far ahead; this run has received everything
    watermark = latest(known, run.newest and min(run.newest, str(run.began), key=isoparse))
    # an older payt-client that knows fewer fields leaves the others as they were
    columns = run.columns if run.full else tuple(name for name in state.columns if name in run.columns)
    if run.invalid:  # what was left out is asked for again until it can be read, wherever it was found
        watermark, columns = state.watermark, () if run.full else columns
    quiet = watermark is not None and watermark == state.watermark and not run.changed and not run.invalid
    settled = quiet and run.timed and began - isoparse(str(watermark)) >= settings.overlap
    full = run.full and deletions_done
    return State(
        watermark=watermark,
        settled=settings.overlap.total_seconds() if settled else None,
        runs_since_full=0 if full else state.runs_since_full + 1,
        full_at=iso(now) if full else state.full_at,
        complete_at=iso(now) if deletions_done and not run.invalid else state.complete_at,
        columns=columns,
        rows=state.rows,
        synced_at=state.synced_at,
    )


def whose(administration_id: str | None) -> str:
    """What a message begins with: the administration, if there is one."""
    return f"administration {plain(administration_id)}: " if administration_id else ""


def mass_deletion(administration_id: str | None, records: str, *, gone: int, known: int) -> MassDeletionError | None:
    """The error where so many are gone that the listing is to be doubted."""
    if gone > known * MOST_GONE:
        return MassDeletionError(
            f"{whose(administration_id)}{gone} of {known} {records} are gone from a complete listing; none was "
            "marked as deleted. If that is right, run a full sync that allows it: "
            "--full --allow-mass-delete (in Python: full=True, allow_mass_delete=True)"
        )
    return None


def check_keys(page: Page[Any], key: str) -> None:
    """Records without a key cannot be kept.

    Raises:
        InvalidResponseError: There is one.
    """
    for index, value in enumerate(map(attrgetter(key), page.data)):
        if value in (None, ""):
            raise InvalidResponseError(
                f"a record without its key ({key}) cannot be stored, because nothing would distinguish it",
                path=f"$.data[{index}].{key}",
            )


def _is_due(full_at: str | None, after: datetime.timedelta, now: datetime.datetime) -> bool:
    """Whether the last full run is so long ago; one in the future was dated by a clock that was wrong."""
    return full_at is None or now - isoparse(full_at) >= after or isoparse(full_at) > now + AGREED
