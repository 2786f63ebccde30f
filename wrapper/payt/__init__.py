"""The Python client of Payt's contacts API: complete listings or a clear error, sync and async.

import payt

with payt.Client("a token") as client:
    for contact in client.contacts.list(administration_id="1"):
        print(contact.lastname)
"""

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
