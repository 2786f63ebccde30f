"""Where tokens come from, and how they get into requests. Everything here ends in an `httpx.Auth`."""

from .bearer import StaticToken, TokenSource
from .endpoint import Network
from .file_store import FileTokenStore
from .grants import AuthorizationCode, ClientCredentials
from .keyring_store import KeyringTokenStore
from .login import login
from .resolve import Credentials, auth_of
from .stores import MemoryTokenStore, TokenStore
from .token import Token

__all__ = [
    "AuthorizationCode",
    "ClientCredentials",
    "Credentials",
    "FileTokenStore",
    "KeyringTokenStore",
    "MemoryTokenStore",
    "Network",
    "StaticToken",
    "Token",
    "TokenSource",
    "TokenStore",
    "auth_of",
    "login",
]
