"""A listing against a server and a pace in turned time: what is decided is real, and no time passes."""

from __future__ import annotations

import bisect
import heapq
import itertools
from types import SimpleNamespace
from typing import Any

from payt.listing.guesses import Guess, Guesses


def listed(
    ids: list[int], per_page: int, latency: float, prefetch: int, *, others: float | None = None
) -> tuple[float, int]:
    """The seconds and requests that it takes to list ids, of which ten may start in a second.

    Args:
        ids: What the server has.
        per_page: How many of them are on a page.
        latency: The seconds that a page takes.
        prefetch: How many pages may be ahead.
        others: How many requests others start in a second, under the same pace.
    """
    service = _Service(ids, per_page, latency, others)
    service.guesses = Guesses(per_page, prefetch, 10)
    page, last = service.ask(-1)
    found = list(page)
    while not last:
        best = service.best(page, prefetch - 1)
        if best is None or best.ids is None:
            page, last = service.ask(page[-1])
        else:
            page, last = best.ids[best.overlap :], best.last
        found += page
    assert found == ids
    return service.now, len(service.starts)


class _Service:
    guesses: Guesses

    def __init__(self, ids: list[int], per_page: int, latency: float, others: float | None) -> None:
        self._ids, self._per_page, self._latency, self._others = ids, per_page, latency, others
        self.now = 0.0
        self.starts: list[float] = []
        self._coming: list[tuple[float, int, Guess | None, list[int], bool, Any]] = []
        self._numbers = itertools.count()

    def send(self, cursor: int, guess: Guess | None) -> None:
        start = max([self.now, *(each + 1 for each in self.starts[-10:-9])])
        if self._others is not None:
            start = max([start, *(each + 1 / (10 - self._others) for each in self.starts[-1:])])
        self.starts.append(start)
        end = start + self._latency
        first = bisect.bisect_right(self._ids, cursor)
        page, last = self._ids[first : first + self._per_page], first + self._per_page >= len(self._ids)
        call = SimpleNamespace(latency=self._latency, took=end - self.now)
        heapq.heappush(self._coming, (end, next(self._numbers), guess, page, last, call))

    def take_up(self) -> tuple[Guess | None, list[int], bool]:
        moment, _, guess, page, last, call = heapq.heappop(self._coming)
        self.now = max(self.now, moment)
        if guess is None:
            self.guesses.measured(call)
        else:
            pagination = SimpleNamespace(cursor=None if last else str(page[-1]))
            guess.response = SimpleNamespace(parsed=SimpleNamespace(pagination=pagination))
            guess.keys, guess.call = [str(number) for number in page], call
            self.guesses.answered(guess)
        return guess, page, last

    def ask(self, cursor: int) -> tuple[list[int], bool]:
        self.send(cursor, None)
        while True:
            guess, page, last = self.take_up()
            if guess is None:
                return page, last

    def best(self, before: list[int], room: int) -> Guess | None:
        while True:
            while (guess := self.guesses.next(before, room)) is not None:
                self.send(guess.cursor, guess)
            best = self.guesses.best(before)
            if best is None or best.ids is not None:
                return best
            self.take_up()
