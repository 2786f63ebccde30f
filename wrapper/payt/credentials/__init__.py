"""Where tokens come from, and how they get into requests: a grant, a store, the token endpoint, the token cache."""

from .auth import Credentials, EnvToken, StaticToken, TokenSource, auth_of
from .file_store import FileTokenStore
from .grants import AuthorizationCode, ClientCredentials
from .keyring_store import KeyringTokenStore
from .login import login
from .stores import MemoryTokenStore, TokenStore
from .token import Token

__all__ = [
    "AuthorizationCode",
    "ClientCredentials",
    "Credentials",
    "EnvToken",
    "FileTokenStore",
    "KeyringTokenStore",
    "MemoryTokenStore",
    "StaticToken",
    "Token",
    "TokenSource",
    "TokenStore",
    "auth_of",
    "login",
]
