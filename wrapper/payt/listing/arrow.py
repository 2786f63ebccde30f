"""Pages as Arrow: batches whose columns and types follow from the contract alone. Extra `arrow`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args, get_origin
from uuid import UUID

import msgspec

from payt_api.types import values_of

from ..extras import missing
from .pages import Page
from .shapes import ADMINISTRATION, DAY, MOMENT, fields_of, scalar_of

try:
    import pyarrow
except ModuleNotFoundError as error:
    raise missing("Arrow", "pyarrow", "arrow") from error


class Table:
    """What the records of a list are in Arrow: every field in the contract's order, whatever `fields` chooses.

    So all listings fit together. A list of single values is a list, a moment a timestamp in UTC with microseconds.
    Whatever is nested otherwise is JSON, as text.

    Args:
        record: The model.
        many: Whether several administrations are listed together, whose ids are the first column then.
    """

    def __init__(self, record: type, *, many: bool = False) -> None:
        types = fields_of(record, owned=many)
        self.schema = pyarrow.schema(
            [
                pyarrow.field(name, type_of(type_), nullable=not (many and name == ADMINISTRATION))
                for name, type_ in types.items()
            ]
        )
        places = {name: place for place, name in enumerate(fields_of(record))}
        self._columns = [(places[name], type_) for name, type_ in [*types.items()][many:]]

    def batch(self, page: Page[Any], administration_id: str | None = None) -> pyarrow.RecordBatch:
        """The records of a page."""
        rows = len(page.data)
        values = [*zip(*map(values_of, page.data), strict=True)]
        arrays = [] if administration_id is None else [pyarrow.repeat(administration_id, rows)]
        arrays += [array_of(type_, values[place] if rows else ()) for place, type_ in self._columns]
        return pyarrow.record_batch(arrays, schema=self.schema)

    async def make(self, administration_id: str | None, page: Page[Any]) -> pyarrow.RecordBatch:
        """As `batch`, in the form of `Make`."""
        return self.batch(page, administration_id)

    def reader(self, batches: Iterable[pyarrow.RecordBatch]) -> pyarrow.RecordBatchReader:
        """A reader of batches, which are made when they are asked for."""
        return pyarrow.RecordBatchReader.from_batches(self.schema, batches)


def array_of(type_: Any, values: Sequence[Any]) -> pyarrow.Array:
    """The values of a field, which is of this type in its model."""
    plain = _plain(type_)
    if plain is not None:
        values = [None if value is None else plain(value) for value in values]
    return pyarrow.array(values, type_of(type_))


@functools.cache
def type_of(type_: Any) -> pyarrow.DataType:
    """What a field of this type is in Arrow."""
    inner = _in_list(type_)
    return pyarrow.list_(_TYPES[scalar_of(inner)]) if inner else _TYPES.get(scalar_of(type_), pyarrow.string())


_TYPES: dict[type | None, pyarrow.DataType] = {
    str: pyarrow.string(),
    UUID: pyarrow.string(),
    bool: pyarrow.bool_(),
    int: pyarrow.int64(),
    float: pyarrow.float64(),
    MOMENT: pyarrow.timestamp("us", tz="UTC"),
    DAY: pyarrow.date32(),
}


@functools.cache
def _plain(type_: Any) -> Callable[[Any], Any] | None:
    """What makes a value of a field one that Arrow knows; None where each is."""
    scalar = scalar_of(type_)
    if type_ in (scalar, scalar and scalar | None):
        return str if scalar is UUID else None
    if inner := _in_list(type_):
        plain = _plain(inner)
        return plain and (lambda values: [None if value is None else plain(value) for value in values])
    if scalar in (str, int):  # members of an enum
        return scalar
    return str if scalar is UUID else lambda value: msgspec.json.encode(value).decode()


def _in_list(type_: Any) -> Any:
    """The type of the values in a list of single values; None if it is not such a list."""
    members = [member for member in get_args(type_) if member is not type(None)]
    if get_origin(type_) is not list:
        return _in_list(members[0]) if len(members) == 1 else None
    return members[0] if len(members) == 1 and scalar_of(members[0]) else None
