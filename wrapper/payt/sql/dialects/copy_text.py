"""The text format of COPY (PostgreSQL's manual, COPY, "Text Format"), which it reads faster than CSV."""

from __future__ import annotations

from collections.abc import Sequence

from ..schema import Column


def copy_lines(columns: Sequence[Column], *, plain: bool) -> list[str]:
    """Rows as lines.

    Args:
        columns: The values of each column, as PostgreSQL writes them.
        plain: Whether it is known that there is nothing to escape.
    """
    lines = _lines(columns)
    if plain or _is_plain("\n".join(lines), columns):
        return lines
    return _lines([[value and value.translate(_ESCAPES) for value in column] for column in columns])


def copy_text(lines: Sequence[str]) -> bytes:
    """Such lines in one piece: written one by one, the driver would wait for the socket again and again."""
    return ("\n".join(lines) + "\n").encode()


_NULL = r"\N"
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def _lines(columns: Sequence[Column]) -> list[str]:
    texts = [[_NULL if value is None else value for value in column] for column in columns]
    return ["\t".join(row) for row in zip(*texts, strict=True)]


def _is_plain(text: str, columns: Sequence[Column]) -> bool:
    """Whether nothing was to be escaped: what has a meaning is there as often as it was meant."""
    rows = len(columns[0])
    return (
        text.count("\t") == rows * (len(columns) - 1)
        and text.count("\n") == rows - 1
        and text.count("\\") == sum([column.count(None) for column in columns])
        and "\r" not in text
    )
