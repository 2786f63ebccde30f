"""One iteration over a list: what to ask next, and what a page means. No I/O.

A listing is complete when a page comes without a cursor. Where such a page is odd (as full as any page before it, or as
a page can be, or with names around its records that the contract does not know), that is proven by one more request,
behind the last record.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from payt_api.types import Response

from ..errors import APIError, InvalidResponseError, PaginationError, PaytError
from ..transport import clock
from ..transport.call import current
from ..transport.redaction import plain
from .arguments import Listing
from .guesses import Guesses
from .pages import (
    CANNOT_CUT,
    NO_KEY,
    InvalidRecord,
    Page,
    Proof,
    Seen,
    ascending,
    cursor_of,
    keys_of,
    odd_names,
    read_each,
    records_of,
    refuse,
)

T = TypeVar("T")
log = logging.getLogger("payt")
_LONGEST_CURSOR = 16_384
"""How many characters of a cursor are sent back: a URL has 65,536 at most, and encoding can treble them."""
_MOST_EMPTY = 100
"""How many pages in a row may have a cursor and no records."""
_POSITION = re.compile(r"([1-9]\d*)~([0-9a-f]{16})/(.*)", flags=re.DOTALL)
"""A cursor of a listing in several parts."""
UNKNOWN_CURSOR = (400, 404, 409, 410, 422)
"""How a service says that it does not know a cursor."""


class Walk(Generic[T]):
    """One iteration over a list: where it stands and what comes next.

    A listing in several parts has cursors of its own, "2~MARK/500": part 2, from the API's cursor "500". The mark is of
    all parts: with other filters, or the same in another order, what came and what is left would be others.

    Args:
        listing: What to list.
        prefetch: How many pages there may be that were asked for before their turn.
        rate: How many requests start in a second at most; None where nothing limits them.
    """

    def __init__(self, listing: Listing, prefetch: int = 0, rate: float | None = None) -> None:
        self.listing = listing
        self.guesses = Guesses(listing.per_page, prefetch, rate) if prefetch > 1 else None
        self.invalid: list[InvalidRecord] = []
        self._part, self._cursor = self._start()
        self._cursors = {hash(self._cursor)}  # of all that were sent, however long they are
        self._seen = Seen()
        self.left: float = math.inf if listing.limit is None else listing.limit
        self._by_key = False  # whether a cursor was seen to be the key of the last record on its page
        self._before: list[Any] = []  # the keys of the last page that had records
        self._largest = 0  # how many records the largest page had
        self._proof: Proof | None = None
        self._empty = self.pages = self._count = 0
        self._warned = False
        self._began = clock.now()

    def query(self) -> dict[str, Any] | None:
        """What to ask next, as the operation's arguments; None where the listing is complete."""
        if self.ended:
            records, pages = _counted(self._count, "record"), _counted(self.pages, "page")
            log.info("%s: listed %s, %s in %.1f s", self._name, records, pages, clock.now() - self._began)
            return None
        return {**self.listing.parts[self._part], "cursor": self._cursor, "per_page": self._per_page}

    @property
    def ended(self) -> bool:
        """Whether the listing is complete."""
        return self._part >= len(self.listing.parts) or (self.left == 0 and self._proof is None)

    @property
    def cursor(self) -> str | None:
        """What resumes the listing from where it stands; None at the start, and where it is complete."""
        cursor = self._proof.cursor if self._proof is not None and self._proof.cut else self._cursor
        if len(self.listing.parts) <= 1:
            return cursor
        if (self._part, cursor) == (0, None) or self._part >= len(self.listing.parts):
            return None
        return f"{self._part + 1}~{self.listing.mark}/{cursor or ''}"

    @property
    def before(self) -> list[int] | None:
        """The ids on the page before, where the next cursors can be guessed from them; the last one is its own."""
        if self._proof is not None or len(self.listing.parts) != 1:
            return None
        before = ascending(self._before, -1)
        return before if before and str(before[-1]) == self._cursor else None

    def page(self, response: Response[Any], records: list[Any] | None = None, *, overlap: int = 0) -> Page[T] | None:
        """The page that an answer holds; from here on, `query()` is about the one behind it.

        Args:
            response: The answer.
            records: Those of the page, where some of them are InvalidRecords.
            overlap: With how many records of the page before it begins.

        Returns:
            The page; None where one more answer has to prove that it was cut rightly.

        Raises:
            InvalidResponseError: It is not a page, or the end that came before was none.
            PaginationError: The listing would never end.
        """
        if self.guesses:
            self.guesses.measured(current())
        records = records_of(response) if records is None else records
        count, records = len(records), records[overlap:]
        keys = keys_of(self.listing, records)
        if response.unknown_fields and not self._warned:
            self._warned = True
            unknown = plain(", ".join(sorted(response.unknown_fields)[:20]))
            log.warning("the API sends fields that openapi.yaml does not know: %s", unknown)
        odd = odd_names(response)
        new = self._seen.new(keys)
        if self._proof is not None:
            return self._proven(self._proof, response, keys, more=any(new))
        cursor = cursor_of(response)
        if not count and cursor == self._cursor:
            cursor = None
        self._check(response, cursor, keys, new)
        self._by_key = self._by_key or (bool(keys) and cursor == keys[-1])
        self._before = keys or self._before
        fresh = records if all(new) else self._fresh(records, keys, new)
        collects, proof = self.listing.collects, None
        data = [each for each in fresh if not isinstance(each, InvalidRecord)] if collects else fresh
        if len(data) > self.left:
            data = data[: int(self.left)]
            fresh = fresh[: fresh.index(data[-1]) + 1]
            cursor, proof = self._cut(response, data[-1], keys)
        elif cursor is None:
            cursor, proof = self._end(response, odd, count, wanted=len(data) != self.left)
        self.left -= len(data)
        if cursor is None:
            self._next_part()
        else:
            self._cursors.add(hash(cursor))
            self._cursor, self._proof = cursor, proof
            self._largest = max(self._largest, count)
        self.pages, self._count = self.pages + 1, self._count + len(data)
        invalid = tuple(each for each in fresh if isinstance(each, InvalidRecord)) if collects else ()
        self.invalid.extend(invalid)
        made = Page(data=data, cursor=self.cursor, raw=response.content, headers=response.headers, invalid=invalid)
        if proof is None or proof.doubt:
            return made
        proof.cut = made
        return None

    def instead(self, error: PaytError) -> Page[T] | None:
        """What to go on with in place of a page.

        Raises:
            PaytError: The error, where nothing is, with the cursor that resumes the listing.
        """
        try:
            if isinstance(error, InvalidResponseError):
                return self.page(*read_each(self.listing, error, self.cursor))
            if self._proof is None or not isinstance(error, APIError) or error.status_code not in UNKNOWN_CURSOR:
                raise error
            if self._proof.cut:
                refuse(error, InvalidResponseError(CANNOT_CUT, path="$.data"))
        except PaytError as final:
            final.cursor, final.administration_id = self.cursor, self._administration_id
            raise
        return self._empty_page(error.body, error.headers)  # the key of a record is not a cursor there

    @property
    def _name(self) -> str:
        """What is listed, for people."""
        name, whose = self.listing.spec.name, self._administration_id
        return name if whose is None else f"{name} of administration {plain(whose)}"

    @property
    def _administration_id(self) -> str | None:
        return self.listing.parts[0].get("administration_id") if self.listing.parts else None

    @property
    def _per_page(self) -> int:
        return int(min(self.listing.per_page, self.left or math.inf))

    def _start(self) -> tuple[int, str | None]:
        cursor, parts = self.listing.cursor, len(self.listing.parts)
        position = _POSITION.fullmatch(cursor or "")
        if cursor is None or (parts <= 1 and position is None):
            return 0, cursor
        if position is None or position[2] != self.listing.mark or int(position[1]) > parts:
            raise ValueError(
                f"cursor {cursor!r} does not belong to this listing, whose filters take {parts} parts: pass it with "
                "the same filters, their values in the same order"
            )
        return int(position[1]) - 1, position[3] or None

    def _fresh(self, records: list[Any], keys: list[Any], new: list[bool]) -> list[Any]:
        """The records that come for the first time; of two on one page, the later one.

        Of a listing that was resumed, nobody knows which came before: those of several parts may come again.
        """
        last = dict(zip(keys, records, strict=True))
        given = zip(records, keys, new, strict=True)
        return [last[key] if key else each for each, key, is_new in given if is_new]

    def _empty_page(self, raw: bytes, headers: Mapping[str, str]) -> Page[T]:
        self._next_part()
        self.pages += 1
        return Page(data=[], cursor=self.cursor, raw=raw, headers=headers)

    def _next_part(self) -> None:
        self._part, self._cursor, self._proof, self._before = self._part + 1, None, None, []
        self._largest = 0
        self._cursors.clear()

    def _end(self, response: Response[Any], odd: str, count: int, *, wanted: bool) -> tuple[str | None, Proof | None]:
        """What a page without a cursor leads to: nothing, or the cursor behind its last record, and its proof."""
        full = count >= min(self._per_page, self._largest or self._per_page)
        if not (odd or full) or not (count or self._largest) or self.listing.spec.key is None:
            return None, None
        if not any(self._before[-1:]):
            refuse(response, InvalidResponseError(NO_KEY, path="$.data"))
        proof = Proof(doubt=f"`{odd}`" if odd else "a full page", cursor=self._cursor)
        return _sendable(response, str(self._before[-1]), "$.data"), proof if odd or wanted else None

    def _proven(self, proof: Proof, response: Response[Any], keys: list[Any], *, more: bool) -> Page[T] | None:
        """What an answer to a proof means: an empty last page, or that a page was cut rightly."""
        self._proof = None
        if proof.cut is not None:
            if keys[:1] != [proof.first]:
                self._cursor = proof.cursor
                refuse(response, InvalidResponseError(CANNOT_CUT, path="$.data"))
            return proof.cut
        cursor = cursor_of(response)
        further = not keys and cursor is not None and hash(cursor) not in self._cursors
        again = bool(keys) and keys == self._before and proof.cursor != self._cursor
        if more or further or again:
            found = "there are records" if more else "the same page comes" if again else "there is a cursor"
            text = (
                f"the listing seemed complete, and {found} behind its end: the last page ended with {proof.doubt} and "
                "without `pagination.cursor`"
            )
            refuse(response, InvalidResponseError(text, path="$.pagination"))
        return self._empty_page(response.content, response.headers)

    def _check(self, response: Response[Any], cursor: str | None, keys: list[Any], new: list[bool]) -> None:
        """That the listing advances."""
        self._empty = 0 if keys or cursor is None else self._empty + 1
        stands = keys and not any(new) and (not self.listing.overlapping or keys == self._before)
        if self._empty > _MOST_EMPTY:
            refuse(response, PaginationError(f"{_MOST_EMPTY} pages in a row had a cursor and no records"))
        if cursor is None:
            return
        if hash(cursor) in self._cursors:
            refuse(response, PaginationError("the cursor goes in circles: it was sent before"))
        _sendable(response, cursor, "$.pagination.cursor")
        if stands:
            text = "the cursor changes but the records do not: all records of a page came before"
            refuse(response, PaginationError(text))

    def _cut(self, response: Response[Any], last: Any, keys: list[Any]) -> tuple[str, Proof | None]:
        """The cursor behind this record, on a page that has more than were asked for."""
        [key] = keys_of(self.listing, [last])
        if not key:
            refuse(response, InvalidResponseError(CANNOT_CUT, path="$.data"))
        proof = Proof(first=keys[keys.index(key) + 1], cursor=self._cursor)
        return _sendable(response, str(key), "$.data"), None if self._by_key else proof


def _sendable(response: Response[Any], cursor: str, path: str) -> str:
    """A cursor that a URL can hold."""
    if len(cursor) > _LONGEST_CURSOR or len(quote(cursor)) > 3 * _LONGEST_CURSOR:  # outside ASCII, it is more
        long = f"the cursor has {len(cursor)} characters, more than a URL can hold"
        refuse(response, InvalidResponseError(long, path=path))
    return cursor


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
