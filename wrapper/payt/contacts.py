"""`client.contacts`: the contacts of an administration."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, get_args

import attrs

from payt_api.api.contacts import list_contacts
from payt_api.client import AuthenticatedClient
from payt_api.models import Contact

from . import query
from .many import AsyncManyPager, Listings, ManyPager, OnError
from .pager import AsyncPager, Listing, Pager

Fields: TypeAlias = Iterable[str | Mapping[str, Iterable[Any]]] | Mapping[str, Any]
"""Which fields to ask for: names and `{name: [names inside it]}`; or the whole JSON document, as a mapping."""


class Contacts:
    """The contacts of an administration."""

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
    ) -> Pager[Contact]:
        """List contacts: `for contact in client.contacts.list(...)`, or `.pages()` of it for whole pages.

        Filters that are given together all apply. An empty iterable means no contacts, and no request. A
        filter too long for one URL is spread over several listings, and every contact comes once.

        Args:
            administration_id: The administration whose contacts are listed.
            ids: Only contacts with these ids.
            contact_identifiers: Only contacts with these identifiers of the accounting software.
            debtor_numbers: Only contacts with one of these debtor numbers.
            updated_after: Only contacts that were updated after this moment: an aware datetime, or ISO 8601 with an
                offset.
            fields: Only these fields are sent; all others are None. Names, and `{name: [names inside it]}`.
            cursor: Where to start, from an error's or a page's `.cursor`.
            per_page: How many contacts a request asks for, 1 to 500. The most is the fastest.
            limit: How many contacts to list at most.
            prefetch: How many pages are fetched ahead of the one that is being consumed, 1 or 0.

        Returns:
            A Pager. Nothing is sent before it is iterated; each iteration lists anew.

        Raises:
            TypeError: An argument is of a wrong type.
            ValueError: An argument's value cannot be used; the message says why and what to do.
        """
        return Pager(
            self._api,
            _listing(
                administration_id=administration_id,
                filters={
                    "ids": ids,
                    "contact_identifiers": contact_identifiers,
                    "debtor_numbers": debtor_numbers,
                },
                updated_after=updated_after,
                fields=fields,
                cursor=cursor,
                per_page=per_page,
                limit=limit,
            ),
            prefetch=_prefetch(prefetch),
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
    ) -> ManyPager[Contact]:
        """List the contacts of many administrations at once: `for administration_id, contact in ...list_many(...)`.

        Each administration is listed as by `list`, several of them at a time, all under the one pace. Contacts come as
        they arrive: those of one administration in their order, those of several in between each other. `.pages()`
        gives `(administration_id, page)`.

        Args:
            administration_ids: The administrations whose contacts are listed; one that is named twice is listed once.
                None at all means no contacts, and no request. As a mapping, with the cursor where each starts:
                `{id: error.cursor for id, error in pager.errors.items()}` resumes what failed.
            concurrency: How many administrations are listed at the same time at most, 1 to 100. The pace allows ten
                requests a second, so many more help only where answers take seconds.
            on_error: What an error of one administration does: "raise" ends all listings with it, "collect" ends
                only its own and puts it into `.errors` of the result.
            ids: As for `list`.
            contact_identifiers: As for `list`.
            debtor_numbers: As for `list`.
            updated_after: As for `list`.
            fields: As for `list`.
            per_page: As for `list`.
            limit: How many contacts of each administration to list at most.
            prefetch: How many pages each of the listings under way is ahead of the consumer, 1 or 0. There are never
                more than `concurrency * (1 + prefetch)` pages in memory.

        Returns:
            A ManyPager. Nothing is sent before it is iterated; each iteration lists anew.

        Raises:
            TypeError: An argument is of a wrong type.
            ValueError: An argument's value cannot be used; the message says why and what to do.
        """
        return ManyPager(
            self._api,
            _listings(
                administration_ids,
                concurrency=concurrency,
                on_error=on_error,
                prefetch=prefetch,
                filters={
                    "ids": ids,
                    "contact_identifiers": contact_identifiers,
                    "debtor_numbers": debtor_numbers,
                },
                updated_after=updated_after,
                fields=fields,
                per_page=per_page,
                limit=limit,
            ),
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
    ) -> AsyncPager[Contact]:
        """As `Contacts.list`, for `async for`."""
        return AsyncPager(
            self._api,
            _listing(
                administration_id=administration_id,
                filters={
                    "ids": ids,
                    "contact_identifiers": contact_identifiers,
                    "debtor_numbers": debtor_numbers,
                },
                updated_after=updated_after,
                fields=fields,
                cursor=cursor,
                per_page=per_page,
                limit=limit,
            ),
            prefetch=_prefetch(prefetch),
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
    ) -> AsyncManyPager[Contact]:
        """As `Contacts.list_many`, for `async for`."""
        return AsyncManyPager(
            self._api,
            _listings(
                administration_ids,
                concurrency=concurrency,
                on_error=on_error,
                prefetch=prefetch,
                filters={
                    "ids": ids,
                    "contact_identifiers": contact_identifiers,
                    "debtor_numbers": debtor_numbers,
                },
                updated_after=updated_after,
                fields=fields,
                per_page=per_page,
                limit=limit,
            ),
        )


def _listing(
    *,
    administration_id: str,
    filters: Mapping[str, str | Iterable[str] | None],
    updated_after: datetime.datetime | str | None,
    fields: Fields | None,
    cursor: str | None,
    per_page: int,
    limit: int | None,
) -> Listing:
    """The arguments of `list`, checked and encoded."""
    always = {
        "administration_id": query.text("administration_id", administration_id),
        "updated_after": None if updated_after is None else query.moment("updated_after", updated_after),
    }
    parts = query.split({name: query.values(name, given) for name, given in filters.items() if given is not None})
    # A contact has several debtor numbers, so it can match several parts; all other filters match one part at most.
    overlapping = len({part.get("debtor_numbers") for part in parts}) > 1
    if fields is not None:
        always["fields"] = query.fields_document(fields, Contact, needed=_IDENTITY if overlapping else ())
    return Listing(
        operation=list_contacts,
        parts=tuple({**always, **part} for part in parts),
        cursor=None if cursor is None else query.text("cursor", cursor),
        per_page=query.number("per_page", per_page, least=1, most=500),
        limit=None if limit is None else query.number("limit", limit, least=0),
        belongs=_belongs if overlapping else None,
    )


def _listings(
    administration_ids: Iterable[str] | Mapping[str, str | None],
    *,
    concurrency: int,
    on_error: OnError,
    prefetch: int,
    **arguments: Any,
) -> Listings:
    """The arguments of `list_many`, checked and encoded."""
    cursors = query.keys("administration_ids", administration_ids)
    # Filters may be given as generators, which can be read only once: one listing, for whichever administration.
    one = _listing(administration_id="1", cursor=None, **arguments)
    return Listings(
        by_administration={
            administration_id: attrs.evolve(
                one, parts=tuple({**part, "administration_id": administration_id} for part in one.parts), cursor=cursor
            )
            for administration_id, cursor in cursors.items()
        },
        concurrency=query.number("concurrency", concurrency, least=1, most=100),
        prefetch=_prefetch(prefetch),
        on_error=query.choice("on_error", on_error, get_args(OnError)),
    )


def _prefetch(given: int) -> int:
    return query.number("prefetch", given, least=0, most=1)


_IDENTITY = ("id", "contact_identifier", "debtor_numbers")
"""What tells to which parts of a listing a contact belongs."""


def _belongs(contact: Contact, part: Mapping[str, Any]) -> bool:
    having = {
        "ids": {contact.id},
        "contact_identifiers": {contact.contact_identifier},
        "debtor_numbers": {*(contact.debtor_numbers or ())},
    }
    return all(not owned.isdisjoint(part[name].split(",")) for name, owned in having.items() if name in part)
