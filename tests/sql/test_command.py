"""`payt contacts sync`: what it says, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sql.truth import Query, rows, truth

import payt.sql
from payt.cli import sync as command
from payt.cli.app import app
from payt.testing import FakePayt


@pytest.fixture(autouse=True)
def connected(fake: FakePayt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_TOKEN", fake.token)
    monkeypatch.setenv("PAYT_BASE_URL", fake.url)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["contacts", "sync", *arguments])


def test_it_syncs_and_says_what_it_did(fake: FakePayt, database: str, query: Query) -> None:
    result = run("-a", "1", "--to", database)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(
        "administration 1: 12 inserted, 0 updated, 0 unchanged, 0 deleted; full, 1 page in "
    )
    assert rows(query) == truth(fake)
    fake.remove("3")
    result = run("-a", "1", "--to", database, "--full-after", "0", "--overlap", "1.5")
    assert "1 deleted; full, " in result.stdout


def test_as_json_for_schedulers(fake: FakePayt, sqlite: str) -> None:
    fake.add_administration("2", 3)
    result = run("-a", "1", "-a", "9", "-a", "2", "--to", sqlite, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"]) == (1, 1)
    assert [one["inserted"] for one in document["administrations"]] == [12, 3]
    [error] = document["errors"]
    assert (error["administration_id"], error["type"]) == ("9", "PermissionDeniedError")
    assert "administration 9: " in result.stderr


def test_the_only_administration_that_fails_is_named(sqlite: str) -> None:
    result = run("-a", "9", "--to", sqlite)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "payt: administration 9: " in result.stderr
    assert "403" in result.stderr


def test_a_refused_token_has_the_exit_code_of_a_missing_login(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_TOKEN", "wrong")
    assert run("-a", "1", "--to", sqlite).exit_code == 3


def test_what_the_service_says_is_shown_and_not_obeyed(fake: FakePayt, sqlite: str) -> None:
    fake.fail(403, body={"error": "evil \x1b[31m red"})
    result = run("-a", "1", "--to", sqlite)
    assert "\x1b" not in result.stderr
    assert result.stderr.count("administration 1: ") == 1


@pytest.mark.parametrize("option", [("--overlap", "inf"), ("--full-after", "1e10")])
def test_more_time_than_there_is_is_refused(sqlite: str, option: tuple[str, str]) -> None:
    assert run("-a", "1", "--to", sqlite, *option).exit_code == 2


def test_no_number_is_refused(sqlite: str) -> None:
    result = run("-a", "1", "--to", sqlite, "--full-after", "nan")
    assert (result.exit_code, "'--full-after': 'nan' is not a number." in result.stderr) == (2, True)


def test_a_failing_database_is_an_error_of_all(fake: FakePayt) -> None:
    url = "postgresql+psycopg://me:hunter2@127.0.0.1:1/db"
    for arguments in (["-a", "1"], ["-a", "1", "-a", "2"]):
        result = run(*arguments, "--to", url, "--json")
        assert result.exit_code == 1
        [error] = json.loads(result.stdout)["errors"]
        assert (error["administration_id"], error["type"]) == (None, "SyncError")
        assert "refused" in result.stderr
        assert "hunter2" not in result.output
    result = run("-a", "1", "--to", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert fake.requests == []


def test_what_cannot_be_used_is_a_matter_of_arguments(sqlite: str) -> None:
    result = run("-a", "1", "--to", "nonsense")
    assert (result.exit_code, "is not an SQLAlchemy URL" in result.stderr) == (2, True)
    assert run("--to", sqlite).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "type_", "word"),
    [
        (("-a", "1", "--to", "nonsense"), 2, "ValueError", "is not an SQLAlchemy URL"),
        (("--to", "sqlite://"), 2, "ValueError", "no administration"),
        (("-a", "1"), 2, "MissingParameter", "--to"),
        (("-a", "1", "--to", "sqlite://", "--wrong"), 2, "NoSuchOption", "--wrong"),
        (("-a", "1", "--to", "sqlite:///{}/none/copy.db"), 1, "SyncError", "unable to open"),
    ],
    ids=["url", "administration", "database", "option", "folder"],
)
def test_the_json_is_there_where_no_run_begins(
    arguments: tuple[str, ...], code: int, type_: str, word: str, tmp_path: Path
) -> None:
    result = run(*(each.format(tmp_path) for each in arguments), "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"], document["administrations"]) == (code, code, [])
    [error] = document["errors"]
    assert (error["type"], word in error["message"], error["status"]) == (type_, True, None)


def test_the_json_is_there_where_a_file_with_a_token_is_not(tmp_path: Path) -> None:
    """As a process, whose standard output is not given up for the error of another file."""
    command = [sys.executable, "-m", "payt.cli", "contacts", "sync", "--json"]
    arguments = ["-a", "1", "--to", f"sqlite:///{tmp_path}/copy.db", "--token-file", str(tmp_path / "none")]
    ended = subprocess.run([*command, *arguments], capture_output=True, check=False, timeout=60)
    document = json.loads(ended.stdout)
    assert (ended.returncode, document["exit_code"], document["errors"][0]["type"]) == (1, 1, "FileNotFoundError")


def test_the_json_is_there_without_credentials(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYT_TOKEN")
    result = run("-a", "1", "--to", sqlite, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"], document["errors"][0]["type"]) == (3, 3, "LoginRequiredError")


def test_the_json_tells_what_support_needs(fake: FakePayt, sqlite: str) -> None:
    fake.fail(403, code="no_access", headers={"X-Request-Id": "r-7"})
    [error] = json.loads(run("-a", "1", "--to", sqlite, "--json").stdout)["errors"]
    assert (error["status"], error["code"], error["request_id"]) == (403, "no_access", "r-7")


def test_the_json_tells_why_none_of_several_was_synced(fake: FakePayt, sqlite: str) -> None:
    fake.fail(401, code="unauthorized", headers={"X-Request-Id": "r-7"}, times=None)
    result = run("-a", "1,2,3", "--to", sqlite, "--json")
    [error] = json.loads(result.stdout)["errors"]
    assert (result.exit_code, error["type"], error["administration_id"]) == (3, "AuthenticationError", None)
    assert (error["status"], error["code"], error["request_id"]) == (401, "unauthorized", "r-7")
    assert "this affects all administrations" in error["message"]


def test_what_is_wrong_in_a_variable_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_DATABASE_URL", "nonsense")
    result = run("-a", "1")
    assert (result.exit_code, result.stderr.startswith("payt: PAYT_DATABASE_URL is not an SQLAlchemy URL")) == (2, True)


def test_an_administration_without_a_name_names_its_option(sqlite: str) -> None:
    result = run("-a", "", "--to", sqlite)
    assert (result.exit_code, result.stderr.startswith("payt: a value of -a must not be empty")) == (2, True)


def test_the_json_says_whose_records_would_all_be_gone(fake: FakePayt, sqlite: str) -> None:
    assert run("-a", "1", "--to", sqlite).exit_code == 0
    for contact in fake.contacts:
        fake.remove(contact["id"])
    result = run("-a", "1", "--to", sqlite, "--full", "--json")
    [error] = json.loads(result.stdout)["errors"]
    assert (result.exit_code, error["administration_id"], error["type"]) == (1, "1", "MassDeletionError")
    assert result.stderr.count("administration 1: ") == 1


def test_the_login_that_is_missing_has_its_exit_code(
    fake: FakePayt, sqlite: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.delenv("PAYT_TOKEN")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PAYT_CLIENT_ID", fake.oauth.client_id)
    monkeypatch.setenv("PAYT_CLIENT_SECRET", fake.oauth.client_secret)
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", "spent")
    for arguments in (["-a", "1"], ["-a", "1", "-a", "2"]):
        result = run(*arguments, "--to", sqlite, "--json")
        assert (result.exit_code, json.loads(result.stdout)["exit_code"]) == (3, 3)


def test_another_run_that_is_busy_has_an_exit_code_of_its_own(
    fake: FakePayt, sqlite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any, **options: Any) -> None:
        names = options["resource"]
        raise payt.sql.BusyError(f"another run syncs {names}")

    monkeypatch.setattr(payt.sql, "sync", busy)
    result = run("-a", "1", "--to", sqlite, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"], document["errors"][0]["type"]) == (4, 4, "BusyError")
    assert "another run syncs contacts" in result.stderr


@pytest.mark.parametrize(
    ("how", "code", "word"), [("KeyboardInterrupt", 130, "interrupted"), ("SIGTERM", 143, "terminated")]
)
def test_an_interrupt_says_what_is_done_and_that_the_next_run_resumes(
    sqlite: str, query_sqlite: Query, monkeypatch: pytest.MonkeyPatch, how: str, code: int, word: str
) -> None:
    def interrupt(*arguments: Any, on_progress: Any, **options: Any) -> Any:
        def tell(result: payt.sql.SyncResult) -> None:
            on_progress(result)
            if result.complete:
                if how == "SIGTERM":
                    os.kill(os.getpid(), signal.SIGTERM)
                else:
                    raise KeyboardInterrupt

        return sync(*arguments, on_progress=tell, **options)

    sync = payt.sql.sync
    monkeypatch.setattr(payt.sql, "sync", interrupt)
    with FakePayt(administrations={"1": 3, "2": 4}) as fake:
        monkeypatch.setenv("PAYT_BASE_URL", fake.url)
        result = run("-a", "1", "-a", "2", "--to", sqlite, "--json", "--concurrency", "1")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"]) == (code, code)
    assert [one["inserted"] for one in document["administrations"]] == [3]
    assert f"payt: {word}: 1 of 2 administrations done; the next run resumes where this one stopped" in result.stderr
    assert len(rows(query_sqlite, "1")) == 3


def test_records_that_are_left_out_are_named_and_the_exit_code_says_so(fake: FakePayt, sqlite: str) -> None:
    fake.change("5", updated_at=7)
    refused = run("-a", "1", "--to", sqlite)
    assert refused.exit_code == 1
    assert refused.stderr.endswith("; to leave out such records, pass --skip-invalid\n")
    result = run("-a", "1", "--to", sqlite, "--skip-invalid", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"]) == (1, 1)
    assert document["administrations"][0]["inserted"] == 11
    assert document["administrations"][0]["invalid"][0]["id"] == "5"
    assert "administration 1: 1 contact left out as invalid: 5 (updated_at)\n" in result.stderr


def test_how_it_goes_is_shown_where_somebody_looks(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "wanted", lambda **_: True)
    with FakePayt(administrations={"1": 3, "2": 4}) as fake:
        monkeypatch.setenv("PAYT_BASE_URL", fake.url)
        result = run("-a", "1", "-a", "2", "--to", sqlite)
        assert (result.exit_code, result.stdout.count(" inserted, 0 updated")) == (0, 2)
        result = run("-a", "1", "--to", sqlite, "--quiet")
        assert (result.exit_code, result.stdout) == (0, "")


def test_arguments_that_cannot_be_used_are_told_in_json_too(sqlite: str) -> None:
    result = run("-a", "1", "--to", "postgres://me@host/db", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"], document["errors"][0]["type"]) == (2, 2, "ValueError")
