"""What a copy makes of clocks that were wrong, tables that were restored, triggers, odd records and odd URLs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
import sqlalchemy as sa
from sql.conftest import queries
from sql.copying import CreateEngine, Syncs
from sql.truth import Query, deleted, rows, truth

import payt
from payt.listing import Page
from payt.sql import SchemaError, SyncError, SyncResult
from payt.sql.dialects import dialect_of
from payt.sql.engines import KINDS, engine_of
from payt.sql.errors import code_of, reason
from payt.sql.pages import Copy
from payt.sql.rows import RowMaker
from payt.testing import FakePayt, contact
from payt_api.types import model
from payt_resources import spec_of
from support.quick import CONTEXT, QUICK


@model(kw_only=True)
class Counted:
    """A record with a number, which contacts have none of."""

    id: str
    count: int | None = None


class Dated(httpx.HTTPTransport):
    """A server, or a proxy before it, whose clock is wrong, or that tells no time."""

    def __init__(self, ahead: timedelta | None) -> None:
        super().__init__(verify=CONTEXT)
        self.ahead = ahead
        self.numbers = 0
        self.before: dict[int, Any] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.numbers += 1
        if self.numbers in self.before:
            self.before[self.numbers]()
        response = super().handle_request(request)
        del response.headers["date"]
        if self.ahead is not None:
            response.headers["date"] = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        return response


def sync_dated(fake: FakePayt, to: str, ahead: timedelta | None, before: Any = None, **options: Any) -> Any:
    transport = Dated(ahead)
    transport.before = before or {}
    with payt.Client(fake.token, base_url=fake.url, transport=transport, rate_limit=None, **QUICK) as client:
        [result] = payt.sync(client, "1", to, **options)
        return result


def state(query: Query) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(query("SELECT state FROM payt_sync_state")[0].state)
    return kept


def keep(query: Query, **changes: Any) -> None:
    query("UPDATE payt_sync_state SET state = :state", state=json.dumps({**state(query), **changes}))


class TestClocks:
    def test_a_watermark_too_far_ahead_is_repaired_by_the_next_run(
        self, fake: FakePayt, syncs: Syncs, sqlite: str, query_sqlite: Query, caplog: pytest.LogCaptureFixture
    ) -> None:
        syncs(fake, sqlite)
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        keep(query_sqlite, watermark=tomorrow)
        fake.change("1", lastname="changed")
        [result] = syncs(fake, sqlite)
        assert (result.full, result.updated) == (True, 1)
        assert f"watermark, {tomorrow}, is later than the server's time: everything is read again" in caplog.text
        assert str(result.watermark) < tomorrow
        fake.change("2", lastname="changed")
        [result] = syncs(fake, sqlite)
        assert (result.full, result.updated) == (False, 1)
        assert rows(query_sqlite) == truth(fake)

    def test_a_full_run_sets_it_anew(self, fake: FakePayt, sync: Syncs, sqlite: str, query_sqlite: Query) -> None:
        [first] = sync(fake, sqlite)
        keep(query_sqlite, watermark="2999-01-01T00:00:00Z")
        assert sync(fake, sqlite, full=True)[0].watermark == first.watermark

    def test_a_full_run_in_the_future_is_none(
        self, fake: FakePayt, sync: Syncs, sqlite: str, query_sqlite: Query
    ) -> None:
        sync(fake, sqlite)
        keep(query_sqlite, full_at="2999-01-01T00:00:00Z")
        assert sync(fake, sqlite, full_after=timedelta(days=7))[0].full

    @pytest.mark.parametrize("ahead", [None, timedelta(hours=3), timedelta(days=-400)], ids=["none", "ahead", "behind"])
    def test_without_a_date_to_believe_a_change_on_a_passed_page_is_not_missed(
        self, sqlite: str, query_sqlite: Query, ahead: timedelta | None
    ) -> None:
        """The service stamps its records by a clock that is months behind ours."""
        start = datetime.now(UTC) - timedelta(days=200)
        contacts = [contact(id=str(number), updated_at=start.isoformat()) for number in range(1, 10)]
        with FakePayt(contacts=contacts) as fake:

            def change() -> None:
                fake.change("1", lastname="passed", updated_at=(start + timedelta(hours=1)).isoformat())
                fake.change("9", lastname="received", updated_at=(start + timedelta(hours=2)).isoformat())

            sync_dated(fake, sqlite, ahead, {3: change}, per_page=3)
            assert rows(query_sqlite)["1"]["lastname"] != "passed"
            sync_dated(fake, sqlite, ahead, per_page=3)
            assert rows(query_sqlite) == truth(fake)

    def test_records_of_one_moment_are_read_again_once(self, sync: Syncs, sqlite: str) -> None:
        at = "2026-01-01T00:00:00Z"
        with FakePayt(contacts=[contact(id=str(number), updated_at=at) for number in range(1, 39)]) as fake:
            assert [sync(fake, sqlite, per_page=10)[0].pages for _ in range(4)] == [4, 4, 1, 1]
            fake.add(contact(id="99", updated_at="2026-01-01T00:00:01Z"))
            assert [sync(fake, sqlite, per_page=10)[0].inserted for _ in range(2)] == [1, 0]


class TestTablesThatChangeUnderneath:
    def test_one_that_was_restored_alone_is_read_again(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query, caplog: pytest.LogCaptureFixture
    ) -> None:
        sync(fake, database)
        query("CREATE TABLE backup AS SELECT * FROM contacts")
        fake.change("3", lastname="changed after the backup")
        sync(fake, database)
        query("DELETE FROM contacts")
        query("INSERT INTO contacts SELECT * FROM backup")
        [result] = sync(fake, database)
        assert (result.full, result.updated) == (True, 1)
        assert "rows that were written are missing, or older than they were" in caplog.text
        assert rows(query) == truth(fake)

    @pytest.mark.parametrize("full", [False, True])
    def test_one_that_is_emptied_during_a_run_is_not_called_complete(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query, full: bool
    ) -> None:
        if full:
            syncs(fake, database)

        def empty(result: SyncResult) -> None:
            if result.pages == 2:
                query("DELETE FROM contacts")

        with pytest.raises(SyncError, match="rows that were here went missing during the run"):
            syncs(fake, database, per_page=4, full=full, on_progress=empty)
        syncs(fake, database)
        assert rows(query) == truth(fake)

    def test_a_file_that_is_deleted_during_a_run_is_noticed(
        self, fake: FakePayt, syncs: Syncs, sqlite: str, query_sqlite: Query
    ) -> None:
        path = Path(sqlite.removeprefix("sqlite:///"))

        def delete(result: SyncResult) -> None:
            if result.pages == 2:
                path.unlink()

        with pytest.raises(SyncError, match="the file was deleted or replaced during the run"):
            syncs(fake, sqlite, per_page=4, on_progress=delete)
        for rest in path.parent.glob("contacts.db*"):
            rest.unlink()
        syncs(fake, sqlite)
        assert rows(query_sqlite) == truth(fake)

    def test_a_row_that_a_trigger_keeps_out_is_counted_as_that(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        if database.startswith("mariadb"):
            pytest.skip("its triggers cannot keep a row out without an error")
        sync(fake, database, per_page=4)
        query("DELETE FROM contacts")
        if database.startswith("sqlite"):
            query(
                "CREATE TRIGGER no BEFORE INSERT ON contacts WHEN new.id IN ('2', '11') BEGIN SELECT RAISE(IGNORE); END"
            )
        else:
            query("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
            query(
                "CREATE TRIGGER no BEFORE INSERT ON contacts FOR EACH ROW WHEN (new.id IN ('2', '11')) "
                "EXECUTE FUNCTION no()"
            )
        [result] = sync(fake, database, per_page=4)
        assert (result.inserted, result.unchanged, result.skipped) == (10, 0, 2)
        [result] = sync(fake, database, per_page=4, full=True)
        assert (result.inserted, result.unchanged, result.skipped) == (0, 10, 2)
        for name in ("5", "6"):  # as many as were kept out: the number of rows says nothing
            fake.remove(name)
        [result] = sync(fake, database, per_page=4, full=True)
        assert (result.unchanged, result.skipped, result.deleted) == (8, 2, 2)

    @pytest.mark.everywhere
    def test_a_trigger_that_keeps_rows_deleted_hides_no_deletion(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        """As many rows are alive as were received, and yet they are others."""
        sync(fake, database, per_page=4)
        query("UPDATE contacts SET deleted_at = synced_at WHERE id IN ('2', '11')")
        if database.startswith("sqlite"):
            query(
                "CREATE TRIGGER keep AFTER UPDATE ON contacts WHEN old.deleted_at IS NOT NULL "
                "BEGIN UPDATE contacts SET deleted_at = old.deleted_at WHERE id = old.id; END"
            )
        elif database.startswith("mariadb"):
            query(
                "CREATE TRIGGER keep BEFORE UPDATE ON contacts FOR EACH ROW "
                "SET NEW.deleted_at = coalesce(OLD.deleted_at, NEW.deleted_at)"
            )
        else:
            query(
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
                "'BEGIN new.deleted_at = coalesce(old.deleted_at, new.deleted_at); RETURN new; END'"
            )
            query("CREATE TRIGGER keep BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION keep()")
        for name in ("5", "6"):
            fake.remove(name)
        [result] = sync(fake, database, per_page=4, full=True)
        assert (result.unchanged, result.updated, result.deleted) == (8, 2, 2)


class TestTypes:
    def test_a_changed_type_is_refused_until_it_is_migrated_and_then_read_again(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        sync(fake, database)
        fields = json.loads(query("SELECT fields FROM payt_sync_tables")[0].fields)
        query("UPDATE payt_sync_tables SET fields = :fields", fields=json.dumps({**fields, "lastname": "biginteger"}))
        query("ALTER TABLE contacts DROP COLUMN lastname")
        query("ALTER TABLE contacts ADD COLUMN lastname BIGINT")
        with pytest.raises(
            SchemaError, match=r"of another type: lastname; .*DROP COLUMN lastname; .*ADD COLUMN lastname"
        ):
            sync(fake, database)
        assert sync(fake, database, migrate=True)[0].full
        assert rows(query) == truth(fake)

    def test_a_field_that_left_the_contract_is_told(
        self, fake: FakePayt, sync: Syncs, sqlite: str, query_sqlite: Query, caplog: pytest.LogCaptureFixture
    ) -> None:
        sync(fake, sqlite)
        fields = json.loads(query_sqlite("SELECT fields FROM payt_sync_tables")[0].fields)
        query_sqlite("UPDATE payt_sync_tables SET fields = :fields", fields=json.dumps({**fields, "shoe": "text"}))
        sync(fake, sqlite)
        assert "shoe" not in caplog.text  # there is no such column
        query_sqlite("ALTER TABLE contacts ADD COLUMN shoe TEXT")
        query_sqlite("UPDATE payt_sync_tables SET fields = :fields", fields=json.dumps({**fields, "shoe": "text"}))
        for _ in range(2):
            caplog.clear()
            sync(fake, sqlite)
            assert "the field shoe left the contract" in caplog.text
        assert "ALTER TABLE contacts DROP COLUMN shoe ends this warning" in caplog.text

    def test_the_books_of_an_earlier_version_are_taken_over(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        sync(fake, database)
        query("ALTER TABLE payt_sync_tables DROP COLUMN fields")
        query("UPDATE payt_sync_tables SET version = 1")
        assert not sync(fake, database)[0].full
        assert query("SELECT version FROM payt_sync_tables")[0].version == 2


class TestOddRecords:
    @pytest.mark.parametrize("how", ["first", "full"])
    def test_one_is_left_out_and_asked_for_again_and_does_not_count_as_deleted(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query, how: str
    ) -> None:
        if how == "full":
            syncs(fake, database)
        good = next(one for one in fake.contacts if one["id"] == "5")
        fake.change("5", updated_at=7)
        with pytest.raises(payt.InvalidResponseError):
            syncs(fake, database, full=True)
        [result] = syncs(fake, database, full=True, per_page=4, on_invalid="collect")
        assert [record.id for record in result.invalid] == ["5"]
        assert (result.deleted, deleted(query), len(rows(query))) == (0, set(), 12 if how == "full" else 11)
        assert [record.id for record in syncs(fake, database, on_invalid="collect")[0].invalid] == ["5"]
        fake.change("5", **good)
        [result] = syncs(fake, database, on_invalid="collect")
        assert result.invalid == []
        assert rows(query) == truth(fake)

    def test_where_its_key_cannot_be_read_nothing_is_marked_as_deleted(
        self, fake: FakePayt, sync: Syncs, sqlite: str, query_sqlite: Query
    ) -> None:
        sync(fake, sqlite)
        records = [one for one in fake.contacts if one["id"] not in ("5", "6")]
        fake.answer({"data": [*records, {"id": ["5"]}]})
        [result] = sync(fake, sqlite, full=True, on_invalid="collect")
        assert (result.deleted, deleted(query_sqlite)) == (0, set())
        assert result.invalid[0].id is None
        fake.remove("5")
        assert sync(fake, sqlite, full=True, on_invalid="collect")[0].deleted == 1

    def test_of_several_administrations_none_is_held_up(self, sync: Syncs, sqlite: str, query_sqlite: Query) -> None:
        odd = contact(id="1") | {"updated_at": 7}
        with FakePayt(administrations={"1": [odd], "2": 3}) as fake:
            results = sync(fake, sqlite, ["1", "2"], on_invalid="collect")
        assert [(result.inserted, len(result.invalid)) for result in results] == [(0, 1), (3, 0)]


def test_a_cursor_that_counts_loses_no_contact_of_a_first_run(sync: Syncs, sqlite: str, query_sqlite: Query) -> None:
    """A deletion on a page that was passed moves the others up; one more listing brings what went past."""
    with FakePayt(contacts=[contact(id=str(100 + 3 * number)) for number in range(12)]) as fake:

        class Counting(httpx.HTTPTransport):
            requests = 0

            def handle_request(self, request: httpx.Request) -> httpx.Response:
                self.requests += 1
                if self.requests == 2:
                    fake.remove("100")
                start = int(request.url.params.get("cursor", 0))
                found = fake.contacts[start : start + 4]
                more = start + 4 < len(fake.contacts)
                page = {"data": found, "pagination": {"cursor": str(start + 4)} if more else None}
                return httpx.Response(200, json=page, headers={"date": format_datetime(datetime.now(UTC), usegmt=True)})

        with payt.Client(fake.token, base_url=fake.url, transport=Counting(), rate_limit=None, **QUICK) as client:
            payt.sync(client, "1", sqlite, per_page=4)
        assert truth(fake).items() <= rows(query_sqlite).items()


class TestErrors:
    def test_a_deadlock_lets_the_page_be_written_again(
        self, fake: FakePayt, sync: Syncs, sqlite: str, query_sqlite: Query, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failed: list[int] = []
        write = Copy.write

        def deadlock(self: Copy, *arguments: Any) -> Any:
            counts = write(self, *arguments)
            if len(failed) < 3:
                failed.append(1)
                original = Exception("database is locked")
                original.sqlite_errorname = "SQLITE_BUSY_SNAPSHOT"  # type: ignore[attr-defined]
                raise sa.exc.OperationalError("INSERT", {}, original)
            return counts

        monkeypatch.setattr(Copy, "write", deadlock)
        assert sync(fake, sqlite, per_page=4)[0].inserted == 12
        assert rows(query_sqlite) == truth(fake)

    def test_what_a_trigger_says_is_not_shown(self, fake: FakePayt, sync: Syncs, database: str, query: Query) -> None:
        sync(fake, database)
        if database.startswith("sqlite"):
            query("CREATE TRIGGER no BEFORE UPDATE ON contacts BEGIN SELECT RAISE(ABORT, 'SECRET'); END")
        elif database.startswith("mariadb"):
            query(
                "CREATE TRIGGER no BEFORE UPDATE ON contacts FOR EACH ROW "
                "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'SECRET'"
            )
        else:
            query("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''SECRET''; END'")
            query("CREATE TRIGGER no BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION no()")
        fake.change("1", lastname="new")
        with pytest.raises(SyncError, match="a trigger, or another rule of the table's, refused a row") as caught:
            sync(fake, database)
        assert "SECRET" not in str(caught.value)
        assert not caught.value.concerns_all

    def test_a_lock_that_another_transaction_holds_is_waited_for_again(
        self, maria: str, create_engine: CreateEngine
    ) -> None:
        engine = create_engine(maria)
        with engine.connect() as one, engine.connect() as other:
            one.exec_driver_sql("CREATE TABLE locked (id INTEGER PRIMARY KEY)")
            one.exec_driver_sql("INSERT INTO locked VALUES (1)")
            one.commit()
            one.exec_driver_sql("UPDATE locked SET id = 2")
            with pytest.raises(sa.exc.OperationalError) as caught:
                other.exec_driver_sql("SELECT * FROM locked WHERE id = 1 FOR UPDATE NOWAIT")
        assert code_of(caught.value.orig) == "1205"
        assert code_of(caught.value.orig).startswith(dialect_of(engine).again)

    @pytest.mark.parametrize(
        ("number", "told"),
        [(1205, "another transaction held a lock"), (2013, "the connection was lost"), (1142, "refused a page")],
    )
    def test_what_a_trigger_says_by_the_number_of_another_error_is_not_shown(
        self, fake: FakePayt, sync: Syncs, maria: str, number: int, told: str
    ) -> None:
        sync(fake, maria)
        with queries(maria) as query:
            query(
                "CREATE TRIGGER no BEFORE UPDATE ON contacts FOR EACH ROW "
                f"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'SECRET'"
            )
        fake.change("1", lastname="new")
        with pytest.raises(SyncError, match=rf"{told}.* \({number}\)$") as caught:
            sync(fake, maria)
        assert "SECRET" not in str(caught.value)

    @pytest.mark.parametrize(
        ("arguments", "shown"),
        [
            (({"C": "08006", "M": "the server has gone", "D": "SECRET"},), "the server has gone"),
            (({"C": "23505", "M": "SECRET"},), r"violates a unique index or another constraint \(23505\)"),
            (({"C": "22001", "M": "SECRET"},), "a value does not fit into its column"),
            ((1062, "Duplicate entry 'SECRET'"), "refused a row"),
            ((2003, "Can't connect"), "Can't connect"),
            ((4025, "CONSTRAINT failed for SECRET"), "refused a row"),
            ((), "Exception"),
        ],
        ids=str,
    )
    def test_no_driver_shows_a_row(self, arguments: Any, shown: str) -> None:
        text = reason(sa.exc.DBAPIError("INSERT", {}, Exception(*arguments)), sa.make_url("postgresql://host/db"))
        assert "SECRET" not in text
        assert re.search(shown, text)

    def test_a_text_that_the_encoding_lacks_is_named_without_its_value(
        self, fake: FakePayt, sync: Syncs, postgresql: str
    ) -> None:
        url = sa.make_url(postgresql)
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for name, encoding in (("latin_odd", "LATIN1"), ("ascii_odd", "SQL_ASCII")):
                connection.exec_driver_sql(f"CREATE DATABASE {name} ENCODING {encoding} TEMPLATE template0 LOCALE 'C'")
        other = url.difference_update_query(["options"])
        fake.change("3", lastname="Ł")
        with pytest.raises(
            SyncError, match=r"Contact 3: lastname holds a character that .*\(iso8859-1\) lacks"
        ) as caught:
            sync(fake, other.set(database="latin_odd"))
        assert "Ł" not in str(caught.value)
        with pytest.raises(SchemaError, match="SQL_ASCII"):
            sync(fake, other.set(database="ascii_odd"))

    def test_a_key_that_is_too_long_for_an_index_is_named(self, sync: Syncs, maria: str) -> None:
        with (
            FakePayt(contacts=[{"id": "1" * 300}]) as fake,
            pytest.raises(SyncError, match="id holds more than 255"),
        ):
            sync(fake, maria)

    def test_a_number_that_no_column_holds_is_named(self) -> None:
        spec = attrs.evolve(spec_of("contacts"), record=Counted)
        dialect = dialect_of(engine_of("sqlite:///copy.db", kinds=["sqlite"]))
        rows = RowMaker(spec, dialect, ["1"], {"id": sa.Text(), "count": sa.BigInteger()})
        fits = Page(data=[Counted(id="7", count=2**63 - 1), Counted(id="8")], cursor=None, raw=b"", headers={})
        assert rows(fits, None) == ([("1", "7", 2**63 - 1), ("1", "8", None)], ["7", "8"])
        with pytest.raises(SyncError, match="Counted 8: count holds a number of more than 64 bits"):
            rows(attrs.evolve(fits, data=[Counted(id="7", count=1), Counted(id="8", count=-(2**64))]), None)
        with pytest.raises(SyncError, match=r"Counted  \[31m8: count"):  # whose id steers no terminal
            rows(attrs.evolve(fits, data=[Counted(id="\x1b[31m8", count=2**64)]), None)

    def test_a_sequence_of_the_tables_name_is_told(self, fake: FakePayt, sync: Syncs, postgresql: str) -> None:
        with queries(postgresql) as query:
            query("CREATE SEQUENCE contacts")
        with pytest.raises(SchemaError, match="contacts is a sequence: name another"):
            sync(fake, postgresql)


@pytest.mark.parametrize("url", ["mariadb://me@host/db", "mysql://me@host/db"])
def test_a_url_that_names_no_driver_gets_the_one_of_the_extra(url: str) -> None:
    engine = engine_of(url, kinds=[*KINDS])
    assert (engine.driver, engine.url.host, engine.url.username) == ("pymysql", "host", "me")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgres://me@host/db", r"write postgresql\+psycopg://"),
        ("sqlite://contacts.db", "three slashes: sqlite:///contacts.db"),
        ("sqlite:///contacts.db?timeout=abc", r"an option after the \? of the URL cannot be used"),
        ("mssql+pyodbc://me@host/db", "for SQL Server, export the list into a file"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_with_the_way_out(
    fake: FakePayt, sync: Syncs, url: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sync(fake, url)
    assert fake.requests == []


def test_texts_that_differ_in_case_accents_or_blanks_are_different(
    fake: FakePayt, sync: Syncs, database: str, query: Query
) -> None:
    for old, new in (("jansen", "Jansen"), ("Jansen", "Jänsen"), ("Jänsen", "Jänsen "), ("Jänsen ", "Jan's \\ %s")):
        fake.change("1", lastname=old)
        sync(fake, database)
        fake.change("1", lastname=new)
        assert sync(fake, database)[0].updated == 1
    assert rows(query) == truth(fake)


def test_every_database_has_its_own_records_by_keys_that_differ_in_case(
    sync: Syncs, database: str, query: Query
) -> None:
    with FakePayt(contacts=[{"id": name} for name in ("a", "A", "á", "a ")]) as fake:
        assert sync(fake, database)[0].inserted == 4
    kept = query("SELECT id FROM contacts")
    assert {row.id for row in kept} == {"a", "A", "á", "a "}
