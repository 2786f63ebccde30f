# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from typing import Annotated, Any

import httpx
from msgspec import Meta

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.contacts_page import ContactsPage
from ...models.error import Error
from ...types import DateTime, Response, decode, query_of, within


def _get_kwargs(
    *,
    administration_id: str,
    ids: str | None = None,
    contact_identifiers: str | None = None,
    debtor_numbers: str | None = None,
    updated_after: DateTime | None = None,
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> dict[str, Any]:
    return {
        "method": "get",
        "url": "/v1/contacts",
        "params": query_of(
            {
                "administration_id": within("administration_id", administration_id, Annotated[str, Meta(min_length=1)]),
                "ids": ids,
                "contact_identifiers": contact_identifiers,
                "debtor_numbers": debtor_numbers,
                "updated_after": updated_after,
                "fields": fields,
                "cursor": cursor,
                "per_page": within("per_page", per_page, Annotated[int, Meta(ge=1, le=500)]),
            }
        ),
    }


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response, unknown_fields: set[str]
) -> ContactsPage | Error | None:
    if response.status_code == 200:
        return decode(response.content, ContactsPage, unknown_fields)
    if response.status_code == 400:
        return decode(response.content, Error, unknown_fields)
    if response.status_code == 401:
        return decode(response.content, Error, unknown_fields)
    if response.status_code == 403:
        return decode(response.content, Error, unknown_fields)
    if response.status_code == 422:
        return decode(response.content, Error, unknown_fields)
    if response.status_code == 429:
        return decode(response.content, Error, unknown_fields)
    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ContactsPage | Error]:
    unknown_fields: set[str] = set()
    try:
        parsed = _parse_response(client=client, response=response, unknown_fields=unknown_fields)
    except errors.DecodeError as error:
        error.response = response
        raise
    return Response(
        url=str(response.url).partition("?")[0],
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parsed,
        unknown_fields=unknown_fields,
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    administration_id: str,
    ids: str | None = None,
    contact_identifiers: str | None = None,
    debtor_numbers: str | None = None,
    updated_after: DateTime | None = None,
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> Response[ContactsPage | Error]:
    """List the contacts of an administration.

    One page of contacts, ordered by id. The next page is asked for with `cursor` set to the
    `pagination.cursor` of this one; the listing is complete when no cursor comes back. Filters that are
    given together all apply.

    Args:
        client: Where and as whom to ask.
        administration_id: The administration whose contacts are listed.
        ids: Only contacts with one of these ids. Several are separated by commas.
        contact_identifiers: Only contacts with one of these identifiers of the accounting software.
            Several are separated by commas.
        debtor_numbers: Only contacts with one of these debtor numbers. Several are separated by commas.
        updated_after: Only contacts that were updated after this moment (ISO 8601, UTC).
        fields: The fields to send, as one JSON document: `only` holds names, and objects that map a
            name to the names wanted inside it.
        cursor: The id of the record after which the page starts; absent for the first page.
        per_page: How many records a page holds at most.

    Returns:
        The whole response: status, headers, body, and what was parsed of it (None where the contract does
        not know the status).

    Raises:
        ValueError: A parameter is outside of its bounds; nothing was sent.
        errors.DecodeError: The body does not match the contract.
        errors.UnexpectedStatus: The contract does not know the status, and
            `client.raise_on_unexpected_status` is set.
        httpx.HTTPError: No answer came.
    """
    response = client.get_httpx_client().request(
        **_get_kwargs(
            administration_id=administration_id,
            ids=ids,
            contact_identifiers=contact_identifiers,
            debtor_numbers=debtor_numbers,
            updated_after=updated_after,
            fields=fields,
            cursor=cursor,
            per_page=per_page,
        )
    )
    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    administration_id: str,
    ids: str | None = None,
    contact_identifiers: str | None = None,
    debtor_numbers: str | None = None,
    updated_after: DateTime | None = None,
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> ContactsPage | Error | None:
    """As `sync_detailed`, but only what was parsed of the body."""
    return sync_detailed(
        client=client,
        administration_id=administration_id,
        ids=ids,
        contact_identifiers=contact_identifiers,
        debtor_numbers=debtor_numbers,
        updated_after=updated_after,
        fields=fields,
        cursor=cursor,
        per_page=per_page,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    administration_id: str,
    ids: str | None = None,
    contact_identifiers: str | None = None,
    debtor_numbers: str | None = None,
    updated_after: DateTime | None = None,
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> Response[ContactsPage | Error]:
    """As `sync_detailed`, asynchronously."""
    response = await client.get_async_httpx_client().request(
        **_get_kwargs(
            administration_id=administration_id,
            ids=ids,
            contact_identifiers=contact_identifiers,
            debtor_numbers=debtor_numbers,
            updated_after=updated_after,
            fields=fields,
            cursor=cursor,
            per_page=per_page,
        )
    )
    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    administration_id: str,
    ids: str | None = None,
    contact_identifiers: str | None = None,
    debtor_numbers: str | None = None,
    updated_after: DateTime | None = None,
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> ContactsPage | Error | None:
    """As `asyncio_detailed`, but only what was parsed of the body."""
    return (
        await asyncio_detailed(
            client=client,
            administration_id=administration_id,
            ids=ids,
            contact_identifiers=contact_identifiers,
            debtor_numbers=debtor_numbers,
            updated_after=updated_after,
            fields=fields,
            cursor=cursor,
            per_page=per_page,
        )
    ).parsed
