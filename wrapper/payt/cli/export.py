"""`payt <resource> export`: records into a file, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import attrs
import typer

import payt

from .columns import ADMINISTRATION, columns_of, reader_of
from .options import QuietOption, values_of
from .parameters import called
from .progress import counted, progress, wanted
from .selection import Position, Selection
from .target import Stream, Target, is_device, target_of
from .writers import Format, Writer, format_of, writer_of


def export_command(
    client: payt.Client,
    selection: Selection,
    *,
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
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted export to this file stopped (csv, jsonl).")
    ] = False,
    bom: Annotated[bool, typer.Option("--bom", help="Begin CSV with a byte order mark, for Excel.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Leave texts in CSV alone that spreadsheets would run as formulas.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Write records into a file."""
    path = None if output == Path("-") else output
    selection = attrs.evolve(selection, fields=values_of(fields))
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
        columns = columns_of(selection.spec.record, selection.fields)
        self._read = reader_of(columns)
        headed = (ADMINISTRATION, *columns) if selection.several else columns
        self._format = format_ or (Format.CSV if path is None or is_device(path) else format_of(path))
        self._writer_of: Callable[..., Writer] = writer_of(
            self._format, headed, name=selection.spec.name, bom=bom, raw=raw
        )
        arguments = {
            "base URL": client.base_url,
            "list": selection.spec.name,
            "--administration": selection.administrations,
            **{f"--{name.replace('_', '-')}": value for name, value in selection.filters.items()},
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
                f"{self._format} cannot go into {self._target.name}: name a file, "
                f"-o {selection.spec.name}.{self._format}"
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
            shown = wanted(quiet=self._quiet, into_terminal=into_terminal)
            with progress(self._selection, shown=shown, start=at) as tell:
                for position, administration, records in self._selection.pages(self._client, at):
                    writer.write(self._rows(administration, records))
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
        self._say(f"{counted(self._selection, at)}, {monotonic() - began:.1f} s: {self._target.name}")

    def _start(self, *, resume: bool) -> Position | None:
        """Open the target; where an earlier run stopped, if it is gone on with."""
        if not resume:
            self._target.open()
            return None
        first = f"the first {called(self._selection.spec, 1)}"
        if not self._format.is_text:
            self._say(f"{self._format} cannot be gone on with: it starts again from {first}")
        start = self._target.reopen()
        if start is not None:
            self._say(f"going on behind {counted(self._selection, start)}")
        elif self._format.is_text:
            self._say(f"nothing to go on with: it starts from {first}")
        return start

    def _rows(self, administration: str | None, records: list[Any]) -> list[tuple[Any, ...]]:
        if self._selection.several:
            return [(administration, *self._read(record)) for record in records]
        return [self._read(record) for record in records]

    def _explain(self, error: BaseException, at: Position) -> None:
        """Note in an error what there is, and how to go on."""
        if isinstance(error, OSError) and error.filename is None:
            error.filename = self._target.name
        if self._target.kept is not None:
            error.add_note(f"{counted(self._selection, at)} are kept in {self._target.kept}: go on with --resume")
        elif not self._is_stream:
            error.add_note("nothing is kept: start again")

    def _say(self, text: str) -> None:
        if not self._quiet:
            sys.stderr.write(f"{text}\n")
