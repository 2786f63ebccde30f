"""Listing while the program is ending: since Python 3.12, no thread starts then."""

from __future__ import annotations

import subprocess
import sys

import pytest

import payt
from payt.testing import FakePayt
from payt.transport.workers import Worker
from support.eventually import PATIENCE
from support.quick import QUICK

PROGRAM = """
import atexit, sys
import payt

def last():
    for prefetch in (0, 1, 4):
        pager = client.contacts.list(administration_id="1", per_page=5, prefetch=prefetch)
        print(prefetch, len(list(pager)))
    print("many", len(list(client.contacts.list_many(administration_ids=["1"], per_page=5))))
    client.close()

client = payt.Client(sys.argv[2], base_url=sys.argv[1])
atexit.register(last)
"""


def test_a_function_that_atexit_calls_can_list(fake: FakePayt) -> None:
    command = [sys.executable, "-c", PROGRAM, fake.url, fake.token]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (done.stdout, done.stderr) == ("0 12\n1 12\n4 12\nmany 12\n", "")


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: Worker) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(Worker, "start", start)


def test_without_threads_a_listing_is_whole(no_threads: None, fake: FakePayt) -> None:
    with payt.Client(fake.token, base_url=fake.url, **QUICK) as client:
        pages = client.contacts.list(administration_id="1", per_page=5).pages()
        assert len(next(pages).data) == 5
        assert len(fake.requests) == 1
        assert [len(page.data) for page in pages] == [5, 2]


def test_without_threads_many_listings_are_whole_and_errors_are_collected(no_threads: None) -> None:
    with (
        FakePayt(administrations={"a": 7, "c": 2}) as fake,
        payt.Client(fake.token, base_url=fake.url, retries=0, **QUICK) as client,
    ):
        pager = client.contacts.list_many(administration_ids=["a", "b", "c"], per_page=5, on_error="collect")
        assert [name for name, _ in pager] == ["a"] * 7 + ["c"] * 2
        assert [*pager.errors] == ["b"]
