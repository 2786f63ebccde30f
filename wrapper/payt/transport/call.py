"""One call, as everything below it sees it: until when it may take, and whether anybody still wants it.

It travels down in the only context variable of this package, because generated code stands between those who ask and
those who send.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import httpx

from . import clock

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")


class Abandoned(BaseException):
    """Nobody wants what this thread does any more. No `except Exception` on the way may take it for an error."""


class Cancel:
    """Ends the waits of threads. A thread cannot be cancelled as a task can: it looks before and after each wait."""

    def __init__(self, error: Callable[[], BaseException] = Abandoned) -> None:
        # its lock is reentrant: a listing may be collected as garbage, and so stopped, in the thread that reads for it
        self.lock = threading.RLock()
        self.left = threading.Condition(self.lock)
        self.waits: list[tuple[int, Callable[[], None]]] = []  # the thread that waits, and what wakes it
        self.stopped = False
        self._error = error
        self._process = os.getpid()

    def stop(self, seconds: float = 0.0) -> None:
        """End the waits that are under way, and all later ones at once; give the former so many seconds for that."""
        if os.getpid() != self._process:
            return  # in a forked child it is the parent's, and its lock may be held for ever
        here = threading.get_ident()  # which may be in one of the waits itself, as where a signal's handler stops it
        with self.lock:
            self.stopped = True
            for _, wake in [*self.waits]:
                wake()
            self.left.wait_for(lambda: all(thread == here for thread, _ in self.waits), seconds)

    def check(self) -> None:
        """Go on only where that is wanted.

        Raises:
            Abandoned: It was stopped. (Or what `error` makes in its place; so it is below.)
        """
        if self.stopped:
            raise self._error()


def wait_for(blocking: Callable[[], R], wake: Callable[[], None], cancels: Collection[Cancel]) -> R:
    """Call `blocking`, which `wake`, called from another thread, makes return or raise.

    Raises:
        Abandoned: One of `cancels` was stopped.
    """
    wait = threading.get_ident(), wake
    for cancel in cancels:
        cancel.waits.append(wait)
    try:
        _check(cancels)  # only now: who stops one later finds the wait
        return blocking()
    finally:
        for cancel in cancels:
            with cancel.lock:  # whoever stops it does not wake what this thread waits for next
                cancel.waits.remove(wait)
                if cancel.stopped:
                    cancel.left.notify_all()
        _check(cancels)


def _check(cancels: Iterable[Cancel]) -> None:
    for cancel in cancels:
        if cancel.stopped:
            cancel.check()


closed = partial(httpx.ReadError, "the client was closed")


class Call:
    """Something that is asked for, with all its attempts.

    Args:
        seconds: How long it may take in all.
        cancels: What ends its waits early.
        label: What it is for, in log records: "page 3".

    Attributes:
        broken_at: When a connection broke; none from before is used again.
        latency: The seconds that the last answer took, from its start to its end; None where nobody measured them.
    """

    def __init__(self, seconds: float, cancels: Iterable[Cancel] = (), label: str = "") -> None:
        self.seconds = seconds
        self.label = label
        self.broken_at = float("-inf")
        self.latency: float | None = None
        self._end = clock.now() + seconds
        self.cancels = tuple(cancels)

    @property
    def left(self) -> float:
        """The seconds that are left, 0 at the least."""
        return max(0.0, self._end - clock.now())

    @property
    def took(self) -> float:
        """The seconds since it was made."""
        return clock.now() - self._end + self.seconds

    @contextmanager
    def active(self) -> Iterator[None]:
        """Whatever this thread or task does in here belongs to this call."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def wait_for(self, blocking: Callable[[], R], wake: Callable[[], None]) -> R:
        """As the function, for what ends the waits of this call."""
        return wait_for(blocking, wake, self.cancels)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Abandoned: Nobody wants it any more.
            httpx.ReadError: The client was closed.
        """
        over = threading.Event()
        clock.current().sleep(seconds, lambda seconds: self.wait_for(partial(over.wait, seconds), over.set))


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
current: Callable[[], Call | None] = _current.get
"""The call that this thread or task works for."""
