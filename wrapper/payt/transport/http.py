"""The transports that a client sends through: httpx's, on connections of our own (`network`).

They are subclasses, so that whatever instruments or replaces the methods of httpx's finds them: see `_around`.
"""

from __future__ import annotations

import base64
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import MethodType
from typing import Any, cast

import httpcore
import httpx

from .network import AsyncBackend, Backend, Watched
from .process import PerProcess
from .redaction import hide

_MOMENT = 5.0
"""Seconds for threads that were woken to leave the connection that is closed then; they need next to none."""


class Transport(httpx.HTTPTransport):
    """Sends requests, from as many threads as there are; each process that is forked has connections of its own."""

    def __init__(self, verify: ssl.SSLContext, proxy: httpx.Proxy | None = None, *, http2: bool = False) -> None:
        super().__init__(verify=verify, proxy=proxy, http2=http2)
        self._backends = PerProcess(partial(Backend, **_settings(verify, proxy, http2=http2)), Backend.drop)
        self._hidden = _hiding(proxy)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx's."""
        response: httpx.Response = _around(super().handle_request, self._send)(request)
        return response

    def close(self) -> None:
        """As httpx's, and nothing is sent any more. Threads that wait for an answer get an error at once."""
        super().close()
        backend = self._backends.get()
        backend.closing.stop(_MOMENT)
        backend.pool.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, request: httpx.Request) -> httpx.Response:
        answers = self._backends.get().pool.answer(_question(request))
        with _errors_of_httpx(self._hidden):
            response = next(answers)
        return _answer(response, answers)


class AsyncTransport(httpx.AsyncHTTPTransport):
    """The same for one event loop of asyncio."""

    def __init__(self, verify: ssl.SSLContext, proxy: httpx.Proxy | None = None, *, http2: bool = False) -> None:
        super().__init__(verify=verify, proxy=proxy, http2=http2)
        self._backend = AsyncBackend(**_settings(verify, proxy, http2=http2))
        self._hidden = _hiding(proxy)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx's."""
        response: httpx.Response = await _around(super().handle_async_request, self._send)(request)
        return response

    async def aclose(self) -> None:
        """As httpx's, and nothing is sent any more."""
        await super().aclose()
        self._backend.closing.stop()
        with _errors_of_httpx():
            await self._backend.pool.aclose()

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        answers = self._backend.pool.answer(_question(request))
        with _errors_of_httpx(self._hidden):
            response = await anext(answers)
        return _answer(response, answers)


def _settings(verify: ssl.SSLContext, proxy: httpx.Proxy | None, *, http2: bool) -> dict[str, Any]:
    """The arguments of httpcore's pools that httpx's clients give by default."""
    by = None
    if proxy is not None:
        by = httpcore.Proxy(
            _url(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw, ssl_context=proxy.ssl_context
        )
    return {
        "ssl_context": verify,
        "proxy": by,
        "http2": http2,
        "keepalive_expiry": 5.0,
    }


def _around(method: Any, send: Callable[[httpx.Request], Any]) -> Callable[[httpx.Request], Any]:
    """What to call for a request: ours in place of httpx's own method, within whatever was put around that.

    Instrumentation (OpenTelemetry's, say) wraps httpx's method by a proxy of wrapt, which is made anew each time that
    the method is looked up, and calls its public `__wrapped__`. Tests replace it, and get the request.

    Raises:
        RuntimeError: It was wrapped in a way that would lead past ours.
    """
    inner = getattr(method, "__wrapped__", None)
    if inner is None:
        where = str(getattr(method, "__globals__", {}).get("__name__"))
        return send if where.startswith("httpx.") else cast("Callable[[httpx.Request], Any]", method)
    if type(method) is MethodType:
        raise RuntimeError(
            f"{method.__qualname__} of httpx was wrapped by a function, which would send past the deadlines of payt: "
            "wrap it with wrapt, or give the client a transport of your own"
        )
    method.__wrapped__ = _around(inner, send)
    return cast("Callable[[httpx.Request], Any]", method)


def _question(request: httpx.Request) -> httpcore.Request:
    return httpcore.Request(
        request.method,
        _url(request.url),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _answer(response: httpcore.Response, answers: Any) -> httpx.Response:
    return httpx.Response(
        response.status, headers=response.headers, stream=_Body(response, answers), extensions=response.extensions
    )


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer, and whether that is one to the request.

    Raises:
        httpx.RemoteProtocolError: When it is read, if it had come before the request was sent.
    """

    def __init__(self, response: httpcore.Response, answers: Any) -> None:
        self._response, self._answers = response, answers
        self._connection: Watched = response.extensions["network_stream"]
        self._unasked = not self._connection.answered
        self._end, self._is_whole = b"", False

    def __iter__(self) -> Iterator[bytes]:
        with self._reading():
            for piece in cast("Iterator[bytes]", self._response.stream):
                self._end = piece
                yield piece

    def close(self) -> None:
        with suppress(StopIteration):
            self._answers.send(self._is_whole)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._reading():
            async for piece in cast("AsyncIterator[bytes]", self._response.stream):
                self._end = piece
                yield piece

    async def aclose(self) -> None:
        with suppress(StopAsyncIteration):
            await self._answers.asend(self._is_whole)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if self._unasked:
            raise httpx.RemoteProtocolError("an answer was there before its request")
        with _errors_of_httpx():
            yield
        self._connection.complete(self._end)
        self._is_whole = True


def _hiding(proxy: httpx.Proxy | None) -> Callable[[BaseException], None] | None:
    """What hides in an error the password that a proxy is sent, and may repeat where it refuses.

    It is a function, as variables that a traceback shows must not hold that password; some of httpcore's do.
    """
    auth = None if proxy is None else proxy.raw_auth
    if auth is None:
        return None
    secrets = [base64.b64encode(b":".join(auth)).decode(), auth[1].decode()]

    def hidden(error: BaseException) -> None:
        hide(error, secrets)
        error.__traceback__ = None

    return hidden


@contextmanager
def _errors_of_httpx(hidden: Callable[[BaseException], None] | None = None) -> Iterator[None]:
    """Raise httpcore's errors, once `hidden` has been through them, as those of httpx, which have the same names."""
    try:
        yield
    except httpcore.ConnectionNotAvailable as error:  # over HTTP/2, whose server takes back what it had begun to answer
        raise httpx.RemoteProtocolError("the server gave up the answer") from error
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
        if hidden is not None:
            hidden(error)
        raise getattr(httpx, type(error).__name__)(str(error)) from error
    except _errors_of_h2() as error:  # which httpcore lets through before a request and within a body
        raise httpx.RemoteProtocolError(str(error)) from error


def _errors_of_h2() -> Any:
    """Those of the package for HTTP/2, if anything has imported that."""
    return getattr(sys.modules.get("h2.exceptions"), "H2Error", ())
