"""What the server was asked and how it answered, counted for tests."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

Outcome = Literal["pending", "succeeded", "refused", "failed"]


@dataclass(frozen=True)
class GrantCounts:
    """Token requests of one grant.

    Attributes:
        requests: All that arrived, those still being answered included.
        succeeded: Answered with a token.
        refused: Answered with an OAuth error.
        failed: Ended by a fault of the server.
        errors: Number of refusals by OAuth error code.
    """

    requests: int = 0
    succeeded: int = 0
    refused: int = 0
    failed: int = 0
    errors: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """Everything since the start or the last reset.

    Attributes:
        token: Token requests by `grant_type`; `unknown` where the body named none.
        api: API requests by status code.
        reused: Requests which presented a refresh token that another request exchanged, whatever the answer.
        refresh_tokens: SHA-256 digests, in hexadecimal, of the refresh tokens presented, in order of arrival.
    """

    token: dict[str, GrantCounts] = field(default_factory=dict)
    api: dict[int, int] = field(default_factory=dict)
    reused: int = 0
    refresh_tokens: list[str] = field(default_factory=list)

    @property
    def refresh(self) -> GrantCounts:
        """The refresh requests."""
        return self.token.get("refresh_token", GrantCounts())


@dataclass
class TokenRequest:
    """One request at the token endpoint and, when it is known, how it ended."""

    grant: str
    digest: str | None
    outcome: Outcome = "pending"
    error: str = ""


class Recorder:
    """Collects from the server's threads what `Counts` reports."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: list[TokenRequest] = []
        self._first = 0
        self._api: Counter[int] = Counter()

    def token_request(self, grant: str, refresh_token: str | None) -> TokenRequest:
        """Record the arrival of a token request; its ending is written into what this returns."""
        digest = None if refresh_token is None else hashlib.sha256(refresh_token.encode()).hexdigest()
        request = TokenRequest(grant, digest)
        with self._lock:
            self._requests.append(request)
        return request

    def api_request(self, status: int) -> None:
        """Record an answered API request."""
        with self._lock:
            self._api[status] += 1

    def reset(self) -> None:
        """Count from here on. Tokens spent earlier are remembered as spent."""
        with self._lock:
            self._first = len(self._requests)
            self._api.clear()

    def counts(self) -> Counts:
        """Return what happened since the last reset."""
        with self._lock:
            everything, first, api = list(self._requests), self._first, dict(self._api)
        requests = everything[first:]
        grants: defaultdict[str, list[TokenRequest]] = defaultdict(list)
        for request in requests:
            grants[request.grant].append(request)
        reuses = _reuses(everything)
        return Counts(
            token={grant: _grant_counts(made) for grant, made in grants.items()},
            api=api,
            reused=sum(id(request) in reuses for request in requests),
            refresh_tokens=[request.digest for request in requests if request.digest is not None],
        )


def _grant_counts(requests: list[TokenRequest]) -> GrantCounts:
    outcomes = Counter(request.outcome for request in requests)
    return GrantCounts(
        requests=len(requests),
        succeeded=outcomes["succeeded"],
        refused=outcomes["refused"],
        failed=outcomes["failed"],
        errors=dict(Counter(request.error for request in requests if request.outcome == "refused")),
    )


def _reuses(requests: list[TokenRequest]) -> set[int]:
    """Return the ids of all requests for a spent token but the one that spent it.

    Two requests with the same token may end in any order, so a request is judged by what became of the
    token, not by what was known when it arrived. One refused for its client never got as far as the token.
    """
    by_digest: defaultdict[str, list[TokenRequest]] = defaultdict(list)
    for request in requests:
        if request.digest is not None and (request.outcome == "succeeded" or request.error == "invalid_grant"):
            by_digest[request.digest].append(request)
    reuses: set[int] = set()
    for presented in by_digest.values():
        spender = next((request for request in presented if request.outcome == "succeeded"), None)
        if spender is not None:
            reuses.update(id(request) for request in presented if request is not spender)
    return reuses


recorder = Recorder()
