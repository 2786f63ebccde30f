"""Keeping under the rate limit of a token: which start a request has to wait for, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from . import clock
from .pace_file import FilePace
from .paces import Pace, ProcessPace, Start

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
        pace = _alone
    server = request.url.copy_with(raw_path=b"/", userinfo=b"", fragment=None)
    return (pace or _machine).start(hashlib.sha256(f"{server} {token}".encode()).digest(), rate)


@contextmanager
def queued(start: Start) -> Iterator[None]:
    """In here somebody waits for a start; who gives up lets the others pass."""
    try:
        yield
    except BaseException:
        start.give_back()
        raise


def follow(request: httpx.Request, start: Start, trace: Any) -> None:
    """Have the transport tell through `trace` (httpcore's extension of that name) when the request is sent."""
    request.extensions = {**request.extensions, _EXTENSION: start, "trace": trace}


def is_sending(event: str) -> bool:
    """Whether an event that httpcore traces is the one of sending a request."""
    return event.endswith("send_request_headers.started")


def note_answer(response: httpx.Response, retry_after: float | None) -> None:
    """Tell the start of a request of its answer: with 429, the pace slows down."""
    start = response.request.extensions.get(_EXTENSION)
    if start is not None and response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        start.refused(retry_after)


_machine = FilePace()
_alone = ProcessPace()
