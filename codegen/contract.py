"""What the generator, or our templates, would silently misread in a contract.

Each rule is a function that yields one sentence a problem, with the place in the contract and the way out.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import Any

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# What a generated model is made of: a field of such a name would stand in its way.
NAMES_OF_THE_TEMPLATE = {
    *("Any", "DateTime", "Identifier", "Literal", "UUID", "attrs", "datetime"),
    *("bool", "dict", "float", "int", "list", "self", "str"),
}


def problems_of(document: Any) -> list[str]:
    """All problems of the contract, in the order of its operations and schemas; empty where there is none."""
    if not isinstance(document, dict) or "paths" not in document:
        return ["this is no OpenAPI document: it has no `paths`"]
    problems = []
    for place, operation, parameters in operations_of(document):
        problems += [f"{place}: {p}" for p in problems_of_operation(document, operation)]
        for parameter in parameters:
            problems += [
                f"{place}, parameter {parameter.get('name')!r}: {p}" for p in problems_of_parameter(document, parameter)
            ]
    for place, schema in schemas_of(document, document, ""):
        problems += [f"{place}: {p}" for p in problems_of_schema(schema)]
    return problems


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Every operation as (its method and path, itself, its parameters with those of its path)."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
                yield f"{method.upper()} {path}", item[method], [resolve(document, p) for p in parameters]


def schemas_of(document: dict[str, Any], node: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object schema below `node`, as (its place, itself)."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield place.lstrip("."), node
        for key, value in node.items():
            if key not in ("example", "examples", "default", "enum", "const"):
                yield from schemas_of(document, value, f"{place}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from schemas_of(document, value, f"{place}[{index}]")


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
        yield "it has a requestBody, which our templates do not write yet"


def problems_of_parameter(document: dict[str, Any], parameter: dict[str, Any]) -> Iterator[str]:
    """What concerns one parameter."""
    if "content" in parameter:
        yield "it is given by `content` and would be dropped: give it a schema of type string with contentMediaType"
    if parameter.get("in") not in ("query", "path"):
        yield f"it is sent in the {parameter.get('in')}, and our templates write only query and path"
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


def problems_of_schema(schema: dict[str, Any]) -> Iterator[str]:
    """What concerns one object schema."""
    for name, prop in schema["properties"].items():
        if not str(name).isidentifier() or keyword.iskeyword(name) or str(name).startswith("_"):
            yield f"property {name!r} is no Python name, so no model can hold it under the name that the API uses"
        elif name in NAMES_OF_THE_TEMPLATE:
            yield f"property {name!r} would hide what has that name in the generated model"
        if isinstance(prop, dict) and prop.get("format") == "binary":
            yield f"property {name!r} is of format binary, which a JSON document cannot hold"
    if isinstance(schema.get("additionalProperties"), dict):
        yield "it has properties and typed additionalProperties, of which a model holds only the first: split it in two"
