"""The httpx clients that every request of every operation passes through.

`send()` is the place that sees an answer whole: authentication has run by then, and it reads the body itself. The hook
sees each single request, also the ones that authentication adds: it keeps the pace of its token.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

import httpx

from ..errors import RateLimitError, TransportError
from ..settings import USER_AGENT, Settings
from . import call as calls
from . import clock, pace
from .answers import about, address, error_of, sent_token
from .decoding import READERS, decoded
from .process import PerProcess
from .redaction import hide, redacted
from .retries import text_of

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger("payt")

_STARTED = "payt.started"
"""Under which a request keeps when its turn came, after it had waited for its token and its pace."""
_NOTICED = 10.0
"""Milliseconds of such a wait that a log record tells."""
_CLOSED = "the client was closed: iterate within its with block"
_PIECE = 2**15
"""How many bytes of a body are put together as they come: moving one that grows takes a fifth of a listing's time."""


class Session(httpx.Client):
    """An httpx.Client that raises the errors of `payt.errors`, within the pace and the deadline of its call.

    Its `way` is what `route` returns.
    """

    recipe: Any
    """What makes the client anew in another process."""

    def __init__(self, settings: Settings, auth: httpx.Auth, way: Mapping[str, Any]) -> None:
        from .http import Transport  # noqa: PLC0415  # it imports httpcore, which takes as long as all else together

        transport = settings.transport or Transport(**way, http2=settings.http2)
        self._closing = PerProcess(partial(calls.Cancel, calls.closed))
        super().__init__(auth=auth, transport=transport, **_options(settings, self._starting))
        self.settings = settings

    def call(self, label: str = "", cancel: calls.Cancel | None = None) -> calls.Call:
        """A new call, whose waits end when this session is closed, and when `cancel` is stopped."""
        return calls.Call(self.settings.total_timeout, filter(None, (self._closing.get(), cancel)), label)

    def close(self) -> None:
        """As httpx's. Whatever waits to send something ends at once."""
        try:
            super().close()
        finally:
            self._closing.get().stop()

    def __exit__(self, *error: Any) -> None:
        with closing(self):
            super().__exit__(*error)

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request, and return its successful response, read to its end.

        Raises:
            APIError: The status is not one of success.
            TransportError: Nothing usable came back.
        """
        exchange = _Exchange(self, request)
        with exchange.errors():
            response = super().send(request, **{**options, "stream": True})
            encoded = not response.is_stream_consumed  # that of a mock was read before
            with closing(response):
                for chunk in response.iter_raw() if encoded else response.iter_bytes():
                    exchange.take(chunk)
            return exchange.answer(response, encoded=encoded)

    def _starting(self, request: httpx.Request) -> None:
        call = calls.current() or self.call()
        with closing(pace.waits(request, self.settings, is_async=False)) as waits:
            for seconds in waits:
                if not call.left:
                    raise httpx.PoolTimeout("no start before the deadline", request=request)
                call.sleep(min(seconds, call.left))
        request.extensions[_STARTED] = clock.now()


class AsyncSession(httpx.AsyncClient):
    """The same as `Session`, for asyncio."""

    recipe: Any

    def __init__(self, settings: Settings, auth: httpx.Auth, way: Mapping[str, Any]) -> None:
        from .http import AsyncTransport  # noqa: PLC0415  # as in Session

        transport = settings.transport or AsyncTransport(**way, http2=settings.http2)
        super().__init__(auth=auth, transport=transport, **_options(settings, self._starting))
        self.settings = settings
        self._ends: set[asyncio.Timeout] = set()

    def call(self, label: str = "", _cancel: None = None) -> calls.Call:
        """A new call."""
        return calls.Call(self.settings.total_timeout, label=label)

    @asynccontextmanager
    async def within(self, seconds: float | None) -> AsyncIterator[None]:
        """In here, all ends by a TimeoutError after so many seconds, and when this session is closed."""
        import asyncio  # noqa: PLC0415  # takes its time, which a `Session` need not take

        async with asyncio.timeout(seconds) as end:
            self._ends.add(end)
            try:
                yield
            finally:
                self._ends.remove(end)

    async def aclose(self) -> None:
        """As `Session.close`."""
        try:
            await super().aclose()
        finally:
            for end in [each for each in self._ends if not each.expired()]:
                end.reschedule(0)

    async def __aexit__(self, *error: Any) -> None:
        async with aclosing(self):
            await super().__aexit__(*error)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As `Session.send`.

        Raises:
            RuntimeError: It does not run on the event loop of asyncio that it began on.
        """
        loop = calls.running_loop()
        if vars(self).setdefault("_loop", loop) is not loop:  # in one step, as threads may come at once
            raise RuntimeError("this AsyncClient belongs to another event loop: create one in each loop")
        exchange = _Exchange(self, request)
        with exchange.errors():
            async with self.within(exchange.call.left):
                response = await super().send(request, **{**options, "stream": True})
                encoded = not response.is_stream_consumed
                async with aclosing(response):
                    async for chunk in response.aiter_raw() if encoded else response.aiter_bytes():
                        exchange.take(chunk)
            return exchange.answer(response, encoded=encoded)

    async def _starting(self, request: httpx.Request) -> None:
        with closing(pace.waits(request, self.settings, is_async=True)) as waits:
            for seconds in waits:
                await clock.current().sleep_async(seconds)
        request.extensions[_STARTED] = clock.now()


def _options(settings: Settings, starting: Callable[[httpx.Request], object]) -> dict[str, Any]:
    """The arguments of httpx's clients."""
    return {
        "base_url": settings.base_url,
        "timeout": settings.timeout,
        "headers": {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": ", ".join(READERS)},
        "event_hooks": {"request": [starting]},
        "follow_redirects": False,
        "cookies": _Cookies(),
    }


class _Cookies(CookieJar):
    """Takes its lock only for an answer with cookies: Ctrl-C that comes when it is taken would leave it so for ever."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """As CookieJar's."""
        if response.info().get_all("Set-Cookie"):
            super().extract_cookies(response, request)


class _Exchange:
    """A request and what comes back. No I/O."""

    def __init__(self, session: Session | AsyncSession, request: httpx.Request) -> None:
        self.call = calls.current() or session.call()
        self._session, self._request = session, request
        self._body: list[bytes | bytearray] = [bytearray()]  # no variable holds it: tracebacks show variables
        self._size = 0
        self._began = clock.now()
        left = self.call.left
        timeouts = request.extensions.get("timeout", {})
        capped = {kind: left if seconds is None else min(seconds, left) for kind, seconds in timeouts.items()}
        request.extensions = {**request.extensions, "timeout": capped}

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Whatever of httpx's errors it ends with becomes a TransportError."""
        try:
            yield
        except TransportError:
            self._log("given up")
            raise
        except (RuntimeError, TimeoutError) as error:
            self._log(type(error).__name__)
            if self._session.is_closed:
                raise self._error(_CLOSED) from error  # httpx's bare one would tell no cursor
            if isinstance(error, RuntimeError) or self.call.left:
                raise  # not ours: whatever gives the token has timed out, say
            raise self._late() from None
        except (httpx.RequestError, ssl.SSLError) as error:
            self._log(type(error).__name__)
            hide(error, [sent_token(self._request)], "[token]")
            if not self.call.left:
                raise self._late() from None
            if isinstance(error, ssl.SSLError):  # httpcore lets those of asyncio through
                unmapped, error = error, httpx.ReadError(str(error), request=self._request)
                error.__cause__ = unmapped
            text = _CLOSED if self._session.is_closed else text_of(error)
            raise self._error(text, error) from error

    def take(self, chunk: bytes) -> None:
        """Add a piece of the body.

        Raises:
            TransportError: The body is too large, or comes too slowly.
        """
        self._size += len(chunk)
        if len(self._body[-1]) + len(chunk) <= _PIECE:
            self._body[-1] += chunk
        else:
            self._body.append(chunk if len(chunk) > _PIECE else bytearray(chunk))
        most = self._session.settings.max_body
        if self._size > most:
            raise self._error(f"the answer has more than {most} bytes (max_body)")
        if not self.call.left:
            raise self._late()

    def answer(self, response: httpx.Response, *, encoded: bool) -> httpx.Response:
        """The response with the whole body in it.

        Raises:
            APIError: Its status is not one of success.
            TransportError: It is too large, or in an encoding that nobody asked for.
            httpx.DecodingError: It is not in its encoding.
        """
        encoding = response.headers.get("Content-Encoding", "") if encoded else ""
        if encoding and self._size:
            self._decode(encoding)
        self._log(str(response.status_code), response.headers.get("X-Request-Id", ""))
        with suppress(RuntimeError):  # a mock's body was read before httpx could measure
            self.call.latency = response.elapsed.total_seconds()
        whole = httpx.Response(
            response.status_code,
            content=b"".join(self._body),
            request=response.request,
            extensions=response.extensions,
        )
        whole.headers = response.headers  # only now: the body is decoded, whatever its headers say
        if whole.is_success:
            return whole
        error = error_of(whole)
        if isinstance(error, RateLimitError):
            pace.slow_down(whole.request, error)
        raise error

    def _decode(self, encoding: str) -> None:
        raw, self._body, self._size = b"".join(self._body), [bytearray()], 0
        try:
            for piece in decoded(raw, encoding):
                self.take(piece)
        except ValueError as error:
            raise self._error(str(error)) from None

    def _late(self) -> TransportError:
        sent = _STARTED in self._request.extensions
        more = "" if sent else ": it was not sent, as it waited for a token or for the rate limit"
        return self._error(f"no complete answer within {self.call.seconds:g} s (total_timeout){more}")

    def _error(self, text: str, cause: httpx.RequestError | None = None) -> TransportError:
        request, where = self._request, address(self._request.url)
        if cause is not None:
            cause.request = httpx.Request(request.method, where)  # without the headers and the query
        return about(TransportError(f"{request.method} {where}: {text}"), request)

    def _log(self, result: str, request_id: str = "") -> None:
        if log.isEnabledFor(logging.DEBUG):
            what = " ".join(filter(None, (self._request.method, self._request.url.path, self.call.label)))
            started = self._request.extensions.get(_STARTED, now := clock.now())
            waited, took = (started - self._began) * 1000, (now - started) * 1000
            before = f" after a wait of {waited:.0f} ms" if waited >= _NOTICED else ""
            more = {"payt_request_id": redacted(request_id, [sent_token(self._request)], "[token]") or None}
            log.debug("%s: %s in %.0f ms%s, %d bytes", what, result, took, before, self._size, extra=more)
