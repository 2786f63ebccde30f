"""Threads that work ahead of whoever consumes, and end as soon as nobody does any more."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from contextvars import copy_context

from .call import Abandoned, Cancel

_MOMENT = 0.1
"""Seconds that leaving a listing lasts at most, where a thread is in a wait that nothing can end."""


class Worker:
    """A daemon thread, whose waits `stop` ends. It has the context (of a trace, say) of whoever makes it.

    Args:
        target: What it does; called with what ends its waits.
    """

    def __init__(self, target: Callable[[Cancel], None]) -> None:
        self._cancel = Cancel()
        self._process = os.getpid()
        self._thread = threading.Thread(target=copy_context().run, args=(self._run, target), name="payt", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let it end; what it waits for is given up."""
        if os.getpid() == self._process:  # in a forked child it is the parent's, and may hold a lock for ever
            self._cancel.stop()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, or so long."""
        if threading.current_thread() is not self._thread:
            self._thread.join(seconds)

    def _run(self, target: Callable[[Cancel], None]) -> None:
        with suppress(Abandoned):
            target(self._cancel)


def join(workers: Collection[Worker]) -> None:
    """Wait until workers that were stopped have ended, or a moment for all of them."""
    end = time.monotonic() + _MOMENT
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))
