"""Connections: what httpcore reads from and writes to, by its argument `network_backend`.

Blocking waits end at the deadline of the call, when nobody wants its answer any more, and when the client is closed. A
time-out alone begins anew with every byte: a server that drips its headers could hold a thread for ever. And a thread
that reads ahead for a loop that was left would wait for its answer. (In asyncio a deadline, or who leaves, cancels
whatever it is that waits.)

A connection on which more has come than was asked for is not used again: HTTP/1.1 does not say which question an answer
is for, and httpcore would take an answer too many for the next one. Nor is one from before the call saw another break:
whatever closed that will have closed others.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import httpcore

from . import call as calls
from . import clock
from .call import Call, Cancel, closed
from .pool import AsyncPool, Pool

R = TypeVar("R")
_PIECE = 96 * 1024
"""How many bytes are received at once. The memory of 128 kB comes anew from the operating system, page by page."""
_TAIL = 16
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class Watched:
    """What a connection has received, as far as it takes to see that there was more than the answers.

    Attributes:
        multiplexed: Whether it carries HTTP/2, where each frame says which request it belongs to.
        answered: Whether anything came since the last request was sent.
    """

    def __init__(self, stream: Any, closing: Cancel) -> None:
        self._stream, self._closing = stream, closing
        encrypted = stream.get_extra_info("ssl_object")
        self.multiplexed = encrypted is not None and encrypted.selected_alpn_protocol() == "h2"
        # an ssl.SSLSocket keeps nothing back: what it has not read, the plain socket still has
        self._keeps_back = encrypted if isinstance(encrypted, ssl.SSLObject) and not self.multiplexed else None
        self.answered = True
        self._opened = clock.now()
        self._tail = b""
        self._unasked = False

    def received(self, data: bytes) -> bytes:
        """Take note of what was read."""
        self.answered = True
        self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]
        return data

    def complete(self, body: bytes) -> None:
        """Take note that an answer was read to its end.

        Args:
            body: The last bytes of its body: those, or a last chunk, are the last that may have come.
        """
        self._unasked = not self.multiplexed and not self._tail.endswith((body[-_TAIL:] or b"\r\n\r\n", _LAST_CHUNK))

    def get_extra_info(self, info: str) -> Any:
        """As httpcore's; it asks for `is_readable` before it sends on a connection that was idle."""
        if info == "is_readable":
            call = calls.current()
            is_suspect = call is not None and self._opened <= call.broken_at
            return is_suspect or self._unasked or self._stream.get_extra_info(info) or self._kept_more()
        return self._stream.get_extra_info(info)

    def _kept_more(self) -> bool:
        if self._keeps_back is None:
            return False
        try:
            self._keeps_back.read(1)
        except ssl.SSLError as error:
            self._unasked = not isinstance(error, ssl.SSLWantReadError)
        else:
            self._unasked = True  # even if it was the end
        return self._unasked


@contextmanager
def _naming(host: str, port: int) -> Iterator[None]:
    """Let an error say who could not be reached: that may be a proxy."""
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise type(error)(f"{error} ({host}:{port})".strip()) from error


class Backend(httpcore.SyncBackend):
    """Opens the connections of one pool; `closing` ends whatever waits for them."""

    def __init__(self, **settings: Any) -> None:
        self.pool = Pool(network_backend=self, **settings)
        self.closing = Cancel(closed)

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any) -> Stream:
        """As httpcore's. Nothing can interrupt it: who is wanted no more finds out when writing."""
        self.closing.check()
        seconds = _seconds_of(calls.current(), timeout, httpcore.ConnectTimeout)
        with _naming(host, port):
            return Stream(super().connect_tcp(host, port, seconds, *args, **kwargs), self.closing)

    def drop(self) -> None:
        """Close what a child has inherited, in the child alone: the parent's connections live on."""
        self.pool.close()


class Stream(Watched, httpcore.NetworkStream):
    """One connection."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As httpcore's."""
        return self.received(self._wait_for(self._stream.read, max(max_bytes, _PIECE), timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As httpcore's."""
        if buffer:  # of a body that is empty, httpcore writes that
            self.answered = self.multiplexed
            self._wait_for(self._stream.write, buffer, timeout, httpcore.WriteTimeout)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """As httpcore's."""
        seconds = _seconds_of(calls.current(), timeout, httpcore.ConnectTimeout)
        return Stream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._closing)

    def close(self) -> None:
        """As httpcore's."""
        self._stream.close()

    def _wait_for(
        self, method: Callable[[Any, float | None], R], what: Any, timeout: float | None, error: type[Exception]
    ) -> R:
        call = calls.current()
        cancels = {self._closing, *(() if call is None else call.cancels)}
        return calls.wait_for(partial(method, what, _seconds_of(call, timeout, error)), self._shut_down, cancels)

    def _shut_down(self) -> None:
        """Let what another thread waits for return. Nothing is closed, as its descriptor could become another's."""
        with suppress(OSError):  # it may have ended by itself
            # that of the plain socket: the encrypted one's changes what the other thread is reading from
            socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)


def _seconds_of(call: Call | None, timeout: float | None, error: type[Exception]) -> float | None:
    """How long to wait at most.

    Raises:
        Exception: `error`, where the deadline has passed.
    """
    if call is None:
        return timeout
    left = call.left
    if not left:
        raise error("the deadline has passed")
    return left if timeout is None else min(left, timeout)


class AsyncBackend(httpcore.AnyIOBackend):
    """The same for asyncio, where the pool knows what is open, and closing it ends what waits."""

    def __init__(self, **settings: Any) -> None:
        self.pool = AsyncPool(network_backend=self, **settings)
        self.closing = Cancel(closed)

    async def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> AsyncStream:
        """As httpcore's."""
        self.closing.check()
        with _naming(host, port):
            return AsyncStream(await super().connect_tcp(host, port, *args, **kwargs), self.closing)


class AsyncStream(Watched, httpcore.AsyncNetworkStream):
    """One connection, on an event loop."""

    # ruff: noqa: ASYNC109  # httpcore gives the time-outs
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As httpcore's."""
        return self.received(await self._stream.read(max(max_bytes, _PIECE), timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As httpcore's."""
        self._closing.check()
        self.answered = self.multiplexed
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """As httpcore's."""
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncStream:
        """As httpcore's, and whatever interrupts it closes the connection, which httpcore does not know yet."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.aclose)
            self._closing.check()
            encrypted = AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._closing)
            stack.pop_all()
            return encrypted
