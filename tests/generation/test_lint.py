"""Every rule about contracts, each with a contract that breaks it, and the words a newcomer reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from contract import problems_of
from lint import invalid_in, lacking_in

Change = Callable[[dict[str, Any]], object]
NO_CONTENT = {"description": "Done."}


def operation(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/v1/contacts"]["get"]
    return found


def parameter(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (p for p in operation(document)["parameters"] if p["name"] == name)
    assert isinstance(found, dict)
    return found


def schemas(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def page(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas(document)["ContactsPage"]
    return found


def add_property(name: str, schema: dict[str, Any]) -> Change:
    return lambda document: schemas(document)["Contact"]["properties"].update({name: schema})


def set_parameter(name: str, **keys: Any) -> Change:
    return lambda document: parameter(document, name).update(keys)


def set_schema(name: str, **keys: Any) -> Change:
    return lambda document: schemas(document).setdefault(name, {"description": "Something."}).update(keys)


def set_body(schema: dict[str, Any], kind: str = "application/json") -> Change:
    return lambda document: operation(document).update(requestBody={"content": {kind: {"schema": schema}}})


def drop_parameter(name: str) -> Change:
    return lambda document: operation(document)["parameters"].remove(parameter(document, name))


def move_to_content(document: dict[str, Any]) -> None:
    fields = parameter(document, "fields")
    del fields["schema"]
    fields["content"] = {"application/json": {"schema": {"type": "object"}}}


MISREAD: dict[str, tuple[Change, str]] = {
    "no paths": (lambda document: document.pop("paths"), "this is no OpenAPI document: it has no `paths`"),
    "parameter by content": (
        move_to_content,
        "GET /v1/contacts, parameter 'fields': it is given by `content` and would be dropped: give it a schema",
    ),
    "parameter of type object": (set_parameter("ids", schema={"type": "object"}), "'ids': it is of type object"),
    "parameter of type array": (
        set_parameter("ids", schema={"type": "array", "items": {"type": "string"}}),
        "'ids': it is of type array and would be misread: make it a string, and encode it in the wrapper",
    ),
    "parameter of two types": (
        set_parameter("ids", schema={"type": ["string", "array"], "items": {}}),
        "'ids': it is of type array",
    ),
    "parameter that refers to an object": (
        set_parameter("ids", schema={"anyOf": [{"$ref": "#/components/schemas/Contact"}, {"type": "string"}]}),
        "'ids': it is of type object",
    ),
    "parameter in a header": (set_parameter("cursor", **{"in": "header"}), "'cursor': it is sent in the header"),
    "parameter named as the template's own": (
        lambda document: parameter(document, "ids").update(name="client"),
        "parameter 'client': the generated operation uses that name itself",
    ),
    "security at the root": (
        lambda document: document.update(security=operation(document).pop("security")),
        "GET /v1/contacts: security is stated at the root only, which the generator ignores",
    ),
    "no operationId": (
        lambda document: operation(document).pop("operationId"),
        "GET /v1/contacts: it has no operationId",
    ),
    "no tag": (lambda document: operation(document).pop("tags"), "GET /v1/contacts: it has no tag"),
    "body of a form": (
        set_body({"type": "object"}, "multipart/form-data"),
        "its requestBody is multipart/form-data, and our templates write only application/json",
    ),
    "body without content": (
        lambda document: operation(document).update(requestBody={"content": {}}),
        "its requestBody is of no type",
    ),
    "body that is no reference": (set_body({"type": "object"}), "its requestBody is no reference to an object schema"),
    "two content types": (
        lambda document: operation(document)["responses"]["200"]["content"].update({"text/csv": {}}),
        "response 200 has several content types, of which only application/json would be read",
    ),
    "schema named as an import": (
        set_schema("Response", type="object"),
        "components.schemas.Response: the generated modules use that name themselves: rename it",
    ),
    "reference to nothing": (
        add_property("nothing", {"$ref": "#/components/schemas/Nothing"}),
        "components.schemas.Contact.properties.nothing: it refers to '#/components/schemas/Nothing', and there is",
    ),
    "reference to a place that is no schema": (
        add_property("odd", {"$ref": "#/info/contact"}),
        "properties.odd: it refers to #/info/contact: only schemas of this file",
    ),
    "property with a dash": (
        add_property("first-name", {"type": "string"}),
        "components.schemas.Contact: property 'first-name' is no Python name",
    ),
    "property that is a keyword": (add_property("class", {"type": "string"}), "property 'class' is no Python name"),
    "property that is private": (add_property("_hidden", {"type": "string"}), "property '_hidden' is no Python name"),
    "property that hides an import": (add_property("datetime", {"type": "string"}), "property 'datetime' would hide"),
    "property that hides self": (add_property("self", {"type": "string"}), "property 'self' would hide"),
    "binary property": (
        add_property("photo", {"type": "string", "format": "binary"}),
        "property 'photo' is of format binary, which a JSON document cannot hold",
    ),
    "properties and typed rest": (
        set_schema("Contact", additionalProperties={"type": "string"}),
        "components.schemas.Contact: it has properties and typed additionalProperties",
    ),
    "required and unknown": (set_schema("Contact", required=["nothing"]), "'nothing' is required and is none of its"),
    "number for what is no string": (
        add_property("count", {"type": "integer", "x-accept-number": True}),
        "properties.count: x-accept-number is for strings",
    ),
    "number in a list": (
        add_property("numbers", {"type": "array", "items": {"type": "string", "x-accept-number": True}}),
        "properties.numbers.items: x-accept-number would be overlooked",
    ),
    "number in an enum": (
        add_property("number", {"type": "string", "enum": ["1"], "x-accept-number": True}),
        "properties.number: x-accept-number would be overlooked",
    ),
    "text with a quotation mark by default": (
        add_property("quote", {"type": "string", "default": 'a"b'}),
        "properties.quote: a default with a quotation mark or a backslash would be misread",
    ),
    "enum with a line break": (
        add_property("lines", {"type": "string", "enum": ["a\nb"]}),
        "properties.lines: a value of an enum with a control character would be misread",
    ),
    "schema that is sent and received": (
        set_body({"$ref": "#/components/schemas/Contact"}),
        "components.schemas.Contact: it is both sent and received.",
    ),
    "enum that may be null": (
        add_property("mode", {"type": ["string", "null"], "enum": ["a", None]}),
        "components.schemas.Contact.properties.mode: an enum that may be null would become several enums",
    ),
    "an object that is a text too": (
        add_property("odd", {"allOf": [{"$ref": "#/components/schemas/Error"}, {"type": "string"}]}),
        "properties.odd: allOf would be read as one of its parts only: join nothing but objects",
    ),
    "list by default": (
        add_property("labels", {"type": "array", "items": {"type": "string"}, "default": []}),
        "components.schemas.Contact.properties.labels: a default that is a list or an object would be dropped",
    ),
    "date by default": (
        add_property("since", {"type": "string", "format": "date", "default": "2020-01-01"}),
        "components.schemas.Contact.properties.since: a default of format date is not handled",
    ),
    "number beside a reference": (
        add_property("other", {"$ref": "#/components/schemas/Error", "x-accept-number": True}),
        "properties.other: x-accept-number beside $ref would be overlooked",
    ),
    **{
        f"overlooked {keyword}": (
            add_property("odd", {"type": "string", keyword: value}),
            f"components.schemas.Contact.properties.odd: `{keyword}` would be overlooked: ",
        )
        for keyword, value in {
            "nullable": True,
            "not": {"type": "string"},
            "if": {"type": "string"},
            "patternProperties": {},
            "dependentSchemas": {},
            "dependentRequired": {},
            "$dynamicRef": "#x",
            "$defs": {},
            "propertyNames": {},
            "unevaluatedProperties": False,
        }.items()
    },
}

INVALID: dict[str, tuple[Change, str]] = {
    "another version": (lambda document: document.update(openapi="3.0.3"), "openapi: it says 3.0.3, and this project"),
    "no version": (lambda document: document.pop("openapi"), "openapi: it says None"),
    "no title": (lambda document: document["info"].pop("title"), "is a required property"),
    "an unknown type": (add_property("odd", {"type": "text"}), "'text' is not valid under any of the given schemas"),
    "a path's parameter that is not described": (
        lambda document: document["paths"].update({"/v1/contacts/{id}": {"get": operation(document)}}),
        "'id'",
    ),
}

LACKING: dict[str, tuple[Change, str]] = {
    "no summary": (lambda document: operation(document).pop("summary"), "GET /v1/contacts: it has no summary"),
    "no description": (
        lambda document: operation(document).pop("description"),
        "GET /v1/contacts: it has no description, which becomes the docstring of the generated function",
    ),
    "parameter not described": (
        lambda document: parameter(document, "ids").pop("description"),
        "parameter 'ids': it has no description",
    ),
    "parameter without example": (
        lambda document: parameter(document, "ids").pop("example"),
        "parameter 'ids': it has no example: add one",
    ),
    "parameter with a wrong example": (
        set_parameter("per_page", example=501),
        "parameter 'per_page': its example is not what its schema says: it: 501 is greater than the maximum of 500",
    ),
    "answer without example": (
        lambda document: operation(document)["responses"]["401"]["content"]["application/json"].pop("example"),
        "response 401 has no example: add one, as the API sends it",
    ),
    "answer with a wrong example": (
        lambda document: operation(document)["responses"]["401"]["content"]["application/json"].update(
            example={"code": 5}
        ),
        "the example of response 401 is not what its schema says: code: 5 is not of type",
    ),
    "answer with one wrong example of two": (
        lambda document: operation(document)["responses"]["401"]["content"]["application/json"].update(
            examples={"good": {"value": {"code": "a"}}, "bad": {"value": {"message": []}}}
        ),
        "message: [] is not of type",
    ),
    "body without example": (
        lambda document: (
            schemas(document).update(New={"type": "object", "description": "What is sent."}),
            set_body({"$ref": "#/components/schemas/New"})(document),
        ),
        "its requestBody has no example",
    ),
    "model not described": (
        lambda document: schemas(document)["Contact"].pop("description"),
        "components.schemas.Contact: it has no description, which becomes the docstring of the generated model",
    ),
    "property not described": (
        lambda document: schemas(document)["Contact"]["properties"]["id"].pop("description"),
        "components.schemas.Contact: property 'id' has no description",
    ),
    "wrong default": (
        set_parameter("per_page", schema={"type": "integer", "default": "many"}),
        "its default is not what it says itself: it: 'many' is not of type 'integer'",
    ),
    "wrong example of a property": (
        add_property("since", {"type": "string", "format": "date", "description": "When.", "examples": ["soon"]}),
        "properties.since: its example is not what it says itself: it: 'soon' is not a 'date'",
    ),
    "listing without cursor": (drop_parameter("cursor"), "it lists, and has no parameter `cursor`"),
    "listing without per_page": (drop_parameter("per_page"), "it lists, and has no parameter `per_page`"),
    "page without data": (
        lambda document: page(document)["properties"]["data"].update(type="object"),
        "its page has no required array `data`",
    ),
    "page whose data may be missing": (lambda document: page(document).pop("required"), "no required array `data`"),
    "page of texts": (
        lambda document: page(document)["properties"]["data"].update(items={"type": "string"}),
        "the items of its `data` are no objects",
    ),
    "page of records with required fields": (
        set_schema("Contact", required=["id"]),
        "the items of its `data` have required properties, and `fields` leaves properties out: require none",
    ),
    "page without pagination": (
        lambda document: page(document)["properties"].pop("pagination"),
        "its page has no `pagination` with a `cursor`",
    ),
    "page whose pagination has no cursor": (
        lambda document: schemas(document)["Pagination"]["properties"].pop("cursor"),
        "its page has no `pagination` with a `cursor`",
    ),
    "page that must have a pagination": (
        lambda document: page(document).update(required=["data", "pagination"]),
        "its `pagination` is required, and the last page comes without",
    ),
    "pagination that cannot be null": (
        lambda document: page(document)["properties"].update(
            pagination={"$ref": "#/components/schemas/Pagination", "description": "Where."}
        ),
        "its `pagination` and `pagination.cursor` must allow null",
    ),
    "cursor that cannot be null": (
        lambda document: schemas(document)["Pagination"]["properties"]["cursor"].update(type="string"),
        "its `pagination` and `pagination.cursor` must allow null",
    ),
    "page that is no reference": (
        lambda document: operation(document)["responses"]["200"]["content"]["application/json"].update(
            schema=page(document)
        ),
        "its page is no reference to a schema of components",
    ),
}


def test_the_contract_itself_breaks_no_rule(contract: dict[str, Any]) -> None:
    assert [*problems_of(contract), *invalid_in(contract), *lacking_in(contract)] == []


@pytest.mark.parametrize("name", MISREAD)
def test_what_would_be_misread_is_named_with_the_way_out(name: str, contract: dict[str, Any]) -> None:
    change, words = MISREAD[name]
    change(contract)
    assert any(words in problem for problem in problems_of(contract)), problems_of(contract)


@pytest.mark.parametrize("name", INVALID)
def test_what_is_no_valid_openapi_is_named(name: str, contract: dict[str, Any]) -> None:
    change, words = INVALID[name]
    change(contract)
    assert any(words in problem for problem in invalid_in(contract)), invalid_in(contract)


@pytest.mark.parametrize("name", LACKING)
def test_what_readers_would_miss_is_named(name: str, contract: dict[str, Any]) -> None:
    change, words = LACKING[name]
    change(contract)
    assert problems_of(contract) == []
    assert any(words in problem for problem in lacking_in(contract)), lacking_in(contract)


@pytest.mark.parametrize("document", [None, [], "paths", {}], ids=["nothing", "list", "word", "empty"])
def test_what_is_no_document_is_refused(document: Any) -> None:
    assert problems_of(document) == ["this is no OpenAPI document: it has no `paths`"]
