"""`payt login`, `payt status`, `payt logout`."""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Final

import click

import payt
from payt.environments import base_url_of, text_of

from .exits import LOGIN_NEEDED
from .options import ACCOUNT, ENV, NO_CREDENTIALS, TOKEN_FILE, Command, Number, examples, option, read_token
from .screen import echo, plain

if TYPE_CHECKING:
    import httpx

    from payt.credentials.cache import TokenCache

CLIENT_ID: Final = option("--client-id", envvar="PAYT_CLIENT_ID", help="The application's id.")


@click.command(
    cls=Command,
    params=[
        CLIENT_ID,
        ACCOUNT,
        ENV,
        option("--no-browser", is_flag=True, help="Print the address, and ask for the one it leads to."),
        option(
            "--port", type=click.IntRange(0, 65_535), default=0, help="The port the browser is sent back to; 0 for any."
        ),
        option(
            "--scope",
            help='What to ask for, such as "contacts:read"; by default everything that the application may have.',
        ),
        option("--timeout", type=Number(min=1), default=300.0, help="How many seconds to wait for the login."),
    ],
    epilog=examples("login", "login --env demo --account anna", "login --no-browser"),
)
def login(*, client_id: str | None, account: str | None, env: str | None, no_browser: bool, **settings: Any) -> None:
    """Log in to Payt, for all tools on this machine.

    They find the login by the application's id. Its secret is taken from PAYT_CLIENT_SECRET, or asked for.
    """
    url = base_url_of(None, env)
    client_id = client_id or click.prompt("Client id", err=True)
    token = payt.login(
        client_id,
        os.environ.get("PAYT_CLIENT_SECRET") or click.prompt("Client secret", hide_input=True, err=True),
        base_url=str(url),
        ask=_ask if no_browser else None,
        account=account,
        **settings,
    )
    echo(f"Logged in to {text_of(url)}.")
    _tell(token)
    if os.environ.get("PAYT_CLIENT_ID") != client_id:
        echo(f"Tools find this login with PAYT_CLIENT_ID={quote(client_id)} and PAYT_CLIENT_SECRET.")
    if account and os.environ.get("PAYT_ACCOUNT") != account:
        echo(f"They find it with PAYT_ACCOUNT={quote(account)}.")


@click.command(
    cls=Command,
    params=[CLIENT_ID, ACCOUNT, ENV, TOKEN_FILE],
    epilog=examples("status", "status --env demo --account anna"),
)
def status(*, client_id: str | None, account: str | None, env: str | None, token_file: Path | None) -> None:
    """Show which credentials are used: a token, or whose login.

    The exit code is 3 if there are none: nobody is logged in, or Payt refuses the login.
    """
    url = base_url_of(None, env)
    token = _static_token(token_file)
    if token:
        echo(f"{token}: it is used at {text_of(url)} instead of any login.")
        echo("To see whether Payt accepts it, run payt administrations list")
    secret, first = os.environ.get("PAYT_CLIENT_SECRET"), os.environ.get("PAYT_REFRESH_TOKEN")
    if not (token or client_id or secret):
        raise payt.LoginRequiredError(NO_CREDENTIALS)
    if token and not client_id:
        return
    found = _tell_stored(client_id, url, account, only_person=bool(account or first))
    if first and _begins(str(client_id), account, first, found[0] if found else payt.Token("")):
        echo("PAYT_REFRESH_TOKEN is set: a login begins with it.")
        return
    if not found:
        from payt.credentials.grants import login_command  # noqa: PLC0415 - as below

        echo(f"Nobody is logged in at {text_of(url)}: run {login_command(account)}")
        if secret and not account and not token:
            echo("Until then, tools use the application itself, which Payt allows to the company that owns it.")
    if not token and (not found or any(held.refused for held in found)):
        raise click.exceptions.Exit(LOGIN_NEEDED)


@click.command(
    cls=Command,
    params=[CLIENT_ID, ACCOUNT, ENV, option("--yes", "-y", is_flag=True, help="Do not ask.")],
    epilog=examples("logout", "logout --yes --account anna"),
)
def logout(*, client_id: str | None, account: str | None, env: str | None, yes: bool) -> None:
    """Forget the tokens on this machine. What is in the environment stays."""
    url = base_url_of(None, env)
    whose = f" of {account}" if account else ""
    # an application's own token is not forgotten with one of its logins: others use it as well
    caches = [cache for what, cache in _caches(client_id, url, account).items() if not account or _LOGIN in what]
    is_kept = any(cache.is_kept for cache in caches)
    if is_kept and not yes:
        click.confirm(
            f"Forget the login{whose} at {text_of(url)}? All tools that use it will need a new one",
            abort=True,
            err=True,
        )
    for cache in caches:
        cache.forget()
    if is_kept:
        echo("Forgotten. To end the access at Payt too, remove the application there.")
    else:
        echo(f"There is no login{whose} at {text_of(url)} with the client id {client_id}: nothing to forget.")


_LOGIN = "login"


def _static_token(file: Path | None) -> str | None:
    """Where the token is that is used instead of any login, if there is one. Only standard input is not read.

    Raises:
        OSError: The file cannot be read.
        ValueError: It, or the variable, holds no token.
    """
    if file == Path("-"):
        return "The token is read from standard input"
    if file is not None:
        payt.StaticToken(read_token(file))
        return f"The token is in {file}"
    return "PAYT_TOKEN is set" if os.environ.get("PAYT_TOKEN") and payt.EnvToken("PAYT_TOKEN")() else None


def _caches(client_id: str | None, url: httpx.URL, account: str | None) -> dict[str, TokenCache]:
    """What an application may be connected by, by what to call it."""
    from payt.credentials.caches import cache_of  # noqa: PLC0415 - httpx takes its time

    if not client_id:
        raise ValueError("which application? Set PAYT_CLIENT_ID, or pass --client-id")
    store = payt.FileTokenStore()
    whose = f" of {account}" if account else ""
    # nothing is sent, so no secret is needed
    person = payt.AuthorizationCode(client_id, "not needed", store, account=account or None)
    return {
        f"A {_LOGIN}{whose} with the client id {client_id}": cache_of(person, url),
        f"The application {client_id} itself": cache_of(payt.ClientCredentials(client_id, "not needed", store), url),
    }


def _tell_stored(client_id: str | None, url: httpx.URL, account: str | None, *, only_person: bool) -> list[payt.Token]:
    """Tell what is stored, and return what may be used of it."""
    found = []
    for what, cache in _caches(client_id, url, account).items():
        held = cache.load()
        if held == payt.Token(""):
            continue
        echo(f"{what} at {text_of(url)}:")
        _tell(held)
        if _LOGIN in what or not only_person:
            found.append(held)
    if len(found) > 1:
        echo("Tools that take both from the environment use the login.")
    return found


def _begins(client_id: str, account: str | None, first: str, held: payt.Token) -> bool:
    """Whether a login begins with the refresh token of the environment.

    Raises:
        payt.TokenError: What is stored works, and is another login.
    """
    from payt.credentials.grants import another_login, owns  # noqa: PLC0415 - as above

    person = payt.AuthorizationCode(client_id, "not needed", refresh_token=first, account=account or None)
    begins = person.begins(held)
    if not begins and not owns(person, held):
        raise another_login(person)
    return begins


def _tell(token: payt.Token) -> None:
    """What a token allows and until when; never the token."""
    echo(f"  scopes:       {plain(token.scope or 'not said')}")
    echo(f"  since:        {_moment(token.obtained_at)}")
    if token.expires_at is None:
        echo("  access token: good until it is revoked")
    elif token.is_due(time.time(), 0):
        echo(f"  access token: ended {_moment(token.expires_at)}")
    else:
        echo(f"  access token: until {_moment(token.expires_at)}")
    if token.refused:
        echo("  is renewed:   no, Payt has refused its refresh token: log in again")
    elif token.refresh_token is not None:
        echo("  is renewed:   yes, when a tool needs it; Payt takes each refresh token once, within 90 days")


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S %Z}"
    except (OverflowError, OSError, ValueError):
        return "an impossible time"


def _ask(address: str) -> str:
    click.echo(
        "Open this address in a browser, on any machine, and log in:\n\n"
        f"{address}\n\n"
        "The browser ends on a page at 127.0.0.1 that it cannot show. Copy its address from there.",
        err=True,
    )
    # what is typed holds the code, which is good for one use with the secret only
    pasted: str = click.prompt("Address", err=True)
    return pasted
