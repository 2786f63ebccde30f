"""A server on loopback that answers a scripted list of requests badly, then well.

Example: the second request sees its connection close within the headers, all others are answered.

    with FaultServer(paging(contacts, per_page=3)) as server:
        server.script([None, kinds.close(kinds.Point.IN_HEADERS)])
"""

from __future__ import annotations

import atexit
import functools
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from types import TracebackType
from typing import Any, Self

import httpx

from faults.kinds import WELL, Answer, End, Fault, Pause, Step
from support.eventually import PATIENCE

_MAX_REQUEST = 8 * 2**20
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class ParsedRequest:
    """A request as it arrived; with an empty `line` if it was not read (to its end)."""

    connection: int
    """The number of the connection, from 1 in order of arrival."""
    time: float
    """When its first byte arrived, on the monotonic clock."""
    line: str = ""
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""

    @property
    def method(self) -> str:
        return self.line.partition(" ")[0]

    @property
    def target(self) -> str:
        """Path and query, as they were sent."""
        return self.line.partition(" ")[2].rpartition(" ")[0]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> httpx.QueryParams:
        return httpx.QueryParams(self.target.partition("?")[2])


Handler = Callable[[ParsedRequest], bytes]


class FaultServer:
    """A server in threads of its own; leaving it, a context manager, ends all connections and waits at once.

    It keeps connections alive, reads bodies with a Content-Length, and knows no pipelining. What a handler
    raises comes out of its thread, which pytest reports.

    Args:
        pages: What gives the good JSON body for a request: a handler, or the bodies themselves. Of these, the
            first request gets the first, each request for another path or query the next, and a repeated
            request the same again.
        tls: A context with a certificate, to serve https.
    """

    def __init__(self, pages: Sequence[bytes] | Handler, *, tls: ssl.SSLContext | None = None) -> None:
        self._handler = pages if callable(pages) else _one_after_another(pages)
        self._tls = tls
        self._script: Iterator[Fault | None] = iter(())
        self._requests: list[ParsedRequest] = []
        self._connections = 0
        self._open: set[socket.socket] = set()
        self._last: set[tuple[str, int]] = set()
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept, name="fault-server", daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()  # accept() returns
        self._acceptor.join(PATIENCE)
        self._listener.close()
        with self._changed:
            for connection in self._open:
                with suppress(OSError):  # the client may have reset it
                    # that of the plain socket: the encrypted one's changes what its thread is reading from
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def script(self, faults: Iterable[Fault | None]) -> None:
        """Say what happens to the next requests, in order of arrival; None is a good answer.

        After the script, all answers are good. It may be endless. It replaces what was left of the last one.
        """
        with self._changed:
            self._script = iter(faults)

    @property
    def requests(self) -> list[ParsedRequest]:
        """All requests in order of arrival."""
        with self._changed:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        with self._changed:
            return self._connections

    @property
    def open_connections(self) -> int:
        """How many of them are open at this end."""
        with self._changed:
            return len(self._open)

    def wait_closed(self, timeout: float = PATIENCE) -> bool:
        """Wait for the clients to close all connections; False if they do not in time.

        Then it has read whatever they sent, on connections too that it had yet to accept when this was called.
        """
        with socket.socket() as last:
            last.settimeout(timeout)
            last.bind(("127.0.0.1", 0))
            address = last.getsockname()
            with self._changed:
                self._last.add(address)
            last.connect(("127.0.0.1", self.port))  # queues up behind them
            with self._changed:
                return self._changed.wait_for(lambda: address not in self._last and not self._open, timeout)

    def wait_requests(self, count: int, timeout: float = PATIENCE) -> bool:
        """Wait until so many requests have arrived; False if they do not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._requests) >= count, timeout)

    def forget_requests(self) -> None:
        """Drop the requests so far, while none is under way: for tests that send very many."""
        with self._changed:
            self._requests.clear()

    def _accept(self) -> None:
        while True:
            try:
                connection, address = self._listener.accept()
            except ConnectionError:  # gone before it was accepted
                continue
            if self._closing.is_set():
                connection.close()
                return
            if address in self._last:
                with self._changed:
                    self._last.discard(address)
                    connection.close()
                    self._changed.notify_all()
                continue
            try:
                # otherwise a small send waits for the acknowledgement of the one before
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            except OSError:  # gone already
                connection.close()
                continue
            with self._changed:
                self._connections += 1
                self._open.add(connection)
                thread = threading.Thread(
                    target=self._serve, args=(connection, self._connections), name="fault-server", daemon=True
                )
                self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
                thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            with suppress(OSError):  # the client left, or the server is closing
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                while (first := connection.recv(1)) and self._exchange(connection, number, first):
                    pass
        finally:
            with self._changed:
                self._open.discard(connection)
                connection.close()
                self._changed.notify_all()

    def _exchange(self, connection: socket.socket, number: int, first: bytes) -> bool:
        """Do what the script says to the request that begins here; False if the connection ends with it."""
        with self._changed:
            fault = next(self._script, None) or WELL
            arrived = ParsedRequest(number, time.monotonic())
            self._requests.append(arrived)
            self._changed.notify_all()
        good = Answer()
        if fault.reads_request:
            request = _read(connection, arrived, first)
            with self._changed, suppress(ValueError):  # it was forgotten meanwhile
                self._requests[self._requests.index(arrived)] = request
            good = Answer.well(self._handler(request), closes=request.headers.get("connection", "").lower() == "close")
        return all(self._take(connection, step) for step in fault.steps(good))

    def _take(self, connection: socket.socket, step: Step) -> bool:
        """Take one step; False if it was the connection's last."""
        match step:
            case bytes():
                connection.sendall(step)
                return True
            case Pause():
                return self._pause(connection, step.seconds)
            case End.CLOSE:
                return False
            case End.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                return False

    def _pause(self, connection: socket.socket, seconds: float) -> bool:
        """Wait; False, and at once, if the client leaves or the server closes meanwhile."""
        end = time.monotonic() + seconds
        with DefaultSelector() as selector:
            selector.register(connection, EVENT_READ)
            if not selector.select(seconds):
                return True
        # that of the plain socket: the encrypted one cannot peek
        left = not socket.socket.recv(connection, 1, socket.MSG_PEEK)
        return not left and not self._closing.wait(max(0.0, end - time.monotonic()))


def _read(connection: socket.socket, arrived: ParsedRequest, first: bytes) -> ParsedRequest:
    received = bytearray(first)

    def receive() -> None:
        data = connection.recv(64 * 2**10)
        received.extend(data)
        if not data or len(received) > _MAX_REQUEST:
            raise ConnectionError("the request does not end")

    while (end := received.find(b"\r\n\r\n")) < 0:
        receive()
    line, *fields = received[:end].decode("latin-1").split("\r\n")
    pairs = (header.partition(":") for header in fields)
    headers = httpx.Headers([(name, value.strip()) for name, _, value in pairs])
    start = end + len(b"\r\n\r\n")
    size = int(headers.get("content-length", 0))
    while len(received) < start + size:
        receive()
    return ParsedRequest(arrived.connection, arrived.time, line, headers, bytes(received[start : start + size]))


def _one_after_another(pages: Sequence[bytes]) -> Handler:
    lock = threading.Lock()
    given: dict[str, bytes] = {}

    def handler(request: ParsedRequest) -> bytes:
        with lock:
            if request.target not in given:
                given[request.target] = pages[len(given)]
            return given[request.target]

    return handler


def paging(contacts: Sequence[dict[str, Any]], per_page: int) -> Handler:
    """List contacts page after page; the cursor is the id of a page's last record, and null on the last page.

    Args:
        contacts: The whole listing, in its order, each with an `id` of its own.
        per_page: The size of a page, where the request does not ask for a smaller one.
    """
    following = {str(contact["id"]): position for position, contact in enumerate(contacts, start=1)}

    def handler(request: ParsedRequest) -> bytes:
        cursor = request.query.get("cursor")
        start = 0 if cursor is None else following[cursor]
        stop = start + min(per_page, int(request.query.get("per_page", per_page)))
        data = contacts[start:stop]
        following_cursor = data[-1]["id"] if stop < len(contacts) else None
        page = {"data": data, "pagination": {"cursor": following_cursor}}
        return json.dumps(page, ensure_ascii=False).encode()

    return handler


@functools.cache
def refused_url() -> str:
    """A URL on loopback where connections are refused."""
    reserved = socket.socket()
    # bound but never listening, until the process ends, so that nobody else can listen there
    reserved.bind(("127.0.0.1", 0))
    atexit.register(reserved.close)
    return f"http://127.0.0.1:{reserved.getsockname()[1]}"
