"""One request with all its attempts: what goes out, what comes back, and what that leads to. No I/O.

`Session` and `AsyncSession` send and wait; everything that they decide is decided here.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import tenacity

from . import asked, clock
from .answers import address, error_of, is_json, not_json, transport_error_of
from .deadline import Deadline
from .errors import APIError, PaytError, TransportError
from .limits import Limits
from .retries import delay, is_transient

log = logging.getLogger("payt")


class Exchange:
    """A request, from the first attempt to its answer or error.

    Args:
        request: What is asked.
        limits: How far to go for it.
        closed: Whether the client was closed meanwhile, and sends nothing more.
    """

    def __init__(self, request: httpx.Request, limits: Limits, closed: Callable[[], bool]) -> None:
        self.request = request
        self.deadline = Deadline(limits.total_timeout)
        self._limits = limits
        self._closed = closed
        self._asked = asked.current()
        self._asked.begin(request)
        self._timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        self._began = clock.now()
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def decisions(self) -> dict[str, Any]:
        """When to try again and how long to wait before, as arguments of tenacity's Retrying and AsyncRetrying."""
        return {
            "retry": tenacity.retry_if_exception(is_transient),
            "wait": delay,
            "stop": self._stops,
            "before_sleep": self._warn,
            "reraise": True,
        }

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One attempt: whatever of httpx's errors it ends with becomes an error of `payt.errors`."""
        self._asked.attempts = (self._asked.attempts or 0) + 1
        self._chunks, self._size = [], 0
        left = self.deadline.left
        capped = {kind: left if seconds is None else min(seconds, left) for kind, seconds in self._timeouts.items()}
        self.request.extensions = {**self.request.extensions, "timeout": capped}
        self._began = clock.now()
        try:
            with self.deadline.holds():
                yield
        except TransportError:
            self._log("given up")
            raise
        except RuntimeError as error:
            if not self._closed():
                raise
            raise self._error("the client was closed") from error  # httpx's bare one would tell no cursor
        except (httpx.RequestError, TimeoutError, ssl.SSLError) as error:
            failure = self._failure(error)
            self._log(type(error).__name__)
            raise failure from failure.__cause__

    def take(self, chunk: bytes) -> None:
        """Add a piece of the body.

        Raises:
            TransportError: The body is too large, or comes too slowly.
        """
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > self._limits.max_body:
            raise self._error(f"the answer has more than {self._limits.max_body} bytes (max_body)")
        if not self.deadline.left:
            raise self._too_late()

    def answer(self, response: httpx.Response) -> httpx.Response:
        """The response with the whole body in it.

        Raises:
            APIError: Its status is none of success.
            InvalidResponseError: Its body is no JSON.
        """
        self._asked.status = response.status_code
        self._asked.request_id = response.headers.get("X-Request-Id")
        self._log(str(response.status_code))
        whole = httpx.Response(
            response.status_code,
            content=b"".join(self._chunks),
            request=response.request,
            extensions=response.extensions,
        )
        whole.headers = response.headers  # only now: the body is decoded, whatever its headers say
        if not whole.is_success:
            raise error_of(whole)
        if whole.status_code == httpx.codes.OK and not is_json(whole):
            raise not_json(whole)
        return whole

    def finish(self, error: PaytError) -> None:
        """Write what is known of all attempts into the error that is left of them."""
        self._asked.tell(error)
        if self._asked.attempts and self._asked.attempts > 1:
            error.args = (f"{error} ({self._asked.attempts} attempts)", *error.args[1:])

    def _stops(self, state: tenacity.RetryCallState) -> bool:
        enough = state.attempt_number > self._limits.retries
        return enough or self._closed() or state.upcoming_sleep >= self.deadline.left

    def _warn(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        reason = f"status {error.status_code}" if isinstance(error, APIError) else _reason(error)
        log.warning(
            "%s: %s; attempt %d of %d in %.2f s",
            str(self._asked),
            reason,
            state.attempt_number + 1,
            self._limits.retries + 1,
            state.upcoming_sleep,
        )

    def _failure(self, error: httpx.RequestError | TimeoutError | ssl.SSLError) -> TransportError:
        if not self.deadline.left:
            return self._too_late()
        if isinstance(error, ssl.SSLError):  # httpcore lets those of asyncio through
            unmapped, error = error, httpx.ReadError(str(error), request=self.request)
            error.__cause__ = unmapped
        if isinstance(error, TimeoutError):
            raise error  # not ours: whatever gives the token has timed out
        return transport_error_of(error, error.request)

    def _too_late(self) -> TransportError:
        return self._error(f"no complete answer within {self.deadline.seconds:g} s (total_timeout)")

    def _error(self, text: str) -> TransportError:
        return TransportError(f"{self.request.method} {address(self.request.url)}: {text}")

    def _log(self, result: str) -> None:
        if log.isEnabledFor(logging.DEBUG):
            milliseconds = (clock.now() - self._began) * 1000
            log.debug("%s: %s in %.0f ms, %d bytes", str(self._asked), result, milliseconds, self._size)


def _reason(error: BaseException | None) -> str:
    return type(error.__cause__).__name__ if isinstance(error, TransportError) else "no JSON"
