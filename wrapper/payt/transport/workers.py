"""Threads that work ahead of whoever consumes, and end as soon as nobody does any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from contextvars import copy_context

from .call import Abandoned, Cancel

_MOMENT = 0.1
"""Seconds that leaving a listing lasts at most, where a thread is in a wait that nothing can end."""


class Worker(threading.Thread):
    """A daemon thread, whose waits `stop` ends. It has the context (of a trace, say) of whoever makes it."""

    def __init__(self, task: Callable[[Cancel], None]) -> None:
        self._cancel = Cancel()
        super().__init__(target=copy_context().run, args=(_run, task, self._cancel), name="payt", daemon=True)
        try:
            self.start()
        except BaseException:  # as by Ctrl-C, when it may be running and nobody else knows it
            self.stop()
            raise

    def stop(self) -> None:
        """Let it end; what it waits for is given up."""
        self._cancel.stop()


def join(workers: Collection[Worker]) -> None:
    """Wait until workers that were stopped have ended, or a moment for all of them."""
    end = time.monotonic() + _MOMENT
    for worker in workers:
        if worker is not threading.current_thread():
            with suppress(RuntimeError):  # of Python 3.14 at the end of the program, which stops the worker anyway
                worker.join(max(0.0, end - time.monotonic()))


def _run(task: Callable[[Cancel], None], cancel: Cancel) -> None:
    with suppress(Abandoned):
        task(cancel)
