"""How commands end: exit codes, one line on stderr, no traceback and no token."""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pexpect
import pytest
from click.testing import CliRunner

import payt
from payt import cli
from payt.cli import export as export_module
from payt.cli import listing as listing_module
from payt.cli import logins as logins_module
from payt.cli import options as options_module
from payt.cli import prepare_streams
from payt.cli.app import app
from payt.testing import FakePayt, contact

SECRET = "s3cr3t/+=token"
LIST = ("contacts", "list", "-a", 1)


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    yield
    gc.enable()  # `main` leaves behind what suits a process that ends
    gc.unfreeze()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no administration: pass -a ID or -a all, or set PAYT_ADMINISTRATION_ID (payt administrations list shows"),
        (("-a", 1, "--per-page", 501), "501 is not in the range 1<=x<=500"),
        (("-a", 1, "--format", "doc"), "doc"),
        (("-a", 1, "--token", "x"), "No such option"),
        (("-a", 1, "--updated-after", "yesterday"), "--updated-after must be ISO 8601 with an offset"),
        (
            ("-a", 1, "--updated-after", "2026-01-01"),
            "payt: --updated-after has no time zone: write one such as 2026-11-01T00:00:00+01:00",
        ),
        (("-a", 1, "--fields", "id,lastnam"), "did you mean 'lastname'?"),
        (("-a", 1, "--columns", "id,lastnam"), "payt: --columns: there is no field 'lastnam'"),
        (("-a", 1, "--columns=id,"), "payt: a name in --columns must not be empty"),
        (("-a", 1, "--ids", "1,,2"), "a value of --ids must not be empty: pass a value, or leave it out"),
        (("-a", ""), "payt: -a must not be empty"),
        (("-a", 1, "-o", "contacts.doc"), "the ending of contacts.doc is not a known format: pass --format"),
        (("-a", 1, "--format", "xlsx"), "xlsx cannot go into standard output: name a file"),
        (
            ("-a", 1, "--format", "csv", "-o", "c.xlsx"),
            "--format csv contradicts the ending of c.xlsx: leave out --form",
        ),
        (("-a", 1, "--format", "parquet", "-o", "/dev/null"), "parquet cannot go into /dev/null"),
        (("-a", 1, "--env", "demo"), "contradicts PAYT_BASE_URL"),
        (("-a", 1, "--ids-from", "binary"), "binary is not a text file: save it as UTF-8"),
        (("-a", 1, "--ids-from", "utf16"), "utf16 is not a text file: save it as UTF-8"),
    ],
    ids=[
        *("no administration", "page too big", "unknown format", "token as argument", "no moment", "no zone"),
        *(
            "unknown field",
            "unknown column",
            "empty column",
            "empty id",
            "empty administration",
            "unknown ending",
            "xlsx to stdout",
            "csv into xlsx",
            "parquet to device",
        ),
        *("contradiction", "ids that are no text", "ids in UTF-16 that does not say so"),
    ],
)
def test_usage_is_2_and_nothing_is_sent_or_written(
    payt_command: Any, fake: FakePayt, folder: Path, arguments: tuple[Any, ...], said: str
) -> None:
    (folder / "binary").write_bytes(b"\xff\x00")
    (folder / "utf16").write_text("1\n2\n", "utf-16-le")
    result = payt_command("contacts", "export", *arguments)
    assert result.exit_code == 2
    assert said in re.sub(r"[│\s]+", " ", result.stderr)
    assert result.stdout == ""
    assert fake.requests == []
    assert {path.name for path in folder.iterdir()} == {"binary", "utf16"}


@pytest.mark.parametrize(
    ("status", "code"), [(401, 3), (403, 1), (404, 1), (422, 1), (500, 1), ("reset", 1), ("not-json", 1)], ids=str
)
def test_what_payt_answers_decides_about_the_exit_code(
    payt_command: Any, fake: FakePayt, status: Any, code: int
) -> None:
    fake.fail(status, times=None)
    result = payt_command(*LIST, "--retries", 0)
    assert result.exit_code == code
    assert result.stderr.startswith("payt: ")
    assert "Traceback" not in result.stderr
    assert fake.token not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("list", "-a", 2), {}, "? `payt administrations list` shows which ones it may read."),
        (LIST[1:], {"PAYT_BASE_URL": "http://payt.example"}, "payt: PAYT_BASE_URL: over http://, everybody on the way"),
        (LIST[1:], {"PAYT_TOKEN": "", "PAYT_CLIENT_ID": "a", "PAYT_CLIENT_SECRET": "b", "PAYT_ACCOUNT": "c"}, "login"),
        (("sync", "-a", 1, "--to", "somewhere"), {}, "payt: --to is not "),
        (("sync", "-a", 1, "--to", "sqlite:///a.db", "--table", "payt_x"), {}, "payt: --table: names that begin with"),
        (("sync", "-a", 1, "--to", "sqlite:///other.db"), {}, "choose another, --table"),
    ],
    ids=["no access", "http", "nobody logged in", "no database", "a table of ours", "a table of others"],
)
def test_messages_speak_of_options_and_variables(
    payt_command: Any,
    fake: FakePayt,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[Any, ...],
    variables: dict[str, str],
    said: str,
) -> None:
    with closing(sqlite3.connect(folder / "other.db")) as database:
        database.execute("CREATE TABLE contacts (id TEXT)")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = payt_command("contacts", *arguments)
    assert result.exit_code != 0
    assert said in result.stderr
    assert not re.search(r"client\.|payt\.\w+\(|\b\w+=\W", result.stderr)  # nor of Python


@pytest.mark.parametrize("group", ["", "contacts", "administrations", "contract"])
def test_a_help_is_cut_nowhere_at_80_columns(payt_command: Any, monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = payt_command(*group.split(), "--help").stdout
    assert "Commands:" in said
    assert "Examples:" in said
    assert "..." not in said.replace("[ARGS]...", "")
    for command in re.findall(r"^  ([a-z-]+)  ", said.partition("Commands:")[2], re.MULTILINE):
        assert " RANGE" not in payt_command(*group.split(), command, "--help").stdout


def test_without_credentials_a_login_is_needed(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAYT_TOKEN")
    result = payt_command(*LIST)
    assert result.exit_code == 3
    assert result.stderr.startswith("payt: no credentials: set PAYT_TOKEN, pass --token-file FILE")


def test_nobody_listens(payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_BASE_URL", "http://127.0.0.1:1")
    result = payt_command(*LIST, "--retries", 0)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1


def test_a_token_from_a_file(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.tokens.add(SECRET)
    (folder / "token").write_text(f"{SECRET}\n")
    assert payt_command(*LIST, "--token-file", "token").exit_code == 0
    assert fake.requests[0].headers["authorization"] == f"Bearer {SECRET}"
    missing = payt_command(*LIST, "--token-file", "nowhere")
    assert (missing.exit_code, missing.stderr) == (1, "payt: nowhere: No such file or directory\n")


def test_a_token_from_standard_input(payt_command: Any, fake: FakePayt) -> None:
    fake.tokens.add(SECRET)
    assert payt_command(*LIST, "--token-file", "-", input=f"{SECRET}\n").exit_code == 0
    assert fake.requests[0].headers["authorization"] == f"Bearer {SECRET}"


def test_a_token_from_a_prompt(payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.tokens.add(SECRET)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: f" {SECRET}")
    monkeypatch.setattr(options_module, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    assert payt_command(*LIST, "--token-file", "-").exit_code == 0
    assert fake.requests[0].headers["authorization"] == f"Bearer {SECRET}"


def test_a_token_that_is_none_is_not_shown(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    (folder / "token").write_text("two words")
    result = payt_command(*LIST, "--token-file", "token", "--debug")
    assert result.exit_code == 2
    assert "two words" not in result.stderr


def test_debug_shows_the_traceback_without_secrets(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    (folder / "token").write_text(SECRET)
    result = payt_command(*LIST, "--token-file", "token", "--debug")
    assert result.exit_code == 3
    assert "Traceback (most recent call last)" in result.stderr
    assert "AuthenticationError" in result.stderr
    assert "\nFor Payt's support: request fake-1\npayt: GET " in result.stderr
    assert SECRET not in result.stderr


@pytest.mark.parametrize("debug", [(), ("--debug",)], ids=["", "debug"])
def test_a_terminal_is_not_obeyed_to_what_errors_say(payt_command: Any, fake: FakePayt, debug: tuple[str, ...]) -> None:
    fake.fail(403, message="\x1b[2J\x07gone")
    result = payt_command(*LIST, *debug)
    assert " [2J gone" in result.stderr
    assert not set(result.stderr) & set("\x1b\x07")


def test_an_error_that_nobody_foresaw_stays_what_it_is(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(listing_module, "described", broken)
    result = payt_command(*LIST)
    assert isinstance(result.exception, RuntimeError)


@pytest.mark.parametrize(
    ("module", "format_", "extra"),
    [("pyarrow", "parquet", "parquet"), ("xlsxwriter", "xlsx", "cli")],
    ids=["pyarrow", "xlsxwriter"],
)
def test_a_missing_package_is_named_with_its_extra(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch, module: str, format_: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, f"payt.cli.writers.{format_}", raising=False)
    result = payt_command("contacts", "export", "-a", 1, "-o", f"c.{format_}")
    assert result.exit_code == 2
    assert f'needs {module}, which comes with the extra "{extra}": pip install "' in result.stderr
    assert fake.requests == []


class Importing(MetaPathFinder):
    """Importing the command's own module ends with an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def find_spec(self, fullname: str, *_: Any) -> None:
        if fullname == "payt.cli.app":
            raise self.error


@pytest.fixture
def importing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    def fails_with(error: BaseException) -> None:
        monkeypatch.delitem(sys.modules, "payt.cli.app")
        monkeypatch.setattr(sys, "meta_path", [Importing(error), *sys.meta_path])

    return fails_with


@pytest.mark.parametrize("module", ["click", "rich"])
def test_without_the_extra_the_command_names_it(importing: Callable[[BaseException], None], module: str) -> None:
    importing(ModuleNotFoundError(f"No module named '{module}'", name=module))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert f'the command payt needs {module}, which comes with the extra "cli": pip install "' in str(ended.value.code)


def test_another_missing_module_is_no_missing_extra(importing: Callable[[BaseException], None]) -> None:
    importing(ModuleNotFoundError("No module named 'json'", name="json"))
    with pytest.raises(ModuleNotFoundError):
        cli.main()


def test_ctrl_c_before_it_has_begun(importing: Callable[[BaseException], None]) -> None:
    importing(KeyboardInterrupt())
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130


def test_ctrl_c_while_a_command_is_imported(payt_command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app.commands["contacts"], "_make", interrupted)
    assert payt_command(*LIST).exit_code == 130


def test_garbage_is_collected_while_a_command_works_and_not_while_it_is_imported(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, works in ((["--help"], False), (["contacts", "list", "-a", "1", "--limit", "1"], True)):
        monkeypatch.setattr(sys, "argv", ["payt", *arguments])
        with pytest.raises(SystemExit):
            cli.main()
        assert (gc.isenabled(), gc.get_freeze_count() > 0) == (works, works)


def test_the_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["payt", "--version"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"payt-client {payt.__version__}\n"


@pytest.mark.parametrize("name", ["payt", "payt.cli"])
def test_python_m_is_the_same(
    name: str, payt_process: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["payt", "--version"])
    monkeypatch.delitem(sys.modules, f"{name}.__main__", raising=False)
    with pytest.raises(SystemExit):
        importlib.import_module(f"{name}.__main__")
    assert capsys.readouterr().out == f"payt-client {payt.__version__}\n"
    result = payt_process("--version")
    assert (result.returncode, result.stdout) == (0, f"payt-client {payt.__version__}\n".encode())


def test_the_help_tells_what_retries_count(payt_command: Any) -> None:
    said = " ".join(payt_command("contacts", "list", "--help").stdout.split())
    assert (
        "after a bad answer; while Payt is down or cannot be reached, requests are repeated for five minutes." in said
    )


def test_no_command_is_help(payt_command: Any) -> None:
    result = payt_command()
    assert "contacts" in result.output
    for command in ("export", "list", "show", "check"):
        assert command in payt_command("contacts").output


def test_a_shell_can_complete(payt_command: Any, environment: dict[str, str]) -> None:
    shown = payt_command("--show-completion", "bash")
    assert (shown.exit_code, "COMPREPLY" in shown.stdout) == (0, True)
    completed = subprocess.run(
        [Path(sys.executable).with_name("payt")],
        env=environment | {"_PAYT_COMPLETE": "bash_complete", "COMP_WORDS": "payt contacts e", "COMP_CWORD": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert completed.stdout.split() == ["plain,export"]


def test_env_names_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def client(*_: Any, base_url: str, **__: Any) -> None:
        asked.append(base_url)
        raise payt.PaytError("no network in tests")

    monkeypatch.setattr(payt, "Client", client)
    monkeypatch.setenv("PAYT_TOKEN", SECRET)
    for arguments in (("--env", "demo"), ("--env", "production")):
        CliRunner().invoke(app, ["contacts", "list", "-a", "1", *arguments])
    assert asked == ["https://demo-api.paytsoftware.com", "https://api.paytsoftware.com"]


def test_two_tokens_in_the_environment_are_one_too_many(
    payt_command: Any, folder: Path, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "token").write_text(fake.token)
    monkeypatch.setenv("PAYT_TOKEN", "another")
    assert payt_command("contacts", "list", "-a", 1, "--token-file", "token").exit_code == 0  # it was typed
    monkeypatch.setenv("PAYT_TOKEN_FILE", "token")
    for command in (("contacts", "list", "-a", 1), ("status",)):
        result = payt_command(*command)
        assert result.exit_code == 2
        assert "PAYT_TOKEN and PAYT_TOKEN_FILE are both set" in result.stderr
    monkeypatch.delenv("PAYT_TOKEN")
    assert payt_command("contacts", "list", "-a", 1).exit_code == 0


def test_progress_is_told_where_somebody_looks(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "wanted", lambda **_: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    fake.add_administration("2", 1)
    result = payt_command("contacts", "export", "-a", 1, "-a", 2, "-o", "c.csv", "--per-page", 5)
    assert result.exit_code == 0
    assert "13 contacts in 4 pages" in result.stderr
    assert "administration 2 of 2" in result.stderr
    alone = payt_command("contacts", "export", "-a", 1, "-o", "c.csv", "--per-page", 5)
    assert "12 contacts in 3 pages, " in alone.stderr
    assert "administration" not in alone.stderr


def test_the_bar_on_a_terminal(environment: dict[str, str], fake: FakePayt, folder: Path) -> None:
    fake.latency = 0.15
    command = "-m payt.cli contacts export -a 1 -o c.csv --per-page 2"
    settings: Any = {**environment, "TERM": "xterm-256color"}
    child: Any = pexpect.spawn(
        sys.executable, command.split(), env=settings, dimensions=(24, 110), timeout=60, encoding="utf-8"
    )
    child.expect(r"\d+ contacts in \d+ pages, [\d,]+ a second")
    child.expect(r"12 contacts in \d+ pages, \d+\.\d s: c\.csv\r\n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert len((folder / "c.csv").read_text().splitlines()) == 13


def test_data_on_a_terminal_comes_without_a_bar(
    payt_terminal: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert payt_terminal("contacts", "export", "-a", 1, "--fields", "id", "--limit", 2).split() == ["id", "1", "2"]


def test_the_prompt_on_a_terminal_shows_no_token(environment: dict[str, str], fake: FakePayt) -> None:
    fake.tokens.add(SECRET)
    command = "-m payt.cli contacts list -a 1 --columns id --limit 1 --token-file -"
    settings: Any = {name: value for name, value in environment.items() if name != "PAYT_TOKEN"}
    child: Any = pexpect.spawn(sys.executable, command.split(), env=settings, timeout=60, encoding="utf-8")
    child.expect("Token: ")
    child.waitnoecho()
    child.sendline(SECRET)
    child.expect("1 contact in 1 page")
    child.expect(pexpect.EOF)
    assert SECRET not in child.before
    assert fake.requests[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("closed", "arguments", "code"),
    [
        (">&-", "contacts list -a 1", 1),
        (">&-", "contacts export -a 1 -f jsonl", 1),
        (">&-", "contacts export -a 1 -o c.csv", 0),
        (">&-", "--help", 1),
        ("2>&-", "contacts list -a 1", 0),
        ("<&- >&- 2>&-", "contacts list -a 1 --token-file -", 2),
    ],
)
def test_streams_that_are_closed(
    environment: dict[str, str], fake: FakePayt, folder: Path, closed: str, arguments: str, code: int
) -> None:
    command = f"exec {sys.executable} -m payt.cli {arguments} {closed}"
    done = subprocess.run(
        ["sh", "-c", command], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, done.stderr
    assert ("is closed" in done.stderr) == (code == 1)
    assert "Traceback" not in done.stderr
    assert (folder / "c.csv").exists() == ("c.csv" in arguments)


def test_streams_that_are_no_files_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    prepare_streams()
    assert sys.stdout is screen


def test_streams_that_are_not_there(monkeypatch: pytest.MonkeyPatch, fake: FakePayt) -> None:
    """As for pythonw, and for a windowed program made by PyInstaller."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    prepare_streams()
    with sys.stdin, sys.stdout, sys.stderr:
        assert sys.stderr.write("goes nowhere")
        assert sys.stdin.read() == ""
        with pytest.raises(io.UnsupportedOperation):
            sys.stdout.write("x")
        with pytest.raises(io.UnsupportedOperation):
            sys.stdout.buffer.write(b"x")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("command", ["list -a 1", "show 1 -a 1", "check -a 1", "export -a 1 -o c.xlsx", "list --help"])
def test_no_encoding_of_standard_output_ends_a_command(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch, encoding: str, command: str
) -> None:
    fake.change("1", firstname="Zo\u00eb \u0141\U0001f986")
    fake.change("1", invoice_email_address=None)
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "argv", ["payt", "contacts", *command.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    screen.seek(0)
    assert ("\\u" in screen.read()) == (encoding != "utf-8" and command in ("list -a 1", "show 1 -a 1", "check -a 1"))


@pytest.mark.parametrize("command", ["list --json", "show 1 --json", "export -f jsonl", "check --json"])
def test_json_is_json_whatever_the_encoding_of_standard_output(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    fake.add_administration("2", [contact(id=1, lastname="\u00eb \U0001f986", validation_errors={"\u00eb": 1})])
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "argv", ["payt", "contacts", *command.split(), "-a", "2"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert "\u00eb" in json.loads(screen.buffer.getvalue())["validation_errors"]


@pytest.mark.parametrize("arguments", [("--help",), ("contacts", "list", "-a", "1")], ids=" ".join)
def test_standard_output_that_takes_nothing_is_an_error(
    payt_command: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with Path(os.devnull).open() as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        monkeypatch.setattr(sys, "argv", ["payt", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert "is closed" in f"{ended.value.code}{capsys.readouterr().err}"
    assert ended.value.code not in (0, None)


def test_no_scope_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logins_module._tell(
        payt.Token("secret", scope="a\x1b[2J\x07\n  is renewed: no\u061c", obtained_at=0, expires_at=None)
    )
    said = capsys.readouterr().out
    assert "  scopes:       a [2J    is renewed: no \n" in said
    assert "secret" not in said


def test_contract_check_says_how_to_pass_a_token(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAYT_TOKEN")
    result = payt_command("contract", "check", "-a", 1)
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)
    assert "pass --token-file FILE" in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_token_from_a_file_of_any_editor(payt_command: Any, fake: FakePayt, folder: Path, encoding: str) -> None:
    token = f"{fake.token}\r\n".encode(encoding)
    (folder / "token").write_bytes(token)
    assert payt_command(*LIST, "--token-file", "token").exit_code == 0
    assert payt_command(*LIST, "--token-file", "-", input=token).exit_code == 0


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PAYT_TOKEN_FILE": "token"}, "payt: PAYT_TOKEN_FILE contains white space"),
        (
            {"PAYT_CLIENT_SECRET": "x\n"},
            "payt: PAYT_CLIENT_SECRET must not be empty, nor begin or end with white space",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_wrong_in_a_variable_names_it(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch, variables: Any, said: str
) -> None:
    (folder / "token").write_text("two words")
    monkeypatch.delenv("PAYT_TOKEN")
    for name, value in {"PAYT_CLIENT_ID": "id", "PAYT_CLIENT_SECRET": "x", **variables}.items():
        monkeypatch.setenv(name, value)
    result = payt_command(*LIST)
    assert (result.exit_code, result.stderr.startswith(said)) == (2, True), result.stderr


@pytest.mark.parametrize("ids", ["1,", " 1 , ", ",1"])
def test_commas_around_an_administration_are_nothing(payt_command: Any, fake: FakePayt, ids: str) -> None:
    assert payt_command("contacts", "list", "-a", ids, "--limit", 1).exit_code == 0
    assert {request.query["administration_id"] for request in fake.requests} == {"1"}


def test_a_wrong_secret_is_for_a_person_to_mend(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PAYT_TOKEN")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PAYT_CLIENT_ID", fake.oauth.client_id)
    monkeypatch.setenv("PAYT_CLIENT_SECRET", "of last year")
    result = payt_command(*LIST)
    assert (result.exit_code, "are the client id and secret right" in result.stderr) == (3, True)


@pytest.mark.parametrize("content", [b"", b"Bearer x", b"two words", b'"quoted"'])
def test_what_is_no_token_names_the_option(payt_command: Any, fake: FakePayt, content: bytes) -> None:
    result = payt_command(*LIST, "--token-file", "-", input=content)
    assert (result.exit_code, result.stderr[:19]) == (2, "payt: --token-file ")
