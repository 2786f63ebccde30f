"""Where tokens come from, and how they get into requests. Everything here ends in an `httpx.Auth`."""

from .bearer import StaticToken, TokenSource
from .resolve import Credentials, auth_of
from .stores import MemoryTokenStore, TokenStore
from .token import Token

__all__ = [
    "Credentials",
    "MemoryTokenStore",
    "StaticToken",
    "Token",
    "TokenSource",
    "TokenStore",
    "auth_of",
]
