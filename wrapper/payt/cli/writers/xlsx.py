"""Workbooks for Excel, with dates as dates; texts are texts, whatever they begin with."""

from __future__ import annotations

import builtins
import datetime
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ...extras import missing
from ..columns import Column, Row, in_utc
from . import BinaryFile, Write

try:
    import xlsxwriter
    import xlsxwriter.exceptions
except ModuleNotFoundError as error:
    raise missing("xlsx", "xlsxwriter", "cli") from error

MOST_ROWS = 1_048_576
"""How many rows a sheet has at most, that of the names included; what is more goes on a further sheet."""
MOST_CHARACTERS = 32_767
"""How many characters a cell has at most, as Excel counts: in UTF-16, where an emoji is two."""
WIDEST = 60
"""How many characters wide a column is at most."""
MOST_OF_A_NAME = 24
"""How many characters of a list's name the sheets are called by, as they may have 31 with their number."""
_MOST_DIGITS = 10**15
"""From here on Excel rounds whole numbers."""
_EXCEL_BEGINS = datetime.datetime(1900, 1, 1)  # noqa: DTZ001 - Excel knows no zones


@contextmanager
def workbook(file: BinaryFile, columns: Sequence[Column], name: str) -> Iterator[Write]:
    """What writes a workbook row by row, so that memory stays flat. Moments are in UTC, as Excel knows no zones."""
    target = _Target(file)
    with tempfile.TemporaryDirectory(prefix="payt-", ignore_cleanup_errors=True) as folder:
        book = xlsxwriter.Workbook(target, {"constant_memory": True, "tmpdir": folder})
        try:
            sheets = _Sheets(book, columns, name[:MOST_OF_A_NAME])

            def write(rows: Sequence[Row]) -> None:
                with _file_errors(target):
                    sheets.write(rows)

            yield write
            with _file_errors(target):
                sheets.end()
                book.close()
        finally:
            target.ended = True
            for sheet in book.worksheets():
                with suppress(OSError):  # what is left unwritten, as on a full disk, was reported
                    sheet.row_data_fh.close()


class _Target:
    """The file of a workbook, as its zip file sees it.

    One that failed is closed by nobody: it tries to write its end when it is collected, which must go nowhere.
    """

    def __init__(self, file: BinaryFile) -> None:
        self._file = file
        self._place = 0
        self.ended = False

    def write(self, data: bytes) -> int:
        """Write, until the workbook has ended or could not be written."""
        return len(data) if self.ended else self._attempt(self._file.write, data)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, which writes what was kept back."""
        self._place = place if self.ended else self._attempt(self._file.seek, place, whence)
        return self._place

    def tell(self) -> int:
        """Tell the place."""
        return self._place if self.ended else self._file.tell()

    def flush(self) -> None:
        """Do nothing: the target of the export is flushed as a whole."""

    def _attempt(self, method: Callable[..., int], *arguments: Any) -> int:
        try:
            return method(*arguments)
        except OSError:
            self.ended = True
            raise


@contextmanager
def _file_errors(target: _Target) -> Iterator[None]:
    """Errors of files as they are, not as the library wraps them; those of temporary files name where these are."""
    try:
        yield
    except (xlsxwriter.exceptions.FileCreateError, OSError) as error:
        failed: OSError = error if isinstance(error, OSError) else error.args[0]
        if not target.ended and failed.filename is None:
            failed.filename = tempfile.gettempdir()
        raise failed from None


class _Sheets:
    """The sheets of a workbook."""

    def __init__(self, book: xlsxwriter.Workbook, columns: Sequence[Column], name: str) -> None:
        self._book = book
        self._columns = columns
        self._name = name
        self._bold = book.add_format({"bold": True})
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._date = book.add_format({"num_format": "yyyy-mm-dd"})
        self._begin()

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        for row in rows:
            if self._row == MOST_ROWS:
                self.end()
                self._begin()
            for place, (column, value) in enumerate(zip(self._columns, row, strict=True)):
                if value is not None:
                    self._write_cell(place, column, value)
            self._row += 1

    def _begin(self) -> None:
        self._sheet = self._book.add_worksheet(f"{self._name} {len(self._book.worksheets()) + 1}")
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(self._columns):
            self._sheet.write_string(0, place, column.name, self._bold)
        self._widths = [len(column.name) + 3 for column in self._columns]  # with room for the filter's button
        self._row = 1

    def end(self) -> None:
        """Let columns be as wide as what is in them, and let people filter by it."""
        for place, width in enumerate(self._widths):
            self._sheet.set_column(place, place, min(width + 1, WIDEST))
        self._sheet.autofilter(0, 0, self._row - 1, len(self._columns) - 1)

    def _write_cell(self, place: int, column: Column, value: Any) -> None:
        text = column.as_text(value)
        self._widths[place] = max(self._widths[place], min(len(text), WIDEST))
        match column.kind:
            case datetime.datetime if (at := in_utc(value)) and (at := at.replace(tzinfo=None)) >= _EXCEL_BEGINS:
                result = self._sheet.write_datetime(self._row, place, at, self._moment)
            case datetime.date if value >= _EXCEL_BEGINS.date():
                result = self._sheet.write_datetime(self._row, place, value, self._date)
            case builtins.bool:
                result = self._sheet.write_boolean(self._row, place, value)
            case builtins.float | builtins.int if abs(value) < _MOST_DIGITS or isinstance(value, float):
                result = self._sheet.write_number(self._row, place, value)
            case _:
                units = len(text.encode("utf-16-le")) // 2
                if units > MOST_CHARACTERS:
                    raise ValueError(
                        f"{column.name} of a record has {units:,} characters, and a cell of Excel holds "
                        f"{MOST_CHARACTERS:,} at most: use csv, jsonl or parquet"
                    )
                result = self._sheet.write_string(self._row, place, text)
        if result:  # the library tells by a number alone what it could not write
            raise ValueError(f"{column.name} does not fit into a sheet of Excel: use csv, jsonl or parquet")
