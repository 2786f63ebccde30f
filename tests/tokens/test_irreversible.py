"""The irreversible comes last: no refresh token is spent before its successor has a place, and none is lost after.

Each case is a program that lists once, against a server without mercy, on a real file system.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import ClassVar

import attrs
import httpx
import pytest

import payt
from payt.credentials.cache import kept, save_what_is_left
from payt.credentials.caches import cache_of
from support.quick import QUICK

from .strict_server import StrictServer
from .waiting import until

CLIENT = Path(__file__).with_name("strict_client.py")
IS_ROOT = os.name == "posix" and os.geteuid() == 0
only_as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can mount")


@pytest.fixture
def server() -> Iterator[StrictServer]:
    with StrictServer() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


@pytest.fixture
def disk(folder: Path) -> Iterator[Path]:
    """The folder, on a disk of a megabyte."""
    folder.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr!r}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def run(server: StrictServer, folder: Path, first: str | None = None, *, prefix: tuple[str, ...] = ()) -> str:
    """What a program says that lists once."""
    environment = {**os.environ, "STRICT_URL": server.url, "STRICT_STORE": str(folder)}
    if first is not None:
        environment["STRICT_FIRST"] = first
    command = [*prefix, sys.executable, str(CLIENT)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert ended.stderr == ""
    return ended.stdout.strip()


def begin(server: StrictServer, folder: Path) -> None:
    """A stored login, whose access token has ended."""
    who = payt.AuthorizationCode("id", "secret", payt.FileTokenStore(folder), refresh_token=server.login())
    assert list_once(server, who) == 1
    server.expire()
    assert server.renewals == 1


def as_of_an_earlier_version(folder: Path) -> None:
    """As it was left by one that put files in place of each other."""
    (file,) = folder.glob("*.json")
    (journal,) = folder.glob(".*.new")
    journal.unlink()
    file.write_bytes(file.read_bytes().rstrip())


def check_that_nothing_was_spent(server: StrictServer, said: str, folder: Path) -> None:
    assert said.startswith("TokenError: ")
    assert str(folder) in said
    assert (server.renewals, server.reused) == (1, 0)


def check_that_the_login_is_kept(server: StrictServer, folder: Path, renewals: int) -> None:
    """Whoever comes next can list, and the one after it."""
    for renewal in (1, 2):
        server.expire()
        assert list_once(server, payt.AuthorizationCode("id", "secret", payt.FileTokenStore(folder))) == 1
        assert (server.renewals, server.reused) == (renewals + renewal, 0)


def fill(disk: Path) -> None:
    with (disk / "junk.lock").open("ab", buffering=0) as junk, suppress(OSError):
        while True:
            junk.write(bytes(4096))


@only_as_root
def test_on_a_full_disk_a_login_goes_on(server: StrictServer, disk: Path) -> None:
    begin(server, disk)
    fill(disk)
    assert run(server, disk) == "1"
    check_that_the_login_is_kept(server, disk, 2)


@only_as_root
@pytest.mark.parametrize("is_first", [True, False], ids=["a first login", "one of an earlier version"])
def test_a_full_disk_without_room_for_a_token_spends_nothing(server: StrictServer, disk: Path, is_first: bool) -> None:
    begin(server, disk)
    if is_first:
        for file in disk.iterdir():
            file.unlink()
    else:
        as_of_an_earlier_version(disk)
    first = server.valid["a"] if is_first else None
    fill(disk)
    check_that_nothing_was_spent(server, run(server, disk, first), disk)
    (disk / "junk.lock").unlink()
    assert run(server, disk, first) == "1"


@only_as_root
def test_a_disk_that_fills_up_while_the_answer_is_on_its_way_loses_nothing(server: StrictServer, disk: Path) -> None:
    begin(server, disk)
    server.meanwhile = lambda: fill(disk)
    assert run(server, disk) == "1"
    server.meanwhile = bool
    check_that_the_login_is_kept(server, disk, 2)


@only_as_root
def test_a_disk_that_becomes_read_only_while_the_answer_is_on_its_way_loses_nothing(
    server: StrictServer, disk: Path
) -> None:
    """The process keeps the token, says so, and saves it as soon as it can."""
    begin(server, disk)
    who = payt.AuthorizationCode("id", "secret", payt.FileTokenStore(disk))

    def remount() -> None:  # over what is mounted, which others have open
        subprocess.run(["mount", "--bind", disk, disk], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", disk], check=True)

    server.meanwhile = remount
    for _ in range(2):
        with pytest.raises(payt.TokenError, match=r"could not be saved: .*Read-only file system"):
            list_once(server, who)
        gc.collect()
        server.meanwhile = bool
    subprocess.run(["umount", disk], check=True)
    assert list_once(server, who) == 1
    assert (server.renewals, server.reused) == (2, 0)
    check_that_the_login_is_kept(server, disk, 2)


@only_as_root
def test_a_token_file_that_is_mounted_is_written(server: StrictServer, folder: Path, tmp_path: Path) -> None:
    begin(server, folder)
    (file,) = folder.glob("*.json")
    elsewhere = tmp_path / "token.json"
    shutil.copy(file, elsewhere)
    if subprocess.run(["mount", "--bind", elsewhere, file], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        assert run(server, folder) == "1"
        check_that_the_login_is_kept(server, folder, 2)
        assert server.valid["a"] in elsewhere.read_text()
    finally:
        subprocess.run(["umount", file], check=True)


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
@pytest.mark.parametrize("is_old", [True, False], ids=["of an earlier version", "of this one"])
def test_a_folder_that_cannot_be_written_loses_nothing(server: StrictServer, folder: Path, is_old: bool) -> None:
    prefix: tuple[str, ...] = ()
    if IS_ROOT:
        if shutil.which("setpriv") is None:
            pytest.skip("root can write everywhere, and there is no setpriv to take that away")
        prefix = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps=-all")
    begin(server, folder)
    if is_old:
        as_of_an_earlier_version(folder)
    folder.chmod(0o500)
    said = run(server, folder, prefix=prefix)
    if is_old:  # there is no journal yet
        check_that_nothing_was_spent(server, said, folder)
    else:
        assert said == "1"
    folder.chmod(0o700)
    check_that_the_login_is_kept(server, folder, 1 if is_old else 2)


def test_a_folder_in_the_place_of_the_journal_spends_nothing(server: StrictServer, folder: Path) -> None:
    begin(server, folder)
    (in_the_way,) = folder.glob(".*.new")
    in_the_way.unlink()
    in_the_way.mkdir()
    check_that_nothing_was_spent(server, run(server, folder), folder)
    in_the_way.rmdir()
    check_that_the_login_is_kept(server, folder, 1)


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name != "posix", reason="links take a privilege there")
def test_a_token_file_that_is_a_link_stays_one(server: StrictServer, folder: Path, tmp_path: Path) -> None:
    begin(server, folder)
    (file,) = folder.glob("*.json")
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "token.json"
    file.rename(target)
    file.symlink_to(target)
    assert run(server, folder) == "1"
    assert file.is_symlink()
    assert server.valid["a"] in target.read_text()
    check_that_the_login_is_kept(server, folder, 2)


# The same from within, where the operating system can be made to fail


@pytest.fixture
def who(server: StrictServer, folder: Path) -> payt.AuthorizationCode:
    return payt.AuthorizationCode("id", "secret", payt.FileTokenStore(folder), refresh_token=server.login())


def list_once(server: StrictServer, who: payt.AuthorizationCode) -> int:
    with payt.Client(who, base_url=server.url, **QUICK) as client:
        return len(list(client.contacts.list(administration_id="1")))


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO], ids=errno.errorcode.get)
def test_a_folder_that_cannot_be_flushed_is_no_failure(
    server: StrictServer, who: payt.AuthorizationCode, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    flush = os.fsync

    def fail_for_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        flush(handle)

    monkeypatch.setattr(os, "fsync", fail_for_folders)
    assert list_once(server, who) == 1
    server.expire()
    assert list_once(server, who) == 1
    assert (server.renewals, server.reused) == (2, 0)


def test_files_of_a_system_that_cannot_flush_are_kept_all_the_same(
    server: StrictServer, who: payt.AuthorizationCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_handle: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", fail)
    assert list_once(server, who) == 1


@pytest.mark.parametrize("failures", [3, 7, 100])
def test_a_disk_that_fails_when_the_answer_has_come(
    server: StrictServer,
    folder: Path,
    who: payt.AuthorizationCode,
    monkeypatch: pytest.MonkeyPatch,
    failures: int,
) -> None:
    """It is tried again for a while, and then what was written is taken up by the next one."""
    assert list_once(server, who) == 1
    server.expire()
    left = [failures]
    flush = os.fsync

    def fail(handle: int) -> None:
        if left[0] and server.renewals == 2:
            left[0] -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        flush(handle)

    monkeypatch.setattr(os, "fsync", fail)
    if failures < 100:
        assert list_once(server, who) == 1
    else:
        with pytest.raises(
            payt.TokenError, match=r"could not be saved: .*\.json cannot be written: Input/output error"
        ):
            list_once(server, who)
    monkeypatch.undo()
    check_that_the_login_is_kept(server, folder, 2)


def test_a_token_that_could_not_be_saved_lives_as_long_as_the_process(
    server: StrictServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a client for each job, nothing else keeps it."""
    store = Unsteady(str(tmp_path / "x"))
    who = payt.AuthorizationCode("id", "secret", store, refresh_token=server.login())
    assert list_once(server, who) == 1
    server.expire()
    server.meanwhile = lambda: Unsteady.fails.append(True)
    with pytest.raises(payt.TokenError, match="could not be saved: RuntimeError: full"):
        list_once(server, attrs.evolve(who, store=Unsteady(store.name)))
    server.meanwhile = bool
    Unsteady.fails.clear()
    gc.collect()
    for _ in range(2):
        assert list_once(server, attrs.evolve(who, store=Unsteady(store.name))) == 1
    assert (server.renewals, server.reused) == (2, 0)
    assert Unsteady.tokens[cache_of(who, httpx.URL(server.url)).key].refresh_token == server.valid["a"]


@attrs.frozen
class Unsteady:
    """A store of the user's own, which all that have its name share."""

    name: str
    tokens: ClassVar[dict[str, payt.Token]] = {}
    fails: ClassVar[list[bool]] = []

    def load(self, key: str) -> payt.Token | None:
        return self.tokens.get(key)

    def save(self, key: str, token: payt.Token) -> None:
        if self.fails:
            raise RuntimeError("full")
        self.tokens[key] = token

    def delete(self, key: str) -> None:
        self.tokens.pop(key, None)

    def lock(self, key: str) -> AbstractContextManager[object]:
        return nullcontext()


def test_a_store_that_cannot_save_spends_nothing(server: StrictServer) -> None:
    """Whatever the store: what it holds is saved once more before."""
    store = Unsteady("own")
    who = payt.AuthorizationCode("id", "secret", store, refresh_token=server.login())
    assert list_once(server, who) == 1
    server.expire()
    Unsteady.fails.append(True)
    try:
        with pytest.raises(payt.TokenError, match="no token could be obtained: RuntimeError: full"):
            list_once(server, who)
    finally:
        Unsteady.fails.clear()
    assert (server.renewals, server.reused) == (1, 0)
    assert list_once(server, who) == 1


def test_a_program_that_ends_tries_once_more_to_save(server: StrictServer, tmp_path: Path) -> None:
    program = """
import contextlib, os, payt, pathlib, sys
from payt.credentials import cache

cache.SAVING = (0.01,)
folder, url, first = sys.argv[1:]

class Store(payt.FileTokenStore):
    fails = 2

    def save(self, key, token):
        if token.access_token and self.fails:
            Store.fails -= 1
            raise OSError("not now")
        super().save(key, token)

who = payt.AuthorizationCode("id", "secret", Store(folder), refresh_token=first)
try:
    list(payt.Client(who, base_url=url, trust_env=False, verify=False).contacts.list(administration_id="1"))
except payt.TokenError as error:
    print(error)
"""
    folder = tmp_path / "tokens"
    command = [sys.executable, "-c", program, str(folder), server.url, server.login()]
    run_once = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (run_once.stdout, run_once.stderr) == ("the new token could not be saved: OSError: not now\n", "")
    check_that_the_login_is_kept(server, folder, 1)


def test_the_end_seen_from_within(server: StrictServer) -> None:
    store = Unsteady("ending")
    who = payt.AuthorizationCode("id", "secret", store, refresh_token=server.login())
    server.meanwhile = lambda: Unsteady.fails.append(True)
    with pytest.raises(payt.TokenError, match="could not be saved"):
        list_once(server, who)
    Unsteady.fails.clear()
    save_what_is_left()
    assert Unsteady.tokens[cache_of(who, httpx.URL(server.url)).key].refresh_token == server.valid["a"]


def test_a_token_whose_file_cannot_be_written_any_more_is_taken_from_the_journal(
    server: StrictServer, folder: Path, who: payt.AuthorizationCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has come, and the file has become one that nobody may open."""
    assert list_once(server, who) == 1
    server.expire()
    (file,) = folder.glob("*.json")
    opened = os.open

    def refuse(path: Path, flags: int, mode: int = 0o777) -> int:
        if path == file and server.renewals == 2:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM), path)
        return opened(path, flags, mode)

    with monkeypatch.context() as broken:
        broken.setattr(os, "open", refuse)
        with pytest.raises(payt.TokenError, match=r"could not be saved: .*\.json cannot be written: Operation not"):
            list_once(server, who)
    assert server.valid["a"] not in file.read_text()
    kept.clear()  # as in another process
    check_that_the_login_is_kept(server, folder, 2)
    assert server.valid["a"] in file.read_text()


# "invalid_grant" while another one is about to save


def test_a_refusal_that_another_process_explains_is_none(
    server: StrictServer, who: payt.AuthorizationCode, folder: Path
) -> None:
    """Its lock was lost, or its file deleted: both have used the refresh token, and one of them was first."""
    assert list_once(server, who) == 1
    server.expire()
    cache = cache_of(who, httpx.URL(server.url))
    held = cache.store.load(cache.key)
    assert held is not None
    looks = []

    class Late(payt.MemoryTokenStore):
        def load(self, key: str) -> payt.Token | None:
            looks.append(key)
            if len(looks) == 6:  # the other one saves
                super().save(key, payt.Token(server.access("a"), server.valid["a"]))
            return super().load(key)

    late = Late()
    payt.MemoryTokenStore.save(late, cache.key, attrs.evolve(held, refresh_token="refresh-a-1"))
    assert list_once(server, attrs.evolve(who, store=late)) == 1
    assert server.reused == 1
    assert len(looks) >= 6


def test_processes_whose_lock_file_is_deleted_do_not_send_anybody_to_log_in(server: StrictServer, folder: Path) -> None:
    begin(server, folder)
    environment = {**os.environ, "STRICT_URL": server.url, "STRICT_STORE": str(folder)}
    processes: list[subprocess.Popen[str]] = []

    def start() -> None:
        processes.append(
            subprocess.Popen([sys.executable, str(CLIENT)], env=environment, stdout=subprocess.PIPE, text=True)
        )

    def let_another_one_use_it() -> None:
        (lock,) = folder.glob("*.lock")
        lock.unlink()
        start()
        until(lambda: server.reused)

    server.meanwhile = let_another_one_use_it
    start()
    until(lambda: len(processes) == 2)
    assert [process.communicate(timeout=60)[0].strip() for process in processes] == ["1", "1"]
    assert (server.renewals, server.reused) == (2, 1)
    server.meanwhile = bool
    server.expire()
    assert list_once(server, payt.AuthorizationCode("id", "secret", payt.FileTokenStore(folder))) == 1
