"""Pages fetched ahead of whoever consumes, by threads or by tasks. One engine for one listing and for many.

Workers share out the listings. Each goes through one after the other, and stays ahead of the consumer by as many pages
as it has room for; what it finds goes through one queue. Room comes back when a page has been consumed. With room for
more than one page ahead, a worker has others ask for pages before their turn, as `Guesses` says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from .executors import Executor
from .fetch import Lanes, fetch
from .pages import Page
from .walk import Walk

R = TypeVar("R")
Make: TypeAlias = Callable[[Page[Any]], Awaitable[R]]


@attrs.define
class Arrival(Generic[R]):
    """What was made of a page, or the error in its place.

    Attributes:
        name: Of which listing.
        room: The worker's, which gets back what has been consumed; None where none made it.
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
    """Reads listings, ahead of whoever consumes them.

    It is no generator: where a loop ends, asyncio closes all generators at the same time, and one cannot be closed
    while another one, which it is nested in, does so.

    Args:
        executor: What works.
        make: What makes something of a page, in the thread or task that fetches it.
        walks: The listings by their names.
        workers: How many threads or tasks go through them. With none, whoever consumes does, until a page has another
            one behind it; from there on, one worker does, if there is something to prefetch.
        prefetch: How many pages each may be ahead of the one that is being consumed.
    """

    def __init__(
        self,
        executor: Executor,
        make: Make[R],
        walks: Iterable[tuple[str, Walk[Any]]],
        *,
        workers: int,
        prefetch: int,
    ) -> None:
        self._executor: Any = executor
        self._make, self._prefetch = make, prefetch
        self._left = deque(walks)
        self._arrivals = self._executor.queue()
        self._workers: list[Any] = []
        self._consumed: Arrival[R] | None = None
        self._working = 0
        for _ in range(workers):
            self._start(1 + prefetch)

    async def next(self) -> Arrival[R] | None:
        """The next one, when the one before has been consumed; None behind the last one."""
        self._give_back()
        self._consumed = await self._arrived() or await self._fetched()
        return self._consumed

    async def close(self) -> None:
        """Give up what is under way."""
        await self._executor.end(self._workers)

    def _start(self, room: int) -> Any:
        """Have a worker go through what is left, with room for so many pages; None where none starts any more."""
        consumed = self._executor.queue()
        for _ in range(room):
            consumed.put_nowait(None)
        # it does not know this object: an iteration that is dropped is collected, and that closes it
        work = partial(_work, self._make, self._left, consumed, self._arrivals)
        worker = self._executor.start(work, partial(self._arrivals.put_nowait, None))
        if worker is None:
            return None
        self._workers.append(worker)
        self._working += 1
        return consumed

    def _give_back(self) -> None:
        consumed, self._consumed = self._consumed, None
        if consumed is not None and consumed.room is not None:
            made, consumed.made = consumed.made, None
            consumed.room.put_nowait(made if self._executor.frees_what_it_made else None)

    async def _arrived(self) -> Arrival[R] | None:
        while self._working:
            if not self._executor.is_here:
                raise RuntimeError(
                    "this listing began in another process or event loop, and can be continued only there: start anew"
                )
            arrival: Arrival[R] | None = await self._executor.get(self._arrivals)
            if arrival is not None:
                return arrival
            self._working -= 1
        return None

    async def _fetched(self) -> Arrival[R] | None:
        while self._left:
            name, walk = self._left[0]
            try:
                made = await fetch(self._executor, self._make, walk)
            except Exception as error:  # noqa: BLE001  # as from a worker
                self._left.popleft()
                return Arrival(name, None, error=error)
            if made is not None:
                room = self._start(self._prefetch) if self._prefetch and not walk.ended else None
                return Arrival(name, room, made[0])
            self._left.popleft()
        return None


async def _work(make: Make[R], left: deque[tuple[str, Walk[Any]]], consumed: Any, arrivals: Any, executor: Any) -> None:
    while True:
        try:
            name, walk = left.popleft()
        except IndexError:
            break
        lanes = Lanes(executor, walk, consumed.qsize)
        try:
            while True:
                if not walk.ended:
                    await executor.get(consumed)
                made = await fetch(executor, make, walk, lanes)
                if made is None:
                    break
                arrivals.put_nowait(Arrival(name, consumed, made[0]))
                del made
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is for whoever iterates
            consumed.put_nowait(None)
            arrivals.put_nowait(Arrival(name, consumed, error=error))
            if not isinstance(error, Exception):
                break
        finally:
            await lanes.close()


async def same(page: Page[Any]) -> Page[Any]:
    """For `make`: the page itself."""
    return page
