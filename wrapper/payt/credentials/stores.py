"""Tokens as they are kept, what a store of them must do, and the one that keeps them in memory."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NoReturn, Protocol, runtime_checkable

import attrs

from ..errors import TokenError

log = logging.getLogger("payt")


@attrs.frozen
class Token:
    """An access token, and what belongs to it. What is secret is not in its repr.

    Only plain values: `msgspec.json.encode(token)` and `msgspec.json.decode(text, type=payt.Token)`, or
    `attrs.asdict(token)` and `payt.Token(**values)`, bring one into any database and back.

    Attributes:
        access_token: What requests carry; "" where an answer held a refresh token alone.
        refresh_token: What gets the next token; None if there is none. Each works once.
        scope: What the token allows, separated by spaces; None if that is not known.
        obtained_at: When it was obtained, in seconds since 1970.
        expires_at: When it expires, in seconds since 1970; None if it never does.
        origins: Digests of the refresh tokens that were handed to this login from outside; None where it was kept by a
            version that took no note of them.
        refused: Whether Payt is known to refuse the refresh token.
    """

    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)
    scope: str | None = None
    obtained_at: float = 0.0
    expires_at: float | None = None
    origins: tuple[str, ...] | None = attrs.field(
        default=None, repr=False, converter=attrs.converters.optional(tuple[str, ...])
    )
    refused: bool = attrs.field(default=False, repr=False)

    def is_due(self, now: float, early: float) -> bool:
        """Whether it should be renewed: from `early` seconds before its end, or half its life if that is shorter."""
        if self.expires_at is None:
            return False
        life = self.expires_at - self.obtained_at
        return now >= self.expires_at - (early if early < life else life / 2)


NO_TOKEN: Final = Token("")
"""What stands for a login that a store has nothing of."""


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

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a MemoryTokenStore cannot be pickled: keep tokens in a FileTokenStore, or in a SQLTokenStore for several "
            "machines"
        )

    def __repr__(self) -> str:
        return f"payt.MemoryTokenStore() of {len(self._tokens)}"


def digest_of(refresh_token: str) -> str:
    """What a refresh token is recognized by, without being kept."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()[:24]


def say_once(text: str, why: object = "") -> None:
    """Log a warning, once in a process."""
    if text not in said:
        said.add(text)
        log.warning("tokens: %s", f"{text}: {why}" if why else text)


said: set[str] = set()
