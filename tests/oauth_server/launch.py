"""Start the server for as long as a `with` block, and arrange it from a test."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, NotRequired, TypedDict, TypeVar, Unpack

import httpx
import msgspec

from oauth_server.counts import Counts
from oauth_server.runtime import BasicEncoding, Runtime

Grant = Literal["authorization_code", "client_credentials"]
T = TypeVar("T")

# Loopback redirects match whatever their port is (RFC 8252 section 7.3); their path must match exactly.
REDIRECT_URIS: Final = ("http://127.0.0.1/callback", "http://127.0.0.1/", "http://127.0.0.1")
_STOP_SECONDS: Final = 60.0


class Settings(TypedDict, total=False):
    """What `oauth_server` and `OAuthServer.set` take; see `oauth_server.runtime.Runtime`."""

    expires_in: int
    grace_period: int
    created_at: bool
    basic_encoding: BasicEncoding


class TokenAnswer(TypedDict):
    """What the token endpoint answers to a login."""

    access_token: str
    refresh_token: str
    token_type: str
    scope: str
    expires_in: int
    created_at: NotRequired[int]


@dataclass(frozen=True)
class Application:
    """A registered client."""

    client_id: str
    client_secret: str


class OAuthServer:
    """A running server. Its methods may be called from any thread and any process.

    Args:
        url: Address without a path, such as `http://127.0.0.1:40123`.
        process: The process that serves.
        settings: What `reset` goes back to.
    """

    def __init__(self, url: str, process: subprocess.Popen[str], settings: Runtime) -> None:
        self.url: Final = url
        self.process: Final = process
        self._settings: Final = settings

    def application(
        self,
        grant: Grant = "authorization_code",
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        redirect_uris: Sequence[str] = REDIRECT_URIS,
    ) -> Application:
        """Register a client for one grant; `authorization_code` includes refreshing.

        An id or secret not given is invented by the server.
        """
        asked = {
            "grant": grant,
            "client_id": client_id,
            "client_secret": client_secret,
            "redirect_uris": list(redirect_uris),
        }
        return self._control("application", asked, Application)

    def login(self, application: Application, *, scope: str = "contacts:read contacts:write") -> TokenAnswer:
        """Return the tokens that a person who logs in now would bring the application. Not counted."""
        return self._control("login", {"client_id": application.client_id, "scope": scope}, TokenAnswer)

    def revoke(self, access_token: str | None = None) -> int:
        """End one access token, or all, while refresh tokens stay good. Returns how many were ended."""
        return self._control("revoke-access", {"token": access_token}, dict[str, int])["revoked"]

    def revoke_login(self, refresh_token: str | None = None) -> int:
        """Revoke one valid refresh token, or all, with their access tokens. Returns how many were revoked."""
        return self._control("revoke-login", {"token": refresh_token}, dict[str, int])["revoked"]

    def set(self, **settings: Unpack[Settings]) -> Runtime:
        """Change settings for the requests to come and return all that are in force."""
        return self._control("settings", dict(settings), Runtime)

    def counts(self) -> Counts:
        """Return what the server was asked since its start or the last reset."""
        return self._control("counts", {}, Counts)

    def reset(self) -> None:
        """Go back to the settings of the start and count anew. Applications and tokens stay."""
        self._control("settings", asdict(self._settings), Runtime)
        self._control("reset", {}, dict[str, int])

    def _control(self, name: str, body: dict[str, Any], answer: type[T]) -> T:
        # A connection of its own for each call: a pool shared with forked processes would mix their answers.
        with httpx.Client(trust_env=False, verify=False, timeout=30) as client:
            response = client.post(f"{self.url}/control/{name}", json=body)
        response.raise_for_status()
        return msgspec.json.decode(response.content, type=answer, strict=False)


@contextmanager
def oauth_server(**settings: Unpack[Settings]) -> Iterator[OAuthServer]:
    """Run a server of its own process, with an empty database, until the block ends.

    Raises:
        RuntimeError: The server ended before it was ready; its own words are on standard error.
    """
    with (
        tempfile.TemporaryDirectory(prefix="oauth-server-", ignore_cleanup_errors=True) as folder,
        _process(folder) as process,
    ):
        server = OAuthServer(_address(process), process, Runtime(**settings))
        server.reset()
        yield server


@contextmanager
def _process(folder: str) -> Iterator[subprocess.Popen[str]]:
    tests = Path(__file__).resolve().parent.parent
    with subprocess.Popen(
        [sys.executable, "-m", "oauth_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(tests), "OAUTH_SERVER_FOLDER": folder},
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    word, _, url = process.stdout.readline().strip().partition(" ")
    if word != "READY":
        raise RuntimeError("the OAuth server ended before it was ready")
    return url
