"""How commands end: exit codes, and errors in a line or two."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

from payt.errors import LoginRequiredError, PaytError

FAILED: Final = 1
"""The API, the network or a file."""
USAGE: Final = 2
"""Arguments or settings."""
LOGIN_NEEDED: Final = 3
"""A person must log in."""
INTERRUPTED: Final = 130
"""Ctrl-C, as shells count it."""


@contextmanager
def errors_reported(*, debug: bool) -> Iterator[None]:
    """Turn what went wrong into a message on stderr and the exit code; with `debug` the traceback comes first."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except BaseException as error:
        code = code_of(error)
        if code is None:
            raise
        if debug:
            import traceback  # noqa: PLC0415 - rarely needed

            traceback.print_exc()
        sys.stderr.write(f"payt: {message_of(error)}\n")
        raise typer.Exit(code) from None


def code_of(error: BaseException) -> int | None:
    """The exit code of an error; None for one that nobody foresaw."""
    match error:
        case LoginRequiredError():
            return LOGIN_NEEDED
        case PaytError() | OSError():
            return FAILED
        case ValueError() | TypeError() | ImportError():
            return USAGE
        case KeyboardInterrupt():
            return INTERRUPTED
        case _:
            return None


def message_of(error: BaseException) -> str:
    """What to say of it."""
    return "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
