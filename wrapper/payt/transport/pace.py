"""Keeping under the rate limit of a token, across all clients, threads and tasks of the process.

Of the starts of a token's requests, each waits until the tenth before it (or whatever the rate is) is a second past. So
there are never more than ten in any second, they come in the order in which they were asked for, and nobody has to
wake anybody: each waits by itself for a moment that it knows.

A start counts from when its request arrived, as far as can be told: new connections take their time, requests travel
and wait to be read, and those that set out a second apart must not arrive closer together than that.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from . import clock
from .process import PerProcess

MARGIN = 0.02
"""Seconds added to each second, since clocks and threads are not exact."""
LONGEST_TRAVEL = 0.05
"""Seconds after it was sent at which a request has arrived, if no answer shows that it had before."""
LONGEST_CONNECTING = 1.0
"""Seconds after which a request counts as sent, whatever became of it."""
SLOW = 30.0
"""Seconds for which the pace is halved after a 429."""
_FORGOTTEN = 120.0
"""Seconds after which nothing of a token's pace matters any more."""
_EXTENSION = "payt.start"


class Pace:
    """The pace of one token."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starts: deque[Start] = deque(maxlen=0)
        self._closed_until = self._slow_until = float("-inf")
        self._used = clock.now()

    def start(self, rate: float) -> Start:
        """Queue up for the start of a request; `Start.wait` tells how long that takes."""
        count = max(1, int(rate))
        with self._lock:
            self._used = clock.now()
            if (self._starts.maxlen or 0) < count:
                self._starts = deque(self._starts, maxlen=count)
            before = self._starts[-count] if len(self._starts) >= count else None
            start = Start(self, before, max(1.0, 1 / rate) + MARGIN)
            self._starts.append(start)
            return start

    def slow_down(self, retry_after: float | None) -> None:
        """Go half as fast for a while, after the pause that was asked for: others use this token as well."""
        now = clock.now()
        self._closed_until = max(self._closed_until, now + (retry_after or 0.0))
        self._slow_until = max(self._closed_until, now) + SLOW

    @property
    def slow(self) -> bool:
        """Whether the pace is halved."""
        return clock.now() < self._slow_until

    @property
    def closed_until(self) -> float:
        """No request starts before this moment."""
        return self._closed_until

    @property
    def forgettable(self) -> bool:
        """Whether a new pace would be the same as this one."""
        return clock.now() > max(self._used, self._closed_until, self._slow_until) + _FORGOTTEN


class Start:
    """The start of one request."""

    def __init__(self, pace: Pace, before: Start | None, period: float) -> None:
        self._pace = pace
        self._before = before
        self._period = period
        self._due = float("-inf")  # once it started: when that was
        self._started = False
        self._sent: float | None = None
        self._answered: float | None = None

    def wait(self) -> float:
        """The seconds that are left to wait; 0 where the request starts now."""
        now = clock.now()
        self._due = self._pace.closed_until
        if self._before is not None:
            self._due = max(self._due, self._before.counts_from(now) + self._period * (2 if self._pace.slow else 1))
        if self._due > now:
            return self._due - now
        self._due = now
        self.close()
        return 0.0

    def close(self) -> None:
        """It has started, or never will."""
        self._started = True
        self._before = None  # or all starts that ever were would hang on this one

    def sent(self) -> None:
        """Its request is being sent now."""
        self._sent, self._answered = clock.now(), None

    def answered(self, status: int, retry_after: float | None) -> None:
        """Its request was answered; with 429, the pace slows down."""
        self._answered = clock.now()
        if self._sent is None:
            self._sent = self._due  # by a transport that does not tell when it sends
        if status == httpx.codes.TOO_MANY_REQUESTS:
            self._pace.slow_down(retry_after)

    def counts_from(self, now: float) -> float:
        """The moment from which the period runs that the start after it has to wait for."""
        if self._sent is not None:
            return min(self._sent + LONGEST_TRAVEL, now if self._answered is None else self._answered)
        if not self._started:
            return max(self._due, now)
        return max(self._due, min(now, self._due + LONGEST_CONNECTING))


def start_of(request: httpx.Request, rate: float | None) -> Start | None:
    """The start that a request has to wait for; None where none of them carries a token, or there is no limit."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if rate is None or scheme.lower() != "bearer":
        return None
    return _pace_of(token).start(rate)


@contextmanager
def queued(start: Start) -> Iterator[None]:
    """In here somebody waits for a start; who gives up lets the others pass."""
    try:
        yield
    finally:
        start.close()


def follow(request: httpx.Request, start: Start, trace: Any) -> None:
    """Have the transport tell through `trace` (httpcore's extension of that name) when the request is sent."""
    request.extensions = {**request.extensions, _EXTENSION: start, "trace": trace}


def is_sending(event: str) -> bool:
    """Whether an event that httpcore traces is the one of sending a request."""
    return event.endswith("send_request_headers.started")


def note_answer(response: httpx.Response, retry_after: float | None) -> None:
    """Tell the start of a request of its answer."""
    start = response.request.extensions.get(_EXTENSION)
    if isinstance(start, Start):
        start.answered(response.status_code, retry_after)


class _Paces:
    """The paces of a process, as its clock goes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clock = clock.current()
        self.by_token: dict[bytes, Pace] = {}


def _pace_of(token: str) -> Pace:
    digest = hashlib.blake2b(token.encode(), digest_size=16, key=_KEY).digest()
    own = _paces.get()
    with own.lock:
        if own.clock is not clock.current():  # the moments of another clock mean nothing
            own.clock, own.by_token = clock.current(), {}
        if digest not in own.by_token:
            for old in [old for old, pace in own.by_token.items() if pace.forgettable]:
                del own.by_token[old]
            own.by_token[digest] = Pace()
        return own.by_token[digest]


_KEY = os.urandom(16)  # so that no token can be looked for in the memory of a process
_paces = PerProcess(_Paces)
