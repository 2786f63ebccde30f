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

import copy
import logging
import time
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

import attrs
import httpx

from ..errors import LoginRequiredError, PaytError, TokenError
from ..transport import clock
from ..transport.redaction import without
from ..transport.signals import renewing
from .endpoint import TokenEndpoint
from .grants import Grant
from .place import Place, key_of, refresh_token_of
from .searches import say_once, searches
from .stores import MemoryTokenStore
from .token import Token, digest_of

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger("payt")

PATIENCE: Final = 10.0
"""Seconds for which nobody tries again to renew early what is still good."""
REREADING: Final = (0.1, 0.2, 0.5, 1.0, 1.0, 1.0, 1.0)
"""Seconds between looks into the store for what another process may be about to save."""
_NEVER: Final = float("-inf")
"""Seconds before its end in which a token is due, for who would take one that has ended."""

Search: TypeAlias = "Future[Token | PaytError | None]"
"""It ends with an error as its result, which nobody has to fetch; with None if there is no good token."""


class TokenCache:
    """The token of one login, as one process knows it."""

    def __init__(self, place: Place) -> None:
        self.store, self.key = place.store, place.key
        self.place = place
        self.newest: Token | None = None  # that this process asked for
        self._token: Token | None = None
        self._refused: deque[str] = deque(maxlen=16)
        self._patient_until = float("-inf")
        self._refusals: dict[str, PaytError] = {}  # by the digest of what nobody need send again
        self._another = ""  # access token of a login that works, and is not the one that was given

    def ready(self, grant: Grant) -> Token | None:
        """The known token, if it will do. Waits for nothing."""
        early = grant.refresh_early if clock.now() >= self._patient_until else _NEVER
        return self._token if self._will_do(self._token, grant, early) else None

    def refuse(self, token: Token) -> None:
        """Payt does not take this token: from now on it will not do for anybody."""
        if not self.is_refused(token):
            self._refused.append(token.access_token)

    def is_refused(self, token: Token) -> bool:
        """Whether Payt did not take it."""
        return token.access_token in self._refused

    @property
    def must_stay(self) -> bool:
        """Whether it knows what no store does, so that it is to live as long as the process."""
        return self.place.unsaved is not None or bool(self._refusals)

    def search(self, grant: Grant, endpoint: TokenEndpoint, *, may_ask: bool = True) -> tuple[Search, bool]:
        """The search that is under way, or a new one, and whether it is new: only then it knows what was refused last.

        It looks into the store, and asks for a new token where it may.

        Raises:
            TokenError: No search can begin any more, as the program is ending.
        """
        return self._begin(grant, lambda: self._find(grant, endpoint, may_ask=may_ask))

    def try_place(self, grant: Grant) -> Token | PaytError | None:
        """What is stored, when it is known that another token can be; errors are returned, as by `replace`."""
        result: Token | PaytError | None = self._begin(grant, self._tried, who=object())[0].result()
        return result

    def replace(self, grant: Grant, endpoint: TokenEndpoint, body: Mapping[str, str]) -> Token | PaytError:
        """Ask for a token by what is not in the store, such as a code, and keep it in place of what is there.

        An error is returned, so that its traceback shows nothing of what is going on in here. Who interrupts the wait
        loses no token.
        """
        result: Token | PaytError
        result = self._begin(grant, lambda: self._exchange(grant, endpoint, body), who=object())[0].result()
        return result

    def _begin(self, grant: Grant, find: Callable[[], Token | None], who: Hashable = None) -> tuple[Future[Any], bool]:
        def result() -> Token | PaytError | None:
            try:
                return find()
            except BaseException as error:  # noqa: BLE001  somebody waits for it
                return self._told(error, grant.client_secret)
            finally:
                searches.get().keep(self)

        return searches.get().begin((self, who, grant.client_secret, grant.refresh_token), result)

    def _find(self, grant: Grant, endpoint: TokenEndpoint, *, may_ask: bool) -> Token | None:
        held, early = self.place.load(), grant.refresh_early if may_ask else _NEVER
        if self.place.unsaved is None and self._will_do(held, grant, early):
            return self._know(held)
        with self.place.locked() as held:
            if self._will_do(held, grant, early):
                return self._know(held)
            if not may_ask:
                return None  # and, as the lock is held, nobody is about to put another one there
            if held is not None and held.access_token == self._another and not grant.owns(held):
                raise _another_login(grant)
            with renewing():
                return self._renew(endpoint, grant, held)

    def _tried(self) -> Token | None:
        with self.place.locked() as held, self.place.tried(held):
            return held

    def _exchange(self, grant: Grant, endpoint: TokenEndpoint, body: Mapping[str, str]) -> Token:
        with self.place.locked() as held, self.place.tried(held), renewing():
            new = endpoint.ask(body, patient=True)
            return self._keep(grant, held, attrs.evolve(new, origins=() if held is None else held.origins))

    def _renew(self, endpoint: TokenEndpoint, grant: Grant, held: Token | None) -> Token:
        is_good, where = self._will_do(held, grant, 0), str(endpoint.base_url)
        body = grant.asks(held, where)
        try:
            return self._ask(endpoint, grant, held, body, patient=not is_good)
        except Exception as error:
            if is_good and self.place.unsaved is None:
                log.warning("the token could not be renewed early: %s", error)
                self._patient_until = clock.now() + PATIENCE
                return self._know(held)  # type: ignore[arg-type]  # it is good
            if not isinstance(error, LoginRequiredError) or not grant.spends or held is None or held.refused:
                raise
            held = attrs.evolve(held, refused=True)
            with suppress(Exception):  # it is only to be told
                self.store.save(self.key, held)
        return self._ask(endpoint, grant, held, grant.asks(held, where), patient=True)

    def _ask(
        self, endpoint: TokenEndpoint, grant: Grant, held: Token | None, body: Mapping[str, str], *, patient: bool
    ) -> Token:
        spent = digest_of(f"{grant.client_secret} {body.get('refresh_token')}")
        if spent in self._refusals:
            raise copy.copy(self._refusals[spent])
        with self.place.tried(held):
            try:
                new = endpoint.ask(body, patient=patient)
            except LoginRequiredError as error:
                others = self._saved_by_others(grant, held) if patient and grant.spends else None
                if others is not None:
                    return self._know(others)
                if grant.spends:
                    self._refusals[spent] = copy.copy(error)
                raise
            return self._keep(grant, held, grant.kept(new, held, body))

    def _keep(self, grant: Grant, held: Token | None, token: Token) -> Token:
        self.place.save(held, token)
        log.info("a new token was got (%s)", grant.name)
        if not token.access_token:
            raise TokenError("the token endpoint's answer has a refresh token, which was saved, but no access token")
        with suppress(ValueError):
            self._refused.remove(token.access_token)  # given out anew: Payt must know what it does
        self._refusals.clear()
        self.newest = self._know(token)
        if not grant.owns(token):
            self._another = token.access_token
            raise _another_login(grant)
        return token

    def _saved_by_others(self, grant: Grant, held: Token | None) -> Token | None:
        for seconds in REREADING:
            token = self.place.load()
            if refresh_token_of(token) != refresh_token_of(held) and self._will_do(token, grant, _NEVER):
                return token
            clock.current().sleep(seconds)
        return None

    def _know(self, token: Token) -> Token:
        self._token = token
        return token

    def _will_do(self, token: Token | None, grant: Grant, early: float) -> TypeGuard[Token]:
        return (
            token is not None
            and token.access_token != ""
            and not self.is_refused(token)
            and grant.owns(token)
            and not token.is_due(time.time(), early)
        )

    def _told(self, error: BaseException, client_secret: str) -> PaytError:
        """An error as those who wait may see it: without the frames, which hold secrets, of this thread."""
        if isinstance(error, PaytError) and self.place.unsaved is None:
            return copy.copy(error)
        tokens = [token for token in (self._token, *(self.place.unsaved or ())) if token is not None]
        secrets = [secret for token in tokens for secret in (token.access_token, token.refresh_token) if secret]
        text = str(error) if isinstance(error, PaytError) else f"{type(error).__name__}: {error}"
        what = "no token could be obtained" if self.place.unsaved is None else "the new token could not be saved"
        return TokenError(f"{what}: {without(text, (client_secret, *secrets))}")


def cache_of(grant: Grant, base_url: httpx.URL) -> TokenCache:
    """The cache for a grant at an address; the same one wherever the same store is meant.

    Raises:
        TokenError: The user has no folder for tokens, and needs one.
    """
    from .file_store import FileTokenStore  # noqa: PLC0415  only who keeps tokens in files needs it

    try:
        store = FileTokenStore() if grant.store is None else grant.store
    except TokenError as error:
        if grant.spends:
            raise
        say_once(str(error), about="no home")
        store = _nowhere
    key = key_of(base_url, grant.client_id, grant.name, grant.scope, grant.account)
    # what is not hashable has an id that nothing else has while the cache holds it
    identity = (store if isinstance(store, Hashable) else id(store), key)
    with searches.get().lock:
        return _caches.setdefault(identity, TokenCache(Place(store, key, is_precious=grant.spends)))


def _another_login(grant: Grant) -> TokenError:
    account = "" if grant.account is None else f" of {grant.account!r}"
    return TokenError(
        f"the stored login{account} started with another refresh token than yours, PAYT_REFRESH_TOKEN (in Python: "
        "refresh_token=), and still works: give each login a name, PAYT_ACCOUNT (in Python: account=), leave out the "
        "refresh token to use the stored login, or log out first (payt logout)"
    )


_caches: weakref.WeakValueDictionary[Hashable, TokenCache] = weakref.WeakValueDictionary()
_nowhere = MemoryTokenStore()
