"""The text format of COPY (PostgreSQL's manual, COPY, "Text Format"), which it reads faster than CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..schema import Column


def copy_lines(columns: Sequence[Column], *, escaped: bool) -> list[str]:
    """Rows as lines, from the values of each column as PostgreSQL writes them.

    Args:
        columns: The values.
        escaped: Whether one may hold a character that needs a backslash in JSON; all that need one here do there.
    """
    if escaped:
        columns = [*map(_escaped, columns)]
    texts = (
        [_NULL if value is None else value for value in column] if None in column else column for column in columns
    )
    return ["\t".join(row) for row in zip(*texts, strict=True)]


def copy_text(lines: Sequence[str], more: Iterable[str]) -> bytes:
    """Such lines, each with more values, in one piece: one by one, the driver would often wait."""
    end = "\t".join(["", *more]) + "\n"
    return (end.join(lines) + end).encode()


_NULL = r"\N"
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def _escaped(column: Column) -> Column:
    text = "".join(filter(None, column))
    if "\\" in text or "\n" in text or "\r" in text or "\t" in text:  # few columns hold any
        return [value and value.translate(_ESCAPES) for value in column]
    return column
