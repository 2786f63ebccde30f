"""Where tokens come from, and how they get into requests. Everything here ends in an `httpx.Auth`."""

from .bearer import StaticToken, TokenSource
from .resolve import Credentials, auth_of

__all__ = ["Credentials", "StaticToken", "TokenSource", "auth_of"]
