"""Asking until an answer comes, or it makes no sense any more.

| what came | asked again |
| --- | --- |
| a connection refused, or none in time; 429, 502, 503, 504 | until the deadline |
| a connection reset, a time-out, a body cut short, broken encoding | `retries` times |
| 408, 500, 200 with a body that is not JSON | `retries` times |
| 429 and the like with a Retry-After of more than a minute | no |
| any other status; a certificate that is not trusted, theirs or ours; a body that is too large; the deadline | no |
| any of these for a request other than GET, or with `retries=0` | no |

The waits between attempts grow to half a minute, and are never shorter than half of that, but for one that would end
after the deadline: where only time is needed, the last attempt begins a second before. A connection that breaks is
replaced at once the first time, by a new one: it was most likely one that had been kept, and the server closed.

`ask` and `ask_async` send and wait; everything that they decide is decided in `_Attempts`, without I/O.
"""

from __future__ import annotations

import copy
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import httpx

from payt_api.client import AuthenticatedClient
from payt_api.errors import DecodeError, NotJsonError

from ..errors import APIError, InvalidResponseError, PaytError, TransportError
from . import clock
from .answers import invalid_of
from .call import Cancel
from .redaction import chain_of

if TYPE_CHECKING:
    from payt_api.types import Response

R = TypeVar("R")
A = TypeVar("A")
log = logging.getLogger("payt")

WAITED_OUT = frozenset({429, 502, 503, 504})
RETRIED = frozenset({408, 500})
_BROKEN = (httpx.ProtocolError, httpx.ReadError, httpx.WriteError)  # over HTTP/2, a "local" one is often the server's
_LAST = 1.0
"""Seconds before the deadline when the last attempt begins, where nothing but time is needed."""
LONGEST_RETRY_AFTER = 60.0
"""Seconds; who is asked to wait longer is told so at once."""
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
"""OpenSSL's codes for a certificate that is signed by itself, or by whom nobody here knows."""


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
    """What `read` makes of the answer to an operation; `label` and `cancel` are those of its `Call`.

    Raises:
        PaytError: There is none; `attempts` says how often it was asked for.
        Abandoned: Nobody wants it any more.
    """
    attempts = _Attempts(api.get_httpx_client(), cancel, label)
    while True:
        with attempts.one():
            return read(operation.sync_detailed(client=api, **arguments))
        with suppress(httpx.ReadError):  # the client was closed, as the next attempt says
            attempts.call.sleep(attempts.wait)


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
    attempts = _Attempts(session, None, label)
    while True:
        with attempts.one():
            return read(await operation.asyncio_detailed(client=api, **arguments))
        with suppress(TimeoutError):  # in the same case
            async with session.within(None):
                await clock.current().sleep_async(attempts.wait)


class _Attempts:
    """The attempts at an answer, of which each but the last one fails.

    Attributes:
        wait: How many seconds to wait before the next one.
    """

    def __init__(self, session: Any, cancel: Cancel | None, label: str) -> None:
        self.call = session.call(label, cancel)
        self.wait = 0.0
        self._session = session
        self._count = 0
        self._bad = 0  # attempts that somebody answered, badly
        self._last: dict[str, Any] = {"status": None, "request_id": None}  # of the last answer that came

    @contextmanager
    def one(self) -> Iterator[None]:
        """In here is one attempt. What it ends with is kept back where another one may help.

        Raises:
            PaytError: What failed, with all that is known, where another attempt would not help.
            ValueError: The arguments cannot be written in a URL.
        """
        try:
            with self.call.active():
                yield
        except httpx.InvalidURL as error:
            raise ValueError(f"the arguments do not make a valid URL: {error}") from None
        except (PaytError, DecodeError) as failure:
            self.wait = self._wait_after(failure)

    def _wait_after(self, failure: PaytError | DecodeError) -> float:
        error = invalid_of(failure) if isinstance(failure, DecodeError) else copy.copy(failure)  # others may get it too
        error.__cause__ = failure if isinstance(failure, DecodeError) else failure.__cause__
        if error.status is not None:
            self._last = {"status": error.status, "request_id": error.request_id}
        retries, again = self._session.settings.retries, whether_again(error)
        self._count += 1
        broken = isinstance(error.__cause__, _BROKEN)
        if broken:
            self.call.broken_at = clock.now()
        self._bad += again != "in time"
        seconds = 0.0 if broken and self._count == 1 else backoff(self._count, error)
        if again == "in time" and self.call.left >= 2 * _LAST and seconds > self.call.left - _LAST:
            seconds = max(self.call.left - _LAST, getattr(error, "retry_after", None) or 0.0)
        enough = not retries or self._bad > retries or self._session.is_closed or seconds >= self.call.left
        if enough or again == "no":
            error.attempts = self._count
            vars(error).update(self._last)
            if self._count > 1:
                error.args = (f"{error} ({self._count} attempts)", *error.args[1:])
            raise error.with_traceback(failure.__traceback__)
        where = " ".join(filter(None, (error.method, httpx.URL(error.url or "").path, self.call.label)))
        most = f"{retries + 1 - self._bad} left" if again == "yes" else f"{self.call.left:.0f} s left"
        more = {"payt_request_id": error.request_id, "payt_attempt": self._count + 1}
        text = "%s: %s; attempt %d (%s) in %.2f s"
        log.warning(text, where, _reason(error), self._count + 1, most, seconds, extra=more)
        return seconds


def backoff(count: int, error: PaytError) -> float:
    """A random time, from half of a bound that grows; or what the answer asks for, if that is more."""
    bound = min(0.5 * 2 ** (count - 1), 30)
    seconds = random.uniform(bound / 2, bound)  # noqa: S311  # so that many do not come back together
    return max(seconds, getattr(error, "retry_after", None) or 0.0)


def whether_again(error: BaseException | None) -> Literal["yes", "in time", "no"]:
    """Whether the same request may well succeed when it is sent again: "in time" where nothing but time is needed."""
    match error:
        case PaytError(method=method) if method != "GET":
            return "no"
        case APIError(retry_after=seconds) if (seconds or 0) > LONGEST_RETRY_AFTER:
            return "no"
        case APIError(status_code=status):
            return "in time" if status in WAITED_OUT else "yes" if status in RETRIED else "no"
        case TransportError(__cause__=httpx.RequestError() as cause) if not is_final(cause):
            return "in time" if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout)) else "yes"
        case InvalidResponseError(__cause__=NotJsonError()):
            return "yes"
        case _:
            return "no"


def _reason(error: PaytError) -> str:
    if isinstance(error, APIError):
        return f"status {error.status_code}" + (f", request {error.request_id}" if error.request_id else "")
    return "not JSON" if isinstance(error, InvalidResponseError) else str(error).partition(": ")[2]


def is_final(cause: httpx.RequestError) -> bool:
    """Whether a request failed for a reason that no time mends: a certificate, a protocol, a proxy that refuses."""
    if isinstance(cause, httpx.UnsupportedProtocol):
        return True
    if isinstance(cause, httpx.ProxyError):
        status = str(cause)  # it begins with the proxy's
        return status.startswith("4") and not status.startswith("429")  # it does not let us through
    link = _system_error(cause)
    reason = getattr(link, "reason", None) or ""  # OpenSSL's name of what is wrong, also of what the server says is
    return isinstance(link, ssl.SSLCertVerificationError) or (
        isinstance(link, ssl.SSLError) and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason)
    )


def text_of(cause: httpx.RequestError) -> str:
    """What a request failed for, with the way out if it is an authority that nobody here knows."""
    text = f"{type(cause).__name__}: {cause}".rstrip(": ")
    if getattr(_system_error(cause), "verify_code", None) in _UNKNOWN_AUTHORITY:
        text += (
            " — If you trust who signed it, name a file with their certificate in SSL_CERT_FILE "
            "(in Python: or pass verify=ssl.create_default_context(cafile=...))"
        )
    return text


def _system_error(cause: httpx.RequestError) -> BaseException | None:
    # what lies behind the operating system's error is not its own
    return next((link for link in chain_of(cause) if isinstance(link, OSError)), None)
