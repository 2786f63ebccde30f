"""What one answer holds: a page, its records, which of them came before, and what is odd about it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from operator import attrgetter, lt
from typing import Any, Generic, NoReturn, TypeVar

import attrs
import msgspec

from payt_api.errors import DecodeError
from payt_api.types import Response, Unreadable, decode_each

from ..errors import APIError, InvalidResponseError, PaytError
from ..transport.redaction import plain
from .arguments import Listing

T = TypeVar("T")
CANNOT_CUT = (
    "the page has more records than were asked for, and nothing says how to resume behind the last one of `limit`: "
    "list without limit"
)
_TROUBLE = ("error", "errors")
"""Names which say that there was an error, where they hold anything."""
NO_KEY = (
    "the listing seems to end here, on a full or odd page, and its last record has no key to ask what is behind it: "
    "let `fields` have it"
)


@attrs.frozen(kw_only=True)
class InvalidRecord:
    """A record that does not match the contract, and was left out.

    Attributes:
        id: Its id, where that can be read.
        path: Where it is wrong, as a JSON path ("$.data[3].updated_at").
        reason: What was expected, and what kind of thing stood there.
        raw: The record as it came, as JSON.
        cursor: What to pass as `cursor=` for the page that it is on; None for the first one.
    """

    id: str | None
    path: str
    reason: str
    raw: bytes = attrs.field(repr=False)
    cursor: str | None


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list."""

    data: list[T] = attrs.field(repr=lambda data: f"<{len(data)} records>")
    """The records."""
    cursor: str | None
    """What to pass as `cursor=` to resume after this page; None on the last one."""
    raw: bytes = attrs.field(repr=False)
    """The body as it came, for what the models do not hold. With `prefetch` above 1, it may begin with records that
    are in the data of the page before."""
    headers: Mapping[str, str] = attrs.field(repr=False)
    """The headers of the answer; names are compared without case."""
    invalid: tuple[InvalidRecord, ...] = attrs.field(default=(), repr=False)
    """With `on_invalid="collect"`, the records that were left out."""


@attrs.define(kw_only=True)
class Proof:
    """What the answer to the next request has to show, before the listing goes on.

    Attributes:
        cursor: Where the page before began.
        doubt: That there is nothing behind the page before, which ended with this.
        first: That this key comes next, because the page before was cut in front of it.
        cut: That page, which is given out then.
    """

    cursor: str | None
    doubt: str = ""
    first: Any = None
    cut: Page[Any] | None = None


class Seen:
    """Remembers the keys of records: in some two bytes each while they are numbers that ascend, else in a set."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._last = -1
        self._all: set[str] | None = None

    def new(self, keys: Sequence[Any]) -> list[bool]:
        """Whether each of these comes for the first time; a record without a key always does."""
        if self._all is None:
            if numbers := ascending(keys, self._last):
                self._last = numbers[-1]
                self._packed.append(zlib.compress(msgspec.json.encode(keys), 1))
            if numbers is not None:
                return [True] * len(keys)
            pages = (msgspec.json.decode(zlib.decompress(page)) for page in self._packed)
            self._all = {str(key) for page in pages for key in page}
            self._packed.clear()
        result = []
        for key in keys:
            result.append(key is None or str(key) not in self._all)
            if key is not None:
                self._all.add(str(key))
        return result


def ascending(keys: Sequence[Any], above: int) -> list[int] | None:
    """Keys as numbers; None where they are none, or do not ascend from above this one."""
    try:
        numbers = msgspec.convert(keys, list[int], strict=False)  # also of texts, in a third of the time that int takes
    except msgspec.ValidationError:
        return None
    return numbers if all(map(lt, [above, *numbers], numbers)) else None


def records_of(response: Response[Any]) -> list[Any]:
    """The records of an answer.

    Raises:
        InvalidResponseError: It is not a page.
    """
    data = getattr(response.parsed, "data", None)
    if not isinstance(data, list):
        refuse(response, InvalidResponseError(f"status {response.status_code} brought no page", path="$"))
    return data


def keys_of(listing: Listing, records: list[Any]) -> list[Any]:
    """The keys of records, each None where it has none."""
    name = listing.spec.key or ""
    if not listing.collects:  # then none of them is invalid
        return [*map(attrgetter(name), records)] if name else [None] * len(records)
    return [each.id if isinstance(each, InvalidRecord) else getattr(each, name, None) for each in records]


def cursor_of(response: Response[Any]) -> str | None:
    """The cursor that came with a page."""
    pagination = response.parsed.pagination  # type: ignore[union-attr]  # every list has it, says the contract's check
    return (pagination.cursor or None) if pagination is not None else None


def odd_names(response: Response[Any]) -> str:
    """Names around the records that the contract does not know, for people; "" if there are none.

    Raises:
        InvalidResponseError: One of them says that there was an error.
    """
    if not response.unknown_fields:
        return ""
    around: dict[str, Any]
    try:
        around = msgspec.json.decode(response.content, type=dict[str, msgspec.Raw])
        told = {name: msgspec.json.decode(around[name]) for name in (*_TROUBLE, "pagination") if name in around}
    except (msgspec.DecodeError, ValueError):  # text that is not Unicode, or a number that is too long for Python
        around = told = json.loads(response.content.decode(errors="replace"), parse_int=float)
    for name in _TROUBLE:
        if name in response.unknown_fields and told.get(name):
            text = f"status {response.status_code}, and yet the answer has `{name}`"
            refuse(response, InvalidResponseError(text, path=f"$.{name}"))
    names = {*around, *(told.get("pagination") or ())} & response.unknown_fields
    return ", ".join(sorted(name if name.isidentifier() else "…" for name in names))


def read_each(listing: Listing, error: InvalidResponseError, cursor: str | None) -> tuple[Response[Any], list[Any]]:
    """A page that cannot be read as a whole, and its records, of which some are InvalidRecords.

    Raises:
        InvalidResponseError: The error, where that is not what is wrong, or not what is wanted.
    """
    cause = error.__cause__
    response = getattr(cause, "response", None)
    if response is None:
        raise error from cause
    try:
        unknown: set[str] = set()
        page, read = decode_each(response.content, listing.spec.page, listing.spec.record, unknown)
    except DecodeError:  # what is around the records is wrong
        raise error from cause
    records = [_invalid(listing, each, cursor) if isinstance(each, Unreadable) else each for each in read]
    invalid = [each for each in records if isinstance(each, InvalidRecord)]
    if invalid and not listing.collects:
        error.raw, error.record_id = invalid[0].raw, invalid[0].id
        which = "a record without an id" if error.record_id is None else f"record {error.record_id}"
        error.add_note(f"the first one is {which} (in Python: on_invalid='collect' lists all others)")
    if not invalid or not listing.collects:
        raise error from cause
    url = str(response.url).partition("?")[0]
    return Response(url, response.status_code, response.content, response.headers, page, unknown), records


def refuse(answer: Response[Any] | APIError, error: PaytError) -> NoReturn:
    """Raise an error, which then knows which answer it is about."""
    error.method, error.url, error.status = "GET", answer.url, answer.status_code
    error.request_id = plain(answer.headers.get("X-Request-Id", "")) or None
    raise error


def _invalid(listing: Listing, record: Unreadable, cursor: str | None) -> InvalidRecord:
    try:
        found = json.loads(record.raw).get(listing.spec.key)
    except (AttributeError, ValueError, RecursionError):  # it is not an object, or more
        found = None
    identifier = plain(str(found)) if isinstance(found, (str, int)) and found is not True else None
    return InvalidRecord(
        id=identifier, path=record.error.path, reason=record.error.reason, raw=record.raw, cursor=cursor
    )
