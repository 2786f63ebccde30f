"""The connections that a client keeps, and how many it has.

httpcore's own pools count on what a request had that was interrupted in one of their locks: the one for asyncio is full
of that one day, and the one for threads waits for ever for a lock that Ctrl-C left locked.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import httpcore

C = TypeVar("C", bound=httpcore.ConnectionInterface | httpcore.AsyncConnectionInterface)


class _Connections(Generic[C]):
    """Which connection is for which request, and which are kept. No I/O."""

    def __init__(self, new: Callable[[httpcore.Origin], C], most_kept: int) -> None:
        self._new, self._most_kept = new, most_kept
        self.users: dict[C, int] = {}  # several where it carries HTTP/2

    def take(self, origin: httpcore.Origin) -> tuple[C, list[C]]:
        """One for a request; and those that have expired, which are to be closed."""
        known = [*self.users]  # an answer may be collected as garbage, and so closed, in here
        over = [each for each in known if not self.users.get(each, 1) and each.has_expired()]
        for each in over:
            del self.users[each]
        usable = (
            each for each in known if each in self.users and each.can_handle_request(origin) and each.is_available()
        )
        connection = next(usable, None) or self._new(origin)
        self.users[connection] = self.users.get(connection, 0) + 1
        return connection, over

    def is_over(self, connection: C, *, is_sound: bool) -> bool:
        """Whether one is to be closed that a request has left."""
        self.users[connection] -= 1
        kept = is_sound and [*self.users.values()].count(0) <= self._most_kept
        over = not self.users[connection] and not (kept and connection.is_idle())
        if over:
            del self.users[connection]
        return over


class Pool:
    """Connections, each of which is closed as soon as a request leaves it in the middle of something.

    It takes only locks that are written in C, which Ctrl-C leaves as they should be.

    Args:
        max_connections: How many requests may be under way; others wait.
        max_keepalive_connections: How many connections are kept that nobody uses.
        settings: The other arguments of httpcore's pools.
    """

    def __init__(self, *, max_connections: int, max_keepalive_connections: int, **settings: Any) -> None:
        new = httpcore.ConnectionPool(**settings).create_connection
        self._connections = _Connections(new, max_keepalive_connections)
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(max_connections):
            self._room.put(None)
        self._lock = threading.RLock()  # one that is collected as garbage is given back by whoever is in here

    def answer(self, request: httpcore.Request) -> Generator[httpcore.Response]:
        """The answer to a request. Its connection is free for the next one when this generator goes on.

        Raises:
            httpcore.PoolTimeout: Too many requests were under way for too long.
        """
        try:
            self._room.get(timeout=request.extensions.get("timeout", {}).get("pool"))
        except Empty:
            raise httpcore.PoolTimeout("no connection was free") from None
        try:
            while True:
                with self._lock:
                    connection, over = self._connections.take(request.url.origin)
                is_sound = False  # what was interrupted may look idle while one of its own locks is still locked
                try:
                    for each in over:
                        each.close()
                    with closing(connection.handle_request(request)) as response:
                        yield response
                except httpcore.ConnectionNotAvailable:
                    is_sound = True  # another thread was faster
                else:
                    is_sound = True
                    return
                finally:
                    with self._lock:
                        is_over = self._connections.is_over(connection, is_sound=is_sound)
                    if is_over:
                        connection.close()
        finally:
            self._room.put(None)

    def close(self) -> None:
        """Close all connections; what reads from one fails. It takes no lock."""
        for connection in [*self._connections.users]:
            connection.close()


class AsyncPool:
    """The same for asyncio."""

    def __init__(self, *, max_connections: int, max_keepalive_connections: int, **settings: Any) -> None:
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

        new = httpcore.AsyncConnectionPool(**settings).create_connection
        self._connections = _Connections(new, max_keepalive_connections)
        self._room, self._timeout = asyncio.Semaphore(max_connections), asyncio.timeout

    async def answer(self, request: httpcore.Request) -> AsyncGenerator[httpcore.Response]:
        """As `Pool.answer`."""
        try:
            async with self._timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._room.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout("no connection was free") from None
        try:
            while True:
                connection, over = self._connections.take(request.url.origin)
                try:
                    for each in over:
                        await each.aclose()
                    async with aclosing(await connection.handle_async_request(request)) as response:
                        yield response
                        return
                except httpcore.ConnectionNotAvailable:
                    pass  # another task was faster
                finally:
                    if self._connections.is_over(connection, is_sound=True):
                        await connection.aclose()
        finally:
            self._room.release()

    async def aclose(self) -> None:
        """As `Pool.close`."""
        for connection in [*self._connections.users]:
            await connection.aclose()
