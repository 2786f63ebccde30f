"""How long a new token is known to the server alone: from the end of its answer until the file is in place.

    python benchmarks/token_window.py [refreshes]

Whoever is killed in between leaves the old refresh token in the store, which Payt has replaced by then.
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

import payt

answered: list[float] = []
sent_to_disk: list[float] = []
kept: list[float] = []


class Server(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        number = len(answered)
        self._answer({"access_token": f"a{number}", "refresh_token": f"r{number}", "expires_in": 0})
        answered.append(time.perf_counter())

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
    rename, flush = os.replace, os.fsync

    def renamed(*arguments: str) -> None:
        rename(*arguments)
        if len(kept) < len(answered):  # else it is the stored token, which is saved once more before it is spent
            kept.append(time.perf_counter())
            sent_to_disk.append(flushes[-1])

    flushes = [0.0]

    def flushed(handle: int) -> None:
        began = time.perf_counter()
        flush(handle)
        flushes.append(time.perf_counter() - began)

    os.replace, os.fsync = renamed, flushed  # type: ignore[assignment]
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        server = HTTPServer(("127.0.0.1", 0), Server)
        Thread(target=server.serve_forever, daemon=True).start()
        person = payt.AuthorizationCode("id", "secret", payt.FileTokenStore(f"{folder}/tokens"), refresh_token="first")
        url = f"http://127.0.0.1:{server.server_port}"
        with payt.Client(person, base_url=url, rate_limit=None, trust_env=False, verify=False) as client:
            for _ in range(refreshes):
                list(client.contacts.list(administration_id="1"))
        server.shutdown()
    windows = [1_000 * (after - before) for before, after in zip(answered, kept, strict=True)]
    disk = [1_000 * seconds for seconds in sent_to_disk]  # the file; the folder is flushed after the rename
    print(f"{len(windows)} refreshes, milliseconds from the server's answer to the rename")
    for name, values in (("in all", windows), ("of it, flushing to the disk", disk)):
        ordered = sorted(values)
        print(
            f"  {name}: median {statistics.median(ordered):.2f}, "
            f"95 % below {ordered[int(len(ordered) * 0.95)]:.2f}, longest {ordered[-1]:.2f}"
        )


if __name__ == "__main__":
    main()
