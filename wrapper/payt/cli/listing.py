"""`payt contacts list` and `payt contacts show`: contacts to look at, or for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

import payt

from .columns import ADMINISTRATION, Column, Row, columns_of, reader_of
from .connect import connect
from .contacts import contacts_app
from .exits import errors_reported
from .filters import (
    DebtorsOption,
    IdentifiersOption,
    IdsFromOption,
    IdsOption,
    LimitOption,
    PerPageOption,
    UpdatedAfterOption,
    filters_of,
)
from .options import (
    AdministrationsOption,
    DebugOption,
    EnvOption,
    QuietOption,
    RetriesOption,
    TokenFileOption,
    values_of,
)
from .progress import counted
from .screen import console, shown
from .selection import Position, Selection
from .writers.json_lines import JsonLinesWriter

COLUMNS = (
    "id",
    "firstname",
    "infix",
    "lastname",
    "postal_address_city",
    "invoice_email_address",
    "updated_at",
)
"""What a table shows by default."""
_NARROWEST = 4
_GAP = 2

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@contacts_app.command("list")
def list_command(
    *,
    administrations: AdministrationsOption,
    columns: Annotated[
        list[str] | None, typer.Option("--columns", metavar="NAME,…", help="Which fields to show, in this order.")
    ] = None,
    json: JsonOption = False,
    ids: IdsOption = None,
    ids_from: IdsFromOption = None,
    contact_identifiers: IdentifiersOption = None,
    debtor_numbers: DebtorsOption = None,
    updated_after: UpdatedAfterOption = None,
    per_page: PerPageOption = 500,
    limit: LimitOption = None,
    env: EnvOption = None,
    token_file: TokenFileOption = None,
    retries: RetriesOption = 4,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Show contacts: a table on a terminal, values with tabs between them in a pipe, or JSON."""
    with errors_reported(debug=debug):
        names = values_of(columns) or (None if json else list(COLUMNS))
        selection = Selection(
            administrations=administrations,
            filters=filters_of(ids, ids_from, contact_identifiers, debtor_numbers, updated_after),
            fields=names,
            per_page=per_page,
            limit=limit,
        )
        with connect(env=env, token_file=token_file, retries=retries) as client:
            selection.check(client)
            several = len(selection.administrations) > 1
            wanted = columns_of(names)
            read = reader_of(wanted)
            sink = _sink_of((ADMINISTRATION, *wanted) if several else wanted, json=json)
            at = Position()
            for position, administration, contacts in selection.pages(client):
                rows = [read(contact) for contact in contacts]
                sink.write([(administration, *row) for row in rows] if several else rows)
                sys.stdout.flush()
                at = position
        if not quiet:
            sys.stderr.write(f"{counted(at)}\n")


@contacts_app.command("show")
def show_command(
    contact_id: Annotated[str, typer.Argument(metavar="ID", help="The contact's id.")],
    *,
    administrations: AdministrationsOption,
    json: JsonOption = False,
    env: EnvOption = None,
    token_file: TokenFileOption = None,
    retries: RetriesOption = 4,
    debug: DebugOption = False,
) -> None:
    """Show all that is known of one contact."""
    with errors_reported(debug=debug):
        selection = Selection(administrations=administrations, filters={"ids": [contact_id]})
        with connect(env=env, token_file=token_file, retries=retries) as client:
            selection.check(client)
            found = [contact for _, _, contacts in selection.pages(client) for contact in contacts]
        if not found:
            raise payt.PaytError(
                f"there is no contact with the id {contact_id} in administration "
                + " or ".join(selection.administrations)
            )
        columns = columns_of(None)
        rows = [reader_of(columns)(contact) for contact in found]
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


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Widths that fit into a terminal: the widest columns give way first."""
    fit = list(widths)
    while sum(fit) + _GAP * (len(fit) - 1) > room and max(fit) > _NARROWEST:
        fit[fit.index(max(fit))] -= 1
    return fit


def _sink_of(columns: Sequence[Column], *, json: bool) -> JsonLinesWriter | _Lines | _Table:
    if json:
        return JsonLinesWriter(sys.stdout.buffer, columns)
    screen = console()
    return _Table(columns, screen) if screen.is_terminal else _Lines(columns)
