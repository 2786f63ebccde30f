"""A clock that stands still but for the waits that are asked of it."""

from __future__ import annotations

import asyncio

from payt.transport.clock import Clock


class TurnedClock(Clock):
    """Time passes in `sleep` alone, or when a test says so."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float, wait: object = None) -> None:
        self.waits.append(seconds)
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)
