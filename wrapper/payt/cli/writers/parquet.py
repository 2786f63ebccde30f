"""Parquet, with moments and lists as what they are. Extra `parquet`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...extras import missing
from ..columns import Column, Kind, Row
from . import BinaryFile
from .cells import AS_TEXT

try:
    import pyarrow
    import pyarrow.parquet
except ModuleNotFoundError as error:
    raise missing("Parquet", "pyarrow", "parquet") from error

ROW_GROUP = 20_000
"""How many rows are held back and written together: what readers work best with are large groups."""

_TYPES = {
    Kind.TEXT: pyarrow.string(),
    Kind.INTEGER: pyarrow.int64(),
    Kind.DECIMAL: pyarrow.float64(),
    Kind.TRUTH: pyarrow.bool_(),
    Kind.MOMENT: pyarrow.timestamp("us", tz="UTC"),
    Kind.DATE: pyarrow.date32(),
    Kind.TEXTS: pyarrow.list_(pyarrow.string()),
    Kind.OBJECT: pyarrow.string(),
}


class ParquetWriter:
    """Writes Parquet; objects, whose shape is open, as JSON."""

    def __init__(self, file: BinaryFile, columns: Sequence[Column], *, resumed: bool = False) -> None:  # noqa: ARG002 - cannot be
        self._columns = columns
        self._schema = pyarrow.schema([(column.name, _TYPES[column.kind]) for column in columns])
        self._writer = pyarrow.parquet.ParquetWriter(file, self._schema)
        self._rows: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._rows.extend(rows)
        if len(self._rows) >= ROW_GROUP:
            self._write_group()

    def finish(self) -> None:
        """Write what is held back, and the footer."""
        self._write_group()
        self._writer.close()

    def abandon(self) -> None:
        """Let go of what is held back."""
        self._rows.clear()
        self._writer.close()

    def _write_group(self) -> None:
        if not self._rows:
            return
        arrays = [
            pyarrow.array(_values(column, values), type=field.type)
            for column, field, values in zip(self._columns, self._schema, zip(*self._rows, strict=True), strict=True)
        ]
        self._writer.write_table(pyarrow.table(arrays, schema=self._schema))
        self._rows.clear()


def _values(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    if column.kind not in (Kind.TEXT, Kind.OBJECT):
        return values
    as_text = AS_TEXT[column.kind]  # a UUID, or a text of an enum, is not text to pyarrow
    return [None if value is None else as_text(value) for value in values]
