"""The public types, as users meet them. Type-checked by scripts/check, never run."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from typing import Any, assert_type

import attrs
import httpx
import pyarrow

import payt
import payt.sql
from payt_api import models as models_of_the_api
from payt_api.api.contacts import list_contacts


def sync_client() -> None:
    with payt.Client() as client:
        assert_type(client, payt.Client)
        pager = client.contacts.list(administration_id="1")
        assert_type(pager, payt.Pager[payt.Contact])
        assert_type(iter(pager), Iterator[payt.Contact])
        for contact in pager:
            assert_type(contact, payt.Contact)
            assert_type(contact.id, str | None)
            assert_type(contact.debtor_numbers, list[str] | None)
            assert_type(contact.validation_errors, dict[str, Any] | None)
            assert_type(contact.updated_at, datetime.datetime | None)
        for page in pager.pages():
            assert_type(page, payt.Page[payt.Contact])
            assert_type(page.data, list[payt.Contact])
            assert_type(page.cursor, str | None)
            assert_type(page.raw, bytes)
            assert_type(page.headers, Mapping[str, str])


async def as_arrow(client: payt.Client, async_client: payt.AsyncClient) -> None:
    assert_type(client.contacts.list(administration_id="1").to_arrow(), pyarrow.RecordBatchReader)
    assert_type(client.contacts.list_many(administration_ids=["1"]).to_arrow(), pyarrow.RecordBatchReader)
    assert_type(await async_client.contacts.list(administration_id="1").to_arrow(), pyarrow.RecordBatchReader)


def of_own(credentials: payt.Credentials | None) -> payt.Client:
    return payt.Client(credentials)


def mapped_pages(client: payt.Client, async_client: payt.AsyncClient) -> None:
    def size(page: payt.Page[payt.Contact]) -> int:
        return len(page.data)

    async def size_async(page: payt.Page[payt.Contact]) -> int:
        return len(page.data)

    assert_type(client.contacts.list(administration_id="1").map_pages(size), Generator[int])
    assert_type(async_client.contacts.list(administration_id="1").map_pages(size_async), AsyncGenerator[int])


def models(contact: payt.Contact) -> None:
    assert_type(attrs.evolve(contact, lastname="Jansen"), payt.Contact)
    assert_type(attrs.asdict(contact), dict[str, Any])
    assert_type(contact.to_dict(), dict[str, Any])
    assert_type(type(contact).from_dict({"id": "1"}), payt.Contact)
    contact.lastname = "Jansen"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # it is frozen
    payt.Contact(lastname=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it is typed
    payt.Contact("1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # it takes names only


def many_administrations(client: payt.Client) -> None:
    pager = client.contacts.list_many(administration_ids=["1", "2"], concurrency=4, on_error="collect", limit=5)
    assert_type(pager, payt.ManyPager[payt.Contact])
    assert_type(iter(pager), Iterator[tuple[str, payt.Contact]])
    assert_type(pager.pages(), Generator[tuple[str, payt.Page[payt.Contact]]])
    assert_type(pager.errors, Mapping[str, payt.PaytError])
    client.contacts.list_many(administration_ids={key: error.cursor for key, error in pager.errors.items()}, prefetch=0)


async def many_administrations_async(client: payt.AsyncClient) -> None:
    pager = client.contacts.list_many(administration_ids=["1", "2"])
    assert_type(pager, payt.AsyncManyPager[payt.Contact])
    async for administration_id, contact in pager:
        assert_type(administration_id, str)
        assert_type(contact, payt.Contact)
    assert_type(pager.pages(), AsyncGenerator[tuple[str, payt.Page[payt.Contact]]])


async def async_client() -> None:
    async with payt.AsyncClient() as client:
        assert_type(client, payt.AsyncClient)
        pager = client.contacts.list(administration_id="1")
        assert_type(pager, payt.AsyncPager[payt.Contact])
        assert_type(pager.pages(), AsyncGenerator[payt.Page[payt.Contact]])
        async for contact in pager:
            assert_type(contact, payt.Contact)


def mistyped_names() -> None:
    """Each is an error, or its ignore would be one."""
    _ = payt.Clinet  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    from payt import TransportErr  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] # noqa: PLC0415

    _ = TransportErr


def everything_that_may_be_passed(auth: httpx.Auth) -> None:
    payt.Client("token")
    payt.Client(payt.StaticToken("token"))
    payt.Client(payt.EnvToken("PAYT_TOKEN_ACME"))
    payt.AsyncClient("token", token_transport=httpx.HTTPTransport())
    payt.Client(lambda: "token", base_url="https://api.example", timeout=5)
    payt.Client(auth, timeout=httpx.Timeout(5), transport=httpx.HTTPTransport())
    payt.Client(retries=0, rate_limit=None, total_timeout=60, max_body=2**20, http2=True)
    assert_type(payt.Client().with_options(timeout=5, retries=0, total_timeout=60), payt.Client)
    assert_type(payt.AsyncClient().with_options(timeout=httpx.Timeout(5)), payt.AsyncClient)
    payt.Client().with_options(rate_limit=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    payt.AsyncClient(retries=8, rate_limit=2.5, total_timeout=0.5, verify=ssl.create_default_context())
    settings: dict[str, Any] = {"timeout": 5}
    payt.Client(**settings)
    payt.Client(token="token")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # of other clients
    client = payt.Client()
    client.contacts.list(
        administration_id="1",
        ids="1",
        contact_identifiers=["a"],
        debtor_numbers=(str(n) for n in range(3)),
        updated_after=datetime.datetime.now(datetime.UTC),
        fields=["id", {"validation_errors": ["email"]}],
        cursor="1",
        per_page=500,
        limit=10,
        prefetch=0,
    )
    client.contacts.list(administration_id="1", updated_after="2026-11-01T00:00:00Z", fields={"only": ["id"]})


def tokens(store: payt.TokenStore) -> None:
    payt.Client(payt.ClientCredentials("id", "secret", store, scope="contacts:read", refresh_early=30))
    payt.AsyncClient(payt.AuthorizationCode("id", "secret", payt.FileTokenStore("tokens"), refresh_token="first"))
    payt.Client(payt.AuthorizationCode("id", "secret", payt.KeyringTokenStore(), account="acme"))
    with payt.hold_signals():
        payt.Client()
    assert_type(store.load("key"), payt.Token | None)
    assert_type(payt.login("id", "secret", store=payt.MemoryTokenStore(), browser=print), payt.Token)
    token = payt.Token("access", expires_at=1.0)
    assert_type(token.access_token, str)
    assert_type(token.refresh_token, str | None)
    assert_type(token.expires_at, float | None)


def errors(error: payt.PaytError) -> None:
    assert_type(error.cursor, str | None)
    assert_type(error.administration_id, str | None)
    assert_type(error.attempts, int | None)
    assert_type(error.status, int | None)
    assert_type(error.request_id, str | None)
    match error:
        case payt.RateLimitError():
            assert_type(error.retry_after, float | None)
            assert_type(error.status_code, int)
        case payt.APIError():
            assert_type(error.code, str | None)
            assert_type(error.message, str | None)
            assert_type(error.body, bytes)
            assert_type(error.headers, Mapping[str, str])
        case payt.InvalidResponseError():
            assert_type(error.path, str)
        case payt.TokenError():
            assert_type(error.code, str | None)
        case payt.sql.SyncError():
            assert_type(error.results, list[payt.sql.SyncResult])  # as `payt.sync` returns it
            assert_type(error.errors, dict[str, payt.PaytError])


def administrations(client: payt.Client, async_client: payt.AsyncClient) -> None:
    assert_type(client.administrations.list(), payt.Pager[models_of_the_api.Administration])
    assert_type(async_client.administrations.list(fields=["id"]), payt.AsyncPager[models_of_the_api.Administration])
    for administration in client.administrations.list(limit=1):
        assert_type(administration.name, str | None)


async def anything_else(client: payt.Client, async_client: payt.AsyncClient) -> None:
    page = client.call(list_contacts, administration_id="1")
    assert_type(page, models_of_the_api.ContactsPage | models_of_the_api.Error | None)
    assert_type(
        await async_client.call(list_contacts, administration_id="1"),
        models_of_the_api.ContactsPage | models_of_the_api.Error | None,
    )
