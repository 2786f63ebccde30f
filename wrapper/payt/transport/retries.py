"""Asking until an answer comes, or it makes no sense any more.

| what came | tried again |
| --- | --- |
| connection refused or reset, time-out, body cut short, broken encoding | yes |
| 408, 429, 500, 502, 503, 504 | yes, but not where Retry-After asks for more than a minute |
| 200 with a body that is not JSON | yes |
| any other status; a certificate that is not trusted, theirs or ours; a body that is too large; the deadline | no |
| any of these for a request other than GET | no |

`ask` and `ask_async` send and wait; everything that they decide is decided in `_Attempts`, without I/O.
"""

from __future__ import annotations

import copy
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import httpx

from payt_api.client import AuthenticatedClient
from payt_api.errors import DecodeError, NotJsonError
from payt_api.types import Response

from ..errors import APIError, InvalidResponseError, PaytError, TransportError
from . import clock
from .answers import invalid_of
from .call import Call, Cancel

R = TypeVar("R")
A = TypeVar("A")
log = logging.getLogger("payt")

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
LONGEST_RETRY_AFTER = 60.0
"""Seconds; who is asked to wait longer is told so at once."""


class Operation(Protocol[R]):
    """A generated operation: the module that holds its functions."""

    __name__: str

    @property
    def sync_detailed(self) -> Callable[..., Response[R]]:
        """Ask, and wait for the answer."""
        ...

    @property
    def asyncio_detailed(self) -> Callable[..., Awaitable[Response[R]]]:
        """The same for asyncio."""
        ...


def ask(
    api: AuthenticatedClient,
    operation: Operation[R],
    arguments: Mapping[str, Any],
    read: Callable[[Response[R]], A],
    *,
    label: str = "",
    cancel: Cancel | None = None,
) -> A:
    """What the answer to an operation holds.

    Args:
        api: Whom to ask.
        operation: What.
        arguments: Those of the operation.
        read: What makes something of the answer.
        label: What it is for, in log records.
        cancel: What ends its waits early, where something does.

    Raises:
        PaytError: There is none; `attempts` says how often it was asked for.
        Abandoned: Nobody wants it any more.
    """
    session: Any = api.get_httpx_client()
    call = Call(session.settings.total_timeout, cancel, label)
    attempts = _Attempts(session, call)
    while True:
        try:
            with call.active():
                return read(operation.sync_detailed(client=api, **arguments))
        except (PaytError, DecodeError) as error:
            seconds = attempts.wait_after(error)
        call.sleep(seconds)


async def ask_async(
    api: AuthenticatedClient,
    operation: Operation[R],
    arguments: Mapping[str, Any],
    read: Callable[[Response[R]], A],
    *,
    label: str = "",
) -> A:
    """As `ask`."""
    session: Any = api.get_async_httpx_client()
    call = Call(session.settings.total_timeout, label=label)
    attempts = _Attempts(session, call)
    while True:
        try:
            with call.active():
                return read(await operation.asyncio_detailed(client=api, **arguments))
        except (PaytError, DecodeError) as error:
            seconds = attempts.wait_after(error)
        await clock.current().sleep_async(seconds)


class _Attempts:
    def __init__(self, session: Any, call: Call) -> None:
        self._session, self._call = session, call
        self._count = 0
        self._last: dict[str, Any] = {"status": None, "request_id": None}  # of the last answer that came

    def wait_after(self, failure: PaytError | DecodeError) -> float:
        """The seconds to wait before the next attempt.

        Raises:
            PaytError: What failed, with all that is known, where another attempt would not help.
        """
        self._count += 1
        error = invalid_of(failure) if isinstance(failure, DecodeError) else copy.copy(failure)  # others may get it too
        error.__cause__ = failure if isinstance(failure, DecodeError) else failure.__cause__
        if error.status is not None:
            self._last = {"status": error.status, "request_id": error.request_id}
        seconds = _delay(error, self._count)
        total = self._session.settings.retries + 1
        enough = self._count >= total or self._session.is_closed or seconds >= self._call.left
        if enough or not is_transient(error):
            error.attempts = self._count
            vars(error).update(self._last)
            if self._count > 1:
                error.args = (f"{error} ({self._count} attempts)", *error.args[1:])
            raise error.with_traceback(failure.__traceback__)
        where = " ".join(filter(None, (error.method, httpx.URL(error.url or "").path, self._call.label)))
        log.warning("%s: %s; attempt %d of %d in %.2f s", where, _reason(error), self._count + 1, total, seconds)
        return seconds


def is_transient(error: PaytError) -> bool:
    """Whether the same request may well succeed when it is sent again."""
    match error:
        case PaytError(method=method) if method != "GET":
            return False
        case APIError(status_code=status, retry_after=seconds):
            return status in RETRIED_STATUSES and (seconds or 0) <= LONGEST_RETRY_AFTER
        case TransportError(__cause__=cause):
            return isinstance(cause, httpx.RequestError) and not _is_final(cause)
        case InvalidResponseError(__cause__=cause):
            return isinstance(cause, NotJsonError)
        case _:
            return False


def _delay(error: PaytError, attempts: int) -> float:
    """The seconds to wait after so many attempts: a random time, or what the answer asks for if that is more."""
    backoff = random.uniform(0, min(0.5 * 2 ** (attempts - 1), 30))  # noqa: S311  # full jitter
    return max(backoff, getattr(error, "retry_after", None) or 0.0)


def _reason(error: PaytError) -> str:
    if isinstance(error, APIError):
        return f"status {error.status_code}"
    return "not JSON" if isinstance(error, InvalidResponseError) else type(error.__cause__).__name__


def _is_final(cause: httpx.RequestError) -> bool:
    if isinstance(cause, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return True
    if isinstance(cause, httpx.ProxyError):
        return str(cause).startswith("4")  # the proxy's status: it does not let us through
    link: BaseException | None = cause
    # httpcore raises its errors "from None" in the end; what lies behind the operating system's error is not its own
    while link is not None and not isinstance(link, OSError):
        link = link.__cause__ or link.__context__
    reason = getattr(link, "reason", None) or ""  # OpenSSL's name of what is wrong, also of what the server says is
    return isinstance(link, ssl.SSLCertVerificationError) or (
        isinstance(link, ssl.SSLError) and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason)
    )
