"""The file in which the processes of a machine book their starts: private, and never a reason to hang or to fail."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import importlib.util
import logging
import math
import os
import platform
import signal
import stat
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.server import FaultServer
from payt.transport import clock, pace_file, paces
from payt.transport.pace_file import FilePace
from payt.transport.paces import MARGIN, BookedStart
from support.flavours import Flavour
from support.quick import QUICK
from support.turned_clock import TurnedClock

KEY = b"a digest"
PERIOD = 1 + MARGIN


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "payt" / "pace"


def wait(key: bytes = KEY, *, pace: FilePace | None = None) -> float:
    """The wait of a start, by default as another process would have it."""
    start = (pace or FilePace()).start(key, 1)
    while (seconds := start.wait()) == paces._BUSY:  # the file cannot be used, as it has just turned out
        pass
    return seconds


def file_in(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_the_file_is_private_and_says_nothing_of_the_token(
    folder: Path, monkeypatch: pytest.MonkeyPatch, server: FaultServer, flavour: Flavour
) -> None:
    before = os.umask(0)
    try:
        with monkeypatch.context() as real:
            real.setattr(clock, "_clock", clock.Clock())
            flavour.contacts(server.url, "a-secret-token", client=QUICK)
    finally:
        os.umask(before)
    path = file_in(folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert b"secret" not in path.read_bytes() + path.name.encode()


def test_one_waits_for_the_other(folder: Path) -> None:
    assert wait() == 0
    assert wait() == pytest.approx(PERIOD, abs=0.5)
    assert wait(b"another") == 0


def test_no_clock_that_can_be_set_matters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wait() == 0
    for ahead in (3_600, -3_600):
        monkeypatch.setattr(time, "time", lambda real=time.time, ahead=ahead: real() + ahead)
        assert 0 < wait() < 10
    assert len([*folder.iterdir()]) == 1


@pytest.mark.parametrize("change", [lambda text: text[:20], lambda text: text[:-8], lambda text: b"\xff" * len(text)])
def test_a_torn_file_is_begun_anew(change: Callable[[bytes], bytes], folder: Path) -> None:
    wait()
    wait()
    path = file_in(folder)
    path.write_bytes(change(path.read_bytes()))
    assert wait() == 0
    assert wait() > 0


def test_a_file_that_is_gone_is_made_again(folder: Path) -> None:
    pace = FilePace()
    assert wait(pace=pace) == 0
    file_in(folder).unlink()
    folder.rmdir()
    assert wait(pace=pace) == 0
    assert wait() > 0


def test_what_was_booked_before_the_machine_was_started_does_not_count(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(pace_file, "_machine", lambda: b"another one, or another time")
        assert wait() == 0
    with clock.using(TurnedClock()):  # where nothing else tells it
        monkeypatch.setattr(clock.current(), "time", clock.Clock().now() - 100_000)
        assert wait() == 0
        assert wait() == pytest.approx(PERIOD)


def test_a_machine_is_known_by_its_start_or_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    pace_file._machine.cache_clear()
    monkeypatch.setattr(Path, "read_bytes", lambda _path: raising(errno.ENOENT))
    assert pace_file._machine() == platform.node().encode()
    pace_file._machine.cache_clear()


def test_files_of_tokens_long_gone_are_removed(folder: Path) -> None:
    wait(b"yesterday's")
    os.utime(file_in(folder), (0, 0))
    wait(b"today's")
    today = file_in(folder)
    os.utime(today, (0, 0))
    wait(b"today's")  # it is there already
    assert file_in(folder) == today


def raising(number: int) -> Any:
    raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("call", ["open", "read", "write", "lock", "mkdir"])
@pytest.mark.parametrize(
    "number", [errno.ENOLCK, errno.ESTALE, errno.EIO, errno.EROFS, errno.ENOSPC], ids=errno.errorcode.get
)
def test_a_file_that_cannot_be_used_leaves_the_pace_of_the_process(
    call: str, number: int, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = f"{call} {number}".encode()
    pace = FilePace()
    where, name = {"lock": (fcntl, "flock"), "mkdir": (Path, "mkdir")}.get(call, (os, call))
    with caplog.at_level(logging.DEBUG, "payt"), monkeypatch.context() as broken:
        broken.setattr(where, name, lambda *_, **__: raising(number))
        waits = [wait(key, pace=pace) for _ in range(3)]
        pace._alone_until = clock.now()  # a minute later
        wait(key, pace=pace)
    assert waits[0] == 0
    assert waits[-1] > 0
    (record,) = caplog.records
    assert record.levelname == "DEBUG"
    assert record.message.startswith("this process does not share its pace with others: ")
    pace._alone_until = clock.now()
    assert wait(b"later", pace=pace) == 0
    assert len([path for path in folder.iterdir() if path.stat().st_size]) == 1


@pytest.mark.parametrize("place", ["folder", "file", "link", "pipe", "relative", "homeless"])
def test_something_else_in_its_place_leaves_the_pace_of_the_process(
    place: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait()
    path = file_in(folder)
    path.unlink()
    if place == "folder":
        path.mkdir()
    elif place == "file":
        folder.rmdir()
        folder.write_text("a file")
    elif place == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif place == "pipe":
        os.mkfifo(path)
        monkeypatch.setattr(pace_file, "_STUCK", 0)
    else:
        home = {
            "relative": lambda *_, **__: Path("~/.local/state"),
            "homeless": lambda *_, **__: Path("~none").expanduser(),
        }
        monkeypatch.setattr("platformdirs.user_state_path", home[place])
    pace, key = FilePace(), place.encode()
    assert wait(pace=pace) >= 0
    assert pace._alone_until > clock.now()
    assert wait(key, pace=pace) == 0
    assert wait(key, pace=pace) > 0
    assert not (tmp_path / "elsewhere").exists()


HOLDER = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that was stopped while it had the lock."""
    wait()
    command = [sys.executable, "-c", HOLDER, str(file_in(folder))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        process.send_signal(signal.SIGSTOP)
        try:
            yield process
        finally:
            process.kill()


def test_who_was_stopped_with_the_lock_is_not_waited_for(
    holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = FilePace()
    start = pace.start(KEY, 1)
    assert 0 < start.wait() < 0.01  # it does not block, and looks again
    start.sent()
    start.refused(None)  # nor does what is only to be noted
    start.give_back()
    monkeypatch.setattr(pace_file, "_STUCK", 0.05)
    while seconds := start.wait():
        time.sleep(seconds)
    assert pace._alone_until > clock.now()


def test_the_event_loop_goes_on_meanwhile(holder: subprocess.Popen[bytes]) -> None:
    async def run() -> int:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0)
                beats += 1

        start = FilePace().start(KEY, 1)
        heart = asyncio.ensure_future(beat())
        while seconds := start.wait():  # noqa: ASYNC110  # as a session does
            await asyncio.sleep(seconds)
        heart.cancel()
        return beats

    assert asyncio.run(run()) > 100


def test_a_killed_holder_of_the_lock_leaves_none_behind(holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.wait(60)
    assert wait() > 0.1


def test_processes_that_are_killed_at_any_moment_leave_a_whole_file(folder: Path) -> None:
    program = f"""
from payt.transport.pace_file import FilePace
pace = FilePace()
pace.start({KEY!r}, 1_000_000).wait()
print("began", flush=True)
while True:
    pace.start({KEY!r}, 1_000_000).wait()
"""
    for pause in (0.01, 0.013, 0.017):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause)
            process.kill()
        assert pace_file._decode(file_in(folder).read_bytes()).starts
        pace = FilePace()
        assert pace.start(KEY, 1_000_000).wait() < 1
        assert pace._alone_until < 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this operating system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_thirty_processes_that_were_forked_book_one_after_the_other(folder: Path) -> None:
    pace = FilePace()
    read, write = os.pipe()
    children = []
    for _ in range(30):
        child = os.fork()
        if child == 0:
            for _ in range(4):
                start = pace.start(KEY, 10)
                while start.wait() and start.due == -math.inf:  # another one is writing
                    time.sleep(0.001)
                os.write(write, f"{start.due}\n".encode())
            os._exit(0)
        children.append(child)
    os.close(write)
    assert {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children} == {0}
    with os.fdopen(read) as stream:
        moments = sorted(float(line) for line in stream)
    assert len(moments) == 120
    assert min(later - before for before, later in zip(moments, moments[10:], strict=False)) > 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this operating system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_that_was_forked_while_the_lock_was_held_holds_it_no_longer(folder: Path) -> None:
    with FilePace().book(KEY):
        child = os.fork()
        if not child:
            signal.pause()
            os._exit(0)
    try:
        with FilePace().book(KEY):
            assert file_in(folder).stat().st_size
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_where_files_are_locked_in_another_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows, as far as it can be had here: its module, made of the locks of this system."""

    def locking(file: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "locked") from None

    windows = types.ModuleType("msvcrt")
    windows.locking, windows.LK_NBLCK = locking, 2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    spec = importlib.util.spec_from_file_location("payt.transport.pace_file", pace_file.__file__)
    assert spec is not None
    assert spec.loader is not None
    other = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(other)
    assert wait(pace=other.FilePace()) == 0
    assert wait(pace=other.FilePace()) > 0.1
    with open(file_in(folder), "rb") as held:  # noqa: PTH123
        fcntl.flock(held, fcntl.LOCK_EX)
        start: BookedStart = other.FilePace().start(KEY, 1)
        assert 0 < start.wait() < 0.01
