"""What a run knows: how to sync, where it stands, what a page brought, and what it did."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import attrs
import msgspec
from attrs.validators import optional

from payt_api.types import decoder_of

from .. import checks
from ..listing import InvalidRecord, OnInvalid
from ..listing.pager import MOST_PREFETCH


@attrs.frozen(kw_only=True)
class Settings:
    """How to sync: arguments of `payt.sync`, declared and checked."""

    overlap: datetime.timedelta = attrs.field(validator=checks.of_field(checks.duration))
    full: bool = attrs.field(validator=checks.of_field(checks.flag))
    full_every: int | None = attrs.field(validator=optional(checks.of_field(checks.number, least=1)))
    full_after: datetime.timedelta | None = attrs.field(validator=optional(checks.of_field(checks.duration)))
    allow_mass_delete: bool = attrs.field(validator=checks.of_field(checks.flag))
    per_page: int
    on_invalid: OnInvalid = attrs.field(validator=checks.of_field(checks.choice, choices=get_args(OnInvalid)))
    prefetch: int = attrs.field(validator=checks.of_field(checks.number, least=0, most=MOST_PREFETCH))


class Run(msgspec.Struct, omit_defaults=True):
    """An unfinished run: all that another process needs to resume it."""

    full: bool
    columns: tuple[str, ...]
    """The fields that it writes."""
    first: bool = False
    """Whether there was nothing here before it, so that nothing can be gone."""
    after: str | None = None
    """Asks for what was updated after this; None for everything."""
    began: str | None = None
    """When, by the server's clock and by ours, whichever is earlier; None before its first page."""
    timed: bool = False
    """Whether the two agreed."""
    newest: str | None = None
    """The latest moment of change received, as it came; where no clock is to be believed, on the first page."""
    position: str | None = None
    """The cursor of the next page; None for the first."""
    pages: int = 0
    """How many were received, of all passes."""
    passes: int = 0
    """How often the list was listed to its end."""
    changed: bool = False
    """Whether it wrote any record."""
    new: bool = False
    """Whether this pass brought a record that was not here."""
    loose: bool = False
    """Whether a cursor did not name the last record of its page, so that a deletion meanwhile may have moved another
    record onto a page that was passed."""
    invalid: int = 0
    """How many records were left out."""
    unknown: bool = False
    """Whether one of those has no key that can be read, so that nothing can be said to be gone."""


class State(msgspec.Struct, omit_defaults=True):
    """What is kept of an administration from run to run."""

    watermark: str | None = None
    """Whatever was updated up to this was received, as far as the service had written it by then."""
    settled: float | None = None
    """How many seconds before the watermark were read again, later than anything is written late, and were as they
    were: once is enough."""
    run: Run | None = None
    runs_since_full: int = 0
    full_at: str | None = None
    """When the last full run ended."""
    complete_at: str | None = None
    """When the last run ended that brought all that there was to bring: how fresh the copy is."""
    columns: tuple[str, ...] = ()
    """The fields that every row has as the service sent them; where one is new, the next run is full."""
    rows: int = 0
    """How many rows there are at least."""
    synced_at: str | None = None
    """The latest `synced_at` of them, at least."""


decode_state = decoder_of(State).decode


@attrs.frozen(kw_only=True)
class Received:
    """What is kept of a page until it is written; the records themselves have been let go by then.

    Attributes:
        rows: The records as the dialect takes them, each of them once.
        ids: Their keys.
        moment: When they were received.
        cursor: That of the next page; None behind the last one.
        loose: Whether that is another one than the key of the page's last record.
        newest: The latest moment of change, as it came.
        headers: Those of the answer.
        invalid: The records that were left out.
    """

    rows: list[Any]
    ids: list[str]
    moment: datetime.datetime
    cursor: str | None
    loose: bool
    newest: str | None
    headers: Mapping[str, str]
    invalid: Sequence[InvalidRecord] = ()


@attrs.define(kw_only=True)
class SyncResult:
    """What a run did.

    Attributes:
        administration_id: For which administration; None where the list belongs to none.
        inserted: Records that are new here.
        updated: Records that differed from their rows, or came back after they had been gone.
        unchanged: Records that were the same as their rows.
        deleted: Records that are gone from the service, and were marked as deleted.
        skipped: Records that a trigger of the table kept out.
        invalid: Records that do not match the contract, and were left out: with `on_invalid="collect"`.
        pages: How many pages were received.
        seconds: How long it took.
        full: Whether all records were read.
        resumed: Whether it resumed an unfinished run; the counts are of its own part.
        complete: Whether it is done.
        watermark: The moment, as Payt wrote it, up to which the next run trusts this one; None where no record has
            one: the next run is full then.
    """

    administration_id: str | None
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: int = 0
    invalid: list[InvalidRecord] = attrs.field(factory=list)
    pages: int = 0
    seconds: float = 0.0
    full: bool = False
    resumed: bool = False
    complete: bool = False
    watermark: str | None = None
