"""File formats: each turns rows into a file of its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, Protocol, TypeAlias

from ..columns import Column, Row

BinaryFile: TypeAlias = IO[bytes]


class Writer(Protocol):
    """Writes rows into a file that is open, and stays open."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        ...

    def finish(self) -> None:
        """Write what ends the file."""
        ...

    def abandon(self) -> None:
        """Let go of everything but the file, which will not be finished."""
        ...


class Format(StrEnum):
    """The formats by the names that `--format` takes."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"

    @property
    def is_text(self) -> bool:
        """Whether it is written from front to back: into a pipe, and on behind an interruption."""
        return self in (Format.CSV, Format.JSONL)


ENDINGS = {
    ".csv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".xlsx": Format.XLSX,
}


def format_of(path: Path) -> Format:
    """The format that a file's ending stands for.

    Raises:
        ValueError: It stands for none.
    """
    try:
        return ENDINGS[path.suffix.lower()]
    except KeyError:
        raise ValueError(
            f"the ending of {path.name} is not a known format: "
            f"pass --format {'|'.join(Format)}, or use one of {', '.join(ENDINGS)}"
        ) from None


def writer_of(
    format_: Format, columns: Sequence[Column], *, name: str, delimiter: str = ",", bom: bool = False, raw: bool = False
) -> Callable[..., Writer]:
    """What makes the writer of a format: called with the open file, and `resumed=True` where its beginning is there.

    Raises:
        ValueError: The delimiter cannot be one.
        ImportError: The format needs a package that is not installed; the message says which extra brings it.
    """
    # Each format is imported when it is used: pyarrow alone takes longer to load than all the rest.
    match format_:
        case Format.CSV:
            from .csv_lines import CsvWriter, delimiter_of  # noqa: PLC0415

            return partial(CsvWriter, columns=columns, delimiter=delimiter_of(delimiter), bom=bom, raw=raw)
        case Format.JSONL:
            from .json_lines import JsonLinesWriter  # noqa: PLC0415

            return partial(JsonLinesWriter, columns=columns)
        case Format.PARQUET:
            from .parquet import ParquetWriter  # noqa: PLC0415

            return partial(ParquetWriter, columns=columns)
        case _:
            from .xlsx import XlsxWriter  # noqa: PLC0415

            return partial(XlsxWriter, columns=columns, name=name)
