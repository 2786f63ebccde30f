"""The command `payt`, extra `cli`."""

from __future__ import annotations

import sys

from ..extras import missing
from ..transport.signals import hold_signals


def main() -> None:
    """Run the command with the process's arguments, and end the process with its exit code."""
    try:
        from .app import app  # noqa: PLC0415 - what it imports may be missing
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "rich"):
            raise
        sys.exit(str(missing("the command payt", error.name or "", "cli")))
    with hold_signals():
        app()
