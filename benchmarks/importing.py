"""Importing the package in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from .measure import Plan, Row, interleaved, row


def measure(plan: Plan) -> list[Row]:
    def timed(module: str) -> Callable[[], float]:
        def run() -> float:
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
            return time.perf_counter() - began

        run()  # compiles it
        return run

    seconds = interleaved(
        {"payt": timed("payt"), "import httpx": timed("httpx")}, plan.runs if plan.fast else max(plan.runs, 15)
    )
    return [row("import payt, a process", seconds, "import httpx", 1.5)]
