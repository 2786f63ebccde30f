"""Listing all contacts, as one would write it with each client. Making the client is not part of the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import httpx
import requests

import payt

Loop = Callable[[str, int], float]
"""Lists so many contacts from the server at that URL; the seconds it took."""


def with_payt(url: str, count: int) -> float:
    with payt.Client("token", base_url=url, rate_limit=None) as client:
        began = time.perf_counter()
        found = 0
        for _contact in client.contacts.list(administration_id=str(count)):
            found += 1
        seconds = time.perf_counter() - began
    assert found == count
    return seconds


def with_payt_async(url: str, count: int) -> float:
    async def run() -> float:
        async with payt.AsyncClient("token", base_url=url, rate_limit=None) as client:
            began = time.perf_counter()
            found = 0
            async for _contact in client.contacts.list(administration_id=str(count)):
                found += 1
            seconds = time.perf_counter() - began
        assert found == count
        return seconds

    return asyncio.run(run())


def _dicts(get: Callable[[dict[str, str]], Any], count: int) -> float:
    """A hand-written loop over dicts: no types, no retries, nothing checked."""
    began = time.perf_counter()
    found, query = 0, {"administration_id": str(count), "per_page": "500"}
    while True:
        body = get(query)
        for _contact in body["data"]:
            found += 1
        cursor = body["pagination"]["cursor"]
        if not cursor:
            break
        query["cursor"] = cursor
    assert found == count
    return time.perf_counter() - began


def with_httpx(url: str, count: int) -> float:
    with httpx.Client(base_url=url, headers={"Authorization": "Bearer token"}) as client:
        return _dicts(lambda query: client.get("/v1/contacts", params=query).json(), count)


def with_requests(url: str, count: int) -> float:
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer token"
        return _dicts(lambda query: session.get(f"{url}/v1/contacts", params=query, timeout=30).json(), count)


def _objects(get: Callable[[dict[str, Any]], Any], count: int) -> float:
    """The same with what a generated client returns."""
    began = time.perf_counter()
    found, more = 0, {}
    while True:
        page = get(more)
        for _contact in page.data:
            found += 1
        if not page.pagination.cursor:
            break
        more = {"cursor": page.pagination.cursor}
    assert found == count
    return time.perf_counter() - began


def with_stock(url: str, count: int) -> float:
    from stock_client import AuthenticatedClient
    from stock_client.api.contacts import list_contacts

    with AuthenticatedClient(url, token="token") as client:
        return _objects(
            lambda more: list_contacts.sync(client=client, administration_id=str(count), per_page=500, **more), count
        )


def with_openapi_generator(url: str, count: int) -> float:
    import oag_client

    with oag_client.ApiClient(oag_client.Configuration(host=url, access_token="token")) as client:
        api = oag_client.ContactsApi(client)
        return _objects(lambda more: api.list_contacts(str(count), per_page=500, **more), count)


OURS = "payt"
LOOPS: dict[str, Loop] = {
    OURS: with_payt,
    "httpx, dicts": with_httpx,
    "requests, dicts": with_requests,
    "stock generated client": with_stock,
    **({"openapi-generator": with_openapi_generator} if find_spec("oag_client") else {}),
}
