"""Keeping under the rate limit of a token: which start a request has to wait for, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import Any

import httpx

from ..errors import RateLimitError
from ..settings import Settings
from . import clock
from .retries import LONGEST_RETRY_AFTER
from .starts import Pace, Start

_EXTENSION = "payt.start"


def checked(pace: Any) -> Pace | None:
    """The argument `pace` of a client.

    Raises:
        TypeError: It is something else.
    """
    if pace is not None and not isinstance(pace, Pace):
        raise TypeError(
            "pace must be None (all processes of this user on this machine), payt.ProcessPace() (this process alone) "
            f"or payt.SQLPace(url) (all that share a database), got {type(pace).__name__}"
        )
    return pace


def start_of(request: httpx.Request, rate: float | None, pace: Pace | None) -> Start | None:
    """The start that a request has to wait for; None where it carries no token, or there is no limit."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if rate is None or scheme.lower() != "bearer":
        return None
    if type(clock.current()) is not clock.Clock:  # its moments mean nothing to others
        from .paces import ProcessPace  # noqa: PLC0415  # takes its time, which a client that is only made need not take

        pace = ProcessPace()
    elif pace is None:
        from .pace_file import MACHINE  # noqa: PLC0415  # as above

        pace = MACHINE
    server = request.url.copy_with(raw_path=b"/", userinfo=b"", fragment=None)
    return pace.start(hashlib.sha256(f"{server} {token}".encode()).digest(), rate)


def waits(request: httpx.Request, settings: Settings, *, is_async: bool) -> Generator[float]:
    """The seconds to wait before a request may start, one wait after the other; who closes it lets others pass."""
    if (start := start_of(request, settings.rate_limit, settings.pace)) is None:
        return

    def trace(event: str, _info: Any) -> None:
        if event.endswith("send_request_headers.complete"):
            start.sent()

    async def trace_async(event: str, info: Any) -> None:
        trace(event, info)

    # httpcore calls what is under "trace"
    request.extensions = {**request.extensions, _EXTENSION: start, "trace": trace_async if is_async else trace}
    try:
        while seconds := start.wait():
            yield seconds
    except BaseException:
        start.give_back()
        raise


def slow_down(request: httpx.Request, error: RateLimitError) -> None:
    """Tell the start of a request that it was refused: others use this token as well."""
    if (start := request.extensions.get(_EXTENSION)) is not None:
        seconds = error.retry_after or 0.0
        start.refused(seconds if seconds <= LONGEST_RETRY_AFTER else None)
