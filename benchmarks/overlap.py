"""A consumer that takes as long for a page as the next one takes to come."""

from __future__ import annotations

import asyncio
import statistics
import time

import payt

from . import loops
from .measure import Plan, Row, interleaved, row, serving, shown

LATENCY = CONSUMER = 0.05


def measure(plan: Plan) -> list[Row]:
    pages = 5 if plan.fast else 40

    def sync() -> float:
        with payt.Client("sync", base_url=server.url, rate_limit=None) as client:
            began = time.perf_counter()
            for _page in client.contacts.list(administration_id=str(pages * 500)).pages():
                time.sleep(CONSUMER)
            return time.perf_counter() - began

    def alone() -> float:
        """Fetching the pages for a consumer that takes no time."""
        with payt.Client("alone", base_url=server.url, rate_limit=None) as client:
            began = time.perf_counter()
            for _page in client.contacts.list(administration_id=str(pages * 500), prefetch=0).pages():
                pass
            return time.perf_counter() - began

    async def asynchronous() -> float:
        async with payt.AsyncClient("async", base_url=server.url, rate_limit=None) as client:
            began = time.perf_counter()
            async for _page in client.contacts.list(administration_id=str(pages * 500)).pages():
                await asyncio.sleep(CONSUMER)
            return time.perf_counter() - began

    with serving(plan, "--latency", str(LATENCY)) as server:
        loops.with_payt(server.url, 1)  # the first ones import what they need
        loops.with_payt_async(server.url, 1)
        seconds = interleaved({"sync": sync, "async": lambda: asyncio.run(asynchronous()), "alone": alone}, plan.runs)
    bound = pages * max(LATENCY, CONSUMER)
    rows = [
        Row(
            what=f"{pages} pages, 50 ms to come and 50 ms to consume each, {name}",
            ours=shown(measured),
            peer="the larger of the two sums",
            theirs=f"{bound:.2f} s",
            ratio=statistics.median(measured) / bound,
            goal=1.15,
        )
        for name, measured in seconds.items()
        if name != "alone"
    ]
    return [*rows, row("… the same, sync", {**seconds, "fetching alone": seconds["alone"]}, "fetching alone", None)]
