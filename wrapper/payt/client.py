"""`payt.Client` and `payt.AsyncClient`: settings, and the resources they reach."""

from __future__ import annotations

import inspect
import os
import ssl
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Never, Self, TypeVar

import attrs
import httpx

from payt_api.client import AuthenticatedClient
from payt_resources import AsyncResources, Resources

from . import checks
from .credentials import Credentials, auth_of
from .credentials.auth import GrantAuth
from .environments import ADDRESSES, text_of
from .errors import InvalidResponseError
from .pickling import Recipe
from .settings import Settings, check_way, warn_of_blind_trust
from .transport.pace import checked
from .transport.proxies import route
from .transport.redaction import plain
from .transport.retries import Operation, ask, ask_async
from .transport.session import AsyncSession, Session
from .transport.starts import Pace

if TYPE_CHECKING:
    from payt_api.types import Response

R = TypeVar("R")
TransportT = TypeVar("TransportT", httpx.BaseTransport, httpx.AsyncBaseTransport)
SessionT = TypeVar("SessionT", Session, AsyncSession)


class _Client(Generic[TransportT, SessionT]):
    """What both clients are."""

    _session_of: Callable[[Settings, httpx.Auth, Mapping[str, Any]], SessionT]
    _session: SessionT
    _transports: ClassVar[type]
    _api: AuthenticatedClient

    @checks.showing_no_arguments
    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = 30.0,
        retries: int = 4,
        rate_limit: float | None = 10.0,
        pace: Pace | None = None,
        total_timeout: float = 300.0,
        max_body: int = 64 * 2**20,
        verify: bool | ssl.SSLContext = True,
        http2: bool = False,
        proxy: str | httpx.Proxy | None = None,
        trust_env: bool = True,
        transport: TransportT | None = None,
        allow_http: bool = False,
        token_transport: httpx.BaseTransport | None = None,
        **mistaken: Never,
    ) -> None:
        given = locals()
        _refuse(f"payt.{type(self).__name__}", type(self), given["mistaken"])
        checked(pace)
        if transport is not None and not isinstance(transport, self._transports):
            what = f"an httpx.{self._transports.__name__}, got {type(transport).__name__}"
            raise TypeError(f"transport: payt.{type(self).__name__} sends its requests through {what}")
        settings = Settings(**{field.name: given[field.name] for field in attrs.fields(Settings)})
        # once, for the token endpoint as well: reading the certificates takes longer than all else here
        way = route(settings.base_url, verify=settings.verify, proxy=settings.proxy, trust_env=settings.trust_env)
        warn_of_blind_trust(settings)
        # requests for tokens are made in threads of their own; some transports are for both kinds of client
        sync = settings.token_transport or given["transport"]
        sync = sync if isinstance(sync, httpx.BaseTransport) else None
        auth = auth_of(credentials, os.environ, settings.base_url, way, sync)
        asks_for_tokens = sync is None and isinstance(auth, GrantAuth)  # by a way of ours, whatever sends the rest
        if not settings.allow_http and (settings.transport is None or asks_for_tokens):
            check_way(settings.base_url, way["proxy"], is_named=settings.proxy is not None)
        # base URL and token are the session's business
        self._api = AuthenticatedClient(str(settings.base_url), token="")
        self._session = self._session_of(settings, auth, way)
        self._session.recipe = Recipe(type(self), credentials, settings)
        if isinstance(self._session, Session):
            self._api.set_httpx_client(self._session)
        else:
            self._api.set_async_httpx_client(self._session)

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return text_of(self._session.base_url)

    @checks.showing_no_arguments
    def with_options(
        self,
        *,
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        total_timeout: float | None = None,
        **_mistaken: Never,
    ) -> Self:
        """A client like this one but for these arguments, for calls that may take longer, or must not.

            patient = client.with_options(total_timeout=900, retries=10)

        It shares the tokens and the rate limit, and a transport of your own, which only the first client closes. Its
        connections are its own: keep it for as long as you need it, and close it as well.

        Args:
            timeout: As for the client; None leaves it as it is.
            retries: The same.
            total_timeout: The same.

        Raises:
            TypeError: An argument is of a wrong type.
            ValueError: An argument's value cannot be used.
        """
        _refuse("with_options", self.with_options, _mistaken)
        options = {"timeout": timeout, "retries": retries, "total_timeout": total_timeout}
        changes: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        recipe = self._session.recipe
        if recipe.settings.transport is not None:
            changes["transport"] = _Lent(recipe.settings.transport)
        other: Self = recipe.like(self._session.auth, **changes)
        other._session.recipe = attrs.evolve(recipe, settings=other._session.settings)
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        return Recipe.make, (self._session.recipe,)

    def __copy__(self, _memo: object = None) -> Self:
        return self  # a client holds connections, of which there is no copy

    __deepcopy__ = __copy__

    def __repr__(self) -> str:
        return f"payt.{type(self).__name__}(base_url={self.base_url!r})"


class Client(_Client[httpx.BaseTransport, Session], Resources):
    """Payt's API. Safe to share between threads; use it as a context manager, or close it.

        with payt.Client("a token") as client:
            for contact in client.contacts.list(administration_id="1"):
                print(contact.lastname)

    Args:
        credentials: A token, a `StaticToken`, an `EnvToken`, `ClientCredentials`, `AuthorizationCode`, a callable that
            returns a token, or any `httpx.Auth`; None takes `PAYT_TOKEN` or the file `PAYT_TOKEN_FILE` from the
            environment, else the application in `PAYT_CLIENT_ID` and `PAYT_CLIENT_SECRET` with the stored login or
            `PAYT_REFRESH_TOKEN`, else by itself.
        base_url: The API's address; by default `PAYT_BASE_URL` from the environment, or that of the environment in
            `PAYT_ENV`, else production. A path is kept. `payt.environments` has both addresses.
        timeout: Seconds for each read, write and wait for a connection (connecting: 5 at most); or an httpx.Timeout.
        retries: How many times to retry a request after a bad answer. Refused connections and an unavailable service
            are waited out until `total_timeout` instead. 0 retries nothing.
        rate_limit: How many requests may start in any second with one token; None for no limit.
        pace: Who shares that limit. None: all processes of this user on this machine; `payt.ProcessPace()`: this
            process only; `payt.SQLPace(url)`: all processes on all machines that reach a database.
        total_timeout: Seconds for one page, including all attempts and waits.
        max_body: How many bytes an answer may have, decompressed.
        verify: As in httpx: True, False, or an ssl.SSLContext (for your own authority, or a client certificate).
        http2: Whether to use HTTP/2 where possible; needs the extra `http2`.
        proxy: As in httpx: the proxy's URL.
        trust_env: As in httpx: whether proxies are taken from the environment.
        transport: As in httpx: what sends the requests.
        allow_http: Whether to allow a base URL over http:// on another machine, or by a proxy there, which sends the
            token unencrypted.
        token_transport: What sends the requests for tokens, in a thread: a transport for an httpx.Client. None takes
            `transport` if it is one, else the client's own, with the same `verify` and proxy.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument's value cannot be used; the message says why and what to do.
        ImportError: An argument needs an extra that is not installed; the message says which.
        OSError: `PAYT_TOKEN_FILE` cannot be read.
    """

    _session_of = Session
    _transports = httpx.BaseTransport

    def call(self, operation: Operation[R], **arguments: Any) -> R | None:
        """Call any operation of the contract, with the same tokens, rate limit, retries (GET only) and errors.

        Args:
            operation: A generated operation: its module, such as `payt_api.api.contacts.list_contacts`.
            **arguments: The arguments of the operation; None leaves one out.

        Returns:
            The parsed answer; None if it has no content.

        Raises:
            TypeError: An argument is missing, of a wrong type, or not one of the operation.
            ValueError: An argument's value cannot be used; nothing was sent.
            PaytError: No answer came, or it is an error.
        """
        return ask(self._api, operation, _checked(operation, arguments), _parsed)

    def close(self) -> None:
        """Close all connections. A closed client sends nothing more."""
        self._session.close()

    def __enter__(self) -> Self:
        self._session.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.__exit__(kind, error, traceback)


class AsyncClient(_Client[httpx.AsyncBaseTransport, AsyncSession], AsyncResources):
    """The same as `Client`, for asyncio, with the same arguments. Safe to share between the tasks of one event loop.

    In `credentials`, a callable may be a coroutine function; `transport` is an asynchronous one.
    """

    _session_of = AsyncSession
    _transports = httpx.AsyncBaseTransport

    def call(self, operation: Operation[R], **arguments: Any) -> Coroutine[Any, Any, R | None]:
        """As `Client.call`; awaited."""
        return ask_async(self._api, operation, _checked(operation, arguments), _parsed)

    async def aclose(self) -> None:
        """Close all connections. A closed client sends nothing more."""
        await self._session.aclose()

    async def __aenter__(self) -> Self:
        await self._session.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.__aexit__(kind, error, traceback)


def _refuse(what: str, function: Callable[..., Any], mistaken: Mapping[str, object]) -> None:
    for name in mistaken:
        meant, known = _ELSEWHERE.get(name, name), [*inspect.signature(function).parameters][:-1]
        hint = checks.hint(meant, known, otherwise="it takes")
        example = f" It is {ADDRESSES}" if meant == "base_url" else ""
        raise TypeError(f"{what} has no argument {name!r}: {hint}{example}")


def _parsed(answer: Response[R]) -> R | None:
    if answer.parsed is None and answer.content.strip():
        text = f"{answer.url}: status {answer.status_code} brought a body that the contract does not describe"
        error = InvalidResponseError(text, path="$")
        error.url, error.status = answer.url, answer.status_code
        error.request_id = plain(answer.headers.get("X-Request-Id", "")) or None
        raise error
    return answer.parsed


class _Lent(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """The transport of another client, which closes it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = self._transport.handle_request(request)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = await self._transport.handle_async_request(request)
        return response


_ELSEWHERE = {
    **dict.fromkeys(("token", "api_key", "access_token", "api_token", "auth", "bearer"), "credentials"),
    **dict.fromkeys(("url", "host", "endpoint", "api_url", "env", "environment"), "base_url"),
    "proxies": "proxy",
}
"""What arguments of other clients are called here."""


def _checked(operation: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an operation, checked and encoded."""
    if not callable(getattr(operation, "sync_detailed", None)):
        raise TypeError(
            f"operation must be a generated module, such as payt_api.api.contacts.list_contacts, got {operation!r:.100}"
        )
    from .listing.arguments import encoded  # noqa: PLC0415  # takes its time, which a client that is only made need not

    return encoded(operation, arguments)
