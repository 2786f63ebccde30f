"""A consumer that takes as long for a page as the next one takes to come."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping

import httpx

import payt

from . import loops
from .measure import Plan, Row, interleaved, row, serving, shown

LATENCY = CONSUMER = 0.05
MEASURED = "the larger of the two sums, measured"


def fetched(url: str, pages: int) -> float:
    """What the pages take to come, with nothing read from them: the first of the two sums."""
    with httpx.Client(base_url=url, headers={"Authorization": "Bearer token"}) as client:
        began = time.perf_counter()
        for page in range(pages):
            query = {"administration_id": str(pages * 500 - 1), "per_page": "500", "cursor": str(page * 500)}
            assert client.get("/v1/contacts", params=query).is_success
        return time.perf_counter() - began


def consumed(pages: int) -> float:
    """What the consumer takes: the second one."""
    began = time.perf_counter()
    for _ in range(pages):
        time.sleep(CONSUMER)
    return time.perf_counter() - began


def measure(plan: Plan) -> list[Row]:
    pages = 5 if plan.fast else 40

    def sync() -> float:
        with payt.Client("sync", base_url=server.url, rate_limit=None) as client:
            began = time.perf_counter()
            for _page in client.contacts.list(administration_id=str(pages * 500 - 1)).pages():
                time.sleep(CONSUMER)
            return time.perf_counter() - began

    def alone() -> float:
        """Fetching the pages for a consumer that takes no time."""
        with payt.Client("alone", base_url=server.url, rate_limit=None) as client:
            began = time.perf_counter()
            for _page in client.contacts.list(administration_id=str(pages * 500 - 1), prefetch=0).pages():
                pass
            return time.perf_counter() - began

    async def asynchronous() -> float:
        async with payt.AsyncClient("async", base_url=server.url, rate_limit=None) as client:
            began = time.perf_counter()
            async for _page in client.contacts.list(administration_id=str(pages * 500 - 1)).pages():
                await asyncio.sleep(CONSUMER)
            return time.perf_counter() - began

    with serving(plan, "--latency", str(LATENCY)) as server:
        loops.with_payt(server.url, 1)  # the first ones import what they need
        loops.with_payt_async(server.url, 1)
        seconds = interleaved(
            {
                "sync": sync,
                "async": lambda: asyncio.run(asynchronous()),
                "alone": alone,
                "fetched": lambda: fetched(server.url, pages),
                "consumed": lambda: consumed(pages),
            },
            plan.runs,
        )
    return rows(pages, seconds)


def rows(pages: int, seconds: Mapping[str, list[float]]) -> list[Row]:
    """Beside 50 ms a page, which no answer of 430 kB can keep, and beside the sums as they were measured."""
    nominal = pages * max(LATENCY, CONSUMER)
    larger = [max(sums) for sums in zip(seconds["fetched"], seconds["consumed"], strict=True)]
    made = []
    for name in ("sync", "async"):
        made += [
            Row(
                what=f"{pages} pages, 50 ms to come and 50 ms to consume each, {name}",
                ours=shown(seconds[name]),
                peer=f"{pages} × 50 ms",
                theirs=f"{nominal:.2f} s",
                ratio=statistics.median(seconds[name]) / nominal,
                goal=1.15,
            ),
            row(f"… the same, {name}", {name: seconds[name], MEASURED: larger}, MEASURED, None),
        ]
    return [*made, row("… the same, sync", {**seconds, "fetching alone": seconds["alone"]}, "fetching alone", None)]
