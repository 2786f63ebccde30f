"""The Python client of Payt's contacts API: complete listings or a clear error, sync and async.

import payt

with payt.Client("a token") as client:
    for contact in client.contacts.list(administration_id="1"):
        print(contact.lastname)
"""

import typing

from payt_api.models import Contact

from ._version import __version__
from .client import AsyncClient, Client
from .credentials import (
    AuthorizationCode,
    ClientCredentials,
    FileTokenStore,
    KeyringTokenStore,
    MemoryTokenStore,
    StaticToken,
    Token,
    TokenStore,
    login,
)
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


def __getattr__(name: str) -> typing.Any:
    """What the extra `sql` brings, imported when it is used; `from payt import *` leaves it out."""
    if name not in ("SQLTokenStore", "async_sync", "sync"):
        raise AttributeError(f"module 'payt' has no attribute {name!r}")
    from . import sql  # noqa: PLC0415 - what it imports may be missing

    return getattr(sql, name)
