"""The connections that a client keeps, and how many it has.

httpcore's own pools count on what a request had that was interrupted in one of their locks: the one for asyncio is full
of that one day, and the one for threads waits for ever for a lock that Ctrl-C left locked. Nor do they know which
requests left a connection over HTTP/2 in the middle of an answer, whose rest fills it up.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

import httpcore

C = TypeVar("C", bound=httpcore.ConnectionInterface | httpcore.AsyncConnectionInterface)
MOST: Final = 100
"""How many requests may be under way in a pool, as with httpx's clients; others wait."""
MOST_KEPT: Final = 20
"""How many connections are kept that nobody uses."""


class _Connections(Generic[C]):
    """Which connection is for which request, and which are kept. No I/O.

    Each is for one request at a time, also over HTTP/2: what one leaves behind there, another would wait for.
    """

    def __init__(self, new: Callable[[httpcore.Origin], C]) -> None:
        self._new = new
        self._idle: list[C] = []
        self._busy: set[C] = set()
        self._lock = threading.RLock()  # one that is collected as garbage is given back by whoever is in here

    @property
    def all(self) -> list[C]:
        """All of them. It takes no lock."""
        return [*self._idle, *self._busy]

    def expired(self) -> C | None:
        """One to close, as nobody has used it for long; None if there is none."""
        with self._lock:
            connection = next((each for each in [*self._idle] if each.has_expired()), None)
            if connection is not None:
                self._idle.remove(connection)
        return connection

    def take(self, origin: httpcore.Origin) -> C:
        """One for a request."""
        with self._lock:
            usable = (each for each in [*self._idle] if each.can_handle_request(origin) and each.is_available())
            connection = next(usable, None)
            if connection is None:
                connection = self._new(origin)
            else:
                self._idle.remove(connection)
            self._busy.add(connection)
        return connection

    def left(self, connection: C, *, is_sound: bool) -> list[C]:
        """Take back one that a request has left. What is to be closed: that one, unless it is kept."""
        with self._lock:
            self._busy.discard(connection)
            kept = is_sound and connection.is_idle() and len(self._idle) < MOST_KEPT
            if kept:
                self._idle.append(connection)
        return [] if kept else [connection]


class Pool:
    """Connections, each of which is closed as soon as a request leaves it in the middle of something.

    It takes only locks that are written in C, which Ctrl-C leaves as they should be. Its arguments are those of
    httpcore's pools.
    """

    def __init__(self, **settings: Any) -> None:
        self._connections = _Connections(httpcore.ConnectionPool(**settings).create_connection)
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(MOST):
            self._room.put(None)

    def answer(self, request: httpcore.Request) -> Generator[httpcore.Response, bool]:
        """The answer to a request; it is sent whether that was read to its end, and its connection is free then.

        Raises:
            httpcore.PoolTimeout: Too many requests were under way for too long.
        """
        try:
            self._room.get(timeout=request.extensions.get("timeout", {}).get("pool"))
        except Empty:
            raise httpcore.PoolTimeout("no connection was free") from None
        try:
            while (expired := self._connections.expired()) is not None:
                expired.close()
            while True:
                connection = self._connections.take(request.url.origin)
                is_sound = False  # what was interrupted may look idle while one of its own locks is still locked
                try:
                    with closing(connection.handle_request(request)) as response:
                        is_whole = yield response
                except httpcore.ConnectionNotAvailable:
                    pass  # it was closed meanwhile
                else:
                    is_sound = is_whole
                    return
                finally:
                    for over in self._connections.left(connection, is_sound=is_sound):
                        over.close()
        finally:
            self._room.put(None)

    def close(self) -> None:
        """Close all connections; what reads from one fails."""
        for connection in self._connections.all:
            connection.close()


class AsyncPool:
    """The same for asyncio."""

    def __init__(self, **settings: Any) -> None:
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

        self._connections = _Connections(httpcore.AsyncConnectionPool(**settings).create_connection)
        self._room, self._timeout = asyncio.Semaphore(MOST), asyncio.timeout

    async def answer(self, request: httpcore.Request) -> AsyncGenerator[httpcore.Response, bool]:
        """As `Pool.answer`."""
        try:
            async with self._timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._room.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout("no connection was free") from None
        try:
            while (expired := self._connections.expired()) is not None:
                await expired.aclose()
            while True:
                connection = self._connections.take(request.url.origin)
                is_sound = False
                try:
                    async with aclosing(await connection.handle_async_request(request)) as response:
                        is_whole = yield response
                except httpcore.ConnectionNotAvailable:
                    pass
                else:
                    is_sound = is_whole
                    return
                finally:
                    for over in self._connections.left(connection, is_sound=is_sound):
                        await over.aclose()
        finally:
            self._room.release()

    async def aclose(self) -> None:
        """As `Pool.close`."""
        for connection in self._connections.all:
            await connection.aclose()
