"""One administration under the limit of ten requests a second: how long it takes by how long a page takes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import payt

from . import before
from .measure import Plan, Row, serving, shown
from .plot import Plot

LATENCIES = (0.02, 0.1, 0.3, 0.7)
RATE, PREFETCH = 10, 16
AHEAD, AFTER, LIMIT = f"prefetch={PREFETCH}", "prefetch=1", "what the limit dictates"


def measure(plan: Plan) -> list[Row]:
    pages = 12 if plan.fast else 100
    plot = plan.plots["speed-latency.svg"] = Plot(
        f"{pages} pages of one administration, ten requests a second", "seconds that a page takes"
    )
    return [row for latency in LATENCIES for row in at(plan, plot, pages, latency)]


def listed(url: str, contacts: int, token: str, prefetch: int) -> float:
    with payt.Client(token, base_url=url) as client:
        began = time.perf_counter()
        pager = client.contacts.list(administration_id=str(contacts), prefetch=prefetch)
        assert sum(1 for _ in pager) == contacts
        return time.perf_counter() - began


def at(plan: Plan, plot: Plot, pages: int, latency: float) -> list[Row]:
    contacts = pages * 500
    arguments = ("--latency", str(latency), "--rate-limit", str(RATE), "--gaps", str(contacts))
    with (
        serving(plan, *arguments) as server,
        serving(plan, *arguments) as other,
        serving(plan, *arguments) as third,
        before.before() as earlier,
        ThreadPoolExecutor() as pool,
    ):
        pending = {}
        if earlier:  # at the same time, as it is another process, and mostly waits
            pending[before.NAME] = pool.submit(
                earlier.call, "benchmarks.ahead:listed", third.url, contacts, f"{latency}", 1
            )
        took = listed(server.url, contacts, f"{latency}-{PREFETCH}", PREFETCH)
        after = listed(other.url, contacts, f"{latency}-1", 1)
        bound = (pages - 1) // RATE + latency
        seconds = {AHEAD: took, AFTER: after, **{name: each.result() for name, each in pending.items()}, LIMIT: bound}
        stats = server.stats()
    for name, each in seconds.items():
        plot.curves[name].append((latency, each))
    worth = latency * RATE > 1
    goals = {LIMIT: 1.5 if worth else None, AFTER: None if worth else 1.05, before.NAME: None}
    what = f"{pages} pages, {latency * 1e3:.0f} ms each, {AHEAD}"
    return [
        *[
            Row(what, shown([took]), peer, shown([seconds[peer]]), took / seconds[peer], goal)
            for peer, goal in goals.items()
            if peer in seconds
        ],
        Row("… requests", str(stats["requests"]), "pages", str(pages), stats["requests"] / pages, goal=1.25),
        Row("… requests that were refused (429)", str(stats["refused"]), "none", "0", stats["refused"], goal=0),
    ]
