"""Tables that are not ours, locks, readers, and databases that fail."""

from __future__ import annotations

import contextlib
import datetime
import gc
import importlib
import itertools
import os
import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sql.conftest import queries
from sql.copying import CreateEngine, Syncs
from sql.truth import Query, rows, truth

from payt.sql import BusyError, SchemaError, SyncError, SyncResult
from payt.sql.dialects import PostgreSQLWithCopy, SQLite, dialect_of
from payt.sql.dialects.sqlite import lock_in_process as _lock_in_process
from payt.sql.pages import Copy
from payt.sql.schema import _check_names, column_type
from payt.testing import FakePayt, contact


@pytest.mark.parametrize(
    ("missing", "message"),
    [("sqlalchemy", "payt.sql needs sqlalchemy"), ("payt.sql.copying", r"payt\.sql\.copying")],
    ids=["the extra", "a part of ours"],
)
def test_without_its_extra_it_says_which_one_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: str, message: str
) -> None:
    monkeypatch.delitem(sys.modules, "payt.sql")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=message):
        importlib.import_module("payt.sql")


TABLE = sa.Table("contacts", sa.MetaData())


class TestTables:
    def test_one_that_is_not_ours_is_left_alone(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query
    ) -> None:
        query("CREATE TABLE contacts (id INTEGER)")
        with pytest.raises(SchemaError, match="the table contacts was not made by payt: choose another"):
            syncs(fake, database)
        assert fake.requests == []
        assert query("SELECT * FROM contacts") == []
        syncs(fake, database, table="payt")

    def test_one_of_a_newer_version_is_left_alone(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        sync(fake, database)
        query("UPDATE payt_sync_tables SET version = 99")
        with pytest.raises(SchemaError, match=r"newer payt-client \(layout 99, this one knows 2\): upgrade"):
            sync(fake, database)

    def test_a_new_field_of_the_contract_is_a_column_after_a_migration_and_filled_by_the_next_run(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query, caplog: pytest.LogCaptureFixture
    ) -> None:
        sync(fake, database)
        query("ALTER TABLE contacts DROP COLUMN lastname")
        kept = query("SELECT state FROM payt_sync_state")[0].state
        query("UPDATE payt_sync_state SET state = :state", state=kept.replace('"lastname",', ""))
        with pytest.raises(
            SchemaError, match=r"lacks columns.*--migrate.*ALTER TABLE contacts ADD COLUMN lastname (LONG)?TEXT"
        ):
            sync(fake, database)
        [result] = sync(fake, database, migrate=True)
        assert "migrated: ALTER TABLE contacts ADD COLUMN lastname " in caplog.text
        assert (result.full, result.updated) == (True, 12)
        assert rows(query) == truth(fake)
        assert not sync(fake, database, migrate=True)[0].full

    def test_a_column_that_was_dropped_is_filled_again(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        sync(fake, database)
        query("ALTER TABLE contacts DROP COLUMN lastname")
        assert sync(fake, database, migrate=True)[0].full
        assert rows(query) == truth(fake)

    def test_an_unfinished_run_that_knew_fewer_columns_is_not_gone_on_with(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        fake.fail(403, after=1)
        with contextlib.suppress(Exception):
            sync(fake, database, per_page=4)
        kept = query("SELECT state FROM payt_sync_state")[0].state
        query("UPDATE payt_sync_state SET state = :state", state=kept.replace('"lastname",', ""))
        assert not sync(fake, database)[0].resumed

    def test_columns_of_ones_own_stay(self, fake: FakePayt, sync: Syncs, database: str, query: Query) -> None:
        sync(fake, database)
        query("ALTER TABLE contacts ADD COLUMN note TEXT")
        query("UPDATE contacts SET note = 'mine'")
        fake.change("1", lastname="new")
        sync(fake, database)
        assert {row.note for row in query("SELECT note FROM contacts")} == {"mine"}

    def test_a_table_of_ones_own_with_the_name_of_the_temporary_one_stays(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        query("CREATE TABLE payt_incoming_contacts (id TEXT)")
        query("INSERT INTO payt_incoming_contacts VALUES ('mine')")
        sync(fake, database)
        fake.change("1", lastname="new")
        sync(fake, database)
        assert rows(query) == truth(fake)
        assert [row.id for row in query("SELECT id FROM payt_incoming_contacts")] == ["mine"]

    @pytest.mark.parametrize("how", ["DROP TABLE", "DELETE FROM"])
    def test_one_that_somebody_emptied_is_filled_again(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query, how: str
    ) -> None:
        sync(fake, database)
        query(f"{how} contacts")
        [result] = sync(fake, database)
        assert (result.full, result.inserted) == (True, 12)
        assert rows(query) == truth(fake)


@pytest.mark.everywhere
class TestOneRunAtATime:
    def test_a_second_one_is_told_who_holds_it(self, fake: FakePayt, syncs: Syncs, sync: Syncs, database: str) -> None:
        tried: list[int] = []

        def meddle(number: int) -> None:
            tried.append(number)
            me = re.escape(f"process {os.getpid()} on {socket.gethostname()}, since 20")
            with pytest.raises(BusyError, match=f"administration 1: another run is syncing it into contacts: {me}"):
                sync(fake, database)

        syncs(fake, database, meddle=meddle)
        assert tried
        sync(fake, database)

    def test_a_table_by_another_name_is_no_other_table(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query, tmp_path: Path
    ) -> None:
        tried: list[int] = []
        postgres = database.startswith("postgresql")
        schema = query("SELECT current_schema()")[0][0] if postgres else "main"
        if database.startswith("mariadb"):
            schema = query("SELECT database()")[0][0]
        others: list[tuple[str, dict[str, Any]]] = [(database, {"schema": schema})]
        if database.startswith("sqlite"):
            others.append((f"sqlite:///{tmp_path}/link.db", {}))
            (tmp_path / "link.db").symlink_to("contacts.db")

        def meddle(number: int) -> None:
            tried.append(number)
            for url, options in others:
                with pytest.raises(BusyError):
                    sync(fake, url, **options)

        sync(fake, database, meddle=meddle)
        assert tried

    def test_another_administration_or_table_is_free(self, sync: Syncs, database: str, query: Query) -> None:
        with FakePayt(administrations={"1": 3, "2": 3}) as fake:

            def meddle(number: int) -> None:
                sync(fake, database, "2")
                sync(fake, database, "1", table="others")

            sync(fake, database, "1", meddle=meddle)
            assert len(rows(query, "1")) == len(rows(query, "2")) == 3

    def test_in_memory_as_well(self, fake: FakePayt, sync: Syncs, create_engine: CreateEngine) -> None:
        engine = create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})

        def meddle(_number: int) -> None:
            with pytest.raises(BusyError):
                sync(fake, engine)

        sync(fake, engine, meddle=meddle)

    def test_in_memory_the_second_leaves_the_lock_to_the_first(self) -> None:
        for _ in range(2):
            with _lock_in_process("x") as first:
                with _lock_in_process("x") as second, _lock_in_process("y") as other:
                    assert (first, second, other) == (True, False, True)
                with _lock_in_process("x") as second:
                    assert not second

    def test_whoever_is_taken_over_writes_nothing_more(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query
    ) -> None:
        """As where a lock was lost, or a pooler gave it to several: the books alone keep two runs apart."""

        def take_over(result: SyncResult) -> None:
            if result.pages == 1:
                query("UPDATE payt_sync_state SET holder = 'process 7 elsewhere'")

        with pytest.raises(BusyError, match=r"another run has taken over contacts \(process 7 elsewhere\)"):
            syncs(fake, database, per_page=4, on_progress=take_over)
        assert len(rows(query)) == 4
        assert syncs(fake, database, per_page=4)[0].resumed
        assert rows(query) == truth(fake)


def test_readers_see_whole_pages_and_are_not_blocked(
    fake: FakePayt, sync: Syncs, database: str, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader looks while each page has been written, and its transaction is open."""
    seen: list[int] = []
    write = Copy.write

    def look(self: Copy, *arguments: Any) -> tuple[int, int, int, int]:
        counts = write(self, *arguments)
        seen.append(query("SELECT count(*) FROM contacts")[0][0])
        return counts

    monkeypatch.setattr(Copy, "write", look)
    sync(fake, database, per_page=4)
    assert seen == [0, 4, 8, 12]


@pytest.mark.everywhere
class TestFailing:
    def test_a_server_that_is_not_there(self, fake: FakePayt, syncs: Syncs) -> None:
        pytest.importorskip("psycopg")
        with pytest.raises(SyncError, match=r"postgresql\+psycopg://me:\*\*\*@127.0.0.1:1/db: .*refused") as caught:
            syncs(fake, "postgresql+psycopg://me:hunter2@127.0.0.1:1/db")
        assert "hunter2" not in str(caught.value)
        assert fake.requests == []

    def test_a_folder_that_is_not_there(self, fake: FakePayt, syncs: Syncs, tmp_path: Path) -> None:
        with pytest.raises(SyncError, match=r"contacts.db: unable to open database file: ") as caught:
            syncs(fake, f"sqlite:///{tmp_path}/nowhere/contacts.db")
        assert str(caught.value).endswith(f": the folder {tmp_path}/nowhere does not exist")

    def test_a_folder_that_is_not_there_in_a_uri_of_sqlite(self, fake: FakePayt, syncs: Syncs, tmp_path: Path) -> None:
        with pytest.raises(SyncError, match=f": the folder {tmp_path}/nowhere does not exist$"):
            syncs(fake, f"sqlite:///file:{tmp_path}/nowhere/contacts.db?uri=true")

    def test_a_file_that_cannot_be_opened(self, fake: FakePayt, syncs: Syncs, tmp_path: Path) -> None:
        with pytest.raises(SyncError, match=r": unable to open database file$"):
            syncs(fake, f"sqlite:///{tmp_path}")  # a folder

    def test_a_file_that_is_no_database(self, fake: FakePayt, sync: Syncs, tmp_path: Path) -> None:
        (tmp_path / "x.db").write_text("this is a text, and it was here before " * 50)
        with pytest.raises(SyncError, match="file is not a database"):
            sync(fake, f"sqlite:///{tmp_path}/x.db")
        assert (tmp_path / "x.db").read_text().startswith("this is a text")

    def test_a_disk_that_is_full_leaves_whole_pages(
        self, sync: Syncs, sqlite: str, tmp_path: Path, create_engine: CreateEngine
    ) -> None:
        with FakePayt(contacts=2_000) as fake:
            engine = create_engine(sqlite)

            @sa.event.listens_for(engine, "connect")
            def small(connection: sqlite3.Connection, _record: object) -> None:
                connection.execute("PRAGMA max_page_count = 120")

            with pytest.raises(SyncError, match="database or disk is full"):
                sync(fake, engine, per_page=100)
            with contextlib.closing(sqlite3.connect(tmp_path / "contacts.db")) as connection:
                [[count]] = connection.execute("SELECT count(*) FROM contacts").fetchall()
            assert 0 < count < 2_000
            assert count % 100 == 0
            [result] = sync(fake, sqlite, per_page=100)
            assert (result.resumed, result.inserted) == (True, 2_000 - count)

    @pytest.fixture
    def guest(self, postgresql: str) -> Iterator[str]:
        engine = sa.create_engine(postgresql, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE ROLE guest LOGIN")
        yield postgresql.replace("payt@", "guest@")
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP ROLE guest")

    def test_no_rights(self, fake: FakePayt, sync: Syncs, guest: str) -> None:
        with pytest.raises(SyncError, match=r"(permission denied|no schema that it may use)"):
            sync(fake, guest)

    def test_a_connection_that_breaks_between_two_pages_is_made_anew(
        self, fake: FakePayt, syncs: Syncs, postgresql: str
    ) -> None:
        killer = sa.create_engine(postgresql, poolclass=sa.NullPool)

        def meddle(number: int) -> None:
            if number == 3:
                with killer.begin() as connection:
                    connection.exec_driver_sql(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
                    )

        [result] = syncs(fake, postgresql, per_page=4, meddle=meddle)
        assert (result.inserted, result.resumed) == (12, False)
        with queries(postgresql) as query:
            assert rows(query) == truth(fake)

    def test_a_lock_that_goes_with_its_connection_is_let_go(
        self, sync: Syncs, maria: str, create_engine: CreateEngine
    ) -> None:
        """No error, as all is done; the next administration gets another connection, as it has to be."""
        levels: list[str] = []
        engine = create_engine(maria)

        @sa.event.listens_for(engine, "before_cursor_execute")
        def look(connection: sa.Connection, *_: Any) -> None:
            levels.append(connection.get_isolation_level())

        def kill(result: SyncResult) -> None:
            if result.complete:
                with queries(maria) as query:
                    for row in query("SELECT id FROM information_schema.processlist WHERE db = database()"):
                        with contextlib.suppress(sa.exc.DBAPIError):  # of this one
                            query(f"KILL {row.id}")

        with FakePayt(administrations={"1": 3, "2": 4}) as fake:
            results = sync(fake, engine, ["1", "2"], concurrency=1, on_progress=kill)
        assert [result.inserted for result in results] == [3, 4]
        assert {*levels} == {"READ COMMITTED"}

    def test_a_pooler_that_tells_twice_that_the_session_ended_is_understood(
        self, fake: FakePayt, sync: Syncs, postgresql: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As PgBouncer does in a COPY, where psycopg expects one answer."""
        finish, ended = psycopg.Copy.finish, list[int]()

        def end(self: psycopg.Copy, error: BaseException | None) -> None:
            if not ended:
                ended.append(1)
                self.connection.close()
                raise ValueError("too many values to unpack (expected 1)")
            finish(self, error)

        monkeypatch.setattr(psycopg.Copy, "finish", end)
        assert sync(fake, postgresql, per_page=4)[0].inserted == 12
        with queries(postgresql) as query:
            assert rows(query) == truth(fake)

    def test_a_text_that_postgresql_cannot_hold_is_named_without_its_value(
        self, fake: FakePayt, sync: Syncs, postgresql: str
    ) -> None:
        for fields in ({"lastname": "secret\x00name"}, {"validation_errors": {"x": "secret\x00"}, "lastname": "x"}):
            fake.change("3", **fields)
            with pytest.raises(SyncError, match=f"Contact 3: {next(iter(fields))} holds a NUL") as caught:
                sync(fake, postgresql)
            assert "secret" not in str(caught.value)
        fake.change("3", validation_errors=None, middlename="\\u0000 as it is written")
        assert sync(fake, postgresql)[0].inserted == 12

    def test_a_table_of_ones_own_making_that_refuses_a_row_shows_no_value(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        sync(fake, database)
        query("CREATE UNIQUE INDEX only_one ON contacts (contact_identifier)")
        same = fake.contacts[0]["contact_identifier"]
        fake.add(contact(id="99", contact_identifier=same, updated_at="2026-01-01T00:00:00Z"))
        with pytest.raises(SyncError, match=r"(?i)unique") as caught:
            sync(fake, database)
        assert same not in str(caught.value)


@pytest.mark.everywhere
class TestWhatIsUnchanged:
    def test_is_only_read(self, fake: FakePayt, sync: Syncs, database: str, create_engine: CreateEngine) -> None:
        engine = create_engine(database)
        statements: list[str] = []
        odd: dict[str, Any] = {
            "validation_errors": {"firstname": ["is odd"]},
            "debtor_numbers": ["D1", "D 2"],
            "prefix": "'s",
        }
        fake.add(contact(id="98", **odd))
        fake.add(contact(id="99", lastname="Zoë", updated_at="2026-01-01T00:00:00Z"))
        assert sync(fake, engine)[0].inserted == len(fake.contacts)
        sa.event.listen(engine, "before_cursor_execute", lambda *event: statements.append(event[2]))
        assert sync(fake, engine, full=True)[0].unchanged == len(fake.contacts)
        assert statements
        assert [text for text in statements if "payt_incoming" in text] == []

    def test_is_told_from_what_looks_alike(self, fake: FakePayt, sync: Syncs, database: str, query: Query) -> None:
        fake.change("1", infix="first")
        fake.change("2", lastname="''', '''x")
        sync(fake, database)
        for value in (
            None,
            "\\N",
            "",
            "NULL",
            "null",
            "\\\\N",
            "'",
            "''",
            "\\'",
            "x\ty",
            "x\\ty",
            "x\ny",
            "x\x1ey",
            "é",
        ):
            fake.change("1", infix=value)
            assert sync(fake, database, full=True)[0].updated == 1
            assert rows(query) == truth(fake)
            assert sync(fake, database, full=True)[0].updated == 0
        query("UPDATE contacts SET lastname = NULL WHERE id = '2'")
        assert sync(fake, database, full=True)[0].updated == 1
        assert rows(query) == truth(fake)


class TestWhatLooksUnchanged:
    """The table has something else, and what is read of it is the same, unless it is read with care."""

    def test_to_a_session_of_mariadb_that_lacks_characters(self, fake: FakePayt, sync: Syncs, maria: str) -> None:
        fake.change("1", infix="x😀", updated_at="2026-01-01T00:00:00Z")
        sync(fake, maria)
        fake.change("1", infix="x?", updated_at="2026-01-01T00:00:00Z")
        with queries(maria) as query:
            assert sync(fake, f"{maria}&charset=latin1", full=True)[0].updated == 1
            assert rows(query) == truth(fake)

    def test_to_mariadb_as_oracle(self, fake: FakePayt, sync: Syncs, maria: str, create_engine: CreateEngine) -> None:
        known: dict[str, Any] = {name: "x" for name, value in fake.contacts[0].items() if value is None}
        fake.change("1", **{**known, "validation_errors": {}, "infix": None, "updated_at": "2026-01-01T00:00:00Z"})
        engine = create_engine(maria, connect_args={"init_command": "SET sql_mode = 'ORACLE'"})
        sync(fake, engine)
        fake.change("1", infix="", updated_at="2026-01-01T00:00:00Z")
        with queries(maria) as query:
            assert sync(fake, engine, full=True)[0].updated == 1
            assert rows(query) == truth(fake)

    def test_where_mariadb_cuts_it(self, maria: str, create_engine: CreateEngine) -> None:
        engine = create_engine(maria)
        dialect = dialect_of(engine)
        table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.String(9)), sa.Column("deleted_at", sa.String(9)))
        table.append_column(sa.Column("name", sa.Text))
        table.create(engine)
        for name, kept in (("it's", "it"), ("it'", "it"), ("it", "it")):
            with engine.begin() as connection:
                connection.execute(sa.delete(table))
                connection.execute(sa.insert(table), {"id": "1", "name": name})
            [new] = dialect.rows([["1"], [kept]], escaped=False)
            for most in range(4, 20):
                with engine.begin() as connection:
                    connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {most}")
                    others = dialect.others(connection, table, ["id", "name"], [new], {"id": ["1"]})
                assert others == ([] if name == kept and most > len(new) else [new])

    def test_to_postgresql_that_writes_no_infinity(self, fake: FakePayt, sync: Syncs, postgresql: str) -> None:
        fake.change("1", updated_at=None)
        sync(fake, postgresql)
        with queries(postgresql) as query:
            query("UPDATE contacts SET updated_at = 'infinity' WHERE id = '1'")
            assert sync(fake, postgresql, full=True)[0].updated == 1
            assert query("SELECT updated_at FROM contacts WHERE id = '1'") == [(None,)]

    def test_a_text_in_sqlite_that_is_none_is_replaced(
        self, fake: FakePayt, sync: Syncs, sqlite: str, query_sqlite: Query
    ) -> None:
        sync(fake, sqlite)
        query_sqlite("UPDATE contacts SET lastname = CAST(x'ff' AS TEXT) WHERE id = '1'")
        assert sync(fake, sqlite, full=True)[0].updated == 1
        assert rows(query_sqlite) == truth(fake)


class TestHowLongSQLiteWaitsForTheDisk:
    def test_is_its_own_affair_where_it_has_no_wal(
        self, fake: FakePayt, sync: Syncs, tmp_path: Path, create_engine: CreateEngine
    ) -> None:
        engine = create_engine(f"sqlite:///file:{tmp_path}/contacts.db?vfs=unix-dotfile&uri=true")
        during: list[int | None] = []
        sa.event.listen(
            engine,
            "before_cursor_execute",
            lambda connection, cursor, *_: during.append(
                connection.connection.driver_connection.execute("PRAGMA synchronous").fetchone()[0]
            ),
        )
        sync(fake, engine)
        assert {*during} == {2}

    def test_is_as_it_was_when_the_run_is_over(
        self, fake: FakePayt, sync: Syncs, sqlite: str, create_engine: CreateEngine
    ) -> None:
        engine = create_engine(sqlite, poolclass=sa.StaticPool)
        during: list[int | None] = []

        def look(_: SyncResult) -> None:
            during.append(engine.connect().exec_driver_sql("PRAGMA synchronous").scalar())

        sync(fake, engine, on_progress=look)
        assert {*during} == {1}
        assert engine.connect().exec_driver_sql("PRAGMA synchronous").scalar() == 2

    def test_is_left_to_an_engine_that_says_it(
        self, fake: FakePayt, sync: Syncs, sqlite: str, create_engine: CreateEngine
    ) -> None:
        engine = create_engine(sqlite)
        sa.event.listen(engine, "connect", lambda driver, _: driver.execute("PRAGMA synchronous = EXTRA"))
        sync(fake, engine)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 3


@pytest.mark.parametrize(
    ("kind", "value", "in_sqlite", "copied"),
    [
        (str, "a", "a", "a"),
        (bool, True, 1, "true"),
        (int, 2**60, 2**60, str(2**60)),
        (float, 0.5, 0.5, "0.5"),
        (datetime.date, datetime.date(2026, 11, 1), "2026-11-01", "2026-11-01"),
        (
            datetime.datetime,
            datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC),
            "2026-11-01T00:00:00.000000Z",
            "2026-11-01T00:00:00.000000Z",
        ),
    ],
)
def test_every_kind_of_a_column_is_written_as_the_database_takes_it(
    kind: type, value: Any, in_sqlite: Any, copied: str, sqlite: str
) -> None:
    type_ = column_type(kind | None)
    for dialect, written in (
        (SQLite(sa.create_engine(sqlite)), in_sqlite),
        (PostgreSQLWithCopy(sa.create_engine("postgresql+psycopg://h/d")), copied),
    ):
        writing = dialect.writing(type_)
        values = [value, None]
        assert (values if writing is None else writing(values)) == [written, None]


@pytest.fixture(params=["psycopg", "psycopg2", "pg8000"])
def engine_by_driver(
    request: pytest.FixtureRequest, postgresql: str, create_engine: CreateEngine
) -> Callable[..., sa.Engine]:
    """Makes an engine of the same database and schema, by each driver; they name a socket and a schema differently."""
    url = sa.make_url(postgresql)
    if request.param != "pg8000":
        return partial(create_engine, url.set(drivername=f"postgresql+{request.param}"))
    socket, schema = f"{url.query['host']}/.s.PGSQL.5432", str(url.query["options"]).rpartition("=")[2]
    other = url.set(drivername="postgresql+pg8000", query={"unix_sock": socket})
    return partial(create_engine, other, connect_args={"startup_params": {"search_path": schema}})


@pytest.mark.parametrize(
    "options", [{}, {"isolation_level": "AUTOCOMMIT"}, {"isolation_level": "SERIALIZABLE"}, {"paramstyle": "format"}]
)
def test_postgresql_gets_all_by_any_driver_and_isolation_level(
    fake: FakePayt,
    sync: Syncs,
    postgresql: str,
    engine_by_driver: Callable[..., sa.Engine],
    options: dict[str, Any],
) -> None:
    engine = engine_by_driver(**options)
    assert sync(fake, engine, per_page=5)[0].inserted == 12
    with queries(postgresql) as query:
        assert rows(query) == truth(fake)
    assert sync(fake, engine, per_page=5, full=True)[0].unchanged == 12


def test_no_driver_shows_what_is_in_a_row(
    fake: FakePayt, sync: Syncs, postgresql: str, engine_by_driver: Callable[..., sa.Engine]
) -> None:
    """Nor a trigger's text, whatever it calls its error, nor an error of a statement that it made of a name."""
    engine, name = engine_by_driver(), fake.contacts[0]["lastname"]
    sync(fake, engine)
    with queries(postgresql) as query:
        query("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'")
        query("CREATE TRIGGER no BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION no()")
        raising = "RAISE EXCEPTION ''%'', old.lastname USING ERRCODE = ''{}''"
        for body in (
            *map(raising.format, ("P0001", "42501", "40001")),
            "EXECUTE old.lastname",
        ):
            query(f"CREATE OR REPLACE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {body}; END'")
            fake.change("1", lastname="new")
            with pytest.raises(SyncError, match="a trigger, or another rule of the table's, refused a row") as caught:
                sync(fake, engine)
            assert name not in str(caught.value)
            assert not caught.value.concerns_all
        query("DROP TRIGGER no ON contacts")
        query("CREATE UNIQUE INDEX only_one ON contacts (contact_identifier)")
    same = fake.contacts[1]["contact_identifier"]
    fake.change("1", contact_identifier=same)
    with pytest.raises(SyncError, match="a row violates a unique index or another constraint") as caught:
        sync(fake, engine)
    assert same not in str(caught.value)


@pytest.mark.parametrize("where", ["url", "environment", "database"])
def test_texts_come_whole_whatever_the_encoding(
    fake: FakePayt, sync: Syncs, postgresql: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sa.make_url(postgresql)
    if where == "url":
        url = url.update_query_dict({"client_encoding": "latin1"})
    elif where == "environment":
        monkeypatch.setenv("PGCLIENTENCODING", "WIN1252")
    else:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0 LOCALE 'C'")
        url = url.set(database="latin").difference_update_query(["options"])
    fake.change("1", lastname="Müller é")
    sync(fake, url)
    fake.change("2", lastname="Ünal")
    sync(fake, url)
    with queries(url.render_as_string(hide_password=False)) as query:
        assert rows(query) == truth(fake)


@pytest.mark.parametrize("style", ["German", "SQL, DMY", "Postgres"])
def test_moments_are_read_however_a_server_writes_them(
    fake: FakePayt, sync: Syncs, postgresql: str, engine_by_driver: Callable[..., sa.Engine], style: str
) -> None:
    """psycopg reads ISO 8601 alone."""
    with queries(postgresql) as query:
        query(f"ALTER ROLE CURRENT_USER SET datestyle = '{style}'")
    try:
        engine = engine_by_driver()
        assert sync(fake, engine)[0].inserted == 12
        fake.change("1", lastname="new")
        assert sync(fake, engine)[0].updated == 1
    finally:
        with queries(postgresql) as query:
            query("ALTER ROLE CURRENT_USER RESET datestyle")


def check_characters(sync: Syncs, database: str, engine: sa.Engine, shown: str) -> None:
    """Whatever the sessions of an engine lack, all is copied; afterwards the engine has its encoding, as `shown`."""
    ids = ["1", "Ł2", "é3", "😀4", "5'\\", *map(str, range(10, 15))]
    with FakePayt(
        administrations={"Ł": [contact(id="1") | {"id": name, "lastname": f"Łódź {name}"} for name in ids]}
    ) as fake:
        copy = partial(sync, fake, engine, "Ł", per_page=3, allow_mass_delete=True)
        with queries(database) as query:
            for full, changed in ((False, (10, 0)), (True, (0, 0)), (True, (0, 2)), (False, (0, 0))):
                [result] = copy(full=full)
                assert (result.inserted, result.deleted) == changed
                assert rows(query, "Ł") == truth(fake, "Ł")
                if full and not changed[1]:
                    for name in ("Ł2", "😀4"):
                        fake.remove(name)
    with engine.connect() as connection:
        assert connection.scalar(sa.text(shown)) in ("LATIN1", "latin1", "utf8mb3", "utf8")


def test_characters_that_a_session_of_postgresql_lacks_are_copied(
    sync: Syncs, postgresql: str, engine_by_driver: Callable[..., sa.Engine]
) -> None:
    engine = engine_by_driver(client_encoding="latin1")
    check_characters(sync, postgresql, engine, "SHOW client_encoding")


@pytest.mark.parametrize("charset", ["latin1", "utf8"])
def test_characters_that_a_session_of_mariadb_lacks_are_copied(
    sync: Syncs, maria: str, create_engine: CreateEngine, charset: str
) -> None:
    engine = create_engine(f"{maria}&charset={charset}")
    check_characters(sync, maria, engine, "SELECT @@character_set_client")


def test_the_books_keep_ids_that_the_database_lacks(
    fake: FakePayt, sync: Syncs, postgresql: str, create_engine: CreateEngine
) -> None:
    """Those of records that are left out, which no row has; the last one of a page is a cursor as well."""
    engine = create_engine(postgresql, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE latin_books ENCODING LATIN1 TEMPLATE template0 LOCALE 'C'")
    url = sa.make_url(postgresql).set(database="latin_books").difference_update_query(["options"])
    sync(fake, url)
    fake.add({**fake.contacts[0], "id": "3Ł", "updated_at": 7})
    for full in (True, False, True):
        [result] = sync(fake, url, full=full, per_page=1, on_invalid="collect")
        assert (result.complete, [record.id for record in result.invalid]) == (True, ["3Ł"])


class EndedError(Exception):
    """The run ends here."""


@pytest.mark.parametrize("migrate", [False, True])
def test_what_was_ended_before_any_change_is_done_by_the_next_run(
    fake: FakePayt, sync: Syncs, maria: str, create_engine: CreateEngine, migrate: bool
) -> None:
    """Where each change of the schema is a transaction by itself: the table is ours all the same, its state true."""
    engine, left = create_engine(maria, poolclass=sa.NullPool), 0

    @sa.event.listens_for(engine, "before_cursor_execute")
    def end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal left
        left -= not statement.lstrip().startswith(("SELECT", "DESCRIBE", "SHOW"))
        if not left:
            raise EndedError

    with queries(maria) as query:
        for number in itertools.count(1):
            table = f"contacts_{number}"
            if migrate:
                sync(fake, maria, table=table)
                query(f"ALTER TABLE {table} DROP COLUMN lastname")
            left = number
            with contextlib.suppress(EndedError):
                sync(fake, engine, table=table, migrate=migrate)
            if left > 0:
                break
            assert sync(fake, maria, table=table, migrate=migrate)[0].complete
            assert rows(query, table=table) == truth(fake)
    assert number > 5


@pytest.mark.everywhere
def test_a_process_that_goes_on_keeps_nothing_of_a_run(fake: FakePayt, sync: Syncs, database: str) -> None:
    for full in (False, True):
        sync(fake, database, table="left_behind", full=full)
    gc.collect()
    kept = [one for one in gc.get_objects() if type(one) is sa.Table and one.name == "left_behind"]
    assert kept == []


@pytest.mark.everywhere
def test_names_are_quoted_as_they_need_it(fake: FakePayt, sync: Syncs, database: str) -> None:
    for table in ("per%cent", "two%%", "what?", ":this", 'quo"ted', "Upper Case", "select"):
        assert sync(fake, database, table=table)[0].inserted == 12
        fake.change("1", lastname=table)
        assert sync(fake, database, table=table)[0].updated == 1


def test_first_runs_at_once_do_not_see_old_snapshots(fake: FakePayt, sync: Syncs, postgresql: str) -> None:
    url = postgresql.replace("options=", "options=-cdefault_transaction_isolation%3Dserializable%20")
    with ThreadPoolExecutor(6) as pool:
        runs = [pool.submit(sync, fake, url, table=f"contacts_{number}") for number in range(6)]
    assert [run.result()[0].inserted for run in runs] == [12] * 6


def test_the_session_of_an_engine_is_as_before(
    fake: FakePayt, sync: Syncs, postgresql: str, create_engine: CreateEngine
) -> None:
    engine = create_engine(postgresql, pool_size=1, max_overflow=0)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET synchronous_commit = remote_write")
    sync(fake, engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "remote_write"


@pytest.mark.parametrize(
    ("server", "alter", "code"),
    [
        ("postgresql", "ALTER lastname TYPE integer USING NULL", "SQLSTATE 22P02"),
        ("maria", "MODIFY lastname INT", "1366"),
    ],
)
def test_the_value_that_a_column_refuses_is_not_shown(
    fake: FakePayt, sync: Syncs, server: str, alter: str, code: str, request: pytest.FixtureRequest
) -> None:
    database = request.getfixturevalue(server)
    sync(fake, database)
    with queries(database) as query:
        query("DELETE FROM contacts")
        query(f"ALTER TABLE contacts {alter}")
    fake.change("1", lastname="SECRET")
    with pytest.raises(SyncError, match=rf"a value does not fit into its column \({code}\)") as caught:
        sync(fake, database)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE payt_sync_state SET state = '{torn'", "the bookkeeping of the copy .* is damaged: JSON is"),
        (
            """UPDATE payt_sync_state SET state = CAST('{"watermark":"' || x'ff' || '"}' AS BLOB)""",
            "is damaged: 'utf-8' codec can't decode",
        ),
        ("UPDATE payt_sync_tables SET fields = '[1]'", "is damaged: Expected `object`, got `array`"),
        ("UPDATE contacts SET id = CAST(x'534543524554ff' AS TEXT) WHERE id = '3'", "Could not decode .* column 'id'$"),
    ],
    ids=["torn", "bytes", "fields", "key"],
)
def test_a_damaged_file_is_a_clear_error(fake: FakePayt, sync: Syncs, sqlite: str, damage: str, says: str) -> None:
    sync(fake, sqlite)
    with queries(sqlite) as query:
        query(damage)
    with pytest.raises(SyncError, match=says) as caught:
        sync(fake, sqlite, full=True)
    assert "SECRET" not in str(caught.value)


def test_a_new_file_is_opened_when_sqlite_does_not_wait_for_others(sqlite: str) -> None:
    """As where two change the journal's mode at the same time: one of them is refused at once."""
    engine = sa.create_engine(sqlite, poolclass=sa.NullPool)
    tries: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def without_patience(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "journal_mode" in statement:
            cursor.execute("PRAGMA busy_timeout = 0")
            tries.append(statement)

    other = sqlite3.connect(sqlite.removeprefix("sqlite:///"), check_same_thread=False, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(0.2, other.execute, ["COMMIT"])
    timer.start()
    with engine.connect() as new:
        assert SQLite(engine).open(new).exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    timer.join()
    other.close()
    assert len(tries) > 2


def test_threads_that_make_the_tables_at_once_do_not_meet(fake: FakePayt, sync: Syncs, database: str) -> None:
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            sync(fake, database, table=f"contacts_{number}")
        except BaseException as error:  # noqa: BLE001  # it is asserted on
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("fields", [["deleted_at"], ["lastname", "Lastname"]])
def test_a_field_with_the_name_of_another_column_is_refused(fields: list[str]) -> None:
    with pytest.raises(SchemaError, match=f"field {fields[0]} has the name of another column"):
        _check_names(["id"], fields)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+psycopg://me:a@b@host/db", "write an @ of the user or password as %40"),
        ("postgresql+psycopg://me:a@b:c@host:1/db", "is not an SQLAlchemy URL"),
        ("postgresql+psycopg://me:a@b/c@host/db", "write an @ of the user or password as %40, and a / as %2F"),
    ],
)
def test_a_password_that_is_not_escaped_is_not_shown(fake: FakePayt, sync: Syncs, url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        sync(fake, url)
    assert "a@b" not in str(caught.value)


def test_a_driver_that_lacks_its_library_is_an_error_with_the_way_out(
    fake: FakePayt, sync: Syncs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_libpq(*_: object, **__: object) -> None:
        raise ImportError("no pq wrapper available.\nAttempts made: …")  # as psycopg does

    monkeypatch.setattr(sa, "create_engine", without_libpq)
    with pytest.raises(ImportError, match=r'postgresql\+psycopg needs its driver: pip install "psycopg\[binary\]"$'):
        sync(fake, "postgresql+psycopg://host/db")


def test_a_connection_to_no_database_needs_a_schema(fake: FakePayt, sync: Syncs, maria: str) -> None:
    url = sa.make_url(maria)
    nowhere = url.set(database="").render_as_string(hide_password=False)
    with pytest.raises(SchemaError, match=r"name a database in the URL, or a schema, --schema \(in Python: schema=\)"):
        sync(fake, nowhere)
    assert fake.requests == []
    assert sync(fake, nowhere, schema=url.database)[0].inserted == 12


def test_every_connection_is_closed_where_closing_fails(
    fake: FakePayt, sync: Syncs, sqlite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[Any] = []

    def fail(self: SQLite) -> None:
        assert self._hasty is not None
        connections.append(self._hasty.connection.driver_connection)
        raise OSError("no such luck")

    monkeypatch.setattr(SQLite, "close", fail)
    with pytest.raises(SyncError, match="no such luck"):
        sync(fake, sqlite)
    [connection] = connections
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this operating system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_is_not_kept_out_by_a_run_of_its_parent(
    fake: FakePayt, sync: Syncs, create_engine: CreateEngine
) -> None:
    """A database in memory is another one in a child, where nobody else writes to it."""
    engine = create_engine("sqlite://")
    codes: list[int] = []

    def fork(number: int) -> None:
        if number == 1:
            process = os.fork()
            if process == 0:
                try:
                    os._exit(sync(fake, engine)[0].inserted)
                except BaseException:  # noqa: BLE001  # the child ends here
                    os._exit(255)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))

    assert sync(fake, engine, meddle=fork)[0].inserted == 12
    assert codes == [12]
