"""The pace of a token for all machines that share a database: one row for each token, and the database's clock.

A start is booked by one statement, which moves the row on by a tenth of a second (or whatever the rate asks for). One
thread of each process does that for all who wait in it: while a trip to the database is under way, others gather, and
the next trip books a start for each of them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from .. import checks
from ..transport import clock
from ..transport.paces import MARGIN, ProcessPace
from ..transport.process import PerProcess
from ..transport.starts import Pace, Start
from .dialects import SQLite, dialect_of, in_memory
from .engines import engine_of
from .errors import reason, shown
from .pace_statements import PACE, Statements
from .token_store import absolute, told

log = logging.getLogger("payt")

_ALONE = 60.0
"""Seconds for which a process keeps its own pace after the database could not be used."""
_PATIENCE = 2.0
"""Seconds within which the database must have booked a start."""
_IDLE = 5.0
"""Seconds for which a connection is kept that nobody needs."""
_LONGEST_LOOK, _SHORTEST_LOOK = 0.02, 0.001
"""Seconds between looks whether the database has answered."""


class SQLPace(Pace):
    """Keeps each token's rate limit across all processes that reach a database: PostgreSQL, or an SQLite file.

    Its table `payt_pace`, created if necessary, has one row for each token, under a digest of it. Requests are evenly
    spaced. If the database cannot be reached, or takes two seconds to answer, the process keeps its own pace for a
    minute; a warning says so once. A start that is booked but not used is lost.

    A pace made from a URL can be pickled.

    Args:
        to: The database: an SQLAlchemy URL, or an Engine.

    Raises:
        TypeError: It is neither.
        ValueError: The database cannot be used for this.
        ImportError: Its driver is not installed.
    """

    @checks.showing_no_arguments
    def __init__(self, to: str | sa.URL | sa.Engine) -> None:
        self._to = absolute(to)
        engine, ours = engine_of(self._to), not isinstance(to, sa.Engine)
        if in_memory(engine.url):
            raise ValueError("to: a database in memory has one process: use payt.ProcessPace")
        self._desk = PerProcess(lambda: _Desk(engine, ours=ours))

    def start(self, key: bytes, rate: float) -> Start:
        """As `Pace.start`."""
        return _Start(self._desk.get(), key.hex(), rate)

    def __repr__(self) -> str:
        return f"payt.SQLPace({told(self._to)})"

    def __reduce__(self) -> tuple[Any, ...]:
        """By reference.

        Raises:
            TypeError: It has an Engine.
        """
        if isinstance(self._to, sa.Engine):
            raise TypeError("a SQLPace of an Engine cannot be pickled: give it the database's URL")
        return SQLPace, (self._to,)


class _Start:
    """A start that the database books.

    Attributes:
        interval: Seconds between two starts.
        due: When it comes, once it is booked.
        ahead: How far the clock of this process is ahead of the database's.
    """

    def __init__(self, desk: _Desk, key: str, rate: float) -> None:
        self._desk, self.key, self._rate = desk, key, rate
        self.interval = (1 + MARGIN) / rate
        self.due: float | None = None
        self.ahead = 0.0
        self._asked: float | None = None
        self._moment = 0.0  # of its start, then of its sending
        self._alone: Start | None = None

    def wait(self) -> float:
        """As `Start.wait`."""
        now = clock.now()
        if self._alone is None and self.due is None:
            self._ask(now)
        if self._alone is not None:
            return self._alone.wait()
        if self.due is None:
            return min(_LONGEST_LOOK, _SHORTEST_LOOK + (now - (self._asked or now)) / 4)
        if self.due > now:
            return self.due - now
        # later than the margin allows, it would come too close to those after it; and nothing starts in a pause
        if now > self.due + MARGIN or self._desk.closed_until[self.key] > now:
            self.due = self._asked = None
            return self.wait()
        self._moment = now
        return 0.0

    def _ask(self, now: float) -> None:
        if self._asked is None:
            self._asked = now
            self._desk.ask(self)
        elif now > self._asked + _PATIENCE:
            self._desk.leave()
        if now < self._desk.alone_until:
            self._desk.forget(self)
            self._alone = ProcessPace().start(bytes.fromhex(self.key), self._rate)

    def sent(self) -> None:
        """As `Start.sent`."""
        self._moment = clock.now()
        if self._alone is not None:
            self._alone.sent()

    def refused(self, retry_after: float | None) -> None:
        """As `Start.refused`."""
        if self._alone is not None:
            self._alone.refused(retry_after)
        else:
            self._desk.refuse(self.key, self._moment - self.ahead, retry_after or 0.0)

    def give_back(self) -> None:
        """As `Start.give_back`: only what is not booked yet."""
        self._desk.forget(self)
        if self._alone is not None:
            self._alone.give_back()


class _Desk:
    """Where the starts of a process are asked for.

    Attributes:
        alone_until: Until when the process keeps its own pace.
        closed_until: Until when a token may not be used, as far as this process was told.
    """

    def __init__(self, engine: sa.Engine, *, ours: bool) -> None:
        self._engine, self._ours = engine, ours
        self._statements = Statements(engine)
        # taken by itself, in C: Ctrl-C may come when a condition's own function has just taken it, and leave it so
        self._lock = threading.RLock()
        self._change = threading.Condition(self._lock)
        self._starts: list[_Start] = []
        self._refusals: list[dict[str, Any]] = []
        self._serves = False
        self._error: BaseException | None = None
        self._said = False
        self._quickest = float("inf")
        self.alone_until = float("-inf")
        self.closed_until: defaultdict[str, float] = defaultdict(lambda: float("-inf"))

    def ask(self, start: _Start) -> None:
        """Have a start booked."""
        with self._lock:
            self._starts.append(start)
            self._wake()

    def forget(self, start: _Start) -> None:
        """It need not be booked any more."""
        with self._lock:
            self._starts = [other for other in self._starts if other is not start]

    def refuse(self, key: str, sent: float, retry_after: float) -> None:
        """Slow down."""
        self.closed_until[key] = max(self.closed_until[key], clock.now() + retry_after)
        with self._lock:
            self._refusals.append({"of": key, "sent": sent, "pause": retry_after})
            self._wake()

    def leave(self) -> None:
        """Keep the pace of this process for a while."""
        self.alone_until = clock.now() + _ALONE
        if not self._said:
            self._said = True
            why = "no answer" if self._error is None else reason(self._error, self._engine.url)
            log.warning("%s: this process does not share its pace with others: %s", shown(self._engine.url), why)

    def _wake(self) -> None:
        self._change.notify()
        if not self._serves:
            self._serves = True
            threading.Thread(target=self._serve, name="payt-pace", daemon=True).start()

    def _serve(self) -> None:
        """Book, until nobody has wanted anything for a while."""
        errors = (sa.exc.SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error, OSError)
        while self._serves:
            try:
                with self._connected() as connection:
                    while self._is_wanted():
                        self._refuse(connection)
                        self._book(connection)
                    self._error = None
            except errors as error:
                self._error = error
                time.sleep(0.1)
                with self._lock:
                    self._refusals.clear()
                    self._serves = bool(self._starts)

    def _is_wanted(self) -> bool:
        with self._lock:
            self._serves = self._change.wait_for(lambda: bool(self._starts or self._refusals), _IDLE)
            return self._serves

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        file = dialect_of(self._engine) if self._ours and self._engine.dialect.name == "sqlite" else None
        if isinstance(file, SQLite):
            file.make_private_file()
        with self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            if file is not None:
                file.open(connection)
                connection.exec_driver_sql("PRAGMA synchronous = NORMAL")  # what goes with the power is past by then
            PACE.create(connection, checkfirst=True)
            connection.execute(self._statements.tidy)
            yield connection

    def _refuse(self, connection: sa.Connection) -> None:
        with self._lock:
            refusals, self._refusals = self._refusals, []
        for refusal in refusals:
            connection.execute(self._statements.refuse, refusal)

    def _book(self, connection: sa.Connection) -> None:
        with self._lock:
            waiting: defaultdict[tuple[str, float], list[_Start]] = defaultdict(list)
            for start in self._starts:
                waiting[start.key, start.interval].append(start)
        for (key, interval), starts in waiting.items():
            before = clock.now()
            row = connection.execute(
                self._statements.book, {"of": key, "many": len(starts), "interval": interval}
            ).one()
            after = clock.now()
            self._quickest = min(self._quickest, after - before)
            ahead = after - self._quickest / 2 - row.now
            with self._lock:
                for number, start in enumerate(starts):
                    start.ahead, start.due = ahead, row.next_start + ahead - (len(starts) - number) * row.step
                self._starts = [start for start in self._starts if start not in starts]
