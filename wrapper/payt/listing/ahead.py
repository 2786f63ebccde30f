"""Pages fetched ahead of whoever consumes: by threads, or by tasks. One engine for one listing and for many.

Workers share out the listings. Each goes through one after the other, and stays ahead of the consumer by as many pages
as it has room for; what it finds goes through one queue. Room comes back when a page has been consumed. With room for
more than one page ahead, a worker has others ask for pages before their turn, as `Guesses` says.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing, closing, suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import attrs

from payt_api.client import AuthenticatedClient

from ..transport.call import Abandoned, Cancel, running_loop
from ..transport.workers import Worker, join
from .fetch import AsyncLanes, Lanes, cancelled, fetch, fetch_async
from .pages import Page
from .walk import Walk

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
R = TypeVar("R")
Walks: TypeAlias = Iterable[tuple[str, Walk[Any]]]


@attrs.define
class Arrival(Generic[R]):
    """What was made of a page, or the error in its place.

    Attributes:
        name: Of which listing.
        room: The worker's; it gets back what has been consumed.
        made: What was made; absent after an error.
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


class Ahead(Generic[R]):
    """Threads that read ahead.

    Args:
        api: Whom to ask.
        make: What makes something of a page, in a thread.
        walks: The listings by their names.
        workers: How many threads go through them.
        prefetch: How many pages each may be ahead of the one that is being consumed.
        first: What was made already, by the caller, of the first page of the first walk.
    """

    def __init__(
        self,
        api: AuthenticatedClient,
        make: Callable[[Page[Any]], R],
        walks: Walks,
        *,
        workers: int,
        prefetch: int,
        first: tuple[R] | None = None,
    ) -> None:
        self._arrivals: SimpleQueue[Arrival[R] | None] = SimpleQueue()
        self._process = os.getpid()
        left = deque(walks)
        self._workers = []
        for _ in range(workers):
            consumed: SimpleQueue[R | None] = SimpleQueue()
            if first is not None:
                self._arrivals.put(Arrival("", consumed, first[0]))
            for _ in range(1 + prefetch if first is None else prefetch):
                consumed.put(None)
            with suppress(RuntimeError):  # a program that is ending starts no thread, since Python 3.12
                # the threads know nothing but this: an iteration that is dropped is collected, and that closes it
                self._workers.append(Worker(partial(_work, api, make, left, consumed, self._arrivals)))
        self._alone = () if self._workers else _fetched(api, make, left)

    def __iter__(self) -> Iterator[Arrival[R]]:
        working = len(self._workers)
        while not working and not self._arrivals.empty():
            yield self._arrivals.get_nowait()  # type: ignore[misc]  # the first one
        yield from self._alone
        while working:
            if os.getpid() != self._process:
                raise RuntimeError(
                    "this listing began before the process was forked, and only its parent can continue it: start anew"
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
    api: AuthenticatedClient,
    make: Callable[[Page[Any]], R],
    left: deque[tuple[str, Walk[Any]]],
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
            with closing(Lanes(api, walk, consumed.qsize, cancel)) as lanes:
                while True:
                    if not walk.ended:
                        cancel.wait_for(consumed.get, lambda: consumed.put(None))
                    made = fetch(api, make, walk, cancel, lanes)
                    if made is None:
                        break
                    arrivals.put(Arrival(name, consumed, made[0]))
                    del made
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is for whoever iterates
            consumed.put(None)
            arrivals.put(Arrival(name, consumed, error=error))
    arrivals.put(None)


def _fetched(
    api: AuthenticatedClient, make: Callable[[Page[Any]], R], left: deque[tuple[str, Walk[Any]]]
) -> Iterator[Arrival[R]]:
    """What is there without threads: one page after the other, each when it is wanted."""
    for name, walk in left:
        try:
            while (made := fetch(api, make, walk)) is not None:
                yield Arrival(name, None, made[0])
        except Exception as error:  # noqa: BLE001  # as in a thread
            yield Arrival(name, None, error=error)


class AsyncAhead(Generic[R]):
    """Tasks that read ahead, as `Ahead` does.

    No generator: where a loop ends, asyncio closes all generators at the same time, and one cannot be closed while
    another one, which it is nested in, does so.
    """

    def __init__(
        self,
        api: AuthenticatedClient,
        make: Callable[[Page[Any]], Awaitable[R]],
        walks: Walks,
        *,
        workers: int,
        prefetch: int,
    ) -> None:
        loop = running_loop()
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

        self._arrivals: asyncio.Queue[Arrival[R] | None] = asyncio.Queue()
        self._room: asyncio.Queue[None] | None = None
        left = deque(walks)
        self._tasks = []
        for _ in range(workers):
            room: asyncio.Queue[None] = asyncio.Queue()
            for _ in range(1 + prefetch):
                room.put_nowait(None)
            self._tasks.append(loop.create_task(_work_async(api, make, left, room, self._arrivals)))
        self._working = workers

    async def next(self) -> Arrival[R] | None:
        """The next one, when the one before has been consumed; None behind the last one."""
        if self._room is not None:
            self._room.put_nowait(None)
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
        await cancelled(self._tasks)


async def _work_async(
    api: AuthenticatedClient,
    make: Callable[[Page[Any]], Awaitable[R]],
    left: deque[tuple[str, Walk[Any]]],
    room: asyncio.Queue[None],
    arrivals: asyncio.Queue[Arrival[R] | None],
) -> None:
    while left:
        name, walk = left.popleft()
        try:
            async with aclosing(AsyncLanes(api, walk, room.qsize)) as lanes:
                while True:
                    if not walk.ended:
                        await room.get()
                    made = await fetch_async(api, make, walk, lanes)
                    if made is None:
                        break
                    arrivals.put_nowait(Arrival(name, room, made[0]))
                    del made
        except BaseException as error:
            room.put_nowait(None)
            arrivals.put_nowait(Arrival(name, room, error=error))
            if not isinstance(error, Exception):
                raise
    arrivals.put_nowait(None)
