"""How long a process takes until it has imported the package, made a client, or shown a page.

HTTP/2 is left out on both sides: of the programs, only those that make a client would import it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from payt.testing import FakePayt

from . import before
from .measure import Plan, Row, interleaved, row

PROGRAMS = {
    "payt": "import payt",
    "import httpx": "import httpx",
    "payt, a client": "import payt; payt.Client('token')",
    "import httpx; httpx.Client()": "import httpx; httpx.Client()",
    "payt, the command": "from payt.cli import main; sys.argv = 'payt contacts list -a 1'.split(); main()",
}


def measure(plan: Plan) -> list[Row]:
    with FakePayt(contacts=300) as fake:
        settings = {"PAYT_BASE_URL": fake.url, "PAYT_TOKEN": fake.token}

        def timed(program: str, environment: Mapping[str, str]) -> Callable[[], float]:
            command = [sys.executable, "-c", f"import sys; sys.modules['h2'] = None; {program}"]

            def run() -> float:
                began = time.perf_counter()
                subprocess.run(command, env={**environment, **settings}, capture_output=True, check=True)
                return time.perf_counter() - began

            run()  # compiles it
            return run

        programs = {name: timed(program, os.environ) for name, program in PROGRAMS.items()}
        if plan.before:
            earlier = before.environment()
            programs |= {
                f"{before.NAME}: {name}": timed(PROGRAMS[name], earlier) for name in PROGRAMS if "payt" in name
            }
        seconds = interleaved(programs, plan.runs if plan.fast else max(plan.runs, 15))

    def beside(what: str, name: str, peer: str, goal: float) -> list[Row]:
        peers = {peer: goal, f"{before.NAME}: {name}": None}
        return [
            row(what, {name: seconds[name], each: seconds[each]}, each, peers[each])
            for each in peers
            if each in seconds
        ]

    return [
        *beside("import payt, a process", "payt", "import httpx", 1.5),
        # most is imported when it is used: this is all that comes before the first request
        *beside("import payt and make a client, a process", "payt, a client", "import httpx; httpx.Client()", 1.15),
        *beside("payt contacts list of one page, a process", "payt, the command", "import httpx", 1.6),
    ]
