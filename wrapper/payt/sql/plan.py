"""What a run of a sync does: decided here, once and without I/O, for both flavours and both databases.

A run asks for what was updated after the watermark of the last complete run (or, if it is full, for everything), takes
page after page, and moves the watermark when it is complete. The new watermark W may be at most as late as the moment
at which the run was begun, by the server's clock: a record that changes during a run may be on a page that was
passed already, and is then updated later than W, so that the next run asks for it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from operator import attrgetter
from typing import Any

import attrs
import msgspec
from dateutil.parser import isoparse

from ..errors import InvalidResponseError
from ..listing import Page
from .errors import MassDeletionError
from .schema import iso

MOST_GONE = 0.2
"""Which part of the records may be gone at once."""
DATE_HEADER = datetime.timedelta(seconds=1)
"""The header Date tells whole seconds."""


@attrs.frozen(kw_only=True)
class Settings:
    """How to sync; the arguments of `payt.sync`, checked."""

    overlap: datetime.timedelta
    full: bool
    full_every: int | None
    full_after: datetime.timedelta | None
    allow_mass_delete: bool
    per_page: int


class Run(msgspec.Struct, omit_defaults=True):
    """An unfinished run: all that another process needs to go on with it."""

    full: bool
    columns: tuple[str, ...]
    """The fields that it writes."""
    first: bool = False
    """Whether there was nothing here before it, so that nothing can be gone."""
    after: str | None = None
    """Asks for what was updated after this; None for everything."""
    began: str | None = None
    """When, by the server's clock or earlier; None before its first page."""
    newest: str | None = None
    """The latest moment of change received, as it came."""
    position: str | None = None
    """The cursor of the next page; None for the first."""


class State(msgspec.Struct, omit_defaults=True):
    """What is kept of an administration from run to run."""

    watermark: str | None = None
    """Whatever was updated up to this was received, as far as the service had written it by then."""
    run: Run | None = None
    runs_since_full: int = 0
    full_at: str | None = None
    """When the last full run ended."""
    columns: tuple[str, ...] = ()
    """The fields that every row has as the service sent them; where one is new, the next run is full."""


@attrs.frozen(kw_only=True)
class Received:
    """What is kept of a page until it is written; the records themselves have been let go by then.

    Attributes:
        rows: The records as the dialect takes them, each of them once.
        cursor: That of the next page; None behind the last one.
        newest: The latest moment of change, as it came.
        headers: Those of the answer.
    """

    rows: list[Any]
    cursor: str | None
    newest: str | None
    headers: Mapping[str, str]


@attrs.define(kw_only=True)
class SyncResult:
    """What a run did.

    Attributes:
        administration_id: For which administration; empty where the list belongs to none.
        inserted: Records that are new here.
        updated: Records that were other than here, those that came back included.
        unchanged: Records that came as they were here.
        deleted: Records that are gone from the service, and were marked as deleted.
        pages: How many pages were received.
        seconds: How long it took.
        full: Whether all records were read.
        resumed: Whether it went on with an unfinished run; the counts are of its own part.
        watermark: The moment, as Payt wrote it, up to which the next run trusts this one; None where no record has
            one: the next run is full then.
    """

    administration_id: str
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    pages: int = 0
    seconds: float = 0.0
    full: bool = False
    resumed: bool = False
    watermark: str | None = None


def begin(state: State, settings: Settings, columns: tuple[str, ...], now: datetime.datetime, *, empty: bool) -> Run:
    """The run to do now, which writes these columns: the unfinished one, or a new one.

    An explicitly full run starts afresh even then, so that what it finds gone is gone now.
    """
    if state.run is not None and state.run.columns == columns and not settings.full:
        if state.run.position is None:  # all was listed, but not all done: what was gone then may be less than now
            state.run = again(state.run)
        return state.run
    full = (
        settings.full
        or state.watermark is None
        or not set(columns).issubset(state.columns)
        or (settings.full_every is not None and state.runs_since_full + 1 >= settings.full_every)
        or (
            settings.full_after is not None
            and (state.full_at is None or now - isoparse(state.full_at) >= settings.full_after)
        )
    )
    after = None if full or state.watermark is None else earlier(state.watermark, settings.overlap)
    return Run(full=full, first=empty, columns=columns, after=after)


def again(run: Run) -> Run:
    """The same run from its start, where the service does not know its cursor any more."""
    return Run(full=run.full, first=run.first, columns=run.columns, after=run.after)


def note(run: Run, received: Received, *, asked_at: datetime.datetime, waited: float) -> None:
    """Take a page up into a run.

    Args:
        run: The run.
        received: The page.
        asked_at: When the listing was begun, by our clock.
        waited: How many seconds passed since.
    """
    if run.began is None:
        run.began = iso(_server_time(received.headers, waited) or asked_at)
    run.newest = max(filter(None, (run.newest, received.newest)), key=isoparse, default=None)
    run.position = received.cursor


def finished(state: State, run: Run, *, now: datetime.datetime, deletions_done: bool) -> State:
    """What is kept of an administration when a run is complete."""
    watermark = state.watermark
    if run.newest is not None and run.began is not None:
        moments = [run.newest if isoparse(run.newest) <= isoparse(run.began) else run.began, *filter(None, [watermark])]
        watermark = max(moments, key=isoparse)
    # an older payt-client that knows fewer fields leaves the others as they were
    columns = run.columns if run.full else tuple(name for name in state.columns if name in run.columns)
    if run.full and deletions_done:
        return State(watermark=watermark, columns=columns, full_at=iso(now))
    return State(watermark=watermark, columns=columns, runs_since_full=state.runs_since_full + 1, full_at=state.full_at)


def whose(administration_id: str) -> str:
    """What a message begins with: the administration, if there is one."""
    return f"administration {administration_id}: " if administration_id else ""


def mass_deletion(administration_id: str, records: str, *, gone: int, known: int) -> MassDeletionError | None:
    """The error where so many are gone that the listing is to be doubted."""
    if gone > known * MOST_GONE:
        return MassDeletionError(
            f"{whose(administration_id)}{gone} of {known} {records} are gone from a complete listing; none was "
            "marked as deleted. If that is right, run a full sync that allows it: "
            "full=True, allow_mass_delete=True (--full --allow-mass-delete)"
        )
    return None


def earlier(raw: str, by: datetime.timedelta) -> str | None:
    """A moment before one as it came; what is finer than microseconds is cut off, never rounded up."""
    try:
        return iso(isoparse(raw) - by)
    except OverflowError:
        return None  # before the year 1 lies everything


def newest_of(page: Page[Any], watermark: str | None) -> str | None:
    """The latest value of this field in a page, as it came: decoding may have rounded it up."""
    if watermark is None:
        return None
    moments = [*map(attrgetter(watermark), page.data)]
    latest = max(filter(None, moments), default=None)
    if latest is None:
        return None
    # what was decoded, if it came just so, as decoding the whole page once more takes its time
    as_usual = iso(latest)
    if f'"{as_usual}"'.encode() in page.raw:
        return as_usual
    data = msgspec.json.decode(page.raw, type=dict[str, msgspec.Raw])["data"]
    record = msgspec.json.decode(data, type=list[dict[str, msgspec.Raw]])[moments.index(latest)]
    return msgspec.json.decode(record[watermark], type=str)


def check_keys(page: Page[Any], key: str) -> None:
    """Records without a key cannot be kept.

    Raises:
        InvalidResponseError: There is one.
    """
    for index, value in enumerate(map(attrgetter(key), page.data)):
        if value in (None, ""):
            raise InvalidResponseError(
                f"a record without its key ({key}) cannot be kept, as nothing would tell it from others",
                path=f"$.data[{index}].{key}",
            )


def _server_time(headers: Mapping[str, str], waited: float) -> datetime.datetime | None:
    """The time at the server when it was asked, or somewhat earlier; None where it does not tell."""
    try:
        date = parsedate_to_datetime(headers["date"])
        return date.astimezone(datetime.UTC) - datetime.timedelta(seconds=waited) - DATE_HEADER
    except (KeyError, ValueError, OverflowError):
        return None
