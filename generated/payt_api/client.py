# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""Where and as whom the operations ask: the settings of an httpx client, made when it is first needed."""

import ssl
from types import TracebackType
from typing import Any, Self

import attrs
import httpx


@attrs.define
class Client:
    """Settings for operations that need no authentication.

    Attributes:
        raise_on_unexpected_status: Raise `errors.UnexpectedStatus` for a status that the contract does not know;
            without it, such a response is parsed as None.

    Args:
        base_url: The address that the paths of the contract are joined to; may have a path of its own.
        cookies: Sent with every request.
        headers: Sent with every request.
        timeout: By default 5 seconds to connect and 30 for each read, write or wait for a connection.
        verify_ssl: As httpx's `verify`: True, False, or a context.
        follow_redirects: As httpx's.
        httpx_args: More arguments for `httpx.Client` and `httpx.AsyncClient`.
    """

    _base_url: str = attrs.field(alias="base_url")
    raise_on_unexpected_status: bool = attrs.field(default=False, kw_only=True)
    _cookies: dict[str, str] = attrs.field(factory=dict[str, str], alias="cookies", kw_only=True, repr=False)
    _headers: dict[str, str] = attrs.field(factory=dict[str, str], alias="headers", kw_only=True, repr=False)
    _timeout: httpx.Timeout = attrs.field(factory=lambda: httpx.Timeout(30, connect=5), alias="timeout", kw_only=True)
    _verify_ssl: bool | ssl.SSLContext = attrs.field(default=True, alias="verify_ssl", kw_only=True)
    _follow_redirects: bool = attrs.field(default=False, alias="follow_redirects", kw_only=True)
    _httpx_args: dict[str, Any] = attrs.field(factory=dict[str, Any], alias="httpx_args", kw_only=True, repr=False)
    _client: httpx.Client | None = attrs.field(default=None, init=False, repr=False, eq=False)
    _async_client: httpx.AsyncClient | None = attrs.field(default=None, init=False, repr=False, eq=False)

    def with_headers(self, headers: dict[str, str]) -> Self:
        """A new client with these headers besides those of this one, which stays as it is."""
        return attrs.evolve(self, headers={**self._headers, **headers})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """A new client with these cookies besides those of this one, which stays as it is."""
        return attrs.evolve(self, cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: httpx.Timeout) -> Self:
        """A new client with this timeout; this one stays as it is."""
        return attrs.evolve(self, timeout=timeout)

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Use `client` for synchronous requests; its settings count, not the ones given here."""
        self._client = client
        return self

    def get_httpx_client(self) -> httpx.Client:
        """The client for synchronous requests, made on the first call."""
        if self._client is None:
            self._client = httpx.Client(**self._arguments())
        return self._client

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Use `async_client` for asynchronous requests; its settings count, not the ones given here."""
        self._async_client = async_client
        return self

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The client for asynchronous requests, made on the first call."""
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(**self._arguments())
        return self._async_client

    def __enter__(self) -> Self:
        self.get_httpx_client().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.get_httpx_client().__exit__(kind, error, traceback)

    async def __aenter__(self) -> Self:
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.get_async_httpx_client().__aexit__(kind, error, traceback)

    def _arguments(self) -> dict[str, Any]:
        return {
            "base_url": self._base_url,
            "cookies": self._cookies,
            "headers": self._headers,
            "timeout": self._timeout,
            "verify": self._verify_ssl,
            "follow_redirects": self._follow_redirects,
            **self._httpx_args,
        }


@attrs.define
class AuthenticatedClient(Client):
    """Settings for operations that need a token, besides those of `Client`.

    Attributes:
        token: Sent with every request, and in no repr.
        prefix: What stands before it.
        auth_header_name: The header that carries it.
    """

    token: str = attrs.field(kw_only=True, repr=False)
    prefix: str = attrs.field(default="Bearer", kw_only=True)
    auth_header_name: str = attrs.field(default="Authorization", kw_only=True)

    def _arguments(self) -> dict[str, Any]:
        arguments = super(AuthenticatedClient, self)._arguments()
        credentials = f"{self.prefix} {self.token}" if self.prefix else self.token
        return {**arguments, "headers": {**self._headers, self.auth_header_name: credentials}}
