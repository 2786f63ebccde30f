"""JSON lines: an object for each contact, its fields in the order of the columns, null and lists as they are."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..columns import Column, Row
from . import BinaryFile


class JsonLinesWriter:
    """Writes one JSON object a line, in UTF-8."""

    def __init__(self, file: BinaryFile, columns: Sequence[Column], *, resumed: bool = False) -> None:  # noqa: ARG002 - nothing begins the file
        self._file = file
        self._names = [column.name for column in columns]
        self._encoder = msgspec.json.Encoder()

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._file.write(self._encoder.encode_lines([dict(zip(self._names, row, strict=True)) for row in rows]))

    def finish(self) -> None:
        """Nothing ends JSON lines."""

    def abandon(self) -> None:
        """Nothing is held."""
