"""`payt contacts list` and `show`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from payt.cli.listing import fitted
from payt.testing import CONTACT_FIELDS, FakePayt, contact
from payt_resources import spec_of

COLUMNS = spec_of("contacts").columns


def shown(value: Any) -> str:
    return ";".join(value) if isinstance(value, list) else value or ""


def test_a_pipe_gets_every_value_whole(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contacts", "list", "-a", 1)
    names, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert (result.exit_code, result.stderr) == (0, "12 contacts in 1 page\n")
    assert names == list(COLUMNS)
    assert rows == [[shown(contact[name]) for name in COLUMNS] for contact in fake.contacts]
    assert json.loads(fake.requests[0].query["fields"])["only"] == list(COLUMNS)


@pytest.mark.parametrize("columns", [80, 100])
def test_a_terminal_gets_a_table_that_fits(payt_terminal: Any, fake: FakePayt, columns: int) -> None:
    fake.add(lastname="x" * 90)
    lines = payt_terminal("contacts", "list", "-a", 1, "--per-page", 5, columns=columns).splitlines()
    assert len(lines) == 14
    assert lines[0].split() == list(COLUMNS)
    assert all(cell_len(line) <= columns for line in lines)
    assert re.search("xxxxx…(  |$)", lines[-1])


def test_identifiers_are_never_cut(payt_terminal: Any, fake: FakePayt) -> None:
    numbers = ["D" * 30, "E" * 30]
    fake.add_administration("2", [{"id": 1}, *({"id": 10**n, "debtor_numbers": numbers} for n in range(1, 12))])
    lines = payt_terminal("contacts", "list", "-a", 2, "--per-page", 1, columns=40).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [str(10**n) for n in range(12)]
    assert [line.split()[1] for line in lines[2:]] == [";".join(numbers)] * 11


def test_a_longer_identifier_takes_its_room_from_other_columns(payt_terminal: Any, fake: FakePayt) -> None:
    fake.add_administration("2", [{"id": 10**n, "lastname": "x" * 60} for n in range(10)])
    said = payt_terminal("contacts", "list", "-a", 2, "--columns", "id,lastname", "--per-page", 1, columns=40)
    assert [len(line) for line in said.splitlines()[1:]] == [40] * 10


def test_an_empty_table_has_its_names(payt_terminal: Any, fake: FakePayt) -> None:
    fake.add_administration("2")
    said = payt_terminal("contacts", "list", "-a", 2, "--columns", "id,lastname", "--quiet")
    assert said.split() == ["id", "lastname"]


def test_an_empty_last_page_adds_nothing(payt_terminal: Any, fake: FakePayt) -> None:
    fake.last_page = "empty-page"
    said = payt_terminal("contacts", "list", "-a", 1, "--columns", "id", "--per-page", 6)
    assert len(said.splitlines()) == 13


def test_widths_give_way_from_the_widest_on_as_far_as_names_and_identifiers_let_them() -> None:
    assert fitted([3, 30, 20], [3, 8, 8], 34) == [3, 13, 14]
    assert fitted([3, 5], [3, 5], 80) == [3, 5]
    assert fitted([9, 9], [9, 4], 1) == [9, 4]


@pytest.mark.parametrize("variables", [{"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}], ids=str)
def test_a_pipe_is_a_pipe_whatever_is_said_of_colours(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in {**variables, "COLUMNS": "40"}.items():
        monkeypatch.setenv(name, value)
    fake.add(lastname="x" * 300)
    assert "x" * 300 in payt_command("contacts", "list", "-a", 1).stdout


def test_a_terminal_is_a_terminal_without_colours(
    payt_terminal: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    assert "\t" not in payt_terminal("contacts", "list", "-a", 1)


@pytest.mark.parametrize(
    "command", ["list --json", "show 1 --json", "export", "export -f jsonl", "check --json"], ids=str
)
def test_data_on_a_terminal_does_not_steer_it(payt_terminal: Any, fake: FakePayt, command: str) -> None:
    hostile = "\x1b[2J\x9b\x07\u202ean\u061c\r\tsen \x00"
    fake.add_administration("2", [contact(id="1", lastname=hostile, validation_errors={hostile: 1})])
    said = payt_terminal("contacts", *command.split(), "-a", 2)
    assert "\\u001b[2J\\u009b\\u0007\\u202ean\\u061c" in said
    assert not set(said.replace("\r\n", "\n")) & set("\x07\u202e\u061c\x1b\x9b\r\x00")


@pytest.mark.parametrize("command", ["list", "show", "check"])
def test_a_terminal_is_not_obeyed_to_what_contacts_hold(payt_terminal: Any, fake: FakePayt, command: str) -> None:
    fake.add_administration(
        "2", [{"id": "1", "lastname": "\x1b[2J\x1b]0;x\x07[red]\nJ\u202ean\u061csen", "firstname": "[b]"}]
    )
    arguments = {"list": ("list", "--columns", "lastname"), "show": ("show", "1"), "check": ("check",)}[command]
    said = payt_terminal("contacts", *arguments, "-a", 2)
    assert " [2J ]0;x [red] J an sen" in said
    assert not set(said) & set("\x07\u202e\u061c\x1b")


def test_json_is_one_object_a_line(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contacts", "list", "-a", 1, "--json", "--per-page", 5)
    assert [json.loads(line) for line in result.stdout.splitlines()] == fake.contacts
    assert "fields" not in fake.requests[0].query
    few = payt_command("contacts", "list", "-a", 1, "--json", "--fields", "lastname,id", "--limit", 1)
    assert list(json.loads(few.stdout)) == ["lastname", "id"]


@pytest.mark.parametrize("given", [("-a", "2", "-a", "1"), ("-a", "2,1"), ("-a", "2, 1")], ids=" ".join)
def test_several_administrations_are_told_apart(payt_command: Any, fake: FakePayt, given: tuple[str, ...]) -> None:
    fake.add_administration("2", 1)
    result = payt_command("contacts", "list", *given, "--columns", "id", "--ids", 1)
    assert result.stdout == "administration_id\tid\n2\t1\n1\t1\n"


def test_show_tells_all_of_one_contact(payt_command: Any, fake: FakePayt) -> None:
    fake.change("3", debtor_numbers=["D1", "D2"], gender=None)
    result = payt_command("contacts", "show", 3, "-a", 1)
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert list(lines) == list(CONTACT_FIELDS)
    assert (lines["id"], lines["debtor_numbers"], lines["gender"]) == ("3", "D1;D2", "-")
    assert fake.requests[-1].query["ids"] == "3"
    as_json = payt_command("contacts", "show", 3, "-a", 1, "--json")
    assert json.loads(as_json.stdout) == fake.contacts[2]


def test_show_of_several_administrations_tells_whose_each_is(payt_command: Any, fake: FakePayt) -> None:
    fake.add_administration("2", 1)
    first, second = payt_command("contacts", "show", 1, "-a", "2,1").stdout.split("\n\n")
    assert [each.split("\n")[0].split() for each in (first, second)] == [
        ["administration_id", "2"],
        ["administration_id", "1"],
    ]
    as_json = payt_command("contacts", "show", 1, "-a", "2,1", "--json").stdout.splitlines()
    assert [json.loads(each)["administration_id"] for each in as_json] == ["2", "1"]


@pytest.mark.parametrize("key", ["", "1,2"])
def test_show_takes_one_id(payt_command: Any, fake: FakePayt, key: str) -> None:
    result = payt_command("contacts", "show", "-a", 1, key)
    assert (result.exit_code, result.stderr) == (2, f"payt: ID must be the id of one contact, got {key!r}\n")
    assert not fake.requests


def test_show_of_nobody_is_an_error(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contacts", "show", 99, "-a", 1)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "payt: there is no contact with the id 99 in administration 1\n"


@pytest.mark.parametrize("given", ["1,2", "1 2", "1, 2", " 1,2 "])
def test_administrations_may_come_from_the_environment(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    fake.add_administration("2", 1)
    monkeypatch.setenv("PAYT_ADMINISTRATION_ID", given)
    lines = payt_command("contacts", "list", "--columns", "id").stdout.splitlines()
    assert (lines[1], lines[-1], len(lines)) == ("1\t1", "2\t1", 14)


def test_a_record_that_is_not_what_the_contract_says_can_be_left_out(payt_command: Any, fake: FakePayt) -> None:
    odd = [{"id": 1}, {"id": 2, "lastname": 5}, {"id": 3}, {"lastname": []}]
    fake.answer({"data": odd, "pagination": None}, times=2)
    refused = payt_command("contacts", "list", "-a", 1, "--columns", "id,lastname")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.endswith("; to leave out such records, pass --skip-invalid\n")
    result = payt_command("contacts", "list", "-a", 1, "--columns", "id,lastname", "--skip-invalid")
    assert (result.exit_code, result.stdout) == (1, "id\tlastname\n1\t\n3\t\n")
    assert result.stderr.splitlines()[-1] == (
        "payt: 2 contacts left out as invalid: 2 (lastname), one without an id (lastname)"
    )


def test_an_empty_file_of_ids_lists_nobody(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    (folder / "ids").touch()
    result = payt_command("contacts", "list", "-a", 1, "--columns", "id", "--ids-from", "ids")
    assert (result.exit_code, result.stdout, fake.requests) == (0, "id\n", [])
