"""`payt <resource> list` and `payt <resource> show`: records to look at, or for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import attrs
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

import payt

from .columns import ADMINISTRATION, Column, Kind, Row, columns_of, reader_of
from .options import QuietOption, values_of
from .parameters import called
from .plain import plain
from .progress import counted
from .screen import console
from .selection import Position, Selection
from .writers.cells import AS_TEXT
from .writers.json_lines import JsonLinesWriter

_NARROWEST = 4
_GAP = 2

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def list_command(
    client: payt.Client,
    selection: Selection,
    *,
    columns: Annotated[
        list[str] | None, typer.Option("--columns", metavar="NAME,…", help="Which fields to show, in this order.")
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show records."""
    names = values_of(columns) or (None if json else list(selection.spec.columns))
    selection = attrs.evolve(selection, fields=names)
    selection.check(client)
    wanted = columns_of(selection.spec.record, names)
    read = reader_of(wanted)
    sink = _sink_of((ADMINISTRATION, *wanted) if selection.several else wanted, json=json)
    at = Position()
    for position, administration, records in selection.pages(client):
        rows = [read(record) for record in records]
        sink.write([(administration, *row) for row in rows] if selection.several else rows)
        sys.stdout.flush()
        at = position
    if not quiet:
        sys.stderr.write(f"{counted(selection, at)}\n")


def show_command(
    client: payt.Client,
    selection: Selection,
    *,
    key: Annotated[str, typer.Argument(metavar="ID", help="What tells it from the others.")],
    json: JsonOption = False,
) -> None:
    """Show all that is known of one record."""
    spec, filters = selection.spec, selection.filters
    selection = attrs.evolve(selection, filters={**filters, str(spec.key_filter): [key]})
    selection.check(client)
    found = [record for _, _, records in selection.pages(client) for record in records]
    if not found:
        whose = " or ".join(filter(None, selection.administrations))
        raise payt.PaytError(
            f"there is no {called(spec, 1)} with the {spec.key} {key}{whose and f' in administration {whose}'}"
        )
    columns = columns_of(spec.record)
    rows = [reader_of(columns)(record) for record in found]
    if json:
        JsonLinesWriter(sys.stdout.buffer, columns).write(rows)
    else:
        _show(columns, rows)


def _show(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    screen = console()
    widest = max(len(column.name) for column in columns)
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            name = (column.name.ljust(widest + _GAP), "bold")
            known = ("-", "dim") if value is None else shown(column.kind, value)
            screen.print(Text.assemble(name, known), soft_wrap=True)


class _Lines:
    """Values with tabs between them, whole, for `cut` and `awk`."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        sys.stdout.write("\t".join(column.name for column in columns) + "\n")

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            cells = (shown(column.kind, value) for column, value in zip(self._columns, row, strict=True))
            sys.stdout.write("\t".join(cells) + "\n")


class _Table:
    """A table as wide as the terminal; the first page decides about the widths, so that each is shown as it comes."""

    def __init__(self, columns: Sequence[Column], screen: Console) -> None:
        self._columns = columns
        self._screen = screen
        self._widths: list[int] | None = None

    def write(self, rows: Sequence[Row]) -> None:
        cells = [[shown(column.kind, value) for column, value in zip(self._columns, row, strict=True)] for row in rows]
        first = self._widths is None
        if self._widths is None:
            names = [column.name for column in self._columns]
            widths = [max(map(cell_len, texts)) for texts in zip(names, *cells, strict=True)]
            self._widths = fitted(widths, self._screen.width)
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=first, header_style="bold")
        for column, width in zip(self._columns, self._widths, strict=True):
            table.add_column(Text(column.name), width=width, no_wrap=True, overflow="ellipsis")
        for row_cells in cells:
            table.add_row(*map(Text, row_cells))
        if cells or first:
            self._screen.print(table)


def shown(kind: Kind, value: Any) -> str:
    """A value in one line."""
    return "" if value is None else plain(AS_TEXT[kind](value))


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Widths that fit into a terminal: the widest columns give way first."""
    fit = list(widths)
    while sum(fit) + _GAP * len(fit) > room and max(fit) > _NARROWEST:
        fit[fit.index(max(fit))] -= 1
    return fit


def _sink_of(columns: Sequence[Column], *, json: bool) -> JsonLinesWriter | _Lines | _Table:
    if json:
        return JsonLinesWriter(sys.stdout.buffer, columns)
    screen = console()
    return _Table(columns, screen) if screen.is_terminal else _Lines(columns)
