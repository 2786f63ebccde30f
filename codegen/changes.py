"""What changed between two contracts, in their own words, and whether users' code breaks.

Two rules decide. What is sent may become freer and never stricter: another optional parameter does no harm, a required
one is. What is received may become surer and never looser: a field that may be null now was never null before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from document import METHODS, operations_of, references_in, resolve, used_schemas, without_all_of
from lists import lists_of

DESCRIBES = ("description", "summary", "example", "examples", "title", "externalDocs")
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
    """Every change from `old` to `new`: operations and methods first, then models, then what stands around them."""
    found = [*_of_operations(old, new), *_of_methods(old, new)]
    found += _of_models(without_all_of(old), without_all_of(new))
    if old != new:
        around = [
            {key: value for key, value in document.items() if key != "paths"}
            | {"components": {**document.get("components", {}), "schemas": {}, "parameters": {}, "responses": {}}}
            | {"tags": _tags(document, beside=other)}
            for document, other in ((old, new), (new, old))
        ]
        differing = [key for key in around[0] | around[1] if around[0].get(key) != around[1].get(key)]
        found += [Change("the contract", f"its {key} differ") for key in differing]
    return found


def _tags(document: dict[str, Any], *, beside: dict[str, Any]) -> list[Any]:
    """The tags without those of operations that came or went with them, which are told by themselves."""
    there = [tag.get("name") for tag in beside.get("tags", [])]
    used = {name for _, operation, _ in operations_of(document) for name in operation.get("tags", [])}
    return [tag for tag in document.get("tags", []) if tag.get("name") in there or tag.get("name") not in used]


def _of_operations(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    before, after = _operations(old), _operations(new)
    # A function keeps its place in Python wherever the API moves what it calls.
    places = {_function(operation): name for name, operation in after.items() if name not in before}
    moved = {
        name: places[_function(operation)]
        for name, operation in before.items()
        if name not in after and _function(operation) in places
    }
    for name in [*before, *(name for name in after if name not in before and name not in moved.values())]:
        if name in moved:
            yield Change(name, f"is {moved[name]} now")
            yield from _of_operation(moved[name], (old, before[name]), (new, after[moved[name]]))
        elif name not in after:
            yield Change(name, "", "removed", "its function is gone")
        elif name not in before:
            yield Change(name, "", "added")
        else:
            yield from _of_operation(name, (old, before[name]), (new, after[name]))


def _of_methods(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """The methods that list, which the first tag and `x-list` name."""
    before, after = ([f"client.{each.tag}.{each.method}" for each in lists_of(document)] for document in (old, new))
    yield from (Change(method, "", "removed", "calls of it fail") for method in before if method not in after)
    yield from (Change(method, "", "added") for method in after if method not in before)


def _function(operation: dict[str, Any]) -> tuple[Any, Any]:
    """What gives a generated function its place: folder and module."""
    return (operation.get("tags") or [None])[0], operation.get("operationId")


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation by its method and path, with what its parts refer to in their place."""

    def resolved(operation: dict[str, Any]) -> dict[str, Any]:
        body, answers = operation.get("requestBody", {}), operation.get("responses", {})
        return {
            "requestBody": resolve(document, body),
            "responses": {str(status): resolve(document, answer) for status, answer in answers.items()},
        }

    return {
        f"{method.upper()} {path}": {
            **item[method],
            **resolved(item[method]),
            "parameters": _parameters(document, item, item[method]),
        }
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
            moved = _function(old) != _function(new)  # only the first tag names a folder
            breaks = f"its generated {meaning} has moved" if moved else ""
            yield Change(name, f"{key} {old.get(key)} -> {new.get(key)}", breaks=breaks)
    for what in _deprecated(old, new):
        yield Change(name, what)
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
    held = [*_of_body(name, old, new), *_of_answers(name, old, new)]
    yield from held
    told = {"operationId", "tags", "deprecated", "parameters", "requestBody", "responses", "x-list"}
    unsaid = not held and any(old[key] != new[key] for key in ("requestBody", "responses"))
    if unsaid or _without(old, told) != _without(new, told):
        yield Change(name, "its words or examples")


def _of_answers(name: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    old, new = before["responses"], after["responses"]
    for status in old | new:
        was, now = (_answer(nodes.get(status, {})) for nodes in (old, new))
        if (status in old) != (status in new):
            change, held = ("removed", was) if status in old else ("added", now)
            breaks = "it is not parsed any more" if status in old and held != "nothing" else ""
            yield Change(name, f"response {status}, which holds {held}, {change}", breaks=breaks)
        elif was != now:
            breaks = "it is parsed as something else"
            yield Change(name, f"response {status} holds {now}, was {was}", breaks=breaks)
        else:
            for part, other in zip(_schemas(old[status]), _schemas(new[status]), strict=True):
                for what, breaks in _of_value(part, other, sent=False):
                    yield Change(name, f"response {status} {what}", breaks=breaks)


def _of_parameter(
    before: tuple[dict[str, Any], dict[str, Any]], after: tuple[dict[str, Any], dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    was, now = before[1], after[1]
    if bool(was.get("required")) != bool(now.get("required")):
        yield ("is required now", "calls that do not pass it fail") if now.get("required") else ("is optional now", "")
    yield from ((what, "") for what in _deprecated(was, now))
    yield from _of_value(resolve(before[0], was.get("schema", {})), resolve(after[0], now.get("schema", {})), sent=True)
    several = [bool(each.get("x-comma-separated")) for each in (was, now)]
    if several[0] != several[1]:
        what = "takes several values now" if several[1] else "takes one value only now"
        yield what, "" if several[1] else "calls that pass several values fail"
    elif was.get("x-matches") != now.get("x-matches"):
        breaks = "values for more than one request are refused" if "x-matches" not in now else ""
        yield f"looks at the field {now.get('x-matches')}, was {was.get('x-matches')}", breaks
    told = {"required", "deprecated", "schema", "x-comma-separated", "x-matches"}
    if _without(was, told) != _without(now, told):
        yield "is described differently", ""


def _of_body(name: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    was, now = before["requestBody"], after["requestBody"]
    if not was and not now:
        return
    if not now:
        yield Change(name, "body removed", breaks="calls that pass it fail")
    elif not was:
        yield Change(name, "body added", breaks="calls that do not pass it fail" if now.get("required") else "")
    else:
        if _answer(was) != _answer(now):
            yield Change(
                name,
                f"body is {_answer(now)}, was {_answer(was)}",
                breaks="calls that pass it fail",
            )
        if bool(was.get("required")) != bool(now.get("required")):
            breaks = "calls that do not pass it fail" if now.get("required") else ""
            yield Change(name, f"body is {'required' if breaks else 'optional'} now", breaks=breaks)


def _answer(node: dict[str, Any]) -> str:
    return ", ".join(map(_type, _schemas(node))) or "nothing"


def _schemas(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [media.get("schema", {}) for media in node.get("content", {}).values()]


def _of_models(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    before, after = (document.get("components", {}).get("schemas", {}) for document in (old, new))
    received = used_schemas(new, sent=False)
    asked = references_in([parameters for _, _, parameters in operations_of(new)], "")
    sent = used_schemas(new, sent=True) | {reference.rpartition("/")[2] for _, reference in asked}
    for name in before | after:
        if name not in after:
            yield Change(name, "", "removed", "the model is gone")
        elif name not in before:
            yield Change(name, "", "added")
        else:
            # A model that nothing refers to is judged as one that is received: code may use it all the same.
            directions = {"sent": name in sent, "received": name in received or name not in sent}
            for what, breaks in _of_model(before[name], after[name], **directions):
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
            # a field with a default is never None
            none = [
                not each and schema[name].get("default") is None
                for each, schema in zip(required, (old, new), strict=True)
            ]
            if required == [True, False]:
                breaks = "it may be None, and was not before" if received and none[1] else ""
                yield f"field `{name}` is optional now", breaks
            elif required == [False, True]:
                yield f"field `{name}` is required now", "code that makes one without it fails" if sent else ""
            for what, breaks in _of_property(old[name], new[name], sent=sent, received=received, optional=none[0]):
                yield f"field `{name}` {what}", breaks
    told = {"properties", "required", "x-copy"}
    yield from _of_copy(was.get("x-copy") or {}, now.get("x-copy") or {})
    if not old and not new:
        yield from _of_property(was, now, sent=sent, received=received, optional=False)
    elif _without(was, told) != _without(now, told):
        yield "its words or rules", ""


def _of_copy(was: dict[str, Any], now: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for role in ("key", "watermark"):
        if was.get(role) != now.get(role):
            other_key = role == "key" and was.get(role) is not None
            breaks = "a copy made before cannot be updated" if other_key else ""
            yield f"a copy has the {role} {now.get(role)}, was {was.get(role)}", breaks


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
    if was == now:
        return
    found = [*_of_null(was, now, sent=sent, optional=optional)]
    was, now = _without_null(was), _without_null(now)
    found += [(what, "") for what in _deprecated(was, now)]
    if bool(was.get("x-accept-number")) != bool(now.get("x-accept-number")):
        found.append((f"{'may' if now.get('x-accept-number') else 'may not'} come as a number now", ""))
    if bool(was.get("x-on-request")) != bool(now.get("x-on-request")):
        less = bool(now.get("x-on-request"))
        what = "comes only when asked for with `fields` now" if less else "always comes now"
        found.append(
            (what, "it is None where `fields` does not name it, and was not before" if less and not sent else "")
        )
    if was.get("default") != now.get("default"):
        gone = not sent and not optional and now.get("default") is None
        what = f"is {now.get('default')!r} by default, was {was.get('default')!r}"
        found.append((what, "it may be None, and was not before" if gone else ""))
    found += _of_range(was, now, sent=sent)
    if _type(was) == _type(now):
        found += _of_what_it_holds(was, now, sent=sent)
    else:
        found.append((f"is {_type(now)}, was {_type(was)}", "it is of another type"))
    if [was.get(key) for key in DESCRIBES] != [now.get(key) for key in DESCRIBES]:
        found.append(("is described differently", ""))
    yield from found or ([("has other rules", "")] if was != now else [])


def _of_null(was: dict[str, Any], now: dict[str, Any], *, sent: bool, optional: bool) -> Iterator[tuple[str, str]]:
    if _nullable(was) != _nullable(now):
        if _nullable(now):
            yield "may be null now", "" if sent or optional else "it may be None, and was not before"
        else:
            yield "is never null now", "null is refused" if sent else ""


def _of_what_it_holds(was: dict[str, Any], now: dict[str, Any], *, sent: bool) -> Iterator[tuple[str, str]]:
    """How the schemas inside a value changed, whose types are those that they were."""
    inside = [("items", "of its items"), ("additionalProperties", "of its values")]
    pairs = [(was.get(key), now.get(key), words) for key, words in inside]
    for key in ("oneOf", "anyOf"):
        parts = [sorted(schema.get(key, []), key=_type) for schema in (was, now)]
        pairs += [(old, new, f"of its {_type(new)}") for old, new in zip(*parts, strict=False)]
    for old, new, words in pairs:
        if isinstance(old, dict) and isinstance(new, dict):
            for what, breaks in _of_value(old, new, sent=sent):
                yield f"{what} ({words})", breaks
    if "properties" in was and "properties" in now:
        yield from _of_model(was, now, sent=sent, received=not sent)


def _of_range(was: dict[str, Any], now: dict[str, Any], *, sent: bool) -> Iterator[tuple[str, str]]:
    """How the allowed values changed."""
    old, new = (
        None if values is None else [value for value in values if value is not None]
        for values in (was.get("enum"), now.get("enum"))
    )
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
        return "object with fields of its own"
    if text == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of any names to {_type(schema['additionalProperties'])}"
    return f"{text} ({schema['format']})" if "format" in schema else text


def _nullable(schema: dict[str, Any]) -> bool:
    given = schema.get("type", ())
    types = [given] if isinstance(given, str) else given
    return "null" in types or any(_nullable(part) for key in ("oneOf", "anyOf") for part in schema.get(key, []))


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema as it is where the value is not null, in whichever way null is allowed."""
    for key in ("oneOf", "anyOf"):
        parts = [part for part in schema.get(key, []) if part.get("type") != "null"]
        if len(parts) == 1:
            schema = {**parts[0], **_without(schema, {key})}
    kinds = schema.get("type")
    if isinstance(kinds, list):
        kinds = [kind for kind in kinds if kind != "null"]
        schema = {**schema, "type": kinds[0] if len(kinds) == 1 else sorted(kinds)}
    return schema


def _deprecated(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    if bool(was.get("deprecated")) == bool(now.get("deprecated")):
        return []
    return ["is deprecated now" if now.get("deprecated") else "is not deprecated any more"]


def _without(node: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key not in keys}
