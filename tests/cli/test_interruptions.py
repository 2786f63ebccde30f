"""Exports that do not end well: what is kept, what is said, with which exit code, and that `--resume` makes good."""

from __future__ import annotations

import errno
import fcntl
import gc
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from payt.cli import target as target_module
from payt.cli.exits import errors_reported, message_of
from payt.cli.screen import console
from payt.cli.selection import Position, Selection
from payt.cli.writers import csv_lines
from payt.testing import FakePayt

EXPORT = ("contacts", "export", "-a", 1, "--per-page", 1, "--prefetch", 1)
"""One page ahead: a page that is asked for before its turn, as on a slow machine, may meet a fault unnoticed."""


def undisturbed(payt_command: Any, folder: Path, name: str) -> bytes:
    """The bytes of an export that nothing disturbs."""
    assert payt_command(*EXPORT, "-o", f"whole-{name}").exit_code == 0
    whole = folder / f"whole-{name}"
    content = whole.read_bytes()
    whole.unlink()
    return content


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["c.csv", "c.jsonl"])
def test_an_interrupted_export_is_gone_on_with(payt_command: Any, fake: FakePayt, folder: Path, name: str) -> None:
    whole = undisturbed(payt_command, folder, name)
    fake.reset()
    fake.fail(403, page=6)
    result = payt_command(*EXPORT, "-o", name)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert f"5 contacts in 5 pages are kept in {folder}/.{name}.part: resume with --resume" in result.stderr
    assert files(folder) == {f".{name}.part", f".{name}.part.json"}

    asked = len(fake.requests)
    result = payt_command(*EXPORT, "-o", name, "--resume")
    assert result.exit_code == 0
    assert result.stderr.startswith("resuming after 5 contacts in 5 pages\n12 contacts in 13 pages, ")
    assert len(fake.requests) - asked == 8
    assert (folder / name).read_bytes() == whole
    assert files(folder) == {name}


def test_several_administrations_go_on_in_the_right_one(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.add_administration("2", 3)
    export = ("contacts", "export", "-a", 1, "-a", 2, "--per-page", 4, "--limit", 14)
    payt_command(*export, "-o", "whole.csv")
    fake.fail(403, after=4)
    result = payt_command(*export, "-o", "c.csv")
    assert "it happened in administration 2; 12 contacts in 4 pages are kept" in result.stderr
    assert payt_command(*export, "-o", "c.csv", "--resume").exit_code == 0
    assert (folder / "c.csv").read_bytes() == (folder / "whole.csv").read_bytes()


def test_without_resume_it_begins_anew(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.fail(403, page=3)
    payt_command(*EXPORT, "-o", "c.csv")
    assert payt_command(*EXPORT, "-o", "c.csv").exit_code == 0
    assert len((folder / "c.csv").read_text().splitlines()) == 13
    assert files(folder) == {"c.csv"}


def test_the_old_file_stays_until_the_new_one_is_whole(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    (folder / "c.csv").write_text("old")
    fake.fail(403, page=3)
    payt_command(*EXPORT, "-o", "c.csv")
    assert (folder / "c.csv").read_text() == "old"


def test_resume_with_nothing_to_go_on_with_starts(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    result = payt_command(*EXPORT, "-o", "c.csv", "--resume")
    assert result.exit_code == 0
    assert result.stderr.startswith("nothing to resume: it starts from the first contact\n12 contacts")


@pytest.mark.parametrize("damage", ["state", "part", "gone"])
def test_what_is_kept_and_damaged_is_not_gone_on_with(
    payt_command: Any, fake: FakePayt, folder: Path, damage: str
) -> None:
    fake.fail(403, page=6)
    payt_command(*EXPORT, "-o", "c.csv")
    match damage:
        case "state":
            (folder / ".c.csv.part.json").write_text("{")
        case "part":
            (folder / ".c.csv.part").write_text("too short")
        case _:
            (folder / ".c.csv.part").unlink()
    result = payt_command(*EXPORT, "-o", "c.csv", "--resume")
    assert result.stderr.startswith("nothing to resume")
    assert len((folder / "c.csv").read_text().splitlines()) == 13


def test_half_a_page_behind_the_last_whole_one_is_cut_off(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    whole = undisturbed(payt_command, folder, "c.csv")
    fake.fail(403, page=6)
    payt_command(*EXPORT, "-o", "c.csv")
    with (folder / ".c.csv.part").open("ab") as file:
        file.write(b"half a li")
    payt_command(*EXPORT, "-o", "c.csv", "--resume")
    assert (folder / "c.csv").read_bytes() == whole


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (("--fields", "id"), "--fields"),
        (("-a", "2"), "--administration"),
        (("--ids", "1"), "--ids"),
        (("--raw",), "--raw"),
        (("--limit", "7"), "--limit"),
    ],
    ids=["fields", "administration", "ids", "raw", "limit"],
)
def test_what_was_begun_with_other_arguments_is_not_gone_on_with(
    payt_command: Any, fake: FakePayt, folder: Path, changed: tuple[str, ...], named: str
) -> None:
    fake.fail(403, page=6)
    payt_command(*EXPORT, "-o", "c.csv")
    kept = files(folder)
    result = payt_command(*EXPORT, *changed, "-o", "c.csv", "--resume")
    assert result.exit_code == 2
    assert f"was started with another {named}: pass the same, or leave out --resume" in result.stderr
    assert files(folder) == kept


def test_what_is_kept_names_no_ids(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.fail(403, page=2)
    payt_command(*EXPORT, "--debtor-numbers", "D10001,D10002", "-o", "c.csv")
    state = (folder / ".c.csv.part.json").read_text()
    assert json.loads(state)["position"]["pages"] == 1
    assert "D10001" not in state


@pytest.mark.parametrize("name", ["c.parquet", "c.xlsx"])
def test_parquet_and_xlsx_start_again_and_say_so(payt_command: Any, fake: FakePayt, folder: Path, name: str) -> None:
    fake.fail(403, page=6)
    result = payt_command(*EXPORT, "-o", name)
    assert result.exit_code == 1
    assert result.stderr.endswith("; nothing is kept: start again\n")
    assert files(folder) == set()
    result = payt_command(*EXPORT, "-o", name, "--resume")
    assert result.exit_code == 0
    assert f"{name[2:]} cannot be resumed: it starts again from the first contact" in result.stderr
    assert files(folder) == {name}


def test_resume_needs_a_file(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command(*EXPORT, "--resume")
    assert (result.exit_code, result.stderr) == (2, "payt: --resume needs a file to resume: name it with -o\n")


def test_only_one_export_writes_a_part(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    with (folder / ".c.csv.part").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = payt_command(*EXPORT, "-o", "c.csv")
    assert (result.exit_code, result.stderr) == (1, "payt: c.csv: another export is writing it\n")
    assert files(folder) == {".c.csv.part"}
    assert payt_command(*EXPORT, "-o", "c.csv").exit_code == 0


@pytest.mark.parametrize("begun_anew", [False, True])
def test_a_part_that_another_export_has_just_completed_is_left_alone(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch, begun_anew: bool
) -> None:
    def complete(*_: Any) -> None:
        (folder / ".c.csv.part").write_text("whole")
        (folder / ".c.csv.part").rename(folder / "c.csv")
        if begun_anew:
            (folder / ".c.csv.part").touch()

    monkeypatch.setattr(fcntl, "flock", complete)
    result = payt_command(*EXPORT, "-o", "c.csv")
    assert "another export is writing it" in result.stderr
    assert (folder / "c.csv").read_text() == "whole"


def test_where_open_files_cannot_be_renamed_the_part_is_closed_first(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_module, "_RENAMES_OPEN_FILES", False)
    assert payt_command(*EXPORT, "-o", "c.csv").exit_code == 0
    assert files(folder) == {"c.csv"}


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def test_a_file_system_without_locks_can_be_exported_to(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    assert payt_command(*EXPORT, "-o", "c.csv").exit_code == 0
    assert files(folder) == {"c.csv"}


def test_where_locking_fails_otherwise_nothing_is_written(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", broken)
    result = payt_command(*EXPORT, "-o", "c.csv")
    assert (result.exit_code, result.stderr) == (1, "payt: c.csv: Input/output error\n")


def test_where_there_is_no_locking_at_all(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert payt_command(*EXPORT, "-o", "c.csv").exit_code == 0


@pytest.mark.parametrize("name", ["c.csv", "c.xlsx"])
def test_a_file_that_is_mounted_by_itself_is_named_with_the_way_out(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As Linux answers for a file that is mounted into a container."""
    replace = Path.replace

    def busy(self: Path, target: Path) -> Path:
        if target.name == name:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(self), None, str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", busy)
    result = payt_command(*EXPORT, "-o", name)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"payt: {name}: it is a mount point, such as a single file in a container")
    assert f"the complete export is in {folder}/.{name}.part; mount the folder instead" in result.stderr
    assert "--resume" not in result.stderr
    whole = (folder / f".{name}.part").read_bytes()
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert len(whole) > 1_000


def test_a_file_whose_place_cannot_be_taken_is_named(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if target.name == "c.csv":
            raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(self), None, str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    result = payt_command(*EXPORT, "-o", "c.csv")
    assert result.exit_code == 1
    assert result.stderr.startswith("payt: c.csv: Operation not permitted; 12 contacts in ")


@pytest.mark.parametrize("way", ["symlink", "link", "pipe", "folder"])
def test_what_others_put_in_the_place_of_the_part_is_not_written_into(
    payt_command: Any, fake: FakePayt, folder: Path, way: str
) -> None:
    victim, planted = folder / "victim", folder / ".c.csv.part"
    victim.write_text("precious")
    ways: dict[str, Callable[[], object]] = {
        "symlink": lambda: planted.symlink_to(victim),
        "link": lambda: planted.hardlink_to(victim),
        "pipe": lambda: os.mkfifo(planted),
        "folder": planted.mkdir,
    }
    ways[way]()
    (folder / ".c.csv.part.json.new").symlink_to(victim)
    result = payt_command(*EXPORT, "-o", "c.csv")
    assert (result.exit_code, fake.requests) == (1, [])
    assert result.stderr.startswith(f"payt: c.csv: {planted} is in the way (a link, or not a regular file): remove it")
    planted.rename("elsewhere")
    assert payt_command(*EXPORT, "-o", "c.csv").exit_code == 0
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("nowhere/c.csv", "nowhere/c.csv: No such file or directory"),
        ("file/c.csv", "file/c.csv: Not a directory"),
        (".", ".: is a folder: name a file in it"),
    ],
    ids=["no folder", "a file for a folder", "a folder for a file"],
)
def test_a_target_that_cannot_be_written(
    payt_command: Any, fake: FakePayt, folder: Path, output: str, reason: str
) -> None:
    (folder / "file").touch()
    result = payt_command(*EXPORT, "-o", output)
    assert (result.exit_code, result.stderr) == (1, f"payt: {reason}\n")
    assert fake.requests == []


def test_a_full_device(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command(*EXPORT, "-o", "/dev/full")
    assert (result.exit_code, result.stderr) == (1, "payt: /dev/full: No space left on device\n")
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command",
    [EXPORT, ["contacts", "list", "-a", "1"], ["contacts", "check", "-a", "1", "--json"], ["--version"], ["--help"]],
    ids=["export", "list", "check", "version", "help"],
)
def test_a_full_standard_output(
    payt_process: Any, fake: FakePayt, environment: dict[str, str], command: Sequence[Any], unbuffered: str
) -> None:
    environment["PYTHONUNBUFFERED"] = unbuffered
    with Path("/dev/full").open("wb") as full:
        result = payt_process(*command, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (result.returncode, result.stderr) == (1, b"payt: standard output: No space left on device\n")
    full_one = OSError(errno.ENOSPC, "No space left on device")
    assert message_of(full_one) == "standard output: No space left on device"


def test_a_file_that_may_not_grow_is_gone_on_with(
    payt_process: Any, payt_command: Any, fake: FakePayt, folder: Path
) -> None:
    """A quota, as a limit on the size of files: unlike a full disk, any user can have one."""
    whole = undisturbed(payt_command, folder, "c.jsonl")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))

    result = payt_process(*EXPORT, "-o", "c.jsonl", preexec_fn=limited)
    assert result.returncode == 1
    assert result.stderr.startswith(b"payt: c.jsonl: File too large; ")
    assert b"are kept" in result.stderr
    assert payt_process(*EXPORT, "-o", "c.jsonl", "--resume").returncode == 0
    assert (folder / "c.jsonl").read_bytes() == whole


@pytest.mark.parametrize(
    "command",
    [
        EXPORT,
        ("contacts", "check", "-a", 1),
        ("contract", "check", "--administration-id", 1),
        ("--help",),
        ("contacts", "list", "--help"),
    ],
    ids=lambda command: "-".join(map(str, command[:2])),
)
def test_a_pipe_that_nobody_reads(
    environment: dict[str, str], fake: FakePayt, folder: Path, command: tuple[Any, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    arguments = [sys.executable, "-m", "payt.cli", *map(str, command)]
    result = subprocess.run(arguments, env=environment, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writing)
    assert (result.returncode, result.stderr) == (141, b"")


def test_a_pipe_that_closes_is_no_error_to_tell(
    payt_command: Any, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(csv_lines, "csv_lines", lambda *_, **__: closed)
    result = payt_command(*EXPORT)
    assert (result.exit_code, result.stderr) == (141, "")


def test_help_that_nobody_reads_is_no_error_to_tell(payt_command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click.Command, "get_help", closed)
    for command in ((), ("contacts", "list")):
        result = payt_command(*command, "--help")
        assert (result.exit_code, result.stderr) == (141, "")


def test_a_screen_that_closes_is_told_as_any_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        console().print("text")


def test_a_disk_that_is_full_from_the_start(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(csv_lines, "csv_lines", full)
    result = payt_command(*EXPORT, "-o", "c.csv")
    said = "payt: c.csv: No space left on device; nothing is kept: start again\n"
    assert (result.exit_code, result.stderr) == (1, said)
    assert files(folder) == set()


@pytest.mark.parametrize(("format_", "where"), [("parquet", "c.parquet"), ("xlsx", tempfile.gettempdir())])
def test_a_full_disk_is_told_in_one_line_by_the_other_formats(
    payt_process: Any, fake: FakePayt, folder: Path, format_: str, where: str
) -> None:
    """Here of the temporary files, which a workbook has, and which grow first."""
    result = payt_process(
        *EXPORT, "-o", f"c.{format_}", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
    )
    said = f"payt: {where}: File too large; nothing is kept: start again\n"
    assert (result.returncode, result.stderr.decode()) == (1, said)
    assert files(folder) == set()


@pytest.mark.parametrize("is_buffered", [False, True], ids=["at once", "when it seeks"])
@pytest.mark.parametrize("room", [0, 100, 2_000, 5_000])
def test_a_workbook_for_which_there_is_no_room(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch, room: int, *, is_buffered: bool
) -> None:
    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    ignored: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)

    def opened(number: int, mode: str) -> io.FileIO | io.BufferedRandom:
        return io.BufferedRandom(Full(number, mode)) if is_buffered else Full(number, mode)

    monkeypatch.setattr(os, "fdopen", opened)
    result = payt_command(*EXPORT, "-o", "c.xlsx")
    said = "payt: c.xlsx: No space left on device; nothing is kept: start again\n"
    assert (result.exit_code, result.stderr) == (1, said)
    assert files(folder) == set()
    del result
    gc.collect()
    assert ignored == []


def test_a_workbook_whose_temporary_files_have_no_room(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def close(self) -> None:
            super().close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full(sheet: Any, *_: Any) -> None:
        sheet.row_data_fh.close()
        sheet.row_data_fh = Full()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("xlsxwriter.worksheet.Worksheet.write_datetime", full)
    result = payt_command(*EXPORT, "-o", "c.xlsx")
    said = f"payt: {tempfile.gettempdir()}: No space left on device; nothing is kept: start again\n"
    assert (result.exit_code, result.stderr) == (1, said)
    assert files(folder) == set()


def test_what_could_not_be_written_is_not_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (folder / "stdout").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        stdout.write("left in the buffer")
        with pytest.raises(click.exceptions.Exit), errors_reported(debug=False):
            raise BrokenPipeError
    assert (folder / "stdout").read_text() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_what_no_longer_fits_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        stdout.write("left in the buffer")
        with pytest.raises(click.exceptions.Exit), errors_reported(debug=False):
            stdout.flush()


def test_ctrl_c_in_words(payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Selection.pages

    def impatient(self: Selection, client: Any, start: Position) -> Any:
        yield next(pages(self, client, start))
        raise KeyboardInterrupt

    monkeypatch.setattr(Selection, "pages", impatient)
    result = payt_command(*EXPORT, "-o", "c.csv")
    assert result.exit_code == 130
    kept = f"1 contact in 1 page are kept in {folder}/.c.csv.part: resume with --resume"
    assert result.stderr == f"payt: interrupted; {kept}\n"


class Running:
    """An export that runs, slowly."""

    def __init__(self, environment: dict[str, str], folder: Path, *more: str) -> None:
        arguments = [sys.executable, "-m", "payt.cli", *map(str, EXPORT), "-o", "c.csv", *more]
        self._state = folder / ".c.csv.part.json"
        self.process = subprocess.Popen(arguments, env=environment, cwd=folder, stderr=subprocess.PIPE)

    def pages(self) -> int:
        try:
            return int(json.loads(self._state.read_bytes())["position"]["pages"])
        except FileNotFoundError:
            return -1

    def end(self, number: int, *, behind: int, pause: float = 0) -> tuple[int, bytes]:
        """Send a signal once so many pages are kept, or let it come to its end."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None and self.pages() < behind:
            assert time.monotonic() < deadline, "it does not get on"
            time.sleep(0.002)
        time.sleep(pause)
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


def test_ctrl_c(environment: dict[str, str], payt_command: Any, fake: FakePayt, folder: Path) -> None:
    whole = undisturbed(payt_command, folder, "c.csv")
    fake.latency = 0.1
    code, said = Running(environment, folder).end(signal.SIGINT, behind=2)
    assert code == 130
    assert said.startswith(b"payt: interrupted; ")
    assert said.endswith(b": resume with --resume\n")
    assert said.count(b"\n") == 1
    fake.latency = 0
    assert payt_command(*EXPORT, "-o", "c.csv", "--resume").exit_code == 0
    assert (folder / "c.csv").read_bytes() == whole


def killed_and_resumed(environment: dict[str, str], fake: FakePayt, folder: Path, dice: random.Random) -> int:
    """Kill an export again and again until it is through; returns how many kills it took."""
    fake.latency = 0.03
    for kills in range(100):
        running = Running(environment, folder, "--resume")
        behind = max(running.pages(), 0) + dice.randint(4, 6)
        code, _ = running.end(signal.SIGKILL, behind=behind, pause=dice.random() / 30)
        if code == 0:
            return kills
        assert code == -signal.SIGKILL
    raise AssertionError("it never came to its end")


def test_kill_9_at_random_moments(environment: dict[str, str], payt_command: Any, fake: FakePayt, folder: Path) -> None:
    whole = undisturbed(payt_command, folder, "c.csv")
    kills = killed_and_resumed(environment, fake, folder, random.Random(7))
    assert kills >= 1
    assert (folder / "c.csv").read_bytes() == whole
    assert files(folder) == {"c.csv"}


@pytest.mark.soak
def test_kill_9_at_many_random_moments(
    environment: dict[str, str], payt_command: Any, fake: FakePayt, folder: Path
) -> None:
    whole = undisturbed(payt_command, folder, "c.csv")
    dice = random.Random()
    kills, until = 0, time.monotonic() + 30
    while time.monotonic() < until:
        kills += killed_and_resumed(environment, fake, folder, dice)
        assert (folder / "c.csv").read_bytes() == whole
        assert files(folder) == {"c.csv"}
        (folder / "c.csv").unlink()
    assert kills > 3
