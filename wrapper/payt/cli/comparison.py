"""Where a document and a contract differ: paths, kinds and counts, and never a value. No I/O.

Paths are those of errors, with the places of lists and of free names left out: `$.data[].gender`, `$.data[].notes{}`.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections import Counter
from collections.abc import Mapping
from types import NoneType
from typing import Annotated, Any

import attrs
import msgspec

from payt.contract import properties_of, resolved


@attrs.frozen(order=True)
class Difference:
    """One difference.

    Attributes:
        path: Where.
        difference: What is different, in words.
        count: How often.
        of: Of how many that could have been different.
    """

    path: str
    difference: str
    count: int
    of: int


def differences(document: Any, schema: Mapping[str, Any]) -> list[Difference]:
    """Every difference between a document of JSON and its schema in the contract, by path."""
    comparison = _Comparison()
    comparison.look(document, schema, "$")
    return comparison.result()


class _Comparison:
    def __init__(self) -> None:
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
        alternatives = _alternatives(schema)
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
        properties = schema.get("properties", {})
        rest = schema.get("additionalProperties", not properties)  # an object that describes fields has no others
        for name, inner in value.items():
            if name in properties:
                self.look(inner, properties[name], f"{path}.{name}")
            elif isinstance(rest, Mapping):
                self.look(inner, rest, f"{path}{{}}")  # the name may be a value itself
            elif rest is False:
                self._found[f"{path}.{name}", f"unknown, {_kind(inner)}"] += 1
        for name in properties.keys() - value.keys():
            if name in schema.get("required", ()):
                self._found[f"{path}.{name}", "missing"] += 1
            elif "[]" in path and not properties[name].get("x-on-request"):
                self._optional[f"{path}.{name}"] += 1


def _alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schema, or what its oneOf and anyOf allow, without references."""
    schema = resolved(schema)
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return [one for part in schema[key] for one in _alternatives(part)]
    if "allOf" in schema:
        parts = [one for part in schema["allOf"] for one in _alternatives(part)]
        required = [name for part in parts for name in part.get("required", ())]
        return [{"type": "object", "properties": properties_of({"allOf": parts}), "required": required}]
    return [schema]


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    types = _types(schema)
    if types and _kind(value) not in types and not (_kind(value) == "integer" and "number" in types):
        return bool(schema.get("x-accept-number")) and _kind(value) == "integer"
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    format_ = _FORMATS.get(schema.get("format", ""))
    if format_ is None or not isinstance(value, str):
        return True
    try:
        msgspec.convert(value, format_)
    except msgspec.ValidationError:
        return False
    return True


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
    return _KINDS[type(value)]


def _holder(path: str) -> str:
    """The path of what holds the thing at `path`."""
    return re.sub(r"(\.[^.]*|\[\]|\{\})$", "", path)


_KINDS: dict[type, str] = {
    NoneType: "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_FORMATS: dict[str, Any] = {
    "date-time": Annotated[datetime.datetime, msgspec.Meta(tz=True)],
    "date": datetime.date,
    "uuid": uuid.UUID,
}
"""Texts of these formats must be readable as what the models hold."""
