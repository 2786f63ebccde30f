"""`payt <resource> export`: records into a file, whole or not at all."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Final

import attrs
import click

import payt
from payt.listing.pager import MOST_PREFETCH

from .exits import can_be_skipped
from .options import FIELDS, QUIET, SKIP_INVALID, option
from .parameters import called
from .progress import described, end_with_invalid, progress, wanted
from .screen import report
from .selection import Position, Selection
from .target import PartFile, Stream, target_of
from .writers import FORMATS, TEXT_FORMATS, format_of, writer_of

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
        type=click.Choice(FORMATS),
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
    resume: bool,
    prefetch: int,
    quiet: bool,
    **csv: Any,
) -> None:
    """Write records into a file; other options are about CSV alone.

    Raises:
        payt.PaytError: The listing failed.
        OSError: The target is a folder, or cannot be written.
        ValueError: The format cannot be told, or cannot go into a pipe; there is nothing to resume into, or it was
            started with other arguments.
        ImportError: The format needs a package that is not installed.
        KeyboardInterrupt: Somebody has had enough. As with all others, a note says how to resume.
    """
    selection = attrs.evolve(selection, prefetch=prefetch)
    selection.check(client)
    name, columns = selection.spec.name, selection.columns
    target = target_of(None if output == Path("-") else output)
    is_stream = not isinstance(target, PartFile)
    format_ = (format_ or "csv") if is_stream else format_of(output, format_)
    writer = writer_of(format_, columns, name=name, **csv)
    if is_stream and format_ not in TEXT_FORMATS:
        raise ValueError(f"{format_} cannot go into {target.name}: name a file, -o {name}.{format_}")
    arguments = {
        "base URL": client.base_url,
        "list": name,
        "--administration": (selection.several, selection.administrations),
        **{f"--{name.replace('_', '-')}": value for name, value in selection.filters.items()},
        "--fields": [column.name for column in selection.own_columns],
        "--limit": selection.limit,
        "--format": format_,
        **{f"--{name}": value for name, value in csv.items()},
    }
    say = (lambda _: None) if quiet else report
    start = _start(selection, target, arguments, format_ if resume else None, say)
    began, at = monotonic(), start or Position()
    shown = wanted(quiet=quiet, into_terminal=is_stream and sys.stdout.isatty())
    keep = target.keep if format_ in TEXT_FORMATS else lambda _: None
    try:
        with (
            writer(target.file, **{"resumed": True} if start else {}) as write,
            progress(selection, shown=shown, start=at) as tell,
        ):
            keep(at)
            for position, rows in selection.rows(client, at):
                write(rows)
                keep(position)
                at = position
                tell(position)
        target.complete()
    except BaseException as error:
        _explain(error, target, described(selection, at))
        target.close()
        raise
    say(f"{described(selection, at)}, {monotonic() - began:.1f} s: {target.name}")
    end_with_invalid(selection, at)


def _start(
    selection: Selection, target: Stream, arguments: dict[str, Any], resumed: str | None, say: Callable[[str], None]
) -> Position | None:
    """Open the target; where an earlier run stopped, if this format of it is to be resumed."""
    first = f"the first {called(selection.spec, 1)}"
    can_be_resumed = resumed in TEXT_FORMATS
    if resumed and not can_be_resumed:
        say(f"{resumed} cannot be resumed: it starts again from {first}")
    start = target.open(arguments, resume=can_be_resumed)
    if can_be_resumed:
        say(f"resuming after {described(selection, start)}" if start else f"nothing to resume: it starts from {first}")
    return start


def _explain(error: BaseException, target: Stream, written: str) -> None:
    """Note in an error what there is, and how to resume."""
    if isinstance(error, OSError):
        error.filename = error.filename or target.name
        if error.errno == errno.EBUSY:
            return  # the target says itself what is kept
    if target.kept is not None:
        error.add_note(f"{written} are kept in {target.kept}: resume with --resume")
    elif isinstance(target, PartFile):
        error.add_note("nothing is kept" if can_be_skipped(error) else "nothing is kept: start again")
