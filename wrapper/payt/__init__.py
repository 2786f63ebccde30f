"""The Python client of Payt's contacts API: complete listings or a clear error, sync and async.

import payt

with payt.Client("a token") as client:
    for contact in client.contacts.list(administration_id="1"):
        print(contact.lastname)
"""

import importlib
import sys
import typing

from . import errors as errors
from ._version import __version__
from .errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    InvalidResponseError,
    LoginRequiredError,
    NotFoundError,
    PaginationError,
    PaytError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TokenError,
    TransportError,
)

if typing.TYPE_CHECKING:
    from payt_api.models import Contact

    from . import incremental as incremental
    from .client import AsyncClient, Client
    from .credentials import (
        AuthorizationCode,
        ClientCredentials,
        Credentials,
        EnvToken,
        MemoryTokenStore,
        StaticToken,
        Token,
        TokenStore,
    )
    from .credentials.file_store import FileTokenStore
    from .credentials.keyring_store import KeyringTokenStore
    from .credentials.login import login, logout
    from .listing import AsyncManyPager, AsyncPager, InvalidRecord, ManyPager, Page, Pager
    from .sql import SQLPace as SQLPace
    from .sql import SQLTokenStore as SQLTokenStore
    from .sql import async_sync as async_sync
    from .sql import sync as sync
    from .transport.paces import ProcessPace
    from .transport.signals import hold_signals

__all__ = [
    "APIError",
    "AsyncClient",
    "AsyncManyPager",
    "AsyncPager",
    "AuthenticationError",
    "AuthorizationCode",
    "BadRequestError",
    "Client",
    "ClientCredentials",
    "Contact",
    "Credentials",
    "EnvToken",
    "FileTokenStore",
    "InvalidRecord",
    "InvalidResponseError",
    "KeyringTokenStore",
    "LoginRequiredError",
    "ManyPager",
    "MemoryTokenStore",
    "NotFoundError",
    "Page",
    "Pager",
    "PaginationError",
    "PaytError",
    "PermissionDeniedError",
    "ProcessPace",
    "RateLimitError",
    "ServerError",
    "StaticToken",
    "Token",
    "TokenError",
    "TokenStore",
    "TransportError",
    "__version__",
    "hold_signals",
    "login",
    "logout",
]


_LATER = {
    "payt_api.models": "Contact",
    "payt.client": "AsyncClient Client",
    "payt.credentials": "AuthorizationCode ClientCredentials Credentials EnvToken MemoryTokenStore StaticToken Token "
    "TokenStore",
    "payt.credentials.file_store": "FileTokenStore",
    "payt.credentials.keyring_store": "KeyringTokenStore",
    "payt.credentials.login": "login logout",
    "payt.incremental": "",
    "payt.listing": "AsyncManyPager AsyncPager InvalidRecord ManyPager Page Pager",
    "payt.transport.paces": "ProcessPace",
    "payt.transport.signals": "hold_signals",
    "payt.sql": "SQLPace SQLTokenStore async_sync sync",
}
"""What is imported when it is used. httpx, attrs and msgspec take a moment that who catches an error, or only
asks for the version, need not wait for. What the extra `sql` brings may be missing; `from payt import *` leaves it out.
"""
_MODULE_OF = {name: module for module, names in _LATER.items() for name in names.split()}


def __dir__() -> list[str]:
    """What is public, and what every module has."""
    dunder = (name for name in globals() if name.startswith("__"))
    return sorted({*__all__, *_MODULE_OF, "errors", "incremental", *dunder})


if not typing.TYPE_CHECKING:  # which would take any name then

    def __getattr__(name: str) -> typing.Any:
        if f"payt.{name}" in _LATER:
            return importlib.import_module(f"payt.{name}")
        if name not in _MODULE_OF:
            message = f"module 'payt' has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[__name__])  # Python says which name is near
        value = globals()[name] = getattr(importlib.import_module(_MODULE_OF[name]), name)
        return value
