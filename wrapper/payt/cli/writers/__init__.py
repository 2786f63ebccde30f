"""File formats: each turns rows into a file of its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, TypeAlias

from ..columns import Column, Row

BinaryFile: TypeAlias = IO[bytes]
Write: TypeAlias = Callable[[Sequence[Row]], object]
"""Writes rows into a file that is open, and stays open."""

ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".xlsx": "xlsx"}
FORMATS = tuple(dict.fromkeys(ENDINGS.values()))
TEXT_FORMATS = ("csv", "jsonl")
"""Those that are written from front to back: into a pipe, and on behind an interruption."""


def format_of(path: Path, chosen: str | None) -> str:
    """The format that was chosen, or that a file's ending stands for.

    Raises:
        ValueError: It stands for none, or for another one.
    """
    found = ENDINGS.get(path.suffix.lower(), chosen)
    if chosen not in (None, found):
        raise ValueError(f"--format {chosen} contradicts the ending of {path.name}: leave out --format, or rename it")
    if found is None:
        raise ValueError(
            f"the ending of {path.name} is not a known format: "
            f"pass --format {'|'.join(FORMATS)}, or use one of {', '.join(ENDINGS)}"
        )
    return found


def writer_of(
    format_: str, columns: Sequence[Column], *, name: str, delimiter: str = ",", bom: bool = False, raw: bool = False
) -> Callable[..., AbstractContextManager[Write]]:
    """What writes a format into an open file, and ends it; called with `resumed=True` where its beginning is there.

    Raises:
        ValueError: The delimiter cannot be one.
        ImportError: The format needs a package that is not installed; the message says which extra brings it.
    """
    # Each format is imported when it is used: pyarrow alone takes longer to load than all the rest.
    match format_:
        case "csv":
            from .csv_lines import csv_lines, delimiter_of  # noqa: PLC0415

            lines = partial(csv_lines, columns=columns, delimiter=delimiter_of(delimiter), bom=bom, raw=raw)
            return lambda file, *, resumed=False: nullcontext(lines(file, resumed=resumed))
        case "jsonl":
            from .json_lines import json_lines  # noqa: PLC0415

            return lambda file, *, resumed=False: nullcontext(json_lines(file, columns))  # noqa: ARG005 - it has no head
        case "parquet":
            from .parquet import parquet_file  # noqa: PLC0415

            return partial(parquet_file, columns=columns)
        case _:
            from .xlsx import workbook  # noqa: PLC0415

            return partial(workbook, columns=columns, name=name)
