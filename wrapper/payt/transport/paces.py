"""The pace of a token: when each of its requests may start.

Each request books a start in the future and sleeps until then; nothing is held meanwhile. Each start of a token is a
period later than the tenth before it (or whatever the rate is). So there are never more than ten in any second, they
come in the order in which they were asked for, and nobody has to wake anybody.

What counts is when requests arrive. So whoever wakes up looks again, as the one that it waits for may have been late,
and whoever sends late, because a new connection takes its time, says so.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias
from weakref import WeakKeyDictionary

import msgspec

from . import clock
from .process import PerProcess
from .starts import Pace

MARGIN = 0.05
"""How much longer than a second each second is: requests travel, and do not all take the same time for it."""
SLOWER, SLOWEST, RECOVERY = 0.15, 8.0, 0.05
"""By how much a refusal makes the pace slower, how slow it gets at most, and how much of that is over each second.

The one refusal in a hundred that comes by chance costs little; where they go on, each one doubles what is there.
"""
EFFECT = 1.0
"""Seconds until a slower pace shows: the limit is one of a second."""
_LATE = 0.005
"""Seconds by which a request may be sent after its start: the margin is for that, too."""
_BUSY = 0.002
"""Seconds until a book that somebody else is writing in is tried again."""
_TRIES = 10
"""How often a note is tried to be written, which others can do without."""
_MOST = 100
"""Starts in a period: of more than that a second, there are as many in less."""
_KEPT = 256
"""Starts that are remembered. Who waits behind more than that does not look again when it wakes up."""
_LONGEST_WAIT = 600.0
"""Seconds after which, and ten periods, no start can be booked: what says so is not a book of ours."""
FORGOTTEN = 3600.0
"""Seconds after which nothing in a book matters any more: tokens are replaced by the hour."""


class Book(msgspec.Struct):
    """The starts of the requests of one token. No I/O.

    Attributes:
        starts: Their moments, no two of them the same: by its moment, a start is found.
        closed_until: No request starts before.
        slowness: How much slower than it should be the pace was made at `slowed_at`.
    """

    starts: list[float] = []
    closed_until: float = -math.inf
    slowness: float = 1.0
    slowed_at: float = -math.inf

    def turn(self, start: BookedStart, now: float) -> float:
        """Book a start, or look whether it has come; the seconds that are left until then."""
        place = self.starts.index(start.due) if start.due in self.starts else None
        is_unknown = place is None and start.due >= min(self.starts, default=-math.inf)
        # a process or a machine that was stopped must not send at once all that should have been sent meanwhile
        if is_unknown or now > start.due + start.period / 2:
            del self.starts[: 1 - _KEPT]
            place, start.due = len(self.starts), self._unlike(now)
            self.starts.append(start.due)
        if place is not None:  # else so many wait behind it
            late = now - _LATE  # whoever wakes later than that moves the one that waits for it, too
            due = max(start.due, late, self.closed_until, self._before(place, start.many) + start.period)
            if (slow := self.slow(now)) > 1:  # evenly then, as others come in between
                due = max(due, self._before(place, 1) + start.period / start.many * slow)
            if due > now + _LONGEST_WAIT + 10 * start.period:
                self.starts, self.closed_until, self.slowness = [], now, 1.0
                return self.turn(start, now)
            self.starts[place] = -math.inf
            self.starts[place] = start.due = self._unlike(due)
        return max(0.0, round(start.due - now, 9))

    def move(self, start: BookedStart, moment: float) -> None:
        """It is at another moment than it was booked for."""
        if start.due in self.starts:
            self.starts[self.starts.index(start.due)] = start.due = self._unlike(moment)

    def drop(self, start: BookedStart) -> None:
        """It is never."""
        with suppress(ValueError):
            self.starts.remove(start.due)

    def refuse(self, sent: float, now: float, retry_after: float | None) -> None:
        """Slow down, but not for those that were sent before the last time could show."""
        self.closed_until = max(self.closed_until, now + (retry_after or 0.0))
        if sent >= self.slowed_at + EFFECT:
            self.slowness, self.slowed_at = min(SLOWEST, 2 * self.slow(now) - 1 + SLOWER), now

    def slow(self, now: float) -> float:
        """How much slower than it should be the pace is now: 1 where it is as fast."""
        return max(1.0, self.slowness - (now - self.slowed_at) * RECOVERY)

    def _before(self, place: int, many: int) -> float:
        """The start that is so many before one."""
        return self.starts[place - many] if place >= many else -math.inf

    def _unlike(self, moment: float) -> float:
        """The moment, or the next one that is not in the list."""
        while moment in self.starts:
            moment = math.nextafter(moment, math.inf)
        return moment


class BookedStart:
    """A start in a book.

    Attributes:
        many: How many starts there are in a period.
        period: Its seconds.
        due: When it comes.
    """

    def __init__(self, pace: ProcessPace, key: bytes, rate: float) -> None:
        self._pace, self._key = pace, key
        self.many = min(int(rate), _MOST) if rate == int(rate) else 1  # 2.5 a second is one every 0.4 s
        self.period = self.many / rate * (1 + MARGIN)
        self.due = -math.inf
        self._moment = 0.0  # of its start, then of its sending

    def wait(self) -> float:
        """As `Start.wait`."""
        try:
            with self._pace.book(self._key) as book:
                self._moment = clock.now()
                return book.turn(self, self._moment)
        except BlockingIOError:
            return _BUSY

    def sent(self) -> None:
        """As `Start.sent`."""
        self._moment = now = clock.now()
        if now - self.due > _LATE:
            self._note(lambda book: book.move(self, now))

    def refused(self, retry_after: float | None) -> None:
        """As `Start.refused`."""
        self._note(lambda book: book.refuse(self._moment, clock.now(), retry_after))

    def give_back(self) -> None:
        """As `Start.give_back`."""
        self._note(lambda book: book.drop(self))

    def _note(self, write: Callable[[Book], None]) -> None:
        for _ in range(_TRIES):
            with suppress(BlockingIOError), self._pace.book(self._key) as book:
                write(book)
                return
            time.sleep(_BUSY / 4)


class ProcessPace(Pace):
    """Keeps each token's rate limit in this process only, across all its clients, threads and tasks.

    For processes that must not touch the disk, or that each get a part of the limit as their `rate_limit`. A forked
    process has its own.
    """

    def start(self, key: bytes, rate: float) -> BookedStart:
        """As `Pace.start`."""
        return BookedStart(self, key, rate)

    @contextmanager
    def book(self, key: bytes) -> Iterator[Book]:
        """The book of a token, in which nobody else writes within the `with` block."""
        lock, by_clock = _books.get()
        with lock:
            books = by_clock.setdefault(clock.current(), {})
            if key not in books:
                over = clock.now() - FORGOTTEN
                for known in [known for known, book in books.items() if max(book.starts, default=over) <= over]:
                    del books[known]
            yield books.setdefault(key, Book())

    def __repr__(self) -> str:
        return "payt.ProcessPace()"


_Books: TypeAlias = WeakKeyDictionary[clock.Clock, dict[bytes, Book]]
_books: PerProcess[tuple[threading.Lock, _Books]] = PerProcess(lambda: (threading.Lock(), WeakKeyDictionary()))
"""By the clock, as the moments of another one mean nothing."""
