"""A contract as a document: its operations and schemas, and what they refer to."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# What msgspec calls the bounds of a value.
NAMES_OF_BOUNDS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "pattern": "pattern",
    **{f"min{what}": "min_length" for what in ("Length", "Items", "Properties")},
    **{f"max{what}": "max_length" for what in ("Length", "Items", "Properties")},
}


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
    for name, schema in ((document.get("components") or {}).get("schemas") or {}).items():
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


def alternatives_of(
    document: dict[str, Any], schema: dict[str, Any], seen: tuple[int, ...] = ()
) -> Iterator[dict[str, Any]]:
    """The schema itself and all that anyOf, oneOf and allOf join to it."""
    schema = resolve(document, schema)
    if id(schema) in seen:
        return
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(key, []):
            yield from alternatives_of(document, part, (*seen, id(schema)))


def types_of(schema: dict[str, Any]) -> list[str]:
    """The types that a schema names."""
    given = schema.get("type", [])
    return [given] if isinstance(given, str) else given


def is_join(schema: dict[str, Any]) -> bool:
    """Whether allOf makes one object of several."""
    parts = schema.get("allOf", [])
    return len(parts) > 1 or (
        bool(parts) and ("properties" in schema or "required" in schema or "$ref" not in parts[0])
    )


def joined(document: dict[str, Any], schema: dict[str, Any], seen: tuple[int, ...] = ()) -> dict[str, Any]:
    """A schema and all that allOf joins to it, as one object."""
    schema = resolve(document, schema)
    if "allOf" not in schema:
        return schema
    parts = [resolve(document, part) for part in schema["allOf"]]
    parts = [joined(document, part, (*seen, id(part))) for part in parts if id(part) not in seen]
    own = {key: value for key, value in schema.items() if key != "allOf"}
    properties: dict[str, Any] = {}
    for part in (*parts, own):
        properties |= part.get("properties", {})
    required = [name for part in (*parts, own) for name in part.get("required", [])]
    return {**own, "type": "object", "properties": properties, "required": [*dict.fromkeys(required)]}


def without_all_of(document: dict[str, Any]) -> dict[str, Any]:
    """The document with one object in place of each allOf that joins several: the generator would lose parts."""
    document = copy.deepcopy(document)
    joins = [(schema, joined(document, schema)) for _, schema in schemas_of(document) if is_join(schema)]
    for schema, whole in joins:
        schema.clear()
        schema.update(whole)
    return document


def bounds_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The bounds of a value by the names that msgspec has for them."""
    if {"enum", "const"} & set(schema):
        return {}  # the values themselves say more
    bounds = {name: schema[key] for key, name in NAMES_OF_BOUNDS.items() if key in schema}
    for closed, open_, sign in (("ge", "gt", 1), ("le", "lt", -1)):
        if {closed, open_} <= bounds.keys():  # msgspec takes one of them: the one that allows less
            del bounds[closed if (bounds[open_] - bounds[closed]) * sign >= 0 else open_]
    return bounds


def how_read(content_type: str, schema: dict[str, Any]) -> str:
    """What becomes of an answer of a content type: "json", "text" or "bytes"."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return "json"
    is_text = kind.startswith("text/") and "*" not in kind and schema.get("format") != "binary"
    return "text" if is_text else "bytes"


def json_in(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer or a body says of its JSON; nothing where it has none."""
    content = answer.get("content", {})
    return next((media for kind, media in content.items() if how_read(kind, {}) == "json"), {})
