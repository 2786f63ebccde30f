"""Who lists side by side, and writes in turn: threads, whose turns are in the thread that waits for them; or tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from ..transport.call import Abandoned
from ..transport.workers import Worker, join

T = TypeVar("T")


class Turns:
    """Lets threads work side by side, and do in turn what only one may do: for a database, that is all.

    So every statement runs in the thread of whoever called, and an interrupt there ends everything between two.
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._over = False

    def do(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the thread that waits, and wait for it.

        Raises:
            Abandoned: That thread does not wait any more.
        """
        answer: Future[T] = Future()

        def turn() -> None:
            if self._over:
                answer.set_exception(Abandoned())
                return
            try:
                answer.set_result(function(*arguments))
            except BaseException as error:
                answer.set_exception(error)
                if not isinstance(error, Exception):
                    raise

        with self._lock:
            if self._over:
                raise Abandoned
            self._asked.put(turn)
        return answer.result()

    def run(self, work: Callable[[], None], threads: int) -> None:
        """Do the same work in so many threads; it returns when all of them are done.

        Raises:
            BaseException: What interrupts the waiting, or what one of them did not foresee.
        """
        errors: list[BaseException] = []
        workers: list[Worker] = []
        try:
            workers.extend(Worker(partial(self._work, work, errors)) for _ in range(threads))
            while threads and not errors:
                turn = self._asked.get()
                if turn is None:
                    threads -= 1
                else:
                    turn()
        finally:
            with self._lock:
                self._over = True
            for turn in filter(None, [self._asked.get() for _ in range(self._asked.qsize())]):
                turn()
            for worker in workers:
                worker.stop()
            join(workers)
        if errors:
            raise errors[0]

    def _work(self, work: Callable[[], None], errors: list[BaseException], _cancel: object) -> None:
        try:
            work()
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for whoever waits
            errors.append(error)
        finally:
            self._asked.put(None)


class Threads:
    """Lets tasks call functions that wait for a database, in a thread; one at a time.

    Args:
        inline: The functions are called in the thread of the tasks: the database is in its memory.
    """

    def __init__(self, *, inline: bool) -> None:
        self._inline, self._turn = inline, asyncio.Lock()

    async def do(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call it when it is its turn; who cancels waits until it is done, so that all is whole."""
        if self._inline:
            return function(*arguments)

        async def turn() -> T:
            async with self._turn:
                return await asyncio.to_thread(function, *arguments)

        call = asyncio.ensure_future(turn())
        await _ended([call])
        return call.result()

    async def beside(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call it beside what is done in turn: it needs no database."""
        if self._inline:
            return function(*arguments)
        call = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
        await _ended([call])
        return call.result()


async def side_by_side(work: Callable[[], Coroutine[Any, Any, None]], count: int) -> None:
    """Do the same work in so many tasks; an error of one cancels the others, and all have ended when it is raised."""
    tasks = [asyncio.ensure_future(work()) for _ in range(count)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await _ended(tasks)


async def _ended(calls: Collection[asyncio.Future[Any]]) -> None:
    """Wait until these have ended, also where whoever waits is cancelled: again and again, as anyio does."""
    cancelled: asyncio.CancelledError | None = None
    while not all(call.done() for call in calls):
        try:
            await asyncio.wait(calls)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        for call in calls:
            call.cancelled() or call.exception()  # seen
        raise cancelled
