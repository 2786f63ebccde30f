"""The token endpoint (RFC 6749): what is sent to it, and what its answers mean.

Requests for tokens go through an httpx client of their own: without the pace of the API's tokens, and never to another
address than the one that is known. What they go through serves a thread, as that is where they are made.

| what came | sent again |
| --- | --- |
| no connection: it cannot have arrived | yes, a few times |
| 408, 429, 500, 502, 503, 504 | yes, as for the API, where nothing else will do meanwhile |
| 401, and id or secret hold special characters | once, with these encoded the other way |
| anything else; nothing, after it was sent | no: the refresh token may be spent |
"""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import quote_plus

import attrs
import httpx
import msgspec

from ..errors import LoginRequiredError, TokenError
from ..transport.answers import address, read_error, retry_after
from ..transport.call import Call
from ..transport.proxies import route
from ..transport.redaction import redacted
from .token import Token, checked_token

LONGEST: Final = 90.0
"""Seconds for one answer, with all attempts: long, since an answer that is lost may cost the login."""
CONNECT: Final = 5.0
ATTEMPTS: Final = 3
"""How often a connection is tried; once there is one, nothing is sent twice."""
ANSWERS: Final = 5
"""How often an answer is asked for that says "later"."""
LARGEST: Final = 2**20
"""Bytes that an answer has at most."""
LATER: Final = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_WAIT: Final = 60.0
_LONGEST_LIFE: Final = 1e9
"""Seconds; what lives longer than 30 years has no end."""
_CLOCKS_AGREE: Final = 300.0
"""Seconds that the server's clock may be behind ours for its `created_at` to be believed."""
_SECRET: Final = ("refresh_token", "code", "code_verifier")


class Ask(Protocol):
    """Asks for a token, by the parameters of a request; waits where the answer is "later", if `patient`.

    Raises LoginRequiredError where the grant is no longer good, and TokenError for any other refusal, or no answer.
    """

    def __call__(self, body: Mapping[str, str], *, patient: bool) -> Token:
        """The token."""
        ...


@attrs.define(eq=False)
class TokenEndpoint:
    """The token endpoint, for one application.

    Attributes:
        base_url: The address of the API that it belongs to.
        client_id: The application's id.
        client_secret: Its secret.
        way: Arguments of `route` (verify, proxy, trust_env), and headers.
        transport: What sends in place of one of our own; it is not closed.
    """

    base_url: httpx.URL
    client_id: str
    client_secret: str = attrs.field(repr=False)
    way: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    transport: httpx.BaseTransport | None = None
    _encoded: bool = attrs.field(default=False, init=False, repr=False)

    @property
    def url(self) -> httpx.URL:
        """Where tokens are asked for."""
        return self.base_url.copy_with(path=f"{self.base_url.path.rstrip('/')}/oauth/token")

    @contextmanager
    def asking(self) -> Iterator[Ask]:
        """What asks. It is closed behind the block, so that nothing stands between an answer and keeping its token."""
        # importing httpcore takes its time, which `import payt` need not take
        from ..transport.http import Transport  # noqa: PLC0415

        way = dict(self.way)
        headers = way.pop("headers", None)
        own = None if self.transport else Transport(**route(self.url, **way))
        timeout = httpx.Timeout(LONGEST, connect=CONNECT)
        http = httpx.Client(transport=self.transport or own, timeout=timeout, follow_redirects=False, headers=headers)
        try:
            yield partial(self._token, http)
        finally:
            if own is not None:
                own.close()

    def _token(self, http: httpx.Client, body: Mapping[str, str], *, patient: bool) -> Token:
        call = Call(LONGEST)
        secrets = (self.client_secret, *(body[name] for name in _SECRET if name in body))
        attempt = 0
        while True:
            attempt += 1
            asked_at = time.time()
            try:
                with call.active():
                    response = self._answer(http, call, body)
            except httpx.RequestError as failure:
                error, seconds = _unreachable(self.url, failure), None
            else:
                token = _token_of(response.content, asked_at) if response.is_success else None
                if token is not None:
                    return token
                error, seconds = _refusal(response, secrets), _wait_after(response, attempt)
            if not patient or seconds is None or seconds >= call.left or attempt == ANSWERS:
                raise error
            call.sleep(seconds)

    def _answer(self, http: httpx.Client, call: Call, body: Mapping[str, str]) -> httpx.Response:
        """The answer; from servers that want id and secret form-encoded as well as from those that do not.

        The first are right (RFC 6749, section 2.3.1), the second are common, and only special characters show which
        one it is. A server that does not know the client has not used up what it was sent.
        """
        id_and_secret = (self.client_id, self.client_secret)
        encoded = tuple(map(quote_plus, id_and_secret))
        if self._encoded or ":" in self.client_id:
            return self._send(http, call, body, *encoded)
        response = self._send(http, call, body, *id_and_secret)
        if response.status_code == httpx.codes.UNAUTHORIZED and encoded != id_and_secret:
            second = self._send(http, call, body, *encoded)
            self._encoded = second.status_code != httpx.codes.UNAUTHORIZED
            return second if self._encoded else response
        return response

    def _send(
        self, http: httpx.Client, call: Call, body: Mapping[str, str], client_id: str, secret: str
    ) -> httpx.Response:
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        request = http.build_request(
            "POST",
            self.url,
            json=dict(body),
            headers={"Authorization": f"Basic {basic}", "Accept": "application/json", "Accept-Encoding": "identity"},
        )
        attempt = 0
        while True:
            attempt += 1
            try:
                return _read(http.send(request, stream=True))
            except (httpx.ConnectError, httpx.ConnectTimeout):  # it cannot have arrived
                if attempt == ATTEMPTS:
                    raise
                call.sleep(0.5 * attempt)


def _read(response: httpx.Response) -> httpx.Response:
    """The response with its body, as far as it is needed: a token that is there counts, however the rest ends."""
    content = b""
    try:
        for chunk in response.iter_bytes():
            content += chunk
            if response.is_success and _token_of(content, 0) is not None:
                break
            if len(content) > LARGEST:
                raise httpx.ReadError("the answer is too large", request=response.request)
    finally:
        response.close()
    whole = httpx.Response(response.status_code, content=content, request=response.request)
    whole.headers = response.headers  # only now: the body is decoded, whatever its headers say
    return whole


def _token_of(content: bytes, asked_at: float) -> Token | None:
    """The token in an answer, None where there is none. What is odd beside it must not cost the token."""
    try:
        answer = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    scope, refresh_token = answer.get("scope"), answer.get("refresh_token")
    if isinstance(refresh_token, int) and not isinstance(refresh_token, bool):
        refresh_token = str(refresh_token)
    if not isinstance(refresh_token, str) or not refresh_token:
        refresh_token = None
    lifetime, created_at = _number(answer.get("expires_in")), _number(answer.get("created_at"))
    obtained_at = asked_at
    if created_at is not None and asked_at - _CLOCKS_AGREE <= created_at <= asked_at:
        obtained_at = created_at
    try:
        access_token = checked_token("access_token", answer.get("access_token"))
    except (TypeError, ValueError):
        access_token, lifetime = "", 0  # of no use, but the refresh token beside it is
        if refresh_token is None:
            return None
    return Token(
        access_token,
        refresh_token,
        scope if isinstance(scope, str) else None,
        obtained_at,
        None if lifetime is None or lifetime > _LONGEST_LIFE else obtained_at + lifetime,
    )


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < float("inf") else None


def _wait_after(response: httpx.Response, attempts: int) -> float | None:
    """The seconds after which an answer may be another one; None where that makes no sense."""
    asked = retry_after(response.headers) or 0.0
    if response.status_code not in LATER or asked > _LONGEST_WAIT:
        return None
    return max(random.uniform(0, 0.5 * 2 ** (attempts - 1)), asked)  # noqa: S311  # full jitter


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
        code, message = code and redacted(code, secrets), redacted(said or "", secrets)
    parts = [f"POST {url}: {status}", code, message, _WAYS_OUT.get(code or "")]
    kind = LoginRequiredError if code == "invalid_grant" else TokenError
    error = kind(": ".join(part for part in parts if part))
    error.code, error.message = code, message or None
    error.method, error.url, error.status = "POST", url, status
    error.retry_after = retry_after(response.headers)
    error.request_id = redacted(response.headers.get("X-Request-Id", ""), secrets) or None
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
