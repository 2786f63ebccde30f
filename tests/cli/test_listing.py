"""`payt contacts list` and `show`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rich.cells import cell_len

from payt.cli.listing import fitted
from payt.testing import CONTACT_FIELDS, FakePayt
from payt_resources import spec_of

COLUMNS = spec_of("contacts").columns


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is taken for a terminal of 60 columns."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "60")


def test_a_pipe_gets_every_value_whole(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contacts", "list", "-a", 1)
    names, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert (result.exit_code, result.stderr) == (0, "12 contacts in 1 page\n")
    assert names == list(COLUMNS)
    assert rows == [[contact[name] or "" for name in COLUMNS] for contact in fake.contacts]
    assert json.loads(fake.requests[0].query["fields"])["only"] == list(COLUMNS)


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_a_table_that_fits(payt_command: Any, fake: FakePayt) -> None:
    fake.add(lastname="x" * 90)
    result = payt_command(
        "contacts", "list", "-a", 1, "--per-page", 5, "--columns", "id,lastname,invoice_email_address"
    )
    lines = result.stdout.splitlines()
    assert len(lines) == 14
    assert lines[0].split() == ["id", "lastname", "invoice_email_address"]
    assert all(cell_len(line) <= 60 for line in lines)
    assert lines[-1].startswith("13")
    assert "…" in lines[-1]


@pytest.mark.usefixtures("terminal")
def test_an_empty_table_has_its_names(payt_command: Any, fake: FakePayt) -> None:
    fake.add_administration("2")
    result = payt_command("contacts", "list", "-a", 2, "--columns", "id,lastname", "--quiet")
    assert (result.stdout.split(), result.stderr) == (["id", "lastname"], "")


@pytest.mark.usefixtures("terminal")
def test_an_empty_last_page_adds_nothing(payt_command: Any, fake: FakePayt) -> None:
    fake.last_page = "empty-page"
    result = payt_command("contacts", "list", "-a", 1, "--columns", "id", "--per-page", 6)
    assert len(result.stdout.splitlines()) == 13


def test_widths_give_way_from_the_widest_on() -> None:
    assert fitted([3, 30, 20], 36) == [3, 13, 14]
    assert fitted([3, 5], 80) == [3, 5]
    assert fitted([9, 9], 1) == [4, 4]


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("command", ["list", "show", "check"])
def test_a_terminal_is_not_obeyed_to_what_contacts_hold(payt_command: Any, fake: FakePayt, command: str) -> None:
    fake.add_administration(
        "2", [{"id": "1", "lastname": "\x1b[2J\x1b]0;x\x07[red]\nJ\u202eansen", "firstname": "[b]"}]
    )
    arguments = {"list": ("list", "--columns", "lastname"), "show": ("show", "1"), "check": ("check",)}[command]
    result = payt_command("contacts", *arguments, "-a", 2)
    assert result.exit_code == 0
    assert " [2J ]0;x [red] J ansen" in result.stdout
    assert not set(result.stdout) & set("\x07\u202e")
    assert "\x1b[2J" not in result.stdout


def test_json_is_one_object_a_line(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contacts", "list", "-a", 1, "--json", "--per-page", 5)
    assert [json.loads(line) for line in result.stdout.splitlines()] == fake.contacts
    assert "fields" not in fake.requests[0].query
    few = payt_command("contacts", "list", "-a", 1, "--json", "--columns", "lastname,id", "--limit", 1)
    assert list(json.loads(few.stdout)) == ["lastname", "id"]


def test_several_administrations_are_told_apart(payt_command: Any, fake: FakePayt) -> None:
    fake.add_administration("2", 1)
    result = payt_command("contacts", "list", "-a", 2, "-a", 1, "--columns", "id", "--ids", 1)
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


def test_show_of_nobody_is_an_error(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contacts", "show", 99, "-a", 1)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "payt: there is no contact with the id 99 in administration 1\n"


def test_the_administration_may_come_from_the_environment(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYT_ADMINISTRATION_ID", "1")
    assert payt_command("contacts", "list", "--columns", "id").stdout.split()[1:3] == ["1", "2"]
