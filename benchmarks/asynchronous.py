"""asyncio beside sync."""

from __future__ import annotations

from functools import partial

from . import before, loops
from .measure import Plan, Row, interleaved, row, serving


def measure(plan: Plan) -> list[Row]:
    count = 5_000 if plan.fast else 50_000
    with serving(plan) as server, before.before() as earlier:
        timed = {"async": loops.with_payt_async, "payt, sync": loops.with_payt}
        timed |= {before.NAME: partial(earlier.call, "benchmarks.loops:with_payt_async")} if earlier else {}
        for run in timed.values():
            run(server.url, 500)  # the first one imports what it needs
        seconds = interleaved({name: partial(run, server.url, count) for name, run in timed.items()}, plan.runs)
    peers = {"payt, sync": 1.2, before.NAME: 1.03}
    return [row(f"list {count:,} contacts, async", seconds, peer, peers[peer]) for peer in peers if peer in seconds]
