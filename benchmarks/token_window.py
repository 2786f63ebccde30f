"""How long a new token is known to the server alone: from when it replaced the old one until it is on the disk.

    python benchmarks/token_window.py [refreshes]

Whoever is killed in between leaves the old refresh token in the store, which Payt has replaced by then. Here the answer
travels over loopback; over a network, the time that it travels comes on top.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import payt

replaced: list[float] = []
kept: list[float] = []
flushing: list[float] = []


class Server(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        number = len(replaced)
        replaced.append(time.perf_counter())
        self._answer({"access_token": f"a{number}", "refresh_token": f"r{number}", "expires_in": 0})

    def do_GET(self) -> None:
        self._answer({"data": []})

    def _answer(self, body: dict[str, object]) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: object) -> None:
        pass


def main() -> None:
    refreshes = int(sys.argv[1]) if sys.argv[1:] else 200
    flush = os.fsync

    def flushed(handle: Any) -> None:
        began = time.perf_counter()
        flush(handle)
        if len(kept) < len(replaced):  # the journal, which is written first; else it is the stored token, once more
            kept.append(time.perf_counter())
            flushing.append(kept[-1] - began)

    os.fsync = flushed  # type: ignore[assignment]  # for this measurement
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        server = HTTPServer(("127.0.0.1", 0), Server)
        Thread(target=server.serve_forever, daemon=True).start()
        person = payt.AuthorizationCode("id", "secret", payt.FileTokenStore(f"{folder}/tokens"), refresh_token="first")
        url = f"http://127.0.0.1:{server.server_port}"
        with payt.Client(person, base_url=url, rate_limit=None, trust_env=False, verify=False) as client:
            for _ in range(refreshes):
                list(client.contacts.list(administration_id="1"))
        server.shutdown()
    windows = [1_000 * (after - before) for before, after in zip(replaced, kept, strict=True)]
    disk = [1_000 * seconds for seconds in flushing]
    print(f"{len(windows)} refreshes, milliseconds from the server's new token to the disk")
    for name, values in (("in all", windows), ("of it, flushing to the disk", disk)):
        ordered = sorted(values)
        print(
            f"  {name}: median {statistics.median(ordered):.2f}, "
            f"95 % below {ordered[int(len(ordered) * 0.95)]:.2f}, longest {ordered[-1]:.2f}"
        )


if __name__ == "__main__":
    main()
