"""asyncio beside sync."""

from __future__ import annotations

from functools import partial

from . import loops
from .measure import Plan, Row, interleaved, row, serving


def measure(plan: Plan) -> list[Row]:
    count = 5_000 if plan.fast else 50_000
    with serving(plan) as server:
        loops.with_payt_async(server.url, 500)  # the first one imports what it needs
        timed = {"async": loops.with_payt_async, "payt, sync": loops.with_payt}
        seconds = interleaved({name: partial(run, server.url, count) for name, run in timed.items()}, plan.runs)
    return [row(f"list {count:,} contacts, async", seconds, "payt, sync", 1.2)]
