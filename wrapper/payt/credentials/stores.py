"""Where tokens are kept: what a store must do, and the one that keeps them in memory."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable

from ..errors import TokenError
from .token import Token

log = logging.getLogger("payt")


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
        """What was saved last under this key; None if nothing was.

        If something is there but cannot be read, raise an error: None would let it be overwritten.
        """
        ...

    def save(self, key: str, token: Token) -> None:
        """Keep a token in place of the one before, whole or not at all. When this returns, it must be safe.

        A refresh token works once: losing the next one locks everybody out until a person logs in. So what is stored,
        or `Token("")` if nothing is, is saved before each use, to see that saving works.
        """
        ...

    def delete(self, key: str) -> None:
        """Forget what was saved under this key, if anything was."""
        ...

    def lock(self, key: str) -> AbstractContextManager[object]:
        """Keep all others out, threads and processes that use the same tokens, until the `with` block is left.

        It must also be released when the process that holds it dies. It is held for one request for a token: raise an
        error rather than wait for longer than a minute or two.
        """
        ...


class MemoryTokenStore:
    """Keeps tokens for as long as the process lives. For tests, and for tools that begin with a token each time.

    A forked process has a copy of them. If its parent was renewing one, using the copy raises a TokenError.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[tuple[str, int], threading.Lock] = {}  # by key and process

    def load(self, key: str) -> Token | None:
        """As `TokenStore.load`."""
        return self._tokens.get(key)

    def save(self, key: str, token: Token) -> None:
        """As `TokenStore.save`."""
        self._tokens[key] = token

    def delete(self, key: str) -> None:
        """As `TokenStore.delete`."""
        self._tokens.pop(key, None)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """As `TokenStore.lock`.

        Raises:
            TokenError: This process was forked while its parent held the lock, which nobody here can release.
        """
        mine = key, os.getpid()
        if any(lock.locked() for name, lock in [*self._locks.items()] if name[0] == key and name != mine):
            raise TokenError(
                "this process was forked while its parent was renewing the token in memory: to share tokens between "
                "processes, use a payt.FileTokenStore"
            )
        with self._locks.setdefault(mine, threading.Lock()):
            yield

    def __repr__(self) -> str:
        return f"payt.MemoryTokenStore() of {len(self._tokens)}"


def say_once(text: str, why: object = "") -> None:
    """Log a warning, once in a process."""
    if text not in said:
        said.add(text)
        log.warning("tokens: %s", f"{text}: {why}" if why else text)


said: set[str] = set()
