"""Where tokens are kept: what a store must do, and the one that keeps them in memory."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol, runtime_checkable

import attrs
import httpx

from ..environments import text_of
from ..errors import TokenError
from ..transport.process import PerProcess
from .searches import say_once
from .token import Token


@runtime_checkable
class TokenStore(Protocol):
    """Keeps one token for each login. Any object with these four methods is one.

    A key names a login: the address of the API, the client id, how the token is got, and the account. It is a `str` of
    at most 120 lower-case letters, digits, dots, hyphens and underscores, the same in every process and on every
    machine.

    The methods block. They are never called on the thread of an event loop, and everything from entering `lock` to
    leaving it happens on one thread. What they raise becomes a TokenError.
    """

    def load(self, key: str) -> Token | None:
        """What was saved last under this key; None where nothing was.

        What is there and cannot be read must raise: None would let it be overwritten.
        """
        ...

    def save(self, key: str, token: Token) -> None:
        """Keep a token in place of the one before, whole or not at all. When this returns, it must be safe.

        A refresh token is good for one use: whoever loses the next one locks everybody out until a person logs in.
        """
        ...

    def delete(self, key: str) -> None:
        """Forget what was saved under this key, if anything was."""
        ...

    def lock(self, key: str) -> AbstractContextManager[object]:
        """Keep all others out, threads and processes that use the same tokens, until the `with` block is left.

        It must also be let go when the process that holds it dies. It is held for one request for a token: longer than
        a minute or two nobody should wait for it, but raise. Raise as well where `save` could not succeed: a refresh
        token is spent in the block. (Before it is, what is stored already is saved once more, to see whether it can.)
        """
        ...


class MemoryTokenStore:
    """Keeps tokens for as long as the process lives. For tests, and for tools that begin with a token each time."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: PerProcess[dict[str, threading.Lock]] = PerProcess(dict)

    def load(self, key: str) -> Token | None:
        """As `TokenStore.load`."""
        return self._tokens.get(key)

    def save(self, key: str, token: Token) -> None:
        """As `TokenStore.save`."""
        self._tokens[key] = token

    def delete(self, key: str) -> None:
        """As `TokenStore.delete`."""
        self._tokens.pop(key, None)

    def lock(self, key: str) -> AbstractContextManager[object]:
        """As `TokenStore.lock`."""
        return self._locks.get().setdefault(key, threading.Lock())

    def __repr__(self) -> str:
        return f"payt.MemoryTokenStore() of {len(self._tokens)}"


_NOWHERE = MemoryTokenStore()


def _store_or_memory(store: TokenStore | None) -> TokenStore:
    from .file_store import FileTokenStore  # noqa: PLC0415  only who keeps tokens in files needs it

    try:
        return store or FileTokenStore()
    except TokenError as error:
        say_once("nowhere", str(error))
        return _NOWHERE


@attrs.frozen
class BestEffort:
    """Keeps tokens that can be had anew at any time: in a store, or in memory where that fails, which is said once.

    Args:
        store: The store; None is `FileTokenStore()`.
    """

    store: TokenStore = attrs.field(converter=_store_or_memory)
    _memory: MemoryTokenStore = attrs.field(factory=MemoryTokenStore, eq=False)

    def load(self, key: str) -> Token | None:
        """As `TokenStore.load`; what is in memory is what could not be saved."""
        with self._reaching(key) as store:
            return self._memory.load(key) or store.load(key)
        return None

    def save(self, key: str, token: Token) -> None:
        """As `TokenStore.save`."""
        self._memory.save(key, token)
        with self._reaching(key) as store:
            store.save(key, token)
            self._memory.delete(key)

    def delete(self, key: str) -> None:
        """As `TokenStore.delete`."""
        self._memory.delete(key)
        with self._reaching(key) as store:
            store.delete(key)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """As `TokenStore.lock`."""
        with ExitStack() as stack:
            with self._reaching(key) as store:
                stack.enter_context(store.lock(key))
            yield

    @contextmanager
    def _reaching(self, key: str) -> Iterator[TokenStore]:
        try:
            yield self.store
        except Exception as error:  # noqa: BLE001  whatever a store raises
            what = "the application's token cannot be kept, and is got anew by each process"
            say_once(f"{key} {what}", f"{what}: {error}")


def key_of(
    base_url: httpx.URL, client_id: str, grant: str, scope: str | None = None, account: str | None = None
) -> str:
    """The key of a login, as `TokenStore` describes it. Two logins never have the same.

    Args:
        base_url: The address of the API.
        client_id: Of the application.
        grant: How the token is got: "authorization_code" or "client_credentials".
        scope: The scopes that are asked for, where they are part of what is logged in to.
        account: Whose login it is, where it has a name.
    """
    host = re.sub(r"[^a-z0-9.-]", "_", base_url.host.lower())[:48]
    parts = [text_of(base_url), client_id, grant, *(scope or "").split()]
    if account is not None:
        parts += ["account", "", account]  # no scope is empty
    digest = hashlib.sha256("\n".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
    return f"{host}-{grant}-{digest[:40]}"
