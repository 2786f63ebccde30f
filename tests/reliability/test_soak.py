"""Two thousand pages with many faults: every contact once, and nothing that grows."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import payt
from faults import kinds
from faults.kinds import Fault, Point
from faults.server import FaultServer, paging
from payt.testing import contacts
from support.quick import QUICK

PAGES, PER_PAGE, SHARE = 2_000, 5, 0.05

FAULTS = [
    *map(kinds.close, Point),
    *map(kinds.reset, Point),
    kinds.close(1),
    kinds.garbage(),
    kinds.chunked_unfinished(),
    kinds.gzip_truncated(),
    kinds.gzip_corrupted(),
    kinds.http10() | kinds.close(Point.IN_BODY),
    kinds.stall(5, Point.IN_HEADERS),
    kinds.html(),
    kinds.empty(),
    *map(kinds.answer, (408, 429, 500, 502, 503, 504)),
    kinds.answer(503, [("Retry-After", "3")]),
]


class Watch:
    """How many faults there were, and how memory and open files went."""

    def __init__(self, server: FaultServer) -> None:
        self._server = server
        self._seen = 0
        self.faults = 0
        self.memory: list[int] = []
        self.files: list[int] = []

    def script(self) -> Iterator[Fault | None]:
        randomness = random.Random(2_000)
        while True:
            faulty = randomness.random() < SHARE
            self.faults += faulty
            yield randomness.choice(FAULTS) if faulty else None

    def page(self) -> None:
        self._seen += 1
        if self._seen % 200 == 0:
            self._server.forget_requests()
            gc.collect()
            self.memory.append(tracemalloc.get_traced_memory()[0])
            self.files.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))


def by_sync(url: str, watch: Watch) -> list[str | None]:
    came: list[str | None] = []
    with payt.Client("token", base_url=url, timeout=0.5, **QUICK) as client:
        for page in client.contacts.list(administration_id="1", per_page=PER_PAGE).pages():
            came.extend(contact.id for contact in page.data)
            watch.page()
    return came


def by_async(url: str, watch: Watch) -> list[str | None]:
    async def run() -> list[str | None]:
        came: list[str | None] = []
        async with payt.AsyncClient("token", base_url=url, timeout=0.5, **QUICK) as client:
            async for page in client.contacts.list(administration_id="1", per_page=PER_PAGE).pages():
                came.extend(contact.id for contact in page.data)
                watch.page()
        return came

    return asyncio.run(run())


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="open files are counted in /proc")
@pytest.mark.parametrize("run", [by_sync, by_async])
def test_two_thousand_pages(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="payt")  # what is captured takes memory too
    records = list(contacts(PAGES * PER_PAGE))
    expected = [record["id"] for record in records]
    with FaultServer(paging(records, PER_PAGE)) as server:
        watch = Watch(server)
        server.script(watch.script())
        tracemalloc.start()
        began = time.monotonic()
        try:
            came = run(server.url, watch)
        finally:
            tracemalloc.stop()
        seconds = time.monotonic() - began
        assert server.wait_closed()
    assert came == expected
    grown = watch.memory[-1] - watch.memory[1]
    print(  # noqa: T201  # told in docs/reliability.md
        f"{run.__name__}: {PAGES} pages, {watch.faults} faults, {len(came)} contacts once each, {seconds:.0f} s; "
        f"memory {grown / 1024:+.0f} KiB from page 400 to {PAGES}, open files {min(watch.files)} to {max(watch.files)}"
    )
    assert watch.faults > PAGES * SHARE / 2
    assert grown < 1.5 * 2**20  # the ids that this test collects, and a digest of each cursor
    assert max(watch.files[1:]) - min(watch.files[1:]) <= 4
