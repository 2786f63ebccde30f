"""What a long listing says of itself on stderr: a bar while it runs, a line when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

import click

from .exits import FAILED
from .parameters import called
from .screen import console, counted, echo, plain, report
from .selection import BEGINNING, Position, Selection


@contextmanager
def progress(selection: Selection, *, shown: bool, start: Position = BEGINNING) -> Iterator[Callable[[Position], None]]:
    """Show how far a walk is; gives a function to tell it. The API names no total, so the bar has no end."""
    began = monotonic()
    with running(shown=shown) as update:
        update(_sofar(selection, start, start, 0))
        yield lambda position: update(_sofar(selection, position, start, monotonic() - began))


@contextmanager
def running(*, shown: bool) -> Iterator[Callable[..., None]]:
    """A bar on stderr, if it is to be shown; gives what changes its text, and prints lines on standard output."""
    if not shown:
        yield lambda _, *lines: echo("\n".join(lines)) if lines else None
        return

    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn()
    # standard output is not for it: what goes there is data
    with Progress(*columns, console=console(sys.stderr), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=None)

        def update(text: str, *lines: str) -> None:
            bar.update(task, description=text)
            if lines:
                bar.stop()  # both may be on the same screen
                echo("\n".join(lines))
                bar.start()

        yield update


def wanted(*, quiet: bool, into_terminal: bool = False) -> bool:
    """Whether a bar makes sense: somebody looks at stderr, and the data does not go to the same screen."""
    return not quiet and sys.stderr.isatty() and not into_terminal


def described(selection: Selection, position: Position) -> str:
    """How much came, in words."""
    return f"{position.records:,} {called(selection.spec, position.records)} in {counted(position.pages, 'page')}"


def end_with_invalid(selection: Selection, position: Position) -> None:
    """Say which records were left out, if any were.

    Raises:
        click.exceptions.Exit: Some were.
    """
    if position.invalid:
        report_invalid(selection, position.invalid)
        raise click.exceptions.Exit(FAILED)


def report_invalid(selection: Selection, invalid: Sequence[str], whose: str = "") -> None:
    """Say which records were left out."""
    what = f"{len(invalid):,} {called(selection.spec, len(invalid))} left out as invalid"
    report(f"payt: {whose}{what}: {', '.join(map(plain, invalid))}")


def _sofar(selection: Selection, position: Position, start: Position, seconds: float) -> str:
    text, administrations = described(selection, position), len(selection.administrations)
    if seconds:
        text += f", {(position.records - start.records) / seconds:,.0f} a second"
    if selection.several:
        text += f", administration {min(position.administration + 1, administrations)} of {administrations}"
    return text
