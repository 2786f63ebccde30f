"""Parquet, with moments and lists as what they are. Extra `parquet`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...extras import missing
from ..columns import Column, Row
from . import BinaryFile, Write

try:
    import pyarrow
    import pyarrow.parquet

    from payt.listing.arrow import array_of, type_of
except ModuleNotFoundError as error:
    raise missing("Parquet", "pyarrow", "parquet") from error

ROW_GROUP = 20_000
"""How many rows are held back and written together: what readers work best with are large groups."""


@contextmanager
def parquet_file(file: BinaryFile, columns: Sequence[Column]) -> Iterator[Write]:
    """What writes Parquet; objects, whose shape is open, as JSON."""
    schema = pyarrow.schema([(column.name, type_of(column.type_)) for column in columns])
    held: list[Row] = []

    def write(rows: Sequence[Row], least: int = ROW_GROUP) -> None:
        held.extend(rows)
        if len(held) >= least:
            values = zip(columns, zip(*held, strict=True), strict=True)
            target.write_table(pyarrow.table([array_of(each.type_, of) for each, of in values], schema=schema))
            held.clear()

    with pyarrow.parquet.ParquetWriter(file, schema) as target:
        yield write
        write([], least=1)
