"""Closing a client ends every wait of its readers at once, whatever they wait for, by an error that resumes."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import payt
from faults import kinds
from faults.server import FaultServer, ParsedRequest, paging
from payt.transport.paces import BookedStart
from support.eventually import PATIENCE, SOON, eventually
from support.quick import CONTACTS, QUICK

pytestmark = pytest.mark.real_time


class Service:
    """Three pages, and tokens of which the second one comes when it may."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.tokens = 0
        self._page = paging(CONTACTS, per_page=4)

    def __call__(self, request: ParsedRequest) -> bytes:
        if request.path != "/oauth/token":
            return self._page(request)
        self.tokens += 1
        assert self.tokens == 1 or self.may_answer.wait(PATIENCE)
        token = {"access_token": f"access-{self.tokens}", "refresh_token": f"refresh-{self.tokens}", "expires_in": 7200}
        return json.dumps(token).encode()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.may_answer.set()


@pytest.fixture
def server(service: Service) -> Iterator[FaultServer]:
    with FaultServer(service) as server:
        yield server
        service.may_answer.set()


class Store(payt.MemoryTokenStore):
    """Knows which refresh tokens were saved."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: list[str | None] = []

    def save(self, key: str, token: payt.Token) -> None:
        super().save(key, token)
        self.saved.append(token.refresh_token)


@pytest.fixture
def store() -> Store:
    return Store()


Waiting = tuple[dict[str, Any], Callable[[], bool]]
"""What makes a client wait for its second page, and whether it does."""


@pytest.fixture(params=["backoff", "pace", "token"])
def waiting(
    request: pytest.FixtureRequest,
    server: FaultServer,
    store: Store,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Waiting:
    caplog.set_level(logging.WARNING, "payt")
    client = QUICK | {"credentials": "token", "base_url": server.url}
    match request.param:
        case "backoff":
            server.script([None, kinds.answer(503, [("Retry-After", "60")])])
            return client, lambda: "attempt 2" in caplog.text
        case "pace":
            waits: list[float] = []
            wait = BookedStart.wait

            def noted(start: BookedStart) -> float:
                waits.append(wait(start))
                return waits[-1]

            monkeypatch.setattr(BookedStart, "wait", noted)
            return client | {"rate_limit": 0.01}, lambda: any(seconds > SOON for seconds in waits)
        case _:
            server.script([None, None, kinds.answer(401)])
            login = payt.AuthorizationCode("id", "secret", store, refresh_token="refresh-0")
            return client | {"credentials": login}, lambda: service.tokens == 2


READERS: dict[str, Callable[[Any], Any]] = {
    "list": lambda contacts: contacts.list(administration_id="1", prefetch=0),
    "prefetch": lambda contacts: contacts.list(administration_id="1", prefetch=4),
    "map_pages": lambda contacts: contacts.list(administration_id="1").map_pages(contacts.same),
    "list_many": lambda contacts: contacts.list_many(administration_ids=["1"]),
}


class Contacts:
    """Those of a client, with what `map_pages` calls for it."""

    def __init__(self, client: Any, same: Callable[[Any], Any]) -> None:
        self.list, self.list_many, self.same = client.contacts.list, client.contacts.list_many, same


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_that_waits_in_a_thread_ends_at_once(reader: str, waiting: Waiting, service: Service) -> None:
    client = payt.Client(**waiting[0])
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(lambda: list(READERS[reader](Contacts(client, lambda page: page))))
        assert eventually(waiting[1])
        client.close()
        error = reading.exception(SOON)
    check(error, service)


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_that_waits_in_a_task_ends_at_once(reader: str, waiting: Waiting, service: Service) -> None:
    async def same(page: Any) -> Any:
        return page

    async def run() -> BaseException | None:
        client = payt.AsyncClient(**waiting[0])

        async def read() -> None:
            [each async for each in READERS[reader](Contacts(client, same))]

        reading = asyncio.create_task(read())
        assert await asyncio.to_thread(eventually, waiting[1])
        await client.aclose()
        await asyncio.wait([reading], timeout=SOON)
        assert reading.done()
        return reading.exception()

    check(asyncio.run(run()), service)


def check(error: BaseException | None, service: Service) -> None:
    assert isinstance(error, payt.TransportError)
    assert "the client was closed" in str(error)
    assert (error.method, error.cursor) == ("GET", "4")
    assert not service.may_answer.is_set()


@pytest.mark.parametrize("waiting", ["token"], indirect=True)
def test_a_token_that_was_asked_for_is_kept_all_the_same(waiting: Waiting, service: Service, store: Store) -> None:
    test_a_reader_that_waits_in_a_thread_ends_at_once("list", waiting, service)
    service.may_answer.set()
    assert eventually(lambda: "refresh-2" in store.saved)


@pytest.mark.parametrize("waiting", ["backoff"], indirect=True)
def test_leaving_the_block_of_the_client_closes_it_too(waiting: Waiting) -> None:
    with ThreadPoolExecutor(1) as thread:
        with payt.Client(**waiting[0]) as client:
            reading = thread.submit(lambda: list(client.contacts.list(administration_id="1")))
            assert eventually(waiting[1])
        assert isinstance(reading.exception(SOON), payt.TransportError)


def test_a_signal_closes_the_client_that_its_thread_waits_for(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is waited for: the thread that handles the signal is the one that reads."""
    monkeypatch.setattr("payt.transport.http._MOMENT", PATIENCE)
    server.script([None, kinds.stall(PATIENCE)])
    client = payt.Client("token", base_url=server.url, **QUICK)
    before = signal.signal(signal.SIGUSR1, lambda *_: client.close())
    main = threading.main_thread().ident
    assert main is not None

    def strike() -> None:
        server.wait_requests(2)
        signal.pthread_kill(main, signal.SIGUSR1)

    thread = threading.Thread(target=strike)
    began = time.monotonic()
    thread.start()
    try:
        with pytest.raises(payt.TransportError, match="the client was closed") as caught:
            list(client.contacts.list(administration_id="1", prefetch=0))
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert time.monotonic() - began < SOON
    assert caught.value.cursor == "4"


def test_a_task_closes_the_client_that_it_waits_for_itself(server: FaultServer) -> None:
    """As credentials may: the error comes when everything is closed."""

    async def run() -> None:
        async def token() -> str:
            await client.aclose()
            await asyncio.sleep(PATIENCE)
            return "token"

        client = payt.AsyncClient(token, base_url=server.url, **QUICK)
        with pytest.raises(payt.TransportError, match="the client was closed"):
            await asyncio.wait_for(client.contacts.list(administration_id="1").first(), SOON)

    asyncio.run(run())
