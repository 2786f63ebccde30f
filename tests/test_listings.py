"""`listings.listing`: the arguments of a typed `list`, checked and encoded as the generated operation says."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import payt
from payt.listings import AsyncResource, Resource, listing
from payt.testing import FakePayt
from payt_api.api.contacts import list_contacts
from payt_api.types import DateTime, Response


class Status(enum.StrEnum):
    ACTIVE = "active"
    ON_HOLD = "on-hold"


def _ask(
    *,
    client: Any,
    administration_id: str,
    status: Status | None = None,
    since: datetime.date | None = None,
    after: DateTime | None = None,
    open_only: bool = False,
    year: int | None = None,
    numbers: str | None = None,
    fields: str | None = None,
) -> Response[Any]:
    raise AssertionError("nothing is asked here")


class Operation:
    sync_detailed: Callable[..., Response[Any]] = staticmethod(_ask)
    asyncio_detailed: Callable[..., Awaitable[Response[Any]]]


def made(**arguments: Any) -> Any:
    return listing(Operation(), payt.Contact, {"self": object(), "per_page": 500, **arguments}, separated=["numbers"])


def test_arguments_are_encoded_by_their_types() -> None:
    given = made(
        administration_id="1",
        status="on-hold",
        since=datetime.date(2020, 1, 1),
        after="2026-11-01T00:00:00+01:00",
        open_only=True,
        year=2026,
        numbers=["D1", "D2", "D1"],
        fields=["id"],
        cursor="7",
        limit=3,
    )
    assert given.parts == (
        {
            "administration_id": "1",
            "status": Status.ON_HOLD,
            "since": datetime.date(2020, 1, 1),
            "after": datetime.datetime(2026, 10, 31, 23, tzinfo=datetime.UTC),
            "open_only": True,
            "year": 2026,
            "numbers": "D1,D2",
            "fields": '{"only":["id"]}',
        },
    )
    assert (given.cursor, given.per_page, given.limit) == ("7", 500, 3)


def test_what_is_none_is_left_out_and_no_values_mean_no_request() -> None:
    assert made(administration_id="1", status=None).parts == ({"administration_id": "1"},)
    assert made(administration_id="1", numbers=[]).parts == ()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"administration_id": 1}, TypeError, "administration_id must be a string, got int"),
        ({"status": "gone"}, ValueError, "status must be one of 'active', 'on-hold', got 'gone'"),
        (
            {"since": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)},
            TypeError,
            "since must be a date, got datetime",
        ),
        ({"after": "2026-11-01T00:00:00"}, ValueError, "after says nothing of its zone"),
        ({"open_only": 1}, TypeError, "open_only must be a bool, got int"),
        ({"year": True}, TypeError, "year must be a whole number, got bool"),
        ({"numbers": ["a,b"]}, ValueError, "numbers: the value 'a,b' holds a comma"),
        ({"fields": ["lastnam"]}, ValueError, "did you mean 'lastname'?"),
        ({"per_page": 501}, ValueError, "per_page must be 1 to 500, got 501"),
        ({"limit": -1}, ValueError, "limit must be 0 or more"),
        ({"cursor": ""}, ValueError, "cursor must not be empty"),
        ({"numbers": [str(n) for n in range(101)]}, ValueError, "numbers hold more values than one request can"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_cannot_be_used_is_refused(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words.replace("?", r"\?")):
        made(**{"administration_id": "1", **arguments})


def test_a_resource_lists_with_both_clients() -> None:
    class Contacts(Resource):
        def list(self, *, administration_id: str, per_page: int = 500) -> payt.Pager[payt.Contact]:
            return self._list(list_contacts, payt.Contact, locals())

    class AsyncContacts(AsyncResource):
        def list(self, *, administration_id: str, per_page: int = 500) -> payt.AsyncPager[payt.Contact]:
            return self._list(list_contacts, payt.Contact, locals())

    import asyncio  # noqa: PLC0415 - only here

    with FakePayt(contacts=5) as fake:
        with payt.Client(fake.token, base_url=fake.url) as client:
            found = list(Contacts(client.contacts._api).list(administration_id="1", per_page=2))

        async def listed() -> list[payt.Contact]:
            async with payt.AsyncClient(fake.token, base_url=fake.url) as client:
                pager = AsyncContacts(client.contacts._api).list(administration_id="1", per_page=2)
                return [contact async for contact in pager]

        assert asyncio.run(listed()) == found
        assert len(found) == 5
