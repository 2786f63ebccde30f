# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from typing import Annotated, Any

import httpx
from msgspec import Meta

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.administrations_page import AdministrationsPage
from ...models.error import Error
from ...types import Response, decode, query_of, within


def _get_kwargs(
    *,
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> dict[str, Any]:
    return {
        "method": "get",
        "url": "/v1/administrations",
        "params": query_of(
            {
                "fields": fields,
                "cursor": cursor,
                "per_page": within("per_page", per_page, Annotated[int, Meta(ge=1, le=500)]),
            }
        ),
    }


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response, unknown_fields: set[str]
) -> AdministrationsPage | Error | None:
    if response.status_code == 200:
        return decode(response.content, AdministrationsPage, unknown_fields)
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
) -> Response[AdministrationsPage | Error]:
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
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> Response[AdministrationsPage | Error]:
    """List the administrations that the token may read.

    One page of administrations, ordered by id. The next page is asked for with `cursor` set to the
    `pagination.cursor` of this one; the listing is complete when no cursor comes back.

    Args:
        client: Where and as whom to ask.
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
            fields=fields,
            cursor=cursor,
            per_page=per_page,
        )
    )
    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> AdministrationsPage | Error | None:
    """As `sync_detailed`, but only what was parsed of the body."""
    return sync_detailed(
        client=client,
        fields=fields,
        cursor=cursor,
        per_page=per_page,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> Response[AdministrationsPage | Error]:
    """As `sync_detailed`, asynchronously."""
    response = await client.get_async_httpx_client().request(
        **_get_kwargs(
            fields=fields,
            cursor=cursor,
            per_page=per_page,
        )
    )
    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    fields: str | None = None,
    cursor: str | None = None,
    per_page: int = 100,
) -> AdministrationsPage | Error | None:
    """As `asyncio_detailed`, but only what was parsed of the body."""
    return (
        await asyncio_detailed(
            client=client,
            fields=fields,
            cursor=cursor,
            per_page=per_page,
        )
    ).parsed
