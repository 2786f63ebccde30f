"""`payt contract check` against a server whose answers drift from the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from payt.cli.app import app
from payt.cli.comparison import Difference, differences
from payt.testing import FakePayt, contact

SECRET = "Geheim-4711"


@pytest.fixture
def drifting(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePayt]:
    with FakePayt(contacts=3) as fake:
        monkeypatch.setenv("PAYT_TOKEN", fake.token)
        monkeypatch.setenv("PAYT_BASE_URL", fake.url)
        yield fake


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["contract", "check", "contacts", "--administration-id", "1", *arguments])


def record(**fields: Any) -> dict[str, Any]:
    """A contact with every field of the contract."""
    return {**dict.fromkeys(contact(id="1"), None), **fields}


def test_an_api_that_keeps_to_the_contract(drifting: FakePayt) -> None:
    drifting.answer({"data": [record(id="1", lastname=SECRET), record(id=2)], "pagination": {"cursor": 2}})
    result = check()
    assert result.exit_code == 0, result.output
    assert result.output.startswith("The API matches the contract (2 contacts, ")
    assert [dict(request.query) for request in drifting.requests] == [{"administration_id": "1", "per_page": "500"}]
    assert drifting.requests[0].method == "GET"


def test_the_fake_itself_keeps_to_the_contract(drifting: FakePayt) -> None:
    result = check()
    assert result.exit_code == 0, result.output


def test_every_kind_of_drift_is_named_with_path_and_count_and_without_values(drifting: FakePayt) -> None:
    odd = record(
        id="1",
        lastname=5,
        updated_at=SECRET,
        debtor_numbers=[SECRET, 7, True, None],
        validation_errors=[SECRET],
        city=SECRET,
    )
    del odd["gender"]
    other = record(id=1.5, city=None, firstname={"first": SECRET})
    del other["gender"]
    drifting.answer(
        {"data": [odd, other, record(gender=SECRET)], "pagination": {"cursor": None, "total": 3}, "took": 1}
    )
    result = check("--json")
    assert result.exit_code == 1
    assert SECRET not in result.output
    shown = json.loads(result.stdout)
    assert shown["contacts"] == 3
    assert [(d["path"], d["difference"], d["count"], d["of"]) for d in shown["differences"]] == [
        ("$.data[].city", "unknown, null", 1, 3),
        ("$.data[].city", "unknown, string", 1, 3),
        ("$.data[].debtor_numbers[]", "boolean instead of string", 1, 4),
        ("$.data[].debtor_numbers[]", "null instead of string", 1, 4),
        ("$.data[].firstname", "object instead of string or null", 1, 3),
        ("$.data[].id", "number instead of string or null", 1, 3),
        ("$.data[].lastname", "integer instead of string or null", 1, 3),
        ("$.data[].updated_at", "string instead of string or null (date-time)", 1, 3),
        ("$.data[].validation_errors", "array instead of object or null", 1, 3),
        ("$.pagination.total", "unknown, integer", 1, 1),
        ("$.took", "unknown, integer", 1, 1),
    ]


def test_a_table_for_people(drifting: FakePayt) -> None:
    drifting.answer({"data": [record(id="1", city=SECRET)], "pagination": None})
    result = check()
    assert result.exit_code == 1
    assert "$.data[].city" in result.output
    assert "1 of 1" in result.output
    assert "The API and openapi.yaml differ in 1 place (1 contact, " in result.output
    assert SECRET not in result.output


def test_names_of_fields_do_not_steer_the_terminal_and_are_not_all_printed(drifting: FakePayt) -> None:
    names = [f"\x1b[2J{SECRET}\u061c\n{n:04}{'x' * 500}" for n in range(300)]
    drifting.answer({"data": [record(id="1", **dict.fromkeys(names, 1))], "pagination": None}, times=2)
    said = check().stdout
    assert not set(said) & set("\x1b\u061c")
    assert len(said.splitlines()) == 104
    assert max(map(len, said.splitlines())) < 200
    assert "\nand 200 more, which --json lists\n" in said
    assert len(json.loads(check("--json").stdout)["differences"]) == 300


def test_a_field_that_never_comes_is_named(drifting: FakePayt) -> None:
    gone = record(id="1")
    del gone["gender"]
    drifting.answer({"data": [gone, gone], "pagination": None})
    (difference,) = json.loads(check("--json").stdout)["differences"]
    assert difference == {
        "list": "contacts",
        "path": "$.data[].gender",
        "difference": "never came",
        "count": 2,
        "of": 2,
    }


@pytest.mark.parametrize(
    ("body", "path", "what"),
    [
        ({"pagination": None}, "$.data", "missing"),
        ({"data": None}, "$.data", "null instead of array"),
        ([], "$", "array instead of object"),
        ({"data": [None]}, "$.data[]", "null instead of object"),
    ],
    ids=["no data", "null data", "a list", "a null record"],
)
def test_a_page_that_is_none(body: Any, path: str, what: str, drifting: FakePayt) -> None:
    drifting.answer(body)
    result = check("--json")
    assert result.exit_code == 1
    assert [(d["path"], d["difference"]) for d in json.loads(result.stdout)["differences"]] == [(path, what)]


@pytest.mark.parametrize("body", [b"<html>", b'{"data": ', b'{"data": "\xff"}'], ids=["html", "half", "latin"])
def test_an_answer_that_is_no_json_is_an_error(body: bytes, drifting: FakePayt) -> None:
    drifting.answer(body, times=None)
    result = check()
    assert result.exit_code == 1
    assert "payt: " in result.stderr
    assert "Traceback" not in result.output


def test_errors_are_those_of_every_command(drifting: FakePayt) -> None:
    drifting.fail(403)
    result = check()
    assert result.exit_code == 1
    assert "403" in result.stderr


UNKNOWN_VALUE = "string instead of one of the values that the contract knows"
NO_MOMENT = "string instead of string (date-time)"
INTEGERS = {"type": "array", "items": {"type": "integer"}}
CONTRACT = {"Leaf": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        (5, {"type": "number"}, []),
        (True, {"type": "integer"}, [("$", "boolean instead of integer")]),
        ("a", {"enum": ["a"]}, []),
        (
            "b",
            {"type": "string", "enum": ["a"]},
            [("$", "string instead of one of the values that the contract knows")],
        ),
        ("b", {"const": "a"}, [("$", UNKNOWN_VALUE)]),
        ("2026-11-01", {"type": "string", "format": "date"}, []),
        ("2026-02-30", {"type": "string", "format": "date"}, [("$", "string instead of string (date)")]),
        (
            "2026-11-01T00:00:00",
            {"type": "string", "format": "date-time"},
            [("$", NO_MOMENT)],
        ),
        ("a", {"type": "string", "format": "uuid"}, [("$", "string instead of string (uuid)")]),
        (
            {"a": 1, "b": "c"},
            {"type": "object", "additionalProperties": {"type": "integer"}},
            [("${}", "string instead of integer")],
        ),
        ({"a": 1}, {"type": "object", "additionalProperties": True}, []),
        ({"a": 1}, {"type": "object"}, []),
        ({"a": 1}, {"properties": {"b": {}}, "additionalProperties": True}, []),
        ({"name": 1}, {"$ref": "#/Leaf"}, [("$.name", "integer instead of string")]),
        ({}, {"anyOf": [{"$ref": "#/Leaf"}, {"type": "null"}]}, [("$.name", "missing")]),
        ({"name": "a", "x": 1}, {"allOf": [{"$ref": "#/Leaf"}, {"properties": {"x": {"type": "integer"}}}]}, []),
        (
            [[1, "a"]],
            {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
            [("$[][]", "string instead of integer")],
        ),
        ({"anything": [1]}, {}, []),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_what_differs(
    value: Any, schema: dict[str, Any], expected: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payt.contract.contract", lambda: CONTRACT)
    assert [(d.path, d.difference) for d in differences(value, schema)] == expected


def test_a_difference_is_counted_among_those_that_could_differ() -> None:
    schema = {"type": "array", "items": {"properties": {"a": {"type": "string"}}}}
    assert differences([{"a": 1}, {"a": "b"}, {}], schema) == [
        Difference("$[].a", "integer instead of string", 1, 2),
    ]
