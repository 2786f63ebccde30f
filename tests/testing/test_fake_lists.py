"""Lists other than contacts: their records, administrations, and queries of every shape that a contract may ask for."""

import copy
import dataclasses
import json
import re
import threading
from typing import Any

import pytest
from testing.clients import connect, refusal
from werkzeug.datastructures import MultiDict

import payt
from payt.contract import contract
from payt.testing import FakePayt, contacts
from payt.testing.answers import RequestRefusedError
from payt.testing.listing import read_query
from payt.testing.lists import ServedList, served_lists
from payt.testing.records import Records
from payt_resources import LISTS

CONTACTS = served_lists()["contacts"]


def ids(fake: FakePayt, path: str = "/v1/administrations", **parameters: str) -> list[str]:
    with connect(fake) as client:
        response = client.get(path, params=parameters)
        assert response.status_code == 200, response.text
        return [each["id"] for each in response.json()["data"]]


def test_the_administrations_are_those_whose_contacts_are_served() -> None:
    with FakePayt(contacts=2, administration_id="77", administrations={"A": 3, "1": 0}) as fake:
        assert ids(fake) == ["1", "77", "A"]
        assert ids(fake, per_page="2", cursor="1") == ["77", "A"]
        assert ids(fake, cursor="A") == []
        fake.add_administration("B")
        fake.records("administrations").add(id="8", name="Molen")
        fake.records("administrations").remove("1")
        assert ids(fake) == ["8", "77", "A", "B"] == list(fake.administrations)
        assert ids(fake, "/v1/contacts", administration_id="8") == []
        with connect(fake) as client:
            assert refusal(client.get("/v1/contacts?administration_id=1"))[0] == 403


def test_administrations_can_be_given_and_have_contacts_too() -> None:
    given = [{"id": "7", "name": "Bakkerij"}, {"id": "9", "name": "Molen"}]
    with FakePayt(
        contacts=2, administrations={"9": 1}, administration_id="7", records={"administrations": given}
    ) as fake:
        assert list(fake.records("administrations")) == given
        assert {each: len(held) for each, held in fake.administrations.items()} == {"7": 2, "9": 1}
    assert FakePayt(records={"administrations": given}).administration_id == "7"
    assert list(FakePayt(records={"administrations": 3}).administrations) == ["1", "2", "3"]


def test_contacts_are_records_like_others() -> None:
    fake = FakePayt(records={"contacts": 2})
    assert fake.contacts == list(fake.records("contacts")) == contacts(2)
    other = fake.add_administration("2", records={"contacts": [{"id": "5"}]})
    assert other.contacts == [{"id": "5"}]
    assert other.keys == ["5"]


def test_what_is_not_there_is_named() -> None:
    fake = FakePayt()
    with pytest.raises(KeyError, match=f"no list 'debts': use one of {', '.join(LISTS)}"):
        fake.records("debts")
    with pytest.raises(KeyError, match="no list 'debts'"):
        FakePayt(records={"debts": 3})
    with pytest.raises(KeyError, match="no administration '2'"):
        fake.records("contacts", "2")
    with pytest.raises(TypeError, match="administrations have no field 'nam'; did you mean 'name'"):
        fake.records("administrations").add(nam="Bakkerij")


def test_fields_that_come_on_request_are_sent_to_those_who_name_them() -> None:
    given = {"id": "1", "name": "Bakkerij", "import_origin_identifier": "A1"}
    shown = {"id": "1", "name": "Bakkerij"}
    with FakePayt(records={"administrations": [given]}) as fake, connect(fake) as client:

        def sent(fields: str | None = None) -> Any:
            parameters = {} if fields is None else {"fields": fields}
            return client.get("/v1/administrations", params=parameters).json()["data"][0]

        assert sent() == sent("{}") == shown
        assert sent('{"except":["name"]}') == {"id": "1"}
        assert sent('{"only":["import_origin_identifier"]}') == {"import_origin_identifier": "A1"}
        fake.extra_fields = {"label": "x"}
        assert sent() == {**shown, "label": "x"}
        assert fake.records("administrations").change("1", name="Molen") == {**given, "name": "Molen"}
        assert sent()["name"] == "Molen"


@pytest.mark.parametrize("key", [None, "", True, 1.5, ["1"]])
def test_a_record_without_a_usable_key_is_refused(key: object) -> None:
    with pytest.raises(ValueError, match="a record needs id to be listed by, a whole number or a text, not "):
        FakePayt(records={"administrations": [{"id": key}]})


@pytest.mark.parametrize(
    ("given", "words"), [(payt.Contact(id="1"), "got Contact: pass it with .to_dict()"), ("1", "got str")]
)
def test_a_record_that_is_not_a_dict_is_refused(given: Any, words: str) -> None:
    with pytest.raises(TypeError, match=re.escape(words)):
        FakePayt(contacts=[given])


def test_faults_that_are_ordered_for_one_list_spare_the_others() -> None:
    with FakePayt(contacts=3, records={"administrations": 3}) as fake, connect(fake) as client:
        fake.fail(503, path="/v1/administrations", page=2, times=None)
        pages = [
            "/v1/administrations?per_page=2",
            "/v1/administrations?per_page=2&cursor=2",
            "/v1/administrations?cursor=x",
        ]
        assert [client.get(page).status_code for page in pages] == [200, 503, 422]
        assert client.get("/v1/contacts?administration_id=1&per_page=2&cursor=2").status_code == 200


def invented(number: str, seed: int = 0, **given: Any) -> dict[str, Any]:
    return CONTACTS.invent(id=number, seed=seed, **given)


def test_records_made_of_the_example_differ_in_what_filters_look_at() -> None:
    first, second = invented("1"), invented("2")
    assert (first["contact_identifier"], second["contact_identifier"]) == ("C1001", "C1002")
    assert second["debtor_numbers"] == ["D1002", "D1003"]
    assert first["lastname"] == second["lastname"]
    assert len({invented(str(number), seed)["updated_at"] for number in range(1, 20) for seed in (0, 1)}) == 38
    assert invented("1") == first
    assert re.fullmatch(r"C[0-9]+", invented("A")["contact_identifier"])
    assert invented("1", lastname="Smit") == {**first, "lastname": "Smit"}


def test_a_key_is_of_the_type_that_its_field_has() -> None:
    whole = {**CONTACTS.properties, "id": {"type": ["integer", "null"]}}
    served = dataclasses.replace(CONTACTS, properties=whole)
    assert served.invent(id="5", seed=0)["id"] == 5
    records = Records([], served, seed=0, lock=threading.RLock(), administration_id=None)
    assert (records.add({})["id"], records.add({})["id"], records.keys) == (1, 2, ["1", "2"])


def test_records_made_of_the_example_keep_what_is_no_text_and_what_has_a_form() -> None:
    example = '{"id": "1", "contact_identifier": 7, "debtor_numbers": "2026-11-30"}'
    properties = {**CONTACTS.properties, "debtor_numbers": {"type": "string", "format": "date"}}
    served = dataclasses.replace(CONTACTS, example=example, properties=properties)
    made = served.invent(id="5", seed=0)
    assert (made["contact_identifier"], made["debtor_numbers"]) == (7, "2026-11-30")


def test_a_record_belongs_to_the_administration_that_it_is_in() -> None:
    served = dataclasses.replace(
        served_lists()["administrations"], properties={"id": {}, "name": {}, "administration_id": {}}
    )
    fake = FakePayt()
    records = Records(2, served, seed=0, lock=fake._lock, administration_id="77")
    assert [each["administration_id"] for each in records] == ["77", "77"]


def asking(schema: dict[str, Any], *, required: bool = False) -> ServedList:
    """A list with a parameter `x` of that schema."""
    parameters = {**CONTACTS.parameters, "x": {"name": "x", "required": required, "schema": schema}}
    return dataclasses.replace(CONTACTS, parameters=parameters)


def problem(schema: dict[str, Any], *values: str, required: bool = False) -> str:
    """What is said of these values of the parameter; nothing where they are taken."""
    values_of_x = MultiDict([("administration_id", "1"), *(("x", each) for each in values)])
    try:
        read_query(asking(schema, required=required), values_of_x)
    except RequestRefusedError as refused:
        return f"{refused.answer.status} {refused.answer.body.decode()}"
    return ""


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, "77"),
        ({"type": "integer"}, 77),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, 77),
        ({"type": ["integer", "string"]}, "77"),
    ],
)
def test_records_name_their_administration_where_they_have_a_field_for_it(
    schema: dict[str, Any], expected: int | str
) -> None:
    properties = {**CONTACTS.properties, "administration_id": schema}
    served = dataclasses.replace(CONTACTS, properties=properties)
    assert served.owner("77") == {"administration_id": expected}
    assert served.owner(None) == {}
    assert CONTACTS.owner("77") == {}


def test_a_field_of_records_that_name_an_administration_may_be_given() -> None:
    served = dataclasses.replace(
        served_lists()["administrations"],
        properties={**served_lists()["administrations"].properties, "administration_id": {"type": "string"}},
    )
    records = Records(1, served, seed=0, lock=threading.RLock(), administration_id="77")
    assert records.add()["administration_id"] == "77"
    assert records.add(administration_id=None)["administration_id"] is None
    assert [each["administration_id"] for each in records] == ["77", "77", None]


NUMBERS = {"type": "array", "items": {"type": "integer", "maximum": 9}}


@pytest.mark.parametrize(
    ("schema", "taken", "refused", "words"),
    [
        ({"type": "integer"}, ["0", "-3"], ["", "1.5", "x", "1_000", "٣"], "a whole number is expected"),
        ({"type": "integer", "minimum": 1}, ["1"], ["0"], "a whole number from 1 is expected"),
        ({"type": "integer", "minimum": 1, "maximum": 3}, ["3"], ["4"], "a whole number from 1 to 3 is expected"),
        ({"type": "integer", "enum": [1, 2]}, ["2"], ["3"], "one of 1, 2 is expected"),
        ({"type": "number"}, ["1", "-1.5", "1e3"], ["", "nan", "1,5", ".5"], "a number is expected"),
        ({"type": "boolean"}, ["true", "false"], ["", "True", "1"], "true or false is expected"),
        ({"type": "string"}, ["", "a\nb"], [], ""),
        ({}, ["", "x"], [], ""),
        ({"type": ["string", "null"], "enum": ["a", "b"]}, ["a"], ["", "c", "A"], "one of a, b is expected"),
        ({"type": "string", "format": "date"}, ["2026-11-30"], ["2026-11-31", "20261130"], "a date"),
        ({"type": "string", "format": "date-time"}, ["2026-11-30T00:00:00Z"], ["2026-11-30"], "with an offset"),
        (
            {"type": "string", "format": "uuid"},
            ["0f8fad5b-d9cb-469f-a165-70867728950e"],
            ["0f8fad5bd9cb469fa16570867728950e"],
            "a UUID",
        ),
        ({"type": "string", "format": "byte"}, ["x"], [], ""),
        (NUMBERS, ["1"], ["10"], "a whole number to 9 is expected"),
    ],
    ids=str,
)
def test_a_parameter_is_read_as_the_contract_describes_it(
    schema: dict[str, Any], taken: list[str], refused: list[str], words: str
) -> None:
    assert [problem(schema, each) for each in taken] == [""] * len(taken)
    for each in refused:
        assert problem(schema, each).startswith("422 ")
        assert "x is invalid" in problem(schema, each)
        assert words in problem(schema, each)


def test_only_a_list_of_values_may_come_several_times() -> None:
    assert problem(NUMBERS, "1", "2") == ""
    assert "x is given more than once" in problem({"type": "integer"}, "1", "2")
    assert "x is missing" in problem({"type": "integer"}, required=True)
    assert "x is missing" in problem({"type": "string"}, "", required=True)
    assert problem({"type": "string"}) == ""


def test_a_page_has_the_size_that_the_contract_has_or_the_largest() -> None:
    assert read_query(CONTACTS, MultiDict({"administration_id": "1"})).per_page == 100
    bare = {**CONTACTS.parameters, "per_page": {"schema": {"type": "integer"}}}
    served = dataclasses.replace(CONTACTS, parameters=bare)
    assert read_query(served, MultiDict({"administration_id": "1"})).per_page == 500


def test_a_field_that_the_example_lacks_is_null_where_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = copy.deepcopy(contract())
    changed["components"]["schemas"]["Contact"]["properties"] |= {
        "hat": {"type": ["string", "null"]},
        "hats": {"oneOf": [{"$ref": "#/components/schemas/ValidationErrors"}, {"type": "null"}]},
        "shoe_size": {"type": "integer"},
    }
    monkeypatch.setattr("payt.contract.contract", lambda: changed)
    example = json.loads(served_lists.__wrapped__()["contacts"].example)
    assert (example["hat"], example["hats"], "shoe_size" in example) == (None, None, False)
