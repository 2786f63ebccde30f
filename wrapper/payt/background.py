"""Threads that fetch ahead of whoever consumes, and end as soon as nobody does any more.

A thread cannot be cancelled as a task can. Ours look after each wait whether they are still wanted, and can be woken in
the waits that may be long: before a request (`Clock.sleep`), and for its answer (`network`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from contextvars import ContextVar, copy_context
from queue import SimpleQueue
from typing import Generic, NoReturn, TypeVar

from .forks import Process

R = TypeVar("R")
_MOMENT = 0.1
"""Seconds that leaving a listing lasts at most, where a thread is in a wait that nothing can end."""


class Abandoned(BaseException):
    """What this thread does is wanted no more. No `except Exception` on the way may take it for an error."""


class Worker:
    """A daemon thread, whose waits `stop` ends. It has the context (of a trace, say) of whoever makes it.

    Args:
        target: What it does; called with the worker itself.
    """

    def __init__(self, target: Callable[[Worker], None]) -> None:
        # reentrant: a listing may be collected as garbage, and so stopped, in its own worker
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._wake: Callable[[], None] | None = None
        self._process = Process()
        self._thread = threading.Thread(target=copy_context().run, args=(self._run, target), name="payt", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let it end; what it waits for is given up."""
        if not self._process.is_current():
            return  # it is the parent's, and may hold the lock for ever here
        with self._lock:
            self._stopped.set()
            if self._wake is not None:
                self._wake()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, or so long."""
        if not self.is_current():
            self._thread.join(seconds)

    def is_current(self) -> bool:
        """Whether this code runs in it."""
        return threading.current_thread() is self._thread

    def check(self) -> None:
        """Go on only where that is wanted.

        Raises:
            Abandoned: It was stopped.
        """
        if self._stopped.is_set():
            raise Abandoned

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than this is wanted.

        Raises:
            Abandoned: It was stopped.
        """
        self._stopped.wait(seconds)
        self.check()

    def wait_for(self, blocking: Callable[[], R], wake: Callable[[], None]) -> R:
        """Call `blocking`, which `wake`, called from another thread, makes return or raise.

        Raises:
            Abandoned: It was stopped.
        """
        with self._lock:
            self.check()
            self._wake = wake
        try:
            return blocking()
        finally:
            with self._lock:
                self._wake = None
            self.check()

    def _run(self, target: Callable[[Worker], None]) -> None:
        _current.set(self)
        with suppress(Abandoned):
            target(self)


def join(workers: Collection[Worker]) -> None:
    """Wait until workers that were stopped have ended, or a moment for all of them."""
    end = time.monotonic() + _MOMENT
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))


def current() -> Worker | None:
    """The worker that this code runs in, if it runs in one."""
    worker = _current.get()
    # its context may have been carried into another thread, which lives on
    return worker if worker is not None and worker.is_current() else None


class Here(Process):
    """This process, in which a listing began: threads do not come along when it is forked."""

    def check(self) -> None:
        """Go on only where the threads are.

        Raises:
            RuntimeError: This is a process that was forked meanwhile.
        """
        if not self.is_current():
            raise RuntimeError(
                "this listing began before the process was forked, and only the parent can go on with it: list anew"
            )


class Ahead(Generic[R]):
    """Makes one call at a time in a thread of its own, which there is from the first call to `close`."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], R], object] | None] = SimpleQueue()
        self._results: SimpleQueue[Callable[[], R]] = SimpleQueue()
        self._worker: Worker | None = None
        self._here = Here()

    def begin(self, call: Callable[[], R], *, let_go: object = None) -> None:
        """Make a call, while the caller does something else.

        Args:
            call: What to do.
            let_go: A result that the caller holds no more. It is freed first, in the thread that made it: what lies in
                the caches of that processor takes a fraction of the time there, and the caller does not wait for it.
        """
        self._calls.put((call, let_go))
        if self._worker is None:
            # it knows nothing but the queues: a listing that is dropped is collected, and that closes it
            calls, results = self._calls, self._results
            self._worker = Worker(lambda _: _serve(calls, results))

    def result(self) -> R:
        """What the call returns or raises, as soon as it does.

        Raises:
            RuntimeError: This is a process that was forked meanwhile.
        """
        self._here.check()
        return self._results.get()()

    def close(self) -> None:
        """Give up the call that is under way, if one is, and end the thread."""
        if self._worker is not None:
            self._worker.stop()
            self._calls.put(None)
            join([self._worker])


def _serve(calls: SimpleQueue[tuple[Callable[[], R], object] | None], results: SimpleQueue[Callable[[], R]]) -> None:
    while (begun := calls.get()) is not None:
        call, _ = begun
        del begun, _
        results.put(outcome(call))
        del call  # it holds a page, perhaps until the next one is asked for


def outcome(call: Callable[[], R]) -> Callable[[], R]:
    """Make a call, and return what returns or raises the same in another thread.

    Raises:
        Abandoned: Nobody wants it any more.
    """
    try:
        value = call()
    except Abandoned:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is the caller's, who waits for it
        return _raising(error)
    return lambda: value


def _raising(error: BaseException) -> Callable[[], NoReturn]:
    def reraise() -> NoReturn:
        raise error

    return reraise


_current: ContextVar[Worker | None] = ContextVar("payt.worker", default=None)
