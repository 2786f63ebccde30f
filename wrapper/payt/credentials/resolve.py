"""From the `credentials` argument, or the environment in its place, to an `httpx.Auth`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import httpx

from .bearer import BearerAuth, StaticToken, TokenSource, checked_token

Credentials: TypeAlias = str | StaticToken | TokenSource | httpx.Auth
"""What `payt.Client(credentials)` takes."""


def auth_of(credentials: Credentials | None, environment: Mapping[str, str]) -> httpx.Auth:
    """How requests are authorized.

    Args:
        credentials: A token, a StaticToken, a callable that returns a token, any httpx.Auth; None takes the
            environment's `PAYT_TOKEN`.
        environment: Usually `os.environ`.

    Raises:
        TypeError: It is nothing that credentials can be.
        ValueError: A token is empty or no token, or none is given anywhere.
    """
    if credentials is None:
        if not environment.get("PAYT_TOKEN"):
            raise ValueError("no credentials: pass a token to payt.Client(...), or set PAYT_TOKEN in the environment")
        credentials = StaticToken(checked_token("PAYT_TOKEN", environment["PAYT_TOKEN"]))
    if isinstance(credentials, str):
        credentials = StaticToken(checked_token("credentials", credentials))
    match credentials:
        case StaticToken(token=token):
            return BearerAuth(lambda: token)
        case httpx.Auth():
            return credentials
        case _ if callable(credentials):
            return BearerAuth(credentials)
        case _:
            raise TypeError(
                "credentials must be a token, a StaticToken, a callable that returns a token, an httpx.Auth or None, "
                f"got {type(credentials).__name__}"
            )
