"""A token endpoint without mercy, and an API: a refresh token is good for one use, and a second use is counted.

The server knows which refresh token of each login is the valid one: a login is lost when no store holds it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

Raw = tuple[int, dict[str, str], bytes]


def plain(tokens: dict[str, Any]) -> Raw:
    return 200, {}, json.dumps(tokens).encode()


class StrictServer:
    """Serves on loopback, as a context manager.

    Attributes:
        valid: The refresh token of each login that would be taken next.
        renewals: How often a login was renewed.
        renewed_by: The header that came with each renewal, by the refresh token that was the answer.
        reused: How often a refresh token was sent that had been used before.
        lists: Whose access tokens the API saw, in order.
        expires_in: For how many seconds access tokens are issued.
        delay: Seconds between using up a refresh token and the answer.
        meanwhile: Called in between.
        answer: What is sent for new tokens: status, headers and body. Without a Content-Length the body ends with the
            connection.
        before: Answers that are sent first, one for each request for a token, with nothing used up.
    """

    def __init__(self) -> None:
        self.valid: dict[str, str] = {}
        self.renewals = self.reused = 0
        self.renewed_by: dict[str, str] = {}
        self.lists: list[str] = []
        self.expires_in: Any = 7200
        self.delay = 0.0
        self.meanwhile: Callable[[], object] = bool
        self.answer: Callable[[dict[str, Any]], Raw] = plain
        self.before: list[Raw] = []
        self._whose: dict[str, str] = {}
        self._access: dict[str, tuple[str, float]] = {}
        self._numbers = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.strict = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def login(self, name: str = "a") -> str:
        """Log somebody in; the first refresh token."""
        with self._lock:
            return str(self._issue(name)["refresh_token"])

    def access(self, name: str) -> str:
        """An access token of a login, got elsewhere."""
        with self._lock:
            token = f"access-{name}-elsewhere"
            self._access[token] = name, float("inf")
            return token

    def expire(self) -> None:
        """End all access tokens."""
        with self._lock:
            self._access.clear()

    def end(self, name: str = "a") -> None:
        """End a login."""
        with self._lock:
            del self.valid[name]
            self._access = {token: value for token, value in self._access.items() if value[0] != name}

    def token(self, body: dict[str, Any], by: str) -> Raw:
        with self._lock:
            if self.before:
                return self.before.pop(0)
            if body["grant_type"] == "client_credentials":
                tokens = self._issue("application")
                del tokens["refresh_token"]
                return self.answer(tokens)
            name = self._whose.get(body["refresh_token"], "")
            if self.valid.get(name) != body["refresh_token"]:
                self.reused += bool(name)
                return 400, {}, b'{"error": "invalid_grant"}'
            self.renewals += 1
            tokens = self._issue(name)
            self.renewed_by[tokens["refresh_token"]] = by
        time.sleep(self.delay)
        self.meanwhile()
        return self.answer(tokens)

    def listing(self, access_token: str) -> Raw:
        with self._lock:
            name, until = self._access.get(access_token, ("", 0.0))
            if time.time() > until:
                return 401, {}, b"{}"
            self.lists.append(name)
            return 200, {}, b'{"data": [{"id": "1"}], "pagination": null}'

    def _issue(self, name: str) -> dict[str, Any]:
        self._numbers += 1
        refresh_token, access_token = f"refresh-{name}-{self._numbers}", f"access-{name}-{self._numbers}"
        lifetime = self.expires_in if isinstance(self.expires_in, int) else 7200
        self._whose[refresh_token] = name
        self.valid[name] = refresh_token
        self._access[access_token] = name, time.time() + min(lifetime, 1e9)
        return {"access_token": access_token, "refresh_token": refresh_token, "expires_in": self.expires_in}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    strict: StrictServer

    def handle_error(self, _request: object, _client_address: object) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(*self.server.strict.token(body, self.headers["Authorization"]))

    def do_GET(self) -> None:
        assert urlsplit(self.path).path == "/v1/contacts"
        self._answer(*self.server.strict.listing(self.headers["Authorization"].partition(" ")[2]))

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        if "Transfer-Encoding" not in headers and "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass
