"""Leaving early, by whatever way, is at once and leaves nothing behind. Warnings, of leaks too, are errors here."""

from __future__ import annotations

import asyncio
import gc
import itertools
import signal
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress
from http.cookiejar import CookieJar
from types import FrameType
from typing import Any

import pytest

import payt
from faults import kinds
from faults.kinds import Point
from faults.server import FaultServer
from payt.transport.workers import Worker
from support.eventually import SOON, eventually, others_end
from support.quick import QUICK


@pytest.fixture(autouse=True)
def nothing_is_left(server: FaultServer) -> Iterator[None]:
    threads = set(threading.enumerate())
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        yield
        gc.collect()
    assert server.wait_closed()
    ours = {thread for thread in threading.enumerate() if thread.name != "fault-server"}
    assert ours <= threads


def test_break(server: FaultServer) -> None:
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        for contact in client.contacts.list(administration_id="1"):
            if contact.id == "6":
                break


def test_an_exception_of_the_loops_own(server: FaultServer) -> None:
    def listing(client: payt.Client) -> None:
        for _ in client.contacts.list(administration_id="1"):
            raise LookupError

    with payt.Client("token", base_url=server.url, **QUICK) as client, pytest.raises(LookupError):
        listing(client)


def test_an_iteration_that_is_closed(server: FaultServer) -> None:
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        contacts = iter(client.contacts.list(administration_id="1"))
        next(contacts)
        contacts.close()  # type: ignore[attr-defined]  # which its type does not promise


def test_between_pages_no_connection_is_in_use(server: FaultServer) -> None:
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        pages = client.contacts.list(administration_id="1", prefetch=0).pages()
        next(pages)
        other = client.contacts.list(administration_id="1", prefetch=0).pages()
        next(other)
        assert server.open_connections == 1


def test_errors_give_their_connections_back(server: FaultServer) -> None:
    server.script([kinds.answer(403), kinds.close(Point.IN_BODY), kinds.html(), None, kinds.answer(body=b"null")] * 3)
    with payt.Client("token", base_url=server.url, retries=0, **QUICK) as client:
        for _ in range(15):
            with suppress(payt.PaytError):
                list(client.contacts.list(administration_id="1"))
        assert server.open_connections <= 1


async def failing(pager: payt.AsyncPager[payt.Contact]) -> None:
    async for _ in pager.pages():
        raise LookupError


def test_async_break_exception_and_closing(server: FaultServer) -> None:
    async def run() -> None:
        async with payt.AsyncClient("token", base_url=server.url, **QUICK) as client:
            pager = client.contacts.list(administration_id="1")
            async for _ in pager:
                break
            with pytest.raises(LookupError):
                await failing(pager)
            contacts: AsyncIterator[payt.Contact] = aiter(pager)
            async with aclosing(contacts):  # type: ignore[type-var]  # as above
                await anext(contacts)
            # it may not have seen yet that others were closed
            assert await asyncio.to_thread(eventually, lambda: server.open_connections == 1)
        assert await others_end()

    asyncio.run(run())


PLACES = [Point.BEFORE_ANSWER, Point.IN_HEADERS, Point.IN_BODY]


@pytest.mark.real_time
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_cancellation_comes_through_at_once(place: Point, server: FaultServer) -> None:
    async def run() -> None:
        server.script([None, kinds.stall(60, place)])
        async with payt.AsyncClient("token", base_url=server.url, **QUICK) as client:

            async def listing() -> None:
                [contact async for contact in client.contacts.list(administration_id="1")]

            before = len(server.requests)
            task = asyncio.create_task(listing())
            await asyncio.to_thread(server.wait_requests, before + 2)
            await asyncio.sleep(0.05)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < SOON
            assert await asyncio.to_thread(server.wait_closed)
            assert len([contact async for contact in client.contacts.list(administration_id="1")]) == 11
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


@pytest.mark.real_time
@pytest.mark.parametrize("waiting_for", ["backoff", "pace"])
def test_cancellation_comes_through_while_waiting(waiting_for: str, server: FaultServer) -> None:
    async def run() -> None:
        if waiting_for == "backoff":
            server.script([kinds.answer(503, [("Retry-After", "60")])])
        rate = 0.01 if waiting_for == "pace" else None
        async with payt.AsyncClient(waiting_for, base_url=server.url, rate_limit=rate, **QUICK) as client:
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    [contact async for contact in client.contacts.list(administration_id="1", per_page=4)]
            assert time.monotonic() - began < SOON

    asyncio.run(run())


@pytest.mark.real_time
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_keyboard_interrupt_comes_through_at_once(place: Point, server: FaultServer) -> None:
    server.script([None, kinds.stall(60, place)])
    before = len(server.requests)
    main = threading.main_thread().ident
    assert main is not None
    struck: list[float] = []

    def strike() -> None:
        server.wait_requests(before + 2)
        time.sleep(0.05)
        struck.append(time.monotonic())
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=strike)
    thread.start()
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        with pytest.raises(KeyboardInterrupt):
            list(client.contacts.list(administration_id="1"))
        assert time.monotonic() - struck[0] < SOON
        assert server.wait_closed()
        assert len(list(client.contacts.list(administration_id="1"))) == 11
    thread.join()


@pytest.mark.real_time
def test_a_keyboard_interrupt_while_waiting_for_the_next_attempt(server: FaultServer) -> None:
    server.script([kinds.answer(503, [("Retry-After", "60")])])
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.4, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with payt.Client("token", base_url=server.url, **QUICK) as client, pytest.raises(KeyboardInterrupt):
        list(client.contacts.list(administration_id="1"))
    assert time.monotonic() - began < SOON
    timer.join()


@pytest.mark.parametrize("prefetch", [0, 16])
def test_a_keyboard_interrupt_while_the_threads_of_many_start(
    prefetch: int, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = Worker.start, itertools.count(1)

    def start_and_be_interrupted(worker: Worker) -> None:
        start(worker)
        if next(started) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "start", start_and_be_interrupted)
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        listing = client.contacts.list_many(administration_ids=["1", "2", "3", "4"], prefetch=prefetch)
        with pytest.raises(KeyboardInterrupt):
            list(listing)
        assert eventually(lambda: not any(isinstance(thread, Worker) for thread in threading.enumerate()))
        monkeypatch.undo()
        assert len(list(listing)) == 44


@pytest.mark.parametrize("keeps_a_connection", [False, True])
def test_after_a_keyboard_interrupt_in_any_lock_of_httpcore_the_client_goes_on(
    keeps_a_connection: bool, server: FaultServer
) -> None:
    """Python code takes those locks, and Ctrl-C may come when it has just done so."""
    left = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_name != "__enter__" or not frame.f_globals["__name__"].startswith("httpcore."):
            return None
        nonlocal left
        left -= event == "line"
        if event == "line" and left == 0:
            raise KeyboardInterrupt
        return trace

    def interrupted(client: payt.Client) -> bool:
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            client.contacts.list(administration_id="1").first()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False

    for strike_at in itertools.count(1):
        left = strike_at
        client = payt.Client("token", base_url=server.url, **QUICK)
        if keeps_a_connection:
            client.contacts.list(administration_id="1").first()
        is_over = not interrupted(client)
        found: list[payt.Contact] = []
        listing = client.contacts.list(administration_id="1")
        again = threading.Thread(
            target=lambda found, listing: found.extend(listing), args=(found, listing), daemon=True
        )
        again.start()
        again.join(SOON)
        assert len(found) == 11
        client.close()
        again.join()
        if is_over:
            break
    assert strike_at > 5


def test_an_answer_without_cookies_takes_no_lock_that_ctrl_c_could_leave_taken(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract, extracted = CookieJar.extract_cookies, []

    def note(jar: CookieJar, response: Any, request: Any) -> None:
        extracted.append(response.info().get_all("Set-Cookie"))
        extract(jar, response, request)

    monkeypatch.setattr(CookieJar, "extract_cookies", note)
    server.script([None, kinds.answer(503, [("Set-Cookie", "to=one")])])
    before = len(server.requests)
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        listing = client.contacts.list(administration_id="1")
        assert listing.first()
        assert extracted == []
        assert listing.first()
    assert extracted == [["to=one"]]
    assert server.requests[before + 2].headers["cookie"] == "to=one"
