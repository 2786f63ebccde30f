"""`payt demo`: what the command can do, in one go, without an account."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import click

from .options import Command, examples, option
from .screen import console

STEPS = (
    ("login",),
    ("contacts", "export", "-a", "1", "-o", "contacts.csv"),
    ("contacts", "list", "-a", "1", "--limit", "5"),
    ("contacts", "check", "-a", "1", "--examples", "1"),
    ("logout", "--yes"),
)
"""The commands that are shown."""


@click.command(
    cls=Command,
    params=[option("--contacts", type=click.IntRange(min=1), default=5_000, help="How many contacts to invent.")],
    epilog=examples("demo", "demo --contacts 100000"),
)
@click.pass_context
def demo(context: click.Context, *, contacts: int) -> None:
    """Show everything with a fake Payt and invented contacts.

    Nothing leaves this machine.
    """
    from payt.testing import FakePayt  # noqa: PLC0415 - an extra of its own

    with (
        FakePayt(contacts) as fake,
        tempfile.TemporaryDirectory(prefix="payt-demo-") as folder,
        chdir(folder),
        _environment(
            PAYT_BASE_URL=fake.url,
            PAYT_CLIENT_ID=fake.oauth.client_id,
            PAYT_CLIENT_SECRET=fake.oauth.client_secret,
            XDG_DATA_HOME=folder,  # for the tokens, where the system lets users choose
            HOME=folder,
            no_proxy="*",  # a proxy is another machine; of the two spellings, this one counts
        ),
    ):
        _sit_before_the_browser()
        _say(f"A fake Payt serves {contacts:,} contacts at {fake.url}")
        for step in STEPS:
            _say(f"\n$ payt {' '.join(step)}")
            code = context.find_root().command.main(args=list(step), prog_name="payt", standalone_mode=False)
            if code:
                raise click.exceptions.Exit(code)
        size = Path("contacts.csv").stat().st_size
        _say(f"\ncontacts.csv had {size:,} bytes, and is gone with the demo. Next: payt contacts export --help")


def _sit_before_the_browser() -> None:
    """Be a person who says yes at once."""
    import webbrowser  # noqa: PLC0415 - takes its time

    class Visitor(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - as its base
            import httpx  # noqa: PLC0415 - as above

            # in a thread, because who opens a browser does not wait for it
            settings = {"follow_redirects": True, "trust_env": False}
            threading.Thread(target=httpx.get, args=(url,), kwargs=settings).start()
            return True

    webbrowser.register("payt demo", None, Visitor(), preferred=True)


def _say(text: str) -> None:
    screen = console()
    screen.print(text, style="bold cyan")
    screen.file.flush()


@contextmanager
def _environment(**settings: str) -> Iterator[None]:
    """These settings, and no others of payt."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("PAYT_"):
            del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
