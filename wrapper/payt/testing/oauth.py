"""The OAuth2 side of Payt, much like Doorkeeper's: `/oauth/authorize` and `/oauth/token`."""

import base64
import hashlib
import json
import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus, urlencode

from werkzeug.wrappers import Request

from payt.testing.answers import Answer, RequestRefusedError, answer_with, error_answer
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


class FakeOAuth:
    """Tokens in circulation, a user who approves (or refuses) at once, and counters.

    Refresh tokens are rotated: each is good for one use, which returns the next. Access tokens stay good until they
    expire or are revoked. The time is the system's, moved on by `advance`.

    Attributes:
        client_id: The id of the application.
        client_secret: Its secret.
        expires_in: For how many seconds access tokens are issued from now on.
        scope: The scopes that the application may have, separated by spaces; who asks for none gets them all.
        refuse: Whether the user refuses.
        client_credentials: How many tokens the application got for itself.
        exchanges: How many authorization codes were exchanged.
        refreshes: How many times tokens were refreshed.
        refusals: How many requests for a token were refused.
    """

    def __init__(self, lock: threading.RLock, client_id: str, client_secret: str, expires_in: int) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.expires_in = expires_in
        self.scope = f"{READ_EVERYTHING} contacts:write"
        self.refuse = False
        self.client_credentials = self.exchanges = self.refreshes = self.refusals = 0
        self._lock = lock
        self._offset = 0.0
        self._access_tokens: dict[str, _Grant] = {}
        self._refresh_tokens: dict[str, _Grant] = {}
        self._codes: dict[str, _Grant] = {}
        self._grants: Mapping[str, Callable[[Mapping[str, str]], dict[str, Any]]] = {
            "client_credentials": self._for_application,
            "authorization_code": self._for_code,
            "refresh_token": self._for_refresh_token,
        }

    def issue(self, scope: str | None = None) -> dict[str, Any]:
        """Issue tokens as if somebody had logged in; returns what the token endpoint would have answered."""
        with self._lock:
            refresh_token = _random()
            grant = _Grant(scope or self.scope, self._now() + _REFRESH_TOKEN_LIFETIME)
            self._refresh_tokens[refresh_token] = grant
            return {**self._access_token(grant.scope, self.expires_in), "refresh_token": refresh_token}

    def revoke(self, token: str) -> None:
        """Revoke an access token or a refresh token; the other one of the same login stays good.

        Raises:
            KeyError: No such token was issued.
        """
        with self._lock:
            (self._access_tokens | self._refresh_tokens)[token].refusal = "The access token was revoked"

    def expire(self) -> None:
        """Let all access tokens of persons expire now; those of the application itself never do."""
        with self._lock:
            for grant in self._access_tokens.values():
                if grant.expires_at < math.inf:
                    grant.expires_at = self._now()

    def advance(self, seconds: float) -> None:
        """Move the time on, for tokens and codes alike."""
        with self._lock:
            self._offset += seconds

    def scope_of(self, token: str) -> str:
        """Return the scopes of an access token.

        Raises:
            RequestRefusedError: With status 401, as the token is unknown, revoked or expired.
        """
        with self._lock:
            grant = self._access_tokens.get(token)
            if grant is None:
                raise _invalid_token("The access token is invalid")
            if grant.refusal or grant.expires_at <= self._now():
                raise _invalid_token(grant.refusal or "The access token expired")
            return grant.scope

    def authorize(self, request: Request) -> Answer:
        """Answer GET /oauth/authorize: send the user back with a code, or with a refusal.

        Raises:
            RequestRefusedError: There is nowhere to send the user back to, or no state to send along.
        """
        asked = request.args
        redirect_uri, state = asked.get("redirect_uri", ""), asked.get("state")
        if asked.get("client_id") != self.client_id:
            raise _refusal("invalid_client", "No such application", status=401)
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://[\x21\x22\x24-\x7e]+", redirect_uri):
            raise _refusal("invalid_redirect_uri", "The redirect uri is missing or malformed")
        if not state:
            raise _refusal("invalid_request", "Missing required parameter: state")
        try:
            outcome = {"code": self._code(asked, redirect_uri)}
        except RequestRefusedError as refused:
            outcome = json.loads(refused.answer.body)
        query = urlencode({**outcome, "state": state})
        location = f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"
        return answer_with(b"", 302, {"location": location})

    def exchange(self, request: Request) -> Answer:
        """Answer POST /oauth/token.

        Raises:
            RequestRefusedError: With an OAuth error.
        """
        with self._lock:
            try:
                self._authenticate(request)
                parameters = _parameters(request)
                grant_type = parameters.get("grant_type")
                if grant_type is None:
                    raise _refusal("invalid_request", "Missing required parameter: grant_type")
                if grant_type not in self._grants:
                    raise _refusal("unsupported_grant_type", f"There is no grant type {grant_type}")
                tokens = self._grants[grant_type](parameters)
            except RequestRefusedError:
                self.refusals += 1
                raise
        return answer_with(tokens, headers={"cache-control": "no-store"})

    def _code(self, asked: Mapping[str, str], redirect_uri: str) -> str:
        """Let the user decide; returns the authorization code."""
        challenge = asked.get("code_challenge")
        if asked.get("response_type") != "code":
            raise _refusal("unsupported_response_type", "Only the response type code is known")
        if challenge and asked.get("code_challenge_method") != "S256":
            raise _refusal("invalid_request", "The code challenge method must be S256")
        scope = _scope(asked, self.scope)
        if self.refuse:
            raise _refusal("access_denied", "The user refused")
        code = _random()
        with self._lock:
            expires_at = self._now() + _CODE_LIFETIME
            self._codes[code] = _Grant(scope, expires_at, redirect_uri=redirect_uri, challenge=challenge)
        return code

    def _authenticate(self, request: Request) -> None:
        """Check the client's id and secret, sent as they are or percent-encoded (RFC 6749, section 2.3.1)."""
        sent = request.authorization
        pair = (sent.username or "", sent.password or "") if sent and sent.type == "basic" else ("", "")
        if (self.client_id, self.client_secret) not in (pair, tuple(map(unquote_plus, pair))):
            raise _refusal("invalid_client", "Client authentication failed", status=401)

    def _for_application(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        scope = _scope(parameters, self.scope)
        self.client_credentials += 1
        return self._access_token(scope, None)

    def _for_code(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        code = self._codes.get(parameters.get("code", ""))
        if code is None or code.expires_at <= self._now():
            raise _refusal("invalid_grant", "The authorization code is unknown, used or expired")
        if parameters.get("redirect_uri") != code.redirect_uri:
            raise _refusal("invalid_grant", "The redirect uri is not the one of the authorization")
        if code.challenge is not None and _challenge(parameters.get("code_verifier", "")) != code.challenge:
            raise _refusal("invalid_grant", "The code verifier does not fit the code challenge")
        del self._codes[parameters["code"]]
        self.exchanges += 1
        return self.issue(code.scope)

    def _for_refresh_token(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        grant = self._refresh_tokens.get(parameters.get("refresh_token", ""))
        if grant is None or grant.refusal or grant.expires_at <= self._now():
            raise _refusal("invalid_grant", "The refresh token is unknown, used, revoked or expired")
        scope = _scope(parameters, grant.scope)
        del self._refresh_tokens[parameters["refresh_token"]]
        self.refreshes += 1
        return self.issue(scope)

    def _access_token(self, scope: str, expires_in: int | None) -> dict[str, Any]:
        token, now = _random(), self._now()
        self._access_tokens[token] = _Grant(scope, math.inf if expires_in is None else now + expires_in)
        lifetime = {} if expires_in is None else {"expires_in": expires_in}
        return {"access_token": token, "token_type": "Bearer", **lifetime, "scope": scope, "created_at": int(now)}

    def _now(self) -> float:
        return time.time() + self._offset


@dataclass(slots=True)
class _Grant:
    """What a token or a code is good for, and what the exchange of a code must come with."""

    scope: str
    expires_at: float
    refusal: str = ""
    redirect_uri: str = ""
    challenge: str | None = None


_CODE_LIFETIME: Final = 10 * 60
_REFRESH_TOKEN_LIFETIME: Final = 90 * 24 * 60 * 60


def _random() -> str:
    """Make a token that holds every character which a client may stumble over."""
    return f"{base64.b64encode(secrets.token_bytes(24)).decode()}/+="


def _challenge(verifier: str) -> str:
    """Derive the code challenge of a verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _scope(asked: Mapping[str, str], allowed: str) -> str:
    """Return the scopes that are asked for; all that are allowed where none are."""
    scope = asked.get("scope") or allowed
    if not set(scope.split()) <= set(allowed.split()):
        raise _refusal("invalid_scope", "The requested scope is unknown, or more than was granted")
    return scope


def _parameters(request: Request) -> Mapping[str, str]:
    """Read the body of a request for a token: a JSON object of texts, or a form."""
    if request.mimetype != "application/json":
        return request.form.to_dict()
    parameters = request.get_json(silent=True)
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        raise _refusal("invalid_request", "The body must be a JSON object of texts")
    return parameters


def _refusal(error: str, description: str, *, status: int = 400) -> RequestRefusedError:
    headers = {"www-authenticate": 'Basic realm="Payt"'} if status == 401 else {}
    return RequestRefusedError(answer_with({"error": error, "error_description": description}, status, headers))


def _invalid_token(description: str) -> RequestRefusedError:
    """Refuse a token, as RFC 6750, section 3 has it."""
    challenge = f'Bearer realm="Payt API", error="invalid_token", error_description="{description}"'
    return RequestRefusedError(error_answer(401, description, headers={"www-authenticate": challenge}))
