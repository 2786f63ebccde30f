"""What callers pass: refused with a way out before anything is sent, or read by the server as it was meant."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payt
from payt.testing import FakePayt
from support.flavours import Flavour, Sync

NOBODY = "http://127.0.0.1:9"  # nothing listens on the discard port: whatever is sent there fails


def refused(arguments: dict[str, Any], kind: type[Exception], *words: str) -> None:
    for client in (payt.Client("t", base_url=NOBODY), payt.AsyncClient("t", base_url=NOBODY)):
        with pytest.raises(kind) as caught:
            client.contacts.list(**{"administration_id": "1", **arguments})
        for word in words:
            assert re.search(word, str(caught.value)), str(caught.value)


def test_what_maps_pages_must_be_a_function() -> None:
    wrong: Any = 5
    for client in (payt.Client("t", base_url=NOBODY), payt.AsyncClient("t", base_url=NOBODY)):
        with pytest.raises(TypeError, match="make must be a function, or something else to call, got int"):
            client.contacts.list(administration_id="1").map_pages(wrong)


@pytest.mark.parametrize("name", ["ids", "contact_identifiers", "debtor_numbers"])
@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("", ValueError, ["empty"]),
        (["1", ""], ValueError, ["empty"]),
        ("1,2", ValueError, ["comma", "'1,2'"]),
        (["1", "2,3"], ValueError, ["comma", "'2,3'"]),
        (1, TypeError, ["int"]),
        ([1], TypeError, ["str\\(1\\)"]),
        ([None], TypeError, ["NoneType"]),
        (b"1", TypeError, ["bytes"]),
        ([b"1"], TypeError, ["bytes"]),
        ({"1": "2"}, TypeError, ["dict"]),
        (["\ud800"], ValueError, ["surrogate"]),
        (["1\n", "2\n"], ValueError, ["a value of", "line end", r"pass '1'"]),  # as readlines() gives them
        ("1\r\n", ValueError, ["line end", r"pass '1'"]),
    ],
    ids=repr,
)
def test_a_filter_that_cannot_be_sent(name: str, value: Any, kind: type[Exception], words: list[str]) -> None:
    refused({name: value}, kind, name, *words)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"administration_id": ""}, ValueError, ["administration_id", "empty"]),
        ({"administration_id": 1}, TypeError, ["administration_id", "str\\(1\\)"]),
        ({"administration_id": "1\n"}, ValueError, ["administration_id", "line end", "pass '1'"]),
        ({"administration_id": None}, TypeError, ["administration_id", "NoneType"]),
        ({"cursor": ""}, ValueError, ["cursor", "empty"]),
        ({"cursor": 500}, TypeError, ["cursor", "str\\(500\\)"]),
        ({"per_page": 0}, ValueError, ["per_page", "1 to 500", "0"]),
        ({"per_page": 501}, ValueError, ["per_page", "1 to 500", "501"]),
        ({"per_page": 10.0}, TypeError, ["per_page", "float"]),
        ({"per_page": True}, TypeError, ["per_page", "bool"]),
        ({"per_page": None}, TypeError, ["per_page", "NoneType"]),
        ({"limit": -1}, ValueError, ["limit", "0 or more"]),
        ({"limit": "5"}, TypeError, ["limit", "str"]),
        ({"updated_after": datetime.datetime(2026, 11, 1)}, ValueError, ["updated_after", "zone"]),  # noqa: DTZ001  # naive on purpose
        ({"updated_after": "2026-11-01T00:00:00"}, ValueError, ["updated_after", "zone"]),
        ({"updated_after": "2026-11-01"}, ValueError, ["updated_after", "zone"]),
        ({"updated_after": "yesterday"}, ValueError, ["updated_after", "ISO 8601", "'yesterday'"]),
        ({"updated_after": ""}, ValueError, ["updated_after", "ISO 8601"]),
        (
            {"updated_after": datetime.date(2026, 11, 1)},
            TypeError,
            ["updated_after", "a whole day", r"datetime\.datetime\(2026, 11, 1, tzinfo=\.\.\.\)"],
        ),
        ({"updated_after": 1_700_000_000}, TypeError, ["updated_after", "int"]),
        ({"updated_after": "0001-01-01T00:00:00+01:00"}, ValueError, ["updated_after", "years"]),
        ({"fields": "id"}, TypeError, ["fields", "list"]),
        ({"fields": 5}, TypeError, ["fields", "int"]),
        ({"fields": []}, ValueError, ["fields", "at least one"]),
        ({"fields": ["lastnam"]}, ValueError, ["fields", "'lastnam'", "'lastname'"]),
        ({"fields": ["id", {"lastnames": ["x"]}]}, ValueError, ["'lastnames'", "'lastname'"]),
        ({"fields": [5]}, TypeError, ["fields", "int"]),
        ({"fields": [{"validation_errors": "email"}]}, TypeError, ["validation_errors", "list"]),
        ({"fields": {"only": {"a set"}, "x": object()}}, TypeError, ["fields", "JSON"]),
        (
            {"debtor_numbers": [str(n) for n in range(101)], "fields": {"only": ["id"]}},
            ValueError,
            ["fields", "list of names"],
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_an_argument_that_cannot_be_used(arguments: dict[str, Any], kind: type[Exception], words: list[str]) -> None:
    refused(arguments, kind, *words)


@pytest.mark.parametrize("name", ["ids", "contact_identifiers", "debtor_numbers"])
@pytest.mark.parametrize(
    ("value", "sent"),
    [("7", "7"), (["7", "8"], "7,8"), (("7",), "7"), (lambda: iter(["7", "8"]), "7,8"), (["7", "7"], "7")],
    ids=["one string", "list", "tuple", "iterator", "twice the same"],
)
def test_a_filter_is_a_string_or_any_iterable_of_strings(name: str, value: Any, sent: str, fake: FakePayt) -> None:
    Sync().contacts(fake.url, **{name: value() if callable(value) else value})
    assert fake.requests[0].query[name] == sent


def test_a_pager_keeps_the_values_of_an_iterator(fake: FakePayt) -> None:
    with payt.Client(fake.token, base_url=fake.url) as client:
        pager = client.contacts.list(administration_id="1", ids=(str(n) for n in range(1, 4)))
        assert len(list(pager)) == len(list(pager)) == 3


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2026-11-01T00:00:00+01:00", "2026-10-31T23:00:00Z"),
        ("2026-11-01T00:00:00.123456Z", "2026-11-01T00:00:00.123456Z"),
        ("20261101T000000-0530", "2026-11-01T05:30:00Z"),
        (datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC), "2026-11-01T00:00:00Z"),
        (
            datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
            "2026-07-01T10:00:00Z",
        ),
    ],
    ids=str,
)
def test_a_moment_is_sent_in_utc(value: Any, sent: str, fake: FakePayt, flavour: Flavour) -> None:
    flavour.contacts(fake.url, updated_after=value)
    assert fake.requests[0].query["updated_after"] == sent


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (["id", "lastname"], {"only": ["id", "lastname"]}),
        (("id",), {"only": ["id"]}),
        pytest.param(iter(["id"]), {"only": ["id"]}, id="iterator"),
        (["id", {"validation_errors": ["é"]}], {"only": ["id", {"validation_errors": ["é"]}]}),
        ([{"validation_errors": [{"a": ["b"]}]}], {"only": [{"validation_errors": [{"a": ["b"]}]}, "id"]}),
        ({"except": ["gender"], "anything": 1}, {"except": ["gender"], "anything": 1}),
        ({}, {}),
    ],
    ids=str,
)
def test_fields_are_sent_as_one_json_document(value: Any, sent: Any, fake: FakePayt) -> None:
    fake.answer({"data": []})
    Sync().contacts(fake.url, fields=value)
    assert json.loads(fake.requests[0].query["fields"]) == sent


def test_only_the_fields_asked_for_are_filled(fake: FakePayt, flavour: Flavour) -> None:
    first = flavour.contacts(fake.url, fields=["id", "lastname"])[0]
    assert first == payt.Contact(id="1", lastname=fake.contacts[0]["lastname"])


def test_the_query_of_a_request_with_everything(fake: FakePayt, flavour: Flavour) -> None:
    fake.answer({"data": []})
    flavour.contacts(
        fake.url,
        administration_id="A&B",
        ids=["1", "2"],
        contact_identifiers="K+1 é",
        debtor_numbers=["D/1", "D=2"],
        updated_after="2026-11-01T00:00:00+01:00",
        fields=["id", {"validation_errors": ["email"]}],
        cursor="50&administration_id=other",
        per_page=250,
    )
    assert fake.requests[0].raw_query == (
        "administration_id=A%26B"
        "&ids=1%2C2"
        "&contact_identifiers=K%2B1+%C3%A9"
        "&debtor_numbers=D%2F1%2CD%3D2"
        "&updated_after=2026-10-31T23%3A00%3A00Z"
        "&fields=%7B%22only%22%3A%5B%22id%22%2C%7B%22validation_errors%22%3A%5B%22email%22%5D%7D%5D%7D"
        "&cursor=50%26administration_id%3Dother"
        "&per_page=250"
    )
    assert fake.requests[0].path == "/v1/contacts"
    assert fake.requests[0].method == "GET"


@pytest.fixture(scope="module")
def long_lived() -> Iterator[tuple[FakePayt, payt.Client]]:
    with FakePayt() as server, payt.Client(server.token, base_url=server.url) as client:
        yield server, client


encodable = st.characters(exclude_categories=["Cs"])
value = st.text(encodable.filter(lambda character: character != ","), min_size=1, max_size=20).filter(
    lambda text: text[-1] not in "\r\n"
)
awkward = st.sampled_from(
    ["'\"", "a+b", " ", "100%", "é", "Łukasz", "👩‍👩‍👧", "a&b=c", "#?/\\", "\x00", "\r\nX-Header: 1"]
)


@given(
    administration_id=value | awkward,
    ids=st.lists(value | awkward, min_size=1, max_size=5, unique=True),
    cursor=value | awkward,
    nested=st.lists(value | awkward, min_size=1, max_size=3),
    moment=st.datetimes(
        datetime.datetime(1, 1, 3),  # noqa: DTZ001  # the bounds of aware moments are naive
        datetime.datetime(9999, 12, 29),  # noqa: DTZ001  # the same
        timezones=st.timezones(),
    ),
)
def test_the_server_reads_what_was_passed_in(
    administration_id: str,
    ids: list[str],
    cursor: str,
    nested: list[str],
    moment: datetime.datetime,
    long_lived: tuple[FakePayt, payt.Client],
) -> None:
    fake, client = long_lived
    fake.reset()
    fake.answer({"data": []})
    pager = client.contacts.list(
        administration_id=administration_id,
        ids=ids,
        cursor=cursor,
        fields=[{"validation_errors": nested}],
        updated_after=moment,
    )
    assert list(pager) == []
    query = dict(fake.requests[0].query_pairs)
    assert len(query) == len(fake.requests[0].query_pairs) == 6
    assert query["administration_id"] == administration_id
    assert query["ids"].split(",") == ids
    assert query["cursor"] == cursor
    assert json.loads(query["fields"]) == {"only": [{"validation_errors": nested}, "id"]}
    assert datetime.datetime.fromisoformat(query["updated_after"]) == moment.astimezone(datetime.UTC)
