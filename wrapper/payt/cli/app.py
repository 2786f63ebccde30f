"""All commands under one roof. Each group of them is a module beside this one."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup
from typer.main import get_group

from payt import __version__
from payt_resources import LISTS, Resources

from .demo import demo
from .logins import logins
from .serve import serve_fake

app = typer.Typer(
    name="payt",
    help="What Payt holds, on the command line.",
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
    """What Payt holds, on the command line."""


class Later(TyperGroup):
    """A group whose commands are made when it is used: they need the models and httpx, which take their time."""

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """Begin to use it."""
        from . import contract, resource  # noqa: PLC0415 - see above

        name = str(self.name).replace("-", "_")
        made = contract.contract_app if name == "contract" else resource.commands_of(name)
        self.commands.update(get_group(made).commands)
        return super().make_context(*arguments, **settings)


def _add_later(name: str, about: str) -> None:
    app.add_typer(typer.Typer(), name=name.replace("_", "-"), cls=Later, help=escape(about), no_args_is_help=True)


for tag in dict.fromkeys(tag for tag, _ in LISTS.values()):
    _add_later(tag, str(getattr(Resources, tag).__doc__))
app.add_typer(logins)
app.command()(demo)
app.command()(serve_fake)
_add_later("contract", "The contract that this client was generated from.")
