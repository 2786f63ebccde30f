"""What a model's fields hold."""

from __future__ import annotations

import functools
from enum import IntEnum, StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from payt_api.types import Date, DateTime

DAY, MOMENT = (get_args(kind)[0] for kind in (Date, DateTime))
"""`datetime.date` and `datetime.datetime`, also where a tool that stops time for a test has replaced them."""


ADMINISTRATION = "administration_id"
"""The parameter of a list that says whose records they are; also what the column is called that tells them apart."""


@functools.cache
def fields_of(model: type, *, owned: bool = False) -> dict[str, Any]:
    """The fields of an attrs model: name to type.

    Args:
        model: The model.
        owned: Whether the administration that was listed, which is always known, stands in front of the fields. One of
            its name that the record has itself says the same, and is not there a second time.
    """
    fields = get_type_hints(model)
    if not owned:
        return fields
    return {ADMINISTRATION: str, **{name: type_ for name, type_ in fields.items() if name != ADMINISTRATION}}


def model_in(type_: Any) -> type | None:
    """The one model that a type holds, also inside a list or an optional; None where it holds none, or several."""
    if attrs.has(type_):
        return type_
    models = {model for model in map(model_in, get_args(type_)) if model}
    return models.pop() if len(models) == 1 else None


def scalar_of(type_: Any) -> type | None:
    """The one kind of text, number, truth value, moment, date or UUID that a type holds, besides None.

    Those of an enum are texts or numbers. None where the type holds several kinds, or anything else.
    """
    kinds = _kinds_in(type_) - {NoneType}
    kind = kinds.pop() if len(kinds) == 1 else None
    return kind if kind in _SCALARS else None


_SCALARS = (str, bool, int, float, MOMENT, DAY, UUID)


def _kinds_in(type_: Any) -> set[Any]:
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in (Union, UnionType):
        return {kind for member in arguments for kind in _kinds_in(member)}
    if origin is Literal:
        return {type(value) for value in arguments}
    if isinstance(type_, type) and issubclass(type_, (StrEnum, IntEnum)):
        return {str if issubclass(type_, StrEnum) else int}
    return {type_}
