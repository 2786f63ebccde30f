"""Copies of many administrations at the pace of the API, from a server that takes its time for a page."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import payt
from payt.testing import FakePayt
from support import postgres

from . import before
from .measure import AS_IT_COMES, Plan, Row, shown

PER_PAGE, RATE = 2, 10


def measure(plan: Plan) -> list[Row]:
    programs = postgres.binaries()
    if programs is None:
        plan.notes.append("administrations was left out: it takes PostgreSQL, which is not installed")
        return []
    administrations, pages, latency = (4, 2, 0.02) if plan.fast else (40, 5, 0.2)
    names = [str(number) for number in range(1, administrations + 1)]
    contacts = dict.fromkeys(names, pages * PER_PAGE - 1)
    goals = {
        f"copy {administrations} administrations of {pages} pages, {latency} s a page": (administrations * pages, 1.15),
        "… again, nothing new": (administrations, None),
    }
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="payt-bench-") as folder,
        postgres.cluster(programs, **AS_IT_COMES) as postgresql,
        FakePayt(administrations=contacts, latency=latency, rate_limit=RATE) as fake,
        FakePayt(administrations=contacts, latency=latency, rate_limit=RATE) as other,
        before.before() as earlier,
        ThreadPoolExecutor() as pool,
    ):
        for kind, database in (("PostgreSQL", postgresql), ("SQLite", f"sqlite:///{folder}/%s.db")):
            for case, (requests, goal) in goals.items():
                what, calls = f"{case}, {kind}", [("now", fake.url), ("before", other.url)]
                ours, theirs = [(url, fake.token, names, database.replace("%s", who), who) for who, url in calls]
                other_run = earlier and pool.submit(earlier.call, "benchmarks.administrations:copied", *theirs)
                took = copied(*ours)  # both at once: they mostly wait
                bound = requests / RATE
                rows.append(Row(what, shown([took]), "what the limit dictates", f"{bound:.1f} s", took / bound, goal))
                if other_run:
                    seconds = other_run.result()
                    rows.append(Row(what, shown([took]), before.NAME, shown([seconds]), took / seconds))
    return rows


def copied(url: str, token: str, names: list[str], database: str, table: str) -> float:
    """The seconds that a run takes."""
    with payt.Client(token, base_url=url) as client:
        began = time.perf_counter()
        payt.sync(client, names, database, per_page=PER_PAGE, table=table)
        return time.perf_counter() - began
