"""The Python client of Payt's contacts API: complete listings or a clear error, sync and async.

import payt

with payt.Client("a token") as client:
    for contact in client.contacts.list(administration_id="1"):
        print(contact.lastname)
"""

import importlib
import typing

from payt_api.models import Contact

from ._version import __version__
from .client import AsyncClient, Client
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
from .many import AsyncManyPager, ManyPager
from .pager import AsyncPager, Page, Pager

if typing.TYPE_CHECKING:
    from .credentials import (
        AuthorizationCode,
        ClientCredentials,
        FileTokenStore,
        KeyringTokenStore,
        MemoryTokenStore,
        StaticToken,
        Token,
        TokenStore,
    )
    from .credentials.login import login
    from .sql import SQLTokenStore as SQLTokenStore
    from .sql import async_sync as async_sync
    from .sql import sync as sync

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
    "FileTokenStore",
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
    "RateLimitError",
    "ServerError",
    "StaticToken",
    "Token",
    "TokenError",
    "TokenStore",
    "TransportError",
    "__version__",
    "login",
]


_CREDENTIALS, _SQL = ".credentials", ".sql"
_LATER = {
    "AuthorizationCode": _CREDENTIALS,
    "ClientCredentials": _CREDENTIALS,
    "FileTokenStore": _CREDENTIALS,
    "KeyringTokenStore": _CREDENTIALS,
    "MemoryTokenStore": _CREDENTIALS,
    "SQLTokenStore": _SQL,
    "StaticToken": _CREDENTIALS,
    "Token": _CREDENTIALS,
    "TokenStore": _CREDENTIALS,
    "async_sync": _SQL,
    "login": _CREDENTIALS,
    "sync": _SQL,
}
"""What is imported when it is used: credentials, which take a while, and what the extra `sql` brings, which may be
missing; `from payt import *` leaves the latter out."""


def __getattr__(name: str) -> typing.Any:
    if name not in _LATER:
        raise AttributeError(f"module 'payt' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
