"""How commands end: exit codes, and errors in a line or two."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import click

from payt.errors import AuthenticationError, LoginRequiredError, PaytError

from .screen import report

FAILED: Final = 1
"""The API, the network or a file."""
USAGE: Final = 2
"""Arguments or settings."""
LOGIN_NEEDED: Final = 3
"""A person must log in, or give another token."""
INTERRUPTED: Final = 130
"""Ctrl-C, as shells count it."""
PIPE_CLOSED: Final = 141
"""Whoever read the output has gone, as shells count it."""


@contextmanager
def errors_reported(*, debug: bool, flags: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn what went wrong into a message on stderr and the exit code; with `debug` the traceback comes first.

    Args:
        debug: Whether the traceback is shown.
        flags: The options that stand for arguments of the library, by the names that its messages have for them.
    """
    try:
        yield
        sys.stdout.flush()  # what cannot be written must not be found out after the exit code was chosen
    except (click.exceptions.Exit, click.Abort, click.ClickException):
        raise
    except BrokenPipeError:
        _give_up_stdout()
        raise click.exceptions.Exit(PIPE_CLOSED) from None
    except BaseException as error:
        code = code_of(error)
        if code is None:
            raise
        if isinstance(error, OSError):
            _give_up_stdout()
        if debug:
            import traceback  # noqa: PLC0415 - rarely needed

            report(traceback.format_exc())
        report(f"payt: {in_options(message_of(error), flags or {}) if code == USAGE else message_of(error)}")
        raise click.exceptions.Exit(code) from None


def code_of(error: BaseException) -> int | None:
    """The exit code of an error; None for one that nobody foresaw."""
    match error:
        case LoginRequiredError() | AuthenticationError():
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
    """What to say of it: the error, and the notes that it gathered on its way, such as how to go on."""
    match error:
        case KeyboardInterrupt():
            text = "interrupted"
        case io.UnsupportedOperation():
            text = "standard output is closed"
        case OSError(strerror=str(reason), filename=str(path)):
            text = f"{path}: {reason}"
        case _:
            text = str(error) or type(error).__name__
    return "; ".join((text, *getattr(error, "__notes__", ())))


def in_options(text: str, flags: Mapping[str, str]) -> str:
    """A message of the library about its arguments, as one about options."""
    for name, flag in flags.items():
        text = re.sub(rf"(^|\b(?:of|and) ){name}\b", rf"\1{flag}", text)
    return text.replace("leave the argument out", "leave the option out")


def _give_up_stdout() -> None:
    """Let what is left unwritten go nowhere: Python would try once more at its end, and complain."""
    with suppress(OSError, ValueError):  # a stream that is no file
        stdout = sys.stdout.fileno()
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - no path of the user's
            os.dup2(nowhere.fileno(), stdout)
