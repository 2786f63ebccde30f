"""Waits that take no time, for tests of what happens when requests fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from payt.transport import clock


class SkippedWaits(clock.Clock):
    """A clock that jumps ahead instead of waiting.

    Attributes:
        seconds: The waits so far: before a request is tried again, and for the pace.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._ahead = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """The real time and all that was skipped."""
        return super().now() + self._ahead

    def sleep(self, seconds: float, _wait: object = None) -> None:
        """Be so many seconds later at once; waits that begin together also end together."""
        end = self.now() + seconds
        with self._lock:
            self.seconds.append(seconds)
            self._ahead = max(self._ahead, end - super().now())

    async def sleep_async(self, seconds: float) -> None:
        """The same."""
        self.sleep(seconds)
        await asyncio.sleep(0)


@contextmanager
def skip_waits() -> Iterator[SkippedWaits]:
    """In here, clients of this process do not wait between attempts, nor for the pace.

    with skip_waits() as waits:
        fake.fail(503, times=2, retry_after=30)
        list(client.contacts.list(administration_id="1"))
    assert waits.seconds == [30, 30]
    """
    skipped = SkippedWaits()
    with clock.using(skipped):
        yield skipped
