"""Bearer tokens: which are accepted, with which scopes, and how one is read from a request."""

from collections.abc import Iterable
from typing import Final

from werkzeug.wrappers import Request

from payt.testing.answers import RequestRefusedError, error_answer
from payt.testing.lists import served_lists

READ_EVERYTHING: Final = " ".join(dict.fromkeys(served.scope for served in served_lists().values()))
"""The scopes that reading every list takes."""


class Tokens(dict[str, str]):
    """The static tokens that are accepted, each with its scopes, separated by spaces.

    `tokens["some-token"] = ""` takes the scopes of a token away, `del tokens["some-token"]` the token.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        super().__init__(dict.fromkeys(tokens, READ_EVERYTHING))

    def add(self, token: str, scope: str = READ_EVERYTHING) -> None:
        """Accept one more token."""
        self[token] = scope

    def discard(self, token: str) -> None:
        """Accept a token no longer."""
        self.pop(token, None)


def bearer_token(request: Request) -> str:
    """Return the token that a request carries, or nothing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def invalid_token(description: str) -> RequestRefusedError:
    """Refuse a token, as RFC 6750, section 3 has it."""
    challenge = f'Bearer realm="Payt API", error="invalid_token", error_description="{description}"'
    return RequestRefusedError(error_answer(401, description, headers={"www-authenticate": challenge}))
