"""The cursor loop: from one operation of the contract to every record of a listing, page after page.

It serves any generated operation whose page has `data` and `pagination.cursor`. `Walk` decides, without I/O, what
to ask next and what an answer means; `Pager` and `AsyncPager` only send and wait.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import attrs

from payt_api.client import AuthenticatedClient
from payt_api.errors import DecodeError
from payt_api.types import Response

from . import clock
from .asked import asking
from .background import Ahead
from .errors import InvalidResponseError, PaginationError, PaytError
from .pickling import reduce_pager

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
R = TypeVar("R")
log = logging.getLogger("payt")
_LONGEST_CURSOR = 16_384
"""How many characters of a cursor are sent back: a URL has 65,536 at most, and encoding can treble them."""


class Operation(Protocol):
    """A generated operation: the module that holds its functions."""

    @property
    def sync_detailed(self) -> Callable[..., Response[Any]]:
        """Ask, and wait for the answer."""
        ...

    @property
    def asyncio_detailed(self) -> Callable[..., Awaitable[Response[Any]]]:
        """The same for asyncio."""
        ...


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a listing."""

    data: list[T] = attrs.field(repr=lambda data: f"<{len(data)} records>")
    """The records."""
    cursor: str | None
    """What to pass as `cursor=` to go on behind this page; None on the last one."""
    raw: bytes = attrs.field(repr=False)
    """The body as it came, for what the models do not hold."""
    headers: Mapping[str, str] = attrs.field(repr=False)
    """The headers of the answer; names are compared without case."""


@attrs.frozen(kw_only=True, eq=False)
class Listing:
    """What to list: arguments that were checked, and nothing that changes."""

    operation: Operation
    """The generated operation that lists."""
    parts: tuple[Mapping[str, Any], ...]
    """The query of each part, without cursor and per_page: one part, or several where the filters are too long for one
    URL, or none where a filter holds no values."""
    cursor: str | None = None
    """Where to start."""
    per_page: int
    """How many records a page holds at most."""
    limit: int | None = None
    """How many records to list at most."""
    belongs: Callable[[Any, Mapping[str, Any]], bool] | None = None
    """Whether a record belongs to a part; given where it may belong to several, and must come once all the same."""


class Walk(Generic[T]):
    """One iteration over a listing: where it stands and what comes next. No I/O.

    A listing in several parts has cursors of its own, "2/500": part 2, from the API's cursor "500".
    """

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
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
        per_page = self._listing.per_page if self._left is None else min(self._listing.per_page, self._left)
        return {**self._listing.parts[self._part], "cursor": self._cursor, "per_page": per_page}

    @property
    def ended(self) -> bool:
        """Whether the listing is complete."""
        return self._part >= len(self._listing.parts) or self._left == 0

    def page(self, response: Response[Any]) -> Page[T]:
        """The page that an answer holds; from here on, `query()` is about the one behind it.

        Raises:
            InvalidResponseError: The contract knows no page in an answer of this status.
            PaginationError: Its cursor is one that came before.
        """
        body: Any = response.parsed
        if not isinstance(getattr(body, "data", None), list):
            raise InvalidResponseError(f"status {response.status_code} brought no page", path="$")
        self._warn_of_unknown_fields(response)
        data = self._fresh(body.data)[: self._left]
        if self._left is not None:
            self._left -= len(data)
        self._go_on(body)
        self._pages, self._count = self._pages + 1, self._count + len(data)
        return Page(data=data, cursor=self.cursor, raw=response.content, headers=response.headers)

    @property
    def cursor(self) -> str | None:
        """What resumes the listing from where it stands; None at the start, and where it is complete."""
        if len(self._listing.parts) <= 1:
            return self._cursor
        if (self._part, self._cursor) == (0, None) or self._part >= len(self._listing.parts):
            return None
        return f"{self._part + 1}/{self._cursor or ''}"

    @contextmanager
    def resumable(self) -> Iterator[None]:
        """Errors that pass through carry the cursor that resumes the listing; an unreadable page becomes one."""
        with asking(self._pages + 1) as asked:
            try:
                yield
            except PaytError as error:
                own = copy.copy(error).with_traceback(error.__traceback__)  # others may get it too, and write into it
                own.cursor = self.cursor
                asked.tell(own)
                raise own from error.__cause__
            except DecodeError as error:
                invalid = InvalidResponseError(f"the answer is not what the contract says: {error}", path=error.path)
                invalid.cursor = self.cursor
                asked.tell(invalid)
                raise invalid from error

    def _start(self) -> tuple[int, str | None]:
        cursor, parts = self._listing.cursor, len(self._listing.parts)
        if cursor is None or parts <= 1:
            return 0, cursor
        position = re.fullmatch(r"([1-9]\d*)/(.*)", cursor, flags=re.DOTALL)
        if position is None or int(position[1]) > parts:
            raise ValueError(
                f"cursor {cursor!r} is none of this listing, whose filters take {parts} parts: "
                "pass one that came with the same filters"
            )
        return int(position[1]) - 1, position[2] or None

    def _go_on(self, body: Any) -> None:
        """Take up the cursor of a page; at the end of a part, the start of the next one."""
        cursor = body.pagination.cursor if body.pagination is not None else None
        if not cursor or (not body.data and cursor == self._cursor):
            self._part, self._cursor = self._part + 1, None
            self._seen.clear()
            return
        if _digest(cursor) in self._seen:
            raise PaginationError("the cursor goes in circles: the server sent one that it had sent before")
        if len(cursor) > _LONGEST_CURSOR:
            raise InvalidResponseError(
                f"the cursor has {len(cursor)} characters, more than a URL can hold", path="$.pagination.cursor"
            )
        self._seen.add(_digest(cursor))
        self._cursor = cursor

    def _fresh(self, records: list[T]) -> list[T]:
        """The records that did not come in an earlier part, of this iteration or of the one that it resumes."""
        belongs = self._listing.belongs
        if belongs is None:
            return records
        before = min(self._part, self._first_part + 1) if self._listing.cursor is not None else 0
        fresh = []
        for record in records:
            key = _digest(getattr(record, "id", None) or "")
            if key not in self._records and not any(belongs(record, part) for part in self._listing.parts[:before]):
                fresh.append(record)
            if getattr(record, "id", None):
                self._records.add(key)
        return fresh

    def _warn_of_unknown_fields(self, response: Response[Any]) -> None:
        if response.unknown_fields and not self._warned:
            self._warned = True
            names = ", ".join(sorted(response.unknown_fields))
            log.warning("the API sends fields that openapi.yaml does not know: %s", names)


def fetch(client: AuthenticatedClient, listing: Listing, walk: Walk[T]) -> Page[T] | None:
    """The next page; None where there is none.

    Raises:
        PaytError: The listing cannot go on; `cursor` resumes it.
    """
    query = walk.query()
    if query is None:
        return None
    with walk.resumable():
        return walk.page(listing.operation.sync_detailed(client=client, **query))


async def fetch_async(client: AuthenticatedClient, listing: Listing, walk: Walk[T]) -> Page[T] | None:
    """As `fetch`."""
    query = walk.query()
    if query is None:
        return None
    with walk.resumable():
        return walk.page(await listing.operation.asyncio_detailed(client=client, **query))


class Pager(Generic[T]):
    """Every record of a listing. Iterating again starts again; nothing is sent before iteration starts.

    With `prefetch`, the next page is fetched while one is being consumed, by a thread. It is started before the
    second page, and ends with the iteration, or when that is left.
    """

    def __init__(self, client: AuthenticatedClient, listing: Listing, *, prefetch: int = 1) -> None:
        Walk[T](listing)  # a cursor of another listing is refused at once
        self._client = client
        self._listing = listing
        self._prefetch = prefetch

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_pager(self, self._client.get_httpx_client(), self._listing, self._prefetch)

    def __iter__(self) -> Iterator[T]:
        """Every record, page after page, in the order of the API.

        Raises:
            PaytError: The listing cannot go on; `cursor` resumes it.
        """
        with closing(self.map_pages(_same)) as pages:
            for page in pages:
                yield from page.data
                del page  # it is let go where it was made

    def pages(self) -> Generator[Page[T]]:
        """The same, a page at a time.

        Raises:
            PaytError: The listing cannot go on; `cursor` resumes it.
        """
        return self.map_pages(_same)

    def map_pages(self, make: Callable[[Page[T]], R]) -> Generator[R]:
        """What `make` makes of each page, where it is fetched: while one is consumed, the next one is fetched and made.

        Args:
            make: Called with one page after the other, in the thread that fetches ahead; what it raises is raised here,
                at its place.

        Raises:
            PaytError: The listing cannot go on; `cursor` resumes it.
        """
        walk = Walk[T](self._listing)

        def fetch_next() -> tuple[R] | None:
            page = fetch(self._client, self._listing, walk)
            return None if page is None else (make(page),)

        with closing(Ahead[tuple[R] | None]()) as ahead:
            before, made = None, fetch_next()
            while made is not None:
                begun = self._prefetch > 0 and not walk.ended
                if begun:
                    ahead.begin(fetch_next, let_go=before)
                before = None
                yield made[0]
                before, made = made, None
                made = ahead.result() if begun else fetch_next()


class AsyncPager(Generic[T]):
    """The same as `Pager`, for asyncio; a task fetches the next page."""

    def __init__(self, client: AuthenticatedClient, listing: Listing, *, prefetch: int = 1) -> None:
        Walk[T](listing)
        self._client = client
        self._listing = listing
        self._prefetch = prefetch

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_pager(self, self._client.get_async_httpx_client(), self._listing, self._prefetch)

    async def __aiter__(self) -> AsyncIterator[T]:
        """As iterating a `Pager`."""
        pages: _AsyncPages[T, Page[T]] = _AsyncPages(self._client, self._listing, self._prefetch, _same_async)
        try:
            while (made := await pages.next()) is not None:
                for record in made[0].data:
                    yield record
                del made  # one page in memory less while the next one is waited for
        finally:
            await pages.close()

    def pages(self) -> AsyncGenerator[Page[T]]:
        """As `Pager.pages`."""
        return self.map_pages(_same_async)

    async def map_pages(self, make: Callable[[Page[T]], Awaitable[R]]) -> AsyncGenerator[R]:
        """As `Pager.map_pages`; `make` is awaited, in the task that fetches ahead."""
        pages = _AsyncPages(self._client, self._listing, self._prefetch, make)
        try:
            while (made := await pages.next()) is not None:
                yield made[0]
                del made
        finally:
            await pages.close()


class _AsyncPages(Generic[T, R]):
    """What `make` makes of one page after the other.

    No generator, so that those above are not nested in each other: where a loop ends with them, asyncio closes all
    generators at the same time, and one cannot be closed while another one does so.
    """

    def __init__(
        self,
        client: AuthenticatedClient,
        listing: Listing,
        prefetch: int,
        make: Callable[[Page[T]], Awaitable[R]],
    ) -> None:
        self._client, self._listing, self._prefetch, self._make = client, listing, prefetch, make
        self._walk = Walk[T](listing)
        self._ahead: asyncio.Task[tuple[R] | None] | None = None

    async def next(self) -> tuple[R] | None:
        """The next one; None where there is none. With `prefetch`, the one after it is under way then."""
        import asyncio  # noqa: PLC0415  # see abandon

        made = await (self._fetch() if self._ahead is None else self._ahead)
        self._ahead = None
        if made is not None and self._prefetch > 0 and not self._walk.ended:
            self._ahead = asyncio.create_task(self._fetch())
        return made

    async def close(self) -> None:
        """Give up what is under way."""
        if self._ahead is not None:
            await abandon([self._ahead])

    async def _fetch(self) -> tuple[R] | None:
        page = await fetch_async(self._client, self._listing, self._walk)
        return None if page is None else (await self._make(page),)


def _same(page: Page[T]) -> Page[T]:
    return page


async def _same_async(page: Page[T]) -> Page[T]:
    return page


async def abandon(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for their end; whatever they end with is of no interest any more."""
    import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _digest(text: str) -> bytes:
    """What stands for a text in a set: sixteen bytes, however long the text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
