"""The two ways to get tokens from Payt by OAuth2: what a user states, and what is sent for it."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any, ClassVar

import attrs
from attrs.validators import optional

from .. import checks
from ..errors import LoginRequiredError, TokenError
from .stores import NO_TOKEN, Token, TokenStore, digest_of

REFRESH_EARLY = 60.0


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {type(value).__name__}")
    if not value or value != value.strip():
        raise ValueError(f"{name} must not be empty, nor begin or end with white space")


def _store(_name: str, value: Any) -> None:
    if not isinstance(value, TokenStore):
        raise TypeError(f"store must have the methods load, save, delete and lock; {type(value).__name__} does not")


@attrs.frozen(init=False, eq=False, repr=False)
class _Application:
    """What both ways have in common."""

    client_id: str = attrs.field(validator=checks.of_field(_text))
    client_secret: str = attrs.field(repr=False, validator=checks.of_field(_text))
    store: TokenStore | None = attrs.field(default=None, validator=optional(checks.of_field(_store)))
    refresh_early: float = attrs.field(
        default=REFRESH_EARLY, kw_only=True, validator=checks.of_field(checks.seconds, least=0)
    )


@checks.showing_no_arguments
@attrs.frozen
class ClientCredentials(_Application):
    """The application's own access: no person logs in. Payt allows it to the company that owns the application.

    The client gets a token once, stores it, and gets a new one when Payt refuses it. If it cannot be stored, each
    process gets its own.

    Args:
        client_id: The application's id.
        client_secret: Its secret. It is in no repr.
        store: Where the token is kept; None is `FileTokenStore()`.
        scope: The scopes to ask for, separated by spaces; None takes those of the application.
        refresh_early: How many seconds before it expires a token is renewed, if it expires.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument is empty, or not finite.
    """

    name: ClassVar[str] = "client_credentials"
    spends: ClassVar[bool] = False
    account: ClassVar[str | None] = None
    refresh_token: ClassVar[str | None] = None

    scope: str | None = attrs.field(default=None, kw_only=True, validator=optional(checks.of_field(_text)))

    def asks(self, _held: Token, _where: str) -> dict[str, str]:
        """The request for the next token."""
        return {"grant_type": self.name, **({} if self.scope is None else {"scope": self.scope})}

    def kept(self, new: Token, _held: Token, _asked: Mapping[str, str]) -> Token:
        """What to keep of a token that came: all but a refresh token, which this grant has no use for."""
        return attrs.evolve(new, refresh_token=None)


@checks.showing_no_arguments
@attrs.frozen
class AuthorizationCode(_Application):
    """The access of a person who logged in: by `payt login`, or `payt.login(...)`.

    A refresh token works once; Payt answers with the next one. So the tokens are in a store that all tools share, and
    one of them at a time renews the token for all.

    Args:
        client_id: The application's id.
        client_secret: Its secret. It is in no repr.
        store: Where the tokens are kept; None is `FileTokenStore()`.
        refresh_token: What to start with if the store is empty, or has a login that Payt refuses; None is
            `PAYT_REFRESH_TOKEN` from the environment, if it is set. It is used once. If the store has a working login
            that did not start with it, that is an error. It is in no repr.
        refresh_early: How many seconds before it expires an access token is renewed.
        account: The name of the login, if several people or companies log in to one application, such as "acme".
            None is `PAYT_ACCOUNT` from the environment, if it is set, else the login without a name.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument is empty, or not finite.
    """

    name: ClassVar[str] = "authorization_code"
    spends: ClassVar[bool] = True
    scope: ClassVar[str | None] = None

    refresh_token: str | None = attrs.field(default=None, repr=False, validator=optional(checks.of_field(checks.token)))
    account: str | None = attrs.field(default=None, kw_only=True, validator=optional(checks.of_field(_text)))

    def begins(self, held: Token) -> bool:
        """Whether the next token is asked for with `refresh_token`: it is new, and no stored one works."""
        is_new = self.refresh_token is not None and digest_of(self.refresh_token) not in (held.origins or ())
        return is_new and (held.refresh_token is None or held.refused)

    def asks(self, held: Token, where: str) -> dict[str, str]:
        """The request for the next token.

        Raises:
            LoginRequiredError: There is nothing to ask with.
        """
        refresh_token = self.refresh_token if self.begins(held) else held.refresh_token
        if refresh_token is None:
            what = "nobody has logged in" if held == NO_TOKEN else "the login has expired, and has no refresh token"
            raise LoginRequiredError(
                f"{what} to {where} with the client id {self.client_id!r}: run {login_command(self.account)} "
                "(in Python: payt.login, with the same store)"
            )
        return {"grant_type": "refresh_token", "refresh_token": refresh_token}

    def kept(self, new: Token, held: Token, asked: Mapping[str, str]) -> Token:
        """What to keep of a token that came: what its answer leaves out stays as it was (RFC 6749, section 6)."""
        used = asked["refresh_token"]
        if used != held.refresh_token:
            held = Token("", origins=(*(held.origins or ()), digest_of(used)))
        refresh_token, scope = new.refresh_token or used, new.scope or held.scope
        return attrs.evolve(new, refresh_token=refresh_token, scope=scope, origins=held.origins)


Grant = ClientCredentials | AuthorizationCode


def login_command(account: str | None) -> str:
    """What a person types to log in."""
    return f"payt login --account {quote(account)}" if account else "payt login"


def owns(grant: Grant, token: Token) -> bool:
    """Whether a stored login is the one that `refresh_token` belongs to, as far as is known."""
    return grant.refresh_token is None or token.origins is None or digest_of(grant.refresh_token) in token.origins


def another_login(grant: Grant) -> TokenError:
    """The error for a stored login that is not the one that `refresh_token` belongs to."""
    account = "" if grant.account is None else f" of {grant.account!r}"
    return TokenError(
        f"the stored login{account} started with another refresh token than yours, PAYT_REFRESH_TOKEN (in Python: "
        "refresh_token=), and still works: give each login a name, PAYT_ACCOUNT (in Python: account=), leave out the "
        "refresh token to use the stored login, or log out first: payt logout (in Python: payt.logout, "
        "with the same store)"
    )


class ForeignAddressError(TokenError):
    """Somebody came to an address that does not belong to this login, and so does not end it."""
