"""Importing the package in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from .measure import Plan, Row, interleaved, row

PROGRAMS = {
    "payt": "import payt",
    "import httpx": "import httpx",
    "payt, a client": "import payt; payt.Client('token')",
    "import httpx; httpx.Client()": "import httpx; httpx.Client()",
}


def measure(plan: Plan) -> list[Row]:
    def timed(program: str) -> Callable[[], float]:
        def run() -> float:
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            return time.perf_counter() - began

        run()  # compiles it
        return run

    seconds = interleaved(
        {name: timed(program) for name, program in PROGRAMS.items()}, plan.runs if plan.fast else max(plan.runs, 15)
    )
    first = {name: seconds[name] for name in ("payt, a client", "import httpx; httpx.Client()")}
    return [
        row("import payt, a process", seconds, "import httpx", 1.5),
        # most is imported when it is used: this is all that comes before the first request
        row("import payt and make a client, a process", first, "import httpx; httpx.Client()", None),
    ]
