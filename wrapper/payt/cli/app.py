"""All commands under one roof. Each group of them is a module beside this one."""

from __future__ import annotations

from typing import Annotated

import typer

from payt import __version__

from . import checkup, export, listing, sync  # noqa: F401 - they join the group of contacts by being imported
from .contacts import contacts_app
from .contract import contract_app
from .demo import demo
from .logins import logins
from .serve import serve_fake

app = typer.Typer(
    name="payt",
    help="Contacts from Payt, on the command line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and so tokens
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"payt-client {__version__}")
        raise typer.Exit


@app.callback()
def payt(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version, and end.")
    ] = False,
) -> None:
    """Contacts from Payt, on the command line."""


app.add_typer(contacts_app)
app.add_typer(logins)
app.command()(demo)
app.command()(serve_fake)
app.add_typer(contract_app)
