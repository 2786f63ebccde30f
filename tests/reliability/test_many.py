"""Many administrations at once: all of each, or an error that says which one and where to go on. Leaks are errors."""

from __future__ import annotations

import asyncio
import gc
import inspect
import itertools
import signal
import threading
import time
import uuid
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import payt
from faults import kinds
from faults.server import FaultServer, paging
from payt.testing import FakePayt
from support.eventually import SOON, eventually, others_end, workers
from support.quick import CONTACTS, QUICK

Pairs = list[tuple[str, payt.Contact]]
Run = Callable[..., tuple[Pairs, dict[str, payt.PaytError]]]


def run_sync(url: str, credentials: Any = "fake-token", **arguments: Any) -> tuple[Pairs, dict[str, payt.PaytError]]:
    with payt.Client(credentials, base_url=url, retries=0, rate_limit=None, **QUICK) as client:
        pager = client.contacts.list_many(**arguments)
        return list(pager), dict(pager.errors)


def run_async(url: str, credentials: Any = "fake-token", **arguments: Any) -> tuple[Pairs, dict[str, payt.PaytError]]:
    async def run() -> tuple[Pairs, dict[str, payt.PaytError]]:
        async with payt.AsyncClient(credentials, base_url=url, retries=0, rate_limit=None, **QUICK) as client:
            pager = client.contacts.list_many(**arguments)
            found = [pair async for pair in pager], dict(pager.errors)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return found

    return asyncio.run(run())


@pytest.fixture(params=[run_sync, run_async], ids=["sync", "async"])
def many(request: pytest.FixtureRequest) -> Run:
    chosen: Run = request.param
    return chosen


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        yield
        gc.collect()
    assert eventually(lambda: not workers())


SIZES = {"a": 7, "b": 0, "c": 12, "d": 1, "e": 4}


@pytest.fixture
def several() -> Iterator[FakePayt]:
    with FakePayt(administrations=SIZES) as fake:
        yield fake


def expected(fake: FakePayt, *administration_ids: str) -> dict[str, list[Any]]:
    found = {each: [contact["lastname"] for contact in fake.administrations[each].contacts] for each in SIZES}
    return {each: names for each, names in found.items() if names and (each in administration_ids)}


def grouped(pairs: Pairs) -> dict[str, list[Any]]:
    names = defaultdict(list)
    for administration_id, contact in pairs:
        names[administration_id].append(contact.lastname)
    return dict(names)


# What it brings


@pytest.mark.parametrize("concurrency", [1, 2, 8])
@pytest.mark.parametrize("prefetch", [0, 1])
def test_every_contact_of_each_comes_once_and_in_order(
    concurrency: int, prefetch: int, several: FakePayt, many: Run
) -> None:
    pairs, errors = many(
        several.url, administration_ids=SIZES.keys(), concurrency=concurrency, prefetch=prefetch, per_page=3
    )
    assert grouped(pairs) == expected(several, *SIZES)
    assert errors == {}


def test_pages(several: FakePayt) -> None:
    async def run() -> None:
        async with payt.AsyncClient("fake-token", base_url=several.url, **QUICK) as client:
            pages = client.contacts.list_many(administration_ids=[*"ac"], per_page=5).pages()
            assert sorted([(key, len(page.data)) async for key, page in pages]) == SIZES_OF_PAGES

    with payt.Client("fake-token", base_url=several.url, **QUICK) as client:
        pages = client.contacts.list_many(administration_ids=["a", "c"], per_page=5).pages()
        assert sorted((key, len(page.data)) for key, page in pages) == SIZES_OF_PAGES


SIZES_OF_PAGES = [("a", 2), ("a", 5), ("c", 2), ("c", 5), ("c", 5)]


def test_none_at_all_means_no_request(several: FakePayt, many: Run) -> None:
    assert many(several.url, administration_ids=[]) == ([], {})
    assert several.requests == []


def test_twice_the_same_is_listed_once(several: FakePayt, many: Run) -> None:
    pairs, _ = many(several.url, administration_ids=iter(["d", "a", "d"]))
    assert grouped(pairs) == expected(several, "a", "d")
    assert len(several.requests) == 2


def test_it_can_be_iterated_again(several: FakePayt) -> None:
    with payt.Client("fake-token", base_url=several.url, **QUICK) as client:
        pager = client.contacts.list_many(administration_ids=["a", "c"])
        assert several.requests == []
        assert grouped(list(pager)) == grouped(list(pager)) == expected(several, "a", "c")


def test_the_arguments_of_list_apply_to_each(several: FakePayt, many: Run) -> None:
    pairs, _ = many(
        several.url,
        administration_ids=["a", "c"],
        ids=(str(number) for number in (1, 2, 9)),  # can be read once only
        fields=["id"],
        per_page=1,
        limit=2,
    )
    assert sorted((key, contact.id) for key, contact in pairs) == [("a", "1"), ("a", "2"), ("c", "1"), ("c", "2")]
    assert {contact.lastname for _, contact in pairs} == {None}


def test_so_many_are_under_way_at_the_same_time(several: FakePayt) -> None:
    all_there = threading.Barrier(3)

    def credentials() -> str:
        all_there.wait(60)
        return "fake-token"

    assert len(run_sync(several.url, credentials, administration_ids=["a", "c", "e"], concurrency=3)[0]) == 23


def test_async_so_many_are_under_way_at_the_same_time(several: FakePayt) -> None:
    all_there = asyncio.Barrier(3)

    async def credentials() -> str:
        async with asyncio.timeout(30):
            await all_there.wait()
        return "fake-token"

    assert len(run_async(several.url, credentials, administration_ids=["a", "c", "e"], concurrency=3)[0]) == 23


def test_there_are_never_more_connections_than_asked_for(several: FakePayt, many: Run) -> None:
    many(several.url, administration_ids=[*SIZES], concurrency=2, per_page=1)
    assert several.connections <= 2


@pytest.mark.parametrize(("prefetch", "most"), [(0, 2), (1, 4)])
def test_no_worker_runs_further_ahead_than_that(prefetch: int, most: int) -> None:
    with (
        FakePayt(administrations={"a": 19, "b": 19, "c": 19}) as fake,
        payt.Client("fake-token", base_url=fake.url, rate_limit=None, **QUICK) as client,
    ):
        pages = client.contacts.list_many(
            administration_ids=[*"abc"], concurrency=2, prefetch=prefetch, per_page=2
        ).pages()
        for taken in range(1, 31):
            next(pages)
            assert eventually(lambda: len(fake.requests) >= min(30, most))
            time.sleep(0.002)
            assert len(fake.requests) <= taken - 1 + most
        assert list(pages) == []


def test_async_no_worker_runs_further_ahead_than_that() -> None:
    async def run() -> None:
        with FakePayt(administrations={"a": 19, "b": 19}) as fake:
            async with payt.AsyncClient("fake-token", base_url=fake.url, rate_limit=None, **QUICK) as client:
                pages = client.contacts.list_many(administration_ids=[*"ab"], per_page=2).pages()
                for taken in range(1, 21):
                    await anext(pages)
                    await asyncio.sleep(0.002)
                    assert len(fake.requests) <= taken - 1 + 4
                assert [page async for page in pages] == []

    asyncio.run(run())


@pytest.mark.parametrize("prefetch", [0, 1])
def test_listings_that_fail_let_no_worker_run_further_ahead(prefetch: int) -> None:
    async def asked_for(fake: FakePayt) -> int:
        async with payt.AsyncClient("fake-token", base_url=fake.url, rate_limit=None, **QUICK) as client:
            pages = client.contacts.list_many(**arguments).pages()
            await anext(pages)
            await asyncio.sleep(0.1)
            return len(fake.requests)

    arguments: Any = {"administration_ids": [*"xyza"], "concurrency": 1, "prefetch": prefetch, "per_page": 2}
    arguments["on_error"] = "collect"
    with (
        FakePayt(administrations={"a": 19}) as fake,
        payt.Client("fake-token", base_url=fake.url, rate_limit=None, **QUICK) as client,
    ):
        pages = client.contacts.list_many(**arguments).pages()
        next(pages)
        time.sleep(0.1)
        assert len(fake.requests) <= 3 + 1 + prefetch
        pages.close()
        fake.reset()
        assert asyncio.run(asked_for(fake)) <= 3 + 1 + prefetch


# Errors


@pytest.fixture
def failing() -> Iterator[FaultServer]:
    """Twelve contacts each, in pages of four; where an id begins with "x", the last page is no page."""
    handler = paging(CONTACTS, per_page=4)

    def answer(request: Any) -> bytes:
        broken = request.query["administration_id"].startswith("x") and request.query.get("cursor") == "8"
        return b'{"data": 1}' if broken else handler(request)

    with FaultServer(answer) as server:
        yield server


def test_an_error_ends_all_and_says_which(failing: FaultServer, many: Run) -> None:
    with pytest.raises(payt.InvalidResponseError) as caught:
        many(failing.url, administration_ids=["a", "x", *(str(number) for number in range(50))], concurrency=2)
    assert caught.value.administration_id == "x"
    assert caught.value.__notes__ == ["it happened in administration x"]
    assert caught.value.cursor == "8"
    assert len(failing.requests) < 150


def test_errors_are_collected_and_their_cursors_resume(failing: FaultServer, many: Run) -> None:
    pairs, errors = many(failing.url, administration_ids=["a", "x1", "b", "x2"], concurrency=2, on_error="collect")
    found = grouped(pairs)
    assert {key: len(names) for key, names in found.items()} == {"a": 11, "x1": 8, "x2": 8, "b": 11}
    assert {key: (error.cursor, error.administration_id) for key, error in errors.items()} == {
        "x1": ("8", "x1"),
        "x2": ("8", "x2"),
    }
    with FaultServer(paging(CONTACTS, per_page=4)) as repaired:
        rest, errors = many(repaired.url, administration_ids={key: error.cursor for key, error in errors.items()})
    assert errors == {}
    for key, names in grouped(rest).items():
        found[key] += names
    assert all(names == found["a"] for names in found.values())


def test_all_may_fail(many: Run) -> None:
    with FaultServer(paging(CONTACTS, per_page=4)) as server:
        server.script([kinds.answer(403)] * 5)
        pairs, errors = many(server.url, administration_ids=[*"abcde"], concurrency=2, on_error="collect")
    assert pairs == []
    assert [type(errors[key]) for key in "abcde"] == [payt.PermissionDeniedError] * 5


def test_the_errors_are_those_of_the_last_iteration(failing: FaultServer) -> None:
    with payt.Client("token", base_url=failing.url, **QUICK) as client:
        pager = client.contacts.list_many(administration_ids=["x"], on_error="collect")
        assert pager.errors == {}
        for _ in range(2):
            assert len(list(pager)) == 8
            assert list(pager.errors) == ["x"]


def test_an_error_that_several_listings_get_is_one_for_each(many: Run, several: FakePayt) -> None:
    """As of a source of tokens whose callers wait for the same answer."""
    shared = payt.TokenError("the vault is closed")
    calls = itertools.count()

    def credentials() -> str:
        if next(calls) < len(SIZES):
            return several.token
        raise shared

    _, errors = many(several.url, credentials, administration_ids=[*SIZES], per_page=1, on_error="collect")
    assert len(errors) > 1
    for name, error in errors.items():
        assert error is not shared
        assert error.administration_id == name
    assert shared.cursor is None


@pytest.mark.parametrize("kind", [LookupError, SystemExit], ids=["Exception", "BaseException"])
def test_what_is_no_error_of_payt_is_never_collected(kind: type[BaseException], several: FakePayt) -> None:
    def credentials() -> str:
        raise kind

    with pytest.raises(kind):
        run_sync(several.url, credentials, administration_ids=[*SIZES], on_error="collect")


def test_async_what_is_no_error_of_payt_is_never_collected(several: FakePayt) -> None:
    def credentials() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        run_async(several.url, credentials, administration_ids=[*SIZES], on_error="collect")


def test_a_task_that_somebody_else_cancels_is_no_end(several: FakePayt) -> None:
    async def run() -> None:
        async with payt.AsyncClient("fake-token", base_url=several.url, **QUICK) as client:
            pages = client.contacts.list_many(administration_ids=[*"ac"], per_page=1).pages()
            await anext(pages)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            with pytest.raises(asyncio.CancelledError):
                [page async for page in pages]

    asyncio.run(run())


@pytest.mark.parametrize("prefetch", [1, 4])
def test_tasks_that_are_cancelled_before_they_begin_are_done_without(several: FakePayt, prefetch: int) -> None:
    """Nobody waits for them, and nothing is missing."""

    async def run() -> int:
        async with payt.AsyncClient("fake-token", base_url=several.url, **QUICK) as client:
            found = 0
            for pager in (
                client.contacts.list_many(administration_ids=[*SIZES], per_page=1, prefetch=prefetch),
                client.contacts.list(
                    administration_id=max(SIZES, key=SIZES.__getitem__), per_page=1, prefetch=prefetch
                ),
            ):
                async with asyncio.timeout(SOON):
                    async for page in pager.pages():
                        found += len((page[1] if isinstance(page, tuple) else page).data)
                        for task in asyncio.all_tasks() - {asyncio.current_task()}:
                            if inspect.getcoroutinestate(task.get_coro()) == inspect.CORO_CREATED:  # type: ignore[arg-type]
                                task.cancel()
            return found

    assert asyncio.run(run()) == sum(SIZES.values()) + max(SIZES.values())


# Leaving early


@pytest.mark.real_time
@pytest.mark.parametrize("waiting_for", ["answers", "pace", "consumer"])
def test_leaving_stops_all_at_once(waiting_for: str) -> None:
    rate = 1 if waiting_for == "pace" else None
    with FaultServer(paging(CONTACTS, per_page=4)) as server:
        if waiting_for == "answers":
            server.script([None, *[kinds.stall(60)] * 30])
        with payt.Client(uuid.uuid4().hex, base_url=server.url, rate_limit=rate, **QUICK) as client:
            for _ in client.contacts.list_many(administration_ids=[*"abcdefgh"]):
                if waiting_for == "answers":
                    assert server.wait_requests(8)
                left = time.monotonic()
                break
            assert time.monotonic() - left < SOON
            assert eventually(lambda: not workers())
        assert server.wait_closed()
        assert len(server.requests) < 24


@pytest.mark.real_time
@pytest.mark.parametrize("waiting_for", ["answers", "pace", "consumer"])
def test_async_leaving_stops_all_at_once(waiting_for: str) -> None:
    rate = 1 if waiting_for == "pace" else None

    async def run() -> None:
        with FaultServer(paging(CONTACTS, per_page=4)) as server:
            if waiting_for == "answers":
                server.script([None, *[kinds.stall(60)] * 30])
            async with payt.AsyncClient(uuid.uuid4().hex, base_url=server.url, rate_limit=rate, **QUICK) as client:
                async for _ in client.contacts.list_many(administration_ids=[*"abcdefgh"]):
                    if waiting_for == "answers":
                        assert await asyncio.to_thread(server.wait_requests, 8)
                    left = time.monotonic()
                    break
            assert time.monotonic() - left < SOON
            assert await others_end()
            assert await asyncio.to_thread(server.wait_closed)

    asyncio.run(run())


@pytest.mark.real_time
def test_a_keyboard_interrupt_comes_through_at_once() -> None:
    main = threading.main_thread().ident
    assert main is not None
    struck: list[float] = []
    with FaultServer(paging(CONTACTS, per_page=4)) as server:
        server.script([kinds.stall(60)] * 30)

        def strike() -> None:
            server.wait_requests(4)
            time.sleep(0.05)
            struck.append(time.monotonic())
            signal.pthread_kill(main, signal.SIGINT)

        thread = threading.Thread(target=strike)
        thread.start()
        with payt.Client("token", base_url=server.url, **QUICK) as client:
            with pytest.raises(KeyboardInterrupt):
                list(client.contacts.list_many(administration_ids=[*"abcd"]))
            assert time.monotonic() - struck[0] < SOON
            assert eventually(lambda: not workers())
        thread.join()


# Arguments


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"administration_ids": 1}, TypeError, "administration_ids must be an iterable of strings, got int"),
        ({"administration_ids": b"1"}, TypeError, "administration_ids must be an iterable of strings, got bytes"),
        ({"administration_ids": [1]}, TypeError, "a value of administration_ids must be a string, got int"),
        ({"administration_ids": [["1"]]}, TypeError, "a value of administration_ids must be a string, got list"),
        ({"administration_ids": [""]}, ValueError, "a value of administration_ids must not be empty"),
        ({"administration_ids": ["1\n", "2\n"]}, ValueError, "a value of administration_ids ends with a line end"),
        ({"administration_ids": {"1": 5}}, TypeError, "the cursor of '1' in administration_ids must be a string"),
        ({"concurrency": 0}, ValueError, "concurrency must be 1 to 100, got 0"),
        ({"concurrency": 101}, ValueError, "concurrency must be 1 to 100, got 101"),
        ({"concurrency": 1.5}, TypeError, "concurrency must be a whole number, got float"),
        ({"on_error": "ignore"}, ValueError, "on_error must be 'raise' or 'collect', got 'ignore'"),
        ({"on_error": None}, ValueError, "on_error must be 'raise' or 'collect', got None"),
        ({"prefetch": 17}, ValueError, "prefetch must be 0 to 16, got 17"),
        ({"per_page": 0}, ValueError, "per_page must be 1 to 500, got 0"),
        ({"administration_ids": [], "limit": -1}, ValueError, "limit must be 0 or more, got -1"),
        (
            {"ids": [str(number) for number in range(200)], "administration_ids": {"1": "9/"}},
            ValueError,
            "does not belong to",
        ),
    ],
    ids=lambda value: None,
)
def test_what_cannot_be_used_is_refused_before_anything_is_sent(
    arguments: dict[str, Any], error: type[Exception], message: str, several: FakePayt, many: Run
) -> None:
    with pytest.raises(error, match=message):
        many(several.url, **{"administration_ids": ["a"], **arguments})
    assert several.requests == []
