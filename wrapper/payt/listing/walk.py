"""One iteration over a list: what to ask next, and what a page means. No I/O."""

from __future__ import annotations

import copy
import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import attrs

from payt_api.types import Response

from ..errors import InvalidResponseError, PaginationError, PaytError
from ..transport import clock
from .arguments import Listing

T = TypeVar("T")
log = logging.getLogger("payt")
_LONGEST_CURSOR = 16_384
"""How many characters of a cursor are sent back: a URL has 65,536 at most, and encoding can treble them."""


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


class Walk(Generic[T]):
    """One iteration over a list: where it stands and what comes next.

    A listing in several parts has cursors of its own, "2/500": part 2, from the API's cursor "500".
    """

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._part, self._cursor = self._start()
        self._first_part = self._part
        self._seen = {_digest(self._cursor)} if self._cursor else set()
        self._records: set[bytes] = set()
        self._left = listing.limit
        self._warned = False
        self._pages = self._count = 0
        self._began = clock.now()

    def query(self) -> dict[str, Any] | None:
        """What to ask next, as the operation's arguments; None where the listing is complete."""
        if self.ended:
            log.info("listed %d records, %d pages in %.1f s", self._count, self._pages, clock.now() - self._began)
            return None
        per_page = self.listing.per_page if self._left is None else min(self.listing.per_page, self._left)
        return {**self.listing.parts[self._part], "cursor": self._cursor, "per_page": per_page}

    @property
    def number(self) -> int:
        """The number of the page that comes next, from 1."""
        return self._pages + 1

    @property
    def ended(self) -> bool:
        """Whether the listing is complete."""
        return self._part >= len(self.listing.parts) or self._left == 0

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

    def page(self, response: Response[Any]) -> Page[T]:
        """The page that an answer holds; from here on, `query()` is about the one behind it.

        Raises:
            InvalidResponseError: The contract knows no page in an answer of this status.
            PaginationError: Its cursor is one that came before.
        """
        body: Any = response.parsed
        if not isinstance(getattr(body, "data", None), list):
            raise _about(response, InvalidResponseError(f"status {response.status_code} brought no page", path="$"))
        self._warn_of_unknown_fields(response)
        data = self._fresh(body.data)[: self._left]
        if self._left is not None:
            self._left -= len(data)
        self._take_up(body, response)
        self._pages, self._count = self._pages + 1, self._count + len(data)
        return Page(data=data, cursor=self.cursor, raw=response.content, headers=response.headers)

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

    def _take_up(self, body: Any, response: Response[Any]) -> None:
        """Take up the cursor of a page; at the end of a part, the start of the next one."""
        cursor = body.pagination.cursor if body.pagination is not None else None
        if not cursor or (not body.data and cursor == self._cursor):
            self._part, self._cursor = self._part + 1, None
            self._seen.clear()
            return
        if _digest(cursor) in self._seen:
            circles = "the cursor goes in circles: the server sent one that it had sent before"
            raise _about(response, PaginationError(circles))
        if len(cursor) > _LONGEST_CURSOR:
            long = f"the cursor has {len(cursor)} characters, more than a URL can hold"
            raise _about(response, InvalidResponseError(long, path="$.pagination.cursor"))
        self._seen.add(_digest(cursor))
        self._cursor = cursor

    def _fresh(self, records: list[T]) -> list[T]:
        """The records that did not come in an earlier part, of this iteration or of the one that it resumes."""
        if not self.listing.overlapping:
            return records
        before = min(self._part, self._first_part + 1) if self.listing.cursor is not None else 0
        fresh = []
        for record in records:
            key = getattr(record, self.listing.spec.key or "")
            if _digest(key or "") not in self._records and not any(
                self._belongs(record, part) for part in self.listing.parts[:before]
            ):
                fresh.append(record)
            if key:
                self._records.add(_digest(key))
        return fresh

    def _belongs(self, record: T, part: Mapping[str, Any]) -> bool:
        """Whether a record passes the filters of a part."""
        for name, field in self.listing.spec.separated.items():
            if name in part and field is not None:
                held = getattr(record, field)
                if {*(held if isinstance(held, list) else [held])}.isdisjoint(part[name].split(",")):
                    return False
        return True

    def _warn_of_unknown_fields(self, response: Response[Any]) -> None:
        if response.unknown_fields and not self._warned:
            self._warned = True
            names = ", ".join(sorted(response.unknown_fields))
            log.warning("the API sends fields that openapi.yaml does not know: %s", names)


def _about(response: Response[Any], error: PaytError) -> PaytError:
    """An error that knows which answer it is about."""
    error.method, error.url, error.status = "GET", response.url, response.status_code
    error.request_id = response.headers.get("X-Request-Id")
    return error


def _digest(text: str) -> bytes:
    """What stands for a text in a set: sixteen bytes, however long the text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
