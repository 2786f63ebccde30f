"""Tokens in the keyring of the operating system; extra `keyring`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

import msgspec

from ..errors import TokenError
from ..extras import missing
from .file_store import FileTokenStore
from .token import Token

SERVICE: Final = "payt"


class KeyringTokenStore:
    """Keeps tokens in the keyring of the operating system: Keychain, Credential Locker, Secret Service, KWallet.

    Keyrings have no locks, so threads and processes keep each other out by lock files, in the folder of
    `FileTokenStore()`. Where nobody is logged in at the screen, such as in cron jobs, there is often no keyring.

    Args:
        service: The name under which the keyring shows the tokens.

    Raises:
        ImportError: The extra `keyring` is not installed.
        TokenError: By its methods: the keyring cannot be used, or holds something foreign under that name.
    """

    def __init__(self, service: str = SERVICE) -> None:
        if find_spec("keyring") is None:
            raise missing("KeyringTokenStore", "keyring", "keyring")
        self.service = service
        self._locks = FileTokenStore()

    def load(self, key: str) -> Token | None:
        """As `TokenStore.load`."""
        import keyring  # noqa: PLC0415  an extra, and slow to import

        try:
            kept = _decoded(keyring.get_password(self.service, key))
        except keyring.errors.KeyringError as error:
            raise TokenError(f"the keyring cannot be read: {type(error).__name__}: {error}") from None
        if kept is _FOREIGN:
            raise TokenError(f"the keyring holds something under {self.service!r}, {key!r} that is no token of payt")
        return kept

    def save(self, key: str, token: Token) -> None:
        """As `TokenStore.save`."""
        import keyring  # noqa: PLC0415  an extra, and slow to import

        try:
            keyring.set_password(self.service, key, msgspec.json.encode(token).decode())
            kept = _decoded(keyring.get_password(self.service, key))
        except keyring.errors.KeyringError as error:
            raise TokenError(f"the keyring cannot be written: {type(error).__name__}: {error}") from None
        if kept != token:  # such as keyring.backends.null, which "keyring --disable" sets
            backend = type(keyring.get_keyring()).__module__
            raise TokenError(f"{backend} keeps nothing: choose another keyring, or payt.FileTokenStore()")

    def delete(self, key: str) -> None:
        """As `TokenStore.delete`."""
        import keyring  # noqa: PLC0415  an extra, and slow to import

        try:
            if keyring.get_password(self.service, key) is not None:
                keyring.delete_password(self.service, key)
        except keyring.errors.KeyringError as error:
            raise TokenError(f"the keyring cannot be written: {type(error).__name__}: {error}") from None

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """As `TokenStore.lock`."""
        with self._locks.lock(key):
            if self.load(key) is None:  # what is there is saved once more before it is spent
                self.save(f"{key}-trial", Token(""))
                self.delete(f"{key}-trial")
            yield

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyringTokenStore) and (self.service, self._locks) == (other.service, other._locks)

    def __hash__(self) -> int:
        return hash((self.service, self._locks))

    def __repr__(self) -> str:
        return f"payt.KeyringTokenStore({self.service!r})"


_FOREIGN: Final = Token("", scope="foreign")


def _decoded(text: str | None) -> Token | None:
    """Say no more of what cannot be decoded than that: the reason may hold parts of it."""
    try:
        return None if text is None else msgspec.json.decode(text, type=Token)
    except msgspec.DecodeError:
        return _FOREIGN
