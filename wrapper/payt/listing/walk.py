"""One iteration over a list: what to ask next, and what a page means. No I/O.

A listing is complete when a page comes without a cursor. Where such a page is odd (as full as a page can be, or with
names around its records that the contract does not know), that is proven by one more request, behind its last record.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, NoReturn, TypeVar

import attrs
import msgspec

from payt_api.errors import DecodeError, NotJsonError
from payt_api.types import Response, Unreadable, decode_each

from ..errors import APIError, InvalidResponseError, PaginationError, PaytError
from ..transport import clock
from ..transport.redaction import plain
from .arguments import Listing
from .seen import Seen

T = TypeVar("T")
log = logging.getLogger("payt")
_LONGEST_CURSOR = 16_384
"""How many characters of a cursor are sent back: a URL has 65,536 at most, and encoding can treble them."""
_MOST_EMPTY = 100
"""How many pages in a row may have a cursor and no records."""
_UNKNOWN_CURSOR = (400, 404, 409, 410, 422)
"""How a service says that it does not know a cursor."""


@attrs.frozen(kw_only=True)
class InvalidRecord:
    """A record that is not what the contract says, and was left out.

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
    """What to pass as `cursor=` to resume behind this page; None on the last one."""
    raw: bytes = attrs.field(repr=False)
    """The body as it came, for what the models do not hold."""
    headers: Mapping[str, str] = attrs.field(repr=False)
    """The headers of the answer; names are compared without case."""
    invalid: tuple[InvalidRecord, ...] = attrs.field(default=(), repr=False)
    """With `on_invalid="collect"`, the records that were left out."""


class Walk(Generic[T]):
    """One iteration over a list: where it stands and what comes next.

    A listing in several parts has cursors of its own, "2/500": part 2, from the API's cursor "500".
    """

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.invalid: list[InvalidRecord] = []
        self._part, self._cursor = self._start()
        self._first_part = self._part
        self._cursors = {_digest(self._cursor)} if self._cursor else set()
        self._seen = Seen()
        self._left = listing.limit
        self._by_key = False  # whether a cursor was seen to be the key of the last record on its page
        self._before: list[Any] = []  # the keys of the page before
        self._doubt: str | None = None  # why the end has to be proven, where it has
        self._joint: str | None = None  # the key that must come next, where a page was cut and that has to be proven
        self._uncut: str | None = None  # the cursor of that page
        self._empty = self._pages = self._count = 0
        self._warned = False
        self._began = clock.now()

    def query(self) -> dict[str, Any] | None:
        """What to ask next, as the operation's arguments; None where the listing is complete."""
        if self.ended:
            log.info("listed %d records, %d pages in %.1f s", self._count, self._pages, clock.now() - self._began)
            return None
        return {**self.listing.parts[self._part], "cursor": self._cursor, "per_page": self._per_page}

    @property
    def number(self) -> int:
        """The number of the page that comes next, from 1."""
        return self._pages + 1

    @property
    def ended(self) -> bool:
        """Whether the listing is complete."""
        return self._part >= len(self.listing.parts) or (self._left == 0 and not self._proving)

    @property
    def cursor(self) -> str | None:
        """What resumes the listing from where it stands; None at the start, and where it is complete."""
        if len(self.listing.parts) <= 1:
            return self._cursor
        if (self._part, self._cursor) == (0, None) or self._part >= len(self.listing.parts):
            return None
        return f"{self._part + 1}/{self._cursor or ''}"

    @contextmanager
    def resumable(self) -> Iterator[None]:
        """Errors that pass through carry the cursor that resumes the listing."""
        try:
            yield
        except PaytError as error:
            own = copy.copy(error).with_traceback(error.__traceback__)  # others may get it too, and write into it
            own.cursor = self.cursor
            raise own from error.__cause__

    def page(self, response: Response[Any], invalid: tuple[InvalidRecord, ...] = ()) -> Page[T] | None:
        """The page that an answer holds; from here on, `query()` is about the one behind it.

        Returns:
            The page; None where it only proves that the one before was cut rightly.

        Raises:
            InvalidResponseError: It is not a page, or the end that came before was none.
            PaginationError: The listing would never end.
        """
        body: Any = response.parsed
        if not isinstance(getattr(body, "data", None), list):
            self._refuse(response, f"status {response.status_code} brought no page")
        odd = self._odd_names(response)
        keys = [getattr(record, self.listing.spec.key or "", None) for record in body.data]
        new = self._seen.new(keys)
        if self._joint is not None or self._doubt is not None:
            return self._proof(response, keys, more=any(new) or bool(invalid))
        cursor = body.pagination.cursor if body.pagination is not None else None
        if not cursor or (not keys and not invalid and cursor == self._cursor):
            cursor = None
        self._check(response, cursor, keys, new)
        self._by_key = self._by_key or (bool(keys) and cursor == keys[-1])
        last = {} if all(new) else dict(zip(keys, body.data, strict=True))  # of two on one page, the later one
        records = zip(body.data, keys, new, strict=True)
        fresh = (last.get(key, record) if key else record for record, key, is_new in records if is_new)
        data = [record for record in fresh if not self._came_before(record)]
        full = len(keys) + len(invalid) >= self._per_page
        if self._left is not None and len(data) > self._left:
            cursor = self._cut(response, data[: self._left], cursor, keys)
            del data[self._left :]
        if self._left is not None:
            self._left -= len(data)
        self._take_up(cursor, keys, f"`{odd}`" if odd else "a full page" if full and self._left != 0 else None)
        self._pages, self._count = self._pages + 1, self._count + len(data)
        return Page(data=data, cursor=self.cursor, raw=response.content, headers=response.headers, invalid=invalid)

    def instead(self, error: InvalidResponseError | APIError) -> Page[T] | None:
        """What to go on with in place of a page.

        Raises:
            PaytError: The error, where nothing is.
        """
        if isinstance(error, APIError):
            if self._doubt is None or error.status_code not in _UNKNOWN_CURSOR:
                raise error
            return self._empty_page(error.body, error.headers)  # the key of a record is not a cursor there
        response = None if isinstance(error.__cause__, NotJsonError) else getattr(error.__cause__, "response", None)
        if response is None:
            raise error from error.__cause__
        try:
            unknown: set[str] = set()
            page, records = decode_each(response.content, self.listing.spec.page, self.listing.spec.record, unknown)
        except DecodeError:  # what is around the records is wrong
            raise error from error.__cause__
        invalid = tuple(self._invalid(record) for record in records if isinstance(record, Unreadable))
        if invalid and not self.listing.collects:
            error.raw, error.record_id = invalid[0].raw, invalid[0].id
        if not invalid or not self.listing.collects:
            raise error from error.__cause__
        page.data.extend(record for record in records if not isinstance(record, Unreadable))
        url, headers = str(response.url.copy_with(query=None)), response.headers
        self.invalid.extend(invalid)
        return self.page(Response(url, response.status_code, response.content, headers, page, unknown), invalid)

    @property
    def _per_page(self) -> int:
        return min(self.listing.per_page, self._left or self.listing.per_page)

    @property
    def _proving(self) -> bool:
        return self._doubt is not None or self._joint is not None

    def _start(self) -> tuple[int, str | None]:
        cursor, parts = self.listing.cursor, len(self.listing.parts)
        if cursor is None or parts <= 1:
            return 0, cursor
        position = re.fullmatch(r"([1-9]\d*)/(.*)", cursor, flags=re.DOTALL)
        if position is None or int(position[1]) > parts:
            raise ValueError(
                f"cursor {cursor!r} does not belong to this listing, whose filters take {parts} parts: "
                "pass one that came with the same filters"
            )
        return int(position[1]) - 1, position[2] or None

    def _take_up(self, cursor: str | None, keys: list[Any], doubt: str | None) -> None:
        """Take up the cursor of a page; at the end of a part, prove that it is one, or start the next part."""
        self._before = keys
        if cursor is not None:
            self._cursors.add(_digest(cursor))
            self._cursor = cursor
        elif doubt and keys and keys[-1]:
            self._doubt, self._cursor = doubt, keys[-1]
        else:
            self._next_part()

    def _empty_page(self, raw: bytes, headers: Mapping[str, str]) -> Page[T]:
        self._next_part()
        self._pages += 1
        return Page(data=[], cursor=self.cursor, raw=raw, headers=headers)

    def _next_part(self) -> None:
        self._part, self._cursor, self._doubt, self._before = self._part + 1, None, None, []
        self._cursors.clear()

    def _proof(self, response: Response[Any], keys: list[Any], *, more: bool) -> Page[T] | None:
        """What an answer to a proof means: an empty last page, or that a page was cut rightly."""
        doubt, joint, self._doubt, self._joint = self._doubt, self._joint, None, None
        if joint is not None:
            if keys[:1] != [joint]:
                self._cannot_cut(response)
            return None
        if more:
            self._refuse(
                response,
                f"the listing seemed complete, and there are records behind its end: the last page ended with {doubt} "
                "and without `pagination.cursor`",
                path="$.pagination",
            )
        return self._empty_page(response.content, response.headers)

    def _check(self, response: Response[Any], cursor: str | None, keys: list[Any], new: list[bool]) -> None:
        """That the listing advances."""
        self._empty = 0 if keys or cursor is None else self._empty + 1
        stands = bool(keys) and not any(new) and (not self.listing.overlapping or keys == self._before)
        if self._empty > _MOST_EMPTY:
            raise _about(response, PaginationError(f"{_MOST_EMPTY} pages in a row had a cursor and no records"))
        if cursor is not None and _digest(cursor) in self._cursors:
            circles = "the cursor goes in circles: the server sent one that it had sent before"
            raise _about(response, PaginationError(circles))
        if cursor is not None and len(cursor) > _LONGEST_CURSOR:
            long = f"the cursor has {len(cursor)} characters, more than a URL can hold"
            self._refuse(response, long, path="$.pagination.cursor")
        if cursor is not None and stands:
            raise _about(response, PaginationError("the cursor moves and the records stay: all of a page came before"))

    def _cut(self, response: Response[Any], data: list[T], cursor: str | None, keys: list[Any]) -> str:
        """The cursor behind the last of these records, on a page that has more than were asked for."""
        key, self._uncut = getattr(data[-1], self.listing.spec.key or "", None), self._cursor
        if not key:
            self._cannot_cut(response)
        if not self._by_key and cursor != keys[-1]:
            self._joint = keys[keys.index(key) + 1]
        return str(key)

    def _cannot_cut(self, response: Response[Any]) -> NoReturn:
        self._cursor = self._uncut
        self._refuse(
            response,
            "the page has more records than were asked for, and nothing says how to resume behind the last one of "
            "`limit`: list without limit",
            path="$.data",
        )

    def _came_before(self, record: T) -> bool:
        """Whether a record belongs to a part before the one that this iteration resumed."""
        if not self.listing.overlapping or self.listing.cursor is None:
            return False
        return any(self._belongs(record, part) for part in self.listing.parts[: min(self._part, self._first_part + 1)])

    def _belongs(self, record: T, part: Mapping[str, Any]) -> bool:
        """Whether a record passes the filters of a part."""
        for name, field in self.listing.spec.separated.items():
            if name in part and field is not None:
                held = getattr(record, field)
                if {*(held if isinstance(held, list) else [held])}.isdisjoint(part[name].split(",")):
                    return False
        return True

    def _invalid(self, record: Unreadable) -> InvalidRecord:
        try:
            found = json.loads(record.raw).get(self.listing.spec.key)
        except (AttributeError, ValueError, RecursionError):  # it is no object, or more
            found = None
        identifier = plain(str(found)) if isinstance(found, (str, int)) and found is not True else None
        return InvalidRecord(
            id=identifier, path=record.error.path, reason=record.error.reason, raw=record.raw, cursor=self.cursor
        )

    def _odd_names(self, response: Response[Any]) -> str:
        """Names around the records that the contract does not know, for people; "" where there are none.

        Raises:
            InvalidResponseError: One of them says that there was an error.
        """
        if not response.unknown_fields:
            return ""
        if not self._warned:
            self._warned = True
            unknown = plain(", ".join(sorted(response.unknown_fields)[:20]))
            log.warning("the API sends fields that openapi.yaml does not know: %s", unknown)
        around = msgspec.json.decode(response.content, type=dict[str, msgspec.Raw])
        for name in ("error", "errors"):
            if name in response.unknown_fields and around.get(name, b"null") not in (b"null", b"[]", b"{}", b'""'):
                self._refuse(response, f"status {response.status_code}, and yet the answer has `{name}`", f"$.{name}")
        names = {*around, *_names_in(around.get("pagination"))} & response.unknown_fields
        return ", ".join(sorted(name if name.isidentifier() else "…" for name in names))

    def _refuse(self, response: Response[Any], text: str, path: str = "$") -> NoReturn:
        raise _about(response, InvalidResponseError(text, path=path))


def _names_in(raw: msgspec.Raw | None) -> set[str]:
    return {*(msgspec.json.decode(raw or b"null", type=dict[str, msgspec.Raw] | None) or {})}


def _about(response: Response[Any], error: PaytError) -> PaytError:
    """An error that knows which answer it is about."""
    error.method, error.url, error.status = "GET", response.url, response.status_code
    error.request_id = plain(response.headers.get("X-Request-Id", "")) or None
    return error


def _digest(text: str) -> bytes:
    """What stands for a text in a set: sixteen bytes, however long the text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
