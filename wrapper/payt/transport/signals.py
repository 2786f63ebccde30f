"""Signals that end a process, and wait while a refresh token is being spent."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, Final

from .process import PerProcess

RENEWER: Final = "payt-token"
"""The name of threads that search for tokens."""
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class _Renewals:
    """Those under way in a process. No locks: whom a signal interrupts could hold them."""

    def __init__(self) -> None:
        self.left = 0  # how often `hold_signals` was left
        self.marks: dict[int, int] = {}  # by their threads: that count when they began
        self.waiting: deque[int] = deque()
        self.interrupted = False

    def hold(self, number: int) -> bool:
        """Whether a signal that came has to wait. Then it is sent again."""
        if number == signal.SIGINT and self.marks:
            is_second, self.interrupted = self.interrupted or is_ending(), True
            return is_second
        self.waiting.append(number)  # before looking: the renewal may be over by then
        if self.marks or number not in self.waiting:
            return True
        self.waiting.remove(number)
        return False

    def over(self, mark: int) -> None:
        """Where none is under way any more, send the signals that waited."""
        self.marks.pop(mark, None)
        while self.waiting and not self.marks:
            os.kill(os.getpid(), self.waiting.popleft())
        self.interrupted &= bool(self.marks)


_renewals = PerProcess(_Renewals)


@contextmanager
def renewing() -> Iterator[None]:
    """In here a refresh token is spent, and the next one saved."""
    renewals, mark = _renewals.get(), threading.get_ident()
    renewals.marks[mark] = renewals.left
    try:
        yield
    finally:
        renewals.over(mark)


@contextmanager
def resting() -> Iterator[Callable[[], bool]]:
    """In here, within `renewing`, nothing is on its way that could be lost: whatever ends the process may.

    What it gives says, in here and behind it, whether nothing more may be sent: the program is ending, or has left
    `hold_signals`, so that nothing would be held.
    """
    renewals, mark = _renewals.get(), threading.get_ident()
    began = renewals.marks.get(mark, renewals.left)
    renewals.over(mark)
    try:
        yield lambda: renewals.left != began or is_ending()
    finally:
        renewals.marks[mark] = began  # before `left` is looked at; who leaves does both the other way round


@contextmanager
def hold_signals() -> Iterator[None]:
    """While a token is being renewed, SIGTERM, SIGHUP and a second Ctrl-C wait until the new one is saved.

    Wrap the work of a command, a worker or a server in it, in the main thread. They wait for as long as the token
    endpoint may take, 90 seconds at most; at any other time they do what they did before. The first Ctrl-C interrupts
    at once; the process then ends when the token is saved. The command `payt` does this by itself. Nothing can hold
    SIGKILL.

    Raises:
        RuntimeError: It is entered outside the main thread, where Python sets no signal handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("payt.hold_signals() works in the main thread only: enter it there")

    present = {number: signal.getsignal(number) for number in _SIGNALS}
    handlers = {
        number: handler
        for number, handler in present.items()
        # one signal is not held twice: a first Ctrl-C would pass for a second one
        if handler not in (None, signal.SIG_IGN) and getattr(handler, "func", None) is not _handle
    }
    for number, handler in handlers.items():
        signal.signal(number, partial(_handle, handler))
    try:
        yield
    finally:
        renewals = _renewals.get()
        renewals.left += bool(handlers)
        while renewals.marks:  # which Ctrl-C may interrupt
            time.sleep(0.02)
        # what still waits for a lock may renew later: for that, they stay, and otherwise do what those before them did
        for number, handler in {} if _searches() else handlers.items():
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, handler)


def is_ending() -> bool:
    """Whether the program waits for nothing any more but threads that search for tokens."""
    if threading.main_thread().is_alive():
        return False
    # a program that embeds Python may work in threads of its own, which Python names so and counts among the daemons
    own = [each for each in threading.enumerate() if not each.daemon or each.name.startswith("Dummy-")]
    return all(each.name == RENEWER or not each.is_alive() for each in own)


def ignore_while_ending() -> None:
    """For a command that is done, and whose process waits at most for a token that is on its way."""
    if _searches():
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _searches() -> bool:
    return any(thread.name == RENEWER and thread.is_alive() for thread in threading.enumerate())


def _handle(before: Any, number: int, frame: FrameType | None) -> None:
    if _renewals.get().hold(number):
        return
    if callable(before):
        before(number, frame)
    else:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
