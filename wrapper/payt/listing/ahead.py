"""Pages fetched ahead of whoever consumes: by threads, or by tasks. One engine for one listing and for many.

Workers share out the listings. Each goes through one after the other, and stays ahead of the consumer by as many pages
as it has room for; what it finds goes through one queue. Room comes back when a page has been consumed.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import attrs

from payt_api.client import AuthenticatedClient

from ..errors import APIError, InvalidResponseError
from ..transport.call import Abandoned, Cancel, running_loop
from ..transport.retries import ask, ask_async
from ..transport.workers import Worker, join
from .walk import Page, Walk

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
R = TypeVar("R")


def fetch(
    api: AuthenticatedClient, make: Callable[[Page[T]], R], walk: Walk[T], cancel: Cancel | None = None
) -> tuple[R] | None:
    """What `make` makes of the next page; None where there is none.

    Raises:
        PaytError: The listing cannot go on; `cursor` resumes it.
    """
    operation = walk.listing.spec.operation
    while (query := walk.query()) is not None:
        cursor = walk.cursor
        with walk.resumable():
            try:
                page = ask(api, operation, query, walk.page, label=f"page {walk.number}", cancel=cancel)
            except (InvalidResponseError, APIError) as error:
                page = walk.instead(error)
        if page is not None:
            with _noted(cursor):
                return (make(page),)
    return None


async def fetch_async(
    api: AuthenticatedClient, make: Callable[[Page[T]], Awaitable[R]], walk: Walk[T]
) -> tuple[R] | None:
    """As `fetch`."""
    operation = walk.listing.spec.operation
    while (query := walk.query()) is not None:
        cursor = walk.cursor
        with walk.resumable():
            try:
                page = await ask_async(api, operation, query, walk.page, label=f"page {walk.number}")
            except (InvalidResponseError, APIError) as error:
                page = walk.instead(error)
        if page is not None:
            with _noted(cursor):
                return (await make(page),)
    return None


@contextmanager
def _noted(cursor: str | None) -> Iterator[None]:
    """What a user's function raises says where to resume, so that the page that it is about comes again."""
    try:
        yield
    except Exception as error:
        error.add_note(f"while dealing with a page; resume with cursor={cursor!r}")
        with suppress(AttributeError):
            error.cursor = cursor  # type: ignore[attr-defined]  # a user's own class may have none
        raise


def same(page: Page[T]) -> Page[T]:
    """For `make`: the page itself."""
    return page


async def same_async(page: Page[T]) -> Page[T]:
    """As `same`."""
    return page


@attrs.define
class Arrival(Generic[R]):
    """What was made of a page, or the error in its place.

    Attributes:
        name: Of which listing.
        room: The worker's; it gets back what has been consumed.
        made: What was made; absent where there is an error.
        error: Whatever was raised.
    """

    name: str
    room: Any
    made: Any = None
    error: BaseException | None = None

    def result(self) -> R:
        """What was made of the page; an error is raised."""
        if self.error is not None:
            raise self.error
        result: R = self.made
        return result


Reads: TypeAlias = Callable[[Walk[Any], Cancel], tuple[R] | None]
Walks: TypeAlias = Iterable[tuple[str, Walk[Any]]]


class Ahead(Generic[R]):
    """Threads that read ahead.

    Args:
        walks: The listings by their names.
        read: What makes something of the next page of a walk, in a thread; None where there is none.
        workers: How many threads.
        room: How many pages each may be ahead, the one that is being consumed included.
        first: What was read already, by the caller, of the first walk.
    """

    def __init__(self, walks: Walks, read: Reads[R], *, workers: int, room: int, first: tuple[R] | None = None) -> None:
        self._arrivals: SimpleQueue[Arrival[R] | None] = SimpleQueue()
        self._process = os.getpid()
        left = deque(walks)
        self._workers = []
        for _ in range(workers):
            consumed: SimpleQueue[R | None] = SimpleQueue()
            if first is not None:
                self._arrivals.put(Arrival("", consumed, first[0]))
            for _ in range(room if first is None else room - 1):
                consumed.put(None)
            # the threads know nothing but this: an iteration that is dropped is collected, and that closes it
            self._workers.append(Worker(partial(_work, left, read, consumed, self._arrivals)))

    def __iter__(self) -> Iterator[Arrival[R]]:
        working = len(self._workers)
        while working:
            if os.getpid() != self._process:
                raise RuntimeError(
                    "this listing began before the process was forked, and only the parent can go on with it: list anew"
                )
            arrival = self._arrivals.get()
            if arrival is None:
                working -= 1
                continue
            yield arrival
            # it is freed in the thread that made it, in whose processor's caches it lies, and nobody waits for that
            room, consumed, arrival = arrival.room, arrival.made, None
            room.put(consumed)
            del consumed

    def close(self) -> None:
        """Give up what is under way, and end the threads."""
        for worker in self._workers:
            worker.stop()
        join(self._workers)


def _work(
    left: deque[tuple[str, Walk[Any]]],
    read: Reads[R],
    consumed: SimpleQueue[R | None],
    arrivals: SimpleQueue[Arrival[R] | None],
    cancel: Cancel,
) -> None:
    while True:
        try:
            name, walk = left.popleft()
        except IndexError:
            break
        try:
            while True:
                if asks := not walk.ended:
                    cancel.wait_for(consumed.get, lambda: consumed.put(None))
                made = read(walk, cancel)
                if made is None:
                    if asks:  # what was asked for brought nothing to consume
                        consumed.put(None)
                    break
                arrivals.put(Arrival(name, consumed, made[0]))
                del made
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is for whoever iterates
            consumed.put(None)
            arrivals.put(Arrival(name, consumed, error=error))
    arrivals.put(None)


class AsyncAhead(Generic[R]):
    """Tasks that read ahead, as `Ahead` does.

    No generator: where a loop ends, asyncio closes all generators at the same time, and one cannot be closed while
    another one, which it is nested in, does so.
    """

    def __init__(
        self, walks: Walks, read: Callable[[Walk[Any]], Awaitable[tuple[R] | None]], *, workers: int, room: int
    ) -> None:
        loop = running_loop()
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

        self._arrivals: asyncio.Queue[Arrival[R] | None] = asyncio.Queue()
        self._room: asyncio.Semaphore | None = None
        left = deque(walks)
        self._tasks = [
            loop.create_task(_work_async(left, read, asyncio.Semaphore(room), self._arrivals)) for _ in range(workers)
        ]
        self._working = workers

    async def next(self) -> Arrival[R] | None:
        """The next one, when the one before has been consumed; None behind the last one."""
        if self._room is not None:
            self._room.release()
            self._room = None
        while self._working:
            arrival = await self._arrivals.get()
            if arrival is not None:
                self._room = arrival.room
                return arrival
            self._working -= 1
        return None

    async def close(self) -> None:
        """Cancel what is under way and wait for its end; whatever it ends with is of no interest any more."""
        import asyncio  # noqa: PLC0415  # as above

        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _work_async(
    left: deque[tuple[str, Walk[Any]]],
    read: Callable[[Walk[Any]], Awaitable[tuple[R] | None]],
    room: asyncio.Semaphore,
    arrivals: asyncio.Queue[Arrival[R] | None],
) -> None:
    while left:
        name, walk = left.popleft()
        try:
            while True:
                if asks := not walk.ended:
                    await room.acquire()
                made = await read(walk)
                if made is None:
                    if asks:
                        room.release()
                    break
                arrivals.put_nowait(Arrival(name, room, made[0]))
                del made
        except BaseException as error:
            room.release()
            arrivals.put_nowait(Arrival(name, room, error=error))
            if not isinstance(error, Exception):
                raise
    arrivals.put_nowait(None)
