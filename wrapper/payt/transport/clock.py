"""Time, as retries, pace and deadlines see it: one seam, so that tests can turn the clock.

Tools that stop the date for a test replace `time.monotonic`. A wait must pass all the same, and what was noted while
the date stood still must mean the same afterwards: the real clock is one that they leave alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import BuiltinFunctionType


class Clock:
    """The real one."""

    # where there is no such clock, in a shape in which those tools do not find it
    now = staticmethod(
        partial(time.clock_gettime, time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else partial(time.monotonic)
    )
    """Seconds since some moment in the past; never goes back."""

    def sleep(self, seconds: float, wait: Callable[[float], object] = time.sleep) -> None:
        """Wait, in the way that `wait` does."""
        wait(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Wait, and let other tasks run."""
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

        if isinstance(time.monotonic, BuiltinFunctionType):
            await asyncio.sleep(seconds)
            return
        over = threading.Event()  # event loops go by the replaced clock: their waits might never end
        try:
            await asyncio.to_thread(over.wait, seconds)
        finally:
            over.set()


_clock = Clock()


@contextmanager
def using(other: Clock) -> Iterator[None]:
    """Let the whole process go by another clock."""
    global _clock  # noqa: PLW0603  # the threads of a process share their time
    before, _clock = _clock, other
    try:
        yield
    finally:
        _clock = before


def current() -> Clock:
    """The clock that the process goes by."""
    return _clock


def now() -> float:
    """As `Clock.now`."""
    return _clock.now()
