"""Where a document and a contract differ: paths, kinds and counts, and never a value. No I/O.

Paths are those of errors, with the places of lists and of free names left out: `$.data[].gender`, `$.data[].notes{}`.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import msgspec


@attrs.frozen(order=True)
class Difference:
    """One difference.

    Attributes:
        path: Where.
        what: What is different, in words.
        count: How often.
        of: Of how many that could have been different.
    """

    path: str
    what: str
    count: int
    of: int


def differences(document: Any, schema: Mapping[str, Any], contract: Mapping[str, Any]) -> list[Difference]:
    """Every difference between a document of JSON and its schema, by path.

    Args:
        document: What came.
        schema: What it should be, from the contract.
        contract: What the schema's references point into.
    """
    comparison = _Comparison(contract)
    comparison.look(document, schema, "$")
    return comparison.result()


class _Comparison:
    def __init__(self, contract: Mapping[str, Any]) -> None:
        self._contract = contract
        self._seen: Counter[str] = Counter()
        self._found: Counter[tuple[str, str]] = Counter()
        self._optional: Counter[str] = Counter()  # fields that may be missing, of objects that stand in lists

    def result(self) -> list[Difference]:
        found = [
            Difference(path, what, count, self._seen[path if " instead of " in what else _holder(path)])
            for (path, what), count in self._found.items()
        ]
        # One that is missing may be missing; one that is missing everywhere is perhaps no longer sent.
        found += [
            Difference(path, "never came", count, count)
            for path, count in self._optional.items()
            if not self._seen[path]
        ]
        return sorted(found)

    def look(self, value: Any, schema: Mapping[str, Any], path: str) -> None:
        """Compare a value, and all that is inside it."""
        self._seen[path] += 1
        alternatives = self._alternatives(schema)
        fitting = [one for one in alternatives if _fits(value, one)]
        if not fitting:
            expected = " or ".join(dict.fromkeys(_called(one) for one in alternatives))
            self._found[path, f"{_kind(value)} instead of {expected}"] += 1
            return
        if isinstance(value, dict):
            self._look_into_object(value, fitting[0], path)
        elif isinstance(value, list):
            for item in value:
                self.look(item, fitting[0].get("items", {}), f"{path}[]")

    def _look_into_object(self, value: dict[str, Any], schema: Mapping[str, Any], path: str) -> None:
        properties, rest = schema.get("properties"), schema.get("additionalProperties", properties_are_all(schema))
        for name, inner in value.items():
            if properties and name in properties:
                self.look(inner, properties[name], f"{path}.{name}")
            elif isinstance(rest, Mapping):
                self.look(inner, rest, f"{path}{{}}")  # the name may be a value itself
            elif rest is False:
                self._found[f"{path}.{name}", f"unknown, {_kind(inner)}"] += 1
        for name in (properties or {}).keys() - value.keys():
            if name in schema.get("required", ()):
                self._found[f"{path}.{name}", "missing"] += 1
            elif "[]" in path and not (properties or {})[name].get("x-on-request"):
                self._optional[f"{path}.{name}"] += 1

    def _alternatives(self, schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The schema, or what its oneOf and anyOf allow, without references."""
        if "$ref" in schema:
            target: Any = self._contract
            for key in schema["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            return self._alternatives(target)
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return [one for part in schema[key] for one in self._alternatives(part)]
        if "allOf" in schema:
            parts = [one for part in schema["allOf"] for one in self._alternatives(part)]
            return [
                {
                    "type": "object",
                    "properties": {name: inner for part in parts for name, inner in part.get("properties", {}).items()},
                    "required": [name for part in parts for name in part.get("required", ())],
                }
            ]
        return [schema]


def properties_are_all(schema: Mapping[str, Any]) -> bool:
    """What stands for additionalProperties where nothing is said: an object that describes fields has no others."""
    return not schema.get("properties")


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    types = _types(schema)
    if types and _kind(value) not in types and not (_kind(value) == "integer" and "number" in types):
        return bool(schema.get("x-accept-number")) and _kind(value) == "integer"
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    check = _FORMATS.get(schema.get("format", ""))
    return check is None or not isinstance(value, str) or check(value)


def _types(schema: Mapping[str, Any]) -> list[str]:
    given = schema.get("type", [])
    return [given] if isinstance(given, str) else given


def _called(schema: Mapping[str, Any]) -> str:
    """A schema in a word or two."""
    if "const" in schema or "enum" in schema:
        return "one of the values that the contract knows"
    types = _types(schema)
    text = " or ".join(types)
    return f"{text} ({schema['format']})" if "string" in types and "format" in schema else text


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _holder(path: str) -> str:
    """The path of what holds the thing at `path`."""
    return re.sub(r"(\.[^.]*|\[\]|\{\})$", "", path)


def _readable(type_: Any, pattern: str) -> Callable[[str], bool]:
    """Whether a text can be read as msgspec reads it, and has the form that RFC 3339 wants."""

    def check(text: str) -> bool:
        try:
            msgspec.convert(text, type_)
        except msgspec.ValidationError:
            return False
        return re.fullmatch(pattern, text) is not None

    return check


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _readable(datetime.datetime, r".*(Z|z|[+-]\d\d:?\d\d)"),
    "date": _readable(datetime.date, r".*"),
    "uuid": _readable(uuid.UUID, r".*"),
}
