"""Where tokens come from, and how they get into requests: a grant, a store, the token endpoint, the token cache.

Here is what a client begins with; what only some need is imported where it is used.
"""

from .auth import Credentials, EnvToken, StaticToken, TokenSource, auth_of
from .grants import AuthorizationCode, ClientCredentials
from .stores import MemoryTokenStore, Token, TokenStore

__all__ = [
    "AuthorizationCode",
    "ClientCredentials",
    "Credentials",
    "EnvToken",
    "MemoryTokenStore",
    "StaticToken",
    "Token",
    "TokenSource",
    "TokenStore",
    "auth_of",
]
