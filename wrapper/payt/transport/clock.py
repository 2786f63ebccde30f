"""Time, as retries, pace and deadlines see it: one seam, so that tests can turn the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """The real one."""

    def now(self) -> float:
        """Seconds since some moment in the past; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float, wait: Callable[[float], object] = time.sleep) -> None:
        """Wait, in the way that `wait` does."""
        wait(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Wait, and let other tasks run."""
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

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
