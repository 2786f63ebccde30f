"""Searches for tokens, one for each login at a time, in threads that are nobody's own: see `cache`.

A signal that raises, as Ctrl-C does, may come between taking a lock and the block that lets it go, wherever Python code
stands between the two, as in `Thread.start` and in futures. So those who wait share no such lock with a search, which
would never end: another thread starts it, and its result comes through a queue of their own.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Hashable
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import Any, TypeAlias

import attrs
import httpx

from ..errors import TokenError
from ..transport.call import current, running_loop
from ..transport.process import PerProcess
from ..transport.signals import RENEWER

Wake: TypeAlias = Callable[[Any], object]
"""Is called with the result, in the thread that searches."""


class _UnderWay:
    """The searches of a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: dict[Hashable, list[Wake]] = {}


searches = PerProcess(_UnderWay)


@attrs.frozen(eq=False)
class Search:
    """A search, for who waits for its result: a thread calls `result`, a task awaits it."""

    who: Hashable = attrs.field(repr=False)  # with secrets, which error reports show of fields that a repr would show
    find: Callable[[], Any] = attrs.field(repr=False)

    def begin(self, wake: Wake) -> None:
        """Begin it, or join that of the same `who` which is under way. No thread is an error as its result."""
        here = searches.get()
        with here.lock:
            if self.who in here.waiting:
                here.waiting[self.who].append(wake)
                return
        try:
            threading.Thread(target=self._start, args=(here, wake), name=RENEWER, daemon=True).start()
        except RuntimeError as error:
            wake(_not_asked(error))

    def _start(self, here: _UnderWay, wake: Wake) -> None:
        with here.lock:
            waiting = here.waiting.setdefault(self.who, [])
            waiting.append(wake)
            if len(waiting) > 1:
                return
        try:
            threading.Thread(
                target=Context().run, args=(self._run, here, self.find), name=RENEWER, daemon=False
            ).start()
        except RuntimeError as error:  # when a program is ending, newer versions of Python start none
            self._run(here, partial(_not_asked, error))

    def _run(self, here: _UnderWay, find: Callable[[], Any]) -> None:
        try:
            result = find()
        except BaseException as error:  # noqa: BLE001  # not even its own errors can be told, and somebody waits
            result = TokenError(f"no token could be obtained: {type(error).__name__}")
        with here.lock:
            waiting = here.waiting.pop(self.who)  # before anybody wakes up, and finds that this one will not do
        for wake in waiting:
            wake(result)

    def result(self) -> Any:
        """What it finds.

        Raises:
            httpx.PoolTimeout: Nothing before the deadline.
        """
        results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.begin(results.put)
        call = current()
        if call is None:
            return results.get()
        try:
            return call.wait_for(partial(results.get, timeout=call.left), partial(results.put, None))
        except queue.Empty:
            raise httpx.PoolTimeout("no token before the deadline") from None

    def __await__(self) -> Generator[Any, Any, Any]:
        loop = running_loop()
        future = loop.create_future()

        def wake(result: Any) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(lambda: None if future.done() else future.set_result(result))

        self.begin(wake)
        return (yield from future)


def _not_asked(error: RuntimeError) -> TokenError:
    return TokenError(f"no token was asked for: {error}")
