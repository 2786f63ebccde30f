"""Tokens in requests: the `httpx.Auth` of each kind of credentials."""

from __future__ import annotations

import copy
import inspect
import os
import re
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import httpx

from .. import checks
from ..errors import PaytError, TokenError
from .grants import AuthorizationCode, ClientCredentials, Grant
from .stores import NO_TOKEN

if TYPE_CHECKING:
    from .cache import TokenCache
    from .endpoint import TokenEndpoint

MOST_TOKENS: Final = 10
"""How many tokens a request is sent with at most: others may renew as fast as it is sent, but not for ever."""

TokenSource: TypeAlias = Callable[[], str | Awaitable[str]]
"""Returns a token each time it is called; may be a coroutine function for `AsyncClient`."""


@checks.showing_no_arguments
@attrs.frozen
class StaticToken:
    """A token that never changes. If Payt refuses it, that is final."""

    token: str = attrs.field(repr=False, validator=checks.of_field(checks.token))


def _variable(name: str, value: Any) -> None:
    if not re.fullmatch(r"[A-Za-z_]\w*", checks.text(name, value), re.ASCII):
        raise ValueError(f"{name} must be that of a variable in the environment, such as PAYT_TOKEN_ACME, and no token")


@checks.showing_no_arguments
@attrs.frozen
class EnvToken:
    """The token in a variable of the environment, which is read for each request. It travels to workers by name.

    Args:
        name: The variable, such as "PAYT_TOKEN_ACME".

    Raises:
        TypeError: The name is not a string.
        ValueError: It is not the name of a variable; or, when a client is made, that is not set, or holds no token.
    """

    name: str = attrs.field(validator=checks.of_field(_variable))

    def __call__(self) -> str:
        """The token.

        Raises:
            ValueError: The variable is not set, or holds no token.
        """
        if not os.environ.get(self.name):
            shown = "its variable" if re.search("[a-z]", self.name) else self.name  # it may be a token by mistake
            raise ValueError(f"{shown} is not set in the environment: EnvToken takes the name of one that is")
        return checks.token(self.name, os.environ[self.name])


Credentials: TypeAlias = str | StaticToken | EnvToken | ClientCredentials | AuthorizationCode | TokenSource | httpx.Auth
"""What `payt.Client(credentials)` takes."""

WAYS = """\
no credentials. Pass one of these to payt.Client(...):
  a token, or payt.StaticToken(token), or payt.EnvToken("NAME")
  payt.AuthorizationCode(client_id, client_secret)    after somebody has logged in: payt login
  payt.ClientCredentials(client_id, client_secret)    for the company that owns the application
or set in the environment:
  PAYT_TOKEN, or PAYT_TOKEN_FILE
  PAYT_CLIENT_ID and PAYT_CLIENT_SECRET, and PAYT_REFRESH_TOKEN if there is no stored login yet"""


def auth_of(
    credentials: Credentials | None,
    environment: Mapping[str, str],
    base_url: httpx.URL,
    way: Mapping[str, Any],
    transport: httpx.BaseTransport | None = None,
) -> httpx.Auth:
    """How requests are authorized: by what was given, else by what the environment holds.

    Raises:
        TypeError: It is nothing that credentials can be.
        ValueError: A token is empty or no token, or none is given anywhere, or two are.
        OSError: A file with a token cannot be read.
        TokenError: Whether there is a stored login cannot be told.
    """
    if credentials is None:
        credentials = _in_environment(environment, base_url)
    if isinstance(credentials, str):
        credentials = StaticToken(checks.token("the token (credentials)", credentials))
    match credentials:
        case StaticToken(token=token):
            return BearerAuth(lambda: token)
        case EnvToken():
            credentials()  # what is missing is told at once
            return BearerAuth(credentials)
        case ClientCredentials() | AuthorizationCode():
            from .caches import cache_of  # noqa: PLC0415  # a token needs none of it
            from .endpoint import TokenEndpoint  # noqa: PLC0415  # as above

            grant = _completed(credentials, environment)
            endpoint = TokenEndpoint(base_url, grant.client_id, grant.client_secret, way, transport)
            return GrantAuth(grant, cache_of(grant, base_url), endpoint)
        case httpx.Auth():
            return credentials
        case _ if callable(credentials):
            return BearerAuth(credentials)
        case _:
            raise TypeError(
                "credentials must be a token, a StaticToken, EnvToken, ClientCredentials, AuthorizationCode, a "
                f"callable that returns a token, an httpx.Auth or None, got {type(credentials).__name__}"
            )


def _in_environment(environment: Mapping[str, str], base_url: httpx.URL) -> StaticToken | Grant:
    if environment.get("PAYT_TOKEN"):
        if environment.get("PAYT_TOKEN_FILE"):
            raise ValueError("PAYT_TOKEN and PAYT_TOKEN_FILE are both set in the environment: leave one of them out")
        return StaticToken(checks.token("PAYT_TOKEN", environment["PAYT_TOKEN"]))
    if environment.get("PAYT_TOKEN_FILE"):
        path = Path(environment["PAYT_TOKEN_FILE"])
        try:
            text = path.read_text("utf-8-sig", errors="replace")  # an error would show it
        except OSError as error:
            raise type(error)(error.errno, f"PAYT_TOKEN_FILE: {error.strerror}", str(path)) from None
        return StaticToken(checks.token("PAYT_TOKEN_FILE", text.strip()))
    names = ("PAYT_CLIENT_ID", "PAYT_CLIENT_SECRET")
    missing = [name for name in names if not environment.get(name)]
    if len(missing) == len(names):
        raise ValueError(WAYS)
    if missing:
        raise ValueError(f"{({*names} - {*missing}).pop()} is set in the environment, but {missing[0]} is not")
    application = environment[names[0]], environment[names[1]]
    person = _completed(AuthorizationCode(*application), environment)
    if person.refresh_token is not None or person.account is not None:
        return person
    from .caches import cache_of  # noqa: PLC0415  # as above

    try:
        cache = cache_of(person, base_url)
    except TokenError:  # nobody can be logged in where no folder is
        return ClientCredentials(*application)
    return person if cache.load() != NO_TOKEN else ClientCredentials(*application)


def _completed(grant: Grant, environment: Mapping[str, str]) -> Grant:
    """A grant with what a login begins with, and whose it is, from the environment where that was not said."""
    if isinstance(grant, ClientCredentials):
        return grant
    first, account = environment.get("PAYT_REFRESH_TOKEN"), environment.get("PAYT_ACCOUNT")
    if grant.refresh_token is None and first:
        grant = attrs.evolve(grant, refresh_token=checks.token("PAYT_REFRESH_TOKEN", first))
    return attrs.evolve(grant, account=account) if grant.account is None and account else grant


class _Auth(httpx.Auth):
    """Does what `_steps` yields, one after the other: a request is sent, anything else is waited for."""

    @abstractmethod
    def _steps(self, request: httpx.Request) -> Generator[Any, Any, None]:
        """What to send, or to await."""

    def _wait(self, step: Any) -> Any:
        """What a step gives where it cannot be awaited."""
        if inspect.iscoroutine(step):
            step.close()
        raise TypeError("credentials is a coroutine function, which payt.Client cannot wait for: use payt.AsyncClient")

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authorize a request of `payt.Client`."""
        steps = self._steps(request)
        with suppress(StopIteration):
            step = next(steps)
            while True:
                step = steps.send((yield request) if step is request else self._wait(step))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorize a request of `payt.AsyncClient`."""
        steps = self._steps(request)
        with suppress(StopIteration):
            step = next(steps)
            while True:
                step = steps.send((yield request) if step is request else await step)


class BearerAuth(_Auth):
    """Sends the token that `source` returns for each request (RFC 6750, section 2.1)."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def _steps(self, request: httpx.Request) -> Generator[Any, Any, None]:
        token: Any = self._source()
        if inspect.isawaitable(token):
            token = yield token
        problem = ""
        try:
            checks.token("the token that credentials() returned", token)
        except (TypeError, ValueError) as error:  # whose traceback shows it
            problem = str(error)
        else:
            request.headers["Authorization"] = f"Bearer {token}"
        del token  # from the frame, which the traceback of an error shows
        if problem:
            raise TokenError(problem)
        yield request


class GrantAuth(_Auth):
    """Sends the access token of a grant, which is renewed before its end, and once when Payt refuses it.

    A refused token means little while others renew: theirs is in the store by then, and is tried first. So is every
    other token that turns up there; only when a new one was asked for and nothing else is left, 401 is final. A new one
    that has ended by the time it is refused, as on a busy machine, does not count.
    """

    def __init__(self, grant: Grant, cache: TokenCache, endpoint: TokenEndpoint) -> None:
        self._grant = grant
        self._cache = cache
        self._endpoint = endpoint

    def _steps(self, request: httpx.Request) -> Generator[Any, Any, None]:  # no local variable shows a token
        cache, may_ask = self._cache, True
        for _ in range(MOST_TOKENS):
            token = cache.ready(self._grant)
            if token is None:
                token = yield cache.search(self._grant, self._endpoint, may_ask)
                if isinstance(token, PaytError):
                    raise copy.copy(token)  # each who waited needs one of their own, as raising writes into it
                if token is None:
                    return
                may_ask = may_ask and token is not cache.newest
            request.headers["Authorization"] = f"Bearer {token.access_token}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return
            cache.refuse(token)
            may_ask = may_ask or token.is_due(time.time(), 0)

    def _wait(self, step: Any) -> Any:
        return step.result()
