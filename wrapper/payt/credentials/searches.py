"""Threads that search for tokens, one for each login at a time. They are nobody's own: see `cache`."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any

from ..errors import TokenError
from ..transport.process import PerProcess
from ..transport.signals import RENEWER

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger("payt")


class Searches:
    """What is under way in a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.kept: set[Any] = set()  # caches that must stay
        self.said: set[str] = set()
        self._under_way: dict[Hashable, Future[Any]] = {}
        self._ended = False

    def begin(self, who: Hashable, find: Callable[[], Any]) -> tuple[Future[Any], bool]:
        """The search for somebody that is under way, or else a new one, and whether it is new.

        Raises:
            TokenError: None can begin any more, as the program is ending.
        """
        from concurrent.futures import Future  # noqa: PLC0415  `import payt` need not take the time

        with self.lock:
            if who in self._under_way:
                return self._under_way[who], False
            if self._ended:
                raise TokenError("no more tokens are requested: the program is ending")
            search: Future[Any] = Future()
            search.set_running_or_notify_cancel()  # who waits for it cannot cancel it
            run, arguments = Context().run, (self._run, who, find, search)
            try:
                threading.Thread(target=run, args=arguments, name=RENEWER, daemon=False).start()
            except RuntimeError as error:  # when a program is ending, newer versions of Python start none
                raise TokenError(f"no token was asked for: {error}") from None
            self._under_way[who] = search
            return search, True

    def _run(self, who: Hashable, find: Callable[[], Any], search: Future[Any]) -> None:
        result = find()
        with self.lock:
            self._under_way.pop(who, None)  # before anybody wakes up, and finds that this one will not do
        search.set_result(result)

    def keep(self, cache: Any) -> None:
        """Let a cache that must stay outlive its clients."""
        with self.lock:
            (self.kept.add if cache.must_stay else self.kept.discard)(cache)

    def end(self) -> None:
        """When the program ends: wait for what is under way, and begin nothing, as its answer could not be kept.

        Python itself waits for threads, but not for one that a daemon thread starts after it has done so.
        """
        with self.lock:
            self._ended = True
            under_way = [*self._under_way.values()]
        for search in under_way:
            search.result()
        for place in [cache.place for cache in self.kept if cache.place.unsaved]:
            with suppress(Exception), place.locked():
                pass  # it is saved on the way in


def say_once(text: str, about: str = "") -> None:
    """Log a warning, once in a process for whatever it is about: its text, where that is not said."""
    said = searches.get().said
    if (about or text) not in said:
        said.add(about or text)
        log.warning("tokens: %s", text)


searches = PerProcess(Searches)
atexit.register(lambda: searches.get().end())
