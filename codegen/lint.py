"""What a contract needs beyond being read right: valid OpenAPI, whole pages, and words and examples for its readers.

`contract.py` says what would be misread and stops a generation; what is found here does not, so that a contract can be
tried while it is being written. `./generate.sh --lint` and scripts/check judge both.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from typing import Any

from document import METHODS, alternatives_of, joined, json_in, operations_of, resolve, schemas_of
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

# The types of JSON Schema.
TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
# The words of OpenAPI outside of schemas.
WORDS = {
    *METHODS,
    *("bearerFormat", "callbacks", "components", "contact", "content", "deprecated", "description", "email"),
    *("encoding", "example", "examples", "explode", "externalDocs", "headers", "in", "info", "license", "links"),
    *("name", "openapi", "operationId", "parameters", "paths", "requestBodies", "requestBody", "required"),
    *("responses", "schema", "schemas", "scheme", "security", "securitySchemes", "servers", "style", "summary"),
    *("tags", "title", "type", "url", "variables", "version", "webhooks"),
}
# What some keys of a schema hold.
SHAPES: dict[str, type | tuple[type, ...]] = {
    "properties": dict,
    "type": (str, list),
    **dict.fromkeys(("required", "enum", "allOf", "anyOf", "oneOf"), list),
}


def invalid_in(document: dict[str, Any]) -> list[str]:
    """Where the document is not valid OpenAPI 3.1, a sentence each."""
    return [
        f"{place}: {_sentence(error)}"
        for error in OpenAPIV31SpecValidator(document).iter_errors()
        for place in _places(document, error)
    ]


def misshapen_in(document: Any) -> list[str]:
    """Where the document is not shaped as OpenAPI 3.1 says, whatever its references lead to; a sentence each."""
    errors = OpenAPIV31SpecValidator(document).schema_validator.iter_errors(document)
    if problems := [
        f"{place}: {sentence}"
        for error in errors
        for place in _places(document, error)
        for sentence in (*_unknown_words(error),) or (f"not valid OpenAPI: {_sentence(error)}",)
    ]:
        return problems
    problems += [
        f"components.schemas.{name}: describe it as an object, or write {{}} for anything"
        for name, schema in ((document.get("components") or {}).get("schemas") or {}).items()
        if not isinstance(schema, dict)
    ]
    for place, schema in schemas_of(document):
        kept = {key: value for key, value in schema.items() if key in SHAPES}
        problems += [
            f"{place}: not valid OpenAPI: {key} is {value!r}"
            for key, value in kept.items()
            if not isinstance(value, SHAPES[key])
        ]
        kinds = kept.get("type", [])
        problems += [
            f"{place}: there is no type {kind!r}: {near(kind, TYPES)}"
            for kind in (kinds if isinstance(kinds, list) else [kinds])
            if isinstance(kind, str) and kind not in TYPES
        ]
        inside = [*(schema.get("properties") or {}).items(), ("items", schema.get("items", {}))]
        problems += [
            f"{place}: {name}: describe it as an object, or write {{}} for anything"
            for name, inner in inside
            if not isinstance(inner, dict)
        ]
    return problems


def near(word: str, known: Collection[str], otherwise: str = "") -> str:
    """The way out where a word is not known: the one that was probably meant, or all of them, or something else."""
    found = difflib.get_close_matches(word, known, 1)
    return f"write {found[0]}" if found else otherwise or f"write one of {', '.join(known)}"


def _unknown_words(error: Any) -> Iterator[str]:
    """The keys that OpenAPI does not know where they stand, if that is what an error is about."""
    if [*error.schema_path][-1:] == ["unevaluatedProperties"]:
        for name in re.findall("'([^']+)'", _sentence(error)):  # all that each of the validator's backends tells
            if [*error.absolute_path] == ["paths"]:
                yield f"a path begins with a slash: write /{name}"
            elif name in WORDS:
                yield f"nothing reads {name} here: move it to where it belongs"
            else:
                yield f"nothing reads {name}: {near(name, WORDS, 'leave it out')}"


def lacking_in(document: dict[str, Any]) -> list[str]:
    """What readers and users would miss, in the order of the document; empty where nothing is."""
    problems = []
    for place, operation, parameters in operations_of(document):
        problems += [f"{place}: {p}" for p in lacking_in_operation(document, operation)]
        for parameter in parameters:
            problems += [
                f"{place}, parameter {parameter.get('name')!r}: {p}" for p in lacking_in_parameter(document, parameter)
            ]
        if is_listing(operation, parameters):
            problems += [f"{place}: {p}" for p in lacking_in_listing(document, operation, parameters)]
    for place, schema in schemas_of(document):
        problems += [f"{place}: {p}" for p in lacking_in_schema(document, place, schema)]
    return problems


def lacking_in_operation(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """Words and examples of an operation as a whole."""
    for key in ("summary", "description"):
        if not operation.get(key):
            yield f"it has no {key}, which becomes the docstring of the generated function"
    bodies = [(f"response {status}", node) for status, node in operation.get("responses", {}).items()]
    if "requestBody" in operation:
        bodies.append(("its requestBody", operation["requestBody"]))
    for what, node in bodies:
        media = json_in(resolve(document, node))
        if not media:
            continue
        examples = [*_examples(media)]
        if not examples:
            yield f"{what} has no example: add one, as the API sends it"
        for example in examples:
            yield from (
                f"the example of {what} is not what its schema says: {p}"
                for p in wrong_in(document, media.get("schema", {}), example)
            )


def lacking_in_parameter(document: dict[str, Any], parameter: dict[str, Any]) -> Iterator[str]:
    """Words and examples of a parameter."""
    if not parameter.get("description"):
        yield "it has no description, which becomes the docstring of the generated function"
    examples = [*_examples(parameter)]
    if not examples:
        yield "it has no example: add one"
    for example in examples:
        for problem in wrong_in(document, parameter.get("schema", {}), example):
            yield f"its example is not what its schema says: {problem}"


def lacking_in_schema(document: dict[str, Any], place: str, schema: dict[str, Any]) -> Iterator[str]:
    """Words of a schema and its properties; its example."""
    if place.startswith("components.schemas.") and place.count(".") == 2 and not schema.get("description"):
        yield "it has no description, which becomes the docstring of the generated model"
    for name, prop in (schema.get("properties") or {}).items():
        if isinstance(prop, dict) and not prop.get("description") and "$ref" not in prop:
            yield f"property {name!r} has no description, which editors show beside the attribute"
    for example in _examples(schema):
        for problem in wrong_in(document, schema, example):
            yield f"its example is not what it says itself: {problem}"


def is_listing(operation: dict[str, Any], parameters: list[dict[str, Any]]) -> bool:
    """Whether an operation lists, by its name or by the cursor it takes."""
    return str(operation.get("operationId", "")).startswith("list_") or any(
        parameter.get("name") == "cursor" for parameter in parameters
    )


def lacking_in_listing(
    document: dict[str, Any], operation: dict[str, Any], parameters: list[dict[str, Any]]
) -> Iterator[str]:
    """What the cursor loop needs: `cursor` and `per_page`, and the page that it reads."""
    for name in ("cursor", "per_page"):
        if not any(parameter.get("name") == name for parameter in parameters):
            yield f"it lists, and has no parameter `{name}`, without which the cursor loop cannot page"
    if "200" not in operation.get("responses", {}):
        yield "it lists, and has no response 200, which is where the cursor loop looks for a page"
        return
    schema = json_in(resolve(document, operation["responses"]["200"])).get("schema", {})
    with_fields = any(parameter.get("name") == "fields" for parameter in parameters)
    yield from lacking_in_page(document, schema, with_fields=with_fields)


def lacking_in_page(document: dict[str, Any], schema: dict[str, Any], *, with_fields: bool) -> Iterator[str]:
    """What a page must hold: required `data` of objects, and a `pagination.cursor` that ends with null."""
    page = joined(document, schema)
    properties = page.get("properties", {})
    data, pagination = (without_null(document, properties.get(name, {})) for name in ("data", "pagination"))
    if "$ref" not in schema:
        yield "its page is not a reference to a schema of components, so the model would get a name that nobody chose"
    if data.get("type") != "array" or "data" not in page.get("required", []):
        yield "its page has no required array `data`, which holds the records"
    elif (record := joined(document, data.get("items", {}))).get("type") != "object":
        yield "the items of its `data` are not objects"
    elif record.get("required") and with_fields:
        yield "the items of its `data` have required properties, and `fields` leaves properties out: require none"
    if "cursor" not in pagination.get("properties", {}):
        yield "its page has no `pagination` with a `cursor`, which the next page is asked for with"
    elif "pagination" in page.get("required", []):
        yield "its `pagination` is required, and the last page comes without"
    elif not is_nullable(document, properties["pagination"]) or not is_nullable(
        document, pagination["properties"]["cursor"]
    ):
        yield "its `pagination` and `pagination.cursor` must allow null, which stands on the last page"


def without_null(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a nullable schema is when it is not null, its reference followed."""
    for key in ("oneOf", "anyOf"):
        parts = [part for part in schema.get(key, []) if part.get("type") != "null"]
        if len(parts) == 1:
            schema = parts[0]
    schema = joined(document, schema)
    types = schema.get("type")
    if isinstance(types, list) and len(kinds := [kind for kind in types if kind != "null"]) == 1:
        return {**schema, "type": kinds[0]}
    return schema


def is_nullable(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether a schema allows null."""
    return not [*_mismatches(document, schema, None)]


def is_of_type(schema: dict[str, Any], value: Any) -> bool:
    """Whether a value is of one of the types that a schema names."""
    return not [*_mismatches({}, {"type": schema["type"]}, value)]


def _examples(node: dict[str, Any]) -> Iterator[Any]:
    if "example" in node:
        yield node["example"]
    examples = node.get("examples", [])
    yield from (
        (example.get("value") for example in examples.values()) if isinstance(examples, dict) else iter(examples)
    )


def wrong_in(document: dict[str, Any], schema: dict[str, Any], value: Any) -> Iterator[str]:
    """What a value holds that its schema does not allow, or does not describe."""
    yield from _mismatches(document, schema, value)
    yield from _not_described(document, schema, value, ())


def _not_described(
    document: dict[str, Any], schema: dict[str, Any], value: Any, path: tuple[Any, ...]
) -> Iterator[str]:
    parts = [*alternatives_of(document, schema)]
    items: dict[str, Any] = next((part["items"] for part in parts if "items" in part), {})
    known = {name: inner for part in parts for name, inner in part.get("properties", {}).items()}
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _not_described(document, items, each, (*path, index))
    if isinstance(value, dict) and known:
        is_open = any(part.get("additionalProperties") for part in parts)
        for name, each in value.items():
            if name in known:
                yield from _not_described(document, known[name], each, (*path, name))
            elif not is_open:
                way_out = near(name, known, "describe it, or leave it out")
                yield f"{_place((*path, name))}: there is no such property: {way_out}"


def _mismatches(document: dict[str, Any], schema: dict[str, Any], value: Any) -> Iterator[str]:
    # the components are where its references point
    whole = {**schema, "components": document.get("components", {})}
    validator = OAS31Validator(whole, format_checker=OAS31Validator.FORMAT_CHECKER)
    for error in validator.iter_errors(value):
        place = _place(error.absolute_path)
        yield f"{place}: {_sentence(error)}" if place else _sentence(error)


def _places(document: dict[str, Any], error: Any) -> list[str]:
    """Where an error is; the validator counts from the schema where it is inside one, whichever that is."""
    path = [*error.absolute_path]
    inside = [
        f"{place}.{_place(path)}"
        for place, schema in schemas_of(document)
        if path and path[0] not in document and _at(schema, path) == error.instance
    ]
    return inside or [_place(path) or "the document"]


def _at(node: Any, path: list[Any]) -> Any:
    """What a path leads to; None where it leads nowhere."""
    for key in path:
        try:
            node = node[key]
        except (KeyError, IndexError, TypeError):
            return None
    return node


def _place(path: Any) -> str:
    return ".".join(map(str, path))


def _sentence(error: Exception) -> str:
    """The first line of a validator's message, without what follows."""
    text: str = getattr(error, "message", str(error)).partition("\n")[0]
    return text if len(text) <= 300 else f"{text[:300]} …"
