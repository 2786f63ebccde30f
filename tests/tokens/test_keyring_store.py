"""Tokens in a keyring, here one that keeps its passwords in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

import payt

from .forking import LISTED, fork_during_a_renewal, forks
from .strict_server import StrictServer

TOKEN = payt.Token("access-one", "refresh-one", "contacts:read", 1_000.0, 8_200.0)


class Keyring(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # it has no types
        self.passwords: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        del self.passwords[service, username]

    def _check(self) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("nobody unlocked it")


@pytest.fixture
def ring() -> Iterator[Keyring]:
    before, mine = keyring.get_keyring(), Keyring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def test_what_is_saved_is_loaded_until_it_is_deleted(ring: Keyring) -> None:
    store = payt.KeyringTokenStore()
    assert isinstance(store, payt.TokenStore)
    with store.lock("key"):
        assert store.load("key") is None
        store.save("key", TOKEN)
    assert list(ring.passwords) == [("payt", "key")]
    assert payt.KeyringTokenStore().load("key") == TOKEN
    assert payt.KeyringTokenStore("another service").load("key") is None
    store.delete("key")
    store.delete("key")
    assert store.load("key") is None
    assert repr(store) == "KeyringTokenStore(service='payt')"


class SharedKeyring(Keyring):
    """In files, as a keyring is one for all processes."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def get_password(self, service: str, username: str) -> str | None:
        file = self._folder / username
        return file.read_text() if file.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        (self._folder / "new").write_text(password)
        (self._folder / "new").replace(self._folder / username)


class TestForks:
    pytestmark = forks

    def test_a_child_of_a_process_that_renews_a_token_neither_hangs_nor_spends_another(
        self, ring: Keyring, tmp_path: Path
    ) -> None:
        keyring.set_keyring(SharedKeyring(tmp_path))
        with StrictServer() as server:
            assert fork_during_a_renewal(server, payt.KeyringTokenStore()) == LISTED
            assert (server.renewals, server.reused) == (2, 0)


def test_something_foreign_is_reported(ring: Keyring) -> None:
    ring.passwords["payt", "key"] = "a password of somebody else"
    with pytest.raises(payt.TokenError, match="that is not a token of payt") as caught:
        payt.KeyringTokenStore().load("key")
    assert "a password" not in f"{caught.value!r} {caught.value.__context__!r}"


def test_a_keyring_that_fails_is_reported(ring: Keyring) -> None:
    store = payt.KeyringTokenStore()
    ring.locked = True
    with pytest.raises(payt.TokenError, match="cannot be read: KeyringLocked: nobody unlocked it"):
        store.load("key")
    with pytest.raises(payt.TokenError, match="cannot be written: KeyringLocked"):
        store.save("key", TOKEN)
    with pytest.raises(payt.TokenError, match="cannot be written: KeyringLocked"):
        store.delete("key")


def test_without_its_extra_it_says_which_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payt.credentials.keyring_store.find_spec", lambda _name: None)
    with pytest.raises(ImportError, match=r'KeyringTokenStore needs keyring, .*: pip install "keyring>='):
        payt.KeyringTokenStore()
