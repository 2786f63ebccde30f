"""Requests for tokens (RFC 6749): what is sent, and what the answers mean.

They go through an httpx client of their own: without the pace of the API's tokens, without the retries of its pages,
and never to another address than the one that is known.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import attrs
import httpx
import msgspec

from ..errors import LoginRequiredError, TokenError
from ..transport import clock
from ..transport.answers import address, read_error
from ..transport.call import Call
from ..transport.proxies import route
from .bearer import checked_token
from .token import Token

if TYPE_CHECKING:
    import asyncio

LONGEST: Final = 90.0
"""Seconds for one answer, with all attempts to connect: long, since an answer that is lost may cost the login."""
CONNECT: Final = 5.0
ATTEMPTS: Final = 3
"""How often a connection is tried; once there is one, nothing is sent twice."""
LARGEST: Final = 2**20
"""Bytes that an answer has at most."""
_CLOCKS_AGREE: Final = 300.0
"""Seconds that the server's clock may be behind ours for its `created_at` to be believed."""


@attrs.frozen
class Network:
    """How the endpoint is reached: what a client was told about its network.

    Attributes:
        settings: Arguments of `route`: verify, proxy, trust_env; and headers.
        transport: What sends in place of httpx's own, if anything. It is not closed. That of an asynchronous client
            runs on its event loop: see `on_loop`.
    """

    settings: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None = None

    def on_loop(self) -> Network:
        """The same for a thread: a transport of the running event loop sends there."""
        if self.transport is None:
            return self
        import asyncio  # noqa: PLC0415  who needs it has imported it before

        return attrs.evolve(self, transport=_OnLoop(self.transport, asyncio.get_running_loop()))


@attrs.define(eq=False)
class Endpoint:
    """The token endpoint, for one application.

    Attributes:
        base_url: The address of the API that it belongs to.
        client_id: The application's id.
        client_secret: Its secret.
    """

    base_url: httpx.URL
    client_id: str
    client_secret: str = attrs.field(repr=False)
    _encoded: bool = attrs.field(default=False, init=False, repr=False)

    @property
    def url(self) -> httpx.URL:
        """Where tokens are asked for."""
        return self.base_url.copy_with(path=f"{self.base_url.path.rstrip('/')}/oauth/token")

    @contextmanager
    def reached(self, network: Network) -> Iterator[Asking]:
        """What asks. It is closed behind the block, so that nothing stands between an answer and keeping its token."""
        # importing httpcore takes its time, which `import payt` need not take
        from ..transport.http import Transport  # noqa: PLC0415

        way = dict(network.settings)
        headers = way.pop("headers", None)
        lent = network.transport
        transport = Transport(**route(self.url, **way)) if lent is None else _Lent(lent)
        timeout = httpx.Timeout(LONGEST, connect=CONNECT)
        with httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, headers=headers) as http:
            yield Asking(self, http)


class Asking:
    """Asks an endpoint for tokens."""

    def __init__(self, endpoint: Endpoint, http: httpx.Client) -> None:
        self._endpoint = endpoint
        self._http = http

    def __call__(self, body: Mapping[str, str]) -> Token:
        """The token that the endpoint answers with.

        Args:
            body: The parameters of the request, `grant_type` among them.

        Raises:
            LoginRequiredError: The grant is no longer good.
            TokenError: Any other refusal, or no answer.
        """
        endpoint = self._endpoint
        secrets = (endpoint.client_secret, *(body[name] for name in _SECRET if name in body))
        error: TokenError | None
        asked_at = time.time()
        try:
            with Call(LONGEST).active():
                response = self._answer(body)
        except httpx.RequestError as failure:
            error = _unreachable(endpoint.url, failure)
        else:
            token = _token_of(response, asked_at) if response.is_success else None
            if token is not None:
                return token
            error = _refusal(response, secrets)
        raise error

    def _answer(self, body: Mapping[str, str]) -> httpx.Response:
        """The answer; from servers that want id and secret form-encoded as well as from those that do not.

        The first are right (RFC 6749, section 2.3.1), the second are common, and only special characters show which
        one it is. A server that does not know the client has not used up what it was sent.
        """
        endpoint = self._endpoint
        id_and_secret = (endpoint.client_id, endpoint.client_secret)
        encoded = tuple(map(quote_plus, id_and_secret))
        if endpoint._encoded or ":" in endpoint.client_id:  # noqa: SLF001  its own
            return self._send(body, *encoded)
        response = self._send(body, *id_and_secret)
        if response.status_code == httpx.codes.UNAUTHORIZED and encoded != id_and_secret:
            second = self._send(body, *encoded)
            endpoint._encoded = second.status_code != httpx.codes.UNAUTHORIZED  # noqa: SLF001  its own
            return second if endpoint._encoded else response  # noqa: SLF001  its own
        return response

    def _send(self, body: Mapping[str, str], client_id: str, secret: str) -> httpx.Response:
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        request = self._http.build_request(
            "POST",
            self._endpoint.url,
            json=dict(body),
            headers={"Authorization": f"Basic {basic}", "Accept": "application/json", "Accept-Encoding": "identity"},
        )
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._read(self._http.send(request, stream=True))
            except (httpx.ConnectError, httpx.ConnectTimeout):  # it cannot have arrived
                if attempt == ATTEMPTS:
                    raise
                clock.current().sleep(0.5 * attempt)

    def _read(self, response: httpx.Response) -> httpx.Response:
        content = b""
        try:
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise httpx.ReadError("the answer is too large", request=response.request)
        finally:
            # a connection that breaks while it is closed changes nothing of what was read
            response.close()
        return httpx.Response(
            response.status_code,
            content=content,
            headers={k: v for k, v in response.headers.items() if k in _KEPT_HEADERS},
            request=response.request,
        )


class _Lent(httpx.BaseTransport):
    """A transport that belongs to somebody else, who will close it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = self._transport.handle_request(request)
        return response


class _OnLoop(httpx.BaseTransport):
    """A transport that lives on an event loop, for a thread beside it."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        from asyncio import run_coroutine_threadsafe  # noqa: PLC0415  who needs it has imported it before
        from concurrent.futures import CancelledError  # noqa: PLC0415  who needs it has imported it before

        answering = self._answer(request)
        try:
            answer = run_coroutine_threadsafe(answering, self._loop)
        except RuntimeError:
            answering.close()
            raise httpx.ConnectError("the event loop of the transport is closed", request=request) from None
        try:
            return answer.result(LONGEST)
        except (CancelledError, TimeoutError):
            raise httpx.ReadError("the event loop of the transport has ended", request=request) from None

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        streamed = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.content, extensions=request.extensions
        )
        response = await self._transport.handle_async_request(streamed)
        try:
            content = await response.aread()
        finally:
            await response.aclose()
        return httpx.Response(response.status_code, headers=response.headers, content=content)


_SECRET: Final = ("refresh_token", "code", "code_verifier")
_KEPT_HEADERS: Final = ("content-type", "location", "x-request-id")


def _token_of(response: httpx.Response, asked_at: float) -> Token | None:
    """The token in an answer, None where there is none. What is odd beside it must not cost the token."""
    try:
        answer = msgspec.json.decode(response.content)
        access_token = checked_token("access_token", answer["access_token"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        return None
    refresh_token, scope = answer.get("refresh_token"), answer.get("scope")
    lifetime, created_at = _number(answer.get("expires_in")), _number(answer.get("created_at"))
    obtained_at = asked_at
    if created_at is not None and asked_at - _CLOCKS_AGREE <= created_at <= asked_at:
        obtained_at = created_at
    return Token(
        access_token,
        refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        scope if isinstance(scope, str) else None,
        obtained_at,
        None if lifetime is None else obtained_at + lifetime,
    )


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < float("inf") else None


def _refusal(response: httpx.Response, secrets: tuple[str, ...]) -> TokenError:
    url, status = address(response.request.url), response.status_code
    code: str | None
    if response.is_success:
        code, message = None, "the answer holds no access token"
    elif response.has_redirect_location:
        code, message = None, "redirects, which is not followed: is the base URL right?"
    else:
        code, said = read_error(response.content, response.headers.get("Content-Type", ""))
        if code is None and said in _CODES:
            code, said = said, None
        message = said or ""
        for secret in secrets:
            message = message.replace(secret, "[secret]")
            code = code and code.replace(secret, "[secret]")
    parts = [f"POST {url}: {status}", code, message, _WAYS_OUT.get(code or "")]
    kind = LoginRequiredError if code == "invalid_grant" else TokenError
    error = kind(": ".join(part for part in parts if part))
    error.code, error.message = code, message or None
    error.method, error.url, error.status = "POST", url, status
    error.request_id = response.headers.get("X-Request-Id")
    return error


def _unreachable(url: httpx.URL, failure: httpx.RequestError) -> TokenError:
    sent = not isinstance(failure, (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol))
    text = f"POST {address(url)}: {type(failure).__name__}: {failure}".rstrip(": ")
    if sent:
        text += "; nobody knows whether the request was carried out: the next attempt will show"
    error = TokenError(text)
    error.method, error.url = "POST", address(url)
    return error


_CODES: Final = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"}
    | {"invalid_scope", "access_denied", "server_error", "temporarily_unavailable"}
)
"""OAuth's (RFC 6749, sections 4.1.2.1 and 5.2); they may come without a description."""
_WAYS_OUT: Final = {
    "invalid_grant": "the login is no longer good, somebody must log in again: payt login",
    "invalid_client": "are client id and client secret right, and of this environment (production or demo)?",
    "unauthorized_client": "the application is not allowed to get tokens this way",
    "invalid_scope": "the application may not have these scopes",
}
