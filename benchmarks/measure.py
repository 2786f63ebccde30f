"""What the measurements share: runs that take turns, rows of the table, and the server."""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .plot import Plot

AS_IT_COMES = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "128MB"}
"""PostgreSQL's own settings, where the tests have hastier ones."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    """What this client takes, with its unit."""
    peer: str
    """Beside whom, or beside what bound."""
    theirs: str
    ratio: float
    """Ours over theirs; the other way around where `higher` is better."""
    goal: float | None = None
    higher: bool = False

    @property
    def met(self) -> bool:
        return self.goal is None or (self.ratio >= self.goal if self.higher else self.ratio <= self.goal)


@dataclass
class Plan:
    """How much to measure."""

    runs: int = 7
    fast: bool = False
    page: bytes = b""
    page_file: Path = Path()
    before: bool = False
    """Whether there is an earlier version to measure beside."""
    plots: dict[str, Plot] = field(default_factory=dict)
    """By the name of their file."""
    notes: list[str] = field(default_factory=list)
    """What is missing, and why."""


def interleaved(timed: Mapping[str, Callable[[], float]], runs: int) -> dict[str, list[float]]:
    """The seconds of each, measured in turns: whatever else the machine does concerns all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(runs):
        for name, run in timed.items():
            gc.collect()
            seconds[name].append(run())
    return seconds


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def shown(seconds: list[float]) -> str:
    """A median, readable."""
    median = statistics.median(seconds)
    return f"{median:.2f} s" if median >= 1 else f"{median * 1e3:.3g} ms"


def row(what: str, seconds: Mapping[str, list[float]], peer: str, goal: float | None, *, higher: bool = False) -> Row:
    """A row of the table: the first of `seconds` beside `peer`."""
    ours, theirs = next(iter(seconds.values())), seconds[peer]
    return Row(
        what=what,
        ours=shown(ours),
        peer=peer,
        theirs=shown(theirs),
        ratio=ratio(theirs, ours) if higher else ratio(ours, theirs),
        goal=goal,
        higher=higher,
    )


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    url: str

    def stats(self) -> dict[str, int]:
        """What it has seen: requests, refused, connections."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=10) as answer:
            stats: dict[str, int] = json.load(answer)
            return stats


@contextmanager
def serving(plan: Plan, *arguments: str) -> Iterator[Served]:
    """The server, in a process of its own, which ends with this block or this process."""
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(plan.page_file), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Served(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        finally:
            process.stdin.close()
