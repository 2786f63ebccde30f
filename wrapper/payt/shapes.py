"""What a model's fields hold, and which fields of an answer no model knows."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import msgspec


@functools.cache
def fields_of(model: type) -> dict[str, Any]:
    """The fields of an attrs model: name to type."""
    return get_type_hints(model)


def model_in(type_: Any) -> type | None:
    """The one model that a type holds, also inside a list or an optional; None where it holds none, or several."""
    if attrs.has(type_):
        return type_
    models = {model for model in map(model_in, get_args(type_)) if model}
    return models.pop() if len(models) == 1 else None


def unknown_fields(body: bytes, model: type) -> list[str]:
    """The names of the fields in `body` that `model` and the models inside it do not have, sorted.

    `body` must be what `model` says in all else, as it is once it was decoded.
    """
    try:
        _strict_decoder(model).decode(body)
    except msgspec.ValidationError as error:
        try:
            return sorted(set(_unknown(msgspec.json.decode(body), model)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # what they hold cannot be read
            return re.findall(r"unknown field `(.*)`", str(error))[:1]
    return []


@functools.cache
def _strict_decoder(model: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_strict(model, {}))


def _strict(type_: Any, made: dict[Any, Any]) -> Any:
    """A twin of a type that reads no value and refuses unknown fields: quicker than reading all a second time."""
    if attrs.has(type_):
        if type_ not in made:
            made[type_] = msgspec.Raw  # what a model holds of its own kind is not looked into
            fields = [(name, _strict(inner, made), None) for name, inner in fields_of(type_).items()]
            made[type_] = msgspec.defstruct(type_.__name__, fields, forbid_unknown_fields=True, gc=False)
        return made[type_]
    origin = get_origin(type_)
    members = [type(None) if member is type(None) else _strict(member, made) for member in get_args(type_)]
    inner = [member for member in members if member not in (msgspec.Raw, type(None))]
    if len(inner) != 1:
        return msgspec.Raw
    if origin is list:
        return list[inner[0]]  # type: ignore[valid-type]  # made at run time
    if origin is dict:
        return dict[str, inner[0]]  # type: ignore[valid-type]  # made at run time
    return inner[0] | None


def _unknown(value: Any, type_: Any) -> Iterator[str]:
    model = model_in(type_)
    if isinstance(value, list):
        for item in value:
            yield from _unknown(item, model)
    elif isinstance(value, dict) and any(get_origin(t) is dict for t in (type_, *get_args(type_))):
        for item in value.values():
            yield from _unknown(item, model)
    elif isinstance(value, dict) and model is not None:
        known = fields_of(model)
        for name, item in value.items():
            if name in known:
                yield from _unknown(item, known[name])
            else:
                yield name
