"""What a contract needs beyond being read right: valid OpenAPI, whole pages, and words and examples for its readers.

`contract.py` says what would be misread and stops a generation; what is found here does not, so that a contract can be
tried while it is being written. `./generate.sh --lint` and scripts/check judge both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from document import joined, json_in, operations_of, resolve, schemas_of
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

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
        f"{place}: not valid OpenAPI: {_sentence(error)}" for error in errors for place in _places(document, error)
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
        inside = [*(schema.get("properties") or {}).items(), ("items", schema.get("items", {}))]
        problems += [
            f"{place}: {name}: describe it as an object, or write {{}} for anything"
            for name, inner in inside
            if not isinstance(inner, dict)
        ]
    return problems


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
                for p in _mismatches(document, media.get("schema", {}), example)
            )


def lacking_in_parameter(document: dict[str, Any], parameter: dict[str, Any]) -> Iterator[str]:
    """Words and examples of a parameter."""
    if not parameter.get("description"):
        yield "it has no description, which becomes the docstring of the generated function"
    examples = [*_examples(parameter)]
    if not examples:
        yield "it has no example: add one"
    for example in examples:
        for problem in _mismatches(document, parameter.get("schema", {}), example):
            yield f"its example is not what its schema says: {problem}"


def lacking_in_schema(document: dict[str, Any], place: str, schema: dict[str, Any]) -> Iterator[str]:
    """Words of a schema and its properties; its example and default."""
    if place.startswith("components.schemas.") and place.count(".") == 2 and not schema.get("description"):
        yield "it has no description, which becomes the docstring of the generated model"
    for name, prop in (schema.get("properties") or {}).items():
        if isinstance(prop, dict) and not prop.get("description") and "$ref" not in prop:
            yield f"property {name!r} has no description, which editors show beside the attribute"
    stated = [("example", example) for example in _examples(schema)]
    stated += [("default", schema["default"])] if "default" in schema else []
    for what, value in stated:
        for problem in _mismatches(document, {k: v for k, v in schema.items() if k != "default"}, value):
            yield f"its {what} is not what it says itself: {problem}"


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


def _mismatches(document: dict[str, Any], schema: dict[str, Any], value: Any) -> Iterator[str]:
    # the components are where its references point
    whole = {**schema, "components": document.get("components", {})}
    validator = OAS31Validator(whole, format_checker=OAS31Validator.FORMAT_CHECKER)
    for error in validator.iter_errors(value):
        yield f"{_place(error.absolute_path) or 'it'}: {_sentence(error)}"


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
