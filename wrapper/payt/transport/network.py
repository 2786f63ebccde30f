"""How connections are read from.

Blocking reads end: at a deadline, and when nobody wants the answer any more. httpx's read time-out begins anew with
every byte: a server that drips its headers could hold a thread for ever. And a thread that reads ahead for a loop that
was left would wait for its answer. (In asyncio a deadline, or who leaves, cancels whatever it is that waits.)

Asynchronous reads take all that asyncio has received: httpcore's 64 kB at a time are four rounds of the event loop, and
as many copies, for what is there already. (A blocking read has neither.)
"""

from __future__ import annotations

import socket
import ssl
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpcore
import httpx

from .call import Abandoned, current, time_left
from .process import Process, in_child

_PIECE = 256 * 1024
"""How many bytes asyncio receives at once."""


def end_reads(client: httpx.Client) -> None:
    """Let no read of this client's connections, new ones as well, go on beyond its deadline, or in vain."""
    # without it, a deadline would still be seen between the pieces of a body, and be late by a read time-out
    for pool in _pools(client):
        if type(pool._network_backend) is httpcore.SyncBackend:  # noqa: SLF001  # see _pools
            pool._network_backend = _Backend()  # noqa: SLF001  # see _pools
        _of_this_process.add(pool)


def read_much(client: httpx.AsyncClient) -> None:
    """Let the reads of this client's connections, new ones as well, take all that asyncio has received."""
    for pool in _pools(client):
        if not isinstance(pool._network_backend, _AsyncBackend):  # noqa: SLF001  # a transport may serve several clients
            pool._network_backend = _AsyncBackend(pool._network_backend)  # noqa: SLF001  # see _pools


def _pools(client: httpx.Client | httpx.AsyncClient) -> Iterator[Any]:
    """Those of httpx's own transports: it has no argument for the network backend, which is public in httpcore."""
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001  # see above
        pool = getattr(transport, "_pool", None)
        if hasattr(pool, "_network_backend"):
            yield pool


_of_this_process: weakref.WeakSet[Any] = weakref.WeakSet()


def _after_fork() -> None:
    """Connections are the parent's: two processes that write to one would get each other's answers."""
    for pool in _of_this_process:
        for connection in pool._connections:  # noqa: SLF001  # see _pools
            connection.close()  # here alone: see _Stream._end
        pool._connections, pool._requests = [], []  # noqa: SLF001  # see _pools
        pool._optional_thread_lock = type(pool._optional_thread_lock)()  # noqa: SLF001  # another thread may have held it


in_child(_after_fork)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        stream = _Stream(super().connect_tcp(*args, **kwargs))
        call = current()
        if call is not None:
            try:
                call.check()
            except Abandoned:
                stream.close()  # nobody else knows of it yet
                raise
        return stream


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream, self._process = stream, Process()
        encrypted = stream.get_extra_info("ssl_object")
        self._shared = encrypted is not None and encrypted.selected_alpn_protocol() == "h2"

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = time_left()
        if not left:
            raise httpcore.ReadTimeout("the deadline has passed")
        seconds = left if timeout is None else min(timeout, left)
        call = current()
        if call is None or self._shared:  # what is read from HTTP/2 may be the answer that another thread wants
            return self._stream.read(max_bytes, timeout=seconds)
        return call.wait_for(lambda: self._stream.read(max_bytes, timeout=seconds), self._end)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=timeout)

    def close(self) -> None:
        self._end()  # or another thread that reads from it would go on waiting
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _end(self) -> None:
        """Let a read that another thread is in return."""
        if not self._process.is_current():
            return  # the parent's connection lives on
        with suppress(OSError):  # it may have ended by itself
            # that of the plain socket: the encrypted one's changes what the other thread is reading from
            socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._backend.connect_tcp(*args, **kwargs))

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._backend.connect_unix_socket(*args, **kwargs))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _AsyncStream(httpcore.AsyncNetworkStream):
    # ruff: noqa: ASYNC109  # httpcore gives the time-outs
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max(max_bytes, _PIECE), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
