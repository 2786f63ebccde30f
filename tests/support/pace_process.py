"""A process that lists an administration of so many pages, by so many threads or tasks, from `strict_judge`.

    python pace_process.py URL TOKEN PAGES threads|tasks WORKERS PACE

PACE is `machine`, `process`, or the URL of a database.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import payt

url, token, pages, kind, workers, where = sys.argv[1:]
pace: Any = {"machine": lambda: None, "process": payt.ProcessPace}.get(where, lambda: payt.SQLPace(where))()
each = int(pages) // int(workers)
options: dict[str, Any] = {"base_url": url, "pace": pace, "trust_env": False}


def by_threads() -> None:
    with payt.Client(token, **options) as client, ThreadPoolExecutor(int(workers)) as pool:
        listings = [client.contacts.list(administration_id=str(each)) for _ in range(int(workers))]
        for done in [pool.submit(list, listing) for listing in listings]:
            assert len(done.result()) == 1 + each


async def by_tasks() -> None:
    async def listed(client: payt.AsyncClient) -> None:
        assert len([contact async for contact in client.contacts.list(administration_id=str(each))]) == 1 + each

    async with payt.AsyncClient(token, **options) as client:
        await asyncio.gather(*(listed(client) for _ in range(int(workers))))


if kind == "threads":
    by_threads()
else:
    asyncio.run(by_tasks())
