"""Processes that share one token, before a server that refuses the eleventh request in a second."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import payt
from payt.transport.pace_file import FilePace
from payt.transport.paces import Pace

from .measure import Plan, Row, Served, serving

RATE = 10
LISTING = """
import sys, payt
url, token, pages, where = sys.argv[1:]
pace = payt.SQLPace(where) if where else None
with payt.Client(token, base_url=url, pace=pace) as client:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in client.contacts.list(administration_id=str(500 * int(pages))).pages():
        pass
"""


def measure(plan: Plan) -> list[Row]:
    pages, rows = 10 if plan.fast else 100, []
    cases = [(1, ""), (2, ""), (4, ""), (8, ""), (4, "database")]
    with tempfile.TemporaryDirectory() as folder:
        for processes, where in cases[1:2] if plan.fast else cases:
            with serving(plan, "--latency", "0.05", "--rate-limit", str(RATE)) as server:
                seconds = listed(server, processes, pages, Path(folder), where)
                refused, requests = server.stats()["refused"], processes * pages
            bound = (requests - 1) // RATE
            by = "that share only a database" if where else "of a machine"
            what = f"{processes} {'process' if processes == 1 else 'processes'} {by}, one token, {pages} pages each"
            rows += [
                Row(what, f"{seconds:.2f} s", "what the limit dictates", f"{bound:.1f} s", seconds / bound, goal=1.1),
                Row("… of 100 requests, refused (429)", str(refused), "one", "1", 100 * refused / requests, goal=1),
            ]
        before, os.environ["XDG_STATE_HOME"] = os.environ.get("XDG_STATE_HOME", ""), folder
        rows += [booking("in the file", FilePace()), booking("in the process", payt.ProcessPace())]
        os.environ["XDG_STATE_HOME"] = before
    return rows


def listed(server: Served, processes: int, pages: int, folder: Path, where: str) -> float:
    """The seconds that all of them take, from when all are ready."""
    url = f"sqlite:///{folder}/pace.db" if where else ""
    command = [sys.executable, "-c", LISTING, server.url, f"{processes}{where}", str(pages), url]
    environment = {**os.environ, "XDG_STATE_HOME": str(folder)}
    pipe = subprocess.PIPE
    clients = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) for _ in range(processes)]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for client in clients:
        assert client.stdin is not None
        client.stdin.write("go\n")
        client.stdin.flush()
    assert [client.wait() for client in clients] == [0] * processes
    return time.perf_counter() - began


def booking(name: str, pace: Pace, times: int = 2_000) -> Row:
    """What it takes to book a start, in a book that is full."""
    key = os.urandom(32)
    for _ in range(300):
        pace.start(key, 100).wait()
    began = time.perf_counter()
    for _ in range(times):
        pace.start(key, 100).wait()
    micros = (time.perf_counter() - began) / times * 1e6
    return Row(f"book a start {name}", f"{micros:.1f} µs", "the most allowed", "100 µs", micros / 100)
