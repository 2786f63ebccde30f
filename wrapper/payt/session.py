"""The httpx clients that every request of every operation passes through.

`send()` is the place that sees an answer whole: authentication has run by then, and it reads the body itself. The hooks
see each single request, also the ones that authentication adds: they keep the pace of its token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing, closing, contextmanager
from typing import Any

import httpx
import tenacity

from . import clock, pace
from .answers import retry_after
from .deadline import time_left
from .errors import PaytError
from .exchange import Exchange
from .limits import Limits
from .pickling import Recipe
from .retries import LONGEST_RETRY_AFTER


class Session(httpx.Client):
    """An httpx.Client that tries again what can be, and raises the errors of `payt.errors` for the rest.

    Args:
        reach: How far it goes for a page (`limits` is an argument of httpx, and means its connections).
        **settings: As for httpx.Client.
    """

    recipe: Recipe

    def __init__(self, *, reach: Limits, **settings: Any) -> None:
        super().__init__(event_hooks={"request": [self._starting], "response": [_answered]}, **settings)
        self._limits = reach

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        """As httpx's; what no URL can hold is a ValueError."""
        with _url_errors():
            return super().build_request(*args, **kwargs)

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request, again where that may help, and return its successful response, read to its end.

        Raises:
            APIError: The status is none of success.
            TransportError: Nothing usable came back.
            InvalidResponseError: What came back is no JSON.
        """
        exchange = Exchange(request, self._limits, lambda: self.is_closed)
        retrying = tenacity.Retrying(sleep=clock.sleep, **exchange.decisions)
        try:
            return retrying(self._attempt, exchange, {**options, "stream": True})
        except PaytError as error:
            exchange.finish(error)
            raise

    def _attempt(self, exchange: Exchange, options: dict[str, Any]) -> httpx.Response:
        with exchange.attempt():
            response = super().send(exchange.request, **options)
            with closing(response):
                for chunk in response.iter_bytes():
                    exchange.take(chunk)
        return exchange.answer(response)

    def _starting(self, request: httpx.Request) -> None:
        start = pace.start_of(request, self._limits.rate_limit)
        if start is None:
            return

        def trace(event: str, _info: Any) -> None:
            if pace.is_sending(event):
                start.sent()

        pace.follow(request, start, trace)
        with pace.queued(start):
            while seconds := start.wait():
                left = time_left()
                if not left:
                    raise httpx.PoolTimeout("no start before the deadline", request=request)
                clock.sleep(min(seconds, left))


class AsyncSession(httpx.AsyncClient):
    """The same as `Session`, for asyncio."""

    recipe: Recipe

    def __init__(self, *, reach: Limits, **settings: Any) -> None:
        async def answered(response: httpx.Response) -> None:
            _answered(response)

        super().__init__(event_hooks={"request": [self._starting], "response": [answered]}, **settings)
        self._limits = reach

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        """As `Session.build_request`."""
        with _url_errors():
            return super().build_request(*args, **kwargs)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As `Session.send`.

        Raises:
            RuntimeError: It does not run on the event loop of asyncio that it began on.
        """
        from .transport.http import running_loop  # noqa: PLC0415  # as in Client

        running_loop()
        exchange = Exchange(request, self._limits, lambda: self.is_closed)
        retrying = tenacity.AsyncRetrying(sleep=clock.sleep_async, **exchange.decisions)
        try:
            return await retrying(self._attempt, exchange, {**options, "stream": True})
        except PaytError as error:
            exchange.finish(error)
            raise

    async def _attempt(self, exchange: Exchange, options: dict[str, Any]) -> httpx.Response:
        import asyncio  # noqa: PLC0415  # takes its time, which a `Session` need not take

        with exchange.attempt():
            async with asyncio.timeout(exchange.deadline.left):
                response = await super().send(exchange.request, **options)
                async with aclosing(response):
                    async for chunk in response.aiter_bytes():
                        exchange.take(chunk)
        return exchange.answer(response)

    async def _starting(self, request: httpx.Request) -> None:
        start = pace.start_of(request, self._limits.rate_limit)
        if start is None:
            return

        async def trace(event: str, _info: Any) -> None:
            if pace.is_sending(event):
                start.sent()

        pace.follow(request, start, trace)
        with pace.queued(start):
            while seconds := start.wait():
                await clock.sleep_async(seconds)


@contextmanager
def _url_errors() -> Iterator[None]:
    try:
        yield
    except httpx.InvalidURL as error:
        raise ValueError(f"the arguments make no URL: {error}") from None


def _answered(response: httpx.Response) -> None:
    seconds = retry_after(response.headers)
    pace.note_answer(response, seconds if (seconds or 0) <= LONGEST_RETRY_AFTER else None)
