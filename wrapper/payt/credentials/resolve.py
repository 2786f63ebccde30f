"""From the `credentials` argument, or the environment in its place, to an `httpx.Auth`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs
import httpx

from .bearer import BearerAuth, StaticToken, TokenSource, checked_token
from .endpoint import Network
from .grants import AuthorizationCode, ClientCredentials, Grant
from .oauth import OAuthAuth
from .shared import connection_of

Credentials: TypeAlias = str | StaticToken | ClientCredentials | AuthorizationCode | TokenSource | httpx.Auth
"""What `payt.Client(credentials)` takes."""

WAYS = """\
no credentials. Pass one of these to payt.Client(...):
  a token, or payt.StaticToken(token)
  payt.AuthorizationCode(client_id, client_secret)    after somebody has logged in: payt login
  payt.ClientCredentials(client_id, client_secret)    for the company that owns the application
or set in the environment:
  PAYT_TOKEN
  PAYT_CLIENT_ID and PAYT_CLIENT_SECRET, and PAYT_REFRESH_TOKEN if there is no stored login yet"""


def auth_of(
    credentials: Credentials | None, environment: Mapping[str, str], base_url: httpx.URL, network: Network
) -> httpx.Auth:
    """How requests are authorized.

    Args:
        credentials: A token, a StaticToken, a grant, a callable that returns a token, any httpx.Auth; None takes what
            the environment holds.
        environment: Usually `os.environ`.
        base_url: The address of the API, to which a grant's tokens belong.
        network: How the token endpoint is reached.

    Raises:
        TypeError: It is nothing that credentials can be.
        ValueError: A token is empty or no token, or none is given anywhere.
        TokenError: Whether there is a stored login cannot be told.
    """
    if credentials is None:
        credentials = _in_environment(environment, base_url)
    if isinstance(credentials, str):
        credentials = StaticToken(checked_token("credentials", credentials))
    match credentials:
        case StaticToken(token=token):
            return BearerAuth(lambda: token)
        case ClientCredentials():
            return OAuthAuth(credentials, base_url, network)
        case AuthorizationCode():
            return OAuthAuth(_begun(credentials, environment), base_url, network)
        case httpx.Auth():
            return credentials
        case _ if callable(credentials):
            return BearerAuth(credentials)
        case _:
            raise TypeError(
                "credentials must be a token, a StaticToken, ClientCredentials, AuthorizationCode, a callable that "
                f"returns a token, an httpx.Auth or None, got {type(credentials).__name__}"
            )


def application_of(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Client id and secret in the environment; None where neither is set.

    Raises:
        ValueError: Only one of them is set.
    """
    names = ("PAYT_CLIENT_ID", "PAYT_CLIENT_SECRET")
    client_id, client_secret = (environment.get(name) or None for name in names)
    if client_id is None and client_secret is None:
        return None
    if client_id is None or client_secret is None:
        missing, given = names if client_id is None else reversed(names)
        raise ValueError(f"{given} is set in the environment, but {missing} is not")
    return client_id, client_secret


def _in_environment(environment: Mapping[str, str], base_url: httpx.URL) -> StaticToken | Grant:
    if environment.get("PAYT_TOKEN"):
        return StaticToken(checked_token("PAYT_TOKEN", environment["PAYT_TOKEN"]))
    application = application_of(environment)
    if application is None:
        raise ValueError(WAYS)
    person = AuthorizationCode(*application)
    connection = connection_of(person, base_url)
    if environment.get("PAYT_REFRESH_TOKEN") or connection.store.load(connection.key) is not None:
        return person
    return ClientCredentials(*application)


def _begun(person: AuthorizationCode, environment: Mapping[str, str]) -> AuthorizationCode:
    """What a login begins with where the store holds nothing."""
    first = environment.get("PAYT_REFRESH_TOKEN")
    if person.refresh_token is not None or not first:
        return person
    return attrs.evolve(person, refresh_token=checked_token("PAYT_REFRESH_TOKEN", first))
