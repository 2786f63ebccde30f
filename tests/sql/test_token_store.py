"""Tokens in a database: kept, encrypted, locked, and shared by processes that share nothing else."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from sql.conftest import queries
from sql.copying import CreateEngine
from sql.truth import Query
from tokens.forking import LISTED, fork_during_a_renewal, forks
from tokens.strict_server import StrictServer
from tokens.waiting import PATIENCE

import payt
from payt.sql.dialects import SQLite
from payt.testing import FakePayt
from payt.transport import locks
from support.eventually import eventually
from support.quick import QUICK

TOKEN = payt.Token("access-one", "refresh-one", "contacts:read", 1_000.0, 8_200.0)
OTHER = payt.Token("access-two", "refresh-two", "contacts:read", 2_000.0, 9_200.0)
NAME = "api.example-authorization_code-0123"
SCRIPT = Path(__file__).with_name("token_process.py")


@pytest.fixture(autouse=True)
def encryption_key(monkeypatch: pytest.MonkeyPatch) -> str:
    key = Fernet.generate_key().decode()
    monkeypatch.setenv("PAYT_TOKEN_KEY", key)
    return key


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of each kind that tokens can be in."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def store(database: str) -> payt.SQLTokenStore:
    return payt.SQLTokenStore(database)


def test_it_is_a_store_that_keeps_what_is_saved(store: payt.SQLTokenStore) -> None:
    assert isinstance(store, payt.TokenStore)
    assert store.load(NAME) is None
    with store.lock(NAME):
        store.save(NAME, TOKEN)
        store.save(NAME, OTHER)
    assert store.load(NAME) == OTHER
    assert store.load("another") is None
    store.delete(NAME)
    store.delete(NAME)
    assert store.load(NAME) is None


def test_what_is_saved_under_the_lock_is_safe_at_once(store: payt.SQLTokenStore, database: str) -> None:
    with store.lock(NAME):
        store.save(NAME, TOKEN)
        assert payt.SQLTokenStore(database).load(NAME) == TOKEN


def test_a_lock_keeps_others_out_even_after_saving(store: payt.SQLTokenStore, database: str) -> None:
    order = []

    def second() -> None:
        with payt.SQLTokenStore(database).lock(NAME):
            order.append("second")

    thread = threading.Thread(target=second)
    with store.lock(NAME), store.lock("another"):
        thread.start()
        store.save(NAME, TOKEN)
        thread.join(0.2)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


def test_nobody_waits_for_ever(store: payt.SQLTokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LONGEST_LOCK", 0.1)
    failures: list[payt.TokenError] = []

    def second() -> None:
        try:
            with store.lock(NAME):
                pass
        except payt.TokenError as error:
            failures.append(error)

    with store.lock(NAME):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(60)
    assert len(failures) == 1
    assert re.fullmatch(r"another process has held .*lock.* for 0\.1 s: is one stuck .*", str(failures[0]))


def test_rows_are_encrypted(store: payt.SQLTokenStore, query: Query, encryption_key: str) -> None:
    store.save(NAME, TOKEN)
    [row] = query("SELECT * FROM payt_tokens")
    assert "access-one" not in str(row)
    assert "refresh-one" not in str(row)
    assert b"refresh-one" in Fernet(encryption_key).decrypt(row.token.removeprefix("fernet:"))


def test_a_key_can_be_replaced(store: payt.SQLTokenStore, encryption_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(NAME, TOKEN)
    new = Fernet.generate_key().decode()
    monkeypatch.setenv("PAYT_TOKEN_KEY", f"{new}, {encryption_key}")
    assert store.load(NAME) == TOKEN
    store.save(NAME, OTHER)
    monkeypatch.setenv("PAYT_TOKEN_KEY", new)
    assert store.load(NAME) == OTHER


def test_what_cannot_be_read_is_reported_and_left_alone(
    store: payt.SQLTokenStore, query: Query, encryption_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(NAME, TOKEN)
    before = query("SELECT * FROM payt_tokens")
    attempts: list[Any] = [lambda: store.load(NAME), lambda: store.save(NAME, OTHER)]
    for key, problem in ((Fernet.generate_key().decode(), "another key"), ("", "is encrypted: no key to encrypt")):
        monkeypatch.setenv("PAYT_TOKEN_KEY", key)
        for attempt in attempts:
            with pytest.raises(payt.TokenError, match=problem) as caught:
                attempt()
            assert key not in str(caught.value) or not key
        assert query("SELECT * FROM payt_tokens") == before
    monkeypatch.setenv("PAYT_TOKEN_KEY", encryption_key)
    junk = "fernet:" + Fernet(encryption_key).encrypt(b'{"access_token": 5}').decode()
    query("UPDATE payt_tokens SET token = :junk", junk=junk)
    for attempt in attempts:
        with pytest.raises(payt.TokenError, match="was not written by payt"):
            attempt()
    store.delete(NAME)
    assert store.load(NAME) is None


def test_without_a_key_it_is_refused_unless_that_is_said(
    database: str, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAYT_TOKEN_KEY")
    with pytest.raises(ValueError, match=r"no key to encrypt tokens with: set PAYT_TOKEN_KEY.*encrypt=False"):
        payt.SQLTokenStore(database)
    monkeypatch.setenv("PAYT_TOKEN_KEY", "hunter2")
    with pytest.raises(ValueError, match="PAYT_TOKEN_KEY is not a Fernet key") as caught:
        payt.SQLTokenStore(database)
    assert "hunter2" not in str(caught.value)
    monkeypatch.delenv("PAYT_TOKEN_KEY")
    store = payt.SQLTokenStore(database, encrypt=False)
    with store.lock(NAME):
        store.save(NAME, TOKEN)
    assert store.load(NAME) == TOKEN
    assert query("SELECT token FROM payt_tokens")[0].token.startswith("plain:")


def test_an_engine_will_do_and_a_database_in_memory_will_not(database: str, create_engine: CreateEngine) -> None:
    engine = create_engine(database)
    store = payt.SQLTokenStore(engine)
    store.save(NAME, TOKEN)
    assert payt.SQLTokenStore(database).load(NAME) == TOKEN
    with pytest.raises(TypeError, match="of an Engine cannot be pickled: give it the database's URL"):
        pickle.dumps(store)
    with pytest.raises(ValueError, match="MemoryTokenStore"):
        payt.SQLTokenStore(sa.create_engine("sqlite://"))


def test_it_needs_no_hash_that_fips_forbids(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise ValueError("disabled for FIPS")

    for name in ("blake2b", "blake2s", "md5", "sha1"):
        monkeypatch.setattr(hashlib, name, refuse)
    with StrictServer() as server:
        assert list_as(server, payt.SQLTokenStore(database), server.login()) == 1


def test_it_is_pickled_by_reference(store: payt.SQLTokenStore, encryption_key: str) -> None:
    store.save(NAME, TOKEN)
    pickled = pickle.dumps(store)
    for secret in (encryption_key, "access-one", "refresh-one"):
        assert secret.encode() not in pickled
    again = pickle.loads(pickled)
    assert (again, hash(again)) == (store, hash(store))
    assert again.load(NAME) == TOKEN


def test_its_repr_shows_no_password() -> None:
    store = payt.SQLTokenStore("postgresql+psycopg://me:hunter2@127.0.0.1:1/db")
    assert "hunter2" not in repr(store)
    assert "hunter2" not in repr(payt.SQLTokenStore(sa.create_engine("postgresql+psycopg://me:hunter2@127.0.0.1:1/db")))
    attempts: list[Any] = [
        lambda: store.load(NAME),
        lambda: store.save(NAME, TOKEN),
        lambda: store.delete(NAME),
        lambda: store.lock(NAME).__enter__(),
    ]
    for attempt in attempts:
        with pytest.raises(payt.TokenError, match=r"me:\*\*\*@127.0.0.1:1/db: .*refused"):
            attempt()


@pytest.fixture
def crowd(database: str) -> Iterator[tuple[FakePayt, list[subprocess.Popen[str]], payt.AuthorizationCode]]:
    """Six processes with one login in one database."""
    with FakePayt(contacts=7) as fake, ExitStack() as stack:
        store = payt.SQLTokenStore(database)
        first = fake.oauth.issue()["refresh_token"]
        person = payt.AuthorizationCode(fake.oauth.client_id, fake.oauth.client_secret, store, refresh_token=first)
        with payt.Client(person, base_url=fake.url, **QUICK) as client:
            assert len(list(client.contacts.list(administration_id="1"))) == 7
        environment = {
            "LISTING_DATABASE": database,
            "LISTING_ID": person.client_id,
            "LISTING_SECRET": person.client_secret,
            "LISTING_URL": fake.url,
        }
        processes = []
        for _ in range(6):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, str(SCRIPT)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, **environment},
                )
            )
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield fake, processes, person


Crowd = tuple[FakePayt, list[subprocess.Popen[str]], payt.AuthorizationCode]


def check_refreshes(crowd: Crowd, expiries: int) -> None:
    fake, processes, _ = crowd
    for expiry in range(1, expiries + 1):
        fake.oauth.expire()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("list\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "7\n"
        assert (fake.oauth.refreshes, fake.oauth.refusals) == (1 + expiry, 0)


def test_six_processes_refresh_once_each_time(crowd: Crowd) -> None:
    check_refreshes(crowd, 3)


@pytest.mark.soak
def test_six_processes_refresh_once_through_a_dozen_expiries(crowd: Crowd) -> None:
    check_refreshes(crowd, 12)


def test_the_lock_of_a_killed_process_is_free(store: payt.SQLTokenStore, database: str) -> None:
    program = (
        "import payt, sys, time\n"
        f"with payt.SQLTokenStore(sys.argv[1]).lock({NAME!r}):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, database], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        entered = threading.Event()

        def second() -> None:
            with store.lock(NAME):
                entered.set()

        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
        process.kill()
        assert eventually(entered.is_set, 60)
        thread.join(60)


@pytest.mark.parametrize("options", [{"isolation_level": "AUTOCOMMIT"}, {"isolation_level": "SERIALIZABLE"}])
def test_the_lock_holds_whatever_the_engine_does_by_itself(
    database: str, options: dict[str, Any], create_engine: CreateEngine
) -> None:
    engine = create_engine(database, **options)
    order = []

    def second() -> None:
        with payt.SQLTokenStore(database).lock(NAME):
            order.append("second")

    thread = threading.Thread(target=second)
    with payt.SQLTokenStore(engine).lock(NAME):
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


def test_what_saves_is_there_before_anything_is_asked(postgresql: str) -> None:
    """A new token that came, and for which the database then has no connection, would be lost."""
    with queries(postgresql) as query:
        query("CREATE ROLE few LOGIN CONNECTION LIMIT 2")
        query(f"GRANT ALL ON SCHEMA {postgresql.rpartition('%3D')[2]} TO few")
    url = postgresql.replace("payt@", "few@")
    store = payt.SQLTokenStore(url)
    with store.lock(NAME):
        with pytest.raises(payt.TokenError, match="too many connections"):
            payt.SQLTokenStore(url).load(NAME)
        store.save(NAME, TOKEN)
    elsewhere = sa.create_engine(url, poolclass=sa.NullPool)
    with elsewhere.connect(), pytest.raises(payt.TokenError, match="too many connections"):
        store.lock(NAME).__enter__()
    assert store.load(NAME) == TOKEN


@pytest.mark.parametrize("which", ["idle in transaction", "idle"])
def test_a_lost_connection_takes_no_token_along(postgresql: str, which: str) -> None:
    """Those of the lock and of what is done under it, one after the other."""
    store = payt.SQLTokenStore(f"{postgresql}&application_name=lost")
    terminated = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'lost'"
    with queries(postgresql) as query, store.lock(NAME):
        assert query(f"{terminated} AND state = :which", which=which) == [(True,)]
        store.save(NAME, TOKEN)
        assert store.load(NAME) == TOKEN
    assert store.load(NAME) == TOKEN


def test_a_timeout_of_the_role_is_none_for_waiting(postgresql: str) -> None:
    store = payt.SQLTokenStore(postgresql.replace("options=", "options=-cstatement_timeout%3D100ms%20"))
    holding, entered = threading.Event(), threading.Event()

    def second() -> None:
        assert holding.wait(60)
        with store.lock(NAME):
            entered.set()

    thread = threading.Thread(target=second)
    thread.start()
    with store.lock(NAME):
        holding.set()
        assert not entered.wait(0.5)
    thread.join(60)
    assert entered.is_set()


def test_a_link_is_no_other_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LONGEST_LOCK", 0.1)
    store = payt.SQLTokenStore(f"sqlite:///{tmp_path}/tokens.db")
    store.save(NAME, TOKEN)
    (tmp_path / "link.db").symlink_to("tokens.db")
    with store.lock(NAME), pytest.raises(payt.TokenError, match=r"another process has held .*\.lock for 0\.1 s"):
        payt.SQLTokenStore(f"sqlite:///{tmp_path}/link.db").lock(NAME).__enter__()


def test_nothing_is_asked_that_could_not_be_kept(store: payt.SQLTokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYT_TOKEN_KEY")
    with pytest.raises(payt.TokenError, match="no key to encrypt tokens with"):
        store.lock(NAME).__enter__()


def test_a_new_file_is_private_and_keeps_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stores = [payt.SQLTokenStore("sqlite:///t.db"), payt.SQLTokenStore(sa.make_url("sqlite:///t.db"))]
    old_mask = os.umask(0o022)
    try:
        stores[0].save(NAME, TOKEN)
    finally:
        os.umask(old_mask)
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("t.db*") if path.suffix != ".lock"} == {0}
    (tmp_path / "elsewhere").mkdir()
    pickled = [pickle.dumps(store) for store in stores]
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [pickle.loads(each).load(NAME) for each in pickled] == [TOKEN, TOKEN]
    with pytest.raises(payt.TokenError, match="No such file"):
        payt.SQLTokenStore(f"sqlite:///{tmp_path}/missing/t.db").load(NAME)
    SQLite(sa.create_engine("sqlite://")).make_private_file()  # there is none


@pytest.mark.parametrize(("to", "error"), [("nonsense", ValueError), (5, TypeError)])
def test_what_is_no_database_is_told(to: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="to "):
        payt.SQLTokenStore(to)


# Before a refresh token is spent


@pytest.fixture
def strict() -> Iterator[StrictServer]:
    with StrictServer() as server:
        yield server


def list_as(server: StrictServer, store: payt.TokenStore, first: str | None = None) -> int:
    who = payt.AuthorizationCode("id", "secret", store, refresh_token=first)
    with payt.Client(who, base_url=server.url, rate_limit=None, **QUICK) as client:
        return len(list(client.contacts.list(administration_id="1")))


@pytest.mark.parametrize("is_first", [True, False], ids=["the first one", "a later one"])
def test_a_role_that_may_not_write_spends_nothing(postgresql: str, strict: StrictServer, is_first: bool) -> None:
    """With the right to insert rows, and none to change them."""
    schema = postgresql.rpartition("%3D")[2]
    payt.SQLTokenStore(postgresql).load(NAME)  # makes the tables
    first = strict.login()
    if not is_first:
        assert list_as(strict, payt.SQLTokenStore(postgresql), first) == 1
        strict.expire()
    with queries(postgresql) as query:
        query(f"CREATE ROLE reader_of_{schema} LOGIN")
        query(f"GRANT USAGE ON SCHEMA {schema} TO reader_of_{schema}")
        query(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {schema} TO reader_of_{schema}")
        query(f"GRANT UPDATE ON payt_token_locks TO reader_of_{schema}")
    limited = payt.SQLTokenStore(postgresql.replace("payt@", f"reader_of_{schema}@"))
    renewals = strict.renewals
    with pytest.raises(payt.TokenError, match="permission denied for table payt_tokens"):
        list_as(strict, limited, first)
    assert (strict.renewals, strict.reused) == (renewals, 0)
    assert list_as(strict, payt.SQLTokenStore(postgresql), first) == 1


@pytest.mark.real_time
def test_a_database_that_is_away_when_the_answer_comes_loses_nothing(postgresql: str, strict: StrictServer) -> None:
    """For three seconds nobody can connect, and who is connected is thrown out."""
    schema = postgresql.rpartition("%3D")[2]
    with queries(postgresql) as query:
        query(f"CREATE ROLE owner_of_{schema} LOGIN")
        query(f"GRANT ALL ON SCHEMA {schema} TO owner_of_{schema}")
    store = payt.SQLTokenStore(postgresql.replace("payt@", f"owner_of_{schema}@"))
    assert list_as(strict, store, strict.login()) == 1
    strict.expire()

    def come_back() -> None:
        time.sleep(3)
        with queries(postgresql) as query:
            query(f"ALTER ROLE owner_of_{schema} LOGIN")

    def go_away() -> None:
        with queries(postgresql) as query:
            query(f"ALTER ROLE owner_of_{schema} NOLOGIN")
            query(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'owner_of_{schema}'")
        threading.Thread(target=come_back).start()

    strict.meanwhile = go_away
    assert list_as(strict, store) == 1
    strict.meanwhile = bool
    strict.expire()
    assert list_as(strict, payt.SQLTokenStore(postgresql)) == 1
    assert (strict.renewals, strict.reused) == (3, 0)


class TestForks:
    pytestmark = forks

    def test_a_fork_waits_until_no_thread_uses_sqlite(self, tmp_path: Path) -> None:
        """A child would wait for SQLite's own locks for ever: they are held by a thread that it does not have."""
        store, is_used, may_end = (
            payt.SQLTokenStore(f"sqlite:///{tmp_path}/tokens"),
            threading.Event(),
            threading.Event(),
        )
        ends: list[bool] = []

        def use(*_connection: object) -> None:
            is_used.set()
            may_end.wait(PATIENCE)
            ends.append(True)

        with ThreadPoolExecutor(1) as pool:
            sa.event.listen(sa.Engine, "connect", use)
            try:
                loading = pool.submit(store.load, "key")
                assert is_used.wait(PATIENCE)
                threading.Timer(0.05, may_end.set).start()
                child = os.fork()
                if child == 0:
                    os._exit(not ends)
            finally:
                sa.event.remove(sa.Engine, "connect", use)
                may_end.set()
            assert loading.result(PATIENCE) is None
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    @pytest.mark.parametrize("to", ["a URL", "an Engine"])
    def test_a_child_of_a_process_that_renews_a_token_neither_hangs_nor_spends_another(
        self,
        database: str,
        strict: StrictServer,
        to: str,
        create_engine: CreateEngine,
    ) -> None:
        """Nor does it use, or close, a connection of its parent."""
        engine = create_engine(database)
        store = payt.SQLTokenStore(database if to == "a URL" else engine)
        assert fork_during_a_renewal(strict, store) == LISTED
        assert (strict.renewals, strict.reused) == (2, 0)
        strict.expire()
        assert list_as(strict, store) == 1
        assert (strict.renewals, strict.reused) == (3, 0)

    def test_a_child_leaves_the_connections_in_the_pool_of_an_engine_to_its_parent(
        self,
        database: str,
        monkeypatch: pytest.MonkeyPatch,
        create_engine: CreateEngine,
    ) -> None:
        engine = create_engine(database)
        store = payt.SQLTokenStore(engine)
        store.save(NAME, TOKEN)
        with engine.connect() as connection:
            of_parent = connection.connection.dbapi_connection
        taken: list[object] = []
        sa.event.listen(engine, "checkout", lambda connection, *_: taken.append(connection))
        assert store.load(NAME) == TOKEN
        assert {*map(id, taken)} == {id(of_parent)}
        taken.clear()
        monkeypatch.setattr(os, "getpid", lambda: -1)  # as in a child
        assert store.load(NAME) == TOKEN
        assert taken
        assert of_parent not in taken
        assert of_parent is not None
        of_parent.cursor().execute("SELECT 1")  # it is still open
        of_parent.close()


def test_a_row_of_another_login_is_refused(store: payt.SQLTokenStore, query: Query, encryption_key: str) -> None:
    store.save(NAME, TOKEN)
    store.save("another", OTHER)
    query("UPDATE payt_tokens SET token = (SELECT token FROM payt_tokens WHERE key = 'another')")
    assert store.load("another") == OTHER
    with pytest.raises(payt.TokenError, match="the token is of another login, and was put there"):
        store.load(NAME)
    earlier = Fernet(encryption_key).encrypt(b'{"access_token": "of-an-earlier-version"}').decode()
    query("UPDATE payt_tokens SET token = :row", row=f"fernet:{earlier}")
    assert store.load(NAME) == payt.Token("of-an-earlier-version")


def test_a_row_that_somebody_put_there_unencrypted_is_refused(
    store: payt.SQLTokenStore, database: str, query: Query
) -> None:
    """Whoever could write the table would choose whose account is used."""
    payt.SQLTokenStore(database, encrypt=False).save(NAME, TOKEN)
    attempts: list[Any] = [lambda: store.load(NAME), lambda: store.save(NAME, OTHER)]
    for attempt in attempts:
        with pytest.raises(payt.TokenError, match=r"the token is not encrypted: .* Delete it and log in again"):
            attempt()
    assert query("SELECT token FROM payt_tokens")[0].token.startswith("plain:")
    store.delete(NAME)
    store.save(NAME, OTHER)
    assert store.load(NAME) == OTHER


def test_another_error_than_that_of_a_taken_lock_is_told_at_once(postgresql: str, create_engine: CreateEngine) -> None:
    engine = create_engine(postgresql)

    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def fail(
        _connection: object, _cursor: object, statement: str, parameters: object, *_: object
    ) -> tuple[str, object]:
        return ("SELECT 1/0", ()) if "FOR UPDATE" in statement else (statement, parameters)

    with pytest.raises(payt.TokenError, match="SQLSTATE 22012"), payt.SQLTokenStore(engine).lock("key"):
        pass
