"""The pace of a token: when each of its requests may start.

Each request books a start in the future and sleeps until then; nothing is held meanwhile. Each start of a token is a
period later than the tenth before it (or whatever the rate is). So there are never more than ten in any second, they
come in the order in which they were asked for, and nobody has to wake anybody.

What counts is when requests arrive. So whoever wakes up looks again, as the one that it waits for may have been late,
and whoever sends late, because a new connection takes its time, says so.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol

from . import clock
from .process import PerProcess

MARGIN = 0.05
"""How much longer than a second each second is: requests travel, and do not all take the same time for it."""
SLOWER, SLOWEST, RECOVERY = 0.15, 8.0, 0.05
"""By how much a refusal makes the pace slower, how slow it gets at most, and how much of that is over each second.

The one refusal in a hundred that comes by chance costs little; where they go on, each one doubles what is there.
"""
EFFECT = 1.0
"""Seconds until a slower pace shows: the limit is one of a second."""
_LATE = 0.005
"""Seconds between a start and its sending that the margin is for."""
_BUSY = 0.002
"""Seconds until a book that somebody else is writing in is tried again."""
_PATIENCE = 0.005
"""Seconds that are spent on a note which others can do without."""
_MOST = 100
"""Starts in a period: of more than that a second, there are as many in less."""
_KEPT = 256
"""Starts that are remembered. Who waits behind more than that does not look again when it wakes up."""
_LONGEST_WAIT = 600.0
"""Seconds after which, and ten periods, no start can be booked: what says so is not a book of ours."""
_FORGOTTEN = 120.0
"""Seconds after which nothing in a book matters any more."""


class Start(Protocol):
    """The start of one request."""

    def wait(self) -> float:
        """The seconds to wait before this is asked again; 0 where the request starts now."""
        ...

    def sent(self) -> None:
        """Its request is being sent now."""
        ...

    def refused(self, retry_after: float | None) -> None:
        """Its request was answered with 429: others use this token as well."""
        ...

    def give_back(self) -> None:
        """It will not be used."""
        ...


class Pace(ABC):
    """What `payt.Client(pace=...)` takes: a `payt.ProcessPace` or a `payt.SQLPace`. No others are supported."""

    @abstractmethod
    def start(self, key: bytes, rate: float) -> Start:
        """Ask for the start of a request.

        Args:
            key: Whose pace it is: a digest of a token and of the server it is for.
            rate: Requests a second.
        """


def rhythm(rate: float) -> tuple[int, float]:
    """How many starts there are in a period, and its seconds."""
    many = min(int(rate), _MOST) if rate == int(rate) else 1  # 2.5 a second is one every 0.4 s
    return many, many / rate * (1 + MARGIN)


class Book:
    """The starts of the requests of one token. No I/O.

    Attributes:
        name: What tells this book from one that another one has replaced.
        count: How many starts were ever booked.
        starts: The last ones of them.
        closed_until: No request starts before.
        slowness: How much slower than it should be the pace was made at `slowed_at`.
    """

    def __init__(self, now: float) -> None:
        self.name = now
        self.count = 0
        self.starts = array("d")
        self.closed_until = self.slowed_at = float("-inf")
        self.slowness = 1.0

    def turn(self, start: BookedStart, now: float) -> float:
        """Book a start, or look whether it has come; the seconds that are left until then."""
        # a process or a machine that was stopped must not send at once all that should have been sent meanwhile
        if start.book != self.name or now > start.due + start.period / 2:
            start.book, start.number, start.due = self.name, self.count, now
            self.count += 1
            self.starts.append(now)
            del self.starts[:-_KEPT]
        if (place := self._place(start)) >= 0:
            due = max(start.due, self.closed_until, self._before(place, start.many) + start.period)
            if (slow := slowness(self, now)) > 1:  # evenly then, as others come in between
                due = max(due, self._before(place, 1) + start.period / start.many * slow)
            if due > now + _LONGEST_WAIT + 10 * start.period:
                self.__init__(now)  # type: ignore[misc]  # anew
                return self.turn(start, now)
            self.starts[place] = start.due = max(now, due)
        return max(0.0, start.due - now)

    def move(self, start: BookedStart, now: float) -> None:
        """It is now, and not when it was booked for."""
        if (place := self._place(start)) >= 0:
            self.starts[place] = now

    def give_back(self, start: BookedStart) -> None:
        """It never comes: what comes after it need not wait for it, but for the one before it."""
        if (place := self._place(start)) >= 0:
            self.starts[place] = self._before(place, start.many)

    def refuse(self, sent: float, now: float, retry_after: float | None) -> None:
        """Slow down, but not for those that were sent before the last time could show."""
        self.closed_until = max(self.closed_until, now + (retry_after or 0.0))
        if sent >= self.slowed_at + EFFECT:
            self.slowness, self.slowed_at = min(SLOWEST, 2 * slowness(self, now) - 1 + SLOWER), now

    def is_forgettable(self, now: float) -> bool:
        """Whether a new book would be the same as this one."""
        last = max(self.starts, default=self.name)
        return now > max(last, self.closed_until, self.slowed_at + SLOWEST / RECOVERY) + _FORGOTTEN

    def _place(self, start: BookedStart) -> int:
        return start.number - self.count + len(self.starts) if start.book == self.name else -1

    def _before(self, place: int, many: int) -> float:
        """The start that is so many before one."""
        return self.starts[place - many] if place >= many else float("-inf")


def slowness(book: Book, now: float) -> float:
    """How much slower than it should be the pace is now: 1 where it is as fast."""
    return max(1.0, book.slowness - (now - book.slowed_at) * RECOVERY)


class BookPace(Pace):
    """A pace that keeps books."""

    @abstractmethod
    def book(self, key: bytes, patience: float = 0.0) -> AbstractContextManager[Book]:
        """The book of a token, in which nobody else writes within the `with` block.

        Args:
            key: As in `start`.
            patience: The seconds for which it may block where somebody is writing.

        Raises:
            BlockingIOError: On entering: somebody still is.
        """

    def start(self, key: bytes, rate: float) -> BookedStart:
        """As `Pace.start`."""
        return BookedStart(self, key, rate)


class BookedStart:
    """A start in a book.

    Attributes:
        book: The name of the book; None while it is in none.
        number: Which of the starts in it this is.
        due: When it comes.
    """

    def __init__(self, pace: BookPace, key: bytes, rate: float) -> None:
        self._pace, self._key = pace, key
        self.many, self.period = rhythm(rate)
        self.book: float | None = None
        self.number = -1
        self.due = 0.0
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
        now = clock.now()
        if now - self._moment > _LATE:
            self._note(lambda book: book.move(self, now))
        self._moment = now

    def refused(self, retry_after: float | None) -> None:
        """As `Start.refused`."""
        self._note(lambda book: book.refuse(self._moment, clock.now(), retry_after))

    def give_back(self) -> None:
        """As `Start.give_back`."""
        self._note(lambda book: book.give_back(self))

    def _note(self, write: Callable[[Book], None]) -> None:
        with suppress(BlockingIOError), self._pace.book(self._key, _PATIENCE) as book:
            write(book)


class ProcessPace(BookPace):
    """Keeps each token's rate limit in this process only, across all its clients, threads and tasks.

    For processes that must not touch the disk, or that each get a part of the limit as their `rate_limit`. A forked
    process has its own.
    """

    @contextmanager
    def book(self, key: bytes, patience: float = 0.0) -> Iterator[Book]:
        """As `BookPace.book`; nobody writes for longer than some microseconds."""
        del patience
        own = _books.get()
        with own.lock:
            if own.clock is not clock.current():  # the moments of another clock mean nothing
                own.clock, own.by_key = clock.current(), {}
            now = clock.now()
            if key not in own.by_key:
                own.by_key = {known: book for known, book in own.by_key.items() if not book.is_forgettable(now)}
                own.by_key[key] = Book(now)
            yield own.by_key[key]

    def __repr__(self) -> str:
        return "payt.ProcessPace()"


class _Books:
    """The books of a process, as its clock goes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clock = clock.current()
        self.by_key: dict[bytes, Book] = {}


_books = PerProcess(_Books)
