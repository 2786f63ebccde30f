"""What changed between two contracts, in their own words, and whether users' code breaks.

Two rules decide. What is sent may become freer and never stricter: an optional parameter more is no harm, a required
one is. What is received may become surer and never looser: a field that may be null now was never null before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from contract import METHODS, resolve, used_schemas

DESCRIBES = ("description", "summary", "example", "examples", "title", "externalDocs", "deprecated")
"""Keys that change no code but its docstrings."""


@attrs.frozen
class Change:
    """One change.

    Attributes:
        subject: The operation or the model, as the contract calls it.
        what: What happened to it.
        kind: "added", "removed" or "changed".
        breaks: Why users' code breaks; empty where it does not.
    """

    subject: str
    what: str
    kind: str = "changed"
    breaks: str = ""

    def __str__(self) -> str:
        line = f"{self.kind:8} {self.subject}" + (f": {self.what}" if self.what else "")
        return f"BREAKING {line} ({self.breaks})" if self.breaks else f"         {line}"


def changes_between(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Every change from `old` to `new`: operations first, then models."""
    return [*_of_operations(old, new), *_of_models(old, new)]


def _of_operations(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    before, after = _operations(old), _operations(new)
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Change(name, "", "removed", "its function is gone")
        elif name not in before:
            yield Change(name, "", "added")
        else:
            yield from _of_operation(name, (old, before[name]), (new, after[name]))


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": {**item[method], "parameters": _parameters(document, item, item[method])}
        for path, item in document.get("paths", {}).items()
        for method in METHODS
        if method in item
    }


def _parameters(document: dict[str, Any], *holders: dict[str, Any]) -> dict[str, dict[str, Any]]:
    given = [resolve(document, parameter) for holder in holders for parameter in holder.get("parameters", [])]
    return {f"{parameter['in']} parameter `{parameter['name']}`": parameter for parameter in given}


def _of_operation(
    name: str, before: tuple[dict[str, Any], dict[str, Any]], after: tuple[dict[str, Any], dict[str, Any]]
) -> Iterator[Change]:
    old_document, old = before
    new_document, new = after
    for key, meaning in (("operationId", "module"), ("tags", "folder")):
        if old.get(key) != new.get(key):
            yield Change(name, f"{key} {old.get(key)} -> {new.get(key)}", breaks=f"its generated {meaning} has moved")
    for parameter in old["parameters"] | new["parameters"]:
        was, now = old["parameters"].get(parameter), new["parameters"].get(parameter)
        if now is None:
            yield Change(name, f"{parameter} removed", breaks="calls that pass it fail")
        elif was is None:
            required = "calls that do not pass it fail" if now.get("required") else ""
            yield Change(name, f"{'required ' if required else ''}{parameter} added", breaks=required)
        else:
            for what, breaks in _of_parameter((old_document, was), (new_document, now)):
                yield Change(name, f"{parameter} {what}", breaks=breaks)
    yield from _of_body(name, (old_document, old), (new_document, new))
    results, known = (
        {str(status): _answer(document, node) for status, node in operation.get("responses", {}).items()}
        for document, operation in (before, after)
    )
    for status in results | known:
        if results.get(status) != known.get(status):
            was, now = (bodies.get(status, "nothing") for bodies in (results, known))
            breaks = "it is parsed as something else" if status in results else ""
            yield Change(name, f"response {status} holds {now}, was {was}", breaks=breaks)
    if _described(old) != _described(new):
        yield Change(name, "its words or examples")


def _of_parameter(
    before: tuple[dict[str, Any], dict[str, Any]], after: tuple[dict[str, Any], dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    was, now = before[1], after[1]
    if bool(was.get("required")) != bool(now.get("required")):
        yield ("is required now", "calls that do not pass it fail") if now.get("required") else ("is optional now", "")
    yield from _of_value(resolve(before[0], was.get("schema", {})), resolve(after[0], now.get("schema", {})), sent=True)
    if [was.get(key) for key in DESCRIBES] != [now.get(key) for key in DESCRIBES]:
        yield "is described differently", ""


def _of_body(
    name: str, before: tuple[dict[str, Any], dict[str, Any]], after: tuple[dict[str, Any], dict[str, Any]]
) -> Iterator[Change]:
    was, now = (resolve(document, operation.get("requestBody", {})) for document, operation in (before, after))
    if not was and not now:
        return
    if not now:
        yield Change(name, "body removed", breaks="calls that pass it fail")
    elif not was:
        yield Change(name, "body added", breaks="calls that do not pass it fail" if now.get("required") else "")
    else:
        if _answer(before[0], was) != _answer(after[0], now):
            yield Change(
                name,
                f"body is {_answer(after[0], now)}, was {_answer(before[0], was)}",
                breaks="calls that pass it fail",
            )
        if bool(was.get("required")) != bool(now.get("required")):
            breaks = "calls that do not pass it fail" if now.get("required") else ""
            yield Change(name, f"body is {'required' if breaks else 'optional'} now", breaks=breaks)


def _answer(document: dict[str, Any], node: dict[str, Any]) -> str:
    content = resolve(document, node).get("content", {})
    return ", ".join(_type(media.get("schema", {})) for media in content.values()) or "nothing"


def _of_models(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    before, after = (document.get("components", {}).get("schemas", {}) for document in (old, new))
    sent, received = used_schemas(new, sent=True), used_schemas(new, sent=False)
    for name in before | after:
        if name not in after:
            yield Change(name, "", "removed", "the model is gone")
        elif name not in before:
            yield Change(name, "", "added")
        else:
            # A model that nothing refers to is judged as one that is received: code may use it all the same.
            for what, breaks in _of_model(
                before[name], after[name], sent=name in sent, received=name in received or name not in sent
            ):
                yield Change(name, what, breaks=breaks)


def _of_model(was: dict[str, Any], now: dict[str, Any], *, sent: bool, received: bool) -> Iterator[tuple[str, str]]:
    old, new = was.get("properties", {}), now.get("properties", {})
    for name in old | new:
        required = [name in schema.get("required", []) for schema in (was, now)]
        if name not in new:
            yield f"field `{name}` removed", "code that reads or sets it fails"
        elif name not in old:
            breaks = "code that makes one without it fails" if sent and required[1] else ""
            yield f"{'required ' if required[1] else ''}field `{name}` added", breaks
        else:
            if required == [True, False]:
                yield f"field `{name}` is optional now", "it may be None, and was not before" if received else ""
            elif required == [False, True]:
                yield f"field `{name}` is required now", "code that makes one without it fails" if sent else ""
            for what, breaks in _of_property(
                old[name], new[name], sent=sent, received=received, optional=not required[0]
            ):
                yield f"field `{name}` {what}", breaks
    if not old and not new:
        yield from _of_property(was, now, sent=sent, received=received, optional=False)
    elif {**was, "properties": 0, "required": 0} != {**now, "properties": 0, "required": 0}:
        yield "its words or rules", ""


def _of_property(
    was: dict[str, Any], now: dict[str, Any], *, sent: bool, received: bool, optional: bool
) -> Iterator[tuple[str, str]]:
    found: dict[str, str] = {}
    for counts, direction in ((sent, True), (received, False)):
        if counts:
            for what, breaks in _of_value(was, now, sent=direction, optional=optional):
                found[what] = found.get(what) or breaks
    yield from found.items()


def _of_value(
    was: dict[str, Any], now: dict[str, Any], *, sent: bool, optional: bool = False
) -> Iterator[tuple[str, str]]:
    """How one value changed; `optional` says that it could be None already."""
    if _type(was) != _type(now):
        yield f"is {_type(now)}, was {_type(was)}", "it is of another type"
    if _nullable(was) != _nullable(now):
        if _nullable(now):
            yield "may be null now", "" if sent or optional else "it may be None, and was not before"
        else:
            yield "is never null now", "null is refused" if sent else ""
    yield from _of_range(was, now, sent=sent)
    if was.get("default") != now.get("default"):
        yield f"is {now.get('default')!r} by default, was {was.get('default')!r}", ""
    if bool(was.get("x-accept-number")) != bool(now.get("x-accept-number")):
        yield f"{'may' if now.get('x-accept-number') else 'may not'} come as a number now", ""
    if _described(was) != _described(now):
        yield "is described differently", ""


def _of_range(was: dict[str, Any], now: dict[str, Any], *, sent: bool) -> Iterator[tuple[str, str]]:
    """How the allowed values changed."""
    old, new = was.get("enum"), now.get("enum")
    if old != new:
        gone = [value for value in old or [] if value not in (new or [])] if new is not None else []
        what = f"knows the values {new}, was {old}"
        yield what, "a value is gone" if gone else "only some values are allowed" if old is None and sent else ""
    for key, stricter in (("minimum", 1), ("minLength", 1), ("maximum", -1), ("maxLength", -1)):
        if was.get(key) != now.get(key):
            narrower = now.get(key) is not None and (was.get(key) is None or (now[key] - was[key]) * stricter > 0)
            yield f"has {key} {now.get(key)}, was {was.get(key)}", "its range is narrower" if narrower and sent else ""
    for key in ("pattern", "multipleOf", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems"):
        if was.get(key) != now.get(key):
            stricter_now = sent and now.get(key) is not None
            yield f"has {key} {now.get(key)}, was {was.get(key)}", "it is stricter" if stricter_now else ""


def _type(schema: dict[str, Any]) -> str:
    """A schema's type as a reader would say it, without null."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            joined = " and " if key == "allOf" else " or "
            return joined.join(sorted({_type(part) for part in schema[key] if part.get("type") != "null"}))
    if "const" in schema:
        return f"always {schema['const']!r}"
    given = schema.get("type", "anything")
    types = [kind for kind in ([given] if isinstance(given, str) else given) if kind != "null"]
    text = " or ".join(sorted(types)) or "null"
    if text == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if text == "object" and isinstance(schema.get("properties"), dict):
        inner = ", ".join(f"{name}: {_type(prop)}" for name, prop in schema["properties"].items())
        return f"object of {inner}"
    if text == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of any names to {_type(schema['additionalProperties'])}"
    return f"{text} ({schema['format']})" if "format" in schema else text


def _nullable(schema: dict[str, Any]) -> bool:
    given = schema.get("type", ())
    types = [given] if isinstance(given, str) else given
    return "null" in types or any(_nullable(part) for key in ("oneOf", "anyOf") for part in schema.get(key, []))


def _described(schema: dict[str, Any]) -> list[Any]:
    return [schema.get(key) for key in DESCRIBES]
