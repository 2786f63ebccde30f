"""Clients and pagers in other processes: settings travel, tokens do not."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import payt
from payt import pickling
from payt.testing import FakePayt
from support.quick import CONTEXT

SETTINGS: dict[str, Any] = {"trust_env": False, "rate_limit": None}


@pytest.fixture(autouse=True)
def connected(fake: FakePayt, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PAYT_TOKEN", fake.token)
    yield
    _, clients = pickling._clients.get()
    while clients:
        clients.popitem()[1].close()


def travelled(thing: Any, *secrets: str) -> Any:
    pickled = pickle.dumps(thing)
    for secret in secrets:
        assert secret.encode() not in pickled
    return pickle.loads(pickled)


def token_of_a_module() -> str:
    return "fake-token"


def test_a_client_is_made_anew_from_its_settings(fake: FakePayt, monkeypatch: pytest.MonkeyPatch) -> None:
    with payt.Client(base_url=fake.url, retries=1, **SETTINGS) as client:
        monkeypatch.setenv("PAYT_BASE_URL", "http://elsewhere.invalid")
        with travelled(client, fake.token) as again:
            assert (type(again), again.base_url) == (payt.Client, fake.url)
            assert len(list(again.contacts.list(administration_id="1"))) == 12


def test_a_pager_lists_the_same(fake: FakePayt) -> None:
    with payt.Client(base_url=fake.url, **SETTINGS) as client:
        pager = client.contacts.list(
            administration_id="1", ids=["2", "3", "5"], fields=["id", "lastname"], per_page=2, prefetch=0
        )
        again = travelled(pager, fake.token)
        other = travelled(client.contacts.list(administration_id="1"))
        assert list(again) == list(pager)
        assert again._api is other._api  # one client for all that arrive with the same settings


def test_a_pager_of_many_administrations_lists_the_same(fake: FakePayt) -> None:
    with payt.Client(base_url=fake.url, **SETTINGS) as client:
        pager = client.contacts.list_many(administration_ids=["1"], prefetch=0, limit=7)
        assert list(travelled(pager, fake.token)) == list(travelled(pager)) == list(pager)
        assert list(travelled(pager)) == list(pager)  # also when it has listed


def test_an_async_client_and_its_pager(fake: FakePayt) -> None:
    async def run() -> None:
        async with payt.AsyncClient(base_url=fake.url, **SETTINGS) as client:
            pager = travelled(client.contacts.list(administration_id="1", limit=5), fake.token)
            assert len([contact async for contact in pager]) == 5
            await pager._api.get_async_httpx_client().aclose()
            async with travelled(client, fake.token) as again:
                assert len([contact async for contact in again.contacts.list(administration_id="1")]) == 12

    asyncio.run(run())


def test_a_login_travels_as_the_reference_to_its_store(fake: FakePayt, tmp_path: Path) -> None:
    first = fake.oauth.issue()["refresh_token"]
    person = payt.AuthorizationCode(
        fake.oauth.client_id, fake.oauth.client_secret, payt.FileTokenStore(tmp_path), refresh_token=first
    )
    with payt.Client(person, base_url=fake.url, **SETTINGS) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == 12
        [file] = tmp_path.glob("*.json")
        token = payt.FileTokenStore(tmp_path).load(file.stem)
        assert token is not None
        assert token.refresh_token is not None
        with travelled(client, first, token.access_token, token.refresh_token) as again:
            assert len(list(again.contacts.list(administration_id="1"))) == 12
    assert (fake.oauth.refreshes, fake.oauth.refusals) == (1, 0)


def test_the_application_travels_as_well(fake: FakePayt, tmp_path: Path) -> None:
    application = payt.ClientCredentials(fake.oauth.client_id, fake.oauth.client_secret, payt.FileTokenStore(tmp_path))
    with payt.Client(application, base_url=fake.url, **SETTINGS) as client, travelled(client) as again:
        assert len(list(again.contacts.list(administration_id="1"))) == 12


def test_a_function_of_a_module_travels_by_its_name(fake: FakePayt) -> None:
    with payt.Client(token_of_a_module, base_url=fake.url, **SETTINGS) as client:
        assert fake.token.encode() not in pickle.dumps(client)


def test_what_is_missing_where_a_pager_arrives_is_told_when_it_is_used(
    fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool whose worker cannot read a task would wait for it for ever."""

    async def run(pager: payt.AsyncPager[payt.Contact]) -> None:
        async for _ in pager:
            pass

    async_client = payt.AsyncClient(base_url=fake.url, **SETTINGS)
    asyncio.run(async_client.aclose())
    with payt.Client(base_url=fake.url, **SETTINGS) as client:
        pagers = [pickle.dumps(api.contacts.list(administration_id="1")) for api in (client, async_client)]
    monkeypatch.delenv("PAYT_TOKEN")
    blocking, asynchronous = map(pickle.loads, pagers)
    with pytest.raises(ValueError, match="PAYT_TOKEN"):
        list(blocking)
    with pytest.raises(ValueError, match="PAYT_TOKEN"):
        asyncio.run(run(asynchronous))


MEMORY = payt.AuthorizationCode("id", "secret", payt.MemoryTokenStore(), refresh_token="secret")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"credentials": "secret"}, "as the token would travel along: set PAYT_TOKEN"),
        ({"credentials": payt.StaticToken("secret")}, "as the token would travel along"),
        ({"credentials": "secret".strip}, "as the token would travel along"),
        ({"credentials": lambda: "secret"}, "as the token would travel along"),
        ({"credentials": httpx.BasicAuth("me", "secret")}, "as the token would travel along"),
        ({"credentials": MEMORY}, "MemoryTokenStore cannot be pickled: keep tokens in a FileTokenStore"),
        ({"transport": httpx.MockTransport(lambda _: httpx.Response(200))}, "transport of its own"),
        ({"verify": CONTEXT}, "SSLContext cannot be pickled"),
        ({"proxy": "http://me:secret@proxy:1"}, "a proxy that has a password"),
        ({"proxy": httpx.Proxy("http://proxy:1")}, "a proxy that has a password"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_travel_is_told_with_the_way_out(arguments: dict[str, Any], message: str) -> None:
    with payt.Client(**arguments) as client:
        for thing in (client, client.contacts.list(administration_id="1")):
            with pytest.raises(TypeError, match=message) as caught:
                pickle.dumps(thing)
            assert "secret" not in str(caught.value).replace("client_secret", "")


def test_nor_do_tokens_in_memory_travel_by_themselves() -> None:
    for thing in (MEMORY, MEMORY.store):
        with pytest.raises(TypeError, match="MemoryTokenStore cannot be pickled: keep tokens in a FileTokenStore"):
            pickle.dumps(thing)


def test_a_proxy_without_a_password_travels(fake: FakePayt) -> None:
    with payt.Client(proxy="http://127.0.0.1:1", base_url=fake.url, **SETTINGS) as client, travelled(client) as again:
        assert again.base_url == fake.url


def test_a_pager_of_another_client_is_refused() -> None:
    from payt_api import AuthenticatedClient  # noqa: PLC0415
    from payt_resources.contacts import Contacts  # noqa: PLC0415

    api = AuthenticatedClient("http://127.0.0.1:1", token="x")
    with pytest.raises(TypeError, match=r"only the pagers of a payt.Client or payt.AsyncClient"):
        pickle.dumps(Contacts(api).list(administration_id="1"))
