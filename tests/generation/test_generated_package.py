"""The generated package by itself, as anybody who knows the generator uses it."""

from __future__ import annotations

import asyncio
import copy
import datetime
import json
import pickle
import re
import subprocess
import sys
import weakref
from typing import Any

import attrs
import httpx
import pytest

from payt.testing import FakePayt
from payt_api import AuthenticatedClient, Client
from payt_api.api.contacts import list_contacts
from payt_api.errors import DecodeError, UnexpectedStatus
from payt_api.models import Contact, ContactsPage, Error, Pagination
from payt_api.types import Identifier, decode, model, values_of


def test_models_are_plain_frozen_classes() -> None:
    assert Contact() == Contact(id=None)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Contact().id = "1"  # type: ignore[misc]  # what the test shows to be refused
    with pytest.raises(TypeError):
        Contact("1")  # type: ignore[call-arg]  # the same
    assert not hasattr(Contact(), "__dict__")
    assert hash(Contact(id="1")) == hash(Contact(id="1"))
    assert repr(Pagination(cursor="5")) == "Pagination(cursor='5')"


def test_models_are_classes_of_attrs() -> None:
    page = ContactsPage(data=[Contact(id="1", debtor_numbers=["D1"])])
    assert attrs.has(Contact)
    written = attrs.asdict(page, filter=lambda _field, value: value is not None)
    assert written == {"data": [{"id": "1", "debtor_numbers": ["D1"]}]}
    other = attrs.evolve(page.data[0], lastname="Jansen")
    assert (other.id, other.debtor_numbers, other.lastname) == ("1", ["D1"], "Jansen")
    assert values_of(other) == attrs.astuple(other)
    assert [(field.name, field.default) for field in attrs.fields(ContactsPage)] == [
        ("data", attrs.NOTHING),
        ("pagination", None),
    ]


def test_a_model_is_made_into_json_and_of_it() -> None:
    moment = datetime.datetime(2026, 11, 1, 8, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    contact = Contact(id="1", debtor_numbers=["D1"], validation_errors={"lastname": ["odd"]}, updated_at=moment)
    page = ContactsPage(data=[contact], pagination=Pagination(cursor="1"))
    for record in (contact, page):
        again = type(record).from_dict(json.loads(json.dumps(record.to_dict())))
        assert again == record
        assert type(again) is type(record)
    assert [*contact.to_dict()] == [field.name for field in attrs.fields(Contact)]
    assert contact.to_dict()["updated_at"] == "2026-11-01T08:30:00+01:00"
    assert Contact.from_dict(attrs.asdict(contact)) == contact


def test_a_mapping_is_read_as_an_answer_is() -> None:
    assert Contact.from_dict({"id": 1, "of_tomorrow": []}) == Contact(id="1")
    with pytest.raises(ValueError, match=re.escape("$.lastname: Expected `str | null`, got `int`")):
        Contact.from_dict({"lastname": 5})
    with pytest.raises(TypeError, match="a Contact is made of a mapping, got list"):
        Contact.from_dict([])  # type: ignore[arg-type]  # what the test shows to be refused
    with pytest.raises(TypeError, match="object"):
        Contact.from_dict({"lastname": object()})


def test_what_a_struct_costs() -> None:
    """As docs/records.md says: no hash where there is a list, but weak references and a short repr."""
    contact = Contact(id="1", debtor_numbers=["D1"])
    assert repr(contact) == "Contact(id='1', debtor_numbers=['D1'])"
    assert weakref.ref(contact)() is contact
    with pytest.raises(TypeError, match="unhashable"):
        hash(contact)


def test_models_can_be_copied_and_pickled() -> None:
    page = ContactsPage(data=[Contact(id="1")], pagination=Pagination(cursor="1"))
    for same in (copy.copy(page), copy.deepcopy(page), pickle.loads(pickle.dumps(page))):
        assert same == page


def test_all_four_functions_bring_the_page() -> None:
    with FakePayt(contacts=3) as fake, AuthenticatedClient(fake.url, token=fake.token) as client:
        detailed = list_contacts.sync_detailed(client=client, administration_id=fake.administration_id)
        page = list_contacts.sync(client=client, administration_id=fake.administration_id)

        async def both() -> list[object]:
            async with AuthenticatedClient(fake.url, token=fake.token) as async_client:
                return [
                    (await list_contacts.asyncio_detailed(client=async_client, administration_id="1")).parsed,
                    await list_contacts.asyncio(client=async_client, administration_id="1"),
                ]

        assert isinstance(page, ContactsPage)
        assert len(page.data) == 3
        assert [detailed.parsed, *asyncio.run(both())] == [page, page, page]
        assert detailed.status_code == 200
        assert detailed.headers["content-type"] == "application/json"
        assert detailed.content.startswith(b'{"data":')


def test_a_documented_error_is_parsed() -> None:
    with FakePayt() as fake, AuthenticatedClient(fake.url, token="wrong") as client:
        response = list_contacts.sync_detailed(client=client, administration_id="1")
    assert response.status_code == 401
    assert isinstance(response.parsed, Error)
    assert response.parsed.message


def test_an_undocumented_status_is_none_or_raised_and_may_be_any_number() -> None:
    with FakePayt() as fake:
        fake.answer("<html>", status=520, times=2)
        with AuthenticatedClient(fake.url, token=fake.token) as client:
            response = list_contacts.sync_detailed(client=client, administration_id="1")
        assert (response.status_code, response.parsed) == (520, None)
        with (
            AuthenticatedClient(fake.url, token=fake.token, raise_on_unexpected_status=True) as client,
            pytest.raises(UnexpectedStatus) as caught,
        ):
            list_contacts.sync(client=client, administration_id="1")
    assert caught.value.status_code == 520
    assert "html" not in str(caught.value)
    assert "html" not in repr(caught.value)


@pytest.mark.parametrize("error", [UnexpectedStatus(520, b"<html>"), DecodeError("$.x", "Expected `str`, got `int`")])
def test_its_errors_survive_pickling_and_their_own_arguments(error: Exception) -> None:
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)
    assert str(type(error)(*error.args)) == str(error)


def test_parameters_are_written_as_the_service_reads_them() -> None:
    moment = datetime.datetime(2026, 11, 1, 1, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    with FakePayt() as fake, AuthenticatedClient(fake.url, token=fake.token) as client:
        list_contacts.sync(client=client, administration_id="1", updated_after=moment)
        assert dict(fake.requests[-1].query) == {
            "administration_id": "1",
            "updated_after": "2026-11-01T00:30:00Z",
            "per_page": "100",
        }


def test_the_token_is_in_no_repr_and_copies_leave_the_original_as_it_was() -> None:
    client = AuthenticatedClient("https://payt.example", token="s3cret")
    other = client.with_headers({"X-Team": "sales"}).with_cookies({"a": "b"}).with_timeout(httpx.Timeout(1))
    assert "s3cret" not in repr(client) + repr(other)
    with client, other:
        assert "X-Team" not in client.get_httpx_client().headers
        assert other.get_httpx_client().headers["X-Team"] == "sales"
        assert other.get_httpx_client().headers["Authorization"] == "Bearer s3cret"
        assert client.get_httpx_client().timeout == httpx.Timeout(30, connect=5)
        assert other.get_httpx_client().timeout == httpx.Timeout(1)
    assert "Authorization" not in Client("https://payt.example").get_httpx_client().headers


@pytest.mark.parametrize(
    ("body", "path", "reason"),
    [
        (b'{"data":[{"firstname":5}]}', "$.data[0].firstname", "Expected `str | null`, got `int`"),
        (b'{"data":[{},{"updated_at":"soon"}]}', "$.data[1].updated_at", "Invalid RFC3339 encoded datetime"),
        (b'{"data":[{"updated_at":"2026-11-01T00:00:00"}]}', "$.data[0].updated_at", "timezone"),
        (b'{"data":[{"id":true}]}', "$.data[0].id", "got `bool`"),
        (b'{"data":[{"id":1.5}]}', "$.data[0].id", "got `float`"),
        (b'{"data":[{"debtor_numbers":["a",true]}]}', "$.data[0].debtor_numbers[1]", "got `bool`"),
        (b'{"pagination":{"cursor":"1"}}', "$", "missing required field `data`"),
        (b'{"data":null}', "$.data", "Expected `array`, got `null`"),
        (b"[]", "$", "Expected `object`, got `array`"),
        (b"<html>", "$", "Expected JSON"),
        (b"", "$", "Expected JSON"),
        (b'{"data":[{"id":"1"}', "$", "Expected JSON"),
        (b'{"data":[{"lastname":"\xff"}]}', "$", "Expected JSON"),
        (b'{"data":' + b"[" * 100_000, "$", "Expected"),
        (b'{"data":[{"id":' + b"9" * 10_000 + b"}]}", "$.data[0].id", "out of range"),
    ],
    ids=lambda value: value[:40].decode(errors="replace") if isinstance(value, bytes) else None,
)
def test_a_body_that_is_not_what_the_contract_says_names_the_place(body: bytes, path: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=re.escape(path)) as caught:
        decode(body, ContactsPage)
    assert caught.value.path == path
    assert reason in caught.value.reason
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"pagination":{"cursor":"1"},"data":[{"id":"1","debtor_numbers":["D1"]}]}',
        b' { "data" : [ {"id": "1", "debtor_numbers": ["D1"]} ] , "pagination" : {"cursor": "1"} } ',
        b'{"data":[{"id":"1","debtor_numbers":["D1"]}],"links":["]"],"pagination":{"cursor":"1","pages":[]}}',
        b'{"data":[{"id":1,"debtor_numbers":["D1"],"tags":[]}],"pagination":{"cursor":1}}',
        b'{"data":[{"id":"1","debtor_numbers":["D1"],"infix":null}],"p\\u0061gination":{"cursor":"1"}}',
    ],
    ids=["cursor first", "spread out", "more lists", "what is let pass", "escaped"],
)
def test_a_page_is_read_whatever_its_order(body: bytes) -> None:
    page = decode(body, ContactsPage)
    assert page == ContactsPage(data=[Contact(id="1", debtor_numbers=["D1"])], pagination=Pagination(cursor="1"))


@pytest.mark.parametrize("cursor", ["a[b", "a]b", "[]"])
def test_a_cursor_may_hold_brackets(cursor: str) -> None:
    for names in (("data", "pagination"), ("pagination", "data")):
        page = {"data": [{"id": "1"}, {"id": "2"}], "pagination": {"cursor": cursor}}
        read = decode(json.dumps({name: page[name] for name in names}).encode(), ContactsPage)
        assert read == ContactsPage(data=[Contact(id="1"), Contact(id="2")], pagination=Pagination(cursor=cursor))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"data":[{"id":"1"}],"data":[{"id":"1"}]}', "data"),
        (b'{"data":[],"pagination":null,"data":[{"id":"1"}]}', "data"),
        (b'{"data":[{"id":"1"}],"pagination":null,"pagination":{"cursor":"1"}}', "pagination"),
        (b'{"pagination":{"cursor":null,"cursor":"1"},"data":[{"id":"1"}]}', "cursor"),
        (b'{"data":[{"id":"1"}],"d\\u0061ta":[{"id":"2"}]}', "data"),
    ],
)
def test_a_name_that_stands_twice_around_the_records_is_refused(body: bytes, name: str) -> None:
    with pytest.raises(DecodeError, match=f"`{name}` twice") as caught:
        decode(body, ContactsPage)
    assert caught.value.path == f"$.{name}"


def test_numbers_are_accepted_as_ids_and_cursors() -> None:
    body = b'{"data":[{"id":12345678901234567890123,"updated_at":"2026-11-01T00:00:00Z"}],"pagination":{"cursor":-7}}'
    page = decode(body, ContactsPage)
    assert page == ContactsPage(
        data=[Contact(id="12345678901234567890123", updated_at=datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC))],
        pagination=Pagination(cursor="-7"),
    )


@model(kw_only=True)
class Inner:
    name: str | None = None
    number: Identifier | None = None


@model(kw_only=True)
class Outer:
    one: Inner | None = None
    many: list[Inner | None] | None = None
    named: dict[str, Inner] | None = None
    numbers: list[Identifier] | dict[str, Identifier] | None = None
    parent: Outer | None = None
    free: dict[str, Any] | None = None
    when: datetime.datetime | None = None


@pytest.mark.parametrize(
    ("document", "unknown", "read"),
    [
        ({"one": {"name": "a"}, "many": [{}, None], "free": {"y": 1}}, [], None),
        ({"zero": 1, "one": None, "free": {"x": {"y": 1}}}, ["zero"], {"one": None, "free": {"x": {"y": 1}}}),
        ({"one": {"x": 1, "number": -5}}, ["x"], {"one": {"number": "-5"}}),
        (
            {"many": [{"name": "a"}, {"x": 1}, None, {"y": 2, "x": 3}]},
            ["x", "y"],
            {"many": [{"name": "a"}, {}, None, {}]},
        ),
        ({"named": {"anything": {"x": 1}}}, ["x"], {"named": {"anything": {}}}),
        ({"numbers": [1, "2", 3]}, [], {"numbers": ["1", "2", "3"]}),
        ({"numbers": {"a": 1}}, [], {"numbers": {"a": "1"}}),
        ({"zero": 1, "parent": {"x": 1, "parent": {"y": 2}}}, ["x", "y", "zero"], {"parent": {"parent": {}}}),
        ({"zero": [{"one": [1e400, 10**4000]}]}, ["zero"], {}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_unknown_fields_are_left_out_and_named_wherever_a_model_is(
    document: dict[str, Any], unknown: list[str], read: dict[str, Any] | None
) -> None:
    body = json.dumps(document).replace("Infinity", "1e400").encode()
    unknown_fields: set[str] = set()
    expected = json.dumps(document if read is None else read).encode()
    assert decode(body, Outer, unknown_fields) == decode(expected, Outer)
    assert sorted(unknown_fields) == unknown
    assert decode(body, Outer) == decode(expected, Outer)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"zero": 1, "many": [{}, {"x": 1, "name": 5}]}', "$.many[1].name"),
        (b'{"zero": 1, "one": []}', "$.one"),
        (b'{"zero": 1, "many": {}}', "$.many"),
        (b'{"zero": 1, "named": [{}]}', "$.named"),
        (b'{"zero": 1, "named": {"a": {"number": 1.5}}}', "$.named[...].number"),
        (b'{"zero": 1, "one": {}', "$"),
        (b' [{"zero": 1}]', "$"),
        (b'{"zero": "\\ud800"}', "$"),
    ],
)
def test_beside_unknown_fields_errors_name_their_place(body: bytes, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(body, Outer)
    assert caught.value.path == path
    assert "zero" not in caught.value.reason or path == "$"


def test_the_response_names_what_the_contract_does_not_know() -> None:
    with FakePayt() as fake, AuthenticatedClient(fake.url, token=fake.token) as client:
        fake.answer({"data": [{"id": 1, "nickname": "Jan"}], "total": 1})
        response = list_contacts.sync_detailed(client=client, administration_id="1")
        assert response.parsed == ContactsPage(data=[Contact(id="1")])
        assert response.unknown_fields == {"nickname", "total"}
        assert not list_contacts.sync_detailed(client=client, administration_id="1").unknown_fields


HALF_BUILT = """
import sys
import threading
import msgspec
from payt_api import types

def when_asked():
    begun.set()
    over.wait(60)
    return int

begun, over = threading.Event(), threading.Event()

class Record(msgspec.Struct):
    id: "when_asked()"  # looked up while the decoder is built

class Page(msgspec.Struct):
    data: list[Record]

def read():
    assert types.decode(b'{"data":[{"id":1}]}', Page) == Page([Record(1)])
    sys.stdout.write("whole\\n")  # at once, where print may be interrupted before the end of its line

first, second = threading.Thread(target=read), threading.Thread(target=read)
first.start()
begun.wait(60)
second.start()
second.join(0.2)
over.set()
first.join()
second.join()
"""


def test_no_thread_decodes_with_a_type_that_another_one_has_built_half_of() -> None:
    run = subprocess.run([sys.executable, "-c", HALF_BUILT], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "whole\nwhole\n")  # it was a crash
