"""`-a all`: every administration that the token may read, or an error; never silently fewer."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from payt import contract
from payt.testing import FakePayt
from payt_resources import LISTS, spec_of

ALL = ("-a", "all")
WAY_OUT = "; -a all has to list all administrations; ids do without that"
PATH = spec_of("administrations").path
SYNC = ("contacts", "sync", "--to", "sqlite:///copy.db")


@pytest.fixture
def fake() -> Iterator[FakePayt]:
    """Three administrations, whose list is not in the order of their ids as texts."""
    with FakePayt(administrations={"2": 3, "10": 4, "30": 5}) as server:
        yield server


def copied(folder: Path) -> dict[str, int]:
    """How many contacts a copy holds of each administration."""
    with closing(sqlite3.connect(folder / "copy.db")) as database:
        return dict(database.execute("SELECT administration_id, count(*) FROM contacts GROUP BY 1"))


def asked(fake: FakePayt) -> list[str]:
    """Whose records were asked for."""
    return [each.query["administration_id"] for each in fake.requests if "administration_id" in each.query]


@pytest.mark.parametrize("variable", [False, True], ids=["typed", "in the variable"])
def test_a_nightly_copy_of_everything(
    payt_process: Any, environment: dict[str, str], fake: FakePayt, folder: Path, variable: bool
) -> None:
    if variable:
        environment["PAYT_ADMINISTRATION_ID"] = "all"
    result = payt_process(*SYNC, *(() if variable else ALL))
    assert (result.returncode, result.stderr) == (0, b"")
    lines = sorted(line.partition(" inserted")[0] for line in result.stdout.decode().splitlines())
    assert lines == ["administration 10: 4", "administration 2: 3", "administration 30: 5"]
    assert copied(folder) == {"2": 3, "10": 4, "30": 5}
    assert fake.requests[0].path == PATH
    fake.add_administration("31", 6)
    document = json.loads(payt_process(*SYNC, *ALL, "--json").stdout)
    assert [each["administration_id"] for each in document["administrations"]] == ["2", "10", "30", "31"]
    assert copied(folder)["31"] == 6


def test_the_copy_of_an_administration_that_is_no_longer_listed_stays(
    payt_process: Any, fake: FakePayt, folder: Path
) -> None:
    assert payt_process(*SYNC, *ALL).returncode == 0
    fake.records("administrations").remove("10")
    fake.reset()
    result = payt_process(*SYNC, *ALL, "--full")
    assert (result.returncode, result.stdout.count(b" unchanged, 0 deleted")) == (0, 2)
    assert copied(folder) == {"2": 3, "10": 4, "30": 5}
    assert "10" not in asked(fake)
    with closing(sqlite3.connect(folder / "copy.db")) as database:
        assert database.execute("SELECT count(*) FROM contacts WHERE deleted_at IS NOT NULL").fetchone() == (0,)


def test_check_show_and_the_comparison_with_the_contract_know_it(payt_command: Any, fake: FakePayt) -> None:
    ids = ("-a", "2,10,30")
    for command in (("check", "--json"), ("check", "--examples", 9), ("show", 5), ("show", 99)):
        everything, each = (payt_command("contacts", *command, *which) for which in (ALL, ids))
        assert everything.output == each.output
        assert everything.exit_code == each.exit_code
    fake.reset()
    everything, first = (payt_command("contract", "check", "contacts", "-a", which) for which in ("all", "2"))
    assert (everything.exit_code, everything.output) == (first.exit_code, first.output)
    assert asked(fake) == ["2", "2"]


def test_pages_of_administrations_are_read_to_their_end(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    most = spec_of("administrations").most
    for number in range(100, 100 + most):
        fake.add_administration(str(number))
    result = payt_command("contacts", "export", *ALL, "-o", "all.csv", "--fields", "id", "--limit", 12)
    assert result.exit_code == 0, result.stderr
    assert [each.path for each in fake.requests][:2] == [PATH, PATH]
    with (folder / "all.csv").open(newline="") as file:
        assert [row["administration_id"] for row in csv.DictReader(file)] == ["2"] * 3 + ["10"] * 4 + ["30"] * 5
    payt_command("contacts", "list", *ALL, "--quiet")
    assert set(asked(fake)) == {"2", "10", "30", *map(str, range(100, 100 + most))}


def test_columns_do_not_depend_on_how_many_there_are(payt_command: Any, fake: FakePayt) -> None:
    for each in ("10", "30"):
        fake.records("administrations").remove(each)
    result = payt_command("contacts", "list", *ALL, "--columns", "id", "--limit", 1)
    assert result.output == "administration_id\tid\n2\t1\n1 contact in 1 page\n"
    assert payt_command("contacts", "list", "-a", 2, "--columns", "id", "--limit", 1, "-q").output == "id\n1\n"


def refused(command: Any, folder: Path, *arguments: Any) -> str:
    """The message of an export, and of a copy, that fail without a file and without a request for contacts."""
    exported = command("contacts", "export", "-o", "c.csv", *arguments)
    result = command(*SYNC, "--json", *arguments)
    document = json.loads(result.stdout)
    assert exported.exit_code == result.exit_code == document["exit_code"] != 0
    assert exported.stdout == ""
    assert document["administrations"] == []
    [error] = document["errors"]
    assert error["administration_id"] is None
    assert error["message"] in result.stderr
    assert exported.stderr.splitlines()[-1] == result.stderr.splitlines()[-1]
    assert list(folder.iterdir()) == []
    return f"{result.exit_code}: {error['message']}"


@pytest.mark.parametrize("given", [("-a", "all,5"), ("-a", "5", "-a", "all")])
def test_with_ids_it_is_refused(payt_command: Any, fake: FakePayt, folder: Path, given: Sequence[str]) -> None:
    said = refused(payt_command, folder, *given)
    assert said == "2: all stands for every administration: leave out the ids, or leave out all"
    assert fake.requests == []
    assert payt_command("contacts", "list", *ALL, *ALL).exit_code == 0


@pytest.mark.parametrize("command", ["list", "export", "check"])
def test_wrong_arguments_are_told_before_they_are_asked_for(payt_command: Any, fake: FakePayt, command: str) -> None:
    result = payt_command("contacts", command, *ALL, "--updated-after", "yesterday")
    assert (result.exit_code, fake.requests) == (2, [])


@pytest.mark.parametrize("lists", [{"contacts": LISTS["contacts"]}, LISTS], ids=["no list", "no key"])
def test_where_the_contract_does_not_say_which_there_are_it_is_refused(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch, lists: Any
) -> None:
    monkeypatch.setattr(contract, "LISTS", lists)
    monkeypatch.setattr(contract, "spec_of", lambda name: attrs.evolve(spec_of(name), key=None))
    said = refused(payt_command, folder, *ALL)
    assert said == f"2: the contract has no list 'administrations' with a key{WAY_OUT}"
    assert fake.requests == []


@pytest.mark.parametrize(
    ("status", "code"), [(401, 3), (403, 1), (500, 1), ("reset", 1), ("not-json", 1), ("cut", 1)], ids=str
)
def test_where_they_cannot_be_listed_nothing_is_done(
    payt_command: Any, fake: FakePayt, folder: Path, status: Any, code: int
) -> None:
    fake.fail(status, times=None, path=PATH)
    said = refused(payt_command, folder, *ALL, "--retries", 0, "--skip-invalid")
    assert said.startswith(f"{code}: ")
    assert said.endswith(WAY_OUT)
    assert asked(fake) == []


def test_a_page_of_them_that_fails_is_not_left_out(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.answer({"data": [{"id": "2"}], "pagination": {"cursor": "2"}}, path=PATH, times=None)
    assert refused(payt_command, folder, *ALL, "--retries", 0).startswith("1: ")
    assert asked(fake) == []


@pytest.mark.parametrize("record", [{"id": None}, {}, {"id": ""}, {"id": ["3"]}, None], ids=str)
@pytest.mark.parametrize("skip", [(), ("--skip-invalid",)], ids=["strict", "lenient"])
def test_one_without_an_id_is_not_left_out(
    payt_command: Any, fake: FakePayt, folder: Path, record: Any, skip: Sequence[str]
) -> None:
    fake.answer({"data": [{"id": "2"}, record], "pagination": {"cursor": None}}, path=PATH, times=None)
    said = refused(payt_command, folder, *ALL, *skip)
    assert said == f"1: an administration came without a usable id{WAY_OUT}"
    assert asked(fake) == []


def test_what_else_is_wrong_with_one_does_not_matter(payt_command: Any, fake: FakePayt) -> None:
    """Only its id is asked for."""
    fake.records("administrations").change("10", paused_at="yesterday")
    assert payt_command("contacts", "list", *ALL).exit_code == 0
    assert payt_command("administrations", "list", "--fields", "paused_at").exit_code == 1


def test_none_at_all_is_an_error_with_the_way_out(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    for each in ("2", "10", "30"):
        fake.records("administrations").remove(each)
    said = refused(payt_command, folder, *ALL)
    assert said.startswith("1: the token may read no administration: give it access to one, or use another token")


def test_the_comparison_with_the_contract_goes_on_behind_a_list_that_is_refused(
    payt_command: Any, fake: FakePayt
) -> None:
    fake.fail(403, times=None, path=PATH)
    result = payt_command("contract", "check", *ALL)
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == list(LISTS)


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_copy_that_is_ended_while_they_are_listed_writes_one_object(
    environment: dict[str, str], fake: FakePayt, folder: Path, number: int, code: int, word: str
) -> None:
    fake.fail("stall", path=PATH, times=None)
    command = [sys.executable, "-m", "payt", *SYNC, *ALL, "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=pipe, stderr=pipe) as process:
        deadline = time.monotonic() + 60
        while not fake.requests:
            assert time.monotonic() < deadline, "it asks for nothing"
            time.sleep(0.01)
        process.send_signal(number)
        said, told = process.communicate(timeout=60)
    document = json.loads(said)
    assert (process.returncode, document["exit_code"], document["administrations"]) == (code, code, [])
    assert [error["message"] for error in document["errors"]] == [word]
    assert told.decode() == f"payt: {word}\n"


def interrupted(payt_command: Any, fake: FakePayt) -> None:
    """An export that fails behind the first page of the last administration."""
    fake.fail(403, after=7)
    result = payt_command(*EXPORT, *ALL)
    assert "it happened in administration 30; 9 contacts in 6 pages are kept" in result.stderr


EXPORT = ("contacts", "export", "-o", "c.csv", "--per-page", 2, "--prefetch", 0)


def test_an_interrupted_export_is_resumed_with_the_same_ones(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    assert payt_command(*EXPORT, *ALL).exit_code == 0
    whole = (folder / "c.csv").read_bytes()
    for resumed in (ALL, ("-a", "2,10,30")):
        fake.reset()
        interrupted(payt_command, fake)
        result = payt_command(*EXPORT, *resumed, "--resume")
        assert (result.exit_code, asked(fake)[-2:]) == (0, ["30", "30"])
        assert (folder / "c.csv").read_bytes() == whole


@pytest.mark.parametrize("change", ["one more", "one less", "the first gone", "another order"])
def test_an_interrupted_export_is_not_resumed_with_others(
    payt_command: Any, fake: FakePayt, folder: Path, change: str
) -> None:
    interrupted(payt_command, fake)
    fake.reset()
    match change:
        case "one more":
            fake.add_administration("31", 2)
        case "one less":
            fake.records("administrations").remove("30")
        case "the first gone":
            fake.records("administrations").remove("2")
        case _:
            ids = [{"id": each} for each in ("10", "2", "30")]
            fake.answer({"data": ids, "pagination": {"cursor": None}}, path=PATH)
    result = payt_command(*EXPORT, *ALL, "--resume")
    assert result.exit_code == 2
    assert "was started with another --administration: pass the same, or leave out --resume" in result.stderr
    assert asked(fake) == []
    assert (folder / ".c.csv.part").exists()


def test_the_only_one_there_is_and_its_id_are_not_mixed(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    """One has a column that the other has not."""
    for each in ("10", "30"):
        fake.records("administrations").remove(each)
    fake.fail(403, after=2)
    assert payt_command(*EXPORT, *ALL).exit_code == 1
    result = payt_command(*EXPORT, "-a", 2, "--resume")
    assert (result.exit_code, "was started with another --administration" in result.stderr) == (2, True)
    assert payt_command(*EXPORT, *ALL, "--resume").exit_code == 0
    assert (folder / "c.csv").read_text().startswith("administration_id,id,")
