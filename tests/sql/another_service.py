"""A service of another hand than `payt.testing`: its cursors count, and its clock jumps. It uses nothing of payt's."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DAY = timedelta(days=1)


class Service:
    """Contacts of one administration, by id.

    Attributes:
        ahead: How far its clock is ahead of ours.
        passed: How long ago the test began; that it takes hours is a pretence, which each run is told.
        dated: Whether its answers have a Date.
        hidden: Those that changed at a moment which it had already told, or will tell again: no client can see that.
        before: Called with the number of each request of a run before it is answered.
        told: Whether the first page of the run was dated, and how far the clock was ahead then.
    """

    def __init__(self) -> None:
        self.contacts: dict[str, dict[str, Any]] = {}
        self.ahead, self.passed, self.dated = timedelta(), timedelta(), True
        self.hidden: set[str] = set()
        self.before: Callable[[int], None] = lambda _number: None
        self.told: tuple[bool, timedelta] | None = None
        self.requests = 0
        self._lock = threading.RLock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed + self.ahead

    def put(self, name: str, **fields: Any) -> None:
        """Add or change one."""
        with self._lock:
            at = self.now().isoformat().replace("+00:00", "Z")
            self.contacts[name] = {**self.contacts.get(name, {"id": name}), **fields, "updated_at": at}
            if self.ahead < timedelta():
                self.hidden.add(name)

    def remove(self, name: str) -> None:
        with self._lock:
            del self.contacts[name]

    def begin(self, before: Callable[[int], None]) -> None:
        """A run begins."""
        self.before, self.requests, self.told = before, 0, None

    @contextmanager
    def running(self) -> Iterator[None]:
        self._start()
        try:
            yield
        finally:
            self._stop()

    def move(self) -> None:
        """To another address."""
        old = self._server
        self._start()
        self._stop(old)

    def _start(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _stop(self, server: ThreadingHTTPServer | None = None) -> None:
        server = server or self._server
        assert server is not None
        server.shutdown()
        server.server_close()

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """What is asked for, in the order of the ids; a cursor says how many came before."""
        with self._lock:
            self.requests += 1
            self.before(self.requests)
            if self.told is None:
                self.told = self.dated, self.ahead
            found = [self.contacts[name] for name in sorted(self.contacts)]
            if "ids" in query:
                found = [one for one in found if one["id"] in query["ids"].split(",")]
            if "updated_after" in query:
                after = datetime.fromisoformat(query["updated_after"])
                found = [one for one in found if datetime.fromisoformat(one["updated_at"]) > after]
            start, count = int(query.get("cursor", 0)), int(query["per_page"])
            more = start + count < len(found)
            return {
                "data": found[start : start + count],
                "pagination": {"cursor": str(start + count)} if more else None,
            }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            query = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
            try:
                body = json.dumps(service.page(query)).encode()
            except ConnectionError:  # it was asked to be gone
                self.close_connection = True
                return
            self.send_response_only(200)
            if service.dated:
                self.send_header("Date", format_datetime(service.now(), usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - its name in the standard library
            """Say nothing."""

    return Handler
