"""The columns that records are written in, and what each of them holds."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any, TypeAlias
from uuid import UUID

import attrs
import msgspec

from payt.listing.shapes import ADMINISTRATION, DAY, MOMENT, fields_of, scalar_of

Row: TypeAlias = tuple[Any, ...]
"""The values of one record, in the order of the columns."""


def document(value: Any) -> str:
    """A value as JSON."""
    return msgspec.json.encode(value).decode()


def in_utc(value: datetime.datetime) -> datetime.datetime | None:
    """A moment in UTC; None where that would be outside the years 1 to 9999."""
    with suppress(OverflowError):
        return value.astimezone(datetime.UTC)
    return None


def _moment(value: datetime.datetime) -> str:
    """A moment as the API writes it: ISO 8601, in UTC."""
    return (in_utc(value) or value).isoformat().replace("+00:00", "Z")


def _texts(value: list[str]) -> str:
    """Texts with `;` between them; as JSON where one of them holds a `;` itself."""
    return document(value) if any(";" in text for text in value) else ";".join(value)


_AS_TEXT: dict[type, Callable[[Any], str]] = {
    str: str,
    UUID: str,
    int: str,
    float: repr,
    bool: document,
    MOMENT: _moment,
    DAY: datetime.date.isoformat,
    list: _texts,
    object: document,
}


@attrs.frozen
class Column:
    """A column.

    Attributes:
        name: Its name.
        type_: The type of its field in the model.
        kind: What its cells hold besides None: a scalar's type, list for texts, object for all else, which is JSON.
    """

    name: str
    type_: Any
    kind: type = attrs.field(init=False)

    @kind.default
    def _kind(self) -> type:
        return list if self.type_ in (list[str], list[str] | None) else scalar_of(self.type_) or object

    @property
    def as_text(self) -> Callable[[Any], str]:
        """What writes a value of it as text."""
        return _AS_TEXT[self.kind]


def columns_of(record: type, names: Sequence[str] | None = None, *, owned: bool = False) -> tuple[Column, ...]:
    """The columns of these fields of a model, or of all its fields in the order of the contract.

    Args:
        record: The model.
        names: Which fields.
        owned: Whether the administration comes first, as in `fields_of`.

    Raises:
        ValueError: The model has no such field.
    """
    types = fields_of(record)
    for name in names or ():
        if name not in types:
            raise ValueError(f"there is no field {name!r} in {record.__name__}; use one of {', '.join(types)}")
    wanted = types if names is None else names
    if owned:
        types = fields_of(record, owned=True)
        wanted = [ADMINISTRATION, *(name for name in wanted if name != ADMINISTRATION)]
    return tuple(Column(name, types[name]) for name in wanted)


def reader_of(columns: Sequence[Column]) -> Callable[[Any], Row]:
    """A function that takes the values of columns out of a record."""
    names = [column.name for column in columns]
    if len(names) > 1:
        return attrgetter(*names)
    readers = list(map(attrgetter, names))
    return lambda record: tuple(read(record) for read in readers)
