"""Many administrations under the limit of ten requests a second, which the server enforces."""

from __future__ import annotations

import asyncio
import time

import payt

from .measure import Plan, Row, Served, serving, shown

PAGES, RATE, RUNS = 5, 10, 3
CONTACTS = PAGES * 500 - 1
"""Of an administration: behind a full last page, one more would be asked for."""


def measure(plan: Plan) -> list[Row]:
    administrations = [f"{CONTACTS}-{number}" for number in range(4 if plan.fast else 40)]
    contacts, requests = len(administrations) * CONTACTS, len(administrations) * PAGES

    def sync(server: Served, run: int) -> float:
        with payt.Client(f"sync-{run}", base_url=server.url) as client:
            began = time.perf_counter()
            assert sum(1 for _ in client.contacts.list_many(administration_ids=administrations)) == contacts
            return time.perf_counter() - began

    def asynchronous(server: Served, run: int) -> float:
        async def listing() -> float:
            async with payt.AsyncClient(f"async-{run}", base_url=server.url) as client:
                began = time.perf_counter()
                found = [0 async for _ in client.contacts.list_many(administration_ids=administrations)]
                assert len(found) == contacts
                return time.perf_counter() - began

        return asyncio.run(listing())

    rows = []
    arguments = ("--latency", "0.1", "--rate-limit", str(RATE))
    with serving(plan, *arguments) as one, serving(plan, *arguments) as other:
        seconds: dict[str, list[float]] = {"sync": [], "async": []}
        for run in range(min(plan.runs, RUNS)):  # not both at once: each would keep the other's requests from going out
            seconds["sync"].append(sync(one, run))
            seconds["async"].append(asynchronous(other, run))
        refused = {"sync": one.stats()["refused"], "async": other.stats()["refused"]}
    for name, measured in seconds.items():
        what = f"{len(administrations)} administrations of {PAGES} pages, 100 ms round trip, {name}"
        bound = requests / RATE
        ratio = sorted(measured)[len(measured) // 2] / bound
        rows += [
            Row(what, shown(measured), "what the limit dictates", f"{bound:.1f} s", ratio, goal=1.08),
            Row(f"… requests that were refused (429), {name}", str(refused[name]), "none", "0", refused[name], goal=0),
        ]
    return rows
