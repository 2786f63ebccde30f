"""One stored connection, shared by everything in the process that uses it: one request for a token at a time.

Whoever needs a token takes the one that is known. Where that will not do, one thread is started, and all who need the
token wait for what it brings. The thread

1. looks into the store, where another process may have put a better one;
2. takes the store's lock, and looks again;
3. asks for a new token only if the store still holds the one that will not do;
4. keeps it, and only then gives it out.

It is a thread even for asyncio, and nobody's own: a request for a token that was sent must be waited for and its answer
kept, whatever becomes of those who wait. A cancelled task, a deadline, Ctrl-C, a loop that is left and the end of an
event loop would otherwise each lose a login. So the thread has nothing of the one that needs the token, neither its
context (of a deadline, say) nor its being a daemon, and the program ends when the answer is kept.
"""

from __future__ import annotations

import atexit
import copy
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import httpx

from ..errors import PaytError, TokenError
from ..transport import clock
from ..transport.process import PerProcess
from .endpoint import Asking, Endpoint, Network
from .grants import Grant
from .stores import TokenStore, key_of
from .token import Token

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger("payt")

PATIENCE: Final = 10.0
"""Seconds for which nobody tries again to renew early what is still good."""


@attrs.frozen(repr=False)
class Wanted:
    """A token that will do.

    Attributes:
        refused: Access tokens that will not.
        may_ask: Whether a new one may be asked for, or only be looked for in the store.
    """

    refused: frozenset[str] = frozenset()
    may_ask: bool = True


@attrs.frozen(repr=False)
class Found:
    """What was found.

    Attributes:
        token: None where there is none that will do.
        asked: Whether it is new, from the token endpoint.
    """

    token: Token | None
    asked: bool = False


@attrs.frozen
class Renewal:
    """How a token is got, by one client.

    Attributes:
        grant: What for.
        endpoint: Where.
        network: By what way.
    """

    grant: Grant
    endpoint: Endpoint
    network: Network


Flight: TypeAlias = "Future[Found | PaytError]"
"""A search for a token that is under way. It ends with an error as its result, which nobody has to fetch."""


class Connection:
    """A connection, as the stores know it by its key.

    Args:
        store: Where its token is kept.
        key: Its name there.
    """

    def __init__(self, store: TokenStore, key: str) -> None:
        self.store = store
        self.key = key
        self._token: Token | None = None
        self._unsaved: tuple[Token | None, Token] | None = None
        self._refused: deque[str] = deque(maxlen=16)
        self._patient_until = float("-inf")

    def ready(self, wanted: Wanted, early: float) -> Token | None:
        """The known token, if it will do. Waits for nothing."""
        token = self._token
        if token is None or not self._will_do(token, wanted):
            return None
        if token.is_due(time.time(), early) and clock.now() >= self._patient_until:
            return None
        return token

    def refuse(self, access_token: str) -> None:
        """Payt does not take this token: from now on it will not do for anybody."""
        if access_token not in self._refused:
            self._refused.append(access_token)

    def take(self, token: Token) -> None:
        """Here is a new token, which is in the store already."""
        self._token = token
        if token.access_token in self._refused:
            self._refused.remove(token.access_token)  # given out anew: Payt must know what it does

    def replace(self, endpoint: Endpoint, network: Network, body: Mapping[str, str]) -> Token | PaytError:
        """Ask for a token by a grant that is not in the store, and keep it in place of what is there.

        An error is returned, so that its traceback shows nothing of what is going on in here.
        """
        try:
            with endpoint.reached(network) as ask, self.store.lock(self.key):
                token = ask(body)
                self._unsaved = None
                self.store.save(self.key, token)
                self.take(token)
                return token
        except Exception as error:  # noqa: BLE001  it is returned
            return self._told(error, endpoint.client_secret)

    def search(self, wanted: Wanted, renewal: Renewal) -> tuple[Flight, bool]:
        """The search that is under way, or else a new one, and whether it is new: only then it knows what is wanted.

        Raises:
            TokenError: No search can begin any more, as the program is ending.
        """
        from concurrent.futures import Future  # noqa: PLC0415  `import payt` need not take the time

        own = _searches.get()
        with own.lock:
            if self in own.flights:
                return own.flights[self], False
            if own.ended:
                raise TokenError("no token is asked for any more: the program is ending")
            flight: Flight = Future()
            flight.set_running_or_notify_cancel()  # who waits for it cannot cancel it
            run, arguments = Context().run, (self._run, flight, wanted, renewal)
            try:
                threading.Thread(target=run, args=arguments, name="payt-token", daemon=False).start()
            except RuntimeError as error:  # when a program is ending, newer versions of Python start none
                raise TokenError(f"no token was asked for: {error}") from None
            own.flights[self] = flight
            return flight, True

    def _run(self, flight: Flight, wanted: Wanted, renewal: Renewal) -> None:
        result: Found | PaytError
        try:
            result = self._find(wanted, renewal)
        except BaseException as error:  # noqa: BLE001  somebody waits for it
            result = self._told(error, renewal.endpoint.client_secret)
        own = _searches.get()
        with own.lock:
            own.flights.pop(self, None)  # before anybody wakes up, and finds that this one will not do
        flight.set_result(result)

    def _find(self, wanted: Wanted, renewal: Renewal) -> Found:
        held = self.store.load(self.key)
        if self._unsaved is None and held is not None and self._is_good(held, wanted, renewal):
            return self._found(held)
        with renewal.endpoint.reached(renewal.network) as ask, self.store.lock(self.key):
            held = self._save_what_is_left(self.store.load(self.key))
            if held is not None and self._is_good(held, wanted, renewal):
                return self._found(held)
            if not wanted.may_ask:
                return Found(None)  # and, as the lock is held, nobody is about to put another one there
            return self._renew(ask, held, wanted, renewal)

    def _renew(self, ask: Asking, held: Token | None, wanted: Wanted, renewal: Renewal) -> Found:
        grant = renewal.grant
        try:
            token = grant.kept(ask(grant.asks(held, str(renewal.endpoint.base_url))), held)
        except TokenError as error:
            if held is None or not self._will_do(held, wanted) or held.is_due(time.time(), 0):
                raise
            log.warning("the token could not be renewed early: %s", error)
            self._patient_until = clock.now() + PATIENCE
            return self._found(held)
        self._save(held, token)
        log.info("a new token was got (%s)", grant.grant)
        self.take(token)
        return Found(token, asked=True)

    def _found(self, token: Token) -> Found:
        self._token = token
        return Found(token)

    def _save(self, held: Token | None, token: Token) -> None:
        self._unsaved = (held, token)
        self.store.save(self.key, token)
        self._unsaved = None

    def _save_what_is_left(self, held: Token | None) -> Token | None:
        """Save a token that could not be saved when it came, unless the store got another one since."""
        if self._unsaved is not None:
            before, token = self._unsaved
            if held == before:
                self._save(before, token)
                return token
            self._unsaved = None
        return held

    def _will_do(self, token: Token, wanted: Wanted) -> bool:
        return token.access_token not in wanted.refused and token.access_token not in self._refused

    def _is_good(self, token: Token, wanted: Wanted, renewal: Renewal) -> bool:
        is_due = wanted.may_ask and token.is_due(time.time(), renewal.grant.refresh_early)
        return self._will_do(token, wanted) and not is_due

    def _told(self, error: BaseException, client_secret: str) -> PaytError:
        """An error as those who wait may see it: without the frames, which hold secrets, of this thread."""
        if isinstance(error, PaytError):
            return copy.copy(error)
        text = f"{type(error).__name__}: {error}"
        for secret in (client_secret, *_secrets_of(self._token, *(self._unsaved or ()))):
            text = text.replace(secret, "[secret]")
        what = "the new token could not be kept" if self._unsaved else "no token could be had"
        return TokenError(f"{what}: {text}")


def raised(error: PaytError) -> PaytError:
    """An error for one of those who waited for it: each needs an own one, as raising writes into it."""
    return copy.copy(error)


def connection_of(grant: Grant, base_url: httpx.URL) -> Connection:
    """The connection that a grant means at an address; the same one wherever the same store is meant."""
    store = store_of(grant)
    key = key_of(base_url, grant.client_id, grant.grant, grant.scope)
    try:
        place: tuple[Any, str] = (store, key)
        hash(place)
    except TypeError:
        place = (id(store), key)  # which nothing else has while the connection holds the store
    with _searches.get().lock:
        return _connections.setdefault(place, Connection(store, key))


def store_of(grant: Grant) -> TokenStore:
    """Where a grant's tokens are kept."""
    if grant.store is not None:
        return grant.store
    from .file_store import FileTokenStore  # noqa: PLC0415  only who keeps tokens in files needs it

    return FileTokenStore()


def _secrets_of(*tokens: Token | None) -> list[str]:
    return [secret for token in tokens if token for secret in (token.access_token, token.refresh_token) if secret]


class _Searches:
    """What is under way in a process.

    Attributes:
        lock: For whoever looks at or changes any of it.
        flights: The search of each connection.
        ended: Whether none may begin any more.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.flights: dict[Connection, Flight] = {}
        self.ended = False


def _end() -> None:
    """When the program ends: wait for what is under way, and begin nothing more, as its answer could not be kept.

    Python itself waits for threads, but not for one that a daemon thread starts after it has done so.
    """
    own = _searches.get()
    with own.lock:
        own.ended = True
        flights = [*own.flights.values()]
    for flight in flights:
        flight.result()


_searches = PerProcess(_Searches)
_connections: weakref.WeakValueDictionary[tuple[Any, str], Connection] = weakref.WeakValueDictionary()
atexit.register(_end)
