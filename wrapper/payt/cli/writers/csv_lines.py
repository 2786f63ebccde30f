"""CSV as RFC 4180 has it, in UTF-8, that no spreadsheet takes for formulas."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

from ..columns import Column, Kind, Row
from . import BinaryFile
from .cells import AS_TEXT

_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What a text begins with that spreadsheets run (OWASP, CSV injection), also as full-width characters."""
_PHONE_NUMBER = re.compile(r"\+[0-9]+( ?\(0\))?[0-9 ]*")


class CsvWriter:
    """Writes CSV: a line of names, then a line for each row; None is an empty cell."""

    def __init__(
        self, file: BinaryFile, columns: Sequence[Column], *, bom: bool, raw: bool, resumed: bool = False
    ) -> None:
        self._file = file
        self._cells = [_cell_of(column.kind, raw=raw) for column in columns]
        if not resumed:
            self._lines([[column.name for column in columns]], start=codecs.BOM_UTF8 if bom else b"")

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._lines(
            ["" if value is None else cell(value) for cell, value in zip(self._cells, row, strict=True)] for row in rows
        )

    def finish(self) -> None:
        """Nothing ends CSV."""

    def abandon(self) -> None:
        """Nothing is held."""

    def _lines(self, lines: Any, start: bytes = b"") -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(lines)
        self._file.write(start + text.getvalue().encode())


def harmless(text: str) -> str:
    """A text that spreadsheets show instead of running it: what may be a formula gets an apostrophe in front."""
    return f"'{text}" if _FORMULA.match(text) and not _PHONE_NUMBER.fullmatch(text) else text


def _cell_of(kind: Kind, *, raw: bool) -> Callable[[Any], str]:
    as_text = AS_TEXT[kind]
    if raw or kind not in (Kind.TEXT, Kind.TEXTS):
        return as_text
    return lambda value: harmless(as_text(value))
