"""What is tried again, and when: the decision table, without I/O.

| what came | tried again |
| --- | --- |
| connection refused or reset, time-out, body cut short, broken encoding | yes |
| 408, 429, 500, 502, 503, 504 | yes, but not where Retry-After asks for more than a minute |
| 200 with a body that is no JSON | yes |
| any other status; a certificate that is not trusted, theirs or ours; a body that is too large; the deadline | no |
| any of these for a request other than GET | no |
"""

from __future__ import annotations

import ssl

import httpx
import tenacity

from .errors import APIError, InvalidResponseError, PaytError, TransportError

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
LONGEST_RETRY_AFTER = 60.0
"""Seconds; who is asked to wait longer is told so at once."""

_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=30)  # full jitter: anything from 0 to the bound


def is_transient(error: BaseException | None) -> bool:
    """Whether the same request may well succeed when it is sent again."""
    match error:
        case PaytError(method=method) if method != "GET":
            return False
        case APIError(status_code=status, retry_after=seconds):
            return status in RETRIED_STATUSES and (seconds or 0) <= LONGEST_RETRY_AFTER
        case TransportError(__cause__=cause):
            return isinstance(cause, httpx.RequestError) and not _is_final(cause)
        case InvalidResponseError():
            return True
        case _:
            return False


def delay(state: tenacity.RetryCallState) -> float:
    """The seconds to wait before the next attempt: the backoff, or what the answer asks for if that is more."""
    error = state.outcome.exception() if state.outcome else None
    return max(_backoff(state), getattr(error, "retry_after", None) or 0.0)


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
