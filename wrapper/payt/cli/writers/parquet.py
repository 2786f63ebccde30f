"""Parquet, with moments and lists as what they are. Extra `parquet`."""

from __future__ import annotations

from collections.abc import Sequence

from ...extras import missing
from ..columns import Column, Row
from . import BinaryFile

try:
    import pyarrow
    import pyarrow.parquet

    from payt.listing.arrow import array_of, type_of
except ModuleNotFoundError as error:
    raise missing("Parquet", "pyarrow", "parquet") from error

ROW_GROUP = 20_000
"""How many rows are held back and written together: what readers work best with are large groups."""


class ParquetWriter:
    """Writes Parquet; objects, whose shape is open, as JSON."""

    def __init__(self, file: BinaryFile, columns: Sequence[Column], *, resumed: bool = False) -> None:  # noqa: ARG002 - cannot be
        self._columns = columns
        self._schema = pyarrow.schema([(column.name, type_of(column.type_)) for column in columns])
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
            array_of(column.type_, values)
            for column, values in zip(self._columns, zip(*self._rows, strict=True), strict=True)
        ]
        self._writer.write_table(pyarrow.table(arrays, schema=self._schema))
        self._rows.clear()
