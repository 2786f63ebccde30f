# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""`client.contacts`: people and companies that receive invoices and reminders."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Final

from payt.listing import AsyncManyPager, AsyncPager, Fields, ListSpec, ManyPager, OnError, OnInvalid, Pager
from payt_api.api.contacts import list_contacts
from payt_api.client import AuthenticatedClient
from payt_api.models import Contact, ContactsPage

LIST: Final = ListSpec(
    name="contacts",
    path="/v1/contacts",
    operation=list_contacts,
    record=Contact,
    page=ContactsPage,
    separated={"ids": "id", "contact_identifiers": "contact_identifier", "debtor_numbers": "debtor_numbers"},
    most=500,
    columns=("id", "debtor_numbers", "firstname", "infix", "lastname", "postal_address_city"),
    key="id",
    watermark="updated_at",
    after="updated_after",
)


class Contacts:
    """People and companies that receive invoices and reminders."""

    def __init__(self, api: AuthenticatedClient) -> None:
        self._api = api

    def list(
        self,
        *,
        administration_id: str,
        ids: str | Iterable[str] | None = None,
        contact_identifiers: str | Iterable[str] | None = None,
        debtor_numbers: str | Iterable[str] | None = None,
        updated_after: datetime.datetime | str | None = None,
        fields: Fields | None = None,
        cursor: str | None = None,
        per_page: int = 500,
        limit: int | None = None,
        prefetch: int = 1,
        on_invalid: OnInvalid = "raise",
    ) -> Pager[Contact]:
        """List the contacts of an administration.

        `for contact in client.contacts.list(...)`, or `.pages()` of it for whole pages.

        Filters that are given together all apply. An empty iterable means no contacts, and no request. A filter too
        long for one URL is spread over several requests, and every record comes once.

        Args:
            administration_id: The administration whose contacts are listed.
            ids: Only contacts with one of these ids. A value, or any iterable of values.
            contact_identifiers: Only contacts with one of these identifiers of the accounting software. A
                value, or any iterable of values.
            debtor_numbers: Only contacts with one of these debtor numbers. A value, or any iterable of values.
            updated_after: Only contacts that were updated after this moment (ISO 8601, UTC). An aware datetime,
                or ISO 8601 with an offset.
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
                "administration_id": administration_id,
                "ids": ids,
                "contact_identifiers": contact_identifiers,
                "debtor_numbers": debtor_numbers,
                "updated_after": updated_after,
                "cursor": cursor,
                "fields": fields,
                "per_page": per_page,
                "limit": limit,
                "prefetch": prefetch,
                "on_invalid": on_invalid,
            },
        )

    def list_many(
        self,
        *,
        administration_ids: Iterable[str] | Mapping[str, str | None],
        concurrency: int = 8,
        on_error: OnError = "raise",
        ids: str | Iterable[str] | None = None,
        contact_identifiers: str | Iterable[str] | None = None,
        debtor_numbers: str | Iterable[str] | None = None,
        updated_after: datetime.datetime | str | None = None,
        fields: Fields | None = None,
        per_page: int = 500,
        limit: int | None = None,
        prefetch: int = 1,
        on_invalid: OnInvalid = "raise",
    ) -> ManyPager[Contact]:
        """List the contacts of an administration, for many administrations at once.

        `for administration_id, contact in client.contacts.list_many(...)`, or `.pages()` of it.

        Each administration is listed as by `list`, several of them at a time, all within the same rate limit. Records come
        as they arrive: those of one administration in their order, those of several in between each other.
        `.pages()` gives `(administration_id, page)`.

        Filters that are given together all apply. An empty iterable means no contacts, and no request. A filter too
        long for one URL is spread over several requests, and every record comes once.

        Args:
            administration_ids: The administrations to list; one that is named twice is listed once. None at all
                means no records, and no request. As a mapping, with the cursor where each starts:
                `{id: error.cursor for id, error in pager.errors.items()}` resumes what failed.
            concurrency: How many administrations are listed at the same time at most, 1 to 100. The pace allows ten
                requests a second, so many more help only where answers take seconds.
            on_error: What an error of one administration does: "raise" ends all listings with it, "collect" ends
                only its own and puts it into `.errors` of the result.
            ids: Only contacts with one of these ids. A value, or any iterable of values.
            contact_identifiers: Only contacts with one of these identifiers of the accounting software. A
                value, or any iterable of values.
            debtor_numbers: Only contacts with one of these debtor numbers. A value, or any iterable of values.
            updated_after: Only contacts that were updated after this moment (ISO 8601, UTC). An aware datetime,
                or ISO 8601 with an offset.
            fields: Only these fields and `id` are sent; all others are None. Names, and `{name: [names inside
                it]}`.
            per_page: As for `list`.
            limit: How many records of each administration to list at most.
            prefetch: How many pages each of the listings under way is ahead of the consumer, 0 to 16. There are never
                more than `concurrency * (1 + prefetch)` pages in memory.
            on_invalid: What happens to a record that does not match the contract: "raise" ends the listing,
                "collect" leaves it out and puts it into `.invalid` of the result.

        Returns:
            A ManyPager. Nothing is sent before it is iterated; each iteration lists anew.

        Raises:
            TypeError: An argument is of a wrong type.
            ValueError: An argument's value cannot be used; the message says why and what to do.
        """
        return ManyPager(
            self._api,
            LIST,
            {
                "ids": ids,
                "contact_identifiers": contact_identifiers,
                "debtor_numbers": debtor_numbers,
                "updated_after": updated_after,
                "administration_ids": administration_ids,
                "concurrency": concurrency,
                "on_error": on_error,
                "fields": fields,
                "per_page": per_page,
                "limit": limit,
                "prefetch": prefetch,
                "on_invalid": on_invalid,
            },
        )


class AsyncContacts:
    """The same as `Contacts`, for asyncio."""

    def __init__(self, api: AuthenticatedClient) -> None:
        self._api = api

    def list(
        self,
        *,
        administration_id: str,
        ids: str | Iterable[str] | None = None,
        contact_identifiers: str | Iterable[str] | None = None,
        debtor_numbers: str | Iterable[str] | None = None,
        updated_after: datetime.datetime | str | None = None,
        fields: Fields | None = None,
        cursor: str | None = None,
        per_page: int = 500,
        limit: int | None = None,
        prefetch: int = 1,
        on_invalid: OnInvalid = "raise",
    ) -> AsyncPager[Contact]:
        """List the contacts of an administration.

        `async for contact in client.contacts.list(...)`, or `.pages()` of it for whole pages.

        Filters that are given together all apply. An empty iterable means no contacts, and no request. A filter too
        long for one URL is spread over several requests, and every record comes once.

        Args:
            administration_id: The administration whose contacts are listed.
            ids: Only contacts with one of these ids. A value, or any iterable of values.
            contact_identifiers: Only contacts with one of these identifiers of the accounting software. A
                value, or any iterable of values.
            debtor_numbers: Only contacts with one of these debtor numbers. A value, or any iterable of values.
            updated_after: Only contacts that were updated after this moment (ISO 8601, UTC). An aware datetime,
                or ISO 8601 with an offset.
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
                "administration_id": administration_id,
                "ids": ids,
                "contact_identifiers": contact_identifiers,
                "debtor_numbers": debtor_numbers,
                "updated_after": updated_after,
                "cursor": cursor,
                "fields": fields,
                "per_page": per_page,
                "limit": limit,
                "prefetch": prefetch,
                "on_invalid": on_invalid,
            },
        )

    def list_many(
        self,
        *,
        administration_ids: Iterable[str] | Mapping[str, str | None],
        concurrency: int = 8,
        on_error: OnError = "raise",
        ids: str | Iterable[str] | None = None,
        contact_identifiers: str | Iterable[str] | None = None,
        debtor_numbers: str | Iterable[str] | None = None,
        updated_after: datetime.datetime | str | None = None,
        fields: Fields | None = None,
        per_page: int = 500,
        limit: int | None = None,
        prefetch: int = 1,
        on_invalid: OnInvalid = "raise",
    ) -> AsyncManyPager[Contact]:
        """List the contacts of an administration, for many administrations at once.

        `async for administration_id, contact in client.contacts.list_many(...)`, or `.pages()` of it.

        Each administration is listed as by `list`, several of them at a time, all within the same rate limit. Records come
        as they arrive: those of one administration in their order, those of several in between each other.
        `.pages()` gives `(administration_id, page)`.

        Filters that are given together all apply. An empty iterable means no contacts, and no request. A filter too
        long for one URL is spread over several requests, and every record comes once.

        Args:
            administration_ids: The administrations to list; one that is named twice is listed once. None at all
                means no records, and no request. As a mapping, with the cursor where each starts:
                `{id: error.cursor for id, error in pager.errors.items()}` resumes what failed.
            concurrency: How many administrations are listed at the same time at most, 1 to 100. The pace allows ten
                requests a second, so many more help only where answers take seconds.
            on_error: What an error of one administration does: "raise" ends all listings with it, "collect" ends
                only its own and puts it into `.errors` of the result.
            ids: Only contacts with one of these ids. A value, or any iterable of values.
            contact_identifiers: Only contacts with one of these identifiers of the accounting software. A
                value, or any iterable of values.
            debtor_numbers: Only contacts with one of these debtor numbers. A value, or any iterable of values.
            updated_after: Only contacts that were updated after this moment (ISO 8601, UTC). An aware datetime,
                or ISO 8601 with an offset.
            fields: Only these fields and `id` are sent; all others are None. Names, and `{name: [names inside
                it]}`.
            per_page: As for `list`.
            limit: How many records of each administration to list at most.
            prefetch: How many pages each of the listings under way is ahead of the consumer, 0 to 16. There are never
                more than `concurrency * (1 + prefetch)` pages in memory.
            on_invalid: What happens to a record that does not match the contract: "raise" ends the listing,
                "collect" leaves it out and puts it into `.invalid` of the result.

        Returns:
            An AsyncManyPager. Nothing is sent before it is iterated; each iteration lists anew.

        Raises:
            TypeError: An argument is of a wrong type.
            ValueError: An argument's value cannot be used; the message says why and what to do.
        """
        return AsyncManyPager(
            self._api,
            LIST,
            {
                "ids": ids,
                "contact_identifiers": contact_identifiers,
                "debtor_numbers": debtor_numbers,
                "updated_after": updated_after,
                "administration_ids": administration_ids,
                "concurrency": concurrency,
                "on_error": on_error,
                "fields": fields,
                "per_page": per_page,
                "limit": limit,
                "prefetch": prefetch,
                "on_invalid": on_invalid,
            },
        )
