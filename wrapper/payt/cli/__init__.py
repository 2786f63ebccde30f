"""The command `payt`, extra `cli`."""

from __future__ import annotations

import gc
import io
import os
import sys

from ..extras import missing
from ..transport.signals import hold_signals, ignore_while_ending


def main() -> None:
    """Run the command with the process's arguments, and end the process with its exit code."""
    prepare_streams()
    gc.disable()  # until a command works: what is imported is no garbage
    try:
        from .app import app  # noqa: PLC0415 - what it imports may be missing
        from .exits import give_up_stdout  # noqa: PLC0415 - as above
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("click", "rich"):
            raise
        sys.exit(str(missing("the command payt", error.name or "", "cli")))
    try:
        with hold_signals():
            try:
                app(prog_name="payt")
            finally:
                ignore_while_ending()
    except OSError as error:  # a help that cannot be written: all else was reported
        give_up_stdout()
        sys.exit(f"payt: standard output: {error.strerror or 'it is closed'}")


def prepare_streams() -> None:
    """Make standard streams that take any text, whatever their encoding, and exist.

    A process can be started without them (`>&-`, pythonw, a program without a console). They are opened again, so that
    no file and no connection becomes standard output by taking its number; what is written to it is an error, and
    messages go nowhere.
    """
    for name, mode in (("stdin", "r"), ("stdout", "r"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
