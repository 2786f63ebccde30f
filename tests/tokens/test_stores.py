"""What stores keep, and what they refuse."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import attrs
import httpx
import msgspec
import pytest

import payt
from payt.credentials import file_store
from payt.credentials.caches import key_of
from payt.transport import locks

from .forking import LISTED, REFUSED, fork_during_a_renewal, forks
from .strict_server import StrictServer

TOKEN = payt.Token("access-one", "refresh-one", "contacts:read", 1_000.0, 8_200.0)
OTHER = payt.Token("access-two", "refresh-two", "contacts:read", 2_000.0, 9_200.0)
KEY = "api.example-authorization_code-0123"


@pytest.fixture
def store(tmp_path: Path) -> payt.FileTokenStore:
    return payt.FileTokenStore(tmp_path / "made" / "when needed")


@pytest.fixture(params=["file", "memory"])
def any_store(request: pytest.FixtureRequest, store: payt.FileTokenStore) -> payt.TokenStore:
    return store if request.param == "file" else payt.MemoryTokenStore()


def file_of(store: payt.FileTokenStore) -> Path:
    return store.path / f"{KEY}.json"


def test_what_is_saved_is_loaded(any_store: payt.TokenStore) -> None:
    assert any_store.load(KEY) is None
    with any_store.lock(KEY):
        any_store.save(KEY, TOKEN)
        any_store.save(KEY, OTHER)
    assert any_store.load(KEY) == OTHER
    assert any_store.load("another") is None


def test_what_is_deleted_is_gone(any_store: payt.TokenStore) -> None:
    any_store.save(KEY, TOKEN)
    any_store.delete(KEY)
    any_store.delete(KEY)
    assert any_store.load(KEY) is None


def test_a_lock_keeps_other_threads_out(any_store: payt.TokenStore) -> None:
    order = []

    def second() -> None:
        with any_store.lock(KEY):
            order.append("second")

    thread = threading.Thread(target=second)
    with any_store.lock(KEY):
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


@pytest.mark.usefixtures("own_folder")
class TestForks:
    """Of a process that renews a token: its child neither hangs nor spends the refresh token a second time."""

    pytestmark = forks

    def test_what_is_in_files_is_shared(self, store: payt.FileTokenStore) -> None:
        with StrictServer() as server:
            assert fork_during_a_renewal(server, store) == LISTED
            assert (server.renewals, server.reused) == (2, 0)

    def test_what_is_in_memory_cannot_be(self) -> None:
        with StrictServer() as server:
            assert fork_during_a_renewal(server, payt.MemoryTokenStore()) == REFUSED
            assert (server.renewals, server.reused) == (2, 0)

    def test_what_is_in_memory_is_refused_at_once_only_where_it_is_held(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store = payt.MemoryTokenStore()
        with store.lock(KEY):
            monkeypatch.setattr(os, "getpid", lambda: -1)  # as in a child
            with pytest.raises(payt.TokenError, match="was forked while its parent was renewing"):
                store.lock(KEY).__enter__()
            with store.lock("another"):
                pass
            monkeypatch.undo()
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with store.lock(KEY):
            pass


def test_locks_of_two_connections_are_two(any_store: payt.TokenStore) -> None:
    with any_store.lock(KEY), any_store.lock("another"):
        pass


def test_stores_are_stores(any_store: payt.TokenStore) -> None:
    assert isinstance(any_store, payt.TokenStore)


@pytest.mark.parametrize("lifetime", [None, 3_600.0], ids=str)
@pytest.mark.parametrize("refresh_token", [None, "ünicode/+="], ids=ascii)
def test_files_hold_every_kind_of_token(
    store: payt.FileTokenStore, refresh_token: str | None, lifetime: float | None
) -> None:
    token = payt.Token("a/+=", refresh_token, None, 0.5, lifetime)
    store.save(KEY, token)
    assert store.load(KEY) == token


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps the user's folders private by itself")
def test_files_are_private_whatever_the_umask(store: payt.FileTokenStore) -> None:
    before = os.umask(0)
    try:
        with store.lock(KEY):
            store.save(KEY, TOKEN)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [store.path, *store.path.iterdir()]}
    assert modes == {"when needed": 0o700, **dict.fromkeys([f"{KEY}.json", f".{KEY}.json.new", f"{KEY}.lock"], 0o600)}


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps the user's folders private by itself")
def test_an_open_folder_of_tokens_is_closed_and_another_one_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)
    store = payt.FileTokenStore(folder)
    (folder / "holiday.jpeg").touch()
    with pytest.raises(payt.TokenError, match="holds more than tokens"):
        store.save(KEY, TOKEN)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    (folder / "holiday.jpeg").unlink()
    store.save(KEY, TOKEN)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


TORN = {
    "nothing": b"",
    "the first half": b'{"format":"payt-token-1","token":{"access_to',
    "another format": b'{"format":"payt-token-2","token":{"access_token":"secret-inside"}}',
    "no format": b'{"access_token":"secret-inside"}',
    "another kind of value": b'{"format":"payt-token-1","token":{"access_token":"x","expires_at":"secret-inside"}}',
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("text", TORN.values(), ids=TORN)
def test_a_torn_or_foreign_file_is_reported_with_its_path_and_left_alone(
    store: payt.FileTokenStore, text: bytes
) -> None:
    store.save(KEY, TOKEN)
    file_of(store).write_bytes(text)
    attempts: list[Any] = [lambda: store.load(KEY), lambda: store.save(KEY, OTHER)]
    for attempt in attempts:
        with pytest.raises(payt.TokenError) as caught:
            attempt()
        assert str(file_of(store)) in str(caught.value)
        assert "secret-inside" not in f"{caught.value!r}{caught.value.__context__!r}"
        assert file_of(store).read_bytes() == text
    store.delete(KEY)
    assert store.load(KEY) is None


def journal_of(store: payt.FileTokenStore) -> Path:
    return store.path / f".{KEY}.json.new"


def test_whichever_file_a_killed_process_was_writing_the_other_one_counts(store: payt.FileTokenStore) -> None:
    store.save(KEY, TOKEN)
    journal_of(store).write_bytes(b'{"format":"payt-tok')
    assert store.load(KEY) == TOKEN
    store.save(KEY, OTHER)
    assert store.load(KEY) == OTHER
    journal_of(store).write_bytes(file_of(store).read_bytes())
    file_of(store).write_bytes(b'{"format":"payt-tok')
    assert store.load(KEY) == OTHER
    store.save(KEY, TOKEN)
    assert (store.load(KEY), journal_of(store).read_bytes().strip()) == (TOKEN, b"")


def kill_while_saving(store: payt.FileTokenStore, token: payt.Token, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal is written, and the file is not."""
    flush, flushed = os.fsync, []

    def die(handle: int) -> None:
        flush(handle)
        flushed.append(handle)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(os, "fsync", die)
        with pytest.raises(KeyboardInterrupt):
            store.save(KEY, token)
    assert len(flushed) == 1


def test_a_journal_counts_whatever_the_clock_said(store: payt.FileTokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for held in (None, OTHER):
        if held is not None:
            store.save(KEY, held)
        kill_while_saving(store, TOKEN, monkeypatch)
        assert (store.load(KEY), TOKEN.obtained_at < OTHER.obtained_at) == (TOKEN, True)


def test_a_file_that_somebody_put_there_counts_more_than_a_journal_of_before(
    store: payt.FileTokenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one from another machine, after a kill here, whatever the clocks said."""
    third = attrs.evolve(OTHER, refresh_token="refresh-three", obtained_at=1.0)
    elsewhere = payt.FileTokenStore(tmp_path / "elsewhere")
    elsewhere.save(KEY, third)
    for held in (None, OTHER):
        if held is not None:
            store.save(KEY, held)
        kill_while_saving(store, TOKEN, monkeypatch)
        file_of(store).write_bytes(file_of(elsewhere).read_bytes())
        assert store.load(KEY) == third
        store.save(KEY, OTHER)
        assert store.load(KEY) == OTHER


def test_whoever_is_killed_where_another_one_was_loses_nothing(
    store: payt.FileTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the journal alone holds is in the file before the journal is written over."""
    store.save(KEY, OTHER)
    kill_while_saving(store, TOKEN, monkeypatch)
    file_of(store).write_bytes(b'{"format":"payt-tok')
    kill_while_saving(store, OTHER, monkeypatch)
    journal_of(store).write_bytes(b'{"format":"payt-tok')
    assert store.load(KEY) == TOKEN


def test_half_of_one_token_and_half_of_another_is_none(store: payt.FileTokenStore) -> None:
    """As a reader may see it while it is written."""
    store.save(KEY, TOKEN)
    whole = file_of(store).read_bytes()
    file_of(store).write_bytes(whole.replace(b"access-one", b"access-two"))
    with pytest.raises(payt.TokenError, match="is damaged"):
        store.load(KEY)
    journal_of(store).write_bytes(whole)
    assert store.load(KEY) == TOKEN


def test_readers_see_whole_tokens_only(store: payt.FileTokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """While others are written, without any lock."""
    monkeypatch.setattr(os, "fsync", bool)  # as fast as it goes
    program = """
import payt, sys
store, seen = payt.FileTokenStore(sys.argv[1]), set()
print("ready", flush=True)
while "300" not in seen:
    token = store.load("key")
    assert token.access_token == token.refresh_token, token
    seen.add(token.access_token.strip("-"))
"""
    store.save("key", payt.Token("0", "0"))
    with subprocess.Popen([sys.executable, "-c", program, store.path], stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for number in range(301):
            text = f"{number:->{900 + number % 2}}"
            store.save("key", payt.Token(text, text))
        assert reader.wait(60) == 0


def test_a_file_that_somebody_put_there_counts(store: payt.FileTokenStore, tmp_path: Path) -> None:
    """As one that was copied from another machine."""
    elsewhere = payt.FileTokenStore(tmp_path / "elsewhere")
    elsewhere.save(KEY, TOKEN)
    store.save(KEY, OTHER)
    file_of(store).write_bytes(file_of(elsewhere).read_bytes())
    assert store.load(KEY) == TOKEN


def test_what_was_saved_once_needs_no_more_room(store: payt.FileTokenStore) -> None:
    store.save(KEY, TOKEN)
    before = [file.stat().st_size for file in (file_of(store), journal_of(store))]
    store.save(KEY, attrs.evolve(TOKEN, access_token="a" * 4_000))
    assert [file.stat().st_size for file in (file_of(store), journal_of(store))] == before


@pytest.mark.parametrize("flush", [1, 2, 3], ids=["the journal's", "the file's", "the blanks'"])
def test_a_write_that_fails_is_told_and_loses_nothing(
    store: payt.FileTokenStore, monkeypatch: pytest.MonkeyPatch, flush: int
) -> None:
    store.save(KEY, TOKEN)
    flushes = iter(range(1, 9))

    def fails(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode) and next(flushes) == flush:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(payt.TokenError, match=r"\.json cannot be written: Input/output error"):
        store.save(KEY, OTHER)
    assert store.load(KEY) == OTHER  # it was written, and may well be there after a power cut


def test_a_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = payt.FileTokenStore(tmp_path / "file")
    attempts: list[Any] = [
        lambda: store.load(KEY),
        lambda: store.save(KEY, TOKEN),
        lambda: store.delete(KEY),
        lambda: store.lock(KEY).__enter__(),
    ]
    for attempt in attempts:
        with pytest.raises(payt.TokenError, match=str(tmp_path / "file")):
            attempt()


def test_a_lock_file_that_is_none_is_reported(store: payt.FileTokenStore) -> None:
    store.save(KEY, TOKEN)
    (store.path / f"{KEY}.lock").mkdir()
    with pytest.raises(payt.TokenError, match=r"\.lock cannot be locked"), store.lock(KEY):
        pass


def test_a_folder_that_cannot_be_made_says_how_to_choose_another(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    way_out = r"Not a directory; choose another, XDG_DATA_HOME \(in Python: payt\.FileTokenStore\)$"
    with pytest.raises(payt.TokenError, match=way_out):
        payt.FileTokenStore(tmp_path / "file" / "tokens").lock(KEY).__enter__()


def test_a_folder_in_the_place_of_the_journal_is_reported(store: payt.FileTokenStore) -> None:
    store.save(KEY, TOKEN)
    journal_of(store).unlink()
    journal_of(store).mkdir()
    attempts: list[Any] = [lambda: store.load(KEY), lambda: store.save(KEY, OTHER)]
    for attempt in attempts:
        with pytest.raises(payt.TokenError, match=r"\.json\.new cannot be read: Is a directory"):
            attempt()


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
@pytest.mark.parametrize("is_journal", [False, True])
def test_what_is_no_regular_file_is_reported_and_not_waited_for(
    store: payt.FileTokenStore, *, is_journal: bool
) -> None:
    store.save(KEY, TOKEN)
    journal = journal_of(store)
    place = journal if is_journal else journal.with_name(f"{KEY}.json")
    place.unlink()
    os.mkfifo(place)
    attempts: list[Any] = [lambda: store.load(KEY), lambda: store.save(KEY, OTHER)]
    for attempt in attempts:
        with pytest.raises(payt.TokenError, match=r"\.json(\.new)? cannot be read: it is not a regular file"):
            attempt()


def test_nobody_waits_for_ever(store: payt.FileTokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LONGEST_LOCK", 0.1)
    failures: list[payt.TokenError] = []

    def second() -> None:
        try:
            with store.lock(KEY):
                pass
        except payt.TokenError as error:
            failures.append(error)

    with store.lock(KEY):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(30)
    assert [str(failure) for failure in failures] == [
        f"another process has held {store.path / KEY}.lock for 0.1 s: is one stuck while renewing a token?"
    ]


def test_folders_are_not_flushed_where_they_cannot_be(
    store: payt.FileTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(KEY, TOKEN)
    monkeypatch.setattr(file_store, "_POSIX", False)
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    payt.FileTokenStore.save(store, KEY, OTHER)
    assert len(flushed) == 3  # the journal, the file, and the journal that is blanked
    monkeypatch.undo()
    assert store.load(KEY) == OTHER


def test_where_to_keep_tokens_must_be_a_path_and_a_name() -> None:
    wrong: Any = 5
    with pytest.raises(TypeError, match="path must be a string or a path, got int"):
        payt.FileTokenStore(wrong)
    with pytest.raises(ValueError, match="path must not be empty: name a folder"):
        payt.FileTokenStore("")  # and not the working folder
    with pytest.raises(TypeError, match="service must be a string, got int"):
        payt.KeyringTokenStore(wrong)


def test_the_default_folder_is_the_users_own(own_folder: Path) -> None:
    assert payt.FileTokenStore().path == own_folder
    assert payt.FileTokenStore("~/elsewhere").path == Path.home() / "elsewhere"
    assert payt.FileTokenStore() == payt.FileTokenStore(str(own_folder))


def test_who_keeps_no_files_does_not_import_what_they_need() -> None:
    program = (
        "import sys, payt\n"
        "payt.Client(payt.AuthorizationCode('id', 'secret', payt.MemoryTokenStore()), verify=False)\n"
        "print({'filelock', 'platformdirs', 'keyring', 'webbrowser', 'http.server'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_tokens_go_into_any_database_and_back() -> None:
    token = attrs.evolve(TOKEN, origins=["a", "b"], refused=True)
    assert msgspec.json.decode(msgspec.json.encode(token), type=payt.Token) == token
    assert payt.Token(**msgspec.json.decode(msgspec.json.encode(token))) == token
    assert payt.Token(**attrs.asdict(token)) == token


def test_what_is_secret_is_in_no_repr() -> None:
    memory = payt.MemoryTokenStore()
    memory.save(KEY, TOKEN)
    assert repr(TOKEN) == "Token(scope='contacts:read', obtained_at=1000.0, expires_at=8200.0)"
    assert repr(memory) == "payt.MemoryTokenStore() of 1"


LIVES = {
    "fresh": (1_000.0, False),
    "a minute and a second before its end": (8_139.0, False),
    "a minute before its end": (8_140.0, True),
    "after its end": (9_000.0, True),
    "before it was got, by a clock that jumped": (0.0, False),
}


@pytest.mark.parametrize(("now", "due"), LIVES.values(), ids=LIVES)
def test_when_a_token_is_due(now: float, due: bool) -> None:
    assert TOKEN.is_due(now, 60) is due


def test_a_short_token_is_used_for_half_its_life() -> None:
    token = payt.Token("a", obtained_at=100, expires_at=130)
    assert [token.is_due(now, 60) for now in (100, 114, 115)] == [False, False, True]
    assert not payt.Token("for ever").is_due(1e12, 60)


def test_keys_differ_where_connections_do() -> None:
    api = httpx.URL("https://api.example/v1")
    keys = [
        key_of(api, "id", "authorization_code"),
        key_of(api, "id", "client_credentials"),
        key_of(api, "id", "client_credentials", "contacts:read"),
        key_of(api, "ID", "authorization_code"),
        key_of(api, "id\n4:more", "authorization_code"),
        key_of(httpx.URL("https://api.example/v2"), "id", "authorization_code"),
        key_of(httpx.URL("http://api.example/v1"), "id", "authorization_code"),
        key_of(httpx.URL("https://api.example:8443/v1"), "id", "authorization_code"),
        key_of(httpx.URL("https://demo-api.example/v1"), "id", "authorization_code"),
    ]
    assert len(set(keys)) == len(keys)
    assert key_of(httpx.URL("https://API.example:443/v1/"), "id", "authorization_code") == keys[0]


@pytest.mark.parametrize("host", ["api.example", "[::1]", "a" * 60 + ".example", "ünicode.example"], ids=ascii)
def test_keys_are_good_names_for_files_and_rows(host: str) -> None:
    key = key_of(httpx.URL(f"https://{host}"), "an id/with: anything", "client_credentials")
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_")
    assert len(key) <= 120


def test_a_program_that_ends_waits_for_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a test cannot end. In a process: test_signals.py."""
    monkeypatch.setattr(locks, "is_ending", lambda: True)
    attempts = iter([False, True])
    with pytest.raises(payt.TokenError, match="the program is ending, while another process holds the file"):
        locks.wait_for_lock(lambda _: next(attempts), "the file")
    assert next(attempts)


def test_a_lock_is_tried_until_it_is_free() -> None:
    attempts = iter([False, False, True])
    locks.wait_for_lock(lambda _: next(attempts), "the file")
    assert [*attempts] == []
