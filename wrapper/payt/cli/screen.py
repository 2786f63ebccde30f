"""What people read: texts that a terminal shows and never obeys, in colour where rich says so."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, which terminals obey, and those that turn the direction of writing."""
_OBEYED = re.compile(rf"(?!\n|\t|\r\n){_UNSEEN.pattern}")
"""The same without the line ends and tabs of a file."""


def plain(text: str) -> str:
    """A text in one line, without characters that a terminal would obey."""
    return _UNSEEN.sub(" ", text)


def counted(count: int, word: str) -> str:
    """A number with the word behind it."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def echo(text: str, *, err: bool = False) -> None:
    """Write lines to standard output, or to stderr."""
    click.echo("\n".join(map(plain, text.split("\n"))), err=err)


def output() -> Any:
    """Standard output for lines of bytes; a terminal gets what it would obey as JSON writes it."""
    if not sys.stdout.isatty():
        return sys.stdout.buffer

    return SimpleNamespace(write=lambda lines: sys.stdout.write(_harmless(lines)), flush=sys.stdout.flush)


def output_into(file: Any) -> Any:
    """The same for a file that is open: it may be a terminal as well."""
    if not file.isatty():
        return file
    return SimpleNamespace(
        write=lambda lines: file.write(_harmless(lines).encode()), flush=file.flush, close=file.close
    )


def _harmless(lines: bytes) -> str:
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", lines.decode())


def report(text: str) -> None:
    """Write lines to stderr."""
    echo(text, err=True)


def console(stream: Any = None) -> Console:
    """Standard output, or another stream, with rich's colours; what is printed there is text, and no markup."""
    from rich.console import Console  # noqa: PLC0415 - pipes need none

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            """Let the error out, for the exit code of all commands; rich would end the process with 1."""
            raise  # noqa: PLE0704 - rich calls this while it handles the error

    return Screen(file=stream or sys.stdout, markup=False, highlight=False, emoji=False, soft_wrap=True)
