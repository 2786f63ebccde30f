"""While a page is being consumed the next one is on its way; nothing else changes. Leaks are errors here."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import itertools
import logging
import ssl
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import httpcore
import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

import payt
from faults import kinds
from faults.kinds import Fault, Point
from faults.server import FaultServer, paging
from payt.testing import FakePayt
from payt.transport import workers as threads_ahead
from payt.transport.call import Call, Cancel, wait_for
from support.eventually import SOON, eventually, others_end, workers
from support.flavours import Async, Flavour, Sync
from support.quick import CONTACTS, CONTEXT, QUICK


@pytest.fixture(autouse=True)
def nothing_is_left(server: FaultServer) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        yield
        gc.collect()
    assert server.wait_closed()
    assert eventually(lambda: not workers())


# Ahead, by one page


def test_the_next_page_is_asked_for_while_one_is_being_consumed(server: FaultServer) -> None:
    before = len(server.requests)
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        pages = client.contacts.list(administration_id="1").pages()
        assert [contact.id for contact in next(pages).data] == ["1", "2", "3", "4"]
        assert server.wait_requests(before + 2)
        time.sleep(0.05)
        assert len(server.requests) == before + 2
        assert [contact.id for contact in next(pages).data] == ["5", "6", "7", "8"]
        assert server.wait_requests(before + 3)
        assert [len(page.data) for page in pages] == [3]


def test_async_the_next_page_is_asked_for_while_one_is_being_consumed(server: FaultServer) -> None:
    async def run() -> None:
        before = len(server.requests)
        async with payt.AsyncClient("token", base_url=server.url, **QUICK) as client:
            pages = client.contacts.list(administration_id="1").pages()
            await anext(pages)
            assert await asyncio.to_thread(server.wait_requests, before + 2)
            await asyncio.sleep(0.05)
            assert len(server.requests) == before + 2
            assert [len(page.data) async for page in pages] == [4, 3]

    asyncio.run(run())


def test_it_can_be_switched_off(server: FaultServer, flavour: Flavour) -> None:
    before = len(server.requests)
    asked: list[int] = []
    pages = flavour.pages(
        server.url, client=QUICK, prefetch=0, seen=lambda _: asked.append(len(server.requests) - before)
    )
    assert asked == [1, 2, 3]
    assert len(pages) == 3
    assert not workers()


@pytest.mark.parametrize(("limit", "asked_for"), [(0, []), (3, ["3"]), (4, ["4"]), (5, ["5", "1"]), (8, ["8", "4"])])
def test_never_more_is_fetched_than_the_limit_needs(
    limit: int, asked_for: list[str], server: FaultServer, flavour: Flavour
) -> None:
    before = len(server.requests)
    assert len(flavour.contacts(server.url, client=QUICK, limit=limit)) == limit
    assert [request.query["per_page"] for request in server.requests[before:]] == asked_for


def test_a_listing_of_one_page_takes_no_thread(server: FaultServer) -> None:
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        for _ in client.contacts.list(administration_id="1", limit=4):
            assert not workers()


@pytest.mark.parametrize(("limit", "prefetch"), [(4, 1), (11, 0)])
def test_async_a_listing_of_one_page_takes_no_task(limit: int, prefetch: int, server: FaultServer) -> None:
    async def run() -> None:
        async with payt.AsyncClient("token", base_url=server.url, **QUICK) as client:
            async for _ in client.contacts.list(administration_id="1", limit=limit, prefetch=prefetch):
                assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


@pytest.mark.parametrize("prefetch", [0, 1])
def test_a_listing_takes_one_connection(prefetch: int, server: FaultServer, flavour: Flavour) -> None:
    before = server.connections
    assert len(flavour.contacts(server.url, client=QUICK, prefetch=prefetch)) == 11
    assert server.connections == before + 1


def test_pages_are_what_they_are_without(server: FaultServer, flavour: Flavour) -> None:
    with_, without = (flavour.pages(server.url, client=QUICK, prefetch=prefetch) for prefetch in (1, 0))
    assert [(page.data, page.cursor, page.raw) for page in with_] == [
        (page.data, page.cursor, page.raw) for page in without
    ]
    assert [page.cursor for page in with_] == ["4", "8", None]


def test_several_iterations_at_once(server: FaultServer, ids: list[str]) -> None:
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        pager = client.contacts.list(administration_id="1")
        for one, other in zip(pager, pager, strict=True):
            assert one.id == other.id
        assert [contact.id for contact in pager] == ids


# Errors


@pytest.mark.parametrize("fault", [kinds.answer(403), kinds.answer(body=b'{"data": [{"id": {}}]}')], ids=str)
def test_an_error_comes_at_its_place(fault: Fault, server: FaultServer, flavour: Flavour, ids: list[str]) -> None:
    server.script([None, None, fault])
    seen: list[Any] = []
    with pytest.raises(payt.PaytError) as caught:
        flavour.pages(server.url, client=QUICK, seen=seen.append)
    assert [contact.id for page in seen for contact in page.data] == ids[:8]
    assert caught.value.cursor == "8"
    rest = flavour.contacts(server.url, client=QUICK, cursor="8")
    assert [contact.id for contact in rest] == ids[8:]


@pytest.mark.parametrize("kind", [LookupError, SystemExit], ids=["Exception", "BaseException"])
def test_whatever_credentials_raise_comes_out(kind: type[BaseException], server: FaultServer) -> None:
    tokens = iter(["token"])

    def credentials() -> str:
        for token in tokens:
            return token
        raise kind

    with payt.Client(credentials, base_url=server.url, **QUICK) as client, pytest.raises(kind):
        list(client.contacts.list(administration_id="1"))


FAULTS = [
    None,
    kinds.close(Point.BEFORE_ANSWER),
    kinds.reset(Point.IN_BODY),
    kinds.close(Point.IN_HEADERS),
    kinds.answer(503),
    kinds.html(),
    kinds.gzipped(),
    kinds.chunked(),
    kinds.answer(403),
    kinds.answer(body=b'{"data": 1}'),
]


@given(script=st.lists(st.sampled_from(FAULTS), max_size=9), flavour=st.sampled_from([Sync(), Async()]))
def test_with_and_without_it_a_listing_is_the_same(script: list[Fault | None], flavour: Flavour) -> None:
    def outcome(prefetch: int) -> tuple[list[str | None], object]:
        seen: list[payt.Page[payt.Contact]] = []
        error = None
        with FaultServer(paging(CONTACTS, per_page=2)) as server:
            server.script(script)
            try:
                flavour.pages(server.url, client=QUICK | {"retries": 1}, prefetch=prefetch, seen=seen.append)
            except payt.PaytError as raised:
                error = (type(raised), raised.cursor, raised.attempts, raised.status)
        return [contact.id for page in seen for contact in page.data], error

    assert outcome(1) == outcome(0)


# Leaving early


WAITS: list[tuple[list[Fault | None], dict[str, Any]]] = [
    ([None, kinds.stall(60)], {}),
    ([None, kinds.stall(60, Point.IN_HEADERS)], {}),
    ([None, kinds.stall(60, Point.IN_BODY)], {}),
    ([None, kinds.answer(503, [("Retry-After", "50")])], {}),
    ([], {"rate_limit": 0.01}),
]
WAIT_IDS = ["before the answer", "in the headers", "in the body", "to try again", "for the pace"]


@pytest.mark.real_time
@pytest.mark.parametrize(("script", "settings_"), WAITS, ids=WAIT_IDS)
def test_leaving_is_at_once_whatever_is_waited_for(
    script: list[Fault | None], settings_: dict[str, Any], server: FaultServer
) -> None:
    server.script(script)
    before = len(server.requests)
    with payt.Client(uuid.uuid4().hex, base_url=server.url, **(QUICK | settings_)) as client:
        for _ in client.contacts.list(administration_id="1"):
            if script:
                assert server.wait_requests(before + 2)
            left = time.monotonic()
            break
        assert time.monotonic() - left < SOON
        assert eventually(lambda: not workers())
        assert len(server.requests) <= before + 2


@pytest.mark.real_time
@pytest.mark.parametrize(("script", "settings_"), WAITS, ids=WAIT_IDS)
def test_async_leaving_is_at_once_whatever_is_waited_for(
    script: list[Fault | None], settings_: dict[str, Any], server: FaultServer
) -> None:
    async def run() -> None:
        server.script(script)
        before = len(server.requests)
        async with payt.AsyncClient(uuid.uuid4().hex, base_url=server.url, **(QUICK | settings_)) as client:
            async for _ in client.contacts.list(administration_id="1"):
                if script:
                    assert await asyncio.to_thread(server.wait_requests, before + 2)
                left = time.monotonic()
                break
        assert time.monotonic() - left < SOON
        assert await others_end()
        assert len(server.requests) <= before + 2

    asyncio.run(run())


@pytest.mark.real_time
def test_over_tls_too(server: FaultServer) -> None:
    authority = trustme.CA()
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    authority.configure_trust(ours)
    with FaultServer(paging(CONTACTS, per_page=4), tls=theirs) as encrypted:
        encrypted.script([None, kinds.stall(60, Point.IN_BODY)])
        with payt.Client("token", base_url=encrypted.url, verify=ours, trust_env=False) as client:
            for _ in client.contacts.list(administration_id="1"):
                assert encrypted.wait_requests(2)
                break
            assert eventually(lambda: not workers())
            assert len(list(client.contacts.list(administration_id="1"))) == 11


@pytest.mark.real_time
def test_a_transport_that_cannot_be_woken_ends_in_the_background(server: FaultServer) -> None:
    sent, go_on = threading.Event(), threading.Event()

    class Waiting(httpx.BaseTransport):
        def __init__(self) -> None:
            self.inner = httpx.HTTPTransport(verify=CONTEXT)
            self.requests = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            self.requests += 1
            if self.requests > 1:
                sent.set()
                assert go_on.wait(60)
            return self.inner.handle_request(request)

        def close(self) -> None:
            self.inner.close()

    with payt.Client("token", base_url=server.url, transport=Waiting()) as client:
        for _ in client.contacts.list(administration_id="1"):
            assert sent.wait(60)
            left = time.monotonic()
            break
        assert time.monotonic() - left < SOON
        assert len(workers()) == 1
        go_on.set()
        assert eventually(lambda: not workers())


def test_a_connection_that_is_made_in_vain_is_closed(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop is left while the second page's request is connecting, which nothing can interrupt."""
    connecting, go_on = threading.Event(), threading.Event()
    connect_tcp = httpcore.SyncBackend.connect_tcp

    def slowly(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            connecting.set()
            assert go_on.wait(60)
        return connect_tcp(*args, **kwargs)

    monkeypatch.setattr("httpcore.SyncBackend.connect_tcp", slowly)
    server.script([kinds.http10()])  # which keeps no connection
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        for _ in client.contacts.list(administration_id="1"):
            assert connecting.wait(60)
            break
        go_on.set()
        assert eventually(lambda: not workers())
        assert server.wait_closed()


def test_a_pager_that_is_dropped_on_the_way(server: FaultServer) -> None:
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        kept: list[Any] = [iter(client.contacts.list(administration_id="1"))]
        next(kept[0])
        kept.append(kept)  # a cycle: only the garbage collector finds it
        del kept
        gc.collect()
        assert eventually(lambda: not workers())


def test_a_worker_can_be_told_to_end_by_itself() -> None:
    """As where a listing is collected as garbage in the thread that fetches for it."""
    ended = threading.Event()

    there = threading.Event()

    def target(cancel: Cancel) -> None:
        def stop() -> None:
            there.wait(60)
            worker.stop()
            threads_ahead.join([worker])

        try:
            wait_for(stop, lambda: None, [cancel])
        finally:
            ended.set()

    worker = threads_ahead.Worker(target)
    there.set()
    assert ended.wait(60)


# The client is closed on the way


@pytest.mark.real_time
@pytest.mark.parametrize("place", [Point.BEFORE_ANSWER, Point.IN_BODY], ids=str)
def test_closing_the_client_ends_what_is_under_way(
    place: Point, server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.script([None, kinds.stall(60, place)])
    before = len(server.requests)
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        pages = client.contacts.list(administration_id="1").pages()
        next(pages)
        assert server.wait_requests(before + 2)
        time.sleep(0.05)
    began = time.monotonic()
    with pytest.raises(payt.TransportError) as caught:
        next(pages)
    assert time.monotonic() - began < SOON
    assert caught.value.cursor == "4"
    assert caught.value.attempts == 1
    assert not [record for record in caplog.records if record.name == "payt"]


def test_async_a_connection_that_is_made_after_closing_is_closed(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wanted it is cancelled at the same moment, before anything is written."""
    connect_tcp = httpcore.AnyIOBackend.connect_tcp
    made: list[Any] = []

    async def run() -> None:
        client = payt.AsyncClient("token", base_url=server.url, **QUICK)

        async def late(*args: Any, **kwargs: Any) -> Any:
            made.append(await connect_tcp(*args, **kwargs))
            await client.aclose()
            task.cancel()
            return made[0]

        monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", late)
        task = asyncio.create_task(client.contacts.list(administration_id="1").first())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert made[0].get_extra_info("socket").fileno() == -1

    asyncio.run(run())


@pytest.mark.real_time
def test_async_closing_the_client_ends_what_is_under_way(server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        server.script([None, kinds.stall(60)])
        before = len(server.requests)
        async with payt.AsyncClient("token", base_url=server.url, **QUICK) as client:
            pages = client.contacts.list(administration_id="1").pages()
            await anext(pages)
            assert await asyncio.to_thread(server.wait_requests, before + 2)
            await asyncio.sleep(0.05)
        with pytest.raises(payt.TransportError) as caught:
            await anext(pages)
        assert caught.value.cursor == "4"

    asyncio.run(run())
    assert not [record for record in caplog.records if record.name == "payt"]


def test_a_page_that_is_there_already_is_still_given(server: FaultServer) -> None:
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        pages = client.contacts.list(administration_id="1", limit=8).pages()
        next(pages)
        assert eventually(pages._source.gi_frame.f_locals["ahead"]._arrivals.qsize)  # type: ignore[attr-defined]
    assert [len(page.data) for page in pages] == [4]


# What surrounds it


def test_the_thread_has_the_context_of_whoever_iterates(server: FaultServer) -> None:
    trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="none")
    seen: list[str] = []

    def credentials() -> str:
        seen.append(trace.get())
        return "token"

    trace.set("mine")
    with payt.Client(credentials, base_url=server.url, **QUICK) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == 11
    assert seen == ["mine"] * 3


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (17, ValueError, "prefetch must be 0 to 16, got 17"),
        (-1, ValueError, "prefetch must be 0 to 16, got -1"),
        (True, TypeError, "prefetch must be a whole number, got bool"),
        ("1", TypeError, "prefetch must be a whole number, got str"),
        (None, TypeError, "prefetch must be a whole number, got NoneType"),
    ],
    ids=repr,
)
def test_what_prefetch_cannot_be(
    value: Any, error: type[Exception], message: str, server: FaultServer, flavour: Flavour
) -> None:
    before = len(server.requests)
    with pytest.raises(error, match=message):
        flavour.contacts(server.url, client=QUICK, prefetch=value)
    assert len(server.requests) == before


@pytest.mark.parametrize("many", [False, True])
def test_an_iterator_that_is_kept_when_the_loop_ends_is_closed_in_silence(
    caplog: pytest.LogCaptureFixture, many: bool
) -> None:
    kept: list[Any] = []

    async def leave(fake: FakePayt) -> None:
        async with payt.AsyncClient(fake.token, base_url=fake.url, **QUICK) as client:
            pager: Any = (
                client.contacts.list_many(administration_ids=["1"], per_page=1)
                if many
                else client.contacts.list(administration_id="1", per_page=1)
            )
            kept.append(aiter(pager))
            await anext(kept[0])
            await asyncio.sleep(0.05)  # what is ahead arrives

    with FakePayt(contacts=5) as fake, caplog.at_level(logging.ERROR):
        asyncio.run(leave(fake))
    assert caplog.records == []


@pytest.mark.parametrize("many", [False, True])
def test_a_listing_does_not_wait_for_an_event_loop_that_has_ended(server: FaultServer, many: bool) -> None:
    async def next_of(pages: Any) -> Any:
        async with asyncio.timeout(SOON):
            return await anext(pages)

    async def close() -> None:
        await client.aclose()

    client = payt.AsyncClient("t", base_url=server.url, **QUICK)
    listed = client.contacts.list_many if many else client.contacts.list
    which = {"administration_ids": ["1"]} if many else {"administration_id": "1"}
    pages = listed(**which, prefetch=1).pages()
    with asyncio.Runner() as first:
        first.run(next_of(pages))
        with asyncio.Runner() as second, pytest.raises(RuntimeError, match="or event loop"):
            second.run(next_of(pages))
        kept = listed(**which, prefetch=1).pages()
        first.run(next_of(kept))
        with pytest.raises(StopIteration):  # it is closed where no loop runs, as when a program ends
            kept.aclose().send(None)
        first.run(close())


def test_a_thread_whose_start_is_interrupted_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by Ctrl-C, when it runs already."""
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    ended = threading.Event()

    def sleep(cancel: Cancel) -> None:
        try:
            Call(60, [cancel]).sleep(60)
        finally:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        threads_ahead.Worker(sleep)
    assert ended.wait(60)


def test_leaving_many_listings_takes_a_moment_for_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each of the threads is in a wait that nothing can end."""
    asked: list[float] = []
    never = threading.Event()

    def wait(_: Cancel) -> None:
        never.wait(60)

    threads = [threads_ahead.Worker(wait) for _ in range(20)]
    now = itertools.count(0.0, 0.01)
    monkeypatch.setattr(threads_ahead.Worker, "join", lambda _, seconds: asked.append(seconds))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    threads_ahead.join(threads)
    never.set()
    assert asked[0] < threads_ahead._MOMENT
    assert asked[-1] == 0
