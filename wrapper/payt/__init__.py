"""The Python client of Payt's contacts API: complete listings or a clear error, sync and async.

import payt

with payt.Client("a token") as client:
    for contact in client.contacts.list(administration_id="1"):
        print(contact.lastname)
"""

from payt_api.models import Contact

from ._version import __version__
from .client import AsyncClient, Client
from .credentials import StaticToken
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
    "BadRequestError",
    "Client",
    "Contact",
    "InvalidResponseError",
    "LoginRequiredError",
    "ManyPager",
    "NotFoundError",
    "Page",
    "Pager",
    "PaginationError",
    "PaytError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "StaticToken",
    "TokenError",
    "TransportError",
    "__version__",
]
