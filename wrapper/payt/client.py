"""`payt.Client` and `payt.AsyncClient`: settings, and the resources they reach."""

from __future__ import annotations

import os
import ssl
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx

from payt_api.client import AuthenticatedClient

from ._version import __version__
from .contacts import AsyncContacts, Contacts
from .credentials import Credentials, Network, auth_of
from .environments import PRODUCTION, url_of
from .extras import missing
from .limits import Limits
from .pickling import Recipe, restore_client

if TYPE_CHECKING:  # imported where the first client is made: it takes as long as all else together
    from .session import AsyncSession, Session

DEFAULT_TIMEOUT = httpx.Timeout(30, connect=5)
USER_AGENT = "payt-client/{} python/{}.{}".format(__version__, *sys.version_info)


class Client:
    """Payt's API. Safe to share between threads; use it as a context manager, or close it.

    Args:
        credentials: A token, a `StaticToken`, `ClientCredentials`, `AuthorizationCode`, a callable that returns a
            token, or any `httpx.Auth`; None takes `PAYT_TOKEN` from the environment, else the application in
            `PAYT_CLIENT_ID` and `PAYT_CLIENT_SECRET` with the stored login or `PAYT_REFRESH_TOKEN`, else by itself.
        base_url: Where the API is, by default `PAYT_BASE_URL` from the environment, else production. Its path is kept.
        timeout: Seconds for each read, write and wait for a connection (connecting: 5 at most); or an httpx.Timeout.
        retries: How often a request is tried again at most, where that may help.
        rate_limit: How many requests start in any second with one token, in the whole process; None for any number.
        total_timeout: Seconds for one page, all attempts and waiting included.
        max_body: How many bytes an answer has at most, once it is decompressed.
        verify: As httpx's: True, False, or an ssl.SSLContext (that of an own authority, or with a client certificate).
        http2: Whether HTTP/2 may be spoken; needs the extra `http2`.
        proxy: As httpx's: the proxy's URL.
        trust_env: As httpx's: whether proxies are taken from the environment.
        transport: As httpx's: what sends the requests.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument's value cannot be used; the message says why and what to do.
        ImportError: An argument needs an extra that is not installed; the message says which.
    """

    contacts: Contacts

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: int = 4,
        rate_limit: float | None = 10.0,
        total_timeout: float = 300.0,
        max_body: int = 64 * 2**20,
        verify: bool | ssl.SSLContext = True,
        http2: bool = False,
        proxy: str | httpx.Proxy | None = None,
        trust_env: bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        from .session import Session  # noqa: PLC0415  # see above

        self._session: Session = Session(
            **_settings(credentials, base_url, timeout, transport, verify=verify, proxy=proxy, trust_env=trust_env),
            **_reach(retries, rate_limit, total_timeout, max_body, http2=http2),
        )
        self.contacts = Contacts(_api(self._session).set_httpx_client(self._session))
        self._session.recipe = Recipe(
            Client,
            credentials,
            {
                "base_url": str(self._session.base_url),  # an environment there must not lead elsewhere
                "timeout": timeout,
                "retries": retries,
                "rate_limit": rate_limit,
                "total_timeout": total_timeout,
                "max_body": max_body,
                "verify": verify,
                "http2": http2,
                "proxy": proxy,
                "trust_env": trust_env,
                "transport": transport,
            },
        )

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return _shown(self._session)

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

    def __reduce__(self) -> tuple[Any, ...]:
        return restore_client, (self._session.recipe,)

    def __repr__(self) -> str:
        return f"payt.Client(base_url={self.base_url!r})"


class AsyncClient:
    """The same as `Client`, for asyncio. Safe to share between the tasks of one event loop.

    Args:
        credentials: As for `Client`; a callable may be a coroutine function.
        base_url: As for `Client`.
        timeout: As for `Client`.
        retries: As for `Client`.
        rate_limit: As for `Client`.
        total_timeout: As for `Client`.
        max_body: As for `Client`.
        verify: As for `Client`.
        http2: As for `Client`.
        proxy: As for `Client`.
        trust_env: As for `Client`.
        transport: As httpx's: what sends the requests.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument's value cannot be used; the message says why and what to do.
        ImportError: An argument needs an extra that is not installed; the message says which.
    """

    contacts: AsyncContacts

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: int = 4,
        rate_limit: float | None = 10.0,
        total_timeout: float = 300.0,
        max_body: int = 64 * 2**20,
        verify: bool | ssl.SSLContext = True,
        http2: bool = False,
        proxy: str | httpx.Proxy | None = None,
        trust_env: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        from .session import AsyncSession  # noqa: PLC0415  # see above

        self._session: AsyncSession = AsyncSession(
            **_settings(credentials, base_url, timeout, transport, verify=verify, proxy=proxy, trust_env=trust_env),
            **_reach(retries, rate_limit, total_timeout, max_body, http2=http2),
        )
        self.contacts = AsyncContacts(_api(self._session).set_async_httpx_client(self._session))
        self._session.recipe = Recipe(
            AsyncClient,
            credentials,
            {
                "base_url": str(self._session.base_url),  # an environment there must not lead elsewhere
                "timeout": timeout,
                "retries": retries,
                "rate_limit": rate_limit,
                "total_timeout": total_timeout,
                "max_body": max_body,
                "verify": verify,
                "http2": http2,
                "proxy": proxy,
                "trust_env": trust_env,
                "transport": transport,
            },
        )

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return _shown(self._session)

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

    def __reduce__(self) -> tuple[Any, ...]:
        return restore_client, (self._session.recipe,)

    def __repr__(self) -> str:
        return f"payt.AsyncClient(base_url={self.base_url!r})"


def _settings(
    credentials: Credentials | None,
    base_url: str | None,
    timeout: float | httpx.Timeout,
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None,
    **passed_on: Any,
) -> dict[str, Any]:
    """The arguments of httpx's clients, checked."""
    url = url_of("base_url", base_url, "PAYT_BASE_URL", PRODUCTION.api)
    network = Network({**passed_on, "headers": {"User-Agent": USER_AGENT}}, transport)
    return {
        "base_url": url,
        "auth": auth_of(credentials, os.environ, url, network),
        "transport": transport,
        "timeout": _checked_timeout(timeout),
        "headers": {"User-Agent": USER_AGENT, "Accept": "application/json"},
        "follow_redirects": False,
        **passed_on,
    }


def _reach(
    retries: int, rate_limit: float | None, total_timeout: float, max_body: int, *, http2: bool
) -> dict[str, Any]:
    """The arguments that say how far a session goes, checked."""
    if http2:
        from importlib.util import find_spec  # noqa: PLC0415  # rarely needed

        if find_spec("h2") is None:
            raise missing("http2=True", "h2", "http2")
    limits = Limits(retries=retries, rate_limit=rate_limit, total_timeout=total_timeout, max_body=max_body)
    return {"reach": limits, "http2": http2}


def _checked_timeout(timeout: float | httpx.Timeout) -> httpx.Timeout:
    if isinstance(timeout, (int, float)):
        timeout = httpx.Timeout(timeout, connect=min(timeout, 5))
    if not isinstance(timeout, httpx.Timeout):
        raise TypeError(f"timeout must be a number of seconds or an httpx.Timeout, got {type(timeout).__name__}")
    for name, seconds in timeout.as_dict().items():
        if seconds is None or not 0 < seconds < float("inf"):
            raise ValueError(f"timeout: {name} must be a number of seconds above 0, got {seconds}: no request may hang")
    return timeout


def _api(session: httpx.Client | httpx.AsyncClient) -> AuthenticatedClient:
    """What the generated operations ask through; base URL and token are the session's business."""
    return AuthenticatedClient(str(session.base_url), token="")


def _shown(session: httpx.Client | httpx.AsyncClient) -> str:
    return str(session.base_url).rstrip("/")
