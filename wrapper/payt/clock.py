"""Time, as retries, pace and deadlines see it: one seam, so that tests can turn the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import background


class Clock:
    """The real one."""

    def now(self) -> float:
        """Seconds since some moment in the past; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; in a thread that fetches ahead, only as long as that is wanted."""
        worker = background.current()
        if worker is None:
            time.sleep(seconds)
        else:
            worker.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Wait, and let other tasks run."""
        await asyncio.sleep(seconds)


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


def sleep(seconds: float) -> None:
    """As `Clock.sleep`."""
    _clock.sleep(seconds)


async def sleep_async(seconds: float) -> None:
    """As `Clock.sleep_async`."""
    await _clock.sleep_async(seconds)
