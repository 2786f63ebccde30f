"""The rules of the watermark, for targets of your own: what to ask for and what to keep, so that no change is lost.

    run = payt.incremental.begin(load())  # what the last complete run kept; None at first
    for page in client.contacts.list(administration_id="1", updated_after=run.updated_after).pages():
        write(page.data)  # each record in place of the one with its id, as some come again
        run.take(page)
    save(run.watermark)  # when all is written, and for each administration by itself

One run belongs to one listing. If that is interrupted, resume both: the listing at the cursor of the last page that was
taken, and its run as it was then, by `Run(**saved)`. A new run would forget when the first pages were read, and lose
what changed on them since.

A record that changes while it is listed may be on a page that was passed. So the watermark is never later than the
moment at which the run began: by the server's header Date, where that agrees with our clock, or else no later than
what the first page brought. What a service writes somewhat late is covered by an overlap, which is read again.

What is gone is not told by any of this: run without a watermark now and then, and compare.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from operator import attrgetter
from typing import Any

import attrs
import msgspec
from dateutil.parser import isoparse

from . import checks
from .listing import Page
from .listing.shapes import MOMENT

__all__ = ["Run", "begin"]

OVERLAP = datetime.timedelta(minutes=5)
"""How much is read again, unless somebody says otherwise."""
AGREED = datetime.timedelta(minutes=5)
"""How far the server's Date may be from our clock, where both are to be believed."""
_DATE_HEADER = datetime.timedelta(seconds=1)
"""The header Date tells whole seconds."""


@attrs.define(kw_only=True)
class Run:
    """A run, from `begin` to its last page; one for each listing, and so one for each administration.

    Its fields are JSON: `attrs.asdict(run)`, saved beside a page's cursor, resumes it as `Run(**saved)`.

    Attributes:
        updated_after: What to ask for: only what changed after this; None for everything.
        previous: The watermark that it began with.
        field: The field of a record that says when it changed.
        asked_at: When it began, by our clock.
        began: When it began, by the server's clock or by ours, whichever is earlier; None before its first page.
        agreed: Whether the two agreed.
        newest: The latest change that was received, where the clocks do not agree, on the first page.
        incomplete: Whether records were left out (`on_invalid="collect"`), so that the watermark stays where it is.
        ended: Whether the last page was taken up. Until then, `watermark` is the previous one.
    """

    updated_after: str | None
    previous: str | None
    field: str
    asked_at: str
    began: str | None = None
    agreed: bool = False
    newest: str | None = None
    incomplete: bool = False
    ended: bool = False

    def take(self, page: Page[Any]) -> None:
        """Take a page up, once it is written; each page, in the order of the listing.

        Raises:
            TypeError: It is not a page.
            ValueError: The last page was taken before, the records have no such field or no moments in it, or it was
                not asked for.
        """
        self._check(page)
        first = self.began is None
        if first:
            asked_at = isoparse(self.asked_at)
            waited = now() - asked_at
            # our clock may have been set back
            self.began, self.agreed = begun(page.headers, asked_at, max(waited, datetime.timedelta(0)))
        if self.agreed or first:
            self.newest = latest(self.newest, newest_of(page, self.field))
        self.incomplete = self.incomplete or bool(page.invalid)
        self.ended = page.cursor is None

    @property
    def watermark(self) -> str | None:
        """What to keep: the previous one, until the run is complete.

        None makes the next run a full one: nothing says when it changed, or the previous watermark was in the future,
        and hid what changed until then.
        """
        if self.incomplete or not self.ended or self.began is None:
            return self.previous
        if self.previous is not None and isoparse(self.previous) - isoparse(self.began) > AGREED:
            return None
        return latest(self.previous, self.newest and min(self.newest, self.began, key=isoparse))

    def _check(self, page: Any) -> None:
        if not isinstance(page, Page):
            raise TypeError(
                f"page must be a payt.Page, got {type(page).__name__}: take each page of `.pages()`; where there are "
                "none, as in data frames, docs/engines.md says what to keep"
            )
        if self.ended:
            raise ValueError(
                "page comes after the last page of this run: begin a run for each listing, so one for each "
                "administration of `list_many`"
            )
        kinds = {type(getattr(record, self.field, record)) for record in page.data}
        if not all(issubclass(kind, (MOMENT, type(None))) for kind in kinds):
            record = type(page.data[0]).__name__
            raise ValueError(
                f"page has records of {record}, and {self.field!r} is no field of theirs that says when one changed: "
                "pass `begin` the field that does; if there is none, list everything each time"
            )
        if kinds == {type(None)} and f'"{self.field}"'.encode() not in page.raw:
            raise ValueError(f"page has records without {self.field!r}, which this run goes by: let `fields` have it")


def begin(
    watermark: str | datetime.datetime | None, *, overlap: datetime.timedelta = OVERLAP, field: str = "updated_at"
) -> Run:
    """Begin a run; to be called just before its listing.

    Args:
        watermark: What the last complete run kept; None lists everything.
        overlap: How much is read again.
        field: The field of a record that says when it changed.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: The watermark has no offset, or the overlap is negative.
    """
    checks.text("field", field)
    checks.duration("overlap", overlap)
    previous = None if watermark is None else _checked(watermark)
    after = None if previous is None else earlier(previous, overlap)
    return Run(updated_after=after, previous=previous, field=field, asked_at=iso(now()))


def earlier(raw: str, by: datetime.timedelta) -> str | None:
    """A moment before one as it came; what is finer than microseconds is cut off, never rounded up."""
    try:
        return iso(isoparse(raw) - by)
    except OverflowError:
        return None  # before the year 1 lies everything


def newest_of(page: Page[Any], field: str | None) -> str | None:
    """The latest value of a field in a page, as it came: decoding may have rounded it up."""
    if field is None:
        return None
    newest = max(filter(None, map(attrgetter(field), page.data)), default=None)
    if newest is None:
        return None
    # what was decoded, if it came just so, as decoding the whole page once more takes its time
    with suppress(OverflowError):  # of one that no year of UTC holds
        as_usual = iso(newest)
        if f'"{as_usual}"'.encode() in page.raw:
            return as_usual
    came: list[str] = []
    for record in json.loads(page.raw.decode(errors="replace"), parse_int=str)["data"]:
        with suppress(KeyError, TypeError, ValueError, msgspec.ValidationError):  # of records that were left out
            if msgspec.convert(record[field], MOMENT) == newest:
                came.append(record[field])
    return max(came, key=isoparse)


def begun(headers: Mapping[str, str], asked_at: datetime.datetime, waited: datetime.timedelta) -> tuple[str, bool]:
    """When a listing began, by the server's clock or by ours, whichever is earlier; and whether the two agree.

    By ours, it was `asked_at`, and the first page came so much later; the server's Date is in that page's headers.
    """
    try:
        date = parsedate_to_datetime(headers["date"])
        told = date.astimezone(datetime.UTC) - waited - _DATE_HEADER
    except (KeyError, ValueError, OverflowError):
        return iso(asked_at), False
    return iso(min(told, asked_at)), abs(told - asked_at) <= AGREED


def latest(*moments: str | None) -> str | None:
    """The latest of some moments, as it came; None where there is none."""
    return max(filter(None, moments), key=isoparse, default=None)


def now() -> datetime.datetime:
    """Now, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def iso(moment: datetime.datetime) -> str:
    """A moment as Payt writes it: always with microseconds, so that texts sort as moments do."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _checked(watermark: Any) -> str:
    if isinstance(watermark, datetime.datetime):
        watermark = watermark.isoformat()
    checks.text("watermark", watermark)
    with suppress(ValueError):
        if isoparse(watermark).utcoffset() is not None:
            return str(watermark)
    raise ValueError(f"watermark must be ISO 8601 with an offset, as a run keeps it, got {watermark!r}")
