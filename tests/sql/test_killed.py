"""Killed at any moment, what was committed is whole pages, and the next run goes on."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sql.copying import Syncs
from sql.truth import Query, rows, truth

from payt.sql import SyncResult
from payt.sql.errors import BusyError
from payt.testing import FakePayt

SCRIPT = Path(__file__).with_name("sync_process.py")


def when_free(run: Callable[[], list[SyncResult]]) -> list[SyncResult]:
    """Run, as soon as PostgreSQL has seen that the other end of a connection is dead, and has let go of its lock."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return run()
        except BusyError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def check_kills(sync: Syncs, database: str, query: Query, kills: int) -> None:
    moments, resumed = random.Random(1), 0
    with FakePayt(contacts=120) as fake:
        for number in range(kills):
            command = [sys.executable, str(SCRIPT), fake.url, fake.token, database]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as victim:
                assert victim.stdin is not None
                assert victim.stdout is not None
                assert victim.stdout.readline() == "ready\n"
                victim.stdin.write("on\n")
                victim.stdin.flush()
                before = len(fake.requests)
                deadline = time.monotonic() + 60
                while len(fake.requests) < before + 3:  # it is in the middle of it
                    assert time.monotonic() < deadline
                    time.sleep(0.001)
                fake.change(str(1 + number * 7 % 120), lastname=f"after kill {number}")
                time.sleep(moments.uniform(0, 0.2))
                victim.kill()
            fake.reset()
            [result] = when_free(lambda: sync(fake, database))
            resumed += result.resumed
            sync(fake, database)  # what changed on a page that was passed
            assert rows(query) == truth(fake)
        assert resumed  # kills met runs that were under way
        sync(fake, database, full=True)
        assert rows(query) == truth(fake)


def test_a_killed_run_is_gone_on_with(sync: Syncs, sqlite: str, query_sqlite: Query) -> None:
    check_kills(sync, sqlite, query_sqlite, 5)


@pytest.mark.soak
def test_fifty_killed_runs_lose_nothing(sync: Syncs, database: str, query: Query) -> None:
    check_kills(sync, database, query, 50)
