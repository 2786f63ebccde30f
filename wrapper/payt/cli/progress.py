"""What a long listing says of itself on stderr: a bar while it runs, a line when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from .parameters import called
from .selection import BEGINNING, Position, Selection


@contextmanager
def progress(selection: Selection, *, shown: bool, start: Position = BEGINNING) -> Iterator[Callable[[Position], None]]:
    """Show how far a walk is; gives a function to tell it. The API names no total, so the bar has no end."""
    if not shown:
        yield lambda _: None
        return

    from rich.console import Console  # noqa: PLC0415 - only terminals need it
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    began = monotonic()
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # what goes there is data
    )
    with bar:
        task = bar.add_task(_described(selection, start, start, 0), total=None)

        def tell(position: Position) -> None:
            bar.update(task, description=_described(selection, position, start, monotonic() - began))

        yield tell


def wanted(*, quiet: bool, into_terminal: bool) -> bool:
    """Whether a bar makes sense: somebody looks at stderr, and the data does not go to the same screen."""
    return not quiet and sys.stderr.isatty() and not into_terminal


def counted(selection: Selection, position: Position) -> str:
    """How much came, in words."""
    what = called(selection.spec, position.records)
    return f"{position.records:,} {what} in {position.pages:,} {plural('page', position.pages)}"


def _described(selection: Selection, position: Position, start: Position, seconds: float) -> str:
    text, administrations = counted(selection, position), len(selection.administrations)
    if seconds:
        text += f", {(position.records - start.records) / seconds:,.0f} a second"
    if selection.several:
        text += f", administration {min(position.administration + 1, administrations)} of {administrations}"
    return text


def plural(word: str, count: int) -> str:
    """A word as it follows a number."""
    return word if count == 1 else f"{word}s"
