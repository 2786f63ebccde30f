"""`payt demo`: what the command can do, in one go, without an account."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from .exits import errors_reported
from .options import DebugOption
from .screen import console

STEPS = (
    ("contacts", "export", "-a", "1", "-o", "contacts.csv"),
    ("contacts", "list", "-a", "1", "--limit", "5", "--columns", "id,firstname,infix,lastname,postal_address_city"),
    ("contacts", "check", "-a", "1", "--examples", "1"),
)
"""The commands that are shown."""


def demo(
    context: typer.Context,
    *,
    contacts: Annotated[int, typer.Option("--contacts", min=1, help="How many contacts to invent.")] = 5_000,
    debug: DebugOption = False,
) -> None:
    """Show what this command can do, with a fake Payt and invented contacts: nothing leaves this machine."""
    with errors_reported(debug=debug):
        from payt.testing import FakePayt  # noqa: PLC0415 - an extra of its own

        with FakePayt(contacts) as fake, _environment({"PAYT_BASE_URL": fake.url, "PAYT_TOKEN": fake.token}), _folder():
            _say(f"A fake Payt serves {contacts:,} contacts at {fake.url}")
            for step in STEPS:
                _say(f"\n$ payt {' '.join(step)}")
                code = context.find_root().command.main(args=list(step), prog_name="payt", standalone_mode=False)
                if code:
                    raise typer.Exit(code)
            size = Path("contacts.csv").stat().st_size
            _say(f"\ncontacts.csv had {size:,} bytes, and is gone with the demo. Next: payt contacts export --help")


def _say(text: str) -> None:
    screen = console()
    screen.print(Text(text, "bold cyan"), soft_wrap=True)
    screen.file.flush()


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """These settings of payt, and no others."""
    before = {name: value for name, value in os.environ.items() if name.startswith("PAYT_")}
    for name in before:
        del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in settings:
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _folder() -> Iterator[None]:
    """Work in a folder that is gone afterwards."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="payt-demo-") as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
