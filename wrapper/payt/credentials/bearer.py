"""Tokens that are given: a static one, or whatever a callable returns."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any, TypeAlias

import attrs
import httpx

from ..errors import TokenError

TokenSource: TypeAlias = Callable[[], str | Awaitable[str]]
"""Returns a token each time it is called; may be a coroutine function for `AsyncClient`."""


def checked_token(name: str, token: Any) -> str:
    """A token that a header can carry. The token itself is in no message.

    Raises:
        TypeError: It is no str.
        ValueError: It is empty, or holds white space or other characters that no token has (RFC 6750, section 2.1).
    """
    if not isinstance(token, str):
        raise TypeError(f"{name} must be a string, got {type(token).__name__}")
    if not token:
        raise ValueError(f"{name} must not be empty")
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError(
            f"{name} holds white space or characters that no token has: was it read from a file with its line end?"
        )
    return token


@attrs.frozen
class StaticToken:
    """A token that stays as it is; when Payt refuses it, that is final."""

    token: str = attrs.field(repr=False, validator=lambda _self, _field, value: checked_token("token", value))


class BearerAuth(httpx.Auth):
    """Sends the token that `source` returns for each request (RFC 6750, section 2.1)."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authorize a request of `payt.Client`."""
        token = self._source()
        if inspect.isawaitable(token):
            if inspect.iscoroutine(token):
                token.close()
            raise TypeError(
                "credentials is a coroutine function, which payt.Client cannot wait for: use payt.AsyncClient"
            )
        problem = _authorize(request, token)
        del token  # from the frame, which the traceback of an error shows
        if problem is not None:
            raise TokenError(problem)
        yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorize a request of `payt.AsyncClient`."""
        token = self._source()
        problem = _authorize(request, await token if inspect.isawaitable(token) else token)
        del token  # from the frame, which the traceback of an error shows
        if problem is not None:
            raise TokenError(problem)
        yield request


def _authorize(request: httpx.Request, token: Any) -> str | None:
    """Put a token into a request, or tell what is wrong with it."""
    try:
        request.headers["Authorization"] = f"Bearer {checked_token('the token that credentials() returned', token)}"
    except (TypeError, ValueError) as error:
        return str(error)
    return None
