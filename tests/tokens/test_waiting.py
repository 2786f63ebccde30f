"""Waiting for a token: no event loop is blocked, nobody who gives up harms anybody, nothing that was sent is lost."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

import payt
from faults import kinds
from faults.server import FaultServer, ParsedRequest
from payt.credentials import cache
from payt.credentials.cache import TokenCache
from payt.credentials.caches import cache_of
from payt.credentials.endpoint import TokenEndpoint
from payt.credentials.searches import Search
from payt.testing import FakePayt
from payt.transport import signals
from payt.transport.signals import RENEWER
from support.flavours import Async, Flavour
from support.quick import QUICK

from .waiting import PATIENCE, until


class SlowTokens:
    """A token endpoint that answers when it is told to, and an API that takes any token."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.refreshed: list[str] = []

    def __call__(self, request: ParsedRequest) -> bytes:
        if request.path != "/oauth/token":
            return b'{"data": [{"id": "1"}], "pagination": null}'
        self.refreshed.append(json.loads(request.body)["refresh_token"])
        self.asked.release()
        assert self.may_answer.wait(PATIENCE)
        number = len(self.refreshed)
        return json.dumps(
            {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 7200}
        ).encode()


@pytest.fixture
def slow() -> Iterator[SlowTokens]:
    tokens = SlowTokens()
    yield tokens
    tokens.may_answer.set()


@pytest.fixture
def server(slow: SlowTokens) -> Iterator[FaultServer]:
    with FaultServer(slow) as server:
        yield server
        slow.may_answer.set()


@pytest.fixture
def somebody() -> payt.AuthorizationCode:
    return payt.AuthorizationCode("id", "secret", payt.MemoryTokenStore(), refresh_token="refresh-0")


@pytest.fixture
def connection(server: FaultServer, somebody: payt.AuthorizationCode) -> TokenCache:
    """Held, as clients of a long-lived program hold it."""
    return cache_of(somebody, httpx.URL(server.url))


def is_kept(connection: TokenCache) -> bool:
    return connection.load() != payt.Token("")


async def list_all(client: payt.AsyncClient) -> int:
    return len([contact async for contact in client.contacts.list(administration_id="1")])


async def asked_for(slow: SlowTokens) -> None:
    assert await asyncio.to_thread(slow.asked.acquire, timeout=PATIENCE)


def test_a_cancelled_task_loses_no_token_and_the_loop_runs_on(
    server: FaultServer, slow: SlowTokens, somebody: payt.AuthorizationCode, connection: TokenCache
) -> None:
    async def main() -> None:
        async with payt.AsyncClient(somebody, base_url=server.url, **QUICK) as client:
            first, second = (asyncio.create_task(list_all(client)) for _ in range(2))
            await asked_for(slow)  # a thread waits for the answer; this loop runs
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert not second.done()
            slow.may_answer.set()
            assert await second == 1

    asyncio.run(main())
    assert slow.refreshed == ["refresh-0"]
    assert is_kept(connection)


def test_the_end_of_the_loop_loses_no_token(
    server: FaultServer, slow: SlowTokens, somebody: payt.AuthorizationCode, connection: TokenCache
) -> None:
    async def main() -> None:
        async with payt.AsyncClient(somebody, base_url=server.url, **QUICK) as client:
            listing = asyncio.create_task(list_all(client))
            await asked_for(slow)
            listing.cancel()

    asyncio.run(main())
    assert not is_kept(connection)
    slow.may_answer.set()
    until(lambda: is_kept(connection))


@pytest.mark.real_time
def test_a_deadline_is_kept_and_loses_no_token(
    server: FaultServer,
    slow: SlowTokens,
    somebody: payt.AuthorizationCode,
    connection: TokenCache,
    flavour: Flavour,
) -> None:
    began = time.monotonic()
    with pytest.raises(payt.TransportError, match=r"within 0\.3 s \(total_timeout\)"):
        flavour.contacts(server.url, somebody, client={**QUICK, "total_timeout": 0.3})
    assert time.monotonic() - began < 10
    slow.may_answer.set()
    until(lambda: is_kept(connection))
    assert len(flavour.contacts(server.url, somebody, client=QUICK)) == 1
    assert slow.refreshed == ["refresh-0"]


def test_a_failure_wakes_everybody_and_the_next_one_tries_anew(
    server: FaultServer, slow: SlowTokens, somebody: payt.AuthorizationCode, connection: TokenCache
) -> None:
    server.script([kinds.answer(400, body=b"not now")])
    with (
        payt.Client(somebody, base_url=server.url, rate_limit=None, **QUICK) as client,
        ThreadPoolExecutor(16) as pool,
    ):

        def listed(_number: int) -> object:
            try:
                return len(list(client.contacts.list(administration_id="1")))
            except payt.TokenError as error:
                return error

        waiting = [pool.submit(listed, number) for number in range(8)]
        assert slow.asked.acquire(timeout=PATIENCE)
        until(pool._work_queue.empty)
        slow.may_answer.set()
        outcomes = [future.result(PATIENCE) for future in waiting]
        errors = [outcome for outcome in outcomes if isinstance(outcome, payt.TokenError)]
        assert errors
        assert len({id(error) for error in errors}) == len(errors)  # each its own
        assert {outcome for outcome in outcomes if not isinstance(outcome, payt.TokenError)} <= {1}
        assert listed(0) == 1
    assert len(slow.refreshed) == 2


def test_a_refusal_that_comes_during_a_refresh_is_not_lost(
    server: FaultServer, slow: SlowTokens, somebody: payt.AuthorizationCode, connection: TokenCache
) -> None:
    """The token that is on its way is refused before it arrives, as to another process that got it earlier."""
    with (
        payt.Client(somebody, base_url=server.url, rate_limit=None, **QUICK) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        listing = pool.submit(lambda: len(list(client.contacts.list(administration_id="1"))))
        assert slow.asked.acquire(timeout=PATIENCE)
        found: queue.SimpleQueue[Any] = queue.SimpleQueue()
        connection.search(somebody, None, True).begin(found.put)  # type: ignore[arg-type]  # joins: asks for nothing
        slow.may_answer.set()
        assert listing.result(PATIENCE) == 1
        connection.refuse(payt.Token("access-1"))
        assert connection.ready(somebody) is None
        assert len(list(client.contacts.list(administration_id="1"))) == 1
    assert isinstance(found.get_nowait(), payt.Token)
    assert server.requests[-1].headers["authorization"] == "Bearer access-2"


def test_a_search_that_began_before_a_refusal_is_not_waited_for_after_it(
    server: FaultServer, slow: SlowTokens, somebody: payt.AuthorizationCode, connection: TokenCache
) -> None:
    """It may bring what was refused."""
    slow.may_answer.set()
    connection.store.save(connection.key, payt.Token("refused-1", "refresh-0"))
    found: queue.SimpleQueue[Any] = queue.SimpleQueue()
    load = connection.load

    def load_late() -> payt.Token | None:
        vars(connection).pop("load")  # the next one is as quick as ever
        begun.set()
        assert over.wait(PATIENCE)
        return load()

    begun, over = threading.Event(), threading.Event()
    vars(connection)["load"] = load_late
    connection.search(somebody, TokenEndpoint(httpx.URL(server.url), "id", "secret"), True).begin(found.put)
    assert begun.wait(PATIENCE)
    connection.refuse(payt.Token("refused-1"))
    with payt.Client(somebody, base_url=server.url, **QUICK) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == 1
    over.set()
    assert found.get(timeout=PATIENCE).access_token == "access-1"
    assert slow.refreshed == ["refresh-0"]


def test_whoever_is_interrupted_leaves_no_lock_to_a_search(
    server: FaultServer,
    slow: SlowTokens,
    somebody: payt.AuthorizationCode,
    connection: TokenCache,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by Ctrl-C between taking the lock within a Condition, as of `Thread.start`, and letting it go."""
    slow.may_answer.set()
    enter = threading.Condition.__enter__
    begin = Search.begin
    me = threading.get_ident()

    def interrupted(condition: threading.Condition) -> bool:
        taken = enter(condition)
        if threading.get_ident() == me:
            raise KeyboardInterrupt
        return taken

    def beginning(*arguments: Any) -> None:
        with monkeypatch.context() as interrupting:
            interrupting.setattr(threading.Condition, "__enter__", interrupted)
            begin(*arguments)

    monkeypatch.setattr(Search, "begin", beginning)
    before = {*threading.enumerate()}
    with payt.Client(somebody, base_url=server.url, **QUICK) as client, pytest.raises(KeyboardInterrupt):
        list(client.contacts.list(administration_id="1"))
    until(lambda: all(each.daemon for each in {*threading.enumerate()} - before))
    monkeypatch.undo()
    with payt.Client(somebody, base_url=server.url, **QUICK) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == 1


def test_two_who_begin_at_the_same_moment_search_once(
    server: FaultServer, slow: SlowTokens, somebody: payt.AuthorizationCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start
    both = threading.Barrier(2)

    def start_together(thread: threading.Thread) -> None:
        if thread.name == RENEWER and thread.daemon:
            both.wait(PATIENCE)
        start(thread)

    slow.may_answer.set()
    monkeypatch.setattr(threading.Thread, "start", start_together)
    with payt.Client(somebody, base_url=server.url, **QUICK) as client, ThreadPoolExecutor() as pool:
        listings = [pool.submit(list, client.contacts.list(administration_id="1", prefetch=0)) for _ in range(2)]
        assert [len(listing.result(PATIENCE)) for listing in listings] == [1, 1]
    assert slow.refreshed == ["refresh-0"]


@pytest.mark.parametrize("daemon", [True, False])
def test_where_no_thread_can_be_started_nothing_is_asked_for(
    server: FaultServer,
    slow: SlowTokens,
    somebody: payt.AuthorizationCode,
    monkeypatch: pytest.MonkeyPatch,
    daemon: bool,
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.daemon is daemon:
            raise RuntimeError("can't start new thread")
        start(thread)

    slow.may_answer.set()
    with payt.Client(somebody, base_url=server.url, **QUICK) as client:
        with monkeypatch.context() as limited:
            limited.setattr(threading.Thread, "start", refuse)
            with pytest.raises(payt.TokenError, match="no token was asked for: can't start new thread"):
                list(client.contacts.list(administration_id="1", prefetch=0))
        assert slow.refreshed == []
        assert len(list(client.contacts.list(administration_id="1"))) == 1


def test_a_program_that_is_ending_asks_for_no_token(
    server: FaultServer, slow: SlowTokens, somebody: payt.AuthorizationCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from within: tests/tokens/test_leaving.py ends real programs."""
    monkeypatch.setattr(cache, "is_ending", lambda: True)
    with (
        payt.Client(somebody, base_url=server.url, **QUICK) as client,
        pytest.raises(payt.TokenError, match="no token was asked for: the program is ending"),
    ):
        list(client.contacts.list(administration_id="1"))
    assert slow.refreshed == []


def test_a_program_that_is_to_end_does_not_ask_again(fake: FakePayt, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen from within: tests/tokens/test_signals.py sends signals to processes."""
    monkeypatch.setattr(signals, "is_ending", lambda: True)
    fake.fail(503, path="/oauth/token", times=None, retry_after=50)
    own = payt.ClientCredentials(fake.oauth.client_id, fake.oauth.client_secret, payt.MemoryTokenStore())
    with payt.Client(own, base_url=fake.url, **QUICK) as client, pytest.raises(payt.TokenError, match="503"):
        list(client.contacts.list(administration_id="1"))
    assert len(fake.requests) == 1


# Transports of the user's own


def test_an_asynchronous_transport_does_not_get_requests_for_tokens(
    server: FaultServer, slow: SlowTokens, somebody: Any
) -> None:
    """Its loop may end before the answer comes."""
    slow.may_answer.set()
    seen = []

    class Transport(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request.url.path)
            return await super().handle_async_request(request)

    async def main() -> None:
        transport = Transport(verify=False)
        async with payt.AsyncClient(somebody, base_url=server.url, transport=transport, **QUICK) as client:
            assert await list_all(client) == 1

    asyncio.run(main())
    assert seen == ["/v1/contacts"]
    assert slow.refreshed == ["refresh-0"]


def test_the_end_of_a_loop_with_a_transport_of_its_own_loses_no_token(
    server: FaultServer, slow: SlowTokens, somebody: payt.AuthorizationCode, connection: TokenCache
) -> None:
    async def main() -> None:
        transport = httpx.AsyncHTTPTransport(verify=False)
        async with payt.AsyncClient(somebody, base_url=server.url, transport=transport, **QUICK) as client:
            listing = asyncio.create_task(list_all(client))
            await asked_for(slow)
            listing.cancel()

    asyncio.run(main())
    slow.may_answer.set()
    until(lambda: is_kept(connection))


TOKENS = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 7200}
PAGE = b'{"data": [{"id": "1"}], "pagination": null}'


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/oauth/token":
        return httpx.Response(200, json=TOKENS)
    return httpx.Response(200, content=PAGE)


def test_a_transport_for_both_kinds_of_client_gets_all_requests(
    somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    settings = {**QUICK, "transport": httpx.MockTransport(answer)}
    assert len(flavour.contacts("https://api.example", somebody, client=settings)) == 1


def test_a_mock_with_a_coroutine_function_gets_all_requests(somebody: payt.AuthorizationCode) -> None:
    """Those for tokens as well, which are made in a thread."""
    seen: list[str] = []

    async def answer_later(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        seen.append(request.url.path)
        return answer(request)

    settings = {**QUICK, "transport": httpx.MockTransport(answer_later)}
    assert len(Async().contacts("https://api.example", somebody, client=settings)) == 1
    assert seen == ["/oauth/token", "/v1/contacts"]


def test_a_transport_for_tokens_gets_requests_for_tokens(
    server: FaultServer, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    seen: list[str] = []

    def noted(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return answer(request)

    settings = {**QUICK, "token_transport": httpx.MockTransport(noted)}
    assert len(flavour.contacts(server.url, somebody, client=settings)) == 1
    assert (seen, [request.path for request in server.requests]) == (["/oauth/token"], ["/v1/contacts"])


@pytest.mark.parametrize("kind", [payt.Client, payt.AsyncClient])
def test_a_transport_for_tokens_is_one_for_threads(kind: Any) -> None:
    with pytest.raises(TypeError, match="token_transport must be an httpx"):
        kind("token", token_transport=httpx.AsyncHTTPTransport())


@pytest.mark.parametrize("transport", [5, httpx.HTTPTransport, None])
def test_a_transport_is_one_of_the_kind_of_the_client(transport: Any) -> None:
    sync: Any = transport or httpx.AsyncHTTPTransport()
    asynchronous: Any = transport or httpx.HTTPTransport()
    with pytest.raises(TypeError, match=r"payt.Client sends its requests through an httpx.BaseTransport, got \w+$"):
        payt.Client("token", transport=sync)
    with pytest.raises(
        TypeError, match=r"payt.AsyncClient sends its requests through an httpx.AsyncBaseTransport, got"
    ):
        payt.AsyncClient("token", transport=asynchronous)


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_an_error_that_cannot_be_shown_ends_the_search_all_the_same(flavour: Flavour) -> None:
    class Store(payt.MemoryTokenStore):
        def load(self, key: str) -> payt.Token | None:
            raise UnspeakableError

    grant = payt.AuthorizationCode("id", "secret", Store())
    with pytest.raises(payt.TokenError, match="no token could be obtained: ZeroDivisionError"):
        flavour.contacts("http://127.0.0.1:1", grant, client={**QUICK, "total_timeout": PATIENCE})


@pytest.mark.parametrize("stored", ["a b", "a\nb", "a\ud800", "é"])
def test_a_stored_token_that_no_header_can_carry_is_renewed(
    stored: str, server: FaultServer, slow: SlowTokens, flavour: Flavour
) -> None:
    """Somebody else has written into the store."""

    class Store(payt.MemoryTokenStore):
        def load(self, key: str) -> payt.Token | None:
            return super().load(key) or payt.Token(stored, "refresh-0")

    slow.may_answer.set()
    flavour.contacts(server.url, payt.AuthorizationCode("id", "secret", Store()), client=QUICK)
    assert slow.refreshed == ["refresh-0"]
    assert server.requests[-1].headers["authorization"] == "Bearer access-1"
