"""The contract as the generator is given it: the same meaning, in words that it and our templates read right."""

from __future__ import annotations

import copy
import keyword
from collections.abc import Iterator
from typing import Any

from document import (
    bounds_of,
    how_read,
    operations_of,
    resolve,
    schemas_below,
    schemas_of,
    used_schemas,
    without_all_of,
)
from openapi_python_client.strings import PythonIdentifier


def prepare(document: dict[str, Any]) -> dict[str, Any]:
    """The document to generate from; the one that is given stays as it is."""
    document = without_all_of(document)
    refer_at_once(document)
    put_plain_in_place(document)
    say_deprecated(document)
    say_on_request(document)
    describe_parameters(document)
    name_files(document)
    mark_sent(document)
    return document


def facts_of(document: dict[str, Any]) -> dict[str, Any]:
    """What the generator keeps from our templates, by the name of each operation.

    The content types to ask for where one is not JSON, what to say of what is deprecated, the bounds of parameters, and
    what these are called in Python.
    """
    document = copy.deepcopy(document)
    put_plain_in_place(document)
    facts = {}
    for place, operation, parameters in operations_of(document):
        name = str(PythonIdentifier(operation["operationId"], "field_"))
        called = f"{place} ({name}) is deprecated"
        deprecated = {each["name"]: f"{each['name']} of {called}" for each in parameters if each.get("deprecated")}
        kinds: dict[str, str] = {}
        for response in operation.get("responses", {}).values():
            kinds |= _kinds(document, response)
        facts[name] = {
            "accept": ", ".join(kinds) if {*kinds.values()} - {"json"} else "",
            "deprecated": {"": called, **deprecated} if operation.get("deprecated") else deprecated,
            "bounds": {each["name"]: bounds_of(each.get("schema", {})) for each in parameters},
            "arguments": {each["name"]: _argument(each["name"]) for each in parameters},
        }
    return facts


def _argument(name: str) -> str:
    """What a parameter is called in Python; the generator would rename `type` and `list` as well, which may stay."""
    called = str(PythonIdentifier(name, "field_"))
    return name if called == f"{name}_" and not keyword.iskeyword(name) else called


def refer_at_once(document: dict[str, Any]) -> None:
    """Refer without `allOf` where it holds one reference and no more: the generator would read a text as an object."""
    for _, schema in schemas_of(document):
        if "allOf" in schema:  # what joins several is one object by now
            [part] = schema.pop("allOf")
            schema.update({**part, **schema})


def put_plain_in_place(document: dict[str, Any]) -> None:
    """Put what has no class of its own where it is referred to: bounds are read only there."""
    while plain := [schema for _, schema in schemas_of(document) if "$ref" in schema and _is_plain(document, schema)]:
        for schema in plain:
            schema.update({**copy.deepcopy(resolve(document, schema)), **schema})
            del schema["$ref"]


def _is_plain(document: dict[str, Any], reference: dict[str, Any], seen: tuple[str, ...] = ()) -> bool:
    if reference["$ref"] in seen:
        return False
    seen = (*seen, reference["$ref"])

    def is_plain(schema: dict[str, Any]) -> bool:
        if "$ref" in schema:
            target = resolve(document, schema)
            return schema["$ref"] not in seen and (_has_class(target) or _is_plain(document, schema, seen))
        inside = [*schema.get("oneOf", []), *schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]
        return not _has_class(schema) and all(map(is_plain, inside))

    return is_plain(resolve(document, reference))


def _has_class(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", [])
    return bool({"enum", "properties", "additionalProperties", "allOf"} & schema.keys()) or "object" in kinds


def say_deprecated(document: dict[str, Any]) -> None:
    """Let the description say what is deprecated: docstrings are made of it."""
    nodes = [node for _, operation, parameters in operations_of(document) for node in (operation, *parameters)]
    for node in (*nodes, *(schema for _, schema in schemas_of(document))):
        if node.get("deprecated") and not str(node.get("description")).startswith("Deprecated."):
            node["description"] = f"Deprecated. {node.get('description', '')}".strip()


def say_on_request(document: dict[str, Any]) -> None:
    """Let the description say what is sent only when it is asked for."""
    for _, schema in schemas_of(document):
        if schema.get("x-on-request"):
            schema["description"] = f"{schema.get('description', '')} Sent only when asked for with `fields`.".strip()


def describe_parameters(document: dict[str, Any]) -> None:
    """Put each parameter's description in its schema too: the generator reads it only there."""
    shared = document.get("components", {}).get("parameters", {}).values()
    for parameter in [*shared, *(p for _, _, parameters in operations_of(document) for p in parameters)]:
        if "schema" in parameter and "description" in parameter:
            several = " Several are separated by commas." if parameter.get("x-comma-separated") else ""
            parameter["schema"].setdefault("description", parameter["description"] + several)


def name_files(document: dict[str, Any]) -> None:
    """Call every answer that nothing parses by the one content type whose bytes the generator leaves alone."""
    for _, operation, _ in operations_of(document):
        for response in operation.get("responses", {}).values():
            for kind, read in _kinds(document, response).items():
                if read == "bytes":
                    content = resolve(document, response)["content"]
                    content["application/octet-stream"] = content.pop(kind)


def _kinds(document: dict[str, Any], response: dict[str, Any]) -> dict[str, str]:
    """The content types of an answer, and how each is read."""
    content = resolve(document, response).get("content", {})
    return {kind: how_read(kind, resolve(document, media.get("schema", {}))) for kind, media in content.items()}


def mark_sent(document: dict[str, Any]) -> None:
    """Mark every object that requests hold with `x-sent`, as its model tells null from left out, and its bounds.

    A property that only answers hold is required of no body, and the reverse.
    """
    sent = used_schemas(document, sent=True)
    for name in sent | used_schemas(document, sent=False):
        not_held = "readOnly" if name in sent else "writeOnly"
        for schema in _below(document, name):
            if name in sent:
                schema |= {"x-sent": True, "x-bounds": bounds_of(schema)}
            elsewhere = {key for key, prop in schema.get("properties", {}).items() if prop.get(not_held)}
            if elsewhere & set(schema.get("required", [])):
                schema["required"] = [key for key in schema["required"] if key not in elsewhere]


def _below(document: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    return (schema for _, schema in schemas_below(document["components"]["schemas"][name], name))
