"""A token as it is kept: plain data, with its moments in unix time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import attrs


@attrs.frozen
class Token:
    """An access token, and what belongs to it. What is secret is not in its repr.

    Only plain values: `msgspec.json.encode(token)` and `msgspec.json.decode(text, type=payt.Token)`, or
    `attrs.asdict(token)` and `payt.Token(**values)`, bring one into any database and back.

    Attributes:
        access_token: What requests carry; "" where an answer held a refresh token alone.
        refresh_token: What gets the next token; None if there is none. Each works once.
        scope: What the token allows, separated by spaces; None if that is not known.
        obtained_at: When it was obtained, in seconds since 1970.
        expires_at: When it expires, in seconds since 1970; None if it never does.
        origins: Digests of the refresh tokens that were handed to this login from outside; None where it was kept by a
            version that took no note of them.
        refused: Whether Payt is known to refuse the refresh token.
    """

    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)
    scope: str | None = None
    obtained_at: float = 0.0
    expires_at: float | None = None
    origins: tuple[str, ...] | None = attrs.field(
        default=None, repr=False, converter=attrs.converters.optional(tuple[str, ...])
    )
    refused: bool = attrs.field(default=False, repr=False)

    def is_due(self, now: float, early: float) -> bool:
        """Whether it should be renewed: from `early` seconds before its end, or half its life if that is shorter."""
        if self.expires_at is None:
            return False
        life = self.expires_at - self.obtained_at
        return now >= self.expires_at - (early if early < life else life / 2)


def secrets_of(*tokens: Token | None) -> list[str]:
    """What no text may show of tokens."""
    return [secret for each in tokens if each for secret in (each.access_token, each.refresh_token) if secret]


def digest_of(refresh_token: str) -> str:
    """What a refresh token is recognized by, without being kept."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()[:24]


def checked_token(name: str, token: Any) -> str:
    """A token that a header can carry. The token itself is in no message.

    Raises:
        TypeError: It is not a str.
        ValueError: It is empty, or holds white space or other characters that no token has (RFC 6750, section 2.1).
    """
    if not isinstance(token, str):
        raise TypeError(f"{name} must be a string, got {type(token).__name__}")
    if not token:
        raise ValueError(f"{name} must not be empty")
    if re.match(r"(?i)bearer\s", token):
        raise ValueError(f'{name} begins with "Bearer", which is added to every request: pass the token alone')
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError(
            f"{name} contains white space or characters that tokens never have: does it include a line end?"
        )
    return token


def field_checked(check: Callable[[str, Any], object]) -> Callable[[Any, Any, Any], object]:
    """A check of a named value, as attrs validates a field by it."""
    return lambda _self, field, value: check(field.name, value)
