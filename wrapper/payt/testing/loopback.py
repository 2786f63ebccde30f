"""An HTTP/1.1 server on a loopback port, in threads, that can be closed at once."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request

from payt.testing.answers import Answer, error_answer, reason_phrase

_HOST: Final = "127.0.0.1"

_LONGEST: Final = 10**6
"""Seconds: eleven days. A socket can be told twice as many."""

Respond = Callable[[Request, socket.socket], Answer]
"""Answers a request that came on that connection."""


class LoopbackServer(ThreadedWSGIServer):
    """Listens from the moment it is made, serves `respond` once started, until it is closed.

    Closing takes the listening socket, every connection (idle, busy or waiting) and every thread with it.

    Attributes:
        connections: How many connections were accepted so far.
        open: The connections that are open now, each with its number: 1 for the first that was accepted.
    """

    def __init__(self, respond: Respond, port: int = 0) -> None:
        # werkzeug ends the whole process when it cannot bind, and asks DNS for the host's name when it can:
        # it is handed a socket that listens already.
        with socket.create_server((_HOST, port), backlog=128) as listening:
            # `respond` stands in for the WSGI application, see _Connection.run_wsgi
            super().__init__(_HOST, port, NotFound(), _Connection, fd=listening.fileno())
        self.respond = respond
        self.connections = 0
        self._guard = threading.Lock()
        self.open: dict[socket.socket, int] = {}
        self._connection_threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name="FakePayt", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._acceptor.start()

    def wait(self, seconds: float, connection: socket.socket) -> None:
        """Wait, but not beyond the end of a connection, whether its client or the server closes it.

        Raises:
            ConnectionError: It is closed.
        """
        end = time.monotonic() + seconds
        connection.settimeout(min(seconds, _LONGEST))
        try:
            ahead = connection.recv(1, socket.MSG_PEEK)
        except (TimeoutError, BlockingIOError):  # the latter where there is no time to wait
            return
        finally:
            connection.settimeout(None)
        # a client that has sent its next request already would have to be read from, to be seen leaving
        if not ahead or self._closing.wait(end - time.monotonic()):
            raise ConnectionAbortedError("the connection is closed")

    def close(self) -> None:
        """Stop serving; returns when nothing of the server is left."""
        self._closing.set()
        with contextlib.suppress(TimeoutError):  # a full queue, which keeps the acceptor awake anyway
            socket.create_connection((_HOST, self.port), timeout=1).close()
        self._acceptor.join()
        self.server_close()
        with self._guard:
            for connection in self.open:
                with contextlib.suppress(OSError):  # the client may be gone
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._connection_threads:
            thread.join()

    def _accept(self) -> None:
        while not self._closing.is_set():
            self.handle_request()

    # Any: a TCP server's requests are sockets, which the base classes' types cannot say
    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="FakePayt connection",
            daemon=True,
        )
        with self._guard:
            self.connections += 1
            self.open[request] = self.connections
        self._connection_threads = [*filter(threading.Thread.is_alive, self._connection_threads), thread]
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, out of reach of `close` first: its file number may soon be another's."""
        with self._guard:
            self.open.pop(request, None)
        super().shutdown_request(request)


class _Connection(WSGIRequestHandler):
    """One connection with its requests, one after the other.

    It keeps HTTP and the reading of requests from its bases and replaces how answers are written: werkzeug's
    own way closes the connection after each.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LoopbackServer

    def run_wsgi(self) -> None:
        """Answer one request."""
        try:
            request = Request(self.make_environ())
            request.get_data()
        except (HTTPException, OSError, ValueError):
            self.send_error(400, "The request cannot be read")
            return
        self._send_answer(self.server.respond(request, self.connection))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer an invalid HTTP request with JSON, and hang up."""
        self.close_connection = True
        self._send_answer(error_answer(code, explain or message or reason_phrase(code)))

    def log(self, *_: object) -> None:
        """Say nothing."""

    def _send_answer(self, answer: Answer) -> None:
        headers = answer.headers.copy()
        headers.setdefault("date", self.date_time_string())
        has_body = answer.status not in (204, 304)
        if has_body:
            headers.setdefault("content-length", str(len(answer.body)))
        if self.close_connection:
            headers.setdefault("connection", "close")
        lines = [f"HTTP/1.1 {answer.status} {reason_phrase(answer.status)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        head = "\r\n".join((*lines, "", "")).encode()
        answer.deliver(self, head, answer.body if has_body and self.command != "HEAD" else b"")
