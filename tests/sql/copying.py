"""`payt.sync` and `payt.async_sync` behind one face, so that one table of cases serves both."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, Protocol

import httpx
import sqlalchemy as sa

import payt
from payt.sql import SyncResult
from payt.testing import FakePayt
from support.quick import CONTEXT, QUICK

CreateEngine = Callable[..., sa.Engine]
"""`sqlalchemy.create_engine`, for as long as a test runs."""


class Syncs(Protocol):
    """`payt.sync` or `payt.async_sync`, with a client of its own for the fake server."""

    def __call__(
        self,
        fake: FakePayt,
        to: Any,
        administrations: Any = "1",
        *,
        client: dict[str, Any] | None = None,
        meddle: Callable[[int], None] | None = None,
        **options: Any,
    ) -> list[SyncResult]:
        """Sync; `meddle` is called with the number of each request before it is sent."""
        ...


class Meddling(httpx.HTTPTransport):
    """Calls a function before each request."""

    def __init__(self, meddle: Callable[[int], None]) -> None:
        super().__init__(verify=CONTEXT)
        self._meddle, self._numbers = meddle, itertools.count(1)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._meddle(next(self._numbers))
        return super().handle_request(request)


class AsyncMeddling(httpx.AsyncHTTPTransport):
    """The same for asyncio."""

    def __init__(self, meddle: Callable[[int], None]) -> None:
        super().__init__(verify=CONTEXT)
        self._meddle, self._numbers = meddle, itertools.count(1)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._meddle(next(self._numbers))
        return await super().handle_async_request(request)


def sync_blocking(
    fake: FakePayt,
    to: Any,
    administrations: Any = "1",
    *,
    client: dict[str, Any] | None = None,
    meddle: Callable[[int], None] | None = None,
    **options: Any,
) -> list[SyncResult]:
    """`payt.sync`."""
    options.setdefault("prefetch", 1)  # so that requests can be counted
    transport = Meddling(meddle) if meddle else None
    settings = {"rate_limit": None, "transport": transport, **QUICK, **(client or {})}
    with payt.Client(fake.token, base_url=fake.url, **settings) as api:
        return payt.sync(api, administrations, to, **options)


def sync_async(
    fake: FakePayt,
    to: Any,
    administrations: Any = "1",
    *,
    client: dict[str, Any] | None = None,
    meddle: Callable[[int], None] | None = None,
    **options: Any,
) -> list[SyncResult]:
    """`payt.async_sync`."""

    async def run() -> list[SyncResult]:
        options.setdefault("prefetch", 1)
        transport = AsyncMeddling(meddle) if meddle else None
        settings = {"rate_limit": None, "transport": transport, **QUICK, **(client or {})}
        async with payt.AsyncClient(fake.token, base_url=fake.url, **settings) as api:
            return await payt.async_sync(api, administrations, to, **options)

    return asyncio.run(run())
