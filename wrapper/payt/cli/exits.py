"""How commands end: exit codes, and errors in a line or two."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import click
from click.core import ParameterSource

from payt.errors import AuthenticationError, InvalidResponseError, LoginRequiredError, PaytError, TokenError

from .screen import report

FAILED: Final = 1
"""The API, the network or a file."""
USAGE: Final = 2
"""Arguments or settings."""
LOGIN_NEEDED: Final = 3
"""A person must log in, or give another token or secret."""
INTERRUPTED: Final = 130
"""Ctrl-C, as shells count it."""
PIPE_CLOSED: Final = 141
"""Whoever read the output has gone, as shells count it."""
TERMINATED: Final = 143
"""SIGTERM, as shells count it."""

TYPED: Final = "payt.typed"
"""Where a context keeps the arguments as they were typed."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What keeps a file from being written."""
_FOR_PROGRAMMERS: Final = re.compile(r" \(in Python: (?:[^()]|\([^()]*\))*\)")
"""What the library's messages say to nobody who types a command."""


class TerminatedError(BaseException):
    """Somebody asked the process to end."""


@contextmanager
def errors_reported(*, debug: bool) -> Iterator[None]:
    """Turn what went wrong into a message on stderr and the exit code; with `debug` the details come first."""
    try:
        yield
        sys.stdout.flush()  # what cannot be written must not be found out after the exit code was chosen
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):  # else somebody said no
            options = f"{click.get_current_context().command_path} --help"
            raise click.UsageError(
                f"an answer is needed, but standard input has ended. {options} tells how to give it"
            ) from None
        raise
    except (click.exceptions.Exit, click.ClickException):
        raise
    except BrokenPipeError:
        give_up_stdout()
        raise click.exceptions.Exit(PIPE_CLOSED) from None
    except BaseException as error:
        code = code_of(error)
        if code is None:
            raise
        if isinstance(error, OSError):
            try:
                sys.stdout.flush()  # the error may be of another file
            except (OSError, ValueError):
                give_up_stdout()
        if debug:
            _report_details(error)
        report(f"payt: {_in_options(message_of(error)) if code == USAGE else message_of(error)}")
        raise click.exceptions.Exit(code) from None


def _report_details(error: BaseException) -> None:
    """Write the traceback, and what Payt's support finds the request by."""
    import traceback  # noqa: PLC0415 - rarely needed

    report(traceback.format_exc())
    if isinstance(error, PaytError) and error.request_id:
        report(f"For Payt's support: request {error.request_id}")


def code_of(error: BaseException) -> int | None:
    """The exit code of an error; None for one that nobody foresaw."""
    match error:
        case LoginRequiredError() | AuthenticationError() | TokenError(code="invalid_client" | "unauthorized_client"):
            return LOGIN_NEEDED
        case PaytError() | OSError():
            return FAILED
        case ValueError() | TypeError() | ImportError():
            return USAGE
        case KeyboardInterrupt():
            return INTERRUPTED
        case TerminatedError():
            return TERMINATED
        case _:
            return None


def message_of(error: BaseException) -> str:
    """The error and its notes, such as how to resume or to go without a record, in the words of the command line."""
    match error:
        case KeyboardInterrupt():
            text = "interrupted"
        case io.UnsupportedOperation():
            text = "standard output is closed"
        case OSError(strerror=str(reason), filename=str(path)):
            text = f"{path}: {reason}"
        case OSError(strerror=str(reason), errno=number) if number in _FULL:  # of whatever has a name, it says that
            text = f"standard output: {reason}"
        case _:
            text = str(error) or type(error).__name__
    notes = list(getattr(error, "__notes__", ()))
    if can_be_skipped(error) and "skip_invalid" in click.get_current_context().params:
        notes.append("to leave out such records, pass --skip-invalid")
    return _FOR_PROGRAMMERS.sub("", "; ".join((text.removesuffix(".") if notes else text, *notes)))


def can_be_skipped(error: BaseException) -> bool:
    """Whether an error is about a single record that does not match the contract."""
    return isinstance(error, InvalidResponseError) and error.raw is not None


def _in_options(text: str) -> str:
    """A message about an argument of the library, as one about the option or variable that stands for it."""
    context = click.get_current_context()
    flags = {"base_url": "PAYT_BASE_URL", "client_id": "PAYT_CLIENT_ID", "client_secret": "PAYT_CLIENT_SECRET"}
    for each in context.command.params:
        is_typed = context.get_parameter_source(str(each.name)) is not ParameterSource.ENVIRONMENT
        said = next((flag for flag in context.meta[TYPED] if flag in each.opts), each.opts[0])
        said = said if is_typed else str(each.envvar)
        flags |= {flag[2:].replace("-", "_"): said for flag in each.opts if flag.startswith("--")}
        flags[str(each.name).removeprefix("by_")] = said
    flags["token"] = flags.get("token_file", "PAYT_TOKEN")
    flags["administration_ids"] = flags.get("administration_id", "-a")
    names = "|".join(flags)
    return re.sub(rf"(?:^|\b(?<=of )|\b(?<=and )|\b(?<=a name in ))(?:{names})\b", lambda name: flags[name[0]], text)


def give_up_stdout() -> None:
    """Let what is left unwritten go nowhere: Python would try once more at its end, and complain."""
    with suppress(OSError, ValueError):  # a stream without a file
        stdout = sys.stdout.fileno()
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - no path of the user's
            os.dup2(nowhere.fileno(), stdout)
