"""Blocking reads that end: at a deadline, and when nobody wants the answer any more.

httpx's read time-out begins anew with every byte: a server that drips its headers could hold a thread for ever. And a
thread that reads ahead for a loop that was left would wait for its answer. (In asyncio a deadline, or who leaves,
cancels whatever it is that waits, and nothing of this is needed.)
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any

import httpcore
import httpx

from . import background
from .deadline import time_left


def end_reads(client: httpx.Client) -> None:
    """Let no read of this client's connections, new ones as well, go on beyond its deadline, or in vain."""
    # httpx has no argument for httpcore's network backend, which is public there; without it, a deadline would still
    # be seen between the pieces of a body, and be late by a read time-out.
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001  # see above
        pool: Any = getattr(transport, "_pool", None)
        if type(getattr(pool, "_network_backend", None)) is httpcore.SyncBackend:
            pool._network_backend = _Backend()  # noqa: SLF001  # see above


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        stream = _Stream(super().connect_tcp(*args, **kwargs))
        worker = background.current()
        if worker is not None:
            try:
                worker.check()
            except background.Abandoned:
                stream.close()  # nobody else knows of it yet
                raise
        return stream


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        encrypted = stream.get_extra_info("ssl_object")
        self._shared = encrypted is not None and encrypted.selected_alpn_protocol() == "h2"

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = time_left()
        if not left:
            raise httpcore.ReadTimeout("the deadline has passed")
        seconds = left if timeout is None else min(timeout, left)
        worker = background.current()
        if worker is None or self._shared:  # what is read from HTTP/2 may be the answer that another thread wants
            return self._stream.read(max_bytes, timeout=seconds)
        return worker.wait_for(lambda: self._stream.read(max_bytes, timeout=seconds), self._end)

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
        with suppress(OSError):  # it may have ended by itself
            # that of the plain socket: the encrypted one's changes what the other thread is reading from
            socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)
