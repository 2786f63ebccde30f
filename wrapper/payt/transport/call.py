"""One call, as everything below it sees it: until when it may take, and whether anybody still wants it.

It travels down in the only context variable of this package, because generated code stands between those who ask and
those who send.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from . import clock

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")


class Abandoned(BaseException):
    """Nobody wants what this thread does any more. No `except Exception` on the way may take it for an error."""


class Cancel:
    """Ends the waits of one thread. A thread cannot be cancelled as a task can: it looks after each wait."""

    def __init__(self) -> None:
        # reentrant: a listing may be collected as garbage, and so stopped, in the thread that reads ahead for it
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._wake: Callable[[], None] | None = None

    def stop(self) -> None:
        """End the wait that is under way, and all later ones at once."""
        with self._lock:
            self._stopped.set()
            if self._wake is not None:
                self._wake()

    def check(self) -> None:
        """Go on only where that is wanted.

        Raises:
            Abandoned: It was stopped.
        """
        if self._stopped.is_set():
            raise Abandoned

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than this is wanted.

        Raises:
            Abandoned: It was stopped.
        """
        self._stopped.wait(seconds)
        self.check()

    def wait_for(self, blocking: Callable[[], R], wake: Callable[[], None]) -> R:
        """Call `blocking`, which `wake`, called from another thread, makes return or raise.

        Raises:
            Abandoned: It was stopped.
        """
        with self._lock:
            self.check()
            self._wake = wake
        try:
            return blocking()
        finally:
            with self._lock:
                self._wake = None
            self.check()


class Call:
    """Something that is asked for, with all its attempts.

    Args:
        seconds: How long it may take in all.
        cancel: What ends its waits early; None where nothing does.
        label: What it is for, in log records: "page 3".
    """

    def __init__(self, seconds: float, cancel: Cancel | None = None, label: str = "") -> None:
        self.seconds = seconds
        self.label = label
        self._end = clock.now() + seconds
        self._cancel = cancel
        self._thread = threading.get_ident()

    @property
    def left(self) -> float:
        """The seconds that are left, 0 at the least."""
        return max(0.0, self._end - clock.now())

    @contextmanager
    def active(self) -> Iterator[None]:
        """Whatever this thread or task does in here belongs to this call."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Abandoned: Nobody wants it any more.
        """
        if self._cancel is None:
            clock.current().sleep(seconds)
        else:
            clock.current().sleep(seconds, self._cancel.sleep)
            self._cancel.check()

    def wait_for(self, blocking: Callable[[], R], wake: Callable[[], None]) -> R:
        """Call `blocking`, which `wake` ends as soon as nobody wants it any more.

        Raises:
            Abandoned: Nobody wants it any more.
        """
        if self._cancel is None or threading.get_ident() != self._thread:  # its context was carried into another one
            return blocking()
        return self._cancel.wait_for(blocking, wake)


def current() -> Call | None:
    """The call that this thread or task works for."""
    return _current.get()


def time_left() -> float:
    """The seconds that are left for this thread or task; endless where it works for no call."""
    call = _current.get()
    return float("inf") if call is None else call.left


def wait_for(blocking: Callable[[], R], wake: Callable[[], None]) -> R:
    """As `Call.wait_for`, for the call that this thread works for."""
    call = _current.get()
    return blocking() if call is None else call.wait_for(blocking, wake)


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop of asyncio that runs here.

    Raises:
        RuntimeError: None does.
    """
    import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError("AsyncClient needs asyncio's event loop, and none is running here") from None


_current: ContextVar[Call | None] = ContextVar("payt.call", default=None)
