"""A copy of the contacts: what a run asks for, what it writes, and what it keeps for the next one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sql.copying import CreateEngine, Syncs
from sql.truth import Query, deleted, rows, truth

import payt
from payt.sql import MassDeletionError, SyncError
from payt.sql.pages import Copy
from payt.testing import FakePayt, contact
from support.quick import QUICK


def asked(fake: FakePayt) -> list[dict[str, str]]:
    """The queries so far, forgotten afterwards."""
    queries = [dict(request.query) for request in fake.requests]
    fake.reset()
    return queries


def state(query: Query) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(query("SELECT state FROM payt_sync_state")[0].state)
    return kept


def test_the_first_run_copies_everything(fake: FakePayt, syncs: Syncs, database: str, query: Query) -> None:
    [result] = syncs(fake, database, per_page=5)
    assert rows(query) == truth(fake)
    assert (result.inserted, result.updated, result.unchanged, result.deleted, result.pages) == (12, 0, 0, 0, 3)
    assert (result.administration_id, result.full, result.resumed) == ("1", True, False)
    assert result.watermark == max(contact["updated_at"] for contact in fake.contacts)


def test_the_next_run_asks_for_what_changed_and_is_one_request(
    fake: FakePayt, syncs: Syncs, database: str, query: Query
) -> None:
    [first] = syncs(fake, database)
    asked(fake)
    [result] = syncs(fake, database)
    [request] = asked(fake)
    newest = datetime.fromisoformat(str(first.watermark))
    assert datetime.fromisoformat(request["updated_after"]) == newest - timedelta(minutes=5)
    assert (result.inserted, result.updated, result.full, result.watermark) == (0, 0, False, first.watermark)

    fake.change("3", lastname="Özdemir-'t Hart")
    fake.add(lastname="Nieuw")
    [result] = syncs(fake, database)
    assert (result.inserted, result.updated) == (1, 1)
    assert rows(query) == truth(fake)


def test_receiving_a_contact_again_changes_nothing(fake: FakePayt, syncs: Syncs, database: str, query: Query) -> None:
    syncs(fake, database)
    before = query("SELECT * FROM contacts ORDER BY id")
    [result] = syncs(fake, database, overlap=timedelta(days=10_000))
    assert (result.unchanged, result.inserted, result.updated) == (12, 0, 0)
    assert query("SELECT * FROM contacts ORDER BY id") == before


def test_the_watermark_is_kept_as_it_came_and_never_rounded_up(sync: Syncs, database: str) -> None:
    raw = "2026-01-02T03:04:05.123456789Z"  # which decoding rounds up
    with FakePayt(contacts=[contact(id="1", updated_at=raw)]) as fake:
        [result] = sync(fake, database)
        assert result.watermark == raw
        asked(fake)
        sync(fake, database, overlap=timedelta(0))
        assert asked(fake)[0]["updated_after"] == "2026-01-02T03:04:05.123456Z"


def test_without_any_timestamp_every_run_reads_everything(sync: Syncs, database: str) -> None:
    with FakePayt(contacts=[contact(id="1", updated_at=None)]) as fake:
        for _ in range(2):
            [result] = sync(fake, database)
            assert (result.full, result.watermark) == (True, None)


def test_an_overlap_that_goes_back_before_all_time_asks_for_everything(sync: Syncs, database: str) -> None:
    with FakePayt(contacts=[contact(id="1", updated_at="0001-01-01T00:00:00Z")]) as fake:
        sync(fake, database)
        asked(fake)
        sync(fake, database)
        assert "updated_after" not in asked(fake)[0]


def test_the_columns_are_those_of_the_contract(fake: FakePayt, sync: Syncs, database: str, query: Query) -> None:
    fake.change("1", validation_errors={"lastname": ["is ünknown"]}, debtor_numbers=["a", "b"])
    sync(fake, database)
    [row] = query("SELECT * FROM contacts WHERE id = '1'")
    kinds = {"validation_errors": {"lastname": ["is ünknown"]}, "debtor_numbers": ["a", "b"]}
    for name, value in kinds.items():
        kept = getattr(row, name)
        assert (json.loads(kept) if isinstance(kept, str) else kept) == value
    assert row.administration_id == "1"
    assert row.first_seen_at == row.synced_at
    assert row.deleted_at is None
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    columns = {column["name"]: str(column["type"]) for column in sa.inspect(engine).get_columns("contacts")}
    if "postgresql" in database:
        assert (columns["debtor_numbers"], columns["updated_at"], columns["deleted_at"]) == (
            "JSONB",
            "TIMESTAMP",
            "TIMESTAMP",
        )
        assert row.updated_at.utcoffset() is not None
    elif "sqlite" in database:
        assert (columns["debtor_numbers"], columns["updated_at"]) == ("JSON", "TEXT")
        assert row.synced_at.endswith("Z")
    else:
        assert (columns["debtor_numbers"], columns["updated_at"]) == ("LONGTEXT", "DATETIME")
    assert columns["lastname"] in ("TEXT", "LONGTEXT")


def test_texts_come_as_they_are(fake: FakePayt, sync: Syncs, database: str, query: Query) -> None:
    texts = ["\\N", "\\", "\\\\n", "a\tb", "a\nb\r\n", "", " ", "\x1f\x7f\b\f\v", "'\"", "\\.", "🦆é", "NULL", "\u2028"]
    for number, text in enumerate(texts, start=1):
        fake.add(contact(id=str(100 + number), lastname=text, firstname=None, debtor_numbers=[text, "x"]))
    sync(fake, database)
    assert rows(query) == truth(fake)


class TestInterrupted:
    def test_the_next_run_goes_on_where_it_stopped(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query
    ) -> None:
        fake.fail(400, after=2)
        with pytest.raises(payt.BadRequestError):
            syncs(fake, database, per_page=4)
        assert len(rows(query)) == 8
        asked(fake)
        [result] = syncs(fake, database, per_page=4)
        assert [request.get("cursor") for request in asked(fake)] == ["8", "12"]
        assert (result.resumed, result.inserted, result.pages) == (True, 4, 2)
        assert rows(query) == truth(fake)

    def test_the_watermark_moves_only_when_it_is_complete(self, fake: FakePayt, sync: Syncs, database: str) -> None:
        [first] = sync(fake, database)
        for number in ("1", "2", "3"):
            fake.change(number, lastname="new")
        fake.reset()
        fake.fail(403, after=1)
        with pytest.raises(payt.PermissionDeniedError):
            sync(fake, database, per_page=1)
        asked(fake)
        [result] = sync(fake, database, per_page=1)
        after = datetime.fromisoformat(asked(fake)[0]["updated_after"])
        assert after == datetime.fromisoformat(str(first.watermark)) - timedelta(minutes=5)
        assert str(result.watermark) > str(first.watermark)

    def test_a_full_run_that_is_asked_for_starts_afresh(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        fake.fail(400, after=1)
        with pytest.raises(payt.BadRequestError):
            sync(fake, database, per_page=4)
        fake.remove("2")
        [result] = sync(fake, database, per_page=4, full=True)
        assert (result.resumed, result.deleted) == (False, 1)
        assert rows(query) == truth(fake)

    @pytest.mark.parametrize("status", [400, 404, 422])
    def test_a_cursor_that_the_service_forgot_starts_the_listing_again(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query, status: int
    ) -> None:
        fake.fail(400, after=1)
        with pytest.raises(payt.BadRequestError):
            syncs(fake, database, per_page=4)
        asked(fake)
        fake.fail(status)
        [result] = syncs(fake, database, per_page=4)
        assert [request.get("cursor") for request in asked(fake)] == ["4", None, "4", "8", "12"]
        assert (result.pages, result.unchanged, result.inserted) == (4, 4, 8)
        assert rows(query) == truth(fake)

    def test_a_contact_that_changes_on_a_page_that_was_passed_comes_with_the_next_run(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query
    ) -> None:
        """The newest `updated_at` received is later than its change, and must not become the watermark."""

        def meddle(number: int) -> None:
            if number == 3:
                fake.change("1", lastname="changed when its page was passed")
                fake.change("12", lastname="changed later, and received")

        # the time passes that a long listing takes; by it, its beginning is known to a second
        late = datetime.now(UTC) + timedelta(hours=1)

        def meddle_late(number: int) -> None:
            if number == 3:
                fake.change("1", lastname="passed", updated_at=late.isoformat())
                fake.change("12", lastname="received", updated_at=(late + timedelta(seconds=1)).isoformat())

        syncs(fake, database, per_page=4, meddle=meddle, client={"retries": 0})
        assert rows(query)["12"]["lastname"] == "changed later, and received"
        syncs(fake, database, per_page=4, overlap=timedelta(0))
        assert rows(query) == truth(fake)
        syncs(fake, database, per_page=4, overlap=timedelta(0), full=True, meddle=meddle_late)
        assert rows(query)["12"]["lastname"] == "received"
        syncs(fake, database, per_page=4, overlap=timedelta(0))
        assert rows(query) == truth(fake)


class TestDeleted:
    def test_a_full_run_marks_what_is_gone_and_an_incremental_one_does_not(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query
    ) -> None:
        syncs(fake, database)
        fake.remove("5")
        [result] = syncs(fake, database)
        assert (result.deleted, deleted(query)) == (0, set())
        [result] = syncs(fake, database, full=True)
        assert (result.deleted, result.unchanged, deleted(query)) == (1, 11, {"5"})
        assert rows(query) == truth(fake)
        assert not query("SELECT 1 FROM payt_sync_pages")

    def test_one_that_comes_back_is_undeleted(self, fake: FakePayt, sync: Syncs, database: str, query: Query) -> None:
        back = next(contact for contact in fake.contacts if contact["id"] == "5")
        sync(fake, database)
        [before] = query("SELECT first_seen_at FROM contacts WHERE id = '5'")
        fake.remove("5")
        sync(fake, database, full=True)
        fake.add(back | {"updated_at": datetime.now(UTC).isoformat()})
        [result] = sync(fake, database)
        assert (result.inserted, result.updated, deleted(query)) == (0, 1, set())
        assert query("SELECT first_seen_at FROM contacts WHERE id = '5'") == [before]

    def test_one_that_a_listing_missed_is_asked_for_before_it_counts_as_deleted(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query
    ) -> None:
        syncs(fake, database)
        hidden = next(contact for contact in fake.contacts if contact["id"] == "5")

        def meddle(number: int) -> None:
            if number == 2:
                fake.remove("5")
                fake.remove("6")
            if number == 4:
                fake.add(hidden)

        asked(fake)
        [result] = syncs(fake, database, per_page=4, full=True, meddle=meddle)
        assert asked(fake)[-1]["ids"] in ("5,6", "6,5")
        assert (result.deleted, deleted(query)) == (1, {"6"})
        assert rows(query) == truth(fake)

    def test_more_than_a_fifth_is_refused_until_it_is_allowed(self, syncs: Syncs, database: str, query: Query) -> None:
        with FakePayt(contacts=30) as fake:
            syncs(fake, database)
            for number in range(1, 8):
                fake.remove(number)
            fake.add(lastname="Nieuw")
            with pytest.raises(MassDeletionError, match=r"7 of 31 contacts are gone.*--allow-mass-delete"):
                syncs(fake, database, full=True)
            assert not deleted(query)
            assert "31" in rows(query)
            [result] = syncs(fake, database)  # the listing was complete: incremental runs may go on
            assert not result.full
            [result] = syncs(fake, database, full=True, allow_mass_delete=True)
            assert result.deleted == 7
            assert rows(query) == truth(fake)

    def test_of_several_administrations_each_is_named_once(self, sync: Syncs, database: str) -> None:
        with FakePayt(administrations={"1": 5, "2": 5, "3": 5}) as fake:
            sync(fake, database, ["1", "2", "3"])
            for administration_id in ("1", "2"):
                for number in range(1, 4):
                    fake.remove(number, administration_id=administration_id)
            with pytest.raises(SyncError, match="2 of 3 administrations failed: ") as caught:
                sync(fake, database, ["1", "2", "3"], full=True)
        for administration_id in ("1", "2"):  # in the order in which they failed
            assert str(caught.value).count(f"administration {administration_id}: ") == 1
            assert f"administration {administration_id}: 3 of 5 contacts are gone" in str(caught.value)

    def test_a_fifth_may_go_at_once(self, sync: Syncs, database: str, query: Query) -> None:
        with FakePayt(contacts=5) as fake:
            sync(fake, database)
            fake.remove("1")
            assert sync(fake, database, full=True)[0].deleted == 1
            fake.remove("2")
            with pytest.raises(MassDeletionError, match="1 of 4"):
                sync(fake, database, full=True)
            assert sync(fake, database, full=True, allow_mass_delete=True)[0].deleted == 1
            assert rows(query) == truth(fake)

    def test_every_nth_run_is_full(self, fake: FakePayt, sync: Syncs, database: str) -> None:
        assert [sync(fake, database, full_every=3)[0].full for _ in range(7)] == [
            *(True, False, False),
            *(True, False, False),
            True,
        ]

    def test_a_run_after_so_many_days_is_full(self, fake: FakePayt, sync: Syncs, database: str) -> None:
        sync(fake, database)
        assert not sync(fake, database, full_after=timedelta(days=1))[0].full
        assert sync(fake, database, full_after=timedelta(0))[0].full

    def test_whatever_the_lengths_of_time_are_the_run_is_done(self, fake: FakePayt, sync: Syncs, database: str) -> None:
        for _ in range(3):
            [result] = sync(fake, database, overlap=timedelta.max, full_after=timedelta.max)
            assert result.complete
        assert (result.unchanged, result.full) == (12, False)


class TestSeveralAdministrations:
    def test_they_share_a_table(self, syncs: Syncs, database: str, query: Query) -> None:
        with FakePayt(administrations={"1": 7, "2": 5}) as fake:
            assert [result.inserted for result in syncs(fake, database, ["1", "2"])] == [7, 5]
            assert rows(query, "1") == truth(fake, "1")
            assert rows(query, "2") == truth(fake, "2")
            fake.remove("5", administration_id="2")
            results = syncs(fake, database, ["1", "2"], full=True)
            assert [result.deleted for result in results] == [0, 1]

    def test_when_one_fails_the_others_go_on_and_it_is_named(self, syncs: Syncs, database: str, query: Query) -> None:
        with FakePayt(administrations={"1": 7, "2": 5}) as fake:
            with pytest.raises(SyncError, match=r"1 of 3 administrations failed: administration 9: .*403") as caught:
                syncs(fake, database, ["1", "9", "2"])
            assert [result.administration_id for result in caught.value.results] == ["1", "2"]
            assert isinstance(caught.value.errors["9"], payt.PermissionDeniedError)
            assert len(rows(query, "2")) == 5

    def test_of_none_there_is_nothing_to_do(self, fake: FakePayt, syncs: Syncs, database: str) -> None:
        assert syncs(fake, database, []) == []
        assert asked(fake) == []


class TestContactsThatCannotBeKept:
    def test_without_an_id_nothing_of_their_page_is_written(
        self, fake: FakePayt, syncs: Syncs, database: str, query: Query
    ) -> None:
        fake.answer({"data": [{"id": "1"}, {"lastname": "x"}], "pagination": None})
        with pytest.raises(payt.InvalidResponseError, match=r"without its key \(id\)") as caught:
            syncs(fake, database)
        assert caught.value.path == "$.data[1].id"
        assert rows(query) == {}

    def test_one_that_comes_twice_in_a_page_is_kept_once(
        self, fake: FakePayt, sync: Syncs, database: str, query: Query
    ) -> None:
        fake.answer({"data": [{"id": "1", "lastname": "old"}, {"id": "1", "lastname": "new"}]})
        [result] = sync(fake, database)
        assert (result.inserted, rows(query)["1"]["lastname"]) == (1, "new")

    def test_an_empty_page_is_not_the_end(self, fake: FakePayt, sync: Syncs, database: str, query: Query) -> None:
        fake.answer({"data": [], "pagination": {"cursor": "0"}})
        [result] = sync(fake, database)
        assert (result.inserted, result.pages) == (12, 2)


@pytest.mark.parametrize("date", ["", "nonsense"])
def test_a_server_without_a_usable_date_is_taken_by_our_clock(sync: Syncs, sqlite: str, date: str) -> None:
    with FakePayt() as fake:
        fake.answer({"data": [{"id": "1", "updated_at": "2999-01-01T00:00:00Z"}]}, headers={"date": date})
        before = datetime.now(UTC)
        [result] = sync(fake, sqlite)
        assert before <= datetime.fromisoformat(str(result.watermark)) <= datetime.now(UTC)


def test_how_fresh_a_copy_is_can_be_asked_for(fake: FakePayt, sync: Syncs, database: str, query: Query) -> None:
    """Also where nothing has changed for long, as docs/sync.md says."""
    column = "state::json ->> 'complete_at'"
    if "postgresql" not in database:
        column = f"{'json_value' if 'mariadb' in database else 'json_extract'}(state, '$.complete_at')"
    found = []
    for _ in range(2):
        before = datetime.now(UTC)
        sync(fake, database)
        found.append(query(f"SELECT {column} AS fresh FROM payt_sync_state")[0].fresh)
        assert before <= datetime.fromisoformat(found[-1]) <= datetime.now(UTC)
    assert found[0] < found[1]


def test_a_table_can_have_another_name_and_schema(fake: FakePayt, sync: Syncs, database: str, query: Query) -> None:
    sync(fake, database, table="Payt contacts")
    quote = "`" if "mariadb" in database else '"'
    assert len(rows(query, table=f"{quote}Payt contacts{quote}")) == 12
    if "postgresql" in database:
        query('CREATE SCHEMA IF NOT EXISTS "Another one"')
        sync(fake, database, table="c", schema="Another one")
        assert len(rows(query, table='"Another one".c')) == 12
        query('DROP SCHEMA "Another one" CASCADE')


def test_a_moment_that_cannot_be_kept_stops_no_other_administration(sync: Syncs, database: str, query: Query) -> None:
    late = contact(id="1", updated_at="9999-12-31T23:59:59-02:00")
    with FakePayt(administrations={"1": [late], "2": 3}) as fake:
        with pytest.raises(
            SyncError,
            match=r"1 of 2 .* failed: administration 1: Contact 1: updated_at holds a time outside the years 1 to 9999",
        ):
            sync(fake, database, ["1", "2"])
        assert len(rows(query, "2")) == 3


@pytest.mark.parametrize("key", ["a,b", "a\n"])
def test_a_gone_contact_that_cannot_be_asked_for_is_marked_all_the_same(
    key: str, sync: Syncs, database: str, query: Query
) -> None:
    others = [{"id": str(number)} for number in range(9)]
    with FakePayt() as fake:
        fake.answer({"data": [{"id": key}, *others]})
        sync(fake, database)
        fake.answer({"data": others})
        assert sync(fake, database, full=True)[0].deleted == 1
    assert deleted(query) == {key}


def test_a_full_run_that_ended_while_it_asked_for_the_gone_ones_begins_again(
    sync: Syncs, database: str, query: Query
) -> None:
    with FakePayt(contacts=40) as fake:
        sync(fake, database)
        fake.remove("40")
        fake.fail(403, after=4)
        with pytest.raises(payt.PermissionDeniedError):
            sync(fake, database, full=True, per_page=10)
        fake.remove("39")
        [result] = sync(fake, database, per_page=10)
        assert (result.full, result.resumed, result.deleted) == (True, True, 2)
        assert deleted(query) == {"39", "40"}


@pytest.mark.parametrize("status", [404, 410])
def test_a_cursor_that_is_refused_starts_the_listing_again(
    fake: FakePayt, sync: Syncs, sqlite: str, status: int
) -> None:
    fake.fail(403, after=1)
    with pytest.raises(payt.PermissionDeniedError):
        sync(fake, sqlite, per_page=4)
    fake.reset()
    fake.fail(status)
    assert sync(fake, sqlite)[0].inserted == 12 - 4


def test_a_database_in_memory_is_synced_through_its_engine(
    fake: FakePayt, syncs: Syncs, create_engine: CreateEngine
) -> None:
    engine = create_engine("sqlite://")
    [result] = syncs(fake, engine)
    assert result.inserted == 12
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM contacts").scalar() == 12


def test_cancelling_leaves_whole_pages_and_no_lock(fake: FakePayt, database: str, query: Query) -> None:
    async def run() -> None:
        async with payt.AsyncClient(fake.token, base_url=fake.url, **QUICK) as client:
            task = asyncio.create_task(payt.async_sync(client, "1", database, per_page=1))
            while len(fake.requests) < 3:  # noqa: ASYNC110  # a server's list is no Event
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await payt.async_sync(client, "1", database)

    asyncio.run(run())
    assert rows(query) == truth(fake)


def test_cancelling_again_and_again_leaves_whole_pages_and_no_lock(fake: FakePayt, database: str, query: Query) -> None:
    """As the cancel scopes of anyio do until they are left."""

    async def run() -> None:
        async with payt.AsyncClient(fake.token, base_url=fake.url, rate_limit=None, **QUICK) as client:
            for delay in range(40):
                task = asyncio.create_task(payt.async_sync(client, "1", database, per_page=1, full=True))
                await asyncio.sleep(delay / 1000)
                while not task.done():
                    task.cancel()
                    await asyncio.sleep(0.0002)
                assert task.cancelled() or not task.exception()
            await payt.async_sync(client, "1", database)

    asyncio.run(run())
    assert rows(query) == truth(fake)


def test_cancelling_while_the_lock_is_taken_leaves_no_lock(
    fake: FakePayt, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Copy.begin
    cancelled: list[Callable[[], object]] = []

    def cancelled_meanwhile(copy: Copy) -> Any:
        begun = begin(copy)
        if cancelled:
            cancelled.pop()()
        return begun

    monkeypatch.setattr(Copy, "begin", cancelled_meanwhile)

    async def run() -> None:
        async with payt.AsyncClient(fake.token, base_url=fake.url, **QUICK) as client:
            task = asyncio.create_task(payt.async_sync(client, "1", database))
            cancelled.append(partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel))
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            await payt.async_sync(client, "1", database)
            assert caught.value.__traceback__  # and not because nobody had the lock in a frame any more

    asyncio.run(run())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"to": 5}, TypeError, "to must be an SQLAlchemy URL or an Engine, got int"),
        ({"to": "nonsense"}, ValueError, "to is not an SQLAlchemy URL: write sqlite:///contacts.db"),
        ({"to": "sqlite:///a\0b"}, ValueError, "to is not an SQLAlchemy URL: write sqlite:///contacts.db"),
        ({"to": "sqlite:///\udcff.db"}, ValueError, "to is not an SQLAlchemy URL: write sqlite:///contacts.db"),
        ({"to": "sqlite:///file:?uri=true"}, ValueError, "to: a database in memory would be gone at once"),
        (
            {"to": "oracle://host/db"},
            ValueError,
            "to must be a SQLite, PostgreSQL, MariaDB or MySQL database, got oracle",
        ),
        ({"to": "postgresql+nonsense://host/db"}, ValueError, "knows no driver 'postgresql\\+nonsense'"),
        (
            {"to": "postgresql+psycopg2cffi://host/db"},
            ImportError,
            'needs the module psycopg2cffi; or write postgresql\\+psycopg: pip install "psycopg\\[binary\\]"',
        ),
        (
            {"to": "mysql+mysqlconnector://h/db"},
            ImportError,
            "needs the module mysql; or write mysql\\+pymysql: pip install pymysql",
        ),
        ({"to": "postgresql+psycopg_async://h/db"}, ValueError, "asyncio driver: name .* one, postgresql\\+psycopg$"),
        ({"to": "postgresql+asyncpg://h/db"}, ValueError, "asyncio driver: name .* one, postgresql\\+psycopg$"),
        ({"to": "mysql+aiomysql://h/db"}, ValueError, "asyncio driver: name .* one, mysql\\+pymysql$"),
        ({"to": "sqlite+aiosqlite:///contacts.db"}, ValueError, "asyncio driver: name .* one, sqlite$"),
        ({"to": "sqlite://"}, ValueError, "would be gone at once: pass an Engine"),
        ({"table": ""}, ValueError, "table must not be empty"),
        ({"table": "payt_sync_seen"}, ValueError, "names that begin with payt_"),
        ({"table": "é" * 40}, ValueError, "table: a name has at most 63 bytes, got 80"),
        ({"schema": ""}, ValueError, "schema must not be empty"),
        ({"overlap": 5}, TypeError, "overlap must be a datetime.timedelta, got int"),
        ({"overlap": timedelta(-1)}, ValueError, "overlap must not be negative"),
        ({"full_after": 5}, TypeError, "full_after must be a datetime.timedelta"),
        ({"full": "no"}, TypeError, "full must be True or False, got str"),
        ({"allow_mass_delete": "false"}, TypeError, "allow_mass_delete must be True or False, got str"),
        ({"migrate": 0}, TypeError, "migrate must be True or False, got int"),
        ({"full_every": 0}, ValueError, "full_every must be 1 or more"),
        ({"per_page": 501}, ValueError, "per_page must be 1 to 500"),
        ({"on_progress": 5}, TypeError, "on_progress must be a function, or something else to call, got int"),
        ({"administrations": 7}, TypeError, "administration_ids must be a string or an iterable"),
        ({"administrations": [""]}, ValueError, "administration_ids must not be empty"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_wrong_arguments_are_told_before_anything_is_sent(
    fake: FakePayt, sync: Syncs, sqlite: str, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        sync(fake, **{"to": sqlite, **arguments})
    assert fake.requests == []


def test_each_client_has_its_function(fake: FakePayt, sqlite: str) -> None:
    with (
        payt.Client("x", base_url=fake.url, **QUICK) as client,
        pytest.raises(TypeError, match=r"must be a payt.AsyncClient, got Client: use payt.sync"),
    ):
        asyncio.run(payt.async_sync(client, "1", sqlite))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"must be a payt.Client, got str$"):
        payt.sync("x", "1", sqlite)  # type: ignore[arg-type]


def test_without_asyncio_the_error_says_so(fake: FakePayt) -> None:
    """As where trio runs the coroutine."""
    client = payt.AsyncClient(fake.token, base_url=fake.url)
    with pytest.raises(RuntimeError, match="AsyncClient needs asyncio's event loop, and none is running here"):
        payt.async_sync(client, "1", "sqlite://").__await__().send(None)


@pytest.mark.everywhere
def test_an_administration_of_any_name_is_copied(sync: Syncs, database: str, query: Query) -> None:
    name = "a\tb\\n'c\n\"d\r é"
    with FakePayt(contacts=3, administration_id=name) as fake:
        sync(fake, database, [name])
        sync(fake, database, [name], full=True)
        assert [tuple(row) for row in query("SELECT administration_id, id FROM contacts ORDER BY id")] == [
            (name, each) for each in "123"
        ]
