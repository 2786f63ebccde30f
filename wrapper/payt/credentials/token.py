"""A token as it is kept: plain data, with its moments in unix time."""

from __future__ import annotations

import hashlib

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


def digest_of(refresh_token: str) -> str:
    """What a refresh token is recognized by, without being kept."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()[:24]
