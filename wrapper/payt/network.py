"""Blocking reads that a deadline ends.

httpx's read time-out begins anew with every byte: a server that drips its headers could hold a thread for ever. (In
asyncio a deadline cancels whatever it is that waits, and nothing of this is needed.)
"""

from __future__ import annotations

import ssl
from typing import Any

import httpcore
import httpx

from .deadline import time_left


def end_reads_at_deadline(client: httpx.Client) -> None:
    """Let no read of this client's connections, new ones as well, go on beyond the deadline that it is under."""
    # httpx has no argument for httpcore's network backend, which is public there; without it, a deadline would still
    # be seen between the pieces of a body, and be late by a read time-out.
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001  # see above
        pool: Any = getattr(transport, "_pool", None)
        if type(getattr(pool, "_network_backend", None)) is httpcore.SyncBackend:
            pool._network_backend = _Backend()  # noqa: SLF001  # see above


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(*args, **kwargs))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = time_left()
        if not left:
            raise httpcore.ReadTimeout("the deadline has passed")
        return self._stream.read(max_bytes, timeout=left if timeout is None else min(timeout, left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
