"""What tells a `Client` from an `AsyncClient` in a listing: calls that block and threads, or awaits and tasks.

All else is written once, in coroutines. With `Threads` nothing in them is ever suspended, so `run` has their result at
once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Coroutine, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from payt_api.client import AuthenticatedClient
from payt_api.types import Response

from ..transport.call import Cancel, running_loop, wait_for
from ..transport.retries import Operation, ask, ask_async
from ..transport.workers import Worker, join

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")
Query: TypeAlias = Mapping[str, Any]
Read: TypeAlias = Callable[[Response[Any]], R]


class Threads:
    """Calls that block, and threads.

    Args:
        api: Whom to ask.
        cancel: What ends the waits of the thread that this is for; None for the thread that iterates.
    """

    queue = SimpleQueue

    def __init__(self, api: AuthenticatedClient, cancel: Cancel | None = None) -> None:
        self._api, self.cancel, self._process = api, cancel, os.getpid()
        self.session: Any = api.get_httpx_client()

    @property
    def is_here(self) -> bool:
        """Whether what it starts can be waited for: not in another process, or on another event loop."""
        return os.getpid() == self._process

    async def ask(self, operation: Operation[Any], query: Query, read: Read[R], label: str) -> R:
        """What `read` makes of the answer to an operation, with all attempts at it."""
        return ask(self._api, operation, query, read, label=label, cancel=self.cancel)

    async def ask_once(self, operation: Operation[Any], query: Query) -> Response[Any]:
        """The answer to an operation, by one attempt."""
        return operation.sync_detailed(client=self._api, **query)

    async def get(self, queue: SimpleQueue[Any]) -> Any:
        """The next one of a queue."""
        if self.cancel is None:
            return queue.get()
        # who is woken up by the None is told by an exception
        return wait_for(queue.get, lambda: queue.put(None), [self.cancel])

    def start(self, work: Callable[[Threads], Coroutine[Any, Any, None]], ended: Callable[[], object]) -> Worker | None:
        """Have a thread do some work, and call `ended` however that ends; None where none starts any more."""

        def task(cancel: Cancel) -> None:
            try:
                run(work(Threads(self._api, cancel)))
            finally:
                ended()

        try:
            return Worker(task)
        except RuntimeError:  # as in a program that is ending, since Python 3.12
            return None

    async def end(self, workers: Collection[Worker]) -> None:
        """Have threads give up what they are about, and end."""
        for worker in workers:
            worker.stop()
        join(workers)


class Tasks:
    """Awaits, and tasks of asyncio; all as with `Threads`."""

    cancel: Final = None

    def __init__(self, api: AuthenticatedClient) -> None:
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

        self._api, self._asyncio, self.queue = api, asyncio, asyncio.Queue
        self._loop = running_loop()
        self.session: Any = api.get_async_httpx_client()

    @property
    def is_here(self) -> bool:
        """As with `Threads`."""
        try:
            return self._asyncio.get_running_loop() is self._loop
        except RuntimeError:  # none runs here
            return False

    async def ask(self, operation: Operation[Any], query: Query, read: Read[R], label: str) -> R:
        """As with `Threads`."""
        return await ask_async(self._api, operation, query, read, label=label)

    async def ask_once(self, operation: Operation[Any], query: Query) -> Response[Any]:
        """As with `Threads`."""
        return await operation.asyncio_detailed(client=self._api, **query)

    async def get(self, queue: asyncio.Queue[Any]) -> Any:
        """As with `Threads`."""
        return await queue.get()

    def start(
        self, work: Callable[[Tasks], Coroutine[Any, Any, None]], ended: Callable[[], object]
    ) -> asyncio.Task[None]:
        """As with `Threads`; work that is cancelled before it begins has ended, too."""
        task = self._loop.create_task(work(self))
        task.add_done_callback(lambda _: ended())
        return task

    async def end(self, tasks: Collection[asyncio.Task[None]]) -> None:
        """As with `Threads`; those of another event loop are left to it."""
        if self.is_here:
            for task in tasks:
                task.cancel()
            await self._asyncio.gather(*tasks, return_exceptions=True)


Executor: TypeAlias = Threads | Tasks


def run(work: Coroutine[Any, Any, R]) -> R:
    """The result of a coroutine in which only `Threads` are waited for."""
    while True:
        try:
            work.send(None)
        except StopIteration as end:
            result: R = end.value
            return result
