"""`payt contacts export`: contacts into a file, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer

import payt

from .columns import ADMINISTRATION, columns_of, reader_of
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
from .progress import counted, progress, wanted
from .selection import Position, Selection
from .target import Stream, Target, is_device, target_of
from .writers import Format, Writer, format_of, writer_of


@contacts_app.command("export")
def export_command(
    *,
    administrations: AdministrationsOption,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; - is standard output.", allow_dash=True)
    ] = Path("-"),
    format_: Annotated[
        Format | None, typer.Option("--format", "-f", help="By default what the file's ending says, else csv.")
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option("--fields", metavar="NAME,…", help="Only these fields, in this order; all by default."),
    ] = None,
    ids: IdsOption = None,
    ids_from: IdsFromOption = None,
    contact_identifiers: IdentifiersOption = None,
    debtor_numbers: DebtorsOption = None,
    updated_after: UpdatedAfterOption = None,
    per_page: PerPageOption = 500,
    limit: LimitOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted export to this file stopped (csv, jsonl).")
    ] = False,
    bom: Annotated[bool, typer.Option("--bom", help="Begin CSV with a byte order mark, for Excel.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Leave texts in CSV alone that spreadsheets would run as formulas.")
    ] = False,
    env: EnvOption = None,
    token_file: TokenFileOption = None,
    retries: RetriesOption = 4,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write contacts into a file: csv, jsonl, parquet or xlsx.

    The file is there when it is complete, and not before. What an interrupted export has is kept beside it, for
    --resume.
    """
    with errors_reported(debug=debug):
        path = None if output == Path("-") else output
        selection = Selection(
            administrations=administrations,
            filters=filters_of(ids, ids_from, contact_identifiers, debtor_numbers, updated_after),
            fields=values_of(fields),
            per_page=per_page,
            limit=limit,
        )
        with connect(env=env, token_file=token_file, retries=retries) as client:
            selection.check(client)
            Export(client, selection, path, format_, bom=bom, raw=raw, quiet=quiet).run(resume=resume)


class Export:
    """One export.

    Raises:
        OSError: The target is a folder.
        ValueError: The format cannot be told, or cannot go into a pipe.
        ImportError: The format needs a package that is not installed.
    """

    def __init__(
        self,
        client: payt.Client,
        selection: Selection,
        path: Path | None,
        format_: Format | None,
        *,
        bom: bool = False,
        raw: bool = False,
        quiet: bool = False,
    ) -> None:
        self._client = client
        self._selection = selection
        self._quiet = quiet
        several = len(selection.administrations) > 1
        columns = columns_of(selection.fields)
        self._read = reader_of(columns)
        self._several = several
        headed = (ADMINISTRATION, *columns) if several else columns
        self._format = format_ or (Format.CSV if path is None or is_device(path) else format_of(path))
        self._writer_of: Callable[..., Writer] = writer_of(self._format, headed, bom=bom, raw=raw)
        arguments = {
            "base URL": client.base_url,
            "--administration": selection.administrations,
            **{f"--{name.replace('_', '-')}": selection.filters.get(name) for name in _FILTERS},
            "--fields": [column.name for column in columns],
            "--limit": selection.limit,
            "--format": self._format,
            "--bom": bom,
            "--raw": raw,
        }
        self._target: Target = target_of(path, arguments, resumable=self._format.is_text)
        self._is_stream = isinstance(self._target, Stream)
        if self._is_stream and not self._format.is_text:
            raise ValueError(
                f"{self._format} cannot go into {self._target.name}: name a file, -o contacts.{self._format}"
            )

    def run(self, *, resume: bool) -> None:
        """Write everything; say what came of it on stderr.

        Raises:
            payt.PaytError: The listing cannot go on.
            OSError: The target cannot be written.
            ValueError: There is nothing to resume into, or it was begun with other arguments.
            KeyboardInterrupt: Somebody has had enough. As with all others, a note says how to go on.
        """
        start = self._start(resume=resume)
        began, at = monotonic(), start or Position()
        writer: Writer | None = None
        try:
            writer = self._writer_of(self._target.file, resumed=start is not None)
            self._target.keep(at)
            into_terminal = self._is_stream and sys.stdout.isatty()
            with progress(
                shown=wanted(quiet=self._quiet, into_terminal=into_terminal),
                administrations=len(self._selection.administrations),
                start=at,
            ) as tell:
                for position, administration, contacts in self._selection.pages(self._client, at):
                    writer.write(self._rows(administration, contacts))
                    self._target.keep(position)
                    at = position
                    tell(position)
            writer.finish()
            self._target.complete()
        except BaseException as error:
            if writer is not None:
                writer.abandon()
            self._explain(error, at)
            raise
        finally:
            self._target.close()
        self._say(f"{counted(at)}, {monotonic() - began:.1f} s: {self._target.name}")

    def _start(self, *, resume: bool) -> Position | None:
        """Open the target; where an earlier run stopped, if it is gone on with."""
        if not resume:
            self._target.open()
            return None
        if self._is_stream:
            raise ValueError("--resume needs a file to go on with: name it with -o")
        if not self._format.is_text:
            self._say(f"{self._format} cannot be gone on with: it starts again from the first contact")
        start = self._target.reopen()
        if start is not None:
            self._say(f"going on behind {counted(start)}")
        elif self._format.is_text:
            self._say("nothing to go on with: it starts from the first contact")
        return start

    def _rows(self, administration: str, contacts: list[payt.Contact]) -> list[tuple[Any, ...]]:
        if self._several:
            return [(administration, *self._read(contact)) for contact in contacts]
        return [self._read(contact) for contact in contacts]

    def _explain(self, error: BaseException, at: Position) -> None:
        """Note in an error what there is, and how to go on."""
        if isinstance(error, OSError) and error.filename is None:
            error.filename = self._target.name
        if self._target.kept is not None:
            error.add_note(f"{counted(at)} are kept in {self._target.kept}: go on with --resume")
        elif not self._is_stream:
            error.add_note("nothing is kept: start again")

    def _say(self, text: str) -> None:
        if not self._quiet:
            sys.stderr.write(f"{text}\n")


_FILTERS = ("ids", "contact_identifiers", "debtor_numbers", "updated_after")
