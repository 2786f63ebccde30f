"""The port on which a login ends: the browser is sent there with one request (RFC 8252, section 7.3)."""

from __future__ import annotations

import html
import os
import queue
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self, TypeVar
from urllib.parse import urlsplit

from ..errors import PaytError, TokenError

B = TypeVar("B")
T = TypeVar("T")

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><meta name="viewport" content="width=device-width">
<style>body {{ font: 1.1em/1.6 system-ui, sans-serif; max-width: 32em; margin: 15vh auto; padding: 0 1em }}</style>
</head>
<body><h1>{title}</h1><p>{text}</p></body>
</html>
"""


class Loopback:
    """Waits on a port of this machine, and of nobody else's, for the request that ends a login.

    Args:
        port: Which; 0 takes any that is free.
        path: The path of the request.

    Raises:
        TokenError: The port is taken.
    """

    def __init__(self, port: int, path: str) -> None:
        self._path = path
        self._seen: queue.SimpleQueue[BaseException | tuple[str, queue.SimpleQueue[bytes]]] = queue.SimpleQueue()
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise TokenError(
                f"port {port} of this machine cannot be used to log in: {error.strerror}. Choose another one, or 0 for "
                "any"
            ) from None
        self._server.loopback = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def address(self) -> str:
        """Where the browser is to be sent."""
        return f"http://127.0.0.1:{self._server.server_port}{self._path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        while not self._seen.empty():  # who came too late is told, and not kept waiting
            seen = self._seen.get()
            if isinstance(seen, tuple):
                seen[1].put(_page(TokenError("this login is over: begin another one")))

    def open(self, browser: Callable[[str], object], address: str) -> None:
        """Call what shows a page, which may return when the page is closed."""

        def run() -> None:
            try:
                browser(address)
            except BaseException as error:  # noqa: BLE001  it is raised where somebody waits
                self._seen.put(error)

        threading.Thread(target=run, daemon=True).start()

    def wait(
        self, seconds: float, judge: Callable[[str], B | TokenError], finish: Callable[[B | TokenError], T | PaytError]
    ) -> T | PaytError:
        """What `finish` makes of what `judge` makes of the address that the browser is sent to.

        The page that the browser gets says how it went. Addresses that do not belong to this login do not end it.
        """
        end, foreign = time.monotonic() + seconds, ""
        while True:
            try:
                seen = self._seen.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return TokenError(f"nobody logged in within {seconds:g} s{foreign}: log in again")
            if isinstance(seen, BaseException):
                raise seen
            address, answer = seen
            body = judge(address)
            if isinstance(body, TokenError) and body.code is None:
                foreign = f" ({body})"
                answer.put(_page(body))
                continue
            try:
                result = finish(body)
            except BaseException:  # Ctrl-C, say: the tokens are kept all the same
                answer.put(_page(TokenError("the login was interrupted where it began")))
                raise
            self._server.answered.clear()
            answer.put(_page(result))
            self._server.answered.wait(_GOODBYE)
            return result

    def take(self, target: str) -> bytes | None:
        """The page to answer a request with; None where it is not the one that is waited for."""
        if urlsplit(target).path != self._path:
            return None
        answer: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._seen.put((target, answer))
        return answer.get(timeout=_LONGEST)


_LONGEST = 120.0
"""Seconds that a browser waits for its page at most: the login is completed meanwhile."""
_GOODBYE = 5.0
"""Seconds that a browser has to fetch its page."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name == "posix"  # on Windows, others could listen there as well
    loopback: Loopback

    def __init__(self, *arguments: object) -> None:
        self.answered = threading.Event()
        super().__init__(*arguments)  # type: ignore[arg-type]  # as they came

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Say nothing: a browser that goes away is no news, and addresses hold codes."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout: ClassVar[float] = _GOODBYE  # browsers open connections which they never use
    server_version = "payt"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.server.loopback.take(self.path)
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page or b"")))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(page or b"")
        if page is not None:
            self.wfile.flush()
            self.server.answered.set()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: what is asked for holds the code."""


def _page(result: object) -> bytes:
    if isinstance(result, PaytError):
        title, text = "Not logged in", f"{str(result)[:1].upper()}{str(result)[1:]}."
    else:
        title, text = "Welcome back", "Payt has said yes, and you are logged in. You can close this page."
    return _PAGE.format(title=title, text=html.escape(text)).encode()
