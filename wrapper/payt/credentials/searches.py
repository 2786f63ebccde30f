"""Threads that search for tokens, one for each login at a time. They are nobody's own: see `cache`.

A signal that raises, as Ctrl-C does, may come between taking a lock and the block that lets it go, wherever Python code
stands between the two, as in `Thread.start` and in futures. So those who wait share no such lock with a search, which
would never end: another thread starts it, and its result comes through a queue of their own.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable
from contextvars import Context
from functools import partial
from typing import Any, Final, TypeAlias

from ..errors import TokenError
from ..transport.call import current
from ..transport.process import PerProcess
from ..transport.signals import RENEWER

ENDLESS: Final = float("inf")
Wake: TypeAlias = Callable[[Any], object]
"""Is called with the result, in the thread that searches."""


class Searches:
    """What is under way in a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._waiting: dict[Hashable, list[Wake]] = {}  # for each

    def begin(self, who: Hashable, find: Callable[[], Any], wake: Wake) -> None:
        """Search, or wait for the search for the same `who` that is under way. No thread is an error as its result."""
        with self.lock:
            if who in self._waiting:
                self._waiting[who].append(wake)
                return
        try:
            threading.Thread(target=self._start, args=(who, find, wake), name=RENEWER, daemon=True).start()
        except RuntimeError as error:
            wake(_not_asked(error))

    def _start(self, who: Hashable, find: Callable[[], Any], wake: Wake) -> None:
        with self.lock:
            waiting = self._waiting.setdefault(who, [])
            waiting.append(wake)
            if len(waiting) > 1:
                return
        try:
            threading.Thread(target=Context().run, args=(self._run, who, find), name=RENEWER, daemon=False).start()
        except RuntimeError as error:  # when a program is ending, newer versions of Python start none
            self._run(who, partial(_not_asked, error))

    def _run(self, who: Hashable, find: Callable[[], Any]) -> None:
        result = find()
        with self.lock:
            waiting = self._waiting.pop(who)  # before anybody wakes up, and finds that this one will not do
        for wake in waiting:
            wake(result)


def result_of(begin: Callable[[Wake], object], seconds: float = ENDLESS) -> Any:
    """Wait for the result of what `begin` begins.

    Raises:
        queue.Empty: There is none in so many seconds.
    """
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    begin(results.put)
    get, call = partial(results.get, timeout=None if seconds == ENDLESS else seconds), current()
    return get() if call is None else call.wait_for(get, partial(results.put, None))


def _not_asked(error: RuntimeError) -> TokenError:
    return TokenError(f"no token was asked for: {error}")


searches = PerProcess(Searches)
