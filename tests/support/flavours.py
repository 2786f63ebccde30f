"""The two flavours of the client behind one face, so that one table of cases serves both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import payt

Observe = Callable[[Any], None]


def ignore(_seen: object) -> None:
    """Observe nothing."""


class Flavour(Protocol):
    """`payt.Client` or `payt.AsyncClient`, used from a plain test. The administration is "1" where none is given."""

    name: str

    def contacts(
        self, url: str, credentials: Any = ..., *, client: dict[str, Any] | None = None, **arguments: Any
    ) -> list[payt.Contact]:
        """Every contact of a listing."""
        ...

    def pages(
        self,
        url: str,
        credentials: Any = ...,
        *,
        client: dict[str, Any] | None = None,
        seen: Observe = ignore,
        **arguments: Any,
    ) -> list[payt.Page[payt.Contact]]:
        """Every page of a listing; `seen` is called with each as it comes."""
        ...

    def collected(
        self, url: str, *, client: dict[str, Any] | None = None, **arguments: Any
    ) -> tuple[list[payt.Contact], Sequence[payt.InvalidRecord]]:
        """Every contact of a listing, and those that were left out as invalid."""
        ...


class Sync:
    """payt.Client."""

    name = "sync"

    def contacts(
        self, url: str, credentials: Any = "fake-token", *, client: dict[str, Any] | None = None, **arguments: Any
    ) -> list[payt.Contact]:
        with payt.Client(credentials, base_url=url, **(client or {})) as api:
            return list(api.contacts.list(**{"administration_id": "1", **arguments}))

    def pages(
        self,
        url: str,
        credentials: Any = "fake-token",
        *,
        client: dict[str, Any] | None = None,
        seen: Observe = ignore,
        **arguments: Any,
    ) -> list[payt.Page[payt.Contact]]:
        pages = []
        with payt.Client(credentials, base_url=url, **(client or {})) as api:
            for page in api.contacts.list(**{"administration_id": "1", **arguments}).pages():
                pages.append(page)
                seen(page)
        return pages

    def collected(
        self, url: str, *, client: dict[str, Any] | None = None, **arguments: Any
    ) -> tuple[list[payt.Contact], Sequence[payt.InvalidRecord]]:
        with payt.Client("fake-token", base_url=url, **(client or {})) as api:
            pager = api.contacts.list(administration_id="1", on_invalid="collect", **arguments)
            return list(pager), pager.invalid


class Async:
    """payt.AsyncClient."""

    name = "async"

    def contacts(
        self, url: str, credentials: Any = "fake-token", *, client: dict[str, Any] | None = None, **arguments: Any
    ) -> list[payt.Contact]:
        async def run() -> list[payt.Contact]:
            async with payt.AsyncClient(credentials, base_url=url, **(client or {})) as api:
                return [c async for c in api.contacts.list(**{"administration_id": "1", **arguments})]

        return asyncio.run(run())

    def pages(
        self,
        url: str,
        credentials: Any = "fake-token",
        *,
        client: dict[str, Any] | None = None,
        seen: Observe = ignore,
        **arguments: Any,
    ) -> list[payt.Page[payt.Contact]]:
        async def run() -> list[payt.Page[payt.Contact]]:
            pages = []
            async with payt.AsyncClient(credentials, base_url=url, **(client or {})) as api:
                async for page in api.contacts.list(**{"administration_id": "1", **arguments}).pages():
                    pages.append(page)
                    seen(page)
            return pages

        return asyncio.run(run())

    def collected(
        self, url: str, *, client: dict[str, Any] | None = None, **arguments: Any
    ) -> tuple[list[payt.Contact], Sequence[payt.InvalidRecord]]:
        async def run() -> tuple[list[payt.Contact], Sequence[payt.InvalidRecord]]:
            async with payt.AsyncClient("fake-token", base_url=url, **(client or {})) as api:
                pager = api.contacts.list(administration_id="1", on_invalid="collect", **arguments)
                return [contact async for contact in pager], pager.invalid

        return asyncio.run(run())
