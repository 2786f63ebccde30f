"""Waiting for conditions, never for a fixed time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

SOON = 20.0
"""More seconds than "at once" takes on a busy machine, and fewer than any wait that must not happen."""

PATIENCE = 60.0
"""Seconds after which what must happen is taken not to."""


def eventually(condition: Callable[[], object], timeout: float = PATIENCE) -> bool:
    """Wait for a condition; False if it does not come true in time."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


async def others_end() -> bool:
    """Wait for all other tasks of this event loop to end, such as those that close generators that nobody holds."""
    end = time.monotonic() + PATIENCE
    while asyncio.all_tasks() != {asyncio.current_task()}:
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.005)
    return True


def workers() -> list[threading.Thread]:
    """The threads of this package that are alive."""
    return [thread for thread in threading.enumerate() if thread.name == "payt"]
