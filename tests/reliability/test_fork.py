"""Processes that are forked: none of them has a share in what the parent has under way."""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

import payt
from payt.listing.executors import run
from payt.testing import FakePayt, contact
from payt.transport.call import wait_for
from payt.transport.pace_file import FilePace
from payt.transport.process import PerProcess
from payt.transport.workers import Worker
from support.quick import QUICK

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this operating system has no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]
IDS = [str(number) for number in range(1, 5)]
UNMEASURED = pytest.mark.soak  # coverage has a lock that a thread may hold at the fork: not in scripts/coverage


@pytest.fixture
def service() -> Iterator[FakePayt]:
    """Administrations whose contacts bear their administration's id."""
    administrations = {name: [contact(id=number, lastname=name) for number in range(1, 61)] for name in IDS}
    with FakePayt(administrations=administrations, latency=0.002) as fake:
        yield fake


_list: Callable[[str], list[str | None]]


def _in_child(name: str) -> list[str | None]:
    return _list(name)


@pytest.mark.parametrize("pickled", [False, True])
def test_children_use_no_connection_of_the_parent(
    service: FakePayt, monkeypatch: pytest.MonkeyPatch, pickled: bool
) -> None:
    global _list  # noqa: PLW0603  # what is forked comes along
    monkeypatch.setenv("PAYT_TOKEN", service.token)
    with payt.Client(base_url=service.url, rate_limit=None, **{**QUICK, "verify": True, "retries": 0}) as client:

        def names(administration: str) -> list[str | None]:
            pager = client.contacts.list(administration_id=administration, per_page=10)
            again = pickle.loads(pickle.dumps(pager)) if pickled else pager
            return [one.lastname for one in again]

        _list = names
        assert names("1") == ["1"] * 60  # the parent has a connection now
        with multiprocessing.get_context("fork").Pool(4) as pool:
            assert pool.map(_in_child, IDS * 3, chunksize=1) == [[name] * 60 for name in IDS * 3]
        assert names("2") == ["2"] * 60


def _forked(child: Callable[[], object]) -> int:
    """Call it in a child; its exit code."""
    process = os.fork()
    if process == 0:
        signal.alarm(120)  # it may have to wait for something that never comes
        try:
            child()
        except BaseException:  # noqa: BLE001  # a test's child ends here
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.parametrize("many", [False, True])
def test_a_listing_is_gone_on_with_by_the_parent_alone(service: FakePayt, many: bool) -> None:
    with payt.Client(service.token, base_url=service.url, rate_limit=None, **{**QUICK, "retries": 0}) as client:
        contacts = (
            (one for _, one in client.contacts.list_many(administration_ids=["1"], per_page=10))
            if many
            else iter(client.contacts.list(administration_id="1", per_page=10))
        )
        assert next(contacts).lastname == "1"

        def go_on() -> None:
            with pytest.raises(RuntimeError, match="in another process"):
                list(contacts)

        assert _forked(go_on) == 0
        assert len(list(contacts)) == 59


def test_what_a_child_does_seen_from_within(service: FakePayt, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in this process, whose coverage is measured."""
    with payt.Client(service.token, base_url=service.url, rate_limit=None, **QUICK) as client:
        pager = client.contacts.list(administration_id="1", per_page=10)
        pages: Any = pager.pages()
        next(pages)
        parents = pages._source.gi_frame.f_locals["ahead"]
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(RuntimeError, match="in another process"):
                list(pages)
            assert len(list(pager)) == 60
        run(parents.close())  # a child leaves the threads of its parent alone
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            client.close()


@contextmanager
def _busy(do: Callable[[], object]) -> Iterator[None]:
    """In here, a thread does it over and over; more would leave the server, which is in this process, no time."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            do()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            yield
        finally:
            over.set()
            running.result(60)


@pytest.mark.real_time
def test_a_child_does_not_wait_behind_requests_of_its_parent(
    service: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent's threads wait for the pace; a task with a client of its own is run in a child."""
    global _list  # noqa: PLW0603  # what is forked comes along
    settings = {"base_url": service.url, "rate_limit": 1, "pace": payt.ProcessPace(), **QUICK}

    def listed(administration: str) -> list[str | None]:
        with payt.Client(service.token, **{**settings, "total_timeout": 10}) as client:
            return [one.lastname for one in client.contacts.list(administration_id=administration)]

    _list = listed
    with payt.Client(service.token, **settings) as client, ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(list, client.contacts.list(administration_id=name)) for name in IDS]
        while not service.requests:  # then the others are waiting, as only one may start in a second
            time.sleep(0.01)
        with multiprocessing.get_context("fork").Pool(1) as children:
            assert children.apply_async(_in_child, ["1"]).get(20) == ["1"] * 60
        assert not all(one.done() for one in waiting)


@UNMEASURED
@pytest.mark.parametrize("pace", [payt.ProcessPace(), FilePace()], ids=["process", "file"])
def test_a_child_can_list_whatever_the_parent_is_about(service: FakePayt, pace: payt.ProcessPace) -> None:
    with payt.Client(service.token, base_url=service.url, rate_limit=1_000_000, **QUICK) as client:

        def first() -> object:
            pace.start(b"other", 1_000_000).wait()
            return list(client.contacts.list(administration_id="1", limit=1))

        first()  # imports what a thread must not be importing at the fork
        with _busy(pace.start(b"other", 10).wait):
            assert [_forked(first) for _ in range(4)] == [0] * 4


@UNMEASURED
def test_a_child_can_take_tasks_whatever_the_parent_is_about(
    service: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pagers of many different clients arrive all the time."""
    monkeypatch.setenv("PAYT_TOKEN", service.token)
    numbers = itertools.count(1)

    def take() -> object:
        with payt.Client(base_url=service.url, rate_limit=None, trust_env=False, total_timeout=next(numbers)) as client:
            pickled = pickle.dumps(client.contacts.list(administration_id="1", limit=1))
        pager = pickle.loads(pickled)
        return pager if threading.current_thread() is not threading.main_thread() else list(pager)

    take()  # a module that a thread is importing at the fork is one that no child can import: Python's own limit
    with _busy(take):
        assert [_forked(take) for _ in range(4)] == [0] * 4


def test_a_child_waits_for_no_thread_of_its_parent() -> None:
    """Not even where another thread of the parent is ending it at the moment of the fork."""
    waits, ending, goes_on = threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        waits.set()
        goes_on.wait(60)

    def wake() -> None:
        ending.set()
        goes_on.wait(60)

    worker = Worker(lambda cancel: wait_for(wait, wake, [cancel]))
    assert waits.wait(60)
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(worker.stop)
        assert ending.wait(60)
        assert _forked(worker.stop) == 0
        goes_on.set()
        stopping.result(60)
    worker.join(60)


@contextmanager
def _within(module: str, name: str, monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> Iterator[None]:
    """In here, a thread is in the middle of a function that `do` calls; it goes on at the end."""
    within, over = threading.Event(), threading.Event()
    original = getattr(importlib.import_module(module), name)

    def held(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            within.set()
            over.wait(60)
        return original(*args, **kwargs)

    monkeypatch.setattr(f"{module}.{name}", held)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(do)
        assert within.wait(60)
        try:
            yield
        finally:
            over.set()
        running.result(60)


def test_a_child_has_the_resources_that_a_thread_of_its_parent_was_making(
    service: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        payt.Client(service.token, base_url=service.url) as parents,
        payt.Client(service.token, base_url=service.url) as childs,
        _within("payt_resources.contacts", "Contacts", monkeypatch, lambda: parents.contacts),
    ):
        assert _forked(lambda: childs.contacts) == 0


def test_a_child_finds_the_folder_that_a_thread_of_its_parent_was_looking_for(monkeypatch: pytest.MonkeyPatch) -> None:
    parents, childs = FilePace(), FilePace()
    with _within("platformdirs", "user_state_path", monkeypatch, parents.start(b"parents", 1_000_000).wait):
        assert _forked(childs.start(b"childs", 1_000_000).wait) == 0


def test_each_process_has_a_value_of_its_own_and_its_threads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    own: PerProcess[object] = PerProcess(object)
    assert own.get() is own.get()
    parents = own.get()

    def child() -> None:
        assert own.get() is own.get()
        assert own.get() is not parents
        mine = own.get()
        assert _forked(lambda: child_of_child(mine)) == 0

    def child_of_child(childs: object) -> None:
        barrier = threading.Barrier(8)

        def get() -> object:
            barrier.wait()
            return own.get()

        with ThreadPoolExecutor(8) as pool:
            assert len({id(one) for one in pool.map(lambda _: get(), range(8))}) == 1
        assert own.get() is not childs

    assert _forked(child) == 0
    assert own.get() is parents
