"""The place of one login in a store: nothing is asked for that could not be kept there, and nothing lost that came."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import httpx

from ..environments import text_of
from ..transport import clock
from .stores import TokenStore, say_once
from .token import Token

SAVING: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to save a new token."""


class Place:
    """The place of one login in a store. Where its token can be had anew, a store that fails is told, and no error."""

    def __init__(self, store: TokenStore, key: str, *, is_precious: bool) -> None:
        self.store = store
        self.key = key
        self.unsaved: tuple[Token | None, Token] | None = None  # what was stored before, and what could not be saved
        self._is_precious = is_precious

    def load(self) -> Token | None:
        """What is stored; None where that is nothing, or an empty token."""
        token = None
        with self._errors():
            token = self.store.load(self.key)
        return token if token is not None and (token.access_token or token.refresh_token) else None

    @contextmanager
    def locked(self) -> Iterator[Token | None]:
        """Keep all others out. What is stored, once what could not be saved is: unless another one came there since."""
        with ExitStack() as stack:
            with self._errors():
                stack.enter_context(self.store.lock(self.key))
            held = self.load()
            if self.unsaved is not None:
                before, token = self.unsaved
                if refresh_token_of(held) == refresh_token_of(before):
                    self.store.save(self.key, token)
                    held = token
                self.unsaved = None
            yield held

    def check(self, held: Token | None) -> None:
        """See that a token can be saved here: what is stored is saved again, or an empty token."""
        if self._is_precious:
            self.store.save(self.key, held or Token(""))

    def save(self, held: Token | None, token: Token) -> None:
        """Save a token that came in place of what is held; that is tried for some seconds."""
        self.unsaved = held, token
        for seconds in SAVING if self._is_precious else ():
            with suppress(Exception):
                self.store.save(self.key, token)
                self.unsaved = None
                return
            clock.current().sleep(seconds)
        with self._errors():
            self.store.save(self.key, token)
        self.unsaved = None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if self._is_precious:
                raise
            say_once("the application's token cannot be stored, so each process gets its own", error)


def key_of(
    base_url: httpx.URL, client_id: str, grant: str, scope: str | None = None, account: str | None = None
) -> str:
    """The key of a login, as `TokenStore` describes it. Two logins never have the same."""
    host = re.sub(r"[^a-z0-9.-]", "_", base_url.host.lower())[:48]
    parts = [text_of(base_url), client_id, grant, *(scope or "").split()]
    if account is not None:
        parts += ["account", "", account]  # no scope is empty
    digest = hashlib.sha256("\n".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
    return f"{host}-{grant}-{digest[:40]}"


def refresh_token_of(token: Token | None) -> str | None:
    """What the next token is got with, if anything."""
    return None if token is None else token.refresh_token
