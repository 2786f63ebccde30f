"""Pages fetched ahead of whoever consumes, by threads or by tasks. One engine for one listing and for many.

Workers share out the listings. Each goes through one after the other, and stays ahead of the consumer by as many pages
as it has room for; what it finds goes through one queue. Room comes back when a page has been consumed. With room for
more than one page ahead, a worker has others ask for pages before their turn, as `Guesses` says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any, Generic, TypeVar

from ..errors import PaytError
from .executors import Executor
from .fetch import Arrival, Lanes, Make, fetch
from .walk import Walk

R = TypeVar("R")
Named = tuple[str | None, Walk[Any]]


class Ahead(Generic[R]):
    """Reads listings, ahead of whoever consumes them.

    It is no generator: where a loop ends, asyncio closes all generators at the same time, and one cannot be closed
    while another one, which it is nested in, does so.

    Args:
        executor: What works.
        make: What makes something of a page, in the thread or task that fetches it.
        walks: The listings by their names, which are those of administrations, or None.
        errors: Takes up, by name, the errors that end only their own listing; with None, each ends all of them.
        workers: How many threads or tasks go through them. With none, whoever consumes does, until a page has another
            one behind it; from there on, one worker does, if there is something to prefetch.
        prefetch: How many pages each may be ahead of the one that is being consumed.
    """

    def __init__(
        self,
        executor: Executor,
        make: Make[R],
        walks: Iterable[Named],
        errors: dict[Any, PaytError] | None,
        *,
        workers: int,
        prefetch: int,
    ) -> None:
        self._executor: Any = executor
        self._make, self._errors, self._prefetch = make, errors, prefetch
        self._left = deque(walks)
        self._arrivals: Any = self._executor.queue()
        self._workers: list[Any] = []
        self._consumed: Arrival[R] | None = None
        self._working = 0
        for _ in range(workers):
            self._start(1 + prefetch)

    async def next(self) -> Arrival[R] | None:
        """What was made of the next page, when the one before has been consumed; None behind the last one."""
        self._give_back()
        while self._working:
            if not self._executor.is_here:
                raise RuntimeError(
                    "this listing began in another process or event loop, and can be continued only there: start anew"
                )
            arrival: Arrival[R] | None = await self._executor.get(self._arrivals)
            if arrival is None:
                self._working -= 1
            elif arrival.error is None:
                self._consumed = arrival
                return arrival
            else:
                self._fail(arrival.name, arrival.error)
        while self._left:
            name, walk = self._left[0]
            try:
                self._consumed = await fetch(self._executor, self._make, name, walk)
            except PaytError as error:
                self._fail(name, error)
            if self._consumed is not None:
                if self._prefetch and not walk.ended:
                    self._consumed.room = self._start(self._prefetch)
                return self._consumed
            self._left.popleft()
        return None

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
        if consumed is not None:
            made, consumed.made = consumed.made, None
            if consumed.room is not None:
                consumed.room.put_nowait(made if self._executor.frees_what_it_made else None)

    def _fail(self, name: str | None, error: BaseException) -> None:
        if isinstance(error, PaytError):
            if name is not None:
                error.administration_id = name
            if self._errors is not None:
                self._errors[name] = error
                return
        raise error


async def _work(make: Make[R], left: deque[Named], room: Any, arrivals: Any, executor: Any) -> None:
    while True:
        try:
            name, walk = left.popleft()
        except IndexError:
            break
        lanes = Lanes(executor, walk, room.qsize)
        try:
            while True:
                if not walk.ended:
                    await executor.get(room)
                arrival = await fetch(executor, make, name, walk, lanes)
                if arrival is None:
                    break
                arrival.room = room
                arrivals.put_nowait(arrival)
                del arrival
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is for whoever iterates
            room.put_nowait(None)
            arrivals.put_nowait(Arrival(name, error=error))
            if not isinstance(error, Exception):
                break
        finally:
            await lanes.close()
