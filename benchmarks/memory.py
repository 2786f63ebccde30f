"""A million contacts streamed: the memory it takes, and whether the time grows with the number."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import payt

from . import loops
from .measure import Plan, Row, serving
from .plot import Plot

SIZES = [1_000, 10_000, 100_000, 1_000_000]
SLOW = ("stock generated client", "openapi-generator")
"""Peers whose curve ends at 100,000 contacts: a million take them a minute."""


def measure(plan: Plan) -> list[Row]:
    sizes = [1_000, 10_000] if plan.fast else SIZES
    with serving(plan) as server:
        growth = [grown(server.url, sizes[-1]) for _ in range(1 if plan.fast else 3)]
        plot = Plot("Listing contacts from a local server", "contacts", logarithmic=True)
        plan.plots["speed.svg"], curves = plot, plot.curves
        for name, loop in loops.LOOPS.items():
            loop(server.url, sizes[0])  # the first one loads what it needs
            curves[name] = [
                (size, statistics.median(loop(server.url, size) for _ in range(3 if size <= 100_000 else 1)))
                for size in sizes
                if name not in SLOW or size <= 100_000
            ]
    (before, seconds_before), (most, seconds) = curves[loops.OURS][-2:]
    linear = (seconds / most) / (seconds_before / before)
    return [
        Row(
            what=f"{most:,} contacts streamed: peak memory over that after page 10",
            ours=f"{statistics.median(growth):.1f} MB",
            peer="the most allowed",
            theirs="15 MB",
            ratio=statistics.median(growth) / 15,
            goal=1.0,
        ),
        Row(
            what=f"seconds a contact, listing {most:,}",
            ours=f"{seconds / most * 1e6:.2f} µs",
            peer=f"listing {before:,}",
            theirs=f"{seconds_before / before * 1e6:.2f} µs",
            ratio=linear,
            goal=1.25,
        ),
    ]


def grown(url: str, count: int) -> float:
    """Megabytes by which the peak of a fresh process rises after its tenth page."""
    command = [sys.executable, "-m", "benchmarks.memory", url, str(count)]
    return float(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def peak() -> int:
    """The most memory that this process has held so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would be that of the process that started this one, where that had more
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _main(url: str, count: int) -> None:
    with payt.Client("token", base_url=url, rate_limit=None) as client:
        pages = client.contacts.list(administration_id=str(count)).pages()
        found = after_ten = 0
        for number, page in enumerate(pages, start=1):
            found += len(page.data)
            if number == 10:
                after_ten = peak()
        assert found == count
    print((peak() - after_ten) / 2**20)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
