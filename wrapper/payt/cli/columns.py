"""The columns that records are written in, and what each of them holds."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from enum import Enum, auto
from operator import attrgetter
from typing import Any, TypeAlias
from uuid import UUID

import attrs

from payt.listing.shapes import fields_of, scalar_of

Row: TypeAlias = tuple[Any, ...]
"""The values of one record, in the order of the columns."""


class Kind(Enum):
    """What the cells of a column hold, besides None."""

    TEXT = auto()
    INTEGER = auto()
    DECIMAL = auto()
    TRUTH = auto()
    MOMENT = auto()
    DATE = auto()
    TEXTS = auto()
    OBJECT = auto()
    """Anything else, written as JSON."""


@attrs.frozen
class Column:
    """A column by its name, the type of its field in the model, and what its cells hold."""

    name: str
    type_: Any
    kind: Kind = attrs.field(init=False)

    @kind.default
    def _kind(self) -> Kind:
        return kind_of(self.type_)


def columns_of(record: type, names: Sequence[str] | None = None) -> tuple[Column, ...]:
    """The columns of these fields of a model, or of all its fields in the order of the contract.

    Raises:
        ValueError: The model has no such field.
    """
    types = fields_of(record)
    for name in names or ():
        if name not in types:
            raise ValueError(f"there is no field {name!r} in {record.__name__}; there are {', '.join(types)}")
    return tuple(Column(name, types[name]) for name in (types if names is None else names))


def kind_of(type_: Any) -> Kind:
    """What a field of this type holds."""
    if type_ in (list[str], list[str] | None):
        return Kind.TEXTS
    return _KINDS.get(scalar_of(type_), Kind.OBJECT)


def reader_of(columns: Sequence[Column]) -> Callable[[Any], Row]:
    """A function that takes the values of columns out of a record."""
    names = [column.name for column in columns]
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda record: (only(record),)
    return attrgetter(*names)


_KINDS: dict[type | None, Kind] = {
    str: Kind.TEXT,
    UUID: Kind.TEXT,
    int: Kind.INTEGER,
    float: Kind.DECIMAL,
    bool: Kind.TRUTH,
    datetime.datetime: Kind.MOMENT,
    datetime.date: Kind.DATE,
}

ADMINISTRATION = Column("administration_id", str)
"""Comes first where records of several administrations are written together."""
