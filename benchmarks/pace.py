"""Processes that share one token, before a server that refuses the eleventh request in a second."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import payt
from payt.transport.pace_file import FilePace
from payt.transport.starts import Pace

from . import before
from .measure import Plan, Row, serving
from .plot import Plot

RATE, LATENCY = 10, 0.05
LIMIT = "what the limit and the latency dictate"
LISTING = """
import asyncio, os, sys, threading, traceback, payt
url, token, pages, where, kind, workers = sys.argv[1:]
contacts = {"administration_id": str(500 * int(pages) // int(workers) - 1)}  # as a full last page would ask once more
options = {"base_url": url, **({"pace": payt.SQLPace(where)} if where else {})}

def fail(error):
    traceback.print_exception(error.exc_value)
    os._exit(1)

threading.excepthook = fail

def go():
    print("ready", flush=True)
    sys.stdin.readline()

def listed(client):
    for _ in client.contacts.list(**contacts).pages():
        pass

async def listed_async(client):
    async for _ in client.contacts.list(**contacts).pages():
        pass

async def tasks():
    async with payt.AsyncClient(token, **options) as client:
        go()
        await asyncio.gather(*(listed_async(client) for _ in range(int(workers))))

if kind == "tasks":
    asyncio.run(tasks())
else:
    with payt.Client(token, **options) as client:
        threads = [threading.Thread(target=listed, args=[client]) for _ in range(int(workers))]
        go()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
"""


def measure(plan: Plan) -> list[Row]:
    pages, rows = 10 if plan.fast else 100, []
    cases = [
        ("one listing", 1, "threads", 1, ""),
        ("10 threads of a process", 1, "threads", 10, ""),
        ("10 tasks of a process", 1, "tasks", 10, ""),
        *((f"{processes} processes of a machine", processes, "threads", 1, "") for processes in (2, 4, 8)),
        ("4 processes that share only a database", 4, "threads", 1, "database"),
    ]
    plot = plan.plots["speed-processes.svg"] = Plot(f"{pages} pages for each of several processes", "processes")
    arguments = ("--latency", str(LATENCY), "--rate-limit", str(RATE))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        for who, processes, kind, workers, where in cases[3:4] if plan.fast else cases:
            listing = partial(listed, Path(folder), processes, pages, kind, workers)
            with (
                serving(plan, *arguments) as server,
                serving(plan, *arguments) as other,
            ):  # both at once: they mostly wait
                earlier = pool.submit(listing, other.url, "", before.environment()) if plan.before else None
                seconds, failed = listing(server.url, where, dict(os.environ))
                assert not failed
                if earlier:
                    seconds_before, failed_before = earlier.result()
                refused, refused_before = server.stats()["refused"], other.stats()["refused"]
            requests = processes * pages
            # each second brings ten; the last ten come as fast as each listing gets one page after the other
            bound = (requests - 1) // RATE + LATENCY * math.ceil(RATE / (processes * workers))
            what = f"{who}, one token, {pages // workers} pages each"
            rows += [
                Row(what, f"{seconds:.2f} s", LIMIT, f"{bound:.1f} s", seconds / bound, goal=1.1),
                Row("… of 100 requests, refused (429)", str(refused), "one", "1", 100 * refused / requests, goal=1),
            ]
            curves = {"one pace for all": seconds, LIMIT: bound}
            if earlier:
                peer = f"{before.NAME}, of whose listings {failed_before} failed"
                ratio = seconds / seconds_before
                rows += [
                    Row("… the same", f"{seconds:.2f} s", peer, f"{seconds_before:.2f} s", ratio),
                    Row("… refused", str(refused), before.NAME, str(refused_before), refused / max(refused_before, 1)),
                ]
                curves |= {} if failed_before else {f"{before.NAME}, where no listing failed": seconds_before}
            if workers == 1 and not where:
                for name, each in curves.items():
                    plot.curves[name].append((processes, each))
        kept, os.environ["XDG_STATE_HOME"] = os.environ.get("XDG_STATE_HOME", ""), folder
        rows += [booking("in the file", FilePace()), booking("in the process", payt.ProcessPace())]
        os.environ["XDG_STATE_HOME"] = kept
    return rows


def listed(
    folder: Path, processes: int, pages: int, kind: str, workers: int, url: str, where: str, environment: dict[str, str]
) -> tuple[float, int]:
    """The seconds that all of them take, from when all are ready; how many fail."""
    database = f"sqlite:///{folder}/pace.db" if where else ""
    token = f"{processes}{where}{kind}{workers}"
    command = [sys.executable, "-c", LISTING, url, token, str(pages), database, kind, str(workers)]
    environment = {**environment, "XDG_STATE_HOME": str(folder)}
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
    failed = sum(client.wait() != 0 for client in clients)
    return time.perf_counter() - began, failed


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
