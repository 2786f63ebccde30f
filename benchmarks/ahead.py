"""One administration under the limit of ten requests a second: how long it takes by how long a page takes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import payt

from .measure import Plan, Row, Served, serving, shown

LATENCIES = (0.02, 0.3, 0.7)
RATE, PREFETCH = 10, 16


def measure(plan: Plan) -> list[Row]:
    pages = 12 if plan.fast else 100
    return [row for latency in LATENCIES for row in at(plan, pages, latency)]


def at(plan: Plan, pages: int, latency: float) -> list[Row]:
    contacts = pages * 500

    def listed(server: Served, prefetch: int) -> float:
        with payt.Client(f"{latency}-{prefetch}", base_url=server.url) as client:
            began = time.perf_counter()
            pager = client.contacts.list(administration_id=str(contacts), prefetch=prefetch)
            assert sum(1 for _ in pager) == contacts
            return time.perf_counter() - began

    arguments = ("--latency", str(latency), "--rate-limit", str(RATE), "--gaps", str(contacts))
    with serving(plan, *arguments) as one, serving(plan, *arguments) as other, ThreadPoolExecutor() as pool:
        slow = pool.submit(listed, other, 1)  # both at once: they mostly wait
        ahead, after = [listed(one, PREFETCH)], [slow.result()]
        stats = one.stats()
    bound = (pages - 1) // RATE + latency
    what = f"{pages} pages, {latency * 1e3:.0f} ms each, prefetch={PREFETCH}"
    worth = latency * RATE > 1
    return [
        Row(what, shown(ahead), "what the limit dictates", f"{bound:.1f} s", ahead[0] / bound, 1.5 if worth else None),
        Row("… the same", shown(ahead), "prefetch=1", shown(after), ahead[0] / after[0], None if worth else 1.05),
        Row("… requests", str(stats["requests"]), "pages", str(pages), stats["requests"] / pages, goal=1.25),
        Row("… requests that were refused (429)", str(stats["refused"]), "none", "0", stats["refused"], goal=0),
    ]
