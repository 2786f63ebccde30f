"""The token endpoint (RFC 6749): what is sent to it, and what its answers mean.

Requests for tokens go through an httpx client of their own: without the pace of the API's tokens, and never to another
address than the one that is known. What they go through serves a thread, as that is where they are made.

| what came | sent again |
| --- | --- |
| no connection: it cannot have arrived; 429, 502, 503, 504 | for 80 s, as for the API, where nothing else will do |
| no connection, and a token that is still good will do meanwhile | twice |
| 408, 500 | the same, four times |
| 401, and id or secret hold special characters | once, with these encoded the other way |
| anything else, as an untrusted certificate; nothing, after it was sent | no: the refresh token may be spent |
| any of these when the program is ending, or has left `payt.hold_signals()` | no |
"""

from __future__ import annotations

import base64
import inspect
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from typing import Any, Final
from urllib.parse import quote_plus

import attrs
import httpx

from ..errors import LoginRequiredError, TokenError
from ..settings import USER_AGENT
from ..transport import clock
from ..transport.answers import about, address, read_error, retry_after
from ..transport.call import Call
from ..transport.proxies import route
from ..transport.redaction import hide, redacted
from ..transport.retries import LONGEST_RETRY_AFTER, RETRIED, WAITED_OUT, backoff, is_final, text_of
from ..transport.signals import resting
from .stores import Token
from .token_answers import read, token_of

LONGEST: Final = 90.0
"""Seconds for one answer, with all attempts: long, since an answer that is lost may cost the login."""
ENOUGH: Final = 10.0
"""Seconds that every attempt has: one that is cut off too early may have spent the refresh token."""
CONNECT: Final = 5.0
ATTEMPTS: Final = 3
"""How often a connection is tried at least; once there is one, nothing is sent twice."""
ANSWERS: Final = 5
"""How often 408 and 500 are taken for an answer that will be another one."""
_SECRET: Final = ("refresh_token", "code", "code_verifier")
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)


@attrs.define(eq=False)
class TokenEndpoint:
    """The token endpoint, for one application."""

    base_url: httpx.URL  # of the API that it belongs to
    client_id: str
    client_secret: str = attrs.field(repr=False)
    way: Mapping[str, Any] | None = attrs.field(default=None, repr=False)  # what `route` returns; None asks it
    transport: httpx.BaseTransport | None = None  # in place of one of our own; it is not closed

    @property
    def url(self) -> httpx.URL:
        """Where tokens are asked for."""
        return self.base_url.copy_with(path=f"{self.base_url.path.rstrip('/')}/oauth/token")

    def ask(self, body: Mapping[str, str], *, patient: bool) -> Token:
        """Ask for a token, and wait where there is no connection yet or the answer is "later", if `patient`.

        Raises:
            LoginRequiredError: The grant no longer works.
            TokenError: It was refused for another reason, or there is no answer.
        """
        call, attempt = Call(LONGEST), 0
        with self._client() as http:
            while True:
                attempt += 1
                asked_at = time.time()
                try:
                    with call.active():
                        response, content = self._answer(http, body)
                except httpx.RequestError as failure:
                    hide(failure, self._secrets(body))
                    error = self._unreachable(failure)
                    again = isinstance(failure, _NOT_SENT) and not is_final(failure) and (patient or attempt < ATTEMPTS)
                else:
                    token = token_of(content, asked_at) if response.is_success else None
                    if token is not None:
                        return token
                    error, status = self._refusal(response, content, body), response.status_code
                    again = patient and (status in WAITED_OUT or (status in RETRIED and attempt < ANSWERS))
                asked, seconds = error.retry_after or 0.0, backoff(attempt, error)
                if not again or asked > LONGEST_RETRY_AFTER or seconds > call.left - ENOUGH:
                    raise error
                with resting() as is_over:
                    clock.current().sleep(seconds, partial(_wait_unless, is_over))
                if is_over():
                    raise error

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        # importing httpcore takes its time, which `import payt` need not take
        from ..transport.http import Transport  # noqa: PLC0415

        given = self.transport
        if isinstance(given, httpx.MockTransport):
            given = httpx.MockTransport(partial(_mocked, given.handler))
        timeout = httpx.Timeout(LONGEST, connect=CONNECT)
        headers = {"User-Agent": USER_AGENT}
        with nullcontext(given) if given else closing(Transport(**self.way or route(self.url))) as transport:
            yield httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, headers=headers)

    def _answer(self, http: httpx.Client, body: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        """The answer. A server that does not know the client has not used up what it was sent."""
        for basic in self._basic():
            headers = {"Authorization": f"Basic {basic}", "Accept": "application/json", "Accept-Encoding": "identity"}
            request = http.build_request("POST", self.url, json=dict(body), headers=headers)
            response = http.send(request, stream=True)
            content = read(response)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                break
        return response, content

    def _basic(self) -> list[str]:
        """Id and secret as headers carry them, for servers that want them as they are or form-encoded.

        The second are right (RFC 6749, section 2.3.1), the first are common, and only special characters show which
        one it is.
        """
        pair = self.client_id, self.client_secret
        encoded = [*map(quote_plus, pair)]
        pairs = [encoded] if ":" in self.client_id else [pair, encoded]
        return [*dict.fromkeys(base64.b64encode(":".join(each).encode()).decode() for each in pairs)]

    def _secrets(self, body: Mapping[str, str]) -> list[str]:
        return [self.client_secret, *self._basic(), *(body[name] for name in _SECRET if name in body)]

    def _refusal(self, response: httpx.Response, content: bytes, body: Mapping[str, str]) -> TokenError:
        secrets, token = self._secrets(body), token_of(content, 0)
        if token is not None:  # whatever the status: no message shows it
            secrets += filter(None, (token.access_token, token.refresh_token))
        code: str | None = None
        if response.is_success:
            message: str | None = "the answer has no access token"
        elif response.has_redirect_location:
            message = "the answer redirects, which is not followed: is the base URL right?"
        else:
            code, message = read_error(content, response.headers.get("Content-Type", ""))
            if code is None and re.fullmatch("[a-z]+_[a-z_]+", message or ""):  # OAuth's, without a description
                code, message = message, None
            code, message = code and redacted(code, secrets), message and redacted(message, secrets)
        parts = filter(None, (code, message, _WAYS_OUT.get(code or "")))
        kind = LoginRequiredError if code == "invalid_grant" else TokenError
        error = about(kind(": ".join([f"POST {address(self.url)}: {response.status_code}", *parts])), response.request)
        error.code, error.message, error.status = code, message or None, response.status_code
        error.retry_after = retry_after(response.headers)
        error.request_id = redacted(response.headers.get("X-Request-Id", ""), secrets) or None
        return error

    def _unreachable(self, failure: httpx.RequestError) -> TokenError:
        text = f"POST {address(self.url)}: {text_of(failure)}"
        if not isinstance(failure, _NOT_SENT):
            text += "; the request may or may not have been carried out: the next attempt will show"
        return about(TokenError(text), failure.request)


def _wait_unless(is_over: Callable[[], bool], seconds: float) -> None:
    while seconds > 0 and not is_over():
        time.sleep(min(seconds, 0.1))
        seconds -= 0.1


def _mocked(handler: Callable[[httpx.Request], Any], request: httpx.Request) -> httpx.Response:
    """What the handler of a mock answers; it may be a coroutine function, as for an AsyncClient."""
    import asyncio  # noqa: PLC0415  takes its time, which who works without it need not take

    answer = handler(request)

    async def awaited() -> httpx.Response:
        response: httpx.Response = await answer
        await response.aread()
        return response

    return asyncio.run(awaited()) if inspect.isawaitable(answer) else answer


_WAYS_OUT: Final = {
    "invalid_grant": "the login no longer works; somebody must log in again: payt login (in Python: payt.login)",
    "invalid_client": "are the client id and secret right, and for this environment (production or demo)?",
    "unauthorized_client": "the application is not allowed to get tokens this way",
    "invalid_scope": "the application may not have these scopes",
}
