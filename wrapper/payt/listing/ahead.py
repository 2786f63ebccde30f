"""Pages fetched ahead of whoever consumes: by threads, or by tasks. One engine for one listing and for many.

Workers share out the listings. Each goes through one after the other, and stays ahead of the consumer by as many pages
as it has room for; what it finds goes through one queue. Room comes back when a page has been consumed. With room for
more than one page ahead, a worker has others ask for pages before their turn, as `Guesses` says.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import attrs

from payt_api.client import AuthenticatedClient
from payt_api.types import Response

from ..errors import APIError, InvalidResponseError
from ..transport.call import Abandoned, Call, Cancel, current, running_loop
from ..transport.retries import ask, ask_async
from ..transport.workers import Worker, join
from .guesses import Guess
from .pages import Page
from .walk import Walk

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
R = TypeVar("R")
Walks: TypeAlias = Iterable[tuple[str, Walk[Any]]]


def fetch(
    api: AuthenticatedClient,
    make: Callable[[Page[T]], R],
    walk: Walk[T],
    cancel: Cancel | None = None,
    lanes: _Lanes | None = None,
) -> tuple[R] | None:
    """What `make` makes of the next page; None where there is none.

    Raises:
        PaytError: The listing cannot go on; `cursor` resumes it.
    """
    operation, read = walk.listing.spec.operation, partial(_read, walk)
    while (query := walk.query()) is not None:
        cursor = walk.cursor
        guess = lanes.best(query) if lanes is not None else None
        with walk.resumable():
            try:
                page = (
                    walk.guessed(guess)
                    if guess is not None
                    else ask(api, operation, query, read, label=f"page {walk.number}", cancel=cancel)
                )
            except (InvalidResponseError, APIError) as error:
                page = walk.instead(error)
        if page is not None:
            with _noted(cursor):
                return (make(page),)
    return None


async def fetch_async(
    api: AuthenticatedClient,
    make: Callable[[Page[T]], Awaitable[R]],
    walk: Walk[T],
    lanes: _AsyncLanes | None = None,
) -> tuple[R] | None:
    """As `fetch`."""
    operation, read = walk.listing.spec.operation, partial(_read, walk)
    while (query := walk.query()) is not None:
        cursor = walk.cursor
        guess = await lanes.best(query) if lanes is not None else None
        with walk.resumable():
            try:
                page = (
                    walk.guessed(guess)
                    if guess is not None
                    else await ask_async(api, operation, query, read, label=f"page {walk.number}")
                )
            except (InvalidResponseError, APIError) as error:
                page = walk.instead(error)
        if page is not None:
            with _noted(cursor):
                return (await make(page),)
    return None


def _read(walk: Walk[T], response: Response[Any]) -> Page[T] | None:
    if (call := current()) is not None:
        walk.guesses.measured(call)
    return walk.page(response)


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
            with closing(_Lanes(api, walk, consumed.qsize, cancel)) as lanes:
                while True:
                    if asks := not walk.ended:
                        cancel.wait_for(consumed.get, lambda: consumed.put(None))
                    made = fetch(api, make, walk, cancel, lanes)
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


class _Lanes:
    """Threads that ask for the pages of one listing before their turn, each for one page, once.

    Args:
        api: Whom to ask.
        walk: The listing.
        room: How many pages there is room for.
        cancel: What ends the wait for a page.
    """

    def __init__(self, api: AuthenticatedClient, walk: Walk[Any], room: Callable[[], int], cancel: Cancel) -> None:
        self._api, self._walk, self._room, self._cancel = api, walk, room, cancel
        self._answers: SimpleQueue[tuple[Guess, Response[Any] | None, Call] | None] = SimpleQueue()
        self._workers: dict[Guess, Worker] = {}

    def best(self, query: Mapping[str, Any]) -> Guess | None:
        """What has the next page; None where none that was asked for before its turn does."""
        if (position := self._walk.position) is None:
            return None
        guesses = self._walk.guesses
        while True:
            while not self._answers.empty():
                self._take_up()
            while (guess := guesses.next(position, self._room())) is not None:
                again = {**query, **self._walk.at(guess)}
                self._workers[guess] = Worker(partial(_ask_once, self._api, self._walk, again, guess, self._answers))
            best = guesses.best(position)
            if best is None or best.ids is not None:
                return best
            self._take_up()

    def close(self) -> None:
        """Give up what is under way."""
        for worker in self._workers.values():
            worker.stop()
        join(self._workers.values())

    def _take_up(self) -> None:
        answer = self._cancel.wait_for(self._answers.get, lambda: self._answers.put(None))
        if answer is not None:
            guess, response, call = answer
            del self._workers[guess]
            self._walk.answered(guess, response, call)


def _ask_once(
    api: AuthenticatedClient,
    walk: Walk[Any],
    query: Mapping[str, Any],
    guess: Guess,
    answers: SimpleQueue[tuple[Guess, Response[Any] | None, Call] | None],
    cancel: Cancel,
) -> None:
    session: Any = api.get_httpx_client()
    call = Call(session.settings.total_timeout, cancel, label=f"from {guess.cursor} on, ahead")
    response = None
    try:
        with call.active():
            response = walk.listing.spec.operation.sync_detailed(client=api, **query)
    except BaseException:  # noqa: BLE001, S110  # it is asked for again at its turn, and fails there if it must
        pass
    answers.put((guess, response, call))


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
        await _cancelled(self._tasks)


async def _cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    import asyncio  # noqa: PLC0415  # as above

    for task in (tasks := [*tasks]):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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
            async with aclosing(_AsyncLanes(api, walk, room.qsize)) as lanes:
                while True:
                    if asks := not walk.ended:
                        await room.get()
                    made = await fetch_async(api, make, walk, lanes)
                    if made is None:
                        if asks:
                            room.put_nowait(None)
                        break
                    arrivals.put_nowait(Arrival(name, room, made[0]))
                    del made
        except BaseException as error:
            room.put_nowait(None)
            arrivals.put_nowait(Arrival(name, room, error=error))
            if not isinstance(error, Exception):
                raise
    arrivals.put_nowait(None)


class _AsyncLanes:
    """Tasks that do what `_Lanes` does."""

    def __init__(self, api: AuthenticatedClient, walk: Walk[Any], room: Callable[[], int]) -> None:
        import asyncio  # noqa: PLC0415  # as above

        self._api, self._walk, self._room = api, walk, room
        self._answers: asyncio.Queue[tuple[Guess, Response[Any] | None, Call]] = asyncio.Queue()
        self._tasks: dict[Guess, asyncio.Task[None]] = {}

    async def best(self, query: Mapping[str, Any]) -> Guess | None:
        """As `_Lanes.best`."""
        if (position := self._walk.position) is None:
            return None
        guesses = self._walk.guesses
        while True:
            while not self._answers.empty():
                await self._take_up()
            while (guess := guesses.next(position, self._room())) is not None:
                again = {**query, **self._walk.at(guess)}
                self._tasks[guess] = running_loop().create_task(self._ask_once(again, guess))
            best = guesses.best(position)
            if best is None or best.ids is not None:
                return best
            await self._take_up()

    async def aclose(self) -> None:
        """As `_Lanes.close`."""
        await _cancelled(self._tasks.values())

    async def _take_up(self) -> None:
        guess, response, call = await self._answers.get()
        del self._tasks[guess]
        self._walk.answered(guess, response, call)

    async def _ask_once(self, query: Mapping[str, Any], guess: Guess) -> None:
        session: Any = self._api.get_async_httpx_client()
        call = Call(session.settings.total_timeout, label=f"from {guess.cursor} on, ahead")
        response = None
        try:
            with call.active():
                response = await self._walk.listing.spec.operation.asyncio_detailed(client=self._api, **query)
        except Exception:  # noqa: BLE001, S110  # as in the other one
            pass
        self._answers.put_nowait((guess, response, call))
