"""Any history of changes, faults and kills, between and within runs, ends in what the service has."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

import attrs
import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sql.truth import Query, rows, truth

import payt
from payt.sql import SyncResult
from payt.testing import FakePayt, contact
from support.quick import CONTEXT, QUICK

STEP = timedelta(hours=1)


class KilledError(Exception):
    """The run ends here, without another word to the database."""


@attrs.frozen
class Change:
    """Something happens at the service."""

    kind: Literal["add", "change", "remove"]
    which: int


@attrs.frozen
class Run:
    """A run, what happens before some of its requests, and how it ends."""

    full: bool
    per_page: int
    within: dict[int, Change]
    fault: int | None
    killed: int | None


changes = st.builds(Change, st.sampled_from(["add", "change", "change", "remove"]), st.integers(0, 50))
ends = st.one_of(st.none(), st.integers(1, 5))
runs = st.builds(
    Run, st.booleans(), st.integers(1, 6), st.dictionaries(st.integers(1, 6), changes, max_size=3), ends, ends
)
steps = st.one_of(changes, runs)


class World:
    """A service with a clock of its own, which moves on by an hour whenever something happens."""

    def __init__(self, fake: FakePayt) -> None:
        self.fake = fake
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._ids = itertools.count(100)

    def tick(self) -> str:
        self.now += STEP
        return self.now.isoformat()

    def change(self, change: Change) -> None:
        at, contacts = self.tick(), self.fake.contacts
        if change.kind == "add":
            self.fake.add(contact(id=str(next(self._ids)), updated_at=at))
        elif contacts:
            chosen = contacts[change.which % len(contacts)]["id"]
            if change.kind == "change":
                self.fake.change(chosen, lastname=at, updated_at=at)
            else:
                self.fake.remove(chosen)

    def sync(self, to: Any, **options: Any) -> SyncResult:
        run = options.pop("run", None)
        transport = Meddling(self, run)
        with payt.Client(
            self.fake.token, base_url=self.fake.url, rate_limit=None, retries=0, transport=transport, **QUICK
        ) as client:
            [result] = payt.sync(client, "1", to, overlap=timedelta(0), allow_mass_delete=True, **options)
            return result


class Meddling(httpx.HTTPTransport):
    """Lets happen what belongs to a run, and tells the service's time."""

    def __init__(self, world: World, run: Run | None) -> None:
        super().__init__(verify=CONTEXT)
        self._world, self._run, self._numbers = world, run, itertools.count(1)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        number = next(self._numbers)
        self._world.tick()
        if self._run is not None:
            if number in self._run.within:
                self._world.change(self._run.within[number])
            if number == self._run.killed:
                raise KilledError
            if number == self._run.fault:
                self._world.fake.fail(500)
        response = super().handle_request(request)
        response.headers["date"] = format_datetime(self._world.now, usegmt=True)
        return response


def check(history: list[Change | Run], to: Any, query: Query) -> None:
    with FakePayt(contacts=7) as fake:
        world = World(fake)
        for step in history:
            if isinstance(step, Change):
                world.change(step)
                continue
            with contextlib.suppress(KilledError, payt.PaytError):
                world.sync(to, full=step.full, per_page=step.per_page, run=step)
        fake.reset()
        while world.sync(to, per_page=3).resumed:
            pass
        kept, real = rows(query), truth(fake)
        assert {name: kept.get(name) for name in real} == real  # nothing is lost or stale
        world.sync(to, per_page=3, full=True)
        assert rows(query) == truth(fake)


def query_of(engine: sa.Engine) -> Callable[..., list[Any]]:
    def query(statement: str, **values: Any) -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(sa.text(statement), values).all())

    return query


def check_in(kind: str, request: pytest.FixtureRequest, history: list[Change | Run]) -> None:
    if kind == "sqlite":
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = sa.create_engine(request.getfixturevalue(kind))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE IF EXISTS contacts")
    try:
        check(history, engine, query_of(engine))
    finally:
        engine.dispose()


EVERYWHERE = pytest.mark.parametrize("kind", ["sqlite", "postgresql", "maria"])
few = settings(max_examples=settings().max_examples // 4)


@EVERYWHERE
@few
@given(history=st.lists(steps, max_size=8))
def test_any_history(request: pytest.FixtureRequest, kind: str, history: list[Change | Run]) -> None:
    check_in(kind, request, history)


@pytest.mark.soak
@EVERYWHERE
@few
@given(history=st.lists(steps, max_size=20))
def test_any_long_history(request: pytest.FixtureRequest, kind: str, history: list[Change | Run]) -> None:
    check_in(kind, request, history)
