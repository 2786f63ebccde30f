"""Every rule about contracts, each with a contract that breaks it, and the words a newcomer reads."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

import pytest
from contract import problems_of
from lint import invalid_in, lacking_in
from lists import (
    NAMES_OF_A_CLIENT,
    NAMES_OF_A_COPY,
    NAMES_OF_A_LISTS_COMMANDS,
    NAMES_OF_A_METHOD,
    NAMES_OF_COMMANDS,
    problems_of_lists,
)

import payt
from payt.cli.app import app
from payt.cli.resource import commands_of
from payt.contract import parameters_of
from payt.sql import schema
from payt_resources import LISTS, spec_of
from payt_resources.contacts import AsyncContacts, Contacts
from support.generation import answer, drop_parameter, operation, parameter

Change = Callable[[dict[str, Any]], object]
NO_CONTENT = {"description": "Done."}


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


def set_answer(kind: str, schema: dict[str, Any]) -> Change:
    return lambda document: operation(document)["responses"]["200"].update(content={kind: {"schema": schema}})


def send(schema: dict[str, Any]) -> Change:
    """Ask for a body with a property of this schema."""

    def change(document: dict[str, Any]) -> None:
        schemas(document)["New"] = {"type": "object", "description": "Sent.", "properties": {"sent": schema}}
        set_body(ref("New"))(document)

    return change


def set_security(security: Any) -> Change:
    return lambda document: operation(document).update(security=security)


NO_TOKEN: list[Any] = [[], [{}], [{}, {"bearer": []}], [{"other": []}]]


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def without_parameter(name: str) -> Change:
    return lambda document: drop_parameter(document, name)


def move_to_content(document: dict[str, Any]) -> None:
    fields = parameter(document, "fields")
    del fields["schema"], fields["example"]
    fields["content"] = {"application/json": {"schema": {"type": "object"}}}


def set_at(value: Any, *path: str) -> Change:
    """Put a value where a path leads, below the operation that lists contacts where it begins with a dot."""

    def change(document: dict[str, Any]) -> None:
        node = document
        for key in path[:-1]:
            node = operation(document) if key == "." else node[key]
        node[path[-1]] = value

    return change


def ask_twice(document: dict[str, Any]) -> None:
    """Describe an operation whose name differs from another's by its spelling alone."""
    document["paths"]["/v1/all"] = {"get": {**operation(document), "operationId": "listContacts"}}


MISREAD: dict[str, tuple[Change, str]] = {
    "two operations of one name": (
        ask_twice,
        "GET /v1/all: its module could replace that of GET /v1/contacts: give it another operationId",
    ),
    "a misspelt word": (
        add_property("odd", {"type": "string", "descripton": "A."}),
        "properties.odd: nothing reads descripton: write description",
    ),
    "a misspelt key of ours": (
        set_schema("Contact", x_copy={"key": "id"}),
        "components.schemas.Contact: nothing reads x_copy: write x-copy",
    ),
    "a word of nobody": (
        add_property("odd", {"type": "string", "$anchor": "odd"}),
        "properties.odd: nothing reads $anchor: leave it out, or say it in the description",
    ),
    "no paths": (lambda document: document.pop("paths"), "this is not an OpenAPI document: it has no `paths`"),
    "paths of nothing": (set_at(None, "paths"), "this is not an OpenAPI document: it has no `paths`"),
    "a key of ours among paths": (set_at(1, "paths", "x-foo"), "paths: nothing reads x-foo: the keys are"),
    "a key of ours among answers": (
        set_at(1, ".", "responses", "x-foo"),
        "responses: nothing reads x-foo: the keys are",
    ),
    "a misspelt method": (
        lambda document: document["paths"]["/v1/contacts"].update(gte=document["paths"]["/v1/contacts"].pop("get")),
        "- paths./v1/contacts: nothing reads gte: write get",
    ),
    "a misspelt key of an operation": (
        set_at({}, ".", "respnses"),
        "- paths./v1/contacts.get: nothing reads respnses: write responses",
    ),
    "a key in the wrong place": (
        set_at({}, "paths", "/v1/contacts", "responses"),
        "- paths./v1/contacts: nothing reads responses here: move it to where it belongs",
    ),
    "a key of nobody": (set_at({}, ".", "zzz"), "- paths./v1/contacts.get: nothing reads zzz: leave it out"),
    "a path without a slash": (
        lambda document: document["paths"].update({"v1/contacts": document["paths"].pop("/v1/contacts")}),
        "- paths: a path begins with a slash: write /v1/contacts",
    ),
    "a misspelt type": (
        add_property("odd", {"type": ["strng", "null"], "default": "a"}),
        "components.schemas.Contact.properties.odd: there is no type 'strng': write string",
    ),
    "a type of nobody": (
        add_property("odd", {"type": "xyz"}),
        "properties.odd: there is no type 'xyz': write one of string, integer, number, ",
    ),
    "a misspelt format": (
        add_property("odd", {"type": "string", "format": "datetime"}),
        "components.schemas.Contact.properties.odd: unknown format 'datetime': write date-time",
    ),
    "a format of nobody": (
        add_property("odd", {"type": "string", "format": "iban"}),
        "properties.odd: unknown format 'iban': leave it out, or say it in the description",
    ),
    "a default that is none of the values": (
        add_property("odd", {"type": "string", "enum": ["active", "on-hold"], "default": "actve"}),
        (
            "components.schemas.Contact.properties.odd: its default is not what it says itself: 'actve' is not one of "
            "['active', 'on-hold']: correct one of them, or leave it out"
        ),
    ),
    "a default that is none of the values, or null": (
        add_property("odd", {"oneOf": [{"type": "string", "enum": ["active"]}, {"type": "null"}], "default": "actve"}),
        "properties.odd: its default is not what it says itself: 'actve' is not one of ['active']",
    ),
    "a default that is out of bounds": (
        set_parameter("per_page", schema={"type": "integer", "maximum": 500, "default": 501}),
        "its default is not what it says itself: 501 is greater than the maximum of 500: correct one of them",
    ),
    "a path of nothing": (set_at(None, "paths", "/v1/n"), "paths./v1/n: not valid OpenAPI: "),
    "a method of nothing": (set_at(None, "paths", "/v1/contacts", "get"), "paths./v1/contacts.get: not valid OpenAPI"),
    "an answer of nothing": (set_at(None, ".", "responses", "200"), "responses.200: not valid OpenAPI"),
    "security of nothing": (set_at(None, ".", "security"), "get.security: not valid OpenAPI"),
    "components of nothing": (set_at(None, "components"), "components: not valid OpenAPI"),
    "a property of nothing": (add_property("odd", cast("Any", None)), "odd"),
    "a type of nothing": (
        set_schema("Contact", type=None),
        "components.schemas.Contact: not valid OpenAPI: type is None",
    ),
    "a property that may be anything": (
        add_property("odd", cast("Any", True)),
        "components.schemas.Contact: odd: describe it as an object, or write {} for anything",
    ),
    "parameter by content": (
        move_to_content,
        "GET /v1/contacts, parameter 'fields': it is given by `content` and would be dropped: give it a schema",
    ),
    "parameter of type object": (set_parameter("ids", schema={"type": "object"}), "'ids': it is of type object"),
    "parameter of type array": (
        set_parameter("ids", schema={"type": "array", "items": {"type": "string"}}),
        "'ids': it is of type array and would be misread: make it a string with `x-comma-separated: true`",
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
    "body that is no reference": (
        set_body({"type": "object"}),
        "its requestBody is not a reference to an object schema",
    ),
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
        "components.schemas.Contact.properties.nothing: it refers to '#/components/schemas/Nothing', which does not ",
    ),
    "reference to a place that is no schema": (
        add_property("odd", {"$ref": "#/info/contact"}),
        "properties.odd: it refers to #/info/contact: only schemas of this file",
    ),
    "property with a dash": (
        add_property("first-name", {"type": "string"}),
        "components.schemas.Contact: property 'first-name' is not a Python name",
    ),
    "property that is a keyword": (
        add_property("class", {"type": "string"}),
        (
            "property 'class' is not a Python name, so no model can hold it under the name that the API uses: leave it "
            "out, and read it in the page's `raw`"
        ),
    ),
    "property that is private": (
        add_property("_hidden", {"type": "string"}),
        "property '_hidden' is not a Python name",
    ),
    "property that hides an import": (add_property("datetime", {"type": "string"}), "property 'datetime' would hide"),
    "property that hides a method": (
        add_property("to_dict", {"type": "string"}),
        "property 'to_dict' would hide what has that name in the generated model: leave it out, and read it in the",
    ),
    "property that hides self": (add_property("self", {"type": "string"}), "property 'self' would hide"),
    "binary property": (
        add_property("photo", {"type": "string", "format": "binary"}),
        "properties.photo: it is of format binary, which a JSON document cannot hold",
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
        add_property(
            "numbers",
            {"type": "array", "items": {"type": "array", "items": {"type": "string", "x-accept-number": True}}},
        ),
        "properties.numbers.items.items: x-accept-number would be overlooked",
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
    "properties beside oneOf": (
        add_property("odd", {"oneOf": [ref("Error"), {"type": "null"}], "properties": {"a": {"type": "string"}}}),
        "properties.odd: `properties` beside oneOf would be overlooked: write it into the parts of oneOf",
    ),
    "required beside anyOf": (
        add_property("odd", {"anyOf": [ref("Error")], "required": ["code"]}),
        "properties.odd: `required` beside anyOf would be overlooked",
    ),
    "a bound beside allOf": (
        add_property("odd", {"allOf": [ref("Error")], "minProperties": 1, "type": "object"}),
        "properties.odd: `minProperties` beside allOf would be overlooked",
    ),
    "two compositions": (
        add_property("odd", {"oneOf": [{"type": "string"}], "anyOf": [{"type": "null"}]}),
        "properties.odd: `anyOf` beside oneOf would be overlooked",
    ),
    "anything beside a reference": (
        add_property("odd", {**ref("Error"), "properties": {}, "default": {}}),
        "properties.odd: `default`, `properties` beside $ref would be overlooked: write it where the reference points",
    ),
    "allOf that joins a map": (
        add_property("odd", {"allOf": [ref("Error"), {"type": "object", "additionalProperties": {"type": "string"}}]}),
        "properties.odd: allOf joins properties only, and it or a part has typed additionalProperties",
    ),
    "a map beside allOf": (
        add_property("odd", {"allOf": [ref("Error")], "additionalProperties": {"type": "string"}}),
        "properties.odd: allOf joins properties only, and it or a part has typed additionalProperties: leave them",
    ),
    "a flag that is a word": (
        add_property("odd", {"type": "string", "x-accept-number": "yes"}),
        "properties.odd: x-accept-number is 'yes': write true, or leave it out",
    ),
    "an object that is all of itself": (
        lambda document: schemas(document).update(Loop={"allOf": [ref("Loop"), ref("Error")]}),
        "components.schemas.Loop: allOf leads back to where it stands: move what both hold into a schema of its own",
    ),
    "objects that are all of each other": (
        lambda document: schemas(document).update(
            One={"allOf": [ref("Two")]}, Two={"allOf": [ref("One"), ref("Error")]}
        ),
        "components.schemas.Two: allOf leads back to where it stands",
    ),
    "paths among the components": (
        lambda document: document["components"].update(pathItems={"y": document["paths"]["/v1/contacts"]}),
        "components.pathItems: nothing is generated from them: describe each path under paths",
    ),
    "a path with a query": (
        lambda document: document["paths"].update({"/v1/y?a=1": document["paths"].pop("/v1/contacts")}),
        "/v1/y?a=1: its query would be lost: describe what stands there as parameters",
    ),
    "no responses": (lambda document: operation(document).pop("responses"), "GET /v1/contacts: it has no responses"),
    "a body where there is none": (
        lambda document: operation(document)["responses"].update({"204": operation(document)["responses"]["200"]}),
        "response 204 has no body, and its content would be looked for: leave the content out",
    ),
    "two schemas of one name": (
        lambda document: schemas(document).update(con_tact=schemas(document)["Error"]),
        "components.schemas.con_tact: its model would have the name of that of Contact: rename one",
    ),
    "a schema that may be anything": (
        lambda document: schemas(document).update(Odd=True),
        "components.schemas.Odd: describe it as an object, or write {} for anything",
    ),
    "a text or a date": (
        add_property("odd", {"oneOf": [{"type": "string"}, {"type": ["string", "null"], "format": "date"}]}),
        "properties.odd: an inner string and an inner string cannot be told apart in an answer: leave one, and say in",
    ),
    "a model or a map": (
        add_property("odd", {"anyOf": [ref("Error"), {"type": "object", "additionalProperties": {}}]}),
        "properties.odd: Error and an inner object cannot be told apart in an answer: describe one object",
    ),
    "an enum of another type": (
        add_property("odd", {"type": "integer", "enum": ["a"]}),
        "properties.odd: 'a' is not of type integer: correct the value, or the type",
    ),
    "a default of another type": (
        add_property("odd", {"type": ["integer", "null"], "default": "x"}),
        "properties.odd: 'x' is not of type integer or null: correct the value, or the type",
    ),
    "an enum of nothing": (add_property("odd", {"enum": []}), "properties.odd: an enum without values takes none"),
    "a constant object": (
        add_property("odd", {"const": {"a": 1}}),
        "properties.odd: const {'a': 1} would be misread: it is a text or a number, or null as `type: 'null'`",
    ),
    "allOf of a text": (
        add_property("odd", {"allOf": [ref("Error"), {"type": "string"}]}),
        "properties.odd: allOf would be read as one of its parts only: join nothing but objects",
    ),
    "allOf that describes a property twice": (
        add_property("odd", {"allOf": [ref("Error")], "properties": {"code": {"type": "integer"}}}),
        "properties.odd: property 'code' is described by several parts of allOf: describe it once",
    ),
    "allOf that requires what is nowhere": (
        add_property("odd", {"allOf": [ref("Error")], "required": ["nothing"]}),
        "properties.odd: 'nothing' is required and is none of its properties",
    ),
    "two models in one place": (
        add_property("odd", {"oneOf": [ref("Error"), ref("Pagination")], "discriminator": {"propertyName": "code"}}),
        "properties.odd: Error and Pagination cannot be told apart in an answer: describe one object with",
    ),
    "a second security scheme": (
        lambda document: document["components"]["securitySchemes"].update(other={"type": "http", "scheme": "bearer"}),
        "components.securitySchemes: there are bearer and other, and one token is all that is sent: leave one",
    ),
    "a key of the API": (
        lambda document: document["components"]["securitySchemes"].update(
            bearer={"type": "apiKey", "in": "header", "name": "X-Key"}
        ),
        "components.securitySchemes.bearer: only a bearer token is ever sent: write `type: http` and `scheme: bearer`",
    ),
    **{
        f"security {security}": (
            set_security(security),
            (
                "GET /v1/contacts: the token is sent with every request, and its security does not say so: "
                "write `security: [{bearer: []}]`"
            ),
        )
        for security in NO_TOKEN
    },
    "no security": (
        lambda document: operation(document).pop("security"),
        "GET /v1/contacts: the token is sent with every request",
    ),
    "a path elsewhere": (
        lambda document: document["paths"].update({"/v1/y": {"$ref": "#/paths/~1v1~1contacts"}}),
        "/v1/y: a path that is a $ref would be overlooked: describe it here",
    ),
    "servers of a path": (
        lambda document: document["paths"]["/v1/contacts"].update(servers=[{"url": "https://other.example"}]),
        "- /v1/contacts: `servers` would be overlooked, as every request goes to one address",
    ),
    "servers of an operation": (
        lambda document: operation(document).update(servers=[{"url": "https://other.example"}]),
        "GET /v1/contacts: `servers` would be overlooked",
    ),
    "webhooks": (lambda document: document.update(webhooks={"paid": {}}), "webhooks: nothing is generated from them"),
    "callbacks": (lambda document: operation(document).update(callbacks={"paid": {}}), "`callbacks` would be"),
    "another version": (
        lambda document: (document.update(openapi="3.0.3"), add_property("odd", {"nullable": True})(document)),
        "- openapi: it says 3.0.3, and this project reads 3.1: write `openapi: 3.1.0`",
    ),
    "no version": (lambda document: document.pop("openapi"), "- openapi: it says None"),
    "the version before": (
        lambda document: document.update(swagger=document.pop("openapi") and "2.0"),
        "- openapi: it says 2.0",
    ),
    "a page of PDF": (
        set_answer("application/pdf", {"type": "object"}),
        "response 200 is application/pdf, which nothing parses: describe it as `schema: {type: string, ",
    ),
    "any answer": (set_answer("*/*", {"type": "object"}), "response 200 is */*, which nothing parses"),
    "XML": (set_answer("application/xml", ref("Contact")), "response 200 is application/xml, which nothing parses"),
    "text that is an object": (
        set_answer("text/csv", {"type": "object"}),
        "response 200 is text/csv, which is read as it comes: its schema is `type: string`",
    ),
    "text that is a date": (
        set_answer("text/csv", {"type": "string", "format": "date"}),
        "its schema is `type: string` and no more, or `{type: string, format: binary}` to get its bytes",
    ),
    "an enum of lists": (
        add_property("odd", {"type": "string", "enum": [["female", "male"]]}),
        (
            "properties.odd: an enum holds nothing but texts or nothing but whole numbers, and this one has values of "
            "type list: list each value by itself, or leave the enum out"
        ),
    ),
    "an enum of both": (
        add_property("odd", {"enum": ["a", 1, True]}),
        (
            "properties.odd: an enum holds nothing but texts or nothing but whole numbers, and this one has values of "
            "type bool and int and str"
        ),
    ),
    "values that differ by their case": (
        add_property("odd", {"type": "string", "enum": ["a", "A"]}),
        "properties.odd: the values 'a' and 'A' of its enum would get one name in Python: leave the enum out",
    ),
    "values that differ by a dash": (
        add_property("odd", {"type": "string", "enum": ["on hold", "on-hold"]}),
        "properties.odd: the values 'on hold' and 'on-hold' of its enum would get one name in Python",
    ),
    "files in a list": (
        add_property("odd", {"type": "array", "items": {"type": "string", "format": "binary"}}),
        "properties.odd.items: it is of format binary, which a JSON document cannot hold: make it `format: byte`",
    ),
    "an unknown key": (
        add_property("odd", {"type": "string", "x-accept-numbers": True}),
        "components.schemas.Contact.properties.odd: nothing reads x-accept-numbers: write x-accept-number",
    ),
    "an unknown key of the document": (
        lambda document: document["info"].update({"x-logo": {"url": "https://payt.example"}}),
        "info: nothing reads x-logo: the keys are x-accept-number, x-columns, x-copy, x-list, ",
    ),
    "a key of a parameter in its schema": (
        lambda document: parameter(document, "ids")["schema"].update({"x-comma-separated": True}),
        "schema: x-comma-separated would be overlooked: it belongs to the parameter",
    ),
    "a key of an operation at its path": (
        lambda document: document["paths"]["/v1/contacts"].update({"x-list": "all"}),
        "paths./v1/contacts: x-list would be overlooked: it belongs to the operation",
    ),
    "a bound of another type": (
        add_property("odd", {"type": ["integer", "null"], "minLength": 1}),
        "properties.odd: `minLength` is for string, and this is integer or null: leave it out",
    ),
    "a bound of a date": (
        add_property("odd", {"type": "string", "format": "date", "maxLength": 10}),
        "properties.odd: `maxLength` of format date would be overlooked: leave it out",
    ),
    "a pattern that is none": (
        add_property("odd", {"type": "string", "pattern": "["}),
        "properties.odd: its pattern cannot be read by Python: ",
    ),
    "a bound of an integer that is none": (
        add_property("odd", {"type": "integer", "minimum": 0.5}),
        "properties.odd: `minimum` of an integer is a whole number of at most 63 bits, and this is 0.5",
    ),
    "steps that no float takes": (
        add_property("odd", {"type": "number", "multipleOf": 0.01}),
        "properties.odd: `multipleOf` 0.01 cannot be checked, as no float is exactly that",
    ),
    "a bound that is too large": (
        add_property("odd", {"type": "integer", "maximum": 2**63}),
        "properties.odd: `maximum` of an integer is a whole number of at most 63 bits",
    ),
    "an answer without a schema": (
        lambda document: answer(document).pop("schema"),
        "response 200 is application/json without a schema, and would be read as nothing: describe it",
    ),
    "a number of properties that are sent": (
        lambda document: (send({"type": "string"})(document), schemas(document)["New"].update(minProperties=1)),
        "components.schemas.New: the number of its properties would not be checked before sending",
    ),
    "bounds of a union that is sent": (
        send({"oneOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}),
        "components.schemas.New.properties.sent: the bounds inside oneOf would not be checked before sending",
    ),
    "bounds of two types that are sent": (
        send({"type": ["string", "integer"], "minimum": 1}),
        "components.schemas.New.properties.sent: bounds of several types would not be checked before sending",
    ),
    "lists of lists that are sent without doubles": (
        send({"type": "array", "items": {"type": "array", "items": {"type": "string"}, "uniqueItems": True}}),
        "components.schemas.New.properties.sent.items: uniqueItems is checked where a property is described only",
    ),
    "bounds of what is sent and received": (
        lambda document: (
            schemas(document).update(
                Both={"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "minLength": 1}}}
            ),
            set_body(ref("Both"))(document),
            add_property("odd", ref("Both"))(document),
        ),
        "components.schemas.Both: it is both sent and received.",
    ),
    "nullable, as a number": (
        add_property("odd", {"type": "number", "nullable": True}),
        "that is OpenAPI 3.0: write `type: [number, 'null']`, or oneOf with `type: 'null'`",
    ),
    "nullable, as no type in particular": (
        add_property("odd", {"nullable": True}),
        "that is OpenAPI 3.0: write `type: [string, 'null']`, or oneOf with `type: 'null'`",
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
            "discriminator": {"propertyName": "type"},
            "prefixItems": [{"type": "string"}],
            "contains": {"type": "string"},
        }.items()
    },
}

INVALID: dict[str, tuple[Change, str]] = {
    "no title": (lambda document: document["info"].pop("title"), "is a required property"),
    "an unknown type": (
        add_property("odd", {"type": ["text", "null"]}),
        "components.schemas.Contact.properties.odd.type: ['text', 'null'] is not valid under any of the given schemas",
    ),
    "an unknown type in an answer": (
        lambda document: answer(document).update(schema={"type": "object", "properties": {"a": {"minLength": -1}}}),
        "content.application/json.schema.properties.a.minLength: -1 is less than the minimum of 0",
    ),
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
    "answer with a field of nobody": (
        lambda document: answer(document)["example"]["data"][0].update(lastnam="Jansen"),
        (
            "the example of response 200 is not what its schema says: data.0.lastnam: there is no such property: write "
            "lastname"
        ),
    ),
    "answer with a list of fields of nobody": (
        lambda document: (
            add_property("odd", {"type": "array", "items": ref("Error"), "description": "Odd."})(document),
            answer(document)["example"]["data"][0].update(odd=[{"code": "a", "xyz": {}}]),
        ),
        "data.0.odd.0.xyz: there is no such property: describe it, or leave it out",
    ),
    "parameter without example": (
        lambda document: parameter(document, "ids").pop("example"),
        "parameter 'ids': it has no example: add one",
    ),
    "parameter with a wrong example": (
        set_parameter("per_page", example=501),
        "parameter 'per_page': its example is not what its schema says: 501 is greater than the maximum of 500",
    ),
    "answer without example": (
        lambda document: answer(document, "401").pop("example"),
        "response 401 has no example: add one, as the API sends it",
    ),
    "answer with a wrong example": (
        lambda document: answer(document, "401").update(example={"code": 5}),
        "the example of response 401 is not what its schema says: code: 5 is not of type",
    ),
    "answer with one wrong example of two": (
        lambda document: answer(document, "401").update(
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
    "wrong example of a property": (
        add_property("since", {"type": "string", "format": "date", "description": "When.", "examples": ["soon"]}),
        "properties.since: its example is not what it says itself: 'soon' is not a 'date'",
    ),
    "listing without cursor": (without_parameter("cursor"), "it lists, and has no parameter `cursor`"),
    "listing without per_page": (without_parameter("per_page"), "it lists, and has no parameter `per_page`"),
    "page without data": (
        lambda document: page(document)["properties"]["data"].update(type="object"),
        "its page has no required array `data`",
    ),
    "page whose data may be missing": (lambda document: page(document).pop("required"), "no required array `data`"),
    "page of texts": (
        lambda document: page(document)["properties"]["data"].update(items={"type": "string"}),
        "the items of its `data` are not objects",
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
    "page that is any success": (
        lambda document: operation(document)["responses"].update({"2XX": operation(document)["responses"].pop("200")}),
        "it lists, and has no response 200, which is where the cursor loop looks for a page",
    ),
    "page that is no reference": (
        lambda document: answer(document).update(schema=page(document)),
        "its page is not a reference to a schema of components",
    ),
}


COPIES: dict[str, tuple[Change, str]] = {
    "something else": (set_schema("Contact", **{"x-copy": "id"}), "x-copy must be {key: FIELD} or {key: FIELD, "),
    "of what no list has as a record": (
        set_schema("Error", **{"x-copy": {"key": "code"}}),
        "components.schemas.Error: x-copy would be overlooked: it belongs to the record of a list",
    ),
    "whose record comes on request": (
        set_schema("Contact", **{"x-on-request": True}),
        "components.schemas.Contact: x-on-request would be overlooked: it belongs to a property of the record of a",
    ),
    "under the name of another method": (
        lambda document: document["paths"].update(
            {"/v1/more": {"get": {**operation(document), "operationId": "list_more", "x-list": "list_many"}}}
        ),
        "GET /v1/contacts: its method for many administrations is client.contacts.list_many, which is another list",
    ),
    "by a key that comes on request": (
        add_property("id", {"type": ["string", "null"], "x-on-request": True}),
        "x-copy: key: 'id' is x-on-request, and every listing needs it to tell records apart: leave that out",
    ),
    **{
        f"with a field {name}": (
            add_property(name, {"type": ["string", "null"]}),
            f"x-copy: the property {name!r} has the name of another column of a copy: leave x-copy out, and the ",
        )
        for name in ("deleted_at", "first_seen_at", "Synced_At", "ID", "Administration_ID", "LastName")
    },
    "of what is meant to be a list, and has no pagination": (
        lambda document: page(document)["properties"].pop("pagination"),
        "GET /v1/contacts: its page has no `pagination` with a `cursor`, which the next page is asked for with",
    ),
    "by several keys": (
        set_schema("Contact", **{"x-copy": {"key": ["id"]}}),
        "x-copy: key: ['id'] is not a field of the record",
    ),
    "by a watermark of nothing": (
        set_schema("Contact", **{"x-copy": {"key": "id", "watermark": None}}),
        "x-copy: watermark: None is not a field of the record",
    ),
    "shown as no list": (
        set_schema("Contact", **{"x-columns": None}),
        "x-columns must be a list of fields of the record, each once",
    ),
    "by a key that is none": (
        set_schema("Contact", **{"x-copy": {"key": "number"}}),
        "x-copy: key: 'number' is not a field of the record",
    ),
    "by a watermark that is no moment": (
        set_schema("Contact", **{"x-copy": {"key": "id", "watermark": "lastname"}}),
        "x-copy: watermark: 'lastname' is not a date-time",
    ),
    "by a watermark that cannot be asked for": (
        without_parameter("updated_after"),
        "x-copy: a watermark needs a parameter updated_after of format date-time to ask with",
    ),
    "of what is not listed without more": (
        set_parameter("updated_after", required=True),
        "x-copy: a copy lists everything, and 'updated_after' is required: give the records a schema of their own",
    ),
}


def test_the_contract_itself_breaks_no_rule(contract: dict[str, Any]) -> None:
    assert [*problems_of(contract), *problems_of_lists(contract), *invalid_in(contract), *lacking_in(contract)] == []


@pytest.mark.parametrize("name", MISREAD)
def test_what_would_be_misread_is_named_with_the_way_out(name: str, contract: dict[str, Any]) -> None:
    change, words = MISREAD[name]
    change(contract)
    problems = [f"- {problem}" for problem in problems_of(contract)]
    assert any(words in problem for problem in problems), problems
    if words.startswith("- openapi"):
        assert len(problems) == 1  # whatever else there is would be another in that version


NOT_PASSED_ON: dict[str, tuple[Change, str]] = {
    "a filter that is called as a word of Python": (
        lambda document: parameter(document, "ids").update(name="from"),
        "parameter 'from': the method that lists cannot have an argument of that name: leave the parameter out, or",
    ),
    "a resource that is called as a command": (
        lambda document: operation(document).update(tags=["demo"]),
        "its first tag, 'demo', is a command already, so `payt demo list` could not be: rename it",
    ),
    "a resource that is called as a method of a client": (
        lambda document: operation(document).update(tags=["call"]),
        "its first tag, 'call', is a name that every client has already, client.call: rename it",
    ),
    "a resource that is called as a word of Python": (
        lambda document: operation(document).update(tags=["class"]),
        "its first tag, 'class', is a word of Python, so client.class could not be: rename it",
    ),
    "a resource in capitals": (
        lambda document: operation(document).update(tags=["Contacts"]),
        "its first tag, 'Contacts', becomes client.Contacts: write one in snake_case, as in contacts",
    ),
    "a list that is called as a word of Python": (
        lambda document: operation(document).update({"x-list": "del"}),
        "x-list: 'del' is a word of Python, and no method has its name: give the method another name",
    ),
    "a list in capitals": (
        lambda document: operation(document).update({"x-list": "Deleted"}),
        "x-list: 'Deleted' becomes the name of a method: write it in snake_case, or false",
    ),
    "a list that is called as a command": (
        lambda document: operation(document).update({"x-list": "export"}),
        "x-list: 'export' is a command of every list: give the method another name",
    ),
    **{
        f"{name} that is no text": (
            set_parameter(name, schema={"type": "integer"}),
            f"parameter {name!r}: the method that lists passes a text",
        )
        for name in ("cursor", "fields", "administration_id")
    },
    "a cursor for the first page": (
        set_parameter("cursor", required=True),
        "parameter 'cursor': the first page is asked for without one",
    ),
    "a number as the cursor of the next page": (
        lambda document: schemas(document)["Pagination"]["properties"]["cursor"].update(type=["integer", "null"]),
        "its `pagination.cursor` is a text, which asks for the next page: write `type: [string",
    ),
    "several fields": (set_parameter("ids", **{"x-matches": ["id"]}), "x-matches: ['id'] is not a field of the record"),
    "no columns": (set_schema("Contact", **{"x-columns": []}), "x-columns must be a list of fields of the record"),
    "a column twice": (set_schema("Contact", **{"x-columns": ["id", "id"]}), "of the record, each once"),
    "a day to ask with": (
        set_parameter("updated_after", schema={"type": "string", "format": "date"}),
        "x-copy: a watermark needs a parameter updated_after of format date-time",
    ),
    "a key that is a list": (
        set_schema("Contact", **{"x-copy": {"key": "debtor_numbers"}}),
        "x-copy: key: 'debtor_numbers' is neither a text nor a whole number",
    ),
}


@pytest.mark.parametrize("name", NOT_PASSED_ON)
def test_what_a_method_that_lists_cannot_pass_on_is_named(name: str, contract: dict[str, Any]) -> None:
    change, words = NOT_PASSED_ON[name]
    change(contract)
    assert any(words in problem for problem in problems_of_lists(contract)), [*problems_of_lists(contract)]


def public(*kinds: type) -> dict[str, Any]:
    return {name: getattr(kind, name) for kind in kinds for name in dir(kind) if not name.startswith("_")}


def test_the_names_that_a_list_cannot_have_are_those_that_are_taken() -> None:
    tags = {tag for tag, _ in LISTS.values()}
    methods = {name.rpartition(".")[2] for name in LISTS} | {"list"}
    assert public(payt.Client, payt.AsyncClient).keys() - tags == NAMES_OF_A_CLIENT
    assert {name.replace("-", "_") for name in app.commands} - tags == NAMES_OF_COMMANDS
    commands = {name.replace("-", "_") for tag in tags for name in commands_of(tag)}
    assert commands - methods == NAMES_OF_A_LISTS_COMMANDS
    columns = {"deleted_at", *schema.OURS}
    assert columns == NAMES_OF_A_COPY
    arguments = {name for way in public(Contacts, AsyncContacts).values() for name in inspect.signature(way).parameters}
    assert arguments - parameters_of(spec_of("contacts")).keys() == NAMES_OF_A_METHOD


ALLOWED: dict[str, Change] = {
    "our own keys": lambda document: (
        schemas(document)["Contact"].update({"x-columns": ["id"], "x-copy": {"key": "id", "watermark": "updated_at"}}),
        operation(document).update({"x-list": False}),
        parameter(document, "ids").update({"x-comma-separated": True, "x-matches": "id"}),
    ),
    "keys of the API's data": lambda document: answer(document).update(example={"x-anything": {"x-y": 1}}),
    "a page with a charset": lambda document: operation(document)["responses"]["200"].update(
        content={"application/json; charset=utf-8": answer(document)}
    ),
    "a page of deleted records, which no copy is kept of": lambda document: (
        add_property("deleted_at", {"type": ["string", "null"], "format": "date-time", "description": "When."})(
            document
        ),
        schemas(document)["Contact"].pop("x-copy"),
    ),
    "a default that is null": add_property("odd", {"type": ["string", "null"], "default": None}),
    "a page with an example of anything": add_property(
        "odd", {"type": "object", "additionalProperties": True, "description": "Odd.", "example": {"a": {"b": 1}}}
    ),
    "a page with an example of more than is described": add_property(
        "odd",
        {
            "oneOf": [
                {
                    "type": "object",
                    "additionalProperties": True,
                    "properties": {"a": {"type": "string", "description": "A."}},
                },
                {"type": "null"},
            ],
            "description": "Odd.",
            "example": {"b": 1},
        },
    ),
    "a file": set_answer("application/pdf", {"type": "string", "format": "binary"}),
    "any file": set_answer("*/*", {"type": "string", "format": "binary"}),
    "XML as its bytes": set_answer("text/xml", {"type": "string", "format": "binary"}),
    "a table": set_answer("text/csv", {"type": "string"}),
    "a kind of JSON": set_answer("application/problem+json; charset=utf-8", ref("Error")),
    "properties beside allOf": add_property(
        "odd", {"allOf": [ref("Error")], "properties": {"a": {"type": "string"}}, "required": ["a", "code"]}
    ),
    "one reference in allOf": add_property("odd", {"allOf": [ref("Pagination")], "deprecated": True}),
    "a record and a page of parts": lambda document: (
        schemas(document).update(
            Base={"type": "object", "properties": {"id": schemas(document)["Contact"]["properties"].pop("id")}},
            Rest={"type": "object", "properties": {"pagination": page(document)["properties"].pop("pagination")}},
        ),
        [
            (node.pop("type"), node.update(allOf=[ref(name)]))
            for node, name in ((schemas(document)["Contact"], "Base"), (page(document), "Rest"))
        ],
        [schemas(document)[name].update(description="D.") for name in ("Base", "Rest")],
    ),
    "a filter that is called as a function of Python": lambda document: parameter(document, "ids").update(name="type"),
    "a number that may be whole": add_property("odd", {"oneOf": [{"type": "integer"}, {"type": "number"}]}),
    "bounds of what is sent": send({"oneOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}),
    "no value twice": send(
        {"type": ["array", "null"], "items": {"type": "string"}, "uniqueItems": True, "minItems": 1}
    ),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_read_rightly_is_let_pass(name: str, contract: dict[str, Any]) -> None:
    ALLOWED[name](contract)
    assert problems_of(contract) == []
    if "page" in name:
        assert [*problems_of_lists(contract), *lacking_in(contract)] == []


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_that_could_not_be_kept_is_named(name: str, contract: dict[str, Any]) -> None:
    change, words = COPIES[name]
    change(contract)
    assert any(words in problem for problem in problems_of_lists(contract)), [*problems_of_lists(contract)]


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
    assert problems_of(document) == ["this is not an OpenAPI document: it has no `paths`"]
