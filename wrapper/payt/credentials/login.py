"""Logging in: a person says yes in the browser, and the tokens are kept (RFC 6749, section 4.1; RFC 8252; RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import secrets
import sys
import webbrowser
from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from .. import checks
from ..environments import DEMO, PRODUCTION, base_url_of, url_of
from ..errors import PaytError, TokenError
from ..settings import check_way
from ..transport.proxies import route
from ..transport.redaction import plain
from .caches import cache_of
from .endpoint import TokenEndpoint
from .grants import AuthorizationCode, ForeignAddressError
from .loopback import Loopback
from .stores import NO_TOKEN, Token, TokenStore

log = logging.getLogger("payt")

PATH: Final = "/callback"
TIMEOUT: Final = 300.0


def login(
    client_id: str | None = None,
    client_secret: str | None = None,
    *,
    base_url: str | None = None,
    app_url: str | None = None,
    store: TokenStore | None = None,
    scope: str | None = None,
    port: int = 0,
    timeout: float = TIMEOUT,
    browser: Callable[[str], object] | None = None,
    ask: Callable[[str], str] | None = None,
    account: str | None = None,
    allow_http: bool = False,
) -> Token:
    """Have a person log in to Payt, and keep the tokens for `payt.AuthorizationCode`.

    A page opens in the browser. When the person has agreed, Payt sends the browser back to a port of this machine,
    where this function waits.

    Args:
        client_id: The application's id; None is `PAYT_CLIENT_ID`.
        client_secret: Its secret; None is `PAYT_CLIENT_SECRET`.
        base_url: The address of the API, as for `payt.Client`.
        app_url: The address where people log in; None is `PAYT_APP_URL`, else what belongs to `base_url`.
        store: Where the tokens are kept; None is `FileTokenStore()`.
        scope: The scopes to ask for, separated by spaces; None takes those of the application.
        port: The port to wait on; 0 takes any. Choose one if the application's redirect URI is registered with a port,
            such as `http://127.0.0.1:PORT/callback`.
        timeout: How many seconds the person has.
        browser: Called, in a thread, with the address of the page, instead of opening it in this machine's browser.
        ask: For machines without a browser: called with the address of the page; returns the address that the browser
            ended on. No port is opened; the browser cannot show that last page, but its address is right.
        account: A name for this login, if several people or companies log in to one application; None is
            `PAYT_ACCOUNT`, if it is set. A login replaces the one with the same name.
        allow_http: As for `payt.Client`: the application's secret and the tokens travel unencrypted then.

    Returns:
        The token, which is in the store.

    Raises:
        TokenError: The person refused or took too long, the port is in use, the answer does not belong to this login,
            Payt does not accept the application, or the store cannot be used.
        TypeError: An argument is of a wrong type.
        ValueError: An argument cannot be used.
    """
    try:
        grant = _grant_of(client_id, client_secret, store, account)
    finally:
        del client_secret  # from the frame, which the traceback of an error shows
    api = base_url_of(base_url)
    if not checks.flag("allow_http", allow_http):
        check_way(api, route(api)["proxy"])
    app = url_of("app_url", app_url, "PAYT_APP_URL", _app_of(api))
    if {app.host, httpx.URL(_app_of(api)).host} == {httpx.URL(each.app).host for each in (PRODUCTION, DEMO)}:
        raise ValueError(
            f"app_url {app} is not where people log in for {api}: production and demo have their own pages"
        )
    checks.number("port", port, least=0, most=65_535)
    checks.seconds("timeout", timeout, above=0)
    _check_optional(scope, browser=browser, ask=ask)
    cache = cache_of(grant, api)
    held = cache.replace(grant)  # what cannot be written is better known before anybody logs in
    if isinstance(held, PaytError):
        raise held
    if held != NO_TOKEN:
        log.warning(
            "this login replaces the stored one; to keep both, name one of them: --account (in Python: account=)"
        )
    endpoint = TokenEndpoint(api, grant.client_id, grant.client_secret)

    def finish(address: str) -> Token | PaytError:
        problem = attempt.read(address)
        del address  # as above: it may be interrupted while it waits
        return problem or cache.replace(grant, partial(attempt.exchange, endpoint))

    result: Token | BaseException
    if ask is not None:
        attempt = Attempt(grant.client_id, app, f"http://127.0.0.1{f':{port}' if port else ''}{PATH}", scope)
        result = finish(_address(ask(attempt.address)))
    else:
        with Loopback(port, PATH) as loopback:
            attempt = Attempt(grant.client_id, app, loopback.address, scope)
            result = loopback.wait(timeout, partial(browser or open_browser, attempt.address), finish)
    if not isinstance(result, Token):
        raise result
    return result


@checks.showing_no_arguments
def _grant_of(
    client_id: str | None, client_secret: str | None, store: TokenStore | None, account: str | None
) -> AuthorizationCode:
    client_id = client_id if client_id is not None else os.environ.get("PAYT_CLIENT_ID")
    client_secret = client_secret if client_secret is not None else os.environ.get("PAYT_CLIENT_SECRET")
    if client_id is None or client_secret is None:
        raise ValueError("login() needs client_id and client_secret, or PAYT_CLIENT_ID and PAYT_CLIENT_SECRET")
    return AuthorizationCode(client_id, client_secret, store, account=account or os.environ.get("PAYT_ACCOUNT") or None)


def logout(
    client_id: str | None = None,
    *,
    base_url: str | None = None,
    store: TokenStore | None = None,
    account: str | None = None,
) -> bool:
    """Forget a login: delete its tokens from the store. The access at Payt ends only where its owner removes it there.

    Args:
        client_id: The application's id; None is `PAYT_CLIENT_ID`.
        base_url: The address of the API, as for `payt.Client`.
        store: Where the tokens are kept; None is `FileTokenStore()`.
        account: The name of the login; None is `PAYT_ACCOUNT`, if it is set, else the login without a name.

    Returns:
        Whether there was one.

    Raises:
        TokenError: The store cannot be used.
        TypeError: An argument is of a wrong type.
        ValueError: An argument cannot be used, or there is no client id.
    """
    client_id = client_id if client_id is not None else os.environ.get("PAYT_CLIENT_ID")
    if client_id is None:
        raise ValueError("logout() needs client_id, or PAYT_CLIENT_ID")
    grant = AuthorizationCode(client_id, "not needed", store, account=account or os.environ.get("PAYT_ACCOUNT") or None)
    return cache_of(grant, base_url_of(base_url)).forget()


class Attempt:
    """One attempt to log in: the address that it begins with, and what the one means that it ends with.

    What is secret of it is nowhere else, so that no traceback shows it.
    """

    def __init__(self, client_id: str, app: httpx.URL, redirect_uri: str, scope: str | None) -> None:
        self.redirect_uri = redirect_uri
        self._state = secrets.token_urlsafe(32)
        self._verifier = secrets.token_urlsafe(64)
        self._code = ""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self._verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "state": self._state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({} if scope is None else {"scope": scope}),
        }
        self.address = f"{str(app).rstrip('/')}/oauth/authorize?{urlencode(query)}"

    def read(self, redirected_to: str) -> TokenError | None:
        """Take the code from the address that the browser was sent to, or tell why there is none."""
        try:
            redirected_to.encode()  # a lone surrogate is an error: what was typed is not an address
            answer = dict(parse_qsl(urlsplit(redirected_to).query, keep_blank_values=True))
        except ValueError:
            answer = {}
        if not answer.keys() & {"code", "error"}:
            return ForeignAddressError(
                "this is not the address that the browser is sent to after logging in: it contains no code"
            )
        if not secrets.compare_digest(answer.get("state", "").encode(), self._state.encode()):
            return ForeignAddressError(
                "the answer does not belong to this login (its state differs): was it from an earlier attempt? "
                "Nothing was saved; log in again"
            )
        if "error" in answer:
            code, message = plain(answer["error"]), plain(answer.get("error_description", ""))
            reason = "the login was refused" if code == "access_denied" else f"Payt could not log in: {code}"
            error = TokenError(f"{reason}: {message}" if message else reason)
            error.code, error.message = code, message or None
            return error
        self._code = answer["code"]
        return None

    def exchange(self, endpoint: TokenEndpoint) -> Token:
        """Exchange the code for a token.

        Raises:
            TokenError: It is not given.
        """
        body = {
            "grant_type": "authorization_code",
            "code": self._code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self._verifier,
        }
        return endpoint.ask(body, patient=True)


def open_browser(address: str) -> None:
    """Open a page in the browser of this machine, and say where it is in case that nothing opens."""
    if sys.stderr is not None:  # as in programs without a console
        sys.stderr.write(
            f"Log in to Payt in the browser. If no page opens, open this one on this machine:\n{address}\n"
        )
    webbrowser.open(address)


def _check_optional(scope: str | None, **functions: object) -> None:
    if scope:
        checks.text("scope", scope)
    for name, function in functions.items():
        if function is not None:
            checks.function(name, function)


def _address(returned: object) -> str:
    """The address that `ask` returned."""
    if not isinstance(returned, str):
        raise TypeError(f"ask must return the address that the browser ended on, got {type(returned).__name__}")
    return returned.strip()


def _app_of(api: httpx.URL) -> str:
    """Where people log in for an API: Payt's pages for Payt's addresses, else the same server."""
    for environment in (PRODUCTION, DEMO):
        if api.host == httpx.URL(environment.api).host:
            return environment.app
    return str(api)
