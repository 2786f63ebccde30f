# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""`client.administrations`: the administrations that a token may read."""

from __future__ import annotations

from typing import Final

from payt.listing import AsyncPager, Fields, ListSpec, OnInvalid, Pager
from payt_api.api.administrations import list_administrations
from payt_api.client import AuthenticatedClient
from payt_api.models import Administration, AdministrationsPage

LIST: Final = ListSpec(
    name="administrations",
    path="/v1/administrations",
    operation=list_administrations,
    record=Administration,
    page=AdministrationsPage,
    separated={},
    most=500,
    columns=("id", "name", "status", "city", "currency_code"),
    key="id",
    watermark=None,
    after=None,
)


class Administrations:
    """The administrations that a token may read."""

    def __init__(self, api: AuthenticatedClient) -> None:
        self._api = api

    def list(
        self,
        *,
        fields: Fields | None = None,
        cursor: str | None = None,
        per_page: int = 500,
        limit: int | None = None,
        prefetch: int = 1,
        on_invalid: OnInvalid = "raise",
    ) -> Pager[Administration]:
        """List the administrations that the token may read.

        `for administration in client.administrations.list(...)`, or `.pages()` of it for whole pages.

        Sent only when `fields` names them: import_origin_identifier, last_successful_import_at. Otherwise they are
        None, whatever Payt holds.

        Args:
            fields: Only these fields and `id` are sent; all others are None. Names, and `{name: [names inside
                it]}`.
            cursor: Where to start, from an error's or a page's `.cursor`.
            per_page: How many records a request asks for, 1 to 500. The most is the fastest.
            limit: How many records to list at most.
            prefetch: How many pages are fetched ahead of the one that is being consumed, 0 to 16. Above 1, they
                are asked for at guessed cursors where a service is slow, and joined where they overlap.
            on_invalid: What happens to a record that does not match the contract: "raise" ends the listing,
                "collect" leaves it out and puts it into `.invalid` of the result.

        Returns:
            A Pager. Nothing is sent before it is iterated; each iteration lists anew.

        Raises:
            TypeError: An argument is of a wrong type.
            ValueError: An argument's value cannot be used; the message says why and what to do.
        """
        return Pager(
            self._api,
            LIST,
            {
                "cursor": cursor,
                "fields": fields,
                "per_page": per_page,
                "limit": limit,
                "prefetch": prefetch,
                "on_invalid": on_invalid,
            },
        )


class AsyncAdministrations:
    """The same as `Administrations`, for asyncio."""

    def __init__(self, api: AuthenticatedClient) -> None:
        self._api = api

    def list(
        self,
        *,
        fields: Fields | None = None,
        cursor: str | None = None,
        per_page: int = 500,
        limit: int | None = None,
        prefetch: int = 1,
        on_invalid: OnInvalid = "raise",
    ) -> AsyncPager[Administration]:
        """List the administrations that the token may read.

        `async for administration in client.administrations.list(...)`, or `.pages()` of it for whole pages.

        Sent only when `fields` names them: import_origin_identifier, last_successful_import_at. Otherwise they are
        None, whatever Payt holds.

        Args:
            fields: Only these fields and `id` are sent; all others are None. Names, and `{name: [names inside
                it]}`.
            cursor: Where to start, from an error's or a page's `.cursor`.
            per_page: How many records a request asks for, 1 to 500. The most is the fastest.
            limit: How many records to list at most.
            prefetch: How many pages are fetched ahead of the one that is being consumed, 0 to 16. Above 1, they
                are asked for at guessed cursors where a service is slow, and joined where they overlap.
            on_invalid: What happens to a record that does not match the contract: "raise" ends the listing,
                "collect" leaves it out and puts it into `.invalid` of the result.

        Returns:
            An AsyncPager. Nothing is sent before it is iterated; each iteration lists anew.

        Raises:
            TypeError: An argument is of a wrong type.
            ValueError: An argument's value cannot be used; the message says why and what to do.
        """
        return AsyncPager(
            self._api,
            LIST,
            {
                "cursor": cursor,
                "fields": fields,
                "per_page": per_page,
                "limit": limit,
                "prefetch": prefetch,
                "on_invalid": on_invalid,
            },
        )
