"""`payt <resource> export`: records into a file, whole or not at all."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final

import attrs
import click

import payt
from payt.listing.pager import MOST_PREFETCH

from .columns import ADMINISTRATION, columns_of, reader_of
from .options import FIELDS, QUIET, SKIP_INVALID, option, values_of
from .parameters import called
from .progress import described, end_with_invalid, progress, wanted
from .screen import report
from .selection import Position, Selection
from .target import PartFile, is_device, target_of
from .writers import Format, Writer, format_of, writer_of

AHEAD: Final = 8
"""How many pages are asked for ahead of the one that is being written, where the latency asks for it."""

OPTIONS: Final = (
    option(
        "--output",
        "-o",
        type=click.Path(path_type=Path, allow_dash=True),
        metavar="FILE",
        default="-",
        help="The file; - is standard output.",
    ),
    option(
        "--format",
        "-f",
        "format_",
        type=click.Choice([*map(str, Format)]),
        help="By default what the file's ending says, or csv.",
    ),
    FIELDS,
    option("--resume", is_flag=True, help="Resume an interrupted export to this file (csv, jsonl)."),
    SKIP_INVALID,
    option("--delimiter", metavar="CHARACTER", default=",", help="The separator of CSV, such as ; or tab."),
    option("--bom", is_flag=True, help="Begin CSV with a byte order mark, for Excel."),
    option("--raw", is_flag=True, help="Keep CSV text unchanged even if spreadsheets would run it as a formula."),
    option(
        "--prefetch",
        type=click.IntRange(0, MOST_PREFETCH),
        default=AHEAD,
        help="How many pages to fetch ahead, if answers take long; 0 fetches one after the other.",
    ),
    QUIET,
)


def export_command(
    client: payt.Client,
    selection: Selection,
    *,
    output: Path,
    format_: str | None,
    fields: Sequence[str],
    resume: bool,
    skip_invalid: bool,
    prefetch: int,
    quiet: bool,
    **csv: Any,
) -> None:
    """Write records into a file; other options are about CSV alone."""
    path = None if output == Path("-") else output
    names = values_of(fields) or None
    selection = attrs.evolve(selection, fields=names, prefetch=prefetch, skip_invalid=skip_invalid)
    selection.check(client)
    chosen = None if format_ is None else Format(format_)
    Export(client, selection, path, chosen, csv, quiet=quiet).run(resume=resume)


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
        csv: dict[str, Any],
        *,
        quiet: bool,
    ) -> None:
        self._client = client
        self._selection = selection
        self._quiet = quiet
        columns = columns_of(selection.spec.record, selection.fields)
        self._read = reader_of(columns)
        headed = (ADMINISTRATION, *columns) if selection.several else columns
        self._format = format_ or (Format.CSV if path is None or is_device(path) else format_of(path))
        self._writer_of: Callable[..., Writer] = writer_of(self._format, headed, name=selection.spec.name, **csv)
        arguments = {
            "base URL": client.base_url,
            "list": selection.spec.name,
            "--administration": selection.administrations,
            **{f"--{name.replace('_', '-')}": value for name, value in selection.filters.items()},
            "--fields": [column.name for column in columns],
            "--limit": selection.limit,
            "--format": self._format,
            "--skip-invalid": selection.skip_invalid,
            **{f"--{name}": value for name, value in csv.items()},
        }
        self._target = target_of(path, arguments, resumable=self._format.is_text)
        self._is_stream = not isinstance(self._target, PartFile)
        if self._is_stream and not self._format.is_text:
            raise ValueError(
                f"{self._format} cannot go into {self._target.name}: name a file, "
                f"-o {selection.spec.name}.{self._format}"
            )

    def run(self, *, resume: bool) -> None:
        """Write everything; say what came of it on stderr.

        Raises:
            payt.PaytError: The listing failed.
            OSError: The target cannot be written.
            ValueError: There is nothing to resume into, or it was begun with other arguments.
            KeyboardInterrupt: Somebody has had enough. As with all others, a note says how to resume.
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
        self._say(f"{described(self._selection, at)}, {monotonic() - began:.1f} s: {self._target.name}")
        end_with_invalid(self._selection, at)

    def _start(self, *, resume: bool) -> Position | None:
        """Open the target; where an earlier run stopped, if it is resumed."""
        if not resume:
            self._target.open()
            return None
        first = f"the first {called(self._selection.spec, 1)}"
        if not self._format.is_text:
            self._say(f"{self._format} cannot be resumed: it starts again from {first}")
        start = self._target.reopen()
        if start is not None:
            self._say(f"resuming after {described(self._selection, start)}")
        elif self._format.is_text:
            self._say(f"nothing to resume: it starts from {first}")
        return start

    def _rows(self, administration: str | None, records: list[Any]) -> list[tuple[Any, ...]]:
        if self._selection.several:
            return [(administration, *self._read(record)) for record in records]
        return [self._read(record) for record in records]

    def _explain(self, error: BaseException, at: Position) -> None:
        """Note in an error what there is, and how to resume."""
        if isinstance(error, OSError) and error.filename is None:
            error.filename = self._target.name
        if isinstance(error, OSError) and error.errno == errno.EBUSY:
            return  # the target says itself what is kept
        if self._target.kept is not None:
            error.add_note(f"{described(self._selection, at)} are kept in {self._target.kept}: resume with --resume")
        elif not self._is_stream:
            error.add_note("nothing is kept: start again")

    def _say(self, text: str) -> None:
        if not self._quiet:
            report(text)
