"""The token cache: gives every request in a process a token of its login, and asks for one new token at a time.

Who needs a token, "give me a token that is none of these (which were refused)", meets one of these cases:

 1. The cache knows one that will do: it is used. Nothing is read, nothing is locked.
 2. A search is under way: its result is waited for.
 3. Else a search begins, in a thread:
    a. The store holds a token that will do, as another process put it there: that one.
    b. It holds none. The store's lock is taken, and the store read again: as in a.
    c. Still none. What the store holds (an empty token where that is nothing) is saved once more, so that what cannot
       be saved is known before a refresh token is spent. Then the token endpoint is asked, the new token saved, and
       only then used.
    d. It cannot be saved: that is tried for some seconds. Then it is an error, but the token is kept for as long as the
       process lives, and saved by the next search, before anything else, or when the program ends.
    e. It is refused ("invalid_grant"): another process may just have used the refresh token and be about to save the
       next one, so the store is read for some seconds. Then a refresh token that was given is tried, if it never was.
       Then it is an error: a person must log in. In this process, what was refused is not sent again.
    f. The renewal fails in another way, and the token is still good, only due: it is used, and for some seconds nobody
       tries again.
    g. The login that the store holds began with another refresh token than the one that was given. It is renewed, to
       see whether it still works. If so, that is an error: two logins want one place. If not, see e.
    h. It is the application's own access, which can be had anew: where the store fails, that is said once, and the
       token is kept here.

The thread is nobody's own: a request for a token that was sent must be waited for and its answer kept, whatever becomes
of those who wait. A cancelled task, a deadline, Ctrl-C, a loop that is left and the end of an event loop would each
lose a login. So the thread has nothing of the one that needs the token, neither its context (of a deadline, say)
nor its being a daemon, and the program ends when the answer is kept.
"""

from __future__ import annotations

import atexit
import copy
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, Final

import attrs

from ..checks import TOKEN
from ..errors import LoginRequiredError, PaytError, TokenError
from ..transport import clock
from ..transport.redaction import without
from ..transport.signals import is_ending, renewing
from .endpoint import TokenEndpoint
from .grants import Grant, another_login, owns
from .searches import Search
from .stores import NO_TOKEN, Token, TokenStore, say_once

log = logging.getLogger("payt")

SAVING: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to save a new token."""
PATIENCE: Final = 10.0
"""Seconds for which nobody tries again to renew early what is still good."""
REREADING: Final = (0.1, 0.2, 0.5, 1.0, 1.0, 1.0, 1.0)
"""Seconds between looks into the store for what another process may be about to save."""
_NEVER: Final = float("-inf")
"""Seconds before its end in which a token is due, for who would take one that has ended."""
_MOST_REFUSED: Final = 16
"""Access tokens that are remembered as refused."""


class TokenCache:
    """The token of one login, as one process knows it."""

    def __init__(self, store: TokenStore, key: str, *, is_precious: bool) -> None:
        self.store, self.key = store, key
        self.unsaved: tuple[Token, Token] | None = None  # what was stored before, and what could not be saved
        self._is_precious = is_precious  # else a token can be had anew, and a store that fails is told, and no error
        self.newest: Token | None = None  # that this process asked for
        self._token = self._held = NO_TOKEN  # what is known to be good, and what was read last
        self._refused: tuple[str, ...] = ()
        self._patient_until = float("-inf")
        self._final: dict[tuple[str | None, ...], PaytError] = {}  # by what nobody need send again

    def ready(self, grant: Grant) -> Token | None:
        """The known token, if it will do. Waits for nothing."""
        early = grant.refresh_early if clock.now() >= self._patient_until else _NEVER
        return self._token if self._will_do(self._token, grant, early) else None

    def refuse(self, token: Token) -> None:
        """Payt does not take this token: from now on it will not do for anybody."""
        if token.access_token not in self._refused:
            self._refused = (*self._refused, token.access_token)[-_MOST_REFUSED:]

    def search(self, grant: Grant, endpoint: TokenEndpoint, may_ask: bool) -> Search:  # noqa: FBT001
        """Look into the store, and ask for a new token where that is allowed. Who knows the same searches once.

        It finds a token, an error, or None if there is no good token.
        """
        find = partial(self._find, grant, endpoint, may_ask=may_ask)
        return self._search(grant, find, grant.client_secret, grant.refresh_token, may_ask, self._refused)

    def replace(self, grant: Grant, ask: Callable[[], Token] | None = None) -> Any:
        """Keep the token that `ask` gets, such as by a code, in place of what is stored, and return it.

        Without `ask`, see only that one could be kept, and return what is stored. An error is returned as well, so that
        its traceback shows nothing of what is going on in here. Who interrupts the wait loses no token.
        """
        return self._search(grant, partial(self._replace, grant, ask), object()).result()

    @property
    def is_kept(self) -> bool:
        """Whether there is something to forget, such as what is stored where nobody can read it."""
        try:
            return self.load() != NO_TOKEN or self.unsaved is not None
        except TokenError:
            return True

    def forget(self) -> bool:
        """Delete what is stored, and know nothing of it any more. Whether there was something."""
        with self.store.lock(self.key):
            was_there = self.is_kept
            self.store.delete(self.key)
            self._token, self._held, self.unsaved = NO_TOKEN, NO_TOKEN, None
        return was_there

    def _search(self, grant: Grant, find: Callable[[], Token | None], *who: Any) -> Search:
        def result() -> Token | PaytError | None:
            try:
                return find()
            except BaseException as error:  # noqa: BLE001  somebody waits for it
                if self.unsaved is not None or self._final:  # no store knows that: it is kept, with the process
                    kept.add(self)
                if isinstance(error, PaytError) and self.unsaved is None:
                    return copy.copy(error)  # without the frames of this thread, which hold secrets
                what = "no token could be obtained" if self.unsaved is None else "the new token could not be saved"
                return TokenError(f"{what}: {self._said(error, grant.client_secret)}")

        return Search((self, *who), result)

    def _find(self, grant: Grant, endpoint: TokenEndpoint, *, may_ask: bool) -> Token | None:
        held, early = self.load(), grant.refresh_early if may_ask else _NEVER
        if self.unsaved is None and self._will_do(held, grant, early):
            return self._know(held)
        with self.locked() as held:
            if self._will_do(held, grant, early):
                return self._know(held)
            if not may_ask:
                return None  # and, as the lock is held, nobody is about to put another one there
            return self._renew(endpoint, grant, held)

    def _replace(self, grant: Grant, ask: Callable[[], Token] | None) -> Token | None:
        with self.locked() as held:
            self._check(held)
            if ask is None:
                return held
            with renewing():
                return self._keep(grant, held, attrs.evolve(ask(), origins=() if held == NO_TOKEN else held.origins))

    def _renew(self, endpoint: TokenEndpoint, grant: Grant, held: Token) -> Token:
        is_good = self._will_do(held, grant, 0)
        try:
            return self._ask(endpoint, grant, held, patient=not is_good)
        except Exception as error:
            if is_good and self.unsaved is None:
                log.warning("the token could not be renewed early: %s", self._said(error, grant.client_secret))
                self._patient_until = clock.now() + PATIENCE
                return self._know(held)
            is_refusal = isinstance(error, LoginRequiredError) and grant.spends
            if not is_refusal or held.refresh_token is None or held.refused:
                raise
            held = attrs.evolve(held, refused=True)
            with suppress(Exception):  # it is only to be told
                self.store.save(self.key, held)
        return self._ask(endpoint, grant, held, patient=True)

    def _ask(self, endpoint: TokenEndpoint, grant: Grant, held: Token, *, patient: bool) -> Token:
        body = grant.asks(held, str(endpoint.base_url))
        what = grant.client_secret, grant.refresh_token, body.get("refresh_token")
        if what in self._final:
            raise copy.copy(self._final[what])
        self._check(held)
        if is_ending():
            raise TokenError("no token was asked for: the program is ending")
        with renewing():
            try:
                new = endpoint.ask(body, patient=patient)
            except LoginRequiredError as error:
                if not grant.spends:
                    raise
                others = self._saved_by_others(grant, held) if patient else None
                if others is not None:
                    return self._know(others)
                self._final[what] = copy.copy(error)
                raise
            return self._keep(grant, held, grant.kept(new, held, body))

    def _keep(self, grant: Grant, held: Token, token: Token) -> Token:
        self._save(held, token)
        log.info("a new token was got (%s)", grant.name)
        if not token.access_token:
            raise TokenError("the token endpoint's answer has a refresh token, which was saved, but no access token")
        # Payt must know what it does
        self._refused = tuple(each for each in self._refused if each != token.access_token)
        self.newest = self._know(token)
        if not owns(grant, token):
            self._final[grant.client_secret, grant.refresh_token, token.refresh_token] = error = another_login(grant)
            raise copy.copy(error)
        return token

    def _saved_by_others(self, grant: Grant, held: Token) -> Token | None:
        for seconds in REREADING:
            token = self.load()
            if token.refresh_token != held.refresh_token and self._will_do(token, grant, _NEVER):
                return token
            clock.current().sleep(seconds)
        return None

    def _know(self, token: Token) -> Token:
        self._token = token
        return token

    def _will_do(self, token: Token, grant: Grant, early: float) -> bool:
        return (
            TOKEN.fullmatch(token.access_token) is not None
            and token.access_token not in self._refused
            and owns(grant, token)
            and not token.is_due(time.time(), early)
        )

    def _said(self, error: BaseException, client_secret: str = "") -> str:
        """What an error says. That of a database may quote the row which it refuses."""
        tokens = self._token, self._held, *(self.unsaved or ())
        secrets = [secret or "" for token in tokens for secret in (token.access_token, token.refresh_token)]
        text = str(error) if isinstance(error, PaytError) else f"{type(error).__name__}: {error}"
        return without(text, (client_secret, *secrets))

    # What it does with its store

    def load(self) -> Token:
        """What is stored, which may be nothing."""
        with self._errors():
            self._held = self.store.load(self.key) or NO_TOKEN
            if self._held.access_token or self._held.refresh_token:
                return self._held
        return NO_TOKEN

    @contextmanager
    def locked(self) -> Iterator[Token]:
        """Keep all others out. What is stored, once what could not be saved is: unless another one came there since."""
        with ExitStack() as stack:
            with self._errors():
                stack.enter_context(self.store.lock(self.key))
            held = self.load()
            if self.unsaved is not None:
                before, token = self.unsaved
                if held.refresh_token == before.refresh_token:
                    self.store.save(self.key, held := token)
                self.unsaved = None
            yield held

    def _check(self, held: Token) -> None:
        """See that a token can be saved: what is stored is saved again, or an empty token."""
        if self._is_precious:
            self.store.save(self.key, held)

    def _save(self, held: Token, token: Token) -> None:
        """Save a token that came in place of what is held; that is tried for some seconds."""
        self.unsaved = held, token
        with self._errors():
            for seconds in SAVING if self._is_precious else ():
                with suppress(Exception):
                    self.store.save(self.key, token)
                    break
                clock.current().sleep(seconds)
            else:
                self.store.save(self.key, token)
        self.unsaved = None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if self._is_precious:
                raise
            say_once("the application's token cannot be stored, so each process gets its own", self._said(error))


def save_what_is_left() -> None:
    """When the program ends: save what could not be saved."""
    for cache in [each for each in kept if each.unsaved is not None]:
        with suppress(Exception), cache.locked():
            pass  # it is saved on the way in


kept: set[TokenCache] = set()
atexit.register(save_what_is_left)
