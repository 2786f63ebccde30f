"""Tokens in the keyring of the operating system; extra `keyring`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import Any

import attrs
import msgspec

from payt_api.types import decoder_of

from .. import checks
from ..errors import TokenError
from ..extras import missing
from .file_store import FileTokenStore
from .stores import Token

_decode = decoder_of(Token).decode


@attrs.frozen
class KeyringTokenStore:
    """Keeps tokens in the keyring of the operating system: Keychain, Credential Locker, Secret Service, KWallet.

    Keyrings have no locks, so threads and processes keep each other out by lock files, in the folder of
    `FileTokenStore()`. Where nobody is logged in at the screen, such as in cron jobs, there is often no keyring.

    Args:
        service: The name under which the keyring shows the tokens.

    Raises:
        TypeError: The service is not a string.
        ImportError: The extra `keyring` is not installed.
        TokenError: By its methods: the keyring cannot be used, or holds something foreign under that name.
    """

    service: str = attrs.field(default="payt", validator=checks.of_field(checks.text))
    _locks: FileTokenStore = attrs.field(init=False, repr=False, factory=FileTokenStore)

    def __attrs_post_init__(self) -> None:
        """See that the extra is there."""
        if find_spec("keyring") is None:
            raise missing("KeyringTokenStore", "keyring", "keyring")

    def load(self, key: str) -> Token | None:
        """As `TokenStore.load`."""
        with _keyring("read") as keyring:
            text = keyring.get_password(self.service, key)
        try:
            return None if text is None else _decode(text)
        except msgspec.DecodeError:  # its reason may hold parts of the text
            problem = f"the keyring holds something under {self.service!r}, {key!r} that is not a token of payt"
        del text  # from the frame, which the traceback of an error shows
        raise TokenError(problem)

    def save(self, key: str, token: Token) -> None:
        """As `TokenStore.save`."""
        with _keyring("written") as keyring:
            keyring.set_password(self.service, key, msgspec.json.encode(token).decode())
            backend = type(keyring.get_keyring()).__module__
        if self.load(key) != token:  # such as keyring.backends.null, which "keyring --disable" sets
            raise TokenError(f"{backend} stores nothing: choose another keyring, or payt.FileTokenStore()")

    def delete(self, key: str) -> None:
        """As `TokenStore.delete`."""
        with _keyring("written") as keyring:
            if keyring.get_password(self.service, key) is not None:
                keyring.delete_password(self.service, key)

    def lock(self, key: str) -> AbstractContextManager[None]:
        """As `TokenStore.lock`."""
        return self._locks.lock(key)


@contextmanager
def _keyring(what: str) -> Iterator[Any]:
    """The keyring, whose errors say what cannot be done with it."""
    import keyring  # noqa: PLC0415  an extra, and slow to import

    try:
        yield keyring
    except keyring.errors.KeyringError as error:
        raise TokenError(f"the keyring cannot be {what}: {type(error).__name__}: {error}") from None
