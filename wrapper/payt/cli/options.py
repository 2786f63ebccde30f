"""Options that many commands have, and the client that they lead to.

A token comes from the environment, a file or a prompt, and never from an argument: those show in `ps`.
"""

from __future__ import annotations

import codecs
import gc
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
from click.core import ParameterSource

from payt.environments import DEMO, PRODUCTION, base_url_of

from .exits import TYPED, errors_reported

if TYPE_CHECKING:
    import payt


def option(*names: str, **settings: Any) -> click.Option:
    """An option, whose help says by which variable it can be set as well."""
    if isinstance(settings.get("type"), (click.IntRange, click.FloatRange)):
        settings.setdefault("metavar", "N")
    return click.Option(names, show_envvar=True, **settings)


class Number(click.FloatRange):
    """A number in a range: "nan" is none, though no comparison says so."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As its base."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class Command(click.Command):
    """A command that reports its errors, with `--debug` below their traceback."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params.append(option("--debug", is_flag=True, help="Show an error's traceback and the request's id."))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember which of an option's names was typed, for messages."""
        ctx.meta[TYPED] = [each.partition("=")[0] for each in args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        if not gc.isenabled():  # by `main`
            gc.freeze()  # what was imported stays until the process ends, and is not taken apart then
            gc.enable()
        with errors_reported(debug=ctx.params.pop("debug")):
            return super().invoke(ctx)


Makers: TypeAlias = dict[str, Callable[[], click.Command]]
"""What makes commands, by their names."""


class Later(click.Group):
    """A group whose commands are made when they are used: what one of them needs takes its time."""

    def __init__(self, make: Callable[[], Makers], **settings: Any) -> None:
        super().__init__(no_args_is_help=True, **settings)
        self._make = make

    def make_context(self, *arguments: Any, **settings: Any) -> click.Context:
        """Begin to use it."""
        self._makers = self._make()
        self.commands = {name: click.Command(name) for name in self._makers}  # for lists of names and suggestions
        return super().make_context(*arguments, **settings)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as its base
        """One of them, made."""
        make = self._makers.get(cmd_name)
        return make and make()


def examples(*lines: str) -> str:
    """The end of a help: what to type."""
    return "\b\n" + "\n".join(["Examples:", *(f"  payt {line}" for line in lines)])


def values_of(given: Sequence[str]) -> list[str]:
    """The values of an option that takes several, given one by one or with commas between them."""
    return [value.strip() for text in given for value in text.split(",")]


def ids_of(_context: click.Context, _option: click.Parameter, given: Sequence[str]) -> list[str]:
    """Ids as people write them, also in a variable: with commas, spaces, or both between them."""
    return re.split(r"[,\s]+", " ".join(given).strip(", \t\r\n")) if given else []


def _administrations(context: click.Context, option: click.Parameter, given: Sequence[str]) -> list[str]:
    ids = list(dict.fromkeys(ids_of(context, option, given)))  # each once
    if ALL in ids and len(ids) > 1:
        raise click.UsageError(f"{ALL} stands for every administration: leave out the ids, or leave out {ALL}")
    return ids


def _one_token(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    is_typed = context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
    if path is not None and not is_typed and os.environ.get("PAYT_TOKEN"):
        raise click.UsageError("PAYT_TOKEN and PAYT_TOKEN_FILE are both set in the environment: leave one of them out")
    return path


ALL: Final = "all"
"""What stands for the ids of all administrations that the token may read."""
ENV: Final = option(
    "--env",
    envvar="PAYT_ENV",
    type=click.Choice([PRODUCTION.name, DEMO.name]),
    help="Which of Payt's environments; by default production, or PAYT_BASE_URL if it is set.",
)
QUIET: Final = option("--quiet", "-q", is_flag=True, help="No progress and no summary.")
JSON: Final = option("--json", "as_json", is_flag=True, help="One JSON object per line.")
FIELDS: Final = option(
    "--fields",
    "--columns",
    multiple=True,
    metavar="NAME,…",
    help="Which fields, in this order.",
)
SKIP_INVALID: Final = option(
    "--skip-invalid",
    is_flag=True,
    help="Leave out records that do not match the contract; their ids are printed, and the exit code is 1.",
)
RETRIES: Final = option(
    "--retries",
    envvar="PAYT_RETRIES",
    type=click.IntRange(min=0),
    default=4,
    help="How many times to retry a request after a bad answer; while Payt is down or cannot be reached, requests are "
    "repeated for five minutes. 0 retries nothing.",
)
TOKEN_FILE: Final = option(
    "--token-file",
    envvar="PAYT_TOKEN_FILE",
    callback=_one_token,
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Read the token from this file; - reads standard input, or asks on a terminal.",
)
ACCOUNT: Final = option("--account", envvar="PAYT_ACCOUNT", help="The name of the login, if there are several.")
CONNECTION: Final = (ENV, TOKEN_FILE, ACCOUNT, RETRIES)
"""What `connect` takes."""
ADMINISTRATIONS: Final = option(
    "--administration",
    "--administration-id",
    "-a",
    "administrations",
    envvar="PAYT_ADMINISTRATION_ID",
    multiple=True,
    callback=_administrations,
    metavar="ID,…",
    help="The administration's id (required); several as -a 1,2 or -a 1 -a 2, and all that the token may read as "
    f"-a {ALL}. payt administrations list shows them.",
)
NO_ADMINISTRATION: Final = (
    "no administration: pass -a ID or -a all, or set PAYT_ADMINISTRATION_ID (payt administrations list shows the ids)"
)
NO_CREDENTIALS: Final = (
    "no credentials: set PAYT_TOKEN, pass --token-file FILE (- asks for the token), "
    "or set PAYT_CLIENT_ID and PAYT_CLIENT_SECRET, and run payt login"
)


def connect(*, env: str | None, token_file: Path | None, account: str | None, retries: int) -> payt.Client:
    """The client that a command works with.

    Raises:
        click.UsageError: The name of a login was typed, and something else is used instead of any login.
        payt.LoginRequiredError: There is nothing to get a token from.
        OSError: The file with the token cannot be read.
        ValueError: It holds no token, or the environment says something that cannot be used.
    """
    import payt  # noqa: PLC0415 - httpx takes its time

    instead = "PAYT_TOKEN" if token_file is None else f"the token in {token_file}"
    is_token = token_file is not None or bool(os.environ.get("PAYT_TOKEN"))
    is_typed = click.get_current_context().get_parameter_source("account") is ParameterSource.COMMANDLINE
    if is_token and is_typed:
        raise click.UsageError(f"--account names a login, and {instead} is used instead of any: leave one of them out")
    client_id, client_secret = os.environ.get("PAYT_CLIENT_ID"), os.environ.get("PAYT_CLIENT_SECRET")
    if not (is_token or client_id or client_secret):
        raise payt.LoginRequiredError(NO_CREDENTIALS)
    credentials: payt.StaticToken | payt.AuthorizationCode | None = None
    if token_file is not None:
        credentials = payt.StaticToken(read_token(token_file))
    elif not is_token and account and client_id and client_secret:
        credentials = payt.AuthorizationCode(client_id, client_secret, account=account)
    return payt.Client(credentials, base_url=str(base_url_of(None, env)), retries=retries)


def read_text(path: Path) -> str:
    """A text file as people have them, also with a byte order mark or in UTF-16; - is standard input.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not text.
    """
    content = sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    with suppress(UnicodeDecodeError):
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
        if "\0" not in text:  # as in UTF-16 that does not say so
            return text
    raise ValueError(f"{path} is not a text file: save it as UTF-8")


def read_token(path: Path) -> str:
    """The token in a file, or what is typed on a terminal for -, unchecked."""
    if path == Path("-") and sys.stdin.isatty():
        return str(click.prompt("Token", hide_input=True, err=True)).strip()
    return read_text(path).strip()
