"""The port on which a login ends: the browser is sent there with one request (RFC 8252, section 7.3)."""

from __future__ import annotations

import html
import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from selectors import EVENT_READ, DefaultSelector
from typing import ClassVar
from urllib.parse import urlsplit

from ..errors import PaytError, TokenError
from ..transport import clock
from .grants import ForeignAddressError
from .stores import Token

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><meta name="viewport" content="width=device-width">
<style>body {{ font: 1.1em/1.6 system-ui, sans-serif; max-width: 32em; margin: 15vh auto; padding: 0 1em }}</style>
</head>
<body><h1>{title}</h1><p>{text}</p></body>
</html>
"""


class Loopback(ThreadingHTTPServer):
    """Waits on a port of this machine, and of nobody else's, for the request that ends a login.

    Raises:
        TokenError: The port is taken.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name == "posix"  # on Windows, others could listen there as well
    timeout = 0.1  # of a wait for the next request

    def __init__(self, port: int, path: str) -> None:
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise TokenError(
                f"port {port} of this machine cannot be used to log in: {error.strerror}. Choose another one, or 0 for "
                "any"
            ) from None
        self.path = path
        self._finish: Callable[[str], Token | PaytError]
        self._turn = threading.Lock()
        self._result: Token | BaseException | None = None
        self._foreign = ""

    @property
    def address(self) -> str:
        """Where the browser is to be sent."""
        return f"http://127.0.0.1:{self.server_port}{self.path}"

    def wait(
        self, seconds: float, show: Callable[[], object], finish: Callable[[str], Token | PaytError]
    ) -> Token | BaseException:
        """What `finish` gives for the address that the browser was sent to; one that is foreign ends nothing.

        `show` may return when the page is closed.
        """
        self._finish = finish
        threading.Thread(target=self._show, args=(show,), daemon=True).start()
        end = clock.now() + seconds
        with DefaultSelector() as selector:
            selector.register(self, EVENT_READ)
            while self._result is None and clock.now() < end:
                if selector.select(self.timeout):  # its own wait would not end where the date stands still
                    self.handle_request()
        message = f"nobody logged in within {seconds:g} s{self._foreign}: log in again"
        return self._end(TokenError(f"{message}. Without a browser here: payt login --no-browser (in Python: ask=)"))

    def _show(self, show: Callable[[], object]) -> None:
        try:
            show()
        except BaseException as error:  # noqa: BLE001  it is raised where somebody waits
            self._end(error)

    def _end(self, error: BaseException) -> Token | BaseException:
        with self._turn:  # somebody may have come at the last moment
            self._result = self._result or error
            return self._result

    def visit(self, address: str, answer: Callable[[bytes], None]) -> None:
        """Answer a request with a page that says how the login went."""
        with self._turn:
            if self._result is not None:  # a page that is loaded again, say: a code is good for one use
                return answer(_page(TokenError("this login is over: start another one")))
            result = self._finish(address)
            if isinstance(result, ForeignAddressError):
                self._foreign = f" ({result})"
                return answer(_page(result))
            try:
                answer(_page(result))
            finally:
                self._result = result

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Say nothing: a browser that goes away is not news, and addresses contain codes."""


class _Handler(BaseHTTPRequestHandler):
    server: Loopback
    timeout: ClassVar[float] = 5.0  # browsers open connections which they never use
    server_version = "payt"
    sys_version = ""

    def do_GET(self) -> None:
        if urlsplit(self.path).path == self.server.path:
            self.server.visit(self.path, lambda page: self._answer(200, page))
        else:
            self._answer(404, b"")

    def _answer(self, status: int, page: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: what is asked for holds the code."""


def _page(result: object) -> bytes:
    title, text = "Welcome back", "You are logged in to Payt. You can close this page."
    if isinstance(result, BaseException):
        title, text = "Not logged in", f"{str(result)[:1].upper()}{str(result)[1:]}."
    return _PAGE.format(title=title, text=html.escape(text)).encode()
