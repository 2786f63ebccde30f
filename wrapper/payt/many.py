"""The listings of many administrations at once: records as they arrive, each with its administration's id.

Some workers share out the listings. Each of them goes through one listing after the other, page by page, as a pager
does; what they find goes through one queue to whoever iterates. A worker is ahead of the consumer by as many pages as
`prefetch` says, so that there are never more than `concurrency * (1 + prefetch)` pages in memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from queue import SimpleQueue
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

import attrs

from payt_api.client import AuthenticatedClient

from .background import Abandoned, Here, Worker, join
from .errors import PaytError
from .pager import Listing, Page, Walk, abandon, fetch, fetch_async

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
OnError: TypeAlias = Literal["raise", "collect"]
"""What an error of one listing does: end the whole iteration, or only its own listing."""


@attrs.frozen(kw_only=True, eq=False)
class Listings:
    """What to list: arguments that were checked, and nothing that changes."""

    by_administration: Mapping[str, Listing]
    """The listing of each administration, by its id."""
    concurrency: int
    """How many of them are under way at the same time at most."""
    prefetch: int
    """How many pages each of these is ahead of the consumer."""
    on_error: OnError


class _Event(Generic[T]):
    """What a worker tells: that a page arrived, that a listing failed, or (with neither) that nothing is left to do.

    Attributes:
        room: The worker's; to be released when the page has been consumed.
    """

    def __init__(
        self,
        room: threading.Semaphore | asyncio.Semaphore,
        administration_id: str = "",
        page: Page[T] | None = None,
        error: BaseException | None = None,
    ) -> None:
        self.room = room
        self.administration_id = administration_id
        self.page = page
        self.error = error


class _Round:
    """One iteration: what is left to do, and what failed. No I/O."""

    def __init__(self, listings: Listings) -> None:
        self._left = deque(listings.by_administration.items())
        self._collects = listings.on_error == "collect"
        self.workers = min(listings.concurrency, len(self._left))
        self.errors: dict[str, PaytError] = {}

    def next(self) -> tuple[str, Listing] | None:
        """The next listing that a worker takes up; None where none is left. Threads may ask at the same time."""
        try:
            return self._left.popleft()
        except IndexError:
            return None

    def settle(self, administration_id: str, error: BaseException) -> None:
        """Collect the error of a listing, or raise it; what is no PaytError always comes out."""
        if isinstance(error, PaytError):
            error.administration_id = administration_id
            if self._collects:
                self.errors[administration_id] = error
                return
        raise error


class _Many(Generic[T]):
    def __init__(self, client: AuthenticatedClient, listings: Listings) -> None:
        for listing in listings.by_administration.values():
            Walk[T](listing)  # a cursor of another listing is refused at once
        self._client = client
        self._listings = listings
        self._errors: Mapping[str, PaytError] = {}

    @property
    def errors(self) -> Mapping[str, PaytError]:
        """With `on_error="collect"`, the errors of the last iteration by administration id, complete when it is over.

        Each has the `cursor` that resumes its listing.
        """
        return MappingProxyType(self._errors)

    def _begin(self) -> _Round:
        one = _Round(self._listings)
        self._errors = one.errors
        return one


class ManyPager(_Many[T]):
    """Every record of many administrations, as they arrive, each with its administration's id.

    The records of one administration come in their order; those of several come in between each other. Iterating again
    starts again; nothing is sent before iteration starts.
    """

    def __iter__(self) -> Iterator[tuple[str, T]]:
        """Pairs of an administration's id and a record.

        Raises:
            PaytError: With `on_error="raise"`, as soon as one listing cannot go on; this ends all others too.
                `administration_id` tells which listing it was, and `cursor` resumes that one.
        """
        with closing(self._pages()) as pages:
            for administration_id, page in pages:
                for record in page.data:
                    yield administration_id, record
                del page

    def pages(self) -> Generator[tuple[str, Page[T]]]:
        """Pairs of an administration's id and a page.

        Raises:
            PaytError: As for records.
        """
        return self._pages()

    def _pages(self) -> Generator[tuple[str, Page[T]]]:
        one = self._begin()
        events: SimpleQueue[_Event[T]] = SimpleQueue()
        workers: list[Worker] = []
        here = Here()
        try:
            for _ in range(one.workers):
                room = threading.Semaphore(1 + self._listings.prefetch)
                workers.append(Worker(partial(_work, self._client, one, room, events)))
            working = one.workers
            while working:
                here.check()
                event = events.get()
                if event.page is not None:
                    yield event.administration_id, event.page
                    event.room.release()
                elif event.error is not None:
                    one.settle(event.administration_id, event.error)
                else:
                    working -= 1
                del event  # its page is not kept while the next one is waited for
        finally:
            for worker in workers:
                worker.stop()
            join(workers)


def _work(
    client: AuthenticatedClient,
    one: _Round,
    room: threading.Semaphore,
    events: SimpleQueue[_Event[T]],
    worker: Worker,
) -> None:
    while (taken := one.next()) is not None:
        administration_id, listing = taken
        walk = Walk[T](listing)
        try:
            while True:
                if not walk.ended:
                    worker.wait_for(room.acquire, room.release)
                page = fetch(client, listing, walk)
                if page is None:
                    break
                events.put(_Event(room, administration_id, page))
                del page  # it is the consumer's
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is for whoever iterates
            room.release()
            events.put(_Event(room, administration_id, error=error))
    events.put(_Event(room))


class AsyncManyPager(_Many[T]):
    """The same as `ManyPager`, for asyncio."""

    async def __aiter__(self) -> AsyncIterator[tuple[str, T]]:
        """As iterating a `ManyPager`."""
        pages = _AsyncPages[T](self._client, self._listings, self._begin())
        try:
            while (arrived := await pages.next()) is not None:
                administration_id, page = arrived
                for record in page.data:
                    yield administration_id, record
                del arrived, page  # it is not kept while the next one is waited for
        finally:
            await pages.close()

    async def pages(self) -> AsyncGenerator[tuple[str, Page[T]]]:
        """As `ManyPager.pages`."""
        pages = _AsyncPages[T](self._client, self._listings, self._begin())
        try:
            while (arrived := await pages.next()) is not None:
                yield arrived
                del arrived
        finally:
            await pages.close()


class _AsyncPages(Generic[T]):
    """The pages of all listings, as they arrive; no generator, for the reason of that in `pager`."""

    def __init__(self, client: AuthenticatedClient, listings: Listings, one: _Round) -> None:
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

        self._one = one
        self._events: asyncio.Queue[_Event[T]] = asyncio.Queue()
        self._consumed: asyncio.Semaphore | threading.Semaphore | None = None
        self._workers: list[asyncio.Task[None]] = []
        for _ in range(one.workers):
            room = asyncio.Semaphore(1 + listings.prefetch)
            self._workers.append(asyncio.create_task(_work_async(client, one, room, self._events)))
        self._working = one.workers

    async def next(self) -> tuple[str, Page[T]] | None:
        """The next one, when the one before has been consumed; None behind the last one."""
        if self._consumed is not None:
            self._consumed.release()
            self._consumed = None
        while self._working:
            event = await self._events.get()
            if event.page is not None:
                self._consumed = event.room
                return event.administration_id, event.page
            if event.error is not None:
                self._one.settle(event.administration_id, event.error)
            else:
                self._working -= 1
        return None

    async def close(self) -> None:
        """Give up what is under way."""
        await abandon(self._workers)


async def _work_async(
    client: AuthenticatedClient, one: _Round, room: asyncio.Semaphore, events: asyncio.Queue[_Event[T]]
) -> None:
    while (taken := one.next()) is not None:
        administration_id, listing = taken
        walk = Walk[T](listing)
        try:
            while True:
                if not walk.ended:
                    await room.acquire()
                page = await fetch_async(client, listing, walk)
                if page is None:
                    break
                events.put_nowait(_Event(room, administration_id, page))
                del page  # as in _work
        except BaseException as error:
            room.release()
            events.put_nowait(_Event(room, administration_id, error=error))
            if not isinstance(error, Exception):
                raise
    events.put_nowait(_Event(room))
