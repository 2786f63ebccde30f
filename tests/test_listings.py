"""The arguments of a method that lists, checked and encoded as the generated operation says."""

from __future__ import annotations

import datetime
import enum
import linecache
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from uuid import UUID

import attrs
import pytest

import payt
from payt.listing import ListSpec
from payt.listing.arguments import listing_of
from payt_api.api.contacts import list_contacts
from payt_api.client import AuthenticatedClient
from payt_api.models import ContactsPage
from payt_api.types import DateTime, Response
from payt_resources.contacts import AsyncContacts, Contacts


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
    amount: float | None = None,
    key: UUID | None = None,
    kind: Literal["a", "b"] | None = None,
    numbers: str | None = None,
    fields: str | None = None,
) -> Response[Any]:
    raise AssertionError("nothing is asked here")


class Operation:
    __name__ = "operation"
    sync_detailed: Callable[..., Response[Any]] = staticmethod(_ask)
    asyncio_detailed: Callable[..., Awaitable[Response[Any]]]


SPEC = ListSpec(
    name="things",
    path="/v1/things",
    operation=Operation(),
    record=payt.Contact,
    page=ContactsPage,
    separated={"numbers": None},
    most=500,
)


def made(**arguments: Any) -> Any:
    return listing_of(SPEC, {"per_page": 500, **arguments})


def test_arguments_are_encoded_by_their_types() -> None:
    given = made(
        administration_id="1",
        status="on-hold",
        since=datetime.date(2020, 1, 1),
        after="2026-11-01T00:00:00+01:00",
        open_only=True,
        year=2026,
        amount=1.5,
        key="12345678-1234-5678-1234-567812345678",
        kind="a",
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
            "amount": 1.5,
            "key": UUID("12345678-1234-5678-1234-567812345678"),
            "kind": "a",
            "numbers": "D1,D2",
            "fields": '{"only":["id"]}',
        },
    )
    assert (given.cursor, given.per_page, given.limit) == ("7", 500, 3)


def test_a_cursor_may_be_whatever_a_service_calls_one() -> None:
    assert made(administration_id="1", cursor="aWQ6\nNTAw\n").cursor == "aWQ6\nNTAw\n"


def test_what_is_none_is_left_out_and_no_values_mean_no_request() -> None:
    assert made(administration_id="1", status=None).parts == ({"administration_id": "1"},)
    none = made(administration_id="1", numbers=[])
    assert none.parts == ()
    assert str(none) == "things, in 0 parts, per_page=500"


def test_a_value_that_fills_a_url_by_itself_is_sent_by_itself() -> None:
    """Nothing is sent without values: an empty filter would mean all records."""
    spec = attrs.evolve(SPEC, separated={"numbers": "id"})
    long = "1" * 6_001
    for numbers, parts in (([long], [long]), ([long, "2"], [long, "2"]), (["2", long], ["2", long])):
        listing = listing_of(spec, {"per_page": 500, "administration_id": "1", "numbers": numbers})
        assert [part["numbers"] for part in listing.parts] == parts


def test_an_identifier_may_be_one() -> None:
    key = UUID("12345678-1234-5678-1234-567812345678")
    assert made(administration_id="1", key=key).parts[0]["key"] == key


def _ask_some(*, client: Any, numbers: str, fields: str | None = None) -> Response[Any]:
    raise AssertionError("nothing is asked here")


@pytest.mark.parametrize(
    ("key", "field", "works"),
    [
        ("id", "id", True),  # a record is in one part
        (None, "id", True),
        ("id", "debtor_numbers", True),  # of a record that is in two parts, the key says that it came
        (None, "debtor_numbers", False),
    ],
)
def test_a_filter_is_split_where_no_record_can_come_twice(key: str | None, field: str, *, works: bool) -> None:
    operation: Any = type("Some", (Operation,), {"sync_detailed": staticmethod(_ask_some)})()
    spec = attrs.evolve(SPEC, operation=operation, key=key, separated={"numbers": field})
    arguments = {"per_page": 500, "numbers": [str(n) for n in range(101)]}
    if works:
        listing = listing_of(spec, arguments)
        assert (len(listing.parts), listing.overlapping) == (2, field != "id")
    else:
        with pytest.raises(ValueError, match="numbers hold too many values for one request"):
            listing_of(spec, arguments)
    arguments["fields"] = {"only": ["lastname"]}  # with which nobody sees the key
    if field == "id":
        assert listing_of(spec, arguments).parts[1] == {"numbers": "100", "fields": '{"only":["lastname"]}'}
    else:
        with pytest.raises(ValueError, match="numbers"):
            listing_of(spec, arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"administration_id": 1}, TypeError, "administration_id must be a string, got int"),
        ({"status": "gone"}, ValueError, "status must be 'active' or 'on-hold', got 'gone'"),
        (
            {"since": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)},
            TypeError,
            "since must be a date or an ISO 8601 string, got datetime",
        ),
        ({"since": "1 May"}, ValueError, "since must be a date such as 2026-11-01, got '1 May'"),
        ({"amount": "1"}, TypeError, "amount must be a number, got str"),
        ({"amount": float("nan")}, ValueError, "amount must be finite, got nan"),
        ({"key": "1"}, ValueError, "key must be a UUID, got '1'"),
        ({"kind": "c"}, ValueError, "kind must be 'a' or 'b', got 'c'"),
        ({"colour": "red"}, TypeError, "operation: there is no argument 'colour'; it takes administration_id, "),
        ({"after": "2026-11-01T00:00:00"}, ValueError, "after has no time zone"),
        ({"after": datetime.datetime(2026, 11, 1)}, ValueError, "or a local time with .astimezone()"),  # noqa: DTZ001
        ({"open_only": 1}, TypeError, "open_only must be a bool, got int"),
        ({"year": True}, TypeError, "year must be a whole number, got bool"),
        ({"numbers": ["a,b"]}, ValueError, "numbers: the value 'a,b' contains a comma"),
        ({"fields": ["lastnam"]}, ValueError, "did you mean 'lastname'?"),
        ({"fields": ["email"]}, ValueError, "_email_address'?"),
        ({"per_page": 501}, ValueError, "per_page must be 1 to 500, got 501"),
        ({"limit": -1}, ValueError, "limit must be 0 or more"),
        ({"cursor": ""}, ValueError, "cursor must not be empty"),
        ({"numbers": [str(n) for n in range(101)]}, ValueError, "numbers hold too many values for one request"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_cannot_be_used_is_refused(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words.replace("?", r"\?")):
        made(**{"administration_id": "1", **arguments})


@pytest.mark.parametrize("resource", [Contacts, AsyncContacts])
def test_what_is_deprecated_warns_at_the_line_that_lists(
    resource: type[Contacts | AsyncContacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    deprecated = {"": "all", "administration_id": "whose", "ids": "which", "fields": "what", "updated_after": "when"}
    monkeypatch.setattr(list_contacts, "DEPRECATED", deprecated, raising=False)
    contacts = resource(AuthenticatedClient("https://api.example", token="t"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        contacts.list(administration_id="1", ids=["1"], fields=["id"])
        contacts.list_many(administration_ids=["1", "2"])
    assert [str(each.message) for each in caught] == ["all", "whose", "which", "what", "all", "whose"]
    lines = [linecache.getline(each.filename, each.lineno).strip().partition("(")[0] for each in caught]
    assert lines == ["contacts.list"] * 4 + ["contacts.list_many"] * 2
