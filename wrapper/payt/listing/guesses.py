"""Which pages to ask for before their turn, at cursors that nobody sent, and which of them are right. No I/O.

Where ids are numbers that ascend and a cursor is the id of the last record on its page, a cursor further on can be
guessed. From each guess, pages follow each other by their own cursors until they reach the next guess:

    cursor ──page──page──┐
                  guess ──page──page──┐
                               guess ──page──page──

What was asked for at a guess is used only where it begins with the very records by which the page before it goes beyond
the guess. So whatever a server means by a cursor, a joint that was seen is right. Whatever does not join is asked for
again, at the true cursor.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

import attrs

from ..transport.call import Call
from .pages import ascending, cursor_of

_WORTH: Final = 1.25
"""How many starts of the pace a page must take for reading ahead to be faster, as it takes some more requests."""
_SMOOTH: Final = 0.25
"""How much a measurement moves the average of those before."""
_MORE: Final = 1.5
"""How many times as many requests as start now are tried where others take a part of the pace: they may take less."""
_CAUTION: Final = 1.3
"""By how many standard deviations of what pages reach a guess is nearer than what they reach on average."""
_USELESS: Final = 3
"""How many guesses may be of no use at first; later, one in five."""


@attrs.define(eq=False)
class Guess:
    """A page that was asked for before its turn.

    Attributes:
        cursor: Behind which id.
        response: The answer; None while it is under way, or where there is none that can be used.
        keys: The ids of its records as they came.
        call: How it was asked for, where that is known.
        worker: What asks for it.
        ids: Those ids, once it was taken up.
        last: Whether the listing ends with it.
        overlap: How many of its records are on the page before.
    """

    cursor: int
    response: Any = attrs.field(default=None, repr=False)
    keys: list[Any] = attrs.field(factory=list, repr=False)
    call: Call | None = None
    worker: Any = None
    ids: list[int] | None = None
    last: bool = False
    overlap: int = 0

    @property
    def end(self) -> int:
        """The id that it reaches."""
        return self.ids[-1] if self.ids else self.cursor


class Guesses:
    """The pages of one listing that were asked for before their turn.

    Args:
        per_page: How many records a full page has.
        most: How many pages there may be at a time.
        rate: How many requests start in a second at most; None where nothing limits them.
    """

    def __init__(self, per_page: int, most: int, rate: float | None) -> None:
        self._per_page, self._most = per_page, most
        self._rate = math.inf if rate is None else rate
        self._ahead: list[Guess] = []  # in the order of their cursors
        self._spans: deque[int] = deque(maxlen=20)  # how far the last full pages reached
        self._useful = 0
        self._useless: set[int] = set()  # the cursors of guesses that were
        self._seconds = 0.0  # that an answer takes, on average
        self._busy = self._share = 1.0  # of the requests under way, those that do not wait for their start

    @property
    def under_way(self) -> list[Guess]:
        """Those that are not answered yet."""
        return [guess for guess in self._ahead if guess.ids is None]

    def next(self, before: list[int], room: float) -> Guess | None:
        """The page to ask for now; None if there is none.

        Args:
            before: The ids on the page before; the last one is where the listing stands.
            room: How many pages there may be now.
        """
        from statistics import fmean  # noqa: PLC0415  # takes its time, and few listings read ahead

        lanes = self._lanes()
        useless = len(self._useless) > _USELESS + self._useful / 4
        if useless or len(self.under_way) >= lanes or len(self._ahead) >= room:
            return None
        if not self._spans:
            self._spans.append(before[-1] - before[0] + 1)
        cursor = self._cursor(before[-1], lanes)
        if cursor is None or cursor in self._useless or cursor - before[-1] > (room - 0.1) * fmean(self._spans):
            return None
        guess = Guess(cursor)
        self._ahead.append(guess)
        self._ahead.sort(key=lambda each: each.cursor)
        return guess

    def answered(self, guess: Guess) -> None:
        """Take up what came."""
        self.measured(guess.call)
        cursor = guess.response and cursor_of(guess.response)
        ids = guess.response and ascending(guess.keys, guess.cursor)
        if ids is None or (cursor and [cursor] != [*map(str, ids[-1:])]):
            self._drop(guess)
            return
        guess.ids, guess.last = ids, not cursor
        if len(ids) >= self._per_page:
            self._spans.append(guess.end - guess.cursor)

    def best(self, before: list[int]) -> Guess | None:
        """What has the next page, or is to have it: then its `ids` are None. None where nothing does."""
        here, best = before[-1], None
        for guess in [*self._ahead]:
            if guess.cursor > here:
                break
            known = [number for number in before if number > guess.cursor]
            guess.overlap = len(known)
            joins = guess.ids is None or (guess.end > here and guess.ids[: len(known)] == known)
            if joins or guess.cursor == here:
                best = guess
            else:
                self._drop(guess)
        if best is not None and best.ids is not None:
            self._ahead.remove(best)
            self._useful += 1
        return best

    def measured(self, call: Call | None) -> None:
        """Learn how long an answer took, and how much of that was the wait for its start."""
        if call is None or call.latency is None:
            return
        share = min(1.0, call.latency / max(call.took, 1e-6))
        self._seconds += (call.latency - self._seconds) * (_SMOOTH if self._seconds else 1)
        self._share += (share - self._share) * _SMOOTH
        self._busy += (share * (len(self.under_way) + 1) - self._busy) * _SMOOTH

    def _drop(self, guess: Guess) -> None:
        self._ahead.remove(guess)
        self._useless.add(guess.cursor)

    def _lanes(self) -> int:
        """How many requests are under way at a time: as many as the pace lets start while one is answered."""
        lanes = self._seconds * self._rate if self._seconds else 0.0
        if self._share < 0.8:  # others take a part of the pace
            lanes = min(lanes, _MORE * self._busy)
        return 0 if lanes < _WORTH else math.ceil(min(lanes, self._most))

    def _cursor(self, here: int, lanes: int) -> int | None:
        """Behind the first page that does not reach the one after it; else a guess, ahead of all that are under way.

        The guess is as many pages ahead as there is time for, until their turn comes. That many pages reach more than
        so many ids only by chance; where they do not, it takes one more.
        """
        from statistics import fmean, stdev  # noqa: PLC0415  # as above

        end: int | None = here
        for guess in self._ahead:
            if end is not None and end < guess.cursor:
                return end
            if guess.last:
                return None
            end = None if guess.ids is None else max(guess.end, here)
        if end is not None:
            return end
        pages, span = max(1, round(self._most / (lanes + 1))), fmean(self._spans)
        deviation = stdev(self._spans) if len(self._spans) > 2 else 0.1 * span
        step = pages * span - _CAUTION * max(deviation, 0.01 * span) * math.sqrt(pages)
        return max(here, self._ahead[-1].cursor) + max(1, int(max(step, pages * span / 2)))
