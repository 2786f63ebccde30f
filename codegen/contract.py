"""What the generator, or our templates, would silently misread in a contract.

Each rule is a function that yields one sentence a problem, with the place in the contract and the way out.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from typing import Any

# Names that a generated operation uses for itself: a parameter of such a name would stand in their way.
NAMES_OF_AN_OPERATION = {"body", "client", "content_of", "query_of", "query_value", "quote", "response"}
# Names that the modules of models and operations import: a schema of such a name would stand in their way.
NAMES_OF_THE_MODULES = {
    *("Any", "AuthenticatedClient", "Client", "DateTime", "Identifier", "Literal", "Response", "TypeAlias", "UNSET"),
    *("UUID", "Unset"),
}
# What JSON Schema knows and the generator overlooks without a word.
OVERLOOKED = {
    "nullable": "that is OpenAPI 3.0: write `type: [string, 'null']`, or oneOf with `type: 'null'`",
    "not": "write what it may be",
    "if": "write the cases as oneOf",
    "patternProperties": "describe the object as additionalProperties",
    "dependentSchemas": "write the cases as oneOf",
    "dependentRequired": "write the cases as oneOf",
    "$dynamicRef": "refer to a schema of components with $ref",
    "$defs": "move it to components/schemas",
    "propertyNames": "describe the names in the text",
    "unevaluatedProperties": "use additionalProperties",
}

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# What a generated model is made of: a field of such a name would stand in its way.
NAMES_OF_THE_TEMPLATE = {
    *("Any", "DateTime", "Identifier", "Literal", "UUID", "datetime"),
    *("bool", "dict", "float", "int", "list", "self", "str"),
}


def problems_of(document: Any) -> list[str]:
    """All problems of the contract, in the order of its operations and schemas; empty where there is none."""
    if not isinstance(document, dict) or "paths" not in document:
        return ["this is no OpenAPI document: it has no `paths`"]
    problems = [
        f"{place}: it refers to {reference!r}, and there is nothing: correct the name, or describe it there"
        for place, reference in references_in(document, "")
        if not resolve(document, {"$ref": reference})
    ]
    for place, operation, parameters in operations_of(document):
        problems += [f"{place}: {p}" for p in problems_of_operation(document, operation)]
        for parameter in parameters:
            problems += [
                f"{place}, parameter {parameter.get('name')!r}: {p}" for p in problems_of_parameter(document, parameter)
            ]
    for name in document.get("components", {}).get("schemas", {}):
        if name in NAMES_OF_THE_MODULES:
            problems.append(f"components.schemas.{name}: the generated modules use that name themselves: rename it")
    sent, received = (used_schemas(document, sent=sent) for sent in (True, False))
    for name in sorted(sent & received):
        schema = document["components"]["schemas"].get(name, {})
        if set(schema.get("properties", {})) - set(schema.get("required", [])):
            problems.append(
                f"components.schemas.{name}: it is both sent and received. What is received is None where it is "
                "missing; what is sent must tell null from left out: describe what is sent as a schema of its own"
            )
    for place, schema in schemas_of(document):
        problems += [f"{place}: {p}" for p in problems_of_schema(schema)]
        problems += [f"{place}: {p}" for p in problems_of_its_place(document, place, schema)]
    return problems


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Every operation as (its method and path, itself, its parameters with those of its path)."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
                yield f"{method.upper()} {path}", item[method], [resolve(document, p) for p in parameters]


def used_schemas(document: dict[str, Any], *, sent: bool) -> set[str]:
    """The names of the schemas that requests, or answers, hold."""
    names: set[str] = set()
    waiting = [operation.get("requestBody" if sent else "responses") for _, operation, _ in operations_of(document)]
    while waiting:
        for _, reference in references_in(waiting.pop(), ""):
            name = reference.removeprefix("#/components/schemas/")
            if name not in names:
                names.add(name)
                waiting.append(resolve(document, {"$ref": reference}))
    return {name for name in names if not name.startswith("#/")}


def schemas_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of the document as (its place, itself), whatever holds it."""
    yield from _held(document, "")
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield from schemas_below(schema, f"components.schemas.{name}")


def _held(node: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas of parameters, bodies and answers."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "schema":
                yield from schemas_below(value, f"{place}.schema".lstrip("."))
            elif key not in ("schemas", "example", "examples"):
                yield from _held(value, f"{place}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _held(value, f"{place}[{index}]")


def schemas_below(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and those inside it."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    inside = [(f"properties.{name}", inner) for name, inner in (schema.get("properties") or {}).items()]
    inside += [(key, schema.get(key)) for key in ("items", "additionalProperties")]
    for key in ("oneOf", "anyOf", "allOf"):
        inside += [(f"{key}[{index}]", inner) for index, inner in enumerate(schema.get(key) or [])]
    for name, inner in inside:
        yield from schemas_below(inner, f"{place}.{name}")


def references_in(node: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every `$ref` below `node` as (its place, where it points)."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield place.lstrip("."), value
            elif key not in ("example", "examples", "default", "enum", "const"):
                yield from references_in(value, f"{place}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from references_in(value, f"{place}[{index}]")


def resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a local `$ref` points to, or the node itself."""
    seen = set()
    while "$ref" in node and node["$ref"] not in seen:
        seen.add(node["$ref"])
        target: Any = document
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target.get(key, {}) if isinstance(target, dict) else {}
        node = target
    return node


def problems_of_operation(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """What concerns the operation as a whole."""
    if document.get("security") and "security" not in operation:
        yield "security is stated at the root only, which the generator ignores: state it on the operation"
    if "operationId" not in operation:
        yield "it has no operationId, which names the generated module"
    if not operation.get("tags"):
        yield "it has no tag, which names the generated folder"
    if "requestBody" in operation:
        yield from problems_of_body(document, resolve(document, operation["requestBody"]))
    for status, response in operation.get("responses", {}).items():
        kinds = list(resolve(document, response).get("content", {}))
        if len(kinds) > 1:
            yield f"response {status} has several content types, of which only {kinds[0]} would be read: leave one"


def problems_of_body(document: dict[str, Any], body: dict[str, Any]) -> Iterator[str]:
    """What concerns a requestBody."""
    kinds = list(body.get("content", {}))
    if kinds != ["application/json"]:
        yield f"its requestBody is {' or '.join(kinds) or 'of no type'}, and our templates write only application/json"
        return
    schema = body["content"]["application/json"].get("schema", {})
    if resolve(document, schema).get("type") != "object" or "$ref" not in schema:
        yield "its requestBody is no reference to an object schema: move it to components/schemas, and refer to it"


def problems_of_parameter(document: dict[str, Any], parameter: dict[str, Any]) -> Iterator[str]:
    """What concerns one parameter."""
    if "content" in parameter:
        yield "it is given by `content` and would be dropped: give it a schema of type string with contentMediaType"
    if parameter.get("in") not in ("query", "path"):
        yield f"it is sent in the {parameter.get('in')}, and our templates write only query and path"
    if parameter.get("name") in NAMES_OF_AN_OPERATION:
        yield "the generated operation uses that name itself, and the API's name cannot be another"
    for schema in alternatives_of(document, parameter.get("schema", {})):
        types = schema.get("type", [])
        for type_ in [types] if isinstance(types, str) else types:
            if type_ in ("object", "array"):
                yield f"it is of type {type_} and would be misread: make it a string, and encode it in the wrapper"


def alternatives_of(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema itself and all that anyOf, oneOf and allOf join to it."""
    schema = resolve(document, schema)
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(key, []):
            yield from alternatives_of(document, part)


def problems_of_its_place(document: dict[str, Any], place: str, schema: dict[str, Any]) -> Iterator[str]:
    """What concerns one schema and where it stands, or what it refers to."""
    if schema.get("x-accept-number") and not _is_plain_property(place, schema):
        yield (
            "x-accept-number would be overlooked: it is read where a property of an object is described, without enum "
            "and format"
        )
    parts = [resolve(document, part).get("type") for part in schema.get("allOf", [])]
    if len(parts) > 1 and set(parts) != {"object"}:
        yield "allOf would be read as one of its parts only: join nothing but objects"


def problems_of_schema(schema: dict[str, Any]) -> Iterator[str]:
    """What concerns one schema."""
    for keyword_, way_out in OVERLOOKED.items():
        if keyword_ in schema:
            yield f"`{keyword_}` would be overlooked: {way_out}"
    reference = schema.get("$ref")
    if reference is not None and not str(reference).startswith("#/components/schemas/"):
        yield f"it refers to {reference}: only schemas of this file, `#/components/schemas/...`, can be referred to"
    if reference is not None and "x-accept-number" in schema:
        yield "x-accept-number beside $ref would be overlooked: describe the string here, without a reference"
    elif schema.get("x-accept-number") and "string" not in _types(schema):
        yield "x-accept-number is for strings, and this is none"
    yield from problems_of_values(schema)
    if isinstance(schema.get("properties"), dict):
        yield from problems_of_properties(schema, schema["properties"])


def problems_of_values(schema: dict[str, Any]) -> Iterator[str]:
    """What concerns the values that a schema names."""
    if "enum" in schema and "null" in _types(schema):
        yield "an enum that may be null would become several enums: write oneOf, of the enum and of `type: 'null'`"
    if "default" in schema and schema.get("format") in ("date", "date-time", "binary"):
        yield f"a default of format {schema['format']} is not handled: leave it out, and name it in the description"
    for name in ("const", "default"):
        if isinstance(schema.get(name), str) and set(schema[name]) & set('"\\'):
            yield f"a {name} with a quotation mark or a backslash would be misread: leave it out, and describe it"
    if any(isinstance(value, str) and not value.isprintable() for value in schema.get("enum") or []):
        yield "a value of an enum with a control character would be misread: leave the enum out"
    if isinstance(schema.get("default"), (list, dict)):
        yield "a default that is a list or an object would be dropped: leave it out, and name it in the description"


def problems_of_properties(schema: dict[str, Any], properties: dict[str, Any]) -> Iterator[str]:
    """What concerns the properties of an object schema."""
    for name, prop in properties.items():
        if not str(name).isidentifier() or keyword.iskeyword(name) or str(name).startswith("_"):
            yield f"property {name!r} is no Python name, so no model can hold it under the name that the API uses"
        elif name in NAMES_OF_THE_TEMPLATE:
            yield f"property {name!r} would hide what has that name in the generated model"
        if isinstance(prop, dict) and prop.get("format") == "binary":
            yield f"property {name!r} is of format binary, which a JSON document cannot hold"
    for name in schema.get("required", []):
        if name not in properties:
            yield f"{name!r} is required and is none of its properties"
    if isinstance(schema.get("additionalProperties"), dict):
        yield "it has properties and typed additionalProperties, of which a model holds only the first: split it in two"


def _is_plain_property(place: str, schema: dict[str, Any]) -> bool:
    described = re.search(r"\.properties\.[^.\[\]]+$", place) and "allOf" not in place
    return bool(described) and not {"enum", "format"} & set(schema)


def _types(schema: dict[str, Any]) -> list[str]:
    given = schema.get("type", [])
    return [given] if isinstance(given, str) else given
