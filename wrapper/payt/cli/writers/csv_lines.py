"""CSV as RFC 4180 has it, in UTF-8, that no spreadsheet takes for formulas, whatever it splits the lines at."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..columns import Column, document
from . import BinaryFile, Write

_ENDS = r"\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029,;|"
"""What some reader may take for the end of a cell: the separators that are usual, and every end of a line."""
_RUN = r"=+\-@\uff1d\uff0b\uff0d\uff20"
"""What a cell begins with that spreadsheets run (OWASP, CSV injection), also as full-width characters."""
_SKIPPED = r'["\s\0\u200b\ufeff]*'
"""What some reader may pass over at the beginning of a cell: quotes, white space, and what nobody sees."""
_PHONE_NUMBER = re.compile(r"\+[0-9]+( ?\(0\))?[0-9 ]*")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def delimiter_of(text: str) -> str:
    """What separates values, from what was asked for.

    Raises:
        ValueError: It cannot separate any.
    """
    delimiter = "\t" if text in ("tab", r"\t") else text
    if (
        len(delimiter) != 1
        or delimiter.isalnum()
        or delimiter in "\"'.+-@= "
        or not (text == delimiter == "\t" or text.isprintable())
    ):
        raise ValueError(f"--delimiter must be one character such as , or ; or |, or the word tab, got {text!r}")
    return delimiter


def csv_lines(
    file: BinaryFile, columns: Sequence[Column], *, delimiter: str, bom: bool, raw: bool, resumed: bool
) -> Write:
    """What writes CSV: a line of names, then a line for each row; None is an empty cell."""
    cells = [column.as_text if raw else _harmless(column, delimiter) for column in columns]

    def lines(texts: Iterable[Iterable[str]], start: bytes = b"") -> None:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(texts)
        file.write(start + text.getvalue().encode())

    if not resumed:
        lines([[column.name for column in columns]], start=codecs.BOM_UTF8 if bom else b"")
    return lambda rows: lines(
        ["" if value is None else cell(value) for cell, value in zip(cells, row, strict=True)] for row in rows
    )


def _harmless(column: Column, delimiter: str) -> Callable[[Any], str]:
    """What writes values of a column so that spreadsheets show them instead of running them.

    What may be a formula gets an apostrophe in front, also inside of a text, where a reader that splits lines at
    another character, or does not know its quotes, begins a cell. JSON stays JSON: there it is escaped.
    """
    as_text = column.as_text
    start = rf"(^|[{_ENDS}{re.escape(delimiter)}])"
    inside, in_json = re.compile(rf"{start}(?={_SKIPPED}[{_RUN}])"), re.compile(rf"{start}({_SKIPPED})([{_RUN}])")

    def text(value: Any) -> str:
        found = as_text(value)
        return found if _PHONE_NUMBER.fullmatch(found) else inside.sub(r"\1'", found)

    def escaped(match: re.Match[str]) -> str:
        return in_json.sub(lambda found: f"{found[1]}{found[2]}\\u{ord(found[3]):04x}", match[0])

    def json(value: Any) -> str:
        return _JSON_STRING.sub(escaped, document(value))

    def texts(value: list[str]) -> str:
        return json(value) if as_text(value) == document(value) else text(value)

    return {str: text, list: texts, object: json}.get(column.kind, as_text)
