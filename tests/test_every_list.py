"""Every list of the contract, paged through the fake server: whole, filtered, some fields, many administrations.

What a list has is looked up in the contract, so that one that joins it is tried without a word here.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import pytest

import payt
from payt.contract import example_of, parameters_of, resolved
from payt.listing import ListSpec
from payt.testing import FakePayt, Records
from payt_resources import LISTS, spec_of

COUNT = 25
LONG_AGO = "2000-01-01T00:00:00Z"
OWN = ("administration_id", "cursor", "fields", "per_page")

Pages: TypeAlias = list[Any]
Read: TypeAlias = Callable[..., Pages]
"""Read all pages of a list; the keywords are the arguments of its method."""

pytestmark = pytest.mark.parametrize("name", LISTS)


def by_administration(name: str) -> bool:
    return "administration_id" in parameters_of(spec_of(name))


def method_of(client: object, name: str, suffix: str = "") -> Any:
    """The method that lists: `client.invoices.deleted` for "invoices.deleted", with "_many" its other one."""
    tag, _, method = name.partition(".")
    return getattr(getattr(client, tag), f"{method or 'list'}{suffix}", None)


def required(spec: ListSpec[Any]) -> dict[str, Any]:
    """What the list cannot be asked without: the contract's examples, and any change."""
    return {
        each: LONG_AGO if each == spec.after else example_of(spec, each)
        for each, parameter in parameters_of(spec).items()
        if parameter.get("required") and each not in OWN
    }


def read_sync(fake: FakePayt, name: str, /, *, suffix: str = "", **arguments: Any) -> Pages:
    with payt.Client(fake.token, base_url=fake.url) as client:
        return list(method_of(client, name, suffix)(**arguments).pages())


def read_async(fake: FakePayt, name: str, /, *, suffix: str = "", **arguments: Any) -> Pages:
    async def read() -> Pages:
        async with payt.AsyncClient(fake.token, base_url=fake.url) as client:
            return [page async for page in method_of(client, name, suffix)(**arguments).pages()]

    return asyncio.run(read())


@pytest.fixture
def fake(name: str) -> Iterator[FakePayt]:
    """A server with records of the list, in two administrations where it has those."""
    with FakePayt(administration_id="1", records={name: COUNT}) as server:
        if by_administration(name):
            server.add_administration("77", records={name: 3})
        yield server


@pytest.fixture
def records(fake: FakePayt, name: str) -> Records:
    return fake.records(name)


@pytest.fixture(params=[read_sync, read_async], ids=["sync", "async"])
def read(request: pytest.FixtureRequest, fake: FakePayt, name: str) -> Read:
    def read_it(*, suffix: str = "", **arguments: Any) -> Pages:
        owner = {"administration_id": "1"} if by_administration(name) and not suffix else {}
        arguments = {**owner, **required(spec_of(name)), **arguments}
        pages: Pages = request.param(fake, name, suffix=suffix, **arguments)
        return pages

    return read_it


def sent(pages: Pages) -> list[dict[str, Any]]:
    """The records as they came."""
    return [record for page in pages for record in json.loads(page.raw)["data"]]


def on_request(records: Records) -> frozenset[str]:
    return frozenset(field for field, schema in records.served.properties.items() if schema.get("x-on-request"))


def as_sent(records: Records) -> list[dict[str, Any]]:
    """The records without what nobody asked for."""
    return [{key: value for key, value in each.items() if key not in on_request(records)} for each in records]


def keys(found: list[Any], records: Records) -> list[str]:
    return [str(each[records.served.key]) for each in found]


def test_every_record_comes_once_and_in_its_order(read: Read, records: Records, name: str) -> None:
    pages = read(per_page=10)
    assert [len(page.data) for page in pages] == [10, 10, 5]
    assert sent(pages) == as_sent(records)
    assert all(isinstance(each, spec_of(name).record) for page in pages for each in page.data)
    listed = [str(getattr(each, records.served.key)) for page in pages for each in page.data]
    assert listed == keys([*records], records) == records.keys


def test_what_is_listed_goes_into_a_model_without_remainder(
    read: Read, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    read()
    assert "does not know" not in caplog.text
    assert {field for each in as_sent(records) for field in each} <= attrs.fields_dict(
        records.served.spec.record
    ).keys()


def test_each_filter_finds_the_records_that_it_names(read: Read, records: Records, name: str) -> None:
    everything = [*records]
    for parameter, field in spec_of(name).separated.items():
        if field is None:
            read(**{parameter: ["something"]})
            continue
        wanted = [everything[number][field] for number in (3, 11)]
        flat = [value for each in wanted for value in (each if isinstance(each, list) else [each])]
        having = [each for each in everything if not {*flat}.isdisjoint(_values(each[field]))]
        assert keys(sent(read(**{parameter: flat})), records) == keys(having, records)
        assert having


def _values(held: Any) -> list[Any]:
    return held if isinstance(held, list) else [held]


def test_only_what_is_newer_is_found(read: Read, records: Records, name: str) -> None:
    spec = spec_of(name)
    if spec.after is None or spec.watermark is None:
        assert spec.after is spec.watermark is None
        return
    moments = sorted(each[spec.watermark] for each in records)
    newer = [each for each in records if each[spec.watermark] > moments[9]]
    assert keys(sent(read(**{spec.after: moments[9]})), records) == keys(newer, records)
    assert len(newer) == COUNT - 10


def test_every_other_argument_is_taken(read: Read, name: str) -> None:
    spec = spec_of(name)
    for parameter, described in parameters_of(spec).items():
        if parameter in (*OWN, *spec.separated, spec.after):
            continue
        schema = resolved(described["schema"])
        values = schema.get("enum") or (
            [True, False] if schema.get("type") == "boolean" else [example_of(spec, parameter)]
        )
        for value in values:
            assert len(sent(read(**{parameter: value}))) == COUNT


def test_only_the_fields_that_are_named_come(read: Read, records: Records, name: str) -> None:
    if "fields" not in parameters_of(spec_of(name)):
        assert not on_request(records)
        return
    named = [records.served.key, *sorted(on_request(records))]
    expected = [{field: each[field] for field in named if field in each} for each in records]
    found = sent(read(fields=named))
    assert [{**each} for each in found] == expected
    for field in on_request(records):
        assert any(field in each for each in found)


def test_many_administrations_are_listed_at_once(read: Read, fake: FakePayt, name: str) -> None:
    if not by_administration(name):
        with payt.Client(fake.token, base_url=fake.url) as client:
            assert method_of(client, name, "_many") is None
        return
    pages = read(suffix="_many", administration_ids=["1", "77"], per_page=10)
    for administration_id in ("1", "77"):
        found = sent([page for owner, page in pages if owner == administration_id])
        assert found == as_sent(fake.records(name, administration_id))


def test_a_table_of_many_administrations_says_once_whose_a_record_is(fake: FakePayt, name: str) -> None:
    pytest.importorskip("pyarrow", reason="the extra arrow is not installed here")
    if by_administration(name):
        with payt.Client(fake.token, base_url=fake.url) as client:
            listed = method_of(client, name, "_many")(administration_ids=["1", "77"], **required(spec_of(name)))
            table = listed.to_arrow().read_all()
        assert [*table.column_names].count("administration_id") == 1
        assert sorted(table[0].to_pylist()) == ["1"] * COUNT + ["77"] * 3


def test_a_fault_on_a_page_ends_the_listing_where_it_can_be_resumed(
    read: Read, fake: FakePayt, records: Records, name: str
) -> None:
    fake.fail(404, page=2, path=spec_of(name).path.partition("{")[0])
    with pytest.raises(payt.NotFoundError) as failed:
        read(per_page=10)
    assert failed.value.cursor is not None
    assert keys(sent(read(cursor=failed.value.cursor)), records) == records.keys[10:]


def test_a_token_needs_the_scope_of_the_list(read: Read, fake: FakePayt, records: Records) -> None:
    scope = records.served.scope
    fake.tokens[fake.token] = f"{scope} something:else"
    read()
    fake.tokens[fake.token] = "something:else"
    with pytest.raises(payt.PermissionDeniedError, match=scope):
        read()


def test_what_is_added_changed_and_removed_shows(read: Read, records: Records) -> None:
    added = records.add()
    removed = records.keys[0]
    records.remove(removed)
    changed = records.change(records.keys[0])
    found = sent(read())
    assert keys(found, records) == records.keys
    assert removed not in records
    for each in (added, changed):
        assert {field: value for field, value in each.items() if field not in on_request(records)} in found


def test_help_describes_every_argument_in_sections_of_one_shape(name: str) -> None:
    for client in (payt.Client, payt.AsyncClient):
        with_token = client("token")
        for suffix in ("", "_many"):
            if (method := method_of(with_token, name, suffix)) is None:
                continue
            text = inspect.getdoc(method)
            assert text is not None
            headings = re.findall(r"^(\w+):$", text, re.MULTILINE)
            assert headings == ["Args", "Returns", "Raises"]
            described = re.findall(r"^    (\w+): ", text[text.index("Args:") : text.index("Returns:")], re.MULTILINE)
            assert sorted(described) == sorted(inspect.signature(method).parameters)


def test_the_reference_describes_it(name: str) -> None:
    docs = Path(__file__).parents[1] / "docs"
    page = runpy.run_path(str(docs / "hooks.py"))["on_page_markdown"]((docs / "reference.md").read_text("utf-8"))
    described = re.findall(r"^::: (\S+)$", page, re.MULTILINE)
    spec = spec_of(name)
    for client in (payt.Client("token"), payt.AsyncClient("token")):
        resource = type(method_of(client, name).__self__)
        assert f"{resource.__module__}.{resource.__name__}" in described
    assert {f"payt.{spec.record.__name__}", f"payt_api.models.{spec.record.__name__}"} & {*described}
    assert {f"payt_api.models.{spec.page.__name__}", spec.operation.__name__} <= {*described}
