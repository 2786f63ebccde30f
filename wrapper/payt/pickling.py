"""Clients and pagers that travel to other processes: as settings. Tokens stay behind.

Credentials travel by reference: what the environment holds is read anew where they arrive, and a login is found in its
store. A token itself would end up in task queues, logs and dumps, and so is refused.
"""

from __future__ import annotations

import importlib
import pickle
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

import attrs
import httpx

from .credentials import AuthorizationCode, ClientCredentials, MemoryTokenStore
from .forks import PerProcess

if TYPE_CHECKING:
    from .pager import AsyncPager, Listing, Pager


@attrs.frozen
class Recipe:
    """What a client was made with.

    Attributes:
        kind: `payt.Client` or `payt.AsyncClient`.
        credentials: As they were given.
        settings: All other arguments.
    """

    kind: type
    credentials: Any = attrs.field(repr=False)
    settings: dict[str, Any] = attrs.field(repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """By reference.

        Raises:
            TypeError: Something cannot travel; the message says what to do.
        """
        parts = self.kind, _travelling(self.credentials), _checked(self.settings)
        # by Python's own pickle: others, as Dask's, put functions into it, and with them what these hold
        return _recipe, (pickle.dumps(parts),)

    def make(self) -> Any:
        """Make the client anew."""
        return self.kind(self.credentials, **self.settings)


def _recipe(parts: bytes) -> Recipe:
    return Recipe(*pickle.loads(parts))  # noqa: S301 - in a pickle already


def restore_client(recipe: Recipe) -> Any:
    """The client, in another process."""
    return recipe.make()


def reduce_pager(pager: Pager[Any] | AsyncPager[Any], session: Any, listing: Listing, prefetch: int) -> tuple[Any, ...]:
    """What a pager is pickled as: its client's recipe, and what it lists.

    Raises:
        TypeError: Its client cannot be pickled.
    """
    recipe = getattr(session, "recipe", None)
    if recipe is None:
        raise TypeError("only the pagers of a payt.Client or payt.AsyncClient can be pickled")
    fields = {field.name: getattr(listing, field.name) for field in attrs.fields(type(listing))}
    operation = fields.pop("operation").__name__
    return restore_pager, (type(pager), type(listing), pickle.dumps(recipe), operation, fields, prefetch)


def restore_pager(
    kind: Any, listing: Any, recipe: bytes, operation: str, fields: dict[str, Any], prefetch: int
) -> Pager[Any] | AsyncPager[Any]:
    """The pager, in another process."""
    shared = kind.__name__ == "Pager"
    api: Any
    try:
        made: Any = _shared_client(recipe) if shared else pickle.loads(recipe).make()  # noqa: S301 - in a pickle already
        api = made.contacts._api  # noqa: SLF001 - ours
    except ValueError as error:
        api = _Missing(error)
    listing = listing(operation=importlib.import_module(operation), **fields)
    restored: Pager[Any] | AsyncPager[Any] = kind(api, listing, prefetch=prefetch)
    return restored


class _Missing:
    """Stands for a client that could not be made here, for want of a token say.

    The error comes when the pager is used: a pool whose worker cannot read its task waits for it for ever.
    """

    def __init__(self, error: ValueError) -> None:
        self._error = error

    def get_httpx_client(self) -> Any:
        raise self._error

    get_async_httpx_client = get_httpx_client


_clients: PerProcess[tuple[threading.Lock, dict[bytes, Any]]] = PerProcess(lambda: (threading.Lock(), {}))


def _shared_client(recipe: bytes) -> Any:
    """One client for all pagers that arrive in this process with the same settings: they share its connections."""
    lock, clients = _clients.get()
    with lock:
        if recipe not in clients:
            clients[recipe] = pickle.loads(recipe).make()  # noqa: S301 - in a pickle already
        return clients[recipe]


def _travelling(credentials: Any) -> Any:
    if credentials is None or _has_a_name(credentials):
        return credentials
    if isinstance(credentials, (AuthorizationCode, ClientCredentials)):
        if isinstance(credentials.store, MemoryTokenStore):
            raise TypeError(
                "a client whose tokens are in a MemoryTokenStore cannot be pickled: keep them in a FileTokenStore, or "
                "in a SQLTokenStore for several machines"
            )
        if isinstance(credentials, AuthorizationCode):
            return attrs.evolve(credentials, refresh_token=None)  # where it is not spent, the store gets it first
        return credentials
    raise TypeError(
        "a client with a token of its own cannot be pickled, as the token would travel along: set PAYT_TOKEN in the "
        "environment of all processes and pass no credentials, or pass a function of a module, or a login in a store"
    )


def _has_a_name(function: Any) -> bool:
    """Whether it is a function that is found by its module's name; another one may hold a token."""
    if not isinstance(function, types.FunctionType):
        return False
    return getattr(sys.modules.get(function.__module__), function.__qualname__, None) is function


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    for name, value in settings.items():
        if name == "transport" and value is not None:
            raise TypeError("a client with a transport of its own cannot be pickled: make it where it is used")
        if name == "verify" and not isinstance(value, bool):
            raise TypeError(
                "a client with an SSLContext cannot be pickled: make it where it is used, or pass verify=True and name "
                "the authority in SSL_CERT_FILE"
            )
        if name == "proxy" and value is not None and (not isinstance(value, str) or httpx.URL(value).userinfo):
            raise TypeError(
                "a client with a proxy that has a password cannot be pickled: name the proxy in HTTPS_PROXY instead"
            )
    return settings
