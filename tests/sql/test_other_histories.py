"""Histories of another hand: a service, a clock and kills that share no code with payt's own, against the truth.

Two services are copied into one database, whose tables are restored alone, while cursors count, the service's clock
jumps by a day, and runs are killed at any statement.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sql.another_service import DAY, Service
from sql.truth import Query

SCRIPT = Path(__file__).with_name("killable.py")
Run = Callable[[dict[str, Any]], dict[str, Any]]
HOUR = timedelta(hours=1)
STEPS = 16
STATEMENTS = 100
"""About as many as a run makes."""

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this operating system has no fork"),
]


class World:
    """A service, its copy, and what may happen to both.

    Attributes:
        losses: How many contacts a cursor that counts may have been moved past since the unfinished run began. One is
            found by the next pass; of more, all passes might miss the same.
    """

    def __init__(self, random: Random, run: Run, database: str, query: Query, table: str) -> None:
        self.service = Service()
        self.random, self._run, self._database, self._query, self._table = random, run, database, query, table
        self._losses = 0
        self._moved: str | None = None
        self._done = False
        for _ in range(random.randint(4, 12)):
            self.add()

    def add(self) -> None:
        self.service.put(str(self.random.randint(100, 999)), lastname=self._word(), debtor_numbers=[self._word()])

    def change(self) -> None:
        if self.service.contacts and self._may_lose(self.service.ahead < DAY * 0):
            self.service.put(self.random.choice(sorted(self.service.contacts)), lastname=self._word())

    def remove(self) -> None:
        if self.service.contacts and self._may_lose(True):
            self.service.remove(self.random.choice(sorted(self.service.contacts)))

    def jump(self) -> None:
        self.service.ahead = self.random.choice([-DAY, DAY * 0, DAY * 0, DAY])

    def undate(self) -> None:
        self.service.dated = self.random.random() < 0.7

    def move(self) -> None:
        if self._moved is None:
            self._moved = self.service.url
            self.service.move()

    def restore(self) -> None:
        """Somebody restores the table alone, as it was before the last run."""
        if self._done:
            kept = f"{self._table}_kept"
            self._query(f"CREATE TABLE {kept} AS SELECT * FROM {self._table}")
            self.change()
            self.service.passed += HOUR  # or the change would be so fresh that the next run asks for it once more
            self.sync(wild=self.random.random() < 0.3)
            self._query(f"DELETE FROM {self._table}")
            self._query(f"INSERT INTO {self._table} SELECT * FROM {kept}")
            self._query(f"DROP TABLE {kept}")

    def sync(self, *, wild: bool, **options: Any) -> dict[str, Any]:
        """Run once; while it is wild, things happen before its requests, and it may be killed."""
        random, happens = self.random, dict[int, Callable[[], None]]()
        if wild:
            for _ in range(random.choice([0, 1, 1, 2])):
                happens[random.randint(1, 8)] = random.choice(
                    [self.add, self.change, self.remove, self.jump, self.vanish]
                )
        self.service.begin(lambda number: happens[number]() if number in happens else None)
        hidden = set(self.service.hidden)
        if self._moved is not None:
            options["moved_from"] = self._moved
        kill = random.randint(1, STATEMENTS) if wild and random.random() < 0.6 else None
        outcome = self._order(self.service, kill, per_page=random.randint(1, 5), **options)
        if "full" in outcome:
            self._losses, self._moved, self._done = 0, None, True
            dated, ahead = self.service.told or (False, DAY * 0)
            if not outcome["resumed"] and (outcome["full"] or (dated and ahead < DAY * 0)):
                self.service.hidden -= hidden
        return outcome

    def mistake(self, other: Service) -> None:
        """Somebody copies another service into this table."""
        if self._done:
            other.begin(lambda _number: None)
            outcome = self._order(other, None)
            assert (outcome.get("error"), other.requests) == ("SchemaError", 0), outcome

    def vanish(self) -> None:
        """The service is gone in the middle of a request."""
        raise ConnectionError

    def rows(self, *names: str) -> dict[str, tuple[Any, ...]]:
        found = self._query(f"SELECT id, lastname, debtor_numbers FROM {self._table} WHERE deleted_at IS NULL")
        return {
            row.id: (row.lastname, json.loads(row[2]) if isinstance(row[2], str) else row[2])
            for row in found
            if not names or row.id in names
        }

    def truth(self, *, but: frozenset[str] = frozenset()) -> dict[str, tuple[Any, ...]]:
        return {
            name: (one["lastname"], one["debtor_numbers"])
            for name, one in self.service.contacts.items()
            if name not in but
        }

    def check(self) -> None:
        """A complete run has all that any clock lets it see; a full one has all, and nothing that is gone."""
        for full in (False, True):
            while True:
                outcome = self.sync(wild=False, full=full)
                assert "full" in outcome, outcome
                if not outcome["resumed"]:
                    break
            real = self.truth(but=frozenset(self.service.hidden))
            assert self.rows(*real) == real if not full else self.rows() == self.truth()

    def _order(self, service: Service, kill: int | None, **options: Any) -> dict[str, Any]:
        how = {"table": self._table, "prefetch": 0, **options}
        after = self.random.random() < 0.5
        return self._run(
            {
                "url": service.url,
                "database": self._database,
                "kill": kill,
                "after": after,
                "options": how,
                "passed": service.passed.total_seconds(),
            }
        )

    def _may_lose(self, loses: bool) -> bool:
        if loses and self._losses:
            return False
        self._losses += loses
        return True

    def _word(self) -> str:
        return "".join(self.random.choices("aàA '\\\t\n%\u2028ß", k=self.random.randint(0, 6)))


@contextmanager
def killable() -> Iterator[Run]:
    """Runs a sync in a process of its own; again, for as long as a killed one's lock has not been let go."""
    with subprocess.Popen([sys.executable, SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:

        def run(order: dict[str, Any]) -> dict[str, Any]:
            assert server.stdin is not None
            assert server.stdout is not None
            deadline = time.monotonic() + 60
            while True:
                server.stdin.write(json.dumps(order) + "\n")
                server.stdin.flush()
                outcome: dict[str, Any] = json.loads(server.stdout.readline())
                if outcome.get("error") != "BusyError":
                    return outcome
                assert time.monotonic() < deadline
                time.sleep(0.01)

        yield run


@pytest.mark.parametrize("seed", range(4))
def test_a_history_of_another_hand_ends_in_the_truth(database: str, query: Query, seed: int) -> None:
    random = Random(seed)
    with killable() as run, ExitStack() as stack:
        worlds = [World(random, run, database, query, table) for table in ("contacts", "others")]
        for world in worlds:
            stack.enter_context(world.service.running())
            world.sync(wild=True)
        for _ in range(STEPS):
            world = random.choice(worlds)
            world.service.passed += HOUR
            if random.random() < 0.5:
                outcome = world.sync(wild=True, full=random.random() < 0.3)
                assert outcome.get("error") in (None, "TransportError"), outcome
                continue
            other = worlds[world is worlds[0]].service
            happens: list[Callable[[], None]] = [world.add, world.change, world.change, world.remove, world.jump]
            happens += [world.undate, world.move, world.restore, world.restore, partial(world.mistake, other)]
            random.choice(happens)()
        for world in worlds:
            world.check()
