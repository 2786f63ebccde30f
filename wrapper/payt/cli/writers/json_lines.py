"""JSON lines: an object for each contact, its fields in the order of the columns, null and lists as they are."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..columns import Column
from . import BinaryFile, Write


def json_lines(file: BinaryFile, columns: Sequence[Column]) -> Write:
    """What writes one JSON object a line, in UTF-8."""
    names = [column.name for column in columns]
    encoder = msgspec.json.Encoder()
    return lambda rows: file.write(encoder.encode_lines([dict(zip(names, row, strict=True)) for row in rows]))
