"""Behind PgBouncer in transaction mode, which hands each transaction to whichever session is free."""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from sql.conftest import queries
from sql.copying import CreateEngine, Syncs
from sql.truth import rows, truth

import payt
from payt.sql import BusyError, SyncError, SyncResult
from payt.testing import FakePayt
from support import pgbouncer

pytestmark = pytest.mark.soak


@pytest.fixture
def pooled(cluster: Callable[[], str], request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database of the test's own behind a pooler that has five sessions there."""
    program = pgbouncer.program()
    if program is None:
        pytest.skip("no PgBouncer is installed: scripts/soak installs Debian's, as root")
    url = sa.make_url(cluster()).set(database=f"pooled_{abs(hash(request.node.name))}")
    engine = sa.create_engine(cluster(), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {url.database}")
    with pgbouncer.pooler(program, url.render_as_string(hide_password=False), connections=5) as address:
        yield address


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pg8000"])
def test_of_two_copies_at_once_one_is_told_that_the_other_is_busy(
    sync: Syncs, pooled: str, create_engine: CreateEngine, driver: str
) -> None:
    """And pages by the dozen, in turns, need no statement that a session has prepared."""
    url = by_driver(pooled, driver)
    both = threading.Barrier(2)
    ends: list[str] = []

    def run() -> None:
        with ExitStack() as waiting:
            waiting.callback(both.wait, 60)

            def tell(result: SyncResult) -> None:
                if result.pages == 20:  # the other one has had all the time that it needs
                    waiting.close()

            try:
                sync(fake, url, per_page=4, full=True, on_progress=tell)
            except BusyError as error:
                ends.append("busy" if "another run is syncing it into contacts: process" in str(error) else str(error))
            else:
                ends.append("done")

    with FakePayt(contacts=120) as fake:
        for _ in range(3):
            with ThreadPoolExecutor(2) as pool:
                for future in [pool.submit(run) for _ in range(2)]:
                    future.result()
            assert sorted(ends) == ["busy", "done"]
            ends.clear()
            fake.change("7", lastname="new")
            fake.remove(fake.contacts[-1]["id"])
        sync(fake, url, full=True)
        with queries(pooled) as query:
            assert rows(query) == truth(fake)


def test_a_run_whose_lock_is_lost_is_fenced(sync: Syncs, pooled: str, cluster: Callable[[], str]) -> None:
    """The session with the lock is ended from outside: two runs are under way, and the first writes nothing more."""
    server = sa.create_engine(cluster(), poolclass=sa.NullPool)

    def lose(result: SyncResult) -> None:
        if result.pages == 3:
            with server.begin() as connection:
                connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
            second.extend(sync(fake, pooled, per_page=4))

    with FakePayt(contacts=40) as fake:
        second: list[SyncResult] = []
        with pytest.raises(BusyError, match="another run has taken over contacts"):
            sync(fake, pooled, per_page=4, on_progress=lose)
        [result] = second
        assert (result.resumed, result.inserted) == (True, 28)
        with queries(pooled) as query:
            assert rows(query) == truth(fake)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # pg8000 leaves sockets that it cannot close
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pg8000"])
def test_sessions_that_end_at_any_moment_lose_nothing(
    sync: Syncs, pooled: str, cluster: Callable[[], str], driver: str, caplog: pytest.LogCaptureFixture
) -> None:
    url, ended = by_driver(pooled, driver), threading.Event()
    server = sa.create_engine(cluster(), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    victims = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND random() < 0.5")

    def end_sessions() -> None:
        with server.connect() as connection:
            while not ended.wait(moments.uniform(0, 0.05)):
                connection.execute(victims, {"name": url.database})

    moments, failures = random.Random(1), 0
    with FakePayt(contacts=60) as fake, ThreadPoolExecutor(1) as pool:
        ends = pool.submit(end_sessions)
        try:
            for number in range(60):
                try:
                    sync(fake, url, per_page=3, full=number % 2 == 1)
                except SyncError:  # and no other, however the session ends
                    failures += 1
                fake.change(str(1 + number), lastname=f"number {number}")
        finally:
            ended.set()
        ends.result()
        sync(fake, url, full=True)
        with queries(pooled) as query:
            assert rows(query) == truth(fake)
    assert failures > 0
    caplog.clear()  # tracebacks in the log hold on to connections
    gc.collect()  # what is left is warned of here, and in no other test


def by_driver(pooled: str, driver: str) -> sa.URL:
    url = sa.make_url(pooled).set(drivername=f"postgresql+{driver}")
    socket = f"{url.query['host']}/.s.PGSQL.{url.query['port']}"
    return url.set(query={"unix_sock": socket}) if driver == "pg8000" else url


def test_many_administrations_share_few_sessions_with_another_copy(sync: Syncs, pooled: str) -> None:
    administrations = {str(number): 20 + number for number in range(1, 17)}
    with FakePayt(administrations=administrations) as fake:
        for full in (False, True):
            with ThreadPoolExecutor(2) as pool:
                runs = [
                    pool.submit(sync, fake, pooled, [*administrations], table=table, per_page=3, full=full)
                    for table in ("contacts", "others")
                ]
            for run in runs:
                assert all(result.complete for result in run.result())
        with queries(pooled) as query:
            for name in administrations:
                for table in ("contacts", "others"):
                    assert rows(query, name, table) == truth(fake, name)


def test_an_error_of_the_pooler_is_told(sync: Syncs, pooled: str) -> None:
    url = sa.make_url(pooled).set(database="nowhere")
    with FakePayt(contacts=3) as fake, pytest.raises(SyncError, match='database "nowhere" does not exist'):
        sync(fake, url)


def test_a_pace_and_tokens_work_there(pooled: str) -> None:
    store = payt.SQLTokenStore(pooled, encrypt=False)
    with FakePayt(contacts=60) as fake:
        login = payt.AuthorizationCode(
            fake.oauth.client_id, fake.oauth.client_secret, store, refresh_token=fake.oauth.issue()["refresh_token"]
        )
        pace = payt.SQLPace(pooled)
        for _ in range(3):
            with payt.Client(login, base_url=fake.url, pace=pace, rate_limit=200) as client:
                assert len(list(client.contacts.list(administration_id="1", per_page=2))) == 60
