"""Lists in several processes at once, before a server that counts arrivals and shares no code with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

JUDGE = Path(__file__).with_name("strict_judge.py")
CLIENT = Path(__file__).with_name("pace_process.py")
TOKEN = "shared"
Arrivals = list[tuple[float, int]]


class Judge:
    """The server in a process of its own: one that shares the interpreter would see arrivals late."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self.url = f"http://127.0.0.1:{process.stdout.readline().strip()}"

    def arrivals(self) -> Arrivals:
        """When requests came, and with what they were answered. It ends."""
        text, _ = self._process.communicate("", timeout=60)
        found: dict[str, Arrivals] = json.loads(text)
        return found[TOKEN]


@contextmanager
def judging(latency: float) -> Iterator[Judge]:
    """A judge that ends with the `with` block."""
    command = [sys.executable, str(JUDGE), str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Judge(process)
        finally:
            process.kill()


def start(judge: Judge, pages: int, kind: str, workers: int, where: str) -> subprocess.Popen[bytes]:
    """A process that lists so many pages by so many threads or tasks."""
    return subprocess.Popen([sys.executable, CLIENT, judge.url, TOKEN, str(pages), kind, str(workers), where])


def run(latency: float, processes: int, pages: int, kind: str, workers: int, where: str) -> Arrivals:
    """What the judge saw of processes that list so many pages each."""
    with judging(latency) as judge, ExitStack() as stack:
        clients = [stack.enter_context(start(judge, pages, kind, workers, where)) for _ in range(processes)]
        codes = [client.wait(600) for client in clients]
        assert codes == [0] * processes, codes
        arrivals = judge.arrivals()
    answered = sum(1 for _, status in arrivals if status == 200)
    assert answered == processes * pages, answered
    return arrivals


def refused(arrivals: Arrivals) -> int:
    """How many requests were refused."""
    return sum(1 for _, status in arrivals if status == 429)


def seconds(arrivals: Arrivals) -> float:
    """From the first request to the last."""
    moments = [moment for moment, _ in arrivals]
    return max(moments) - min(moments)
