"""The contract says what Payt's reference page says: names, types, what is required, defaults and ranges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

import payt
from payt.environments import PRODUCTION

ROOT = Path(__file__).parents[2]
CONTRACT: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
REFERENCE: dict[str, Any] = json.loads((Path(__file__).parent / "reference.json").read_text("utf-8"))
OPERATION = CONTRACT["paths"]["/v1/contacts"]["get"]
SCHEMAS = CONTRACT["components"]["schemas"]
SHARED = CONTRACT["components"]["parameters"]
PARAMETERS = [SHARED[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in OPERATION["parameters"]]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What a reference to a shared response refers to."""
    return CONTRACT["components"]["responses"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


RESPONSES = {status: resolved(response) for status, response in OPERATION["responses"].items()}


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a nullable value when it is not null, with its reference followed."""
    if "oneOf" in schema:
        (schema,) = (part for part in schema["oneOf"] if part.get("type") != "null")
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    types = schema["type"]
    if isinstance(types, list):
        (types,) = (kind for kind in types if kind != "null")
    return {**schema, "type": types}


def is_nullable(schema: dict[str, Any]) -> bool:
    return "null" in schema.get("type", ()) or any(part.get("type") == "null" for part in schema.get("oneOf", ()))


def test_the_contract_is_valid_openapi() -> None:
    validate(CONTRACT)
    assert CONTRACT["openapi"].startswith("3.1")


def test_path_and_server_are_those_of_the_reference() -> None:
    assert REFERENCE["path"] in CONTRACT["paths"]
    assert CONTRACT["servers"][0]["url"] == REFERENCE["server"] == PRODUCTION.api
    assert CONTRACT["servers"][1]["url"] == "https://demo-api.paytsoftware.com"


def test_parameters_are_those_of_the_reference_in_its_order() -> None:
    assert [parameter["name"] for parameter in PARAMETERS] == list(REFERENCE["parameters"])
    assert {parameter["in"] for parameter in PARAMETERS} == {"query"}


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter["name"])
def test_a_parameter_is_what_the_reference_says(parameter: dict[str, Any]) -> None:
    expected = REFERENCE["parameters"][parameter["name"]]
    assert parameter.get("required", False) is expected.get("required", False)
    schema = parameter["schema"]
    for key in ("format", "default", "minimum", "maximum"):
        assert schema.get(key) == expected.get(key), key
    if expected["type"] == "object":  # one JSON document in one value, which the generator can only write as a text
        assert (schema["type"], schema["contentMediaType"]) == ("string", "application/json")
    else:
        assert schema["type"] == expected["type"]


def test_the_page_is_what_the_reference_says() -> None:
    page = SCHEMAS["ContactsPage"]
    assert {name: without_null(schema)["type"] for name, schema in page["properties"].items()} == {
        name: expected["type"] for name, expected in REFERENCE["page"].items()
    }
    assert page["required"] == [name for name, expected in REFERENCE["page"].items() if expected.get("required")]
    assert is_nullable(page["properties"]["pagination"])
    cursor = SCHEMAS["Pagination"]["properties"]["cursor"]
    assert list(SCHEMAS["Pagination"]["properties"]) == list(REFERENCE["pagination"])
    assert without_null(cursor)["type"] == "string"
    assert is_nullable(cursor)


def test_a_contact_has_the_fields_of_the_reference_in_its_order() -> None:
    assert list(SCHEMAS["Contact"]["properties"]) == list(REFERENCE["contact"])
    assert [field.name for field in attrs.fields(payt.Contact)] == list(REFERENCE["contact"])


@pytest.mark.parametrize("name", REFERENCE["contact"])
def test_a_field_is_what_the_reference_says_and_may_be_null_and_missing(name: str) -> None:
    schema = SCHEMAS["Contact"]["properties"][name]
    value = without_null(schema)
    kind = value.get("format") or value["type"]
    if kind == "array":
        kind = f"array of {value['items']['type']}"
    assert kind == REFERENCE["contact"][name]
    assert is_nullable(schema)
    assert name not in SCHEMAS["Contact"].get("required", ())


def test_open_values_stay_open() -> None:
    assert "enum" not in SCHEMAS["Contact"]["properties"]["gender"]
    assert SCHEMAS["ValidationErrors"]["additionalProperties"] is True
    assert all(schema.get("additionalProperties", True) is True for schema in SCHEMAS.values())


def test_security_is_stated_on_the_operation() -> None:
    assert OPERATION["security"] == [{"bearer": []}]
    scheme = CONTRACT["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


@pytest.mark.parametrize("status", ["401", "403"])
def test_documented_errors_have_code_and_message(status: str) -> None:
    schema = RESPONSES[status]["content"]["application/json"]["schema"]
    assert set(SCHEMAS[schema["$ref"].rpartition("/")[2]]["properties"]) == {"code", "message"}


def test_everything_is_described() -> None:
    assert all(parameter["description"] for parameter in PARAMETERS)
    for schema in SCHEMAS.values():
        assert schema["description"]
        assert all(prop["description"] for prop in schema.get("properties", {}).values())


@pytest.mark.parametrize("status", OPERATION["responses"])
def test_every_example_is_valid_by_its_own_schema(status: str) -> None:
    media = RESPONSES[status]["content"]["application/json"]
    schema = {**media["schema"], "components": CONTRACT["components"]}  # where its references point
    validator = OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER)
    validator.validate(media["example"])
    wrong: Any = {"data": "no list"} if status == "200" else {"code": []}
    assert not validator.is_valid(wrong)


def test_the_example_page_holds_every_field() -> None:
    first = OPERATION["responses"]["200"]["content"]["application/json"]["example"]["data"][0]
    assert list(first) == list(REFERENCE["contact"])
