"""All contacts of an administration, from a server that answers from memory, beside other clients."""

from __future__ import annotations

from functools import partial

from . import before, loops
from .measure import Plan, Row, interleaved, row, serving

GOALS = {"httpx, dicts": 1.0, "requests, dicts": 1.0, "stock generated client": 2.5, "openapi-generator": 2.5}


def measure(plan: Plan) -> list[Row]:
    count = 5_000 if plan.fast else 50_000
    with serving(plan) as server, before.before() as earlier:
        clients = loops.LOOPS | ({before.NAME: partial(earlier.call, "benchmarks.loops:with_payt")} if earlier else {})
        for run in clients.values():
            run(server.url, 500)  # the first one imports what it needs
        seconds = interleaved({name: partial(run, server.url, count) for name, run in clients.items()}, plan.runs)
    what = f"list {count:,} contacts"
    rows = [row(what, seconds, peer, goal, higher=True) for peer, goal in GOALS.items() if peer in seconds]
    return [*rows, *([row(what, seconds, before.NAME, 1.03)] if before.NAME in seconds else [])]
