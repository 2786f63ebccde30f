"""The connections that a client keeps, and how many it has.

httpcore's own pools count on what a request had that was interrupted in one of their locks: the one for asyncio is full
of that one day, and the one for threads waits for ever for a lock that Ctrl-C left locked.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from queue import Empty, SimpleQueue
from typing import Any

import httpcore


class Pool:
    """As `AsyncPool`, for threads. It takes only locks that are written in C, which Ctrl-C leaves as they should be."""

    def __init__(self, *, max_connections: int, max_keepalive_connections: int, **settings: Any) -> None:
        self._new = httpcore.ConnectionPool(**settings).create_connection
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(max_connections):
            self._room.put(None)
        self._most_kept = max_keepalive_connections
        self._users: dict[httpcore.ConnectionInterface, int] = {}
        self._lock = threading.RLock()  # an answer may be collected as garbage, and so closed, in here

    def answer(self, request: httpcore.Request) -> Generator[httpcore.Response]:
        """As `AsyncPool.answer`."""
        try:
            self._room.get(timeout=request.extensions.get("timeout", {}).get("pool"))
        except Empty:
            raise httpcore.PoolTimeout("no connection was free") from None
        try:
            while True:
                connection, is_sound = self._take(request.url.origin), False
                try:
                    with closing(connection.handle_request(request)) as response:
                        yield response
                except httpcore.ConnectionNotAvailable:
                    is_sound = True  # another thread was faster
                else:
                    is_sound = True
                    return
                finally:
                    self._give_back(connection, is_sound=is_sound)
        finally:
            self._room.put(None)

    def close(self) -> None:
        """As `AsyncPool.aclose`. It takes no lock."""
        for connection in [*self._users]:
            connection.close()

    def _take(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        with self._lock:
            for each in [*self._users]:
                if self._users.get(each) == 0 and each.has_expired():
                    del self._users[each]
                    each.close()
            usable = (each for each in [*self._users] if each.can_handle_request(origin) and each.is_available())
            connection = next(usable, None) or self._new(origin)
            self._users[connection] = self._users.get(connection, 0) + 1
            return connection

    def _give_back(self, connection: httpcore.ConnectionInterface, *, is_sound: bool) -> None:
        with self._lock:  # what was interrupted may look idle while one of its own locks is still locked
            self._users[connection] -= 1
            kept = is_sound and sum(not users for users in self._users.values()) <= self._most_kept
            if not self._users[connection] and not (kept and connection.is_idle()):
                del self._users[connection]
                connection.close()


class AsyncPool:
    """Connections, each of which is closed as soon as a request leaves it in the middle of something.

    Args:
        max_connections: How many requests may be under way; others wait.
        max_keepalive_connections: How many connections are kept that nobody uses.
        settings: The other arguments of httpcore's pools.
    """

    def __init__(self, *, max_connections: int, max_keepalive_connections: int, **settings: Any) -> None:
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

        self._new = httpcore.AsyncConnectionPool(**settings).create_connection
        self._room, self._timeout = asyncio.Semaphore(max_connections), asyncio.timeout
        self._most_kept = max_keepalive_connections
        self._users: dict[httpcore.AsyncConnectionInterface, int] = {}  # several where it carries HTTP/2

    async def answer(self, request: httpcore.Request) -> AsyncGenerator[httpcore.Response]:
        """The answer to a request. Its connection is free for the next one when this generator goes on.

        Raises:
            httpcore.PoolTimeout: Too many requests were under way for too long.
        """
        try:
            async with self._timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._room.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout("no connection was free") from None
        try:
            while True:
                connection = await self._take(request.url.origin)
                try:
                    async with aclosing(await connection.handle_async_request(request)) as response:
                        yield response
                        return
                except httpcore.ConnectionNotAvailable:
                    pass  # another task was faster
                finally:
                    await self._give_back(connection)
        finally:
            self._room.release()

    async def aclose(self) -> None:
        """Close all connections; what reads from one fails."""
        for connection in [*self._users]:
            await connection.aclose()

    async def _take(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        for each in [*self._users]:
            if self._users.get(each) == 0 and each.has_expired():
                del self._users[each]
                await each.aclose()
        usable = (each for each in self._users if each.can_handle_request(origin) and each.is_available())
        connection = next(usable, None) or self._new(origin)
        self._users[connection] = self._users.get(connection, 0) + 1
        return connection

    async def _give_back(self, connection: httpcore.AsyncConnectionInterface) -> None:
        self._users[connection] -= 1
        kept = sum(not users for users in self._users.values()) <= self._most_kept
        if not self._users[connection] and not (kept and connection.is_idle()):
            del self._users[connection]
            await connection.aclose()
