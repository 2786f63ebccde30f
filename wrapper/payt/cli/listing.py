"""`payt <resource> list` and `payt <resource> show`: records to look at, or for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import attrs
import click

import payt
from payt.listing.shapes import ADMINISTRATION

from .columns import Column, Row
from .options import FIELDS, JSON, QUIET, SKIP_INVALID
from .parameters import called
from .progress import described, end_with_invalid
from .screen import console, output, plain, report
from .selection import Position, Selection
from .writers.json_lines import json_lines

_GAP: Final = "  "

LIST_OPTIONS: Final = (FIELDS, JSON, SKIP_INVALID, QUIET)
SHOW_OPTIONS: Final = (click.Argument(["key"], metavar="ID"), JSON)


def list_command(client: payt.Client, selection: Selection, *, as_json: bool, quiet: bool) -> None:
    """Show records."""
    spec = selection.spec
    if selection.fields is None and not as_json:
        selection = attrs.evolve(selection, fields=spec.columns)
    selection.check(client)
    columns = selection.columns
    if as_json:
        write = json_lines(output(), columns)
    elif sys.stdout.isatty():
        write = _Table(columns, {ADMINISTRATION, spec.key, *spec.separated.values()}).write
    else:
        write = _Lines(columns).write
    at = Position()
    for position, rows in selection.rows(client):
        write(rows)
        sys.stdout.flush()
        at = position
    if not at.pages:
        write([])
    if not quiet:
        report(described(selection, at))
    end_with_invalid(selection, at)


def show_command(client: payt.Client, selection: Selection, *, key: str, as_json: bool) -> None:
    """Show everything about one record."""
    spec, filters = selection.spec, selection.filters
    if not key or "," in key:
        raise ValueError(f"ID must be the {spec.key} of one {called(spec, 1)}, got {key!r}")
    selection = attrs.evolve(selection, filters={**filters, str(spec.key_filter): [key]})
    selection.check(client)
    rows = [row for _, page in selection.rows(client) for row in page]
    if not rows:
        whose = " or ".join(filter(None, selection.administrations))
        raise payt.PaytError(
            f"there is no {called(spec, 1)} with the {spec.key} {key}{whose and f' in administration {whose}'}"
        )
    columns = selection.columns
    if as_json:
        json_lines(output(), columns)(rows)
        return
    screen = console()
    widest = max(len(column.name) for column in columns)
    for number, row in enumerate(rows):
        if number:
            screen.print()
        for column, value in zip(columns, row, strict=True):
            screen.print(column.name.ljust(widest), style="bold", end=_GAP)
            if value is None:
                screen.print("-", style="dim")
            else:
                screen.print(plain(column.as_text(value)))


class _Lines:
    """Values with tabs between them, whole, for `cut` and `awk`."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._began = False

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows, below the names of the columns."""
        cells = [
            [
                "" if value is None else plain(column.as_text(value))
                for column, value in zip(self._columns, row, strict=True)
            ]
            for row in rows
        ]
        if not self._began:
            self._head([column.name for column in self._columns], cells)
            self._began = True
        for row_cells in cells:
            sys.stdout.write(self._line(row_cells) + "\n")

    def _head(self, names: list[str], _first: list[list[str]]) -> None:
        sys.stdout.write("\t".join(names) + "\n")

    def _line(self, cells: Sequence[str]) -> str:
        return "\t".join(cells)


class _Table(_Lines):
    """A table as wide as the terminal, where that holds all names of columns and identifiers: they are never cut.

    The first page decides about the widths, so that each page is shown as it comes. A longer identifier that comes
    later takes the room that it needs from the other columns.
    """

    def __init__(self, columns: Sequence[Column], identifiers: set[str | None]) -> None:
        super().__init__(columns)
        self._whole = [column.name in identifiers for column in columns]

    def _head(self, names: list[str], first: list[list[str]]) -> None:
        from rich.cells import cell_len  # noqa: PLC0415 - pipes need none

        screen = console()
        widths = [max(map(cell_len, texts)) for texts in zip(names, *first, strict=True)]
        self._room = screen.width
        self._least = [
            width if whole else len(name) for width, whole, name in zip(widths, self._whole, names, strict=True)
        ]
        self._widths = fitted(widths, self._least, self._room)
        screen.print(self._line(names), style="bold")

    def _line(self, cells: Sequence[str]) -> str:
        from rich.cells import cell_len, set_cell_size  # noqa: PLC0415

        for place, text in enumerate(cells):
            if self._whole[place] and (longer := cell_len(text)) > self._widths[place]:
                self._widths[place] = self._least[place] = longer
                self._widths = fitted(self._widths, self._least, self._room)
        shown = [
            set_cell_size(text, width) if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
            for text, width in zip(cells, self._widths, strict=True)
        ]
        return _GAP.join(shown).rstrip()


def fitted(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that fit into a terminal, as far as the least ones let them: the widest columns give way first."""
    fit = list(widths)
    while sum(fit) + len(_GAP) * (len(fit) - 1) > room:
        over = [width - low and width for width, low in zip(fit, least, strict=True)]
        if not any(over):
            break
        fit[over.index(max(over))] -= 1
    return fit
