"""A copy is one from one service: another environment does not overwrite it, and the same one may move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from sql.copying import Syncs
from sql.truth import Query, rows, truth

from payt.cli.app import app
from payt.sql import SchemaError
from payt.testing import FakePayt


@pytest.fixture
def demo() -> Iterator[FakePayt]:
    """Another environment: contacts with the same ids and other names, and an administration more."""
    with FakePayt(administrations={"1": 8, "2": 3}, seed=5, token="demo-token") as server:
        yield server


BOOKS = "SELECT table_name, base_url FROM payt_sync_tables ORDER BY table_name"


@pytest.mark.parametrize("administrations", ["1", "2", ["2", "1"]], ids=str)
def test_another_environment_is_refused_before_anything_is_written_or_asked_for(
    fake: FakePayt, demo: FakePayt, syncs: Syncs, database: str, query: Query, administrations: Any
) -> None:
    syncs(fake, database)
    before = query("SELECT * FROM contacts ORDER BY id"), query("SELECT * FROM payt_sync_state")
    with pytest.raises(SchemaError) as refusal:
        syncs(demo, database, administrations, full=True, allow_mass_delete=True, migrate=True)
    assert str(refusal.value) == (
        f"the table contacts is a copy from {fake.url}, and not from {demo.url}: choose another table, "
        "--table (in Python: table=), or drop this one; if it is the same service, which has moved, say where it was: "
        f"--moved-from {fake.url} (in Python: moved_from='{fake.url}')"
    )
    assert demo.requests == []
    assert (query("SELECT * FROM contacts ORDER BY id"), query("SELECT * FROM payt_sync_state")) == before
    [result] = syncs(fake, database)
    assert (result.inserted, result.updated) == (0, 0)


def test_an_unfinished_run_is_not_gone_on_with_elsewhere(
    fake: FakePayt, demo: FakePayt, syncs: Syncs, database: str, query: Query
) -> None:
    fake.fail(403, page=2)
    with pytest.raises(Exception, match="403"):
        syncs(fake, database, per_page=5)
    with pytest.raises(SchemaError, match="is a copy from"):
        syncs(demo, database, per_page=5)
    assert syncs(fake, database, per_page=5)[0].resumed
    assert rows(query) == truth(fake)


def test_another_table_of_the_same_database_may_be_from_another_environment(
    fake: FakePayt, demo: FakePayt, syncs: Syncs, database: str, query: Query
) -> None:
    syncs(fake, database)
    syncs(demo, database, table="contacts_of_demo")
    assert query(BOOKS) == [("contacts", fake.url), ("contacts_of_demo", demo.url)]
    assert rows(query) == truth(fake)


def test_a_table_that_was_dropped_may_come_from_anywhere(
    fake: FakePayt, demo: FakePayt, syncs: Syncs, database: str, query: Query
) -> None:
    syncs(fake, database)
    query("DROP TABLE contacts")
    syncs(demo, database)
    assert rows(query) == truth(demo)
    assert query(BOOKS) == [("contacts", demo.url)]


def test_a_service_that_moved_goes_on_with_its_copy(fake: FakePayt, syncs: Syncs, database: str, query: Query) -> None:
    syncs(fake, database)
    with FakePayt(contacts=fake.contacts, prefix="/moved") as moved:
        moved.change("3", lastname="Janssen")
        [result] = syncs(moved, database, moved_from=f"{fake.url.upper().replace('HTTP', 'http')}/")
        assert (result.full, result.inserted, result.updated) == (False, 0, 1)
        assert rows(query) == truth(moved)
        assert query(BOOKS) == [("contacts", moved.url)]
        assert syncs(moved, database, moved_from=fake.url)[0].updated == 0  # it may stay in the command
        with pytest.raises(SchemaError, match=f"is a copy from {moved.url}, and not from {fake.url}"):
            syncs(fake, database)


def test_where_it_moved_from_must_be_where_the_copy_is_from(
    fake: FakePayt, demo: FakePayt, syncs: Syncs, database: str, query: Query
) -> None:
    syncs(fake, database)
    with pytest.raises(SchemaError, match=f"is a copy from {fake.url}"):
        syncs(demo, database, moved_from="https://api.example")
    assert rows(query) == truth(fake)


@pytest.mark.parametrize(
    ("moved_from", "error", "message"),
    [
        (5, TypeError, "moved_from must be a string, got int"),
        ("", ValueError, "moved_from must begin with https://"),
        ("old.example", ValueError, "moved_from must begin with https://"),
        ("https://old.example/v1 ", ValueError, "moved_from must have no spaces"),
        ("https://me:secret@old.example", ValueError, "moved_from must have no user, password, query or fragment"),
    ],
)
def test_a_wrong_address_is_told_before_anything_is_asked_for(
    fake: FakePayt, syncs: Syncs, sqlite: str, moved_from: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        syncs(fake, sqlite, moved_from=moved_from)
    assert fake.requests == []


def test_books_of_an_earlier_version_take_the_address_of_the_next_run(
    fake: FakePayt, demo: FakePayt, syncs: Syncs, database: str, query: Query
) -> None:
    syncs(fake, database)
    syncs(demo, database, table="other")
    query("ALTER TABLE payt_sync_tables DROP COLUMN base_url")  # as it was
    [result] = syncs(fake, database)
    assert (result.full, result.inserted, result.updated) == (False, 0, 0)
    assert query(BOOKS) == [("contacts", fake.url), ("other", None)]
    with pytest.raises(SchemaError, match="is a copy from"):
        syncs(demo, database)
    syncs(demo, database, table="other")
    assert query(BOOKS) == [("contacts", fake.url), ("other", demo.url)]


def test_the_command_says_what_to_do(
    fake: FakePayt, demo: FakePayt, sqlite: str, query_sqlite: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(server: FakePayt, *arguments: str) -> Any:
        monkeypatch.setenv("PAYT_TOKEN", server.token)
        monkeypatch.setenv("PAYT_BASE_URL", server.url)
        return CliRunner().invoke(app, ["contacts", "sync", "-a", "1", "--to", sqlite, *arguments])

    assert run(fake).exit_code == 0
    refused = run(demo)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.endswith(f"say where it was: --moved-from {fake.url}\n")
    assert rows(query_sqlite) == truth(fake)
    assert run(demo, "--moved-from", fake.url).exit_code == 0
    assert query_sqlite(BOOKS) == [("contacts", demo.url)]
    wrong = run(demo, "--moved-from", "somewhere")
    assert (wrong.exit_code, wrong.stderr.startswith("payt: --moved-from must begin with https://")) == (2, True)
