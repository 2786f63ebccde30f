"""A copy of every list of the contract whose records have a key.

What a list has is looked up in the contract, so that one that joins it is tried without a word here.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import attrs
import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sql.copying import CreateEngine, Syncs
from sql.truth import Query

import payt
from payt.cli.app import app
from payt.contract import fields_to_name, parameters_of, resolved
from payt.listing import ListSpec
from payt.listing.shapes import fields_of, scalar_of
from payt.sql import SchemaError, arguments
from payt.testing import FakePayt, Records
from payt_resources import LISTS, spec_of

COUNT = 12
KEPT = [name for name in LISTS if spec_of(name).key]

of_every_list = pytest.mark.parametrize("name", KEPT)


@pytest.fixture
def fake() -> Iterator[FakePayt]:
    """A server with records of every list."""
    with FakePayt(administration_id="1", records=dict.fromkeys(LISTS, COUNT)) as server:
        yield server


def by_administration(name: str) -> bool:
    return "administration_id" in parameters_of(spec_of(name))


def whose(name: str) -> str | None:
    return "1" if by_administration(name) else None


def table_of(name: str) -> str:
    return name.replace(".", "_")


def another(records: Records) -> dict[str, Any]:
    """Another value for a field of the third record; or none, so that only the moment of its change is another."""
    spec, record = records.served.spec, [*records][2]
    for field, schema in records.served.properties.items():
        types = resolved(schema).get("type", ())
        if field in (spec.key, spec.watermark, "administration_id") or not {*schema}.isdisjoint(RESTRICTING):
            continue
        for kind, value in {"string": "Ander woord", "integer": 1_000_000, "boolean": not record.get(field)}.items():
            if kind in types:
                return {field: value}
    assert spec.watermark, f"nothing of {spec.name} can be changed: let these tests find out how"
    return {}


RESTRICTING = ("const", "enum", "format", "pattern", "minimum", "maximum", "maxLength")


def truth(fake: FakePayt, name: str) -> dict[str, Any]:
    """The records that the service has, with all their fields, by their keys."""
    spec = spec_of(name)
    arguments: dict[str, Any] = {"administration_id": "1"} if by_administration(name) else {}
    if fields := fields_to_name(spec):
        arguments["fields"] = fields
    with payt.Client(fake.token, base_url=fake.url, rate_limit=None) as client:
        return {str(getattr(record, str(spec.key))): record for record in spec.method_of(client)(**arguments)}


def check(fake: FakePayt, name: str, query: Query) -> None:
    """The rows that are not deleted hold what the service has, and nothing else."""
    record: type = spec_of(name).record
    found = query(f"SELECT * FROM {table_of(name)} WHERE deleted_at IS NULL")
    rows = {row._mapping[spec_of(name).key]: row._mapping for row in found}
    real = truth(fake, name)
    assert rows.keys() == real.keys()
    for key, expected in real.items():
        for field, type_ in fields_of(record).items():
            if field == "administration_id" and by_administration(name):
                assert rows[key][field] == "1"
            elif field == spec_of(name).key:
                assert rows[key][field] == str(getattr(expected, field))  # a key is a text, whatever it is elsewhere
            else:
                assert held(rows[key][field], type_) == plain(getattr(expected, field)), field


def held(value: Any, type_: Any) -> Any:
    """What a column holds, as `plain` has it: PostgreSQL has types of its own, where SQLite has texts."""
    scalar = scalar_of(type_)
    if value is None or scalar in (str, int, float, bool):
        return value
    if scalar is datetime.datetime:
        moment = value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)  # MariaDB has no zones
    if scalar is not None:
        return str(UUID(str(value)) if scalar is UUID else value)
    return json.loads(value) if isinstance(value, str) else value


def plain(value: Any) -> Any:
    return value if isinstance(value, datetime.datetime) else msgspec.to_builtins(value)


@of_every_list
def test_a_copy_follows_the_list(fake: FakePayt, syncs: Syncs, database: str, query: Query, name: str) -> None:
    records, incremental = fake.records(name), spec_of(name).watermark is not None

    def sync(**options: Any) -> tuple[int, int, int, int, bool]:
        [result] = syncs(fake, database, whose(name), resource=name, per_page=5, **options)
        assert result.administration_id == whose(name)
        return result.inserted, result.updated, result.unchanged, result.deleted, result.full

    assert sync() == (COUNT, 0, 0, 0, True)
    check(fake, name, query)

    records.change(records.keys[2], **another(records))
    inserted, updated, unchanged, gone, full = sync()
    assert (inserted, updated, gone, full) == (0, 1, 0, not incremental)
    assert incremental or unchanged == COUNT - 1
    check(fake, name, query)

    removed = records.keys[6]
    records.remove(removed)
    _, _, unchanged, *rest = sync()
    assert rest == ([0, False] if incremental else [1, True])
    assert incremental or unchanged == COUNT - 1  # each counts once, however often it is asked for
    assert sync(full=True) == (0, 0, COUNT - 1, 1 if incremental else 0, True)
    check(fake, name, query)
    [row] = query(f"SELECT * FROM {table_of(name)} WHERE deleted_at IS NOT NULL")
    assert row._mapping[spec_of(name).key] == removed


@of_every_list
def test_what_a_full_listing_missed_is_asked_for_before_it_counts_as_deleted(
    fake: FakePayt, syncs: Syncs, database: str, query: Query, name: str
) -> None:
    records = fake.records(name)
    syncs(fake, database, whose(name), resource=name)
    passed, gone = records.keys[4:6]
    hidden = next(each for each in records if str(each[records.served.key]) == passed)

    def meddle(number: int) -> None:
        if number == 2:
            records.remove(passed)
            records.remove(gone)
        if number == 4:
            records.add(hidden)

    [result] = syncs(fake, database, whose(name), resource=name, per_page=4, full=True, meddle=meddle)
    assert result.deleted == 1
    check(fake, name, query)


def test_an_invalid_record_that_comes_during_the_check_hides_no_deletion(
    fake: FakePayt, sync: Syncs, sqlite: str, query_sqlite: Query
) -> None:
    records = fake.records("administrations")
    options: dict[str, Any] = {"resource": "administrations", "per_page": COUNT, "on_invalid": "collect"}
    sync(fake, sqlite, None, **options)
    gone = records.keys[4]
    records.remove(gone)

    def meddle(number: int) -> None:
        if number == 2:  # all of them are listed again
            records.add(id="new", name=7)

    [result] = sync(fake, sqlite, None, meddle=meddle, **options)
    assert result.deleted == 1
    assert query_sqlite("SELECT id FROM administrations WHERE deleted_at IS NOT NULL") == [(gone,)]


@of_every_list
def test_an_interrupted_run_is_resumed(fake: FakePayt, syncs: Syncs, database: str, query: Query, name: str) -> None:
    fake.fail(403, page=2, path=spec_of(name).path.partition("{")[0])
    with pytest.raises(payt.PermissionDeniedError):
        syncs(fake, database, whose(name), resource=name, per_page=5)
    [result] = syncs(fake, database, whose(name), resource=name, per_page=5)
    assert (result.resumed, result.inserted, result.pages) == (True, COUNT - 5, 2)
    check(fake, name, query)


@of_every_list
def test_fields_that_come_on_request_are_asked_for(fake: FakePayt, sync: Syncs, sqlite: str, name: str) -> None:
    """A column that is empty in all rows would look as if the service had nothing."""
    sync(fake, sqlite, whose(name), resource=name)
    on_request = fake.records(name).served.on_request
    for request in fake.requests:
        named = json.loads(request.query["fields"])["only"] if on_request else []
        assert on_request <= {*named}


@of_every_list
def test_the_command_keeps_a_copy(
    fake: FakePayt, database: str, query: Query, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PAYT_TOKEN", fake.token)
    monkeypatch.setenv("PAYT_BASE_URL", fake.url)
    administration = ["-a", "1"] if by_administration(name) else []
    words = [*name.replace("_", "-").split("."), "sync", *administration, "--to", database]
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, result.stderr) == (0, "")
    start = "administration 1: " if administration else ""
    assert result.stdout.startswith(f"{start}{COUNT} inserted, 0 updated, 0 unchanged, 0 deleted; full, 1 page in ")
    check(fake, name, query)
    document = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert [each["administration_id"] for each in document["administrations"]] == [whose(name)]


def test_copies_of_all_lists_live_in_one_database(
    fake: FakePayt, syncs: Syncs, database: str, query: Query, create_engine: CreateEngine
) -> None:
    """Also where one connection serves all of them, with what is temporary in it."""
    engine = create_engine(database, pool_size=1, max_overflow=0, poolclass=sa.QueuePool)
    for expected in (COUNT, 0):
        for name in KEPT:
            [result] = syncs(fake, engine, whose(name), resource=name)
            assert result.inserted == expected
    for name in KEPT:
        check(fake, name, query)
    books = query("SELECT table_name, resource FROM payt_sync_tables")
    assert dict(map(tuple, books)) == {table_of(name): name for name in KEPT}


def test_a_copy_of_another_list_is_not_written_to(fake: FakePayt, syncs: Syncs, database: str, query: Query) -> None:
    syncs(fake, database)
    before = query("SELECT * FROM contacts ORDER BY id")
    fake.reset()
    with pytest.raises(SchemaError, match="contacts is a copy of contacts, and not of administrations: choose another"):
        syncs(fake, database, None, resource="administrations", table="contacts", migrate=True)
    assert fake.requests == []
    assert query("SELECT * FROM contacts ORDER BY id") == before


def test_books_that_name_no_list_are_those_of_contacts(
    fake: FakePayt, syncs: Syncs, database: str, query: Query
) -> None:
    """An earlier payt-client copied nothing else."""
    syncs(fake, database)
    query("ALTER TABLE payt_sync_tables DROP COLUMN resource")
    [result] = syncs(fake, database)
    assert (result.full, result.inserted, result.updated) == (False, 0, 0)
    with pytest.raises(SchemaError, match="contacts is a copy of contacts, and not of administrations"):
        syncs(fake, database, None, resource="administrations", table="contacts")


@pytest.mark.parametrize(
    ("key", "kept"),
    [("updated_at", "2026-11-01T12:00:00.500000Z"), ("contact_identifier", "C7")],
)
def test_any_field_may_be_the_key_and_is_kept_as_a_text(
    syncs: Syncs, database: str, query: Query, monkeypatch: pytest.MonkeyPatch, key: str, kept: str
) -> None:
    spec: ListSpec[Any] = attrs.evolve(spec_of("contacts"), key=key, watermark=None, after=None)
    monkeypatch.setattr(arguments, "spec_of", lambda _name: spec)
    one = {"id": "1", "contact_identifier": "C7", "updated_at": "2026-11-01T12:00:00.5Z"}
    others = [
        {"id": str(number), "contact_identifier": f"C1{number}", "updated_at": f"2026-10-0{number}T00:00:00Z"}
        for number in range(2, 8)
    ]
    with FakePayt(contacts=[one, *others]) as fake:
        for expected in (7, 0):
            assert syncs(fake, database)[0].inserted == expected
        passed = next(each for each in fake.contacts if each["id"] == "2")

        def meddle(number: int) -> None:
            if number == 1:
                fake.remove("1")
                fake.remove("2")
            if number == 2:  # what did not come is listed again
                fake.add(passed)

        options: dict[str, Any] = {"full": True, "allow_mass_delete": True, "meddle": meddle}
        assert syncs(fake, database, **options)[0].deleted == 1
    [row] = query("SELECT * FROM contacts WHERE deleted_at IS NOT NULL")
    assert row._mapping[key] == kept


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"resource": "debtors?"},
            ValueError,
            r"resource must be 'administrations' or .*'contacts'.*, got 'debtors\?'",
        ),
        ({"resource": None}, ValueError, "resource must be .*, got None"),
        (
            {"resource": "administrations"},
            ValueError,
            "administration_ids must be None, because administrations do not belong to",
        ),
        ({"administrations": None}, TypeError, "administration_ids must be a string or an iterable of strings"),
        ({"per_page": 501}, ValueError, "per_page must be 1 to 500, got 501"),
    ],
    ids=str,
)
def test_wrong_arguments_are_told_before_anything_is_sent(
    fake: FakePayt, syncs: Syncs, sqlite: str, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        syncs(fake, sqlite, **arguments)
    assert fake.requests == []


def test_a_list_without_a_key_is_refused_and_the_others_are_named(
    fake: FakePayt, syncs: Syncs, sqlite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyless = {"contacts": attrs.evolve(spec_of("contacts"), key=None)}
    find: Callable[[str], ListSpec[Any]] = spec_of
    monkeypatch.setattr(arguments, "spec_of", lambda name: keyless.get(name) or find(name))
    with pytest.raises(ValueError, match=r"resource must be 'administrations'.*, got 'contacts'"):
        syncs(fake, sqlite)


def test_more_than_a_fifth_gone_is_told_without_an_administration_where_there_is_none(
    fake: FakePayt, syncs: Syncs, database: str
) -> None:
    records = fake.records("administrations")
    syncs(fake, database, None, resource="administrations")
    for key in records.keys[:3]:
        records.remove(key)
    with pytest.raises(payt.PaytError, match=r"^3 of 12 administrations are gone from a complete listing"):
        syncs(fake, database, None, resource="administrations")
    [result] = syncs(fake, database, None, resource="administrations", allow_mass_delete=True)
    assert result.deleted == 3
