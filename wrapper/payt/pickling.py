"""Clients and pagers that travel to other processes: as settings. Tokens stay behind.

Credentials travel by reference: what the environment holds is read anew where they arrive, and a login is found in its
store. A token itself would end up in task queues, logs and dumps, and so is refused.
"""

from __future__ import annotations

import pickle
import sys
import threading
import types
from typing import Any

import attrs
import httpx

from .credentials import AuthorizationCode, ClientCredentials, EnvToken
from .settings import Settings
from .transport.process import PerProcess


@attrs.frozen(eq=False, repr=False)
class Recipe:
    """What a client was made with.

    Attributes:
        kind: `payt.Client` or `payt.AsyncClient`.
        credentials: As they were given.
        settings: All other arguments, the base URL among them: an environment elsewhere must not lead elsewhere.
    """

    kind: type[Any]
    credentials: Any = attrs.field(repr=False)  # which some that show variables go by, whatever the class says
    settings: Settings

    def __reduce__(self) -> tuple[Any, ...]:
        """By reference.

        Raises:
            TypeError: Something cannot travel; the message says what to do.
        """
        # by Python's own pickle: others, as Dask's, put functions into it, and with them what these hold
        return _recipe, (pickle.dumps((self.kind, self._travelling(), _checked(self.settings))),)

    def _travelling(self) -> Any:
        """The credentials as they travel. No variable holds them where that is refused: tracebacks show variables."""
        if isinstance(self.credentials, AuthorizationCode):
            # where it is not spent, the store gets it first
            return attrs.evolve(self.credentials, refresh_token=None)
        if not (
            self.credentials is None
            or isinstance(self.credentials, (EnvToken, ClientCredentials))
            or _has_a_name(getattr(self.credentials, "func", self.credentials))
        ):
            raise TypeError(
                "a client with a token of its own cannot be pickled, as the token would travel along: set PAYT_TOKEN "
                "in the environment of all processes and pass no credentials, or pass payt.EnvToken(NAME), a function "
                "of a module (or functools.partial of one), or a login in a store"
            )
        return self.credentials

    def make(self) -> Any:
        """Make the client anew."""
        return self.like(self.credentials)

    def like(self, credentials: Any, **changes: Any) -> Any:
        """Make a client with these credentials, and all settings but for some changes."""
        changes = {"base_url": str(self.settings.base_url), **changes}
        return self.kind(credentials, **{**attrs.asdict(self.settings, recurse=False), **changes})

    def api(self) -> Any:
        """What a pager that arrived here asks through.

        The pagers of one `Client` share one here too, and so its connections. A client that cannot be made, for want of
        a token say, is an error when the pager is used: a pool whose worker cannot read its task waits for it for ever.
        """
        lock, clients = _clients.get()
        try:
            if not hasattr(self.kind, "__enter__"):  # an AsyncClient belongs to an event loop
                return self.make()._api  # noqa: SLF001  # ours
            _, (key,) = self.__reduce__()
            with lock:
                if key not in clients:
                    clients[key] = self.make()
                return clients[key]._api  # noqa: SLF001  # ours
        except ValueError as error:
            return _Missing(error)


def _recipe(parts: bytes) -> Recipe:
    return Recipe(*pickle.loads(parts))  # noqa: S301 - in a pickle already


class _Missing:
    """Stands for a client that could not be made here."""

    def __init__(self, error: ValueError) -> None:
        self._error = error

    def get_httpx_client(self) -> Any:
        raise self._error

    get_async_httpx_client = get_httpx_client


_clients: PerProcess[tuple[threading.Lock, dict[bytes, Any]]] = PerProcess(lambda: (threading.Lock(), {}))


def _has_a_name(function: Any) -> bool:
    """Whether it is a function that is found by its module's name; another one may hold a token."""
    if not isinstance(function, types.FunctionType):
        return False
    if function.__module__ in ("__main__", "__mp_main__"):
        raise TypeError(
            f"{function.__qualname__} is defined in the script that was started, where other processes cannot find it: "
            "move it to a module"
        )
    return getattr(sys.modules.get(function.__module__), function.__qualname__, None) is function


def _checked(settings: Settings) -> Settings:
    if settings.transport is not None or settings.token_transport is not None:
        raise TypeError("a client with a transport of its own cannot be pickled: create it where it is used")
    if not isinstance(settings.verify, bool):
        raise TypeError(
            "a client with an SSLContext cannot be pickled: create it where it is used, or pass verify=True and name "
            "the authority in SSL_CERT_FILE"
        )
    if settings.proxy is not None and (not isinstance(settings.proxy, str) or httpx.URL(settings.proxy).userinfo):
        raise TypeError(
            "a client with a proxy that has a password cannot be pickled: name the proxy in HTTPS_PROXY instead"
        )
    return settings
