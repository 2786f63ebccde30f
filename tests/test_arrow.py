"""Listings as Arrow: one schema, whatever comes; taken as they are by what reads Arrow; complete or an error."""

from __future__ import annotations

import asyncio
import datetime
import json
import sys
from collections.abc import Iterator
from enum import IntEnum, StrEnum
from typing import Any, Literal
from uuid import UUID

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest

import payt
from payt.listing import Page
from payt.listing.arrow import Table
from payt.testing import FakePayt
from payt_api.models import Administration
from payt_api.types import model


@pytest.fixture
def several() -> Iterator[FakePayt]:
    with FakePayt(administrations={"1": 1_200, "2": 3, "3": 0}) as fake:
        yield fake


@pytest.fixture
def client(several: FakePayt) -> Iterator[payt.Client]:
    with payt.Client(several.token, base_url=several.url) as client:
        yield client


def as_listed(client: payt.Client, administration_id: str) -> list[dict[str, Any]]:
    """The records as the models have them, nested things as JSON."""
    rows = [contact.to_dict() for contact in client.contacts.list(administration_id=administration_id)]
    for row in rows:
        row["updated_at"] = datetime.datetime.fromisoformat(row["updated_at"])
        row["validation_errors"] = row["validation_errors"] and json.dumps(
            row["validation_errors"], separators=(",", ":")
        )
    return rows


def test_a_table_holds_what_a_listing_brings(client: payt.Client) -> None:
    assert client.contacts.list(administration_id="1").to_arrow().read_all().to_pylist() == as_listed(client, "1")


def test_the_schema_follows_from_the_contract_whatever_comes(several: FakePayt, client: payt.Client) -> None:
    several.records("contacts", "2").change("1", debtor_numbers=None, validation_errors=None, updated_at=None)
    pagers = [
        client.contacts.list(administration_id="1"),
        client.contacts.list(administration_id="2", fields=["id"]),
        client.contacts.list(administration_id="3"),
        client.contacts.list(administration_id="1", ids=[]),
    ]
    tables = [pager.to_arrow().read_all() for pager in pagers]
    schema = tables[0].schema
    assert [table.schema for table in tables] == [schema] * 4
    assert pyarrow.concat_tables(tables).num_rows == 1_203
    assert schema.names == list(payt.Contact().to_dict())
    special = {"debtor_numbers": pyarrow.list_(pyarrow.string()), "updated_at": pyarrow.timestamp("us", tz="UTC")}
    assert {field.name: field.type for field in schema} == {name: pyarrow.string() for name in schema.names} | special


def test_several_administrations_are_told_apart_by_the_first_column(client: payt.Client) -> None:
    table = client.contacts.list_many(administration_ids=["1", "2", "3"]).to_arrow().read_all()
    assert table.schema.names[0] == "administration_id"
    for name in ("1", "2", "3"):
        of_one = table.filter(pyarrow.compute.equal(table["administration_id"], name)).drop_columns("administration_id")
        assert of_one.to_pylist() == as_listed(client, name)


def test_the_asynchronous_client_gives_the_same(several: FakePayt, client: payt.Client) -> None:
    async def both() -> list[Any]:
        async with payt.AsyncClient(several.token, base_url=several.url) as other:
            one = await other.contacts.list(administration_id="1").to_arrow()
            many = await other.contacts.list_many(administration_ids=["2", "3"]).to_arrow()
            return [one.read_all(), many.read_all()]

    one, many = asyncio.run(both())
    assert one == pyarrow.table(client.contacts.list(administration_id="1"))
    assert many == pyarrow.table(client.contacts.list_many(administration_ids=["2", "3"]))


def test_each_stream_lists_anew_and_nothing_is_sent_before_it_is_read(several: FakePayt, client: payt.Client) -> None:
    pager = client.contacts.list(administration_id="2")
    assert pager.to_arrow().schema == pager.to_arrow().schema
    assert several.requests == []
    for count in (3, 4):
        assert pyarrow.table(pager).num_rows == count
        several.records("contacts", "2").add()


def test_duckdb_reads_a_pager_by_its_name(client: payt.Client) -> None:
    pager = client.contacts.list(administration_id="1")  # noqa: F841  # DuckDB finds it by its name
    many = client.contacts.list_many(administration_ids=["1", "2"])  # noqa: F841  # DuckDB finds it by its name
    assert duckdb.execute("select count(distinct id), max(len(debtor_numbers)) from pager").fetchall() == [(1_200, 2)]
    counted = duckdb.execute("select administration_id, count(*) from many group by all order by all").fetchall()
    assert counted == [("1", 1_200), ("2", 3)]
    kinds = dict(duckdb.execute("select column_name, column_type from (describe from pager)").fetchall())
    assert (kinds["debtor_numbers"], kinds["updated_at"]) == ("VARCHAR[]", "TIMESTAMP WITH TIME ZONE")


def test_it_is_written_to_parquet_page_by_page(client: payt.Client, tmp_path: Any) -> None:
    reader = client.contacts.list(administration_id="1").to_arrow()
    with pyarrow.parquet.ParquetWriter(tmp_path / "contacts.parquet", reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    assert pyarrow.parquet.read_table(tmp_path / "contacts.parquet").to_pylist() == as_listed(client, "1")


def test_half_a_listing_is_an_error_with_its_cursor(several: FakePayt, client: payt.Client) -> None:
    pager = client.contacts.list(administration_id="1")
    several.fail(403, page=2, times=2)
    with pytest.raises(payt.PermissionDeniedError) as caught:
        pager.to_arrow().read_all()
    assert caught.value.cursor == "500"
    with pytest.raises(pyarrow.ArrowInvalid, match="403 Forbidden"):
        pyarrow.table(pager)  # across the C interface, no error keeps its kind


def test_a_reader_that_failed_fails_again_and_never_looks_complete(several: FakePayt, client: payt.Client) -> None:
    several.fail(403, page=2, times=None)
    contacts = client.contacts
    for pager in (contacts.list(administration_id="1"), contacts.list_many(administration_ids=["1", "2"])):
        reader = pager.to_arrow()
        for _ in range(2):
            with pytest.raises(payt.PermissionDeniedError):
                reader.read_all()


def test_errors_and_records_that_are_left_out_are_collected(several: FakePayt, client: payt.Client) -> None:
    several.records("contacts", "2").change("1", lastname=5)
    pager = client.contacts.list_many(administration_ids=["1", "2", "9"], on_error="collect", on_invalid="collect")
    assert pyarrow.table(pager).num_rows == 1_202
    assert [*pager.errors] == ["9"]
    assert [record.id for record in pager.invalid["2"]] == ["1"]


def test_a_reader_that_is_left_asks_no_more(several: FakePayt, client: payt.Client) -> None:
    reader = client.contacts.list(administration_id="1", per_page=100).to_arrow()
    assert reader.read_next_batch().num_rows == 100
    reader.close()
    del reader
    list(client.contacts.list(administration_id="3"))
    assert len(several.requests) <= 1 + 2 + 1  # what was read, what was under way, and another listing


def test_without_its_extra_the_error_says_which(client: payt.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "payt.listing.arrow")
    with pytest.raises(ImportError, match=r'Arrow needs pyarrow, which comes with the extra "arrow": pip install "'):
        client.contacts.list(administration_id="1").to_arrow()


class Color(StrEnum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


@model(kw_only=True)
class OfEveryKind:
    administration_id: str | None = None
    color: Color | None = None
    size: Size = Size.BIG
    word: Literal["a", "b"] = "a"
    uuid: UUID | None = None
    uuids: list[UUID | None] | None = None
    numbers: list[int] | None = None
    nested: list[list[str]] | None = None
    anything: Any = None
    amount: float | None = None
    truth: bool | None = None
    day: datetime.date | None = None
    administration: Administration | None = None


def test_every_kind_of_field_has_a_type() -> None:
    uuid = UUID(int=5)
    full = OfEveryKind(
        color=Color.RED,
        uuid=uuid,
        uuids=[uuid, None],
        numbers=[1],
        nested=[["a"]],
        anything={"a": [1]},
        amount=1.5,
        truth=True,
        day=datetime.date(2026, 11, 1),
        administration=Administration(id="7"),
    )
    page = Page(data=[full, OfEveryKind()], cursor=None, raw=b"", headers={})
    expected: dict[str, Any] = {
        "color": "red",
        "size": 3,
        "word": "a",
        "uuid": str(uuid),
        "uuids": [str(uuid), None],
        "numbers": [1],
        "nested": '[["a"]]',
        "anything": '{"a":[1]}',
        "amount": 1.5,
        "truth": True,
        "day": datetime.date(2026, 11, 1),
    }
    first, second = Table(OfEveryKind).batch(page).to_pylist()
    assert json.loads(first.pop("administration"))["id"] == "7"
    assert first == {"administration_id": None, **expected}
    empty = dict.fromkeys([*first, "administration"])
    assert second == {**empty, "size": 3, "word": "a"}
    many = Table(OfEveryKind, many=True)
    assert many.batch(page, "4").to_pylist()[1] == {**second, "administration_id": "4"}
    assert many.schema.names[:2] == ["administration_id", "color"]
