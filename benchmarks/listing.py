"""All contacts of an administration, from a server that answers from memory, beside other clients."""

from __future__ import annotations

from functools import partial

from . import loops
from .measure import Plan, Row, interleaved, row, serving

GOALS = {"httpx, dicts": 1.0, "requests, dicts": 1.0, "stock generated client": 2.5, "openapi-generator": 2.5}


def measure(plan: Plan) -> list[Row]:
    count = 5_000 if plan.fast else 50_000
    with serving(plan) as server:
        for run in loops.LOOPS.values():
            run(server.url, 500)  # the first one imports what it needs
        seconds = interleaved({name: partial(run, server.url, count) for name, run in loops.LOOPS.items()}, plan.runs)
    return [
        row(f"list {count:,} contacts", seconds, peer, GOALS[peer], higher=True) for peer in seconds if peer in GOALS
    ]
