"""The connections that an `AsyncClient` keeps, and how many it has.

httpcore's own pool counts on what a request had that was cancelled in one of its locks, and is full of that one day.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpcore


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
