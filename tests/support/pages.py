"""A server of pages on raw sockets, which shares no code with the client or its fake."""

from __future__ import annotations

import json
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Answer = Callable[[dict[str, str]], Any]
"""From the query of a request to the document that answers it, or to bytes: a whole answer, head included."""


class Pages:
    """Answers every request with what `answer` makes of its query, over connections that stay open.

    Attributes:
        url: Where it is.
        asked: The queries so far.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[dict[str, str]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            while head := lines.readline():
                while lines.readline().strip():
                    pass
                target = urllib.parse.urlsplit(head.split()[1].decode())
                query = dict(urllib.parse.parse_qsl(target.query))
                self.asked.append(query)
                answer = self.answer(query)
                if not isinstance(answer, bytes):
                    body = json.dumps(answer).encode()
                    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                connection.sendall(answer)

    def close(self) -> None:
        """End it."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)


@contextmanager
def serving(answer: Answer) -> Iterator[Pages]:
    """Such a server, for the time of the block."""
    pages = Pages(answer)
    try:
        yield pages
    finally:
        pages.close()


def refusal(status: int) -> bytes:
    """An answer with an error status."""
    return b"HTTP/1.1 %d Refused\r\nContent-Length: 2\r\n\r\n{}" % status
