"""The pace of a token for all who share a database, and never a reason to hang or to fail."""

from __future__ import annotations

import logging
import pickle
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import sqlalchemy as sa
from sql.copying import CreateEngine

import payt
from payt.sql import pace as pace_module
from payt.transport.paces import MARGIN, SLOWER
from payt.transport.starts import Start
from support.eventually import SOON, eventually
from support.flavours import Flavour
from support.judging import refused, run, seconds
from support.quick import QUICK

KEY = b"a digest"
STEP = 0.1 * (1 + MARGIN)

pytestmark = pytest.mark.real_time


@pytest.fixture(autouse=True)
def no_connection_is_kept_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "_IDLE", 0.5)


def booked(start: Start) -> float:
    """The seconds until it comes, once it is booked."""
    while True:
        wait = start.wait()
        if getattr(start, "due", None) is not None or getattr(start, "_alone", None) is not None or wait == 0:
            return wait
        time.sleep(wait)


def ask(pace: payt.SQLPace, key: bytes = KEY, rate: float = 0.1) -> float:
    return booked(pace.start(key, rate))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of each kind that a pace can be in."""
    url: str = request.getfixturevalue(request.param)
    return url


def test_starts_are_evenly_spaced_whoever_asks(database: str) -> None:
    paces = [payt.SQLPace(database), payt.SQLPace(sa.make_url(database))]
    waits = [ask(paces[number % 2], rate=1 / 1000) for number in range(6)]  # a thousand seconds apart
    assert waits == pytest.approx([10_000 * STEP * number for number in range(6)], abs=60)
    assert ask(paces[0], b"another") == 0


def test_all_who_wait_meanwhile_are_booked_by_one_trip(database: str) -> None:
    pace = payt.SQLPace(database)
    ask(pace, b"first")  # there is a table now
    statements: list[str] = []
    engine = pace._desk.get()._engine

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "INSERT" in statement:
            statements.append(statement)
            time.sleep(0.3)

    starts = [pace.start(KEY, 0.001) for _ in range(20)]
    for start in starts:
        start.wait()
    waits = sorted(booked(start) for start in starts)
    assert waits == pytest.approx([10_000 * STEP * number for number in range(20)], abs=60)
    assert len(statements) <= 3


def test_refusals_slow_down_all_and_a_pause_is_everybodys(database: str, query: Callable[..., list[Any]]) -> None:
    first, second = payt.SQLPace(database), payt.SQLPace(database)
    start = first.start(KEY, 10)
    assert booked(start) == 0
    start.sent()
    start.refused(None)
    assert eventually(lambda: query("SELECT slowness FROM payt_pace")[0][0] > 1)
    assert query("SELECT slowness FROM payt_pace")[0][0] == pytest.approx(1 + SLOWER)
    waiting = first.start(KEY, 10)
    booked(waiting)
    start.refused(30)
    assert eventually(lambda: query("SELECT closed_until > next_start FROM payt_pace")[0][0])
    assert query("SELECT slowness FROM payt_pace")[0][0] == pytest.approx(1 + SLOWER)  # it was under way before
    assert ask(second) == pytest.approx(30, abs=5)
    time.sleep(max(0.0, waiting.wait()))
    assert booked(waiting) > 20  # what was booked before that was said does not count any more


def test_a_pace_that_was_slowed_recovers(database: str, query: Callable[..., list[Any]]) -> None:
    pace = payt.SQLPace(database)
    ask(pace)
    query("UPDATE payt_pace SET slowness = 4, slowed_at = next_start - 30, next_start = 0")
    ask(pace, rate=0.001)
    (step,) = query("SELECT step FROM payt_pace")[0]
    assert 10_000 * STEP < step < 10_000 * STEP * 4
    query("UPDATE payt_pace SET slowness = 4, slowed_at = 0, next_start = 0")
    ask(pace, rate=0.001)
    assert query("SELECT step FROM payt_pace")[0][0] == pytest.approx(10_000 * STEP)


def test_a_clock_that_was_set_back_holds_nobody_up(database: str, query: Callable[..., list[Any]]) -> None:
    pace = payt.SQLPace(database)
    ask(pace, rate=10)
    query("UPDATE payt_pace SET next_start = next_start + 3600, closed_until = next_start + 3600, slowness = 8")
    query("UPDATE payt_pace SET slowed_at = next_start")
    assert ask(pace, rate=10) < 1
    assert query("SELECT step FROM payt_pace")[0][0] == pytest.approx(STEP)


def test_who_overslept_is_booked_anew(sqlite: str) -> None:
    pace = payt.SQLPace(sqlite)
    ask(pace, rate=1)
    late = pace.start(KEY, 1)
    time.sleep(booked(late) + 2 * MARGIN)
    assert late.wait() > 0


def test_rows_of_tokens_long_gone_are_deleted(database: str, query: Callable[..., list[Any]]) -> None:
    ask(payt.SQLPace(database), b"yesterday's")
    query("UPDATE payt_pace SET next_start = next_start - 100000")
    ask(payt.SQLPace(database), b"today's")
    assert [row.key for row in query("SELECT key FROM payt_pace")] == [b"today's".hex()]


def test_who_gives_up_before_it_is_booked_is_not(sqlite: str, query_sqlite: Callable[..., list[Any]]) -> None:
    pace = payt.SQLPace(sqlite)
    ask(pace, rate=0.001)
    before = query_sqlite("SELECT next_start FROM payt_pace")
    with sqlite3.connect(sqlite.removeprefix("sqlite:///")) as other:
        other.execute("BEGIN IMMEDIATE")
        given_up = pace.start(KEY, 0.001)
        given_up.wait()
        given_up.give_back()
        other.rollback()
    other.close()
    after = query_sqlite("SELECT next_start FROM payt_pace")
    assert after[0][0] - before[0][0] in (0, pytest.approx(10_000 * STEP))  # its trip had begun, maybe
    assert eventually(lambda: not pace._desk.get()._starts)


def test_ctrl_c_leaves_no_lock_behind_that_others_wait_for(sqlite: str) -> None:
    def trace(frame: FrameType, event: str, _: object) -> Any:
        """Ctrl-C when a lock has just been taken by a function written in Python."""
        if (frame.f_globals["__name__"], frame.f_code.co_name, event) == ("threading", "__enter__", "return"):
            raise KeyboardInterrupt
        return trace

    pace = payt.SQLPace(sqlite)
    ask(pace)
    start, before = pace.start(KEY, 1000), sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(KeyboardInterrupt):
            start.wait()
    finally:
        sys.settrace(before)
    others = threading.Thread(target=ask, args=(pace,), daemon=True)
    others.start()
    others.join(SOON)
    assert not others.is_alive()


def test_the_thread_ends_when_nobody_asks_any_more(
    database: str, monkeypatch: pytest.MonkeyPatch, query: Callable[..., list[Any]]
) -> None:
    monkeypatch.setattr(pace_module, "_IDLE", 0.05)
    pace = payt.SQLPace(database)
    for _ in range(2):
        ask(pace)
        assert eventually(lambda: not pace._desk.get()._serves)
    assert len(query("SELECT * FROM payt_pace")) == 1


def test_a_database_that_cannot_be_reached_leaves_the_pace_of_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, flavour: Flavour
) -> None:
    monkeypatch.setattr(pace_module, "_PATIENCE", 0.2)
    pace = payt.SQLPace("postgresql+psycopg://user:secret@127.0.0.1:1/none?connect_timeout=1")
    key = flavour.name.encode()
    with caplog.at_level(logging.WARNING, "payt"):
        start = pace.start(key, 1)
        assert booked(start) == 0
        start.sent()
        start.refused(None)
        other = pace.start(key, 1)
        assert other.wait() > 0.5
        other.give_back()
        pace._desk.get().alone_until = 0.0  # a minute later
        assert booked(pace.start(key, 1)) > 0.5
    (record,) = caplog.records
    assert "this process does not share its pace with others: " in record.message
    assert "secret" not in record.message
    assert eventually(lambda: not pace._desk.get()._serves)


def test_a_database_that_does_not_answer_leaves_the_pace_of_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pace_module, "_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        pace = payt.SQLPace(f"postgresql+psycopg://user@127.0.0.1:{port}/none?connect_timeout=2")
        assert booked(pace.start(b"silent", 1)) == 0
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "this process does not share its pace with others: no answer"
    ]
    assert eventually(lambda: not pace._desk.get()._serves)


def test_a_database_that_fails_for_a_moment_is_asked_again(database: str) -> None:
    pace = payt.SQLPace(database)
    ask(pace)
    engine, failures = pace._desk.get()._engine, [0]

    @sa.event.listens_for(engine, "before_cursor_execute")
    def fail(*_: Any) -> None:
        if not failures[0]:
            failures[0] = 1
            raise sa.exc.OperationalError("gone", None, Exception("gone"))

    start = pace.start(KEY, 0.001)
    assert booked(start) >= 0
    assert start._alone is None  # type: ignore[attr-defined]


def test_an_engine_will_do_and_is_left_open(database: str, create_engine: CreateEngine) -> None:
    engine = create_engine(database)
    pace = payt.SQLPace(engine)
    assert ask(pace) == 0
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM payt_pace")) == 1
    with pytest.raises(TypeError, match="a SQLPace of an Engine cannot be pickled: give it the database's URL"):
        pickle.dumps(pace)
    assert eventually(
        lambda: not pace._desk.get()._serves,
    )


def test_a_file_is_private_and_keeps_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pace = pickle.loads(pickle.dumps(payt.SQLPace("sqlite:///pace.db")))
    monkeypatch.chdir("/")
    ask(pace)
    assert (tmp_path / "pace.db").stat().st_mode & 0o777 == 0o600
    assert repr(pace) == f"payt.SQLPace('sqlite:///{tmp_path}/pace.db')"


def test_no_password_is_shown() -> None:
    pace = payt.SQLPace("postgresql+psycopg://user:secret@host/base?password=secret")
    assert repr(pace) == "payt.SQLPace('postgresql+psycopg://user:***@host/base')"
    assert "host/base" in repr(payt.SQLPace(sa.create_engine("postgresql+psycopg://user:secret@host/base")))


@pytest.mark.parametrize(
    ("to", "error", "message"),
    [
        (5, TypeError, "to must be an SQLAlchemy URL or an Engine, got int"),
        ("nonsense", ValueError, "to is not an SQLAlchemy URL"),
        (sa.create_engine("mysql+pymysql://host/base", module=sqlite3), ValueError, "SQLite or PostgreSQL database"),
        (sa.create_engine("sqlite://"), ValueError, "a database in memory has one process: use payt.ProcessPace"),
    ],
)
def test_what_cannot_be_used_is_an_error_at_once(to: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        payt.SQLPace(to)


def test_clients_share_it(database: str, flavour: Flavour) -> None:
    with payt.testing.FakePayt(contacts=3) as fake:
        pace = payt.SQLPace(database)
        for _ in range(12):
            flavour.contacts(fake.url, fake.token, client=QUICK | {"pace": pace}, limit=1)
        assert len(fake.requests) == 12
        assert fake.requests[-1].received_at - fake.requests[0].received_at > 11 * STEP * 0.9


def test_processes_share_it(postgresql: str) -> None:
    arrivals = run(0.01, 2, 10, "threads", 2, postgresql)
    assert refused(arrivals) <= 5  # some, where the machine is busy with something else
    assert seconds(arrivals) > 1
