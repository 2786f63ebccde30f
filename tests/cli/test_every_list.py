"""Every list of the contract on the command line: all that is expected here is read from the contract."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import attrs
import click
import openpyxl
import pyarrow.parquet
import pytest

import payt
from payt.cli import parameters, resource
from payt.contract import example_of, page_of, parameters_of, properties_of, resolved
from payt.listing import ListSpec
from payt.listing.shapes import fields_of
from payt.testing import FakePayt
from payt_api.types import query_value
from payt_resources import LISTS, Resources, spec_of
from payt_resources.contacts import Contacts

OWN = ("administration_id", "fields", "cursor", "per_page")


@pytest.fixture(params=LISTS)
def spec(request: pytest.FixtureRequest) -> ListSpec[Any]:
    return spec_of(request.param)


def fields(spec: ListSpec[Any]) -> list[str]:
    record: type = spec.record
    return list(fields_of(record))


@pytest.fixture
def fake() -> Iterator[FakePayt]:
    """A server with records of every list."""
    with FakePayt(administration_id="1", records=dict.fromkeys(LISTS, 12)) as server:
        yield server


@pytest.fixture
def records(spec: ListSpec[Any], fake: FakePayt) -> list[dict[str, Any]]:
    """What it has of the list."""
    schema = properties_of(page_of(spec)["schema"])["data"]
    return [filled(record, schema["items"]) for record in fake.records(spec.name)]


def filled(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value as a model has it: with null for all that is left out, wherever an object is."""
    if isinstance(value, list):
        return [filled(each, the_one_of(schema).get("items", {})) for each in value]
    inside = properties_of(the_one_of(schema))
    if not isinstance(value, dict) or not inside:
        return value
    return {name: filled(value.get(name), each) for name, each in inside.items()}


def the_one_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a schema is where it is not null."""
    parts = [part for part in resolved(schema).get("oneOf", ()) if part.get("type") != "null"]
    return the_one_of(parts[0]) if len(parts) == 1 else resolved(schema)


def never_sent(values: list[Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    """The places of the contract that none of the values has."""
    schema = the_one_of(schema)
    if "items" in schema:
        yield from never_sent([each for value in values for each in value or ()], schema["items"], f"{place}[]")
    for name, inner in properties_of(schema).items():
        held = [value[name] for value in values if value and name in value]
        yield from never_sent(held, inner, f"{place}.{name}") if held else [f"{place}.{name}"]


@pytest.fixture
def words(spec: ListSpec[Any]) -> list[str]:
    """The list on the command line: `contacts`, or `invoices deleted`."""
    return spec.name.replace("_", "-").split(".")


@pytest.fixture
def needed(spec: ListSpec[Any]) -> list[Any]:
    """The options that it does not go without."""
    required = {name: example_of(spec, name) for name in parameters.filters_of(spec, required=True)}
    administration = ["-a", "1"] if "administration_id" in parameters_of(spec) else []
    return [*administration, *(option(name, value) for name, value in required.items())]


def option(name: str, value: Any) -> str:
    """How a filter is given, where no other option has its name."""
    flag = f"--{name.replace('_', '-')}"
    return f"{flag}={query_value(value)}" if not isinstance(value, bool) else flag if value else f"--no-{flag[2:]}"


def path_of(spec: ListSpec[Any]) -> str:
    """Where it is, with the contract's examples for what a path is made of."""
    return spec.path.format_map({name: query_value(example_of(spec, name)) for name in parameters_of(spec)})


def cell(value: Any) -> str:
    """A value as a table holds it."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ";".join(value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def keyed(spec: ListSpec[Any]) -> bool:
    return spec.key is not None and spec.key in spec.separated.values()


def test_every_group_has_its_commands_and_the_words_of_the_contract(
    payt_command: Any, spec: ListSpec[Any], words: list[str]
) -> None:
    about = re.sub(r"\s+", " ", str(getattr(Resources, spec.name.partition(".")[0]).__doc__))
    assert about[:30] in payt_command("--help").stdout
    commands = {command: payt_command(*words, command, "--help").exit_code == 0 for command in COMMANDS}
    assert commands == {"list": True, "export": True, "show": keyed(spec), "sync": spec.key is not None}


COMMANDS = ("list", "export", "show", "sync")


@pytest.mark.parametrize("command", ["list", "export"])
def test_every_parameter_is_an_option_with_its_words(
    payt_command: Any, spec: ListSpec[Any], words: list[str], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    said = re.sub(r"\s+", " ", payt_command(*words, command, "--help").stdout)
    for name, described in parameters_of(spec).items():
        if name not in OWN:
            assert f"--{name.replace('_', '-')}" in said
            assert " ".join(described["description"].split()) in said
            assert (f"--{name.replace('_', '-')}-from" in said) == (spec.key == spec.separated.get(name) is not None)
    assert f"<={spec.most}]" in said
    assert ("--administration" in said) == ("administration_id" in parameters_of(spec))


def test_the_examples_of_every_help_are_right(
    payt_command: Any, spec: ListSpec[Any], words: list[str], fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in COMMANDS:
        help_text = payt_command(*words, command, "--help").stdout
        for line in help_text.partition("Examples:\n")[2].splitlines():
            result = payt_command(*shlex.split(line)[1:])
            # the record of the contract's example need not be there
            assert result.exit_code == 0 or (command == "show" and "there is no" in result.stderr), result.stderr
        assert ("Examples:" in help_text) == (f"payt {' '.join(words)} {command}" in help_text)
        assert "…" not in re.sub(r"\b[A-Z]+,…", "", help_text)  # no name of an option is cut


def test_every_filter_is_sent_as_it_was_given(
    payt_command: Any, spec: ListSpec[Any], words: list[str], records: list[dict[str, Any]], fake: FakePayt
) -> None:
    said = payt_command(*words, "list", "--help").stdout
    given: list[str] = []
    expected: dict[str, str] = {"per_page": "7"}
    places: dict[str, str] = {}
    for name, described in parameters_of(spec).items():
        if name not in OWN or name == "administration_id":
            example = example_of(spec, name)
            words_of = name.replace("_", "-").replace("administration-id", "administration")
            given.append(option(f"by-{words_of}" if f"--by-{words_of} " in said else words_of, example))
            (expected if described["in"] == "query" else places)[name] = query_value(example)
    result = payt_command(*words, "list", *given, "--per-page", 7)
    assert result.exit_code == 0, result.stderr
    assert {name: value for name, value in fake.requests[0].query.items() if name != "fields"} == expected
    assert fake.requests[0].path == spec.path.format_map(places)


def test_what_is_required_is_required(
    payt_command: Any, spec: ListSpec[Any], words: list[str], needed: list[Any], fake: FakePayt
) -> None:
    for each in (one for one in needed if str(one).startswith("--")):
        result = payt_command(*words, "list", *(one for one in needed if one != each))
        assert result.exit_code == 2
        assert f"Missing option '{each.partition('=')[0].replace('--no-', '--')}'" in result.stderr
    assert fake.requests == []


def test_list_shows_what_is_there(
    payt_command: Any, spec: ListSpec[Any], words: list[str], needed: list[Any], records: list[dict[str, Any]]
) -> None:
    result = payt_command(*words, "list", *needed)
    names, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert (result.exit_code, names) == (0, list(spec.columns))
    assert [row[0] for row in rows] == [cell(record[spec.columns[0]]) for record in records]
    assert result.stderr.startswith(f"{len(records)} ")
    listed = payt_command(*words, "list", *needed, "--json", "--limit", len(records))
    assert [json.loads(line) for line in listed.stdout.splitlines()] == records


def test_export_writes_all_fields_of_all_records(
    payt_command: Any,
    spec: ListSpec[Any],
    words: list[str],
    needed: list[Any],
    records: list[dict[str, Any]],
    folder: Path,
) -> None:
    for name in ("all.csv", "all.jsonl", "all.xlsx"):
        result = payt_command(*words, "export", *needed, "-o", name)
        assert result.exit_code == 0, result.stderr
    with (folder / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == fields(spec)
    assert [row[spec.columns[0]] for row in rows] == [cell(record[spec.columns[0]]) for record in records]
    assert [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()] == records
    assert openpyxl.load_workbook(folder / "all.xlsx").sheetnames == [f"{spec.name[:24]} 1"]


def test_export_of_several_administrations_says_once_whose_a_record_is(
    payt_command: Any, spec: ListSpec[Any], words: list[str], needed: list[Any], fake: FakePayt, folder: Path
) -> None:
    if "administration_id" not in parameters_of(spec):
        return
    fake.add_administration("77", records={spec.name: 3})
    for name in ("all.csv", "all.jsonl", "all.parquet"):
        result = payt_command(*words, "export", "-a", "1,77", *needed[2:], "-o", name)
        assert result.exit_code == 0, result.stderr
    names = ["administration_id", *(name for name in fields(spec) if name != "administration_id")]
    with (folder / "all.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    lines = [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()]
    table = pyarrow.parquet.read_table(folder / "all.parquet")
    assert head == [*lines[0]] == table.column_names == names
    owners = ["1"] * 12 + ["77"] * 3
    assert [row[0] for row in rows] == [line["administration_id"] for line in lines] == table[0].to_pylist() == owners


def test_all_stands_for_every_administration_there_is(
    payt_command: Any, spec: ListSpec[Any], words: list[str], needed: list[Any], fake: FakePayt
) -> None:
    if "administration_id" not in parameters_of(spec):
        return
    fake.add_administration("77", records={spec.name: 3})
    said = re.sub(r"\s+", " ", payt_command(*words, "list", "--help").stdout)
    assert "all that the token may read as -a all" in said
    for command in (("list",), ("list", "--json"), ("export",)):
        everything, each = (payt_command(*words, *command, "-a", of, *needed[2:], "-q") for of in ("all", "1,77"))
        assert (everything.exit_code, everything.output) == (0, each.output)
        assert everything.stdout.count("\n") >= 12 + 3


def test_show_finds_a_record_by_its_key(
    payt_command: Any, spec: ListSpec[Any], words: list[str], needed: list[Any], records: list[dict[str, Any]]
) -> None:
    result = payt_command(*words, "show", *needed, records[0][spec.key or "id"], "--json")
    if keyed(spec):
        assert json.loads(result.stdout) == records[0]
    else:
        assert (result.exit_code, "No such command 'show'" in result.stderr) == (2, True)


def test_sync_keeps_a_copy_of_the_list(
    payt_command: Any, spec: ListSpec[Any], words: list[str], needed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import payt.sql  # noqa: PLC0415 - an extra of its own

    asked: list[Any] = []

    def sync(client: payt.Client, administration_ids: list[str] | None, to: str, **options: Any) -> list[Any]:
        asked.append((administration_ids, to, options.get("resource", "contacts"), options.get("table")))
        result = payt.sql.SyncResult(administration_id=(administration_ids or [""])[0], inserted=1, complete=True)
        options["on_progress"](result)
        return [result]

    monkeypatch.setattr(payt.sql, "sync", sync)
    result = payt_command(*words, "sync", *needed[:2], "--to", "sqlite://")
    if spec.key is None:
        assert (result.exit_code, "No such command 'sync'" in result.stderr) == (2, True)
    else:
        ids = [needed[1]] if "administration_id" in parameters_of(spec) else None
        assert asked == [(ids, "sqlite://", spec.name, None)]
        assert result.stdout.startswith(f"administration {ids[0]}: 1 inserted" if ids else "1 inserted")


def test_contract_check_looks_at_the_list(
    payt_command: Any, spec: ListSpec[Any], needed: list[Any], records: list[dict[str, Any]], fake: FakePayt
) -> None:
    administration = needed[:2] if "-a" in needed else []
    result = payt_command("contract", "check", spec.name, *administration, "--json")
    said = json.loads(result.stdout)
    schema = properties_of(page_of(spec)["schema"])["data"]
    absent = {*never_sent([[*fake.records(spec.name)]], schema, "$.data")}
    assert {each["path"] for each in said["differences"]} == absent
    assert {each["difference"] for each in said["differences"]} <= {"never came"}
    assert (result.exit_code, said[spec.name]) == (bool(absent), len(records))
    assert fake.requests[-1].path == path_of(spec)
    assert fake.requests[-1].query["per_page"] == str(spec.most)


def test_a_list_with_a_name_of_its_own_is_a_group_below_its_resource(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = attrs.evolve(spec_of("contacts"), name="contacts.gone_since", key=None)
    monkeypatch.setattr(resource, "LISTS", {**LISTS, renamed.name: ("contacts", "GONE")})
    monkeypatch.setattr(resource, "spec_of", lambda name: renamed if name == renamed.name else spec_of(name))
    monkeypatch.setattr(Contacts, "gone_since", Contacts.list, raising=False)
    result = payt_command("contacts", "gone-since", "list", "-a", 1, "--columns", "id", "--limit", 2)
    assert (result.stdout, result.stderr) == ("id\n1\n2\n", "2 gone since contacts in 1 page\n")
    assert "gone-since" in payt_command("contacts").output
    below = payt_command("contacts", "gone-since").output
    assert [command for command in COMMANDS if f" {command} " in below] == ["list", "export"]
    assert payt_command("contacts", "list", "-a", 1, "--columns", "id", "--limit", 1).stdout == "id\n1\n"


def test_a_filter_that_is_called_like_an_option_has_another_name(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what the contract says is shown as it stands, whatever it means to what draws the help."""
    given = parameters_of(spec_of("contacts"))
    described = {**given["ids"], "description": "Only [these] [/of] them.", "deprecated": True}
    monkeypatch.setattr(parameters, "_OWN", parameters._OWN + tuple(given.keys() - {"ids"}))
    monkeypatch.setattr(parameters, "parameters_of", lambda _: {**given, "ids": described})
    options = parameters.options_of(spec_of("contacts"), ["ids"], {"--ids"})
    flags = {option.name: option.opts[0] for option in options}
    assert flags == {"by_ids": "--by-ids", "from_ids": "--by-ids-from"}
    assert "Only [these] [/of] them. Deprecated." in payt_command("contacts", "list", "--help").stdout


class _Color(StrEnum):
    RED = "red"


@pytest.mark.parametrize("type_", [_Color, _Color | None, Literal["red"]], ids=str)
def test_a_filter_of_a_few_words_is_a_choice(type_: Any) -> None:
    choice, metavar = parameters._kind_of(type_)
    assert (choice.choices, metavar) == (("red",), None)


def test_contract_check_asks_for_what_a_list_needs_as_the_contract_gives_an_example(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = parameters_of(spec_of("contacts"))
    examples = {"a": {"value": "2026-11-01T00:00:00Z"}}
    for described in (given["updated_after"], {**given["updated_after"], "example": None, "examples": examples}):
        needed = {name: value for name, value in described.items() if value is not None}
        monkeypatch.setattr(
            parameters,
            "parameters_of",
            lambda _, needed=needed: {**given, "updated_after": {**needed, "required": True}},
        )
        payt_command("contract", "check", "contacts", "-a", 1)
        assert fake.requests[-1].query["updated_after"] == "2026-11-01T00:00:00Z"


def test_help_and_version_need_nothing_of_what_lists_need(environment: dict[str, str]) -> None:
    heavy = ("attrs", "httpx", "msgspec", "payt.listing", "sqlalchemy", "pyarrow", "werkzeug")
    others = ("importlib.resources", "payt.credentials", "statistics", "webbrowser")
    code = (
        "import sys; from payt.cli.app import app\n"
        "for option in ('--version', '--help'):\n"
        "    try: app([option])\n"
        "    except SystemExit as end: assert not end.code\n"
        f"assert not sys.modules.keys() & {set(heavy)!r}, sys.modules.keys() & {set(heavy)!r}\n"
        "try: app(['contacts', 'list', '--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        f"assert not sys.modules.keys() & {set(others)!r}, sys.modules.keys() & {set(others)!r}\n"
        "try: app(['contacts', '--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        "assert 'httpx' in sys.modules\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    for tag, _ in LISTS.values():
        assert f" {tag.replace('_', '-')} " in result.stdout


def test_without_an_administration_the_way_to_its_id_is_named(payt_command: Any, fake: FakePayt) -> None:
    for arguments in (("contacts", "list"), ("contacts", "sync", "--to", "sqlite://"), ("contract", "check")):
        result = payt_command(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "pass -a ID" in result.stderr
        assert "payt administrations list" in result.stderr
    assert fake.requests == []


def test_contract_check_looks_at_all_lists_and_goes_on_behind_one_that_is_refused(
    payt_command: Any, fake: FakePayt
) -> None:
    refused, *others = [path_of(spec_of(name)) for name in LISTS]
    fake.fail(403, path=refused, times=None)
    result = payt_command("contract", "check", "-a", 1)
    assert result.exit_code == 1
    assert f"payt: {next(iter(LISTS))}: GET " in result.stderr
    assert {request.path for request in fake.requests} == {refused, *others}
    assert result.stdout.count("12 ") >= len(others)


def test_contract_check_says_of_each_list_why_it_could_not_be_read(payt_command: Any, fake: FakePayt) -> None:
    fake.fail(403, times=None)
    result = payt_command("contract", "check", "-a", 1)
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == list(LISTS)


def test_contract_check_ends_where_the_token_is_refused(payt_command: Any, fake: FakePayt) -> None:
    fake.fail(401, times=None)
    assert payt_command("contract", "check", "-a", 1).exit_code == 3
    assert {request.path for request in fake.requests} == {spec_of(next(iter(LISTS))).path}


def test_a_list_that_is_not_there_is_named_with_those_that_are(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contract", "check", "contact", "-a", 1)
    assert (result.exit_code, fake.requests) == (2, [])
    assert result.stderr == f"payt: LIST must be {' or '.join(map(repr, LISTS))}, got 'contact'\n"


def test_a_misspelt_command_is_named_with_the_right_one(payt_command: Any) -> None:
    assert "Did you mean 'export'?" in payt_command("contacts", "exprot").stderr


def test_an_example_types_an_option_as_a_shell_reads_it() -> None:
    flag, text = click.Option(["--active/--no-active"]), click.Option(["--name"])
    assert [parameters.typed(flag, True), parameters.typed(flag, False), parameters.typed(text, "a b")] == [
        "--active",
        "--no-active",
        "--name 'a b'",
    ]
