"""All commands under one roof. Each group of them is a module beside this one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from payt import __version__
from payt_resources import LISTS, Resources

from .demo import demo
from .exits import INTERRUPTED, PIPE_CLOSED, give_up_stdout
from .logins import login, logout, status
from .options import Later, Makers, examples
from .serve import serve_fake


def _show_completion(context: click.Context, _option: click.Parameter, shell: str | None) -> None:
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - rarely needed

    if shell and (completion := get_completion_class(shell)):
        click.echo(completion(context.command, {}, "payt", "_PAYT_COMPLETE").source())
        context.exit()


@contextmanager
def _ending_as_commands_do() -> Iterator[None]:
    """For what is outside of a command: while it is imported, and for help."""
    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        give_up_stdout()
        raise click.exceptions.Exit(PIPE_CLOSED) from None


class _App(click.Group):
    def make_context(self, *given: Any, **more: Any) -> click.Context:
        """As click's."""
        with _ending_as_commands_do():
            return super().make_context(*given, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """As click's."""
        with _ending_as_commands_do():
            return super().invoke(ctx)


@click.group(
    "payt",
    cls=_App,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100},
    epilog=examples("login", "contacts export -a 1 -o contacts.xlsx", "contacts list --help", "demo"),
)
@click.version_option(__version__, message="payt-client %(version)s")
@click.option(
    "--show-completion",
    type=click.Choice(["bash", "zsh", "fish"]),
    callback=_show_completion,
    is_eager=True,
    expose_value=False,
    help="Print the completion script for a shell: add it to the shell's start-up file.",
)
def app() -> None:
    """Payt's data on the command line."""


def _commands_of(tag: str) -> Makers:
    from .resource import commands_of  # noqa: PLC0415 - it needs the models and httpx, which take their time

    return commands_of(tag)


def _contract() -> Makers:
    from .contract import check  # noqa: PLC0415 - as above

    return {"check": lambda: check}


for tag in dict.fromkeys(tag for tag, _ in LISTS.values()):
    name = tag.replace("_", "-")
    about, epilog = getattr(Resources, tag).__doc__, examples(f"{name} list --help")
    app.add_command(Later(partial(_commands_of, tag), name=name, help=about, epilog=epilog))
for command in (login, status, logout, demo, serve_fake):
    app.add_command(command)
app.add_command(
    Later(
        _contract,
        name="contract",
        help="The contract that this client was generated from.",
        epilog=examples("contract check -a 1"),
    )
)
