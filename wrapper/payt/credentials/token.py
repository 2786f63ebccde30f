"""A token as it is kept: plain data, with its moments in unix time."""

from __future__ import annotations

import attrs


@attrs.frozen
class Token:
    """An access token, and what belongs to it. What is secret is not in its repr.

    Only plain values: `msgspec.json.encode(token)` and `msgspec.json.decode(text, type=payt.Token)`, or
    `attrs.asdict(token)` and `payt.Token(**values)`, bring one into any database and back.

    Attributes:
        access_token: What requests carry.
        refresh_token: What the next token is got with; None where there is none. Payt takes each for one use.
        scope: What the token allows, separated by spaces; None where that was not said.
        obtained_at: When it was got, in seconds since 1970.
        expires_at: When it ends, in seconds since 1970; None where it never does.
    """

    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)
    scope: str | None = None
    obtained_at: float = 0.0
    expires_at: float | None = None

    def is_due(self, now: float, early: float) -> bool:
        """Whether it should be renewed: from `early` seconds before its end, or half its life if that is shorter."""
        if self.expires_at is None:
            return False
        life = self.expires_at - self.obtained_at
        return now >= self.expires_at - (early if early < life else life / 2)
