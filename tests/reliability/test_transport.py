"""The transports of the clients: what they send through, and what they never do."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import socket
import ssl
import threading
import time
import traceback
import unittest.mock
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
import trustme
import wrapt

import payt
from faults import kinds
from faults.kinds import Point
from faults.server import FaultServer
from payt.testing import contacts
from payt.transport import http, pool
from payt.transport.call import Abandoned, Call, Cancel, wait_for
from payt.transport.http import AsyncTransport, Transport
from payt.transport.proxies import route
from support.eventually import eventually
from support.flavours import Flavour
from support.quick import CONTEXT, QUICK

METHODS = {"sync": (httpx.HTTPTransport, "handle_request"), "async": (httpx.AsyncHTTPTransport, "handle_async_request")}


def direct() -> Transport:
    return Transport(CONTEXT)


# Proxies

URL = "https://api.payt.example"
PROXY = "http://proxy.example:3128"


def found(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str = URL, **arguments: Any) -> str | None:
    """The proxy on the way to a URL."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    proxy = route(httpx.URL(url), verify=CONTEXT, **arguments)["proxy"]
    return None if proxy is None else str(proxy.url)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": PROXY}, PROXY),
        ({"https_proxy": PROXY}, PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        ({"HTTP_PROXY": PROXY}, None),
        ({"ALL_PROXY": PROXY}, PROXY),
        ({"ALL_PROXY": "http://other.example", "HTTPS_PROXY": PROXY}, PROXY),
        ({"HTTPS_PROXY": "http://user:p@ss%2Fword@proxy.example:3128"}, PROXY),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTP_PROXY": "http://[half"}, None),  # of another scheme, so it is not used
    ],
    ids=str,
)
def test_which_proxy_of_the_environment(
    environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(monkeypatch, environment) == expected


@pytest.mark.parametrize(
    ("entry", "exempt", "not_exempt"),
    [
        ("*", ["https://payt.example", "http://[::1]"], []),
        ("payt.example", ["https://payt.example", "http://api.PAYT.example:81"], ["https://notpayt.example"]),
        (".payt.example", ["https://api.payt.example"], ["https://notpayt.example"]),
        ("payt.example:8443", ["https://api.payt.example:8443"], ["https://payt.example"]),
        ("localhost", ["http://localhost:8000"], ["http://payt.example"]),
        ("127.0.0.1", ["http://127.0.0.1:8000"], ["http://127.0.0.2", "http://1.127.0.0.1.example"]),
        ("::1", ["http://[::1]:8000"], ["http://[::2]", "http://0.0.0.1"]),
        ("[::1]", ["http://[::1]:8000"], ["http://[::2]"]),
        ("fd00::/8,[::1", [], ["http://[fd12::1]", "http://10.0.0.1"]),  # nothing that anybody understands
    ],
)
def test_whom_no_proxy_exempts(
    entry: str, exempt: list[str], not_exempt: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"ALL_PROXY": PROXY, "NO_PROXY": entry}
    assert [url for url in exempt + not_exempt if found(monkeypatch, environment, url) is None] == exempt


BAD_PROXIES = [
    "http://user:s3cret/x@proxy.example:3128",
    "http://user:1?s3cret@proxy.example:3128",
    "http://user:1#s3cret@proxy.example:3128",
    "http://user:s3cret@proxy.example:port",
    "http://user:s3cret@proxy.example:99999",
    "http://user:s3cret@[half",
    "http://user:s3cret@",
    "ftp://user:s3cret@proxy.example",
    "http://user:s3cret@proxy..example:3128",
]


@pytest.mark.parametrize("value", BAD_PROXIES)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY", "proxy"])
def test_a_proxy_that_cannot_be_used_is_named_and_its_password_is_not(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, argument = ({}, value) if name == "proxy" else ({name: value}, None)
    with pytest.raises(ValueError, match=f"{name} must be the URL of a proxy") as caught:
        found(monkeypatch, environment, proxy=argument)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_errors_that_lie_behind_each_other_are_told(flavour: Flavour) -> None:
    """Some transports write "raise error from error"; who looks behind that never comes to an end."""

    def fail(request: httpx.Request) -> httpx.Response:
        error, other = httpx.ReadError(f"{request.headers['Authorization']} is odd"), OSError("other")
        error.__cause__, other.__cause__ = other, error
        raise error

    with pytest.raises(payt.TransportError, match=r"ReadError: Bearer \[token\] is odd"):
        flavour.contacts("https://api.example", client={**QUICK, "transport": httpx.MockTransport(fail)})


def test_a_proxy_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="proxy must be the URL of a proxy"):
        payt.Client("token", proxy=5, verify=CONTEXT)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("kind", [payt.Client, payt.AsyncClient])
def test_certificates_of_the_environment_that_are_not_there_are_named(
    kind: Any, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match=f"{name} must name certificates in PEM, and '.*nowhere' does not: .*No such"):
        kind("token")
    assert kind("token", trust_env=False)
    assert kind("token", verify=CONTEXT)


def test_certificates_of_the_environment_that_are_none_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "text"))
    with pytest.raises(ValueError, match=r"SSL_CERT_FILE must name certificates in PEM, and '.*text' does not: "):
        payt.Client("token")


def test_certificates_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert route(httpx.URL(URL))["verify"].cert_store_stats()["x509_ca"] == 1


def test_the_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"ALL_PROXY": "http://other.example", "NO_PROXY": "*"}
    assert found(monkeypatch, environment, proxy=PROXY) == PROXY
    assert found(monkeypatch, environment, proxy=httpx.Proxy(PROXY)) == PROXY
    assert found(monkeypatch, environment, trust_env=False) is None


def test_the_password_of_a_proxy_reaches_it(server: FaultServer, flavour: Flavour) -> None:
    before = len(server.requests)
    proxy = server.url.replace("://", "://user:p%40ss@")
    assert len(flavour.contacts("http://payt.example", client=QUICK | {"proxy": proxy, "allow_http": True})) == 11
    assert server.requests[before].headers["Proxy-Authorization"] == "Basic dXNlcjpwQHNz"


@pytest.mark.parametrize("said", ["HTTP/1.1 407 no {}", "HTTP/1.1 200 OK\r\nno {}", "no {}"])
@pytest.mark.parametrize("secret", ["dXNlcjpTM0NSRVQ=", "S3CRET"])
def test_the_password_of_a_proxy_that_repeats_it_is_not_shown(
    server: FaultServer, flavour: Flavour, said: str, secret: str
) -> None:
    server.script([kinds.garbage(f"{said.format(secret)}\r\n\r\n".encode())])
    client = QUICK | {"proxy": server.url.replace("://", "://user:S3CRET@"), "retries": 0}
    with pytest.raises(payt.TransportError, match=r"no \[secret\]") as caught:
        flavour.contacts("https://payt.example", client=client)
    assert secret not in "".join(traceback.format_exception(caught.value))


# Whatever instruments or replaces the methods of httpx


def replaced(flavour: Flavour, monkeypatch: pytest.MonkeyPatch, make: Callable[[Any], Any]) -> None:
    where, name = METHODS[flavour.name]
    monkeypatch.setattr(where, name, make(getattr(where, name)))


def passing(original: Any) -> Any:
    """A function that calls another one."""

    def call(*request: Any) -> Any:
        return original(*request)

    return call


def page(*_: Any) -> httpx.Response:
    return httpx.Response(200, json={"data": list(contacts(2))})


async def page_async(*_: Any) -> httpx.Response:
    return page()


def test_a_method_of_httpx_that_was_replaced_gets_the_request(
    flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(flavour, monkeypatch, lambda _: page if flavour.name == "sync" else page_async)
    assert len(flavour.contacts("https://payt.invalid", client=QUICK)) == 2


@pytest.mark.parametrize("autospec", [True, False])
def test_a_mock_in_its_place_gets_the_request(autospec: bool, flavour: Flavour) -> None:
    where, name = METHODS[flavour.name]
    with unittest.mock.patch.object(where, name, autospec=autospec) as mock:
        mock.side_effect = page if flavour.name == "sync" else page_async
        assert len(flavour.contacts("https://payt.invalid", client=QUICK)) == 2
    assert mock.call_count == 1


def test_a_replacement_that_passes_a_request_on_reaches_the_network(
    server: FaultServer, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pytest-httpx's does for hosts that are not mocked."""
    replaced(flavour, monkeypatch, passing)
    assert len(flavour.contacts(server.url, client=QUICK)) == 11


def test_proxies_of_wrapt_are_around_our_sending(
    server: FaultServer, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They nest, and each of them sees each request; the deadline holds within."""
    seen: list[str] = []

    def tracing(name: str) -> Callable[[Any], Any]:
        def trace(wrapped: Any, _instance: Any, arguments: Any, _named: Any) -> Any:
            seen.append(name)
            return wrapped(*arguments)

        return lambda original: wrapt.FunctionWrapper(original, trace)

    replaced(flavour, monkeypatch, tracing("inner"))
    replaced(flavour, monkeypatch, tracing("outer"))
    assert len(flavour.contacts(server.url, client=QUICK)) == 11
    assert seen == ["outer", "inner"] * 3
    server.script([kinds.drip(0.02)])
    with pytest.raises(payt.TransportError, match="total_timeout"):
        flavour.contacts(server.url, client=QUICK | {"total_timeout": 0.3})


def test_a_proxy_of_wrapt_around_a_replacement_leads_to_it(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(flavour, monkeypatch, lambda _: page if flavour.name == "sync" else page_async)
    replaced(flavour, monkeypatch, lambda mock: wrapt.FunctionWrapper(mock, lambda inner, _, args, kw: inner(*args)))
    assert len(flavour.contacts("https://payt.invalid", client=QUICK)) == 2


def test_a_function_around_the_method_of_httpx_is_a_clear_error(
    server: FaultServer, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would send through httpx's own connections, where no deadline holds."""
    before = len(server.requests)
    replaced(flavour, monkeypatch, lambda original: functools.wraps(original)(passing(original)))
    with pytest.raises(RuntimeError, match="was wrapped by a function, which would send past the deadlines"):
        flavour.contacts(server.url, client=QUICK)
    assert len(server.requests) == before


# Answers that nobody asked for


class Talkative:
    """Answers the first request of each connection with a page, and with whatever else belongs to no request.

    Args:
        extra: What is sent with the page.
        later: What is sent when the next request has come on the same connection, in place of its answer.
        chunked: Whether the page is sent in chunks.
        tls: The server's part of TLS.
    """

    def __init__(self, extra: bytes, later: bytes, *, chunked: bool, tls: ssl.SSLContext | None) -> None:
        self.extra, self.later, self.chunked, self.tls = extra, later, chunked, tls
        self.connections = 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.listening.getsockname()[1]}"

    def answer(self, request: bytes) -> bytes:
        ids, cursor = (["2"], None) if b"cursor=1" in request else (["0", "1"], "1")
        text = json.dumps({"data": [{"id": each} for each in ids], "pagination": {"cursor": cursor}}).encode()
        if self.chunked:
            return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, plain: socket.socket) -> None:
        self.connections += 1
        with suppress(OSError), self.tls.wrap_socket(plain, server_side=True) if self.tls else plain as connection:
            connection.settimeout(20)
            first = connection.recv(65536)
            at_once(connection, [self.answer(first), self.answer(first) if self.extra == TWICE else self.extra])
            if second := connection.recv(65536):
                connection.sendall(self.later or self.answer(second))
            connection.recv(65536)


def at_once(connection: socket.socket, pieces: list[bytes]) -> None:
    """Send pieces, each of them a record in TLS, so that they arrive together."""
    if not isinstance(connection, ssl.SSLSocket):
        pieces = [b"".join(pieces)]
    cork = getattr(socket, "TCP_CORK", None)  # which only Linux has; elsewhere they arrive together now and then
    for on in (1, 0):
        if cork is not None:
            connection.setsockopt(socket.IPPROTO_TCP, cork, on)
        for piece in pieces if on else []:
            (socket.socket if piece == GARBAGE else type(connection)).sendall(connection, piece)


GARBAGE = b"\xff" * 20
TWICE = b"the same answer again"
STRAY = b'HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{"data": [{"id": "a stray one"}]}'
CASES: dict[str, tuple[bytes, bytes, int]] = {
    "nothing": (b"", b"", 1),
    "a whole answer": (STRAY, b"", 2),
    "the same answer": (TWICE, b"", 2),
    "its head": (STRAY[:40], STRAY[40:], 2),
    "half a head": (STRAY[:20], STRAY[20:], 2),
    "garbage": (GARBAGE, b"", 2),
    "a byte": (STRAY[:1], STRAY[1:], 2),
}


@pytest.fixture(scope="module")
def certificates() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    authority.configure_trust(ours)
    return theirs, ours


@pytest.mark.parametrize("prefetch", [0, 1])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("case", CASES)
def test_an_answer_that_nobody_asked_for_is_not_the_next_page(
    case: str, encrypted: bool, chunked: bool, prefetch: int, certificates: Any, flavour: Flavour
) -> None:
    extra, later, connections = CASES[case]
    talkative = Talkative(extra, later, chunked=chunked, tls=certificates[0] if encrypted else None)
    threading.Thread(target=talkative.serve, daemon=True).start()
    with contextlib.closing(talkative.listening):
        client = {"trust_env": False, "verify": certificates[1], "retries": 1}
        found = flavour.contacts(talkative.url, client=client, prefetch=prefetch)
        talkative.listening.shutdown(socket.SHUT_RDWR)
    assert [contact.id for contact in found] == ["0", "1", "2"]
    assert talkative.connections == connections


# Closing


def test_closing_a_client_ends_what_many_threads_read(server: FaultServer) -> None:
    """Each gets an error that resumes, at once; and nobody reads from a descriptor that is another's by now."""
    server.script([kinds.stall(60, Point.IN_BODY)] * 40)
    before, connected = len(server.requests), server.connections
    errors: list[BaseException] = []

    def read(client: payt.Client) -> None:
        try:
            list(client.contacts.list(administration_id="1", prefetch=0))
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is looked at below
            errors.append(error)

    client = payt.Client("token", base_url=server.url, rate_limit=None, **QUICK)
    threads = [threading.Thread(target=read, args=(client,)) for _ in range(40)]
    for thread in threads:
        thread.start()
    assert server.wait_requests(before + 40)
    began = time.monotonic()
    client.close()
    others = [socket.socket() for _ in range(50)]  # which take the descriptors that are free
    for thread in threads:
        thread.join(20)
    assert time.monotonic() - began < 5
    for other in others:
        other.close()
    assert [type(error) for error in errors] == [payt.TransportError] * 40
    assert server.connections == connected + 40
    with pytest.raises(payt.TransportError, match="the client was closed: iterate within its with block") as caught:
        list(client.contacts.list(administration_id="1", cursor="4"))
    assert caught.value.cursor == "4"
    assert server.wait_closed()


@pytest.mark.parametrize("where", [Point.IN_BODY, Point.BEFORE_ANSWER])
def test_closing_an_async_client_ends_what_many_tasks_read(where: Point, server: FaultServer) -> None:
    """Each gets an error that says so, and resumes."""
    server.script([kinds.stall(60, where)] * 40)
    before = len(server.requests)

    async def run() -> list[Any]:
        client = payt.AsyncClient("token", base_url=server.url, rate_limit=None, **QUICK)
        listing = client.contacts.list(administration_id="1", cursor="4", prefetch=0)
        reading = [asyncio.create_task(listing.first()) for _ in range(40)]
        assert await asyncio.to_thread(server.wait_requests, before + 40)
        await client.aclose()
        return await asyncio.gather(*reading, return_exceptions=True)

    errors = asyncio.run(run())
    assert {type(error) for error in errors} == {payt.TransportError}
    assert {str(error).partition(": ")[2] for error in errors} == {
        "the client was closed: iterate within its with block"
    }
    assert {error.cursor for error in errors} == {"4"}
    assert server.wait_closed()


def test_a_request_on_a_closed_transport_is_not_sent(server: FaultServer) -> None:
    async def run() -> None:
        transport = AsyncTransport(CONTEXT)
        await transport.aclose()
        with pytest.raises(httpx.NetworkError, match="the client was closed"):
            await transport.handle_async_request(httpx.Request("GET", server.url))

    transport = direct()
    transport.close()
    before = server.connections
    with pytest.raises(httpx.NetworkError, match="the client was closed"):
        transport.handle_request(httpx.Request("GET", server.url))
    asyncio.run(run())
    assert server.connections == before


def test_a_connection_that_is_made_while_the_client_is_closed_is_closed(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, connect_async = httpcore.SyncBackend.connect_tcp, httpcore.AnyIOBackend.connect_tcp
    before = len(server.requests)

    def connecting(*args: Any, **kwargs: Any) -> Any:
        stream = connect(*args, **kwargs)
        transport.close()
        return stream

    monkeypatch.setattr("httpcore.SyncBackend.connect_tcp", connecting)
    transport = direct()
    with pytest.raises(httpx.NetworkError, match="the client was closed"):
        transport.handle_request(httpx.Request("GET", server.url))

    async def run() -> None:
        async def connecting(*args: Any, **kwargs: Any) -> Any:
            stream = await connect_async(*args, **kwargs)
            await transport.aclose()
            return stream

        monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", connecting)
        transport = AsyncTransport(CONTEXT)
        with pytest.raises(httpx.NetworkError, match="the client was closed"):
            await transport.handle_async_request(httpx.Request("GET", server.url))

    asyncio.run(run())
    assert server.wait_closed()
    assert len(server.requests) == before


# Cancelling


@pytest.mark.parametrize("times", [1, 2])
def test_a_request_that_is_cancelled_at_any_moment_leaves_room_for_the_next(
    times: int, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for a single one; httpcore's own pool would be full for good."""
    monkeypatch.setattr(pool, "MOST", 1)

    async def run() -> None:
        options = {"retries": 0, "timeout": 5, "rate_limit": None, **QUICK}
        async with payt.AsyncClient("token", base_url=server.url, **options) as client:
            listing = client.contacts.list(administration_id="1")
            for turns in range(60):
                other, request = (asyncio.create_task(listing.first()) for _ in range(2))
                for _ in range(turns):
                    await asyncio.sleep(0)
                for _ in range(times):
                    other.cancel()
                    request.cancel()
                    await asyncio.sleep(0)
                await asyncio.gather(other, request, return_exceptions=True)
            assert await listing.first()
            assert await asyncio.to_thread(eventually, lambda: server.open_connections <= 1)

    asyncio.run(run())


def test_two_tasks_that_want_the_same_kept_connection_both_get_an_answer(server: FaultServer) -> None:
    before = server.connections

    async def run() -> None:
        async with payt.AsyncClient("token", base_url=server.url, rate_limit=None, retries=0, **QUICK) as client:
            listing = client.contacts.list(administration_id="1")
            assert await listing.first()
            assert all(await asyncio.gather(listing.first(), listing.first()))

    asyncio.run(run())
    assert server.connections == before + 2


def test_a_connection_that_another_thread_took_first_does_no_harm(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, taken = httpcore.HTTPConnection.handle_request, []

    def send_late(connection: httpcore.HTTPConnection, request: httpcore.Request) -> httpcore.Response:
        taken.append(connection)
        if len(taken) == 2:
            raise httpcore.ConnectionNotAvailable
        return send(connection, request)

    monkeypatch.setattr(httpcore.HTTPConnection, "handle_request", send_late)
    before = len(server.requests)
    with payt.Client("token", base_url=server.url, rate_limit=None, retries=0, **QUICK) as client:
        listing = client.contacts.list(administration_id="1")
        assert listing.first() == listing.first()
    assert len(taken) == 3
    assert len(server.requests) == before + 2


@pytest.fixture
def of_one_connection(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments of a client with room for one request, the first of which the server does not end."""
    monkeypatch.setattr(pool, "MOST", 1)
    server.script([kinds.stall(60, Point.IN_BODY)])
    timeout = httpx.Timeout(60, pool=0.01)
    return {"base_url": server.url, "retries": 0, "timeout": timeout, "rate_limit": None, **QUICK}


def test_a_thread_waits_for_a_connection_no_longer_than_its_timeout(
    server: FaultServer, of_one_connection: dict[str, Any]
) -> None:
    before = len(server.requests)
    client = payt.Client("token", **of_one_connection)
    listing = client.contacts.list(administration_id="1")
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(listing.first)
        server.wait_requests(before + 1)
        with pytest.raises(payt.TransportError, match="PoolTimeout: no connection was free"):
            listing.first()
        client.close()
        assert isinstance(first.exception(), payt.TransportError)


def test_a_request_waits_for_a_connection_no_longer_than_its_timeout(
    server: FaultServer, of_one_connection: dict[str, Any]
) -> None:
    before = len(server.requests)

    async def run() -> None:
        async with payt.AsyncClient("token", **of_one_connection) as client:
            listing = client.contacts.list(administration_id="1")
            first = asyncio.create_task(listing.first())
            assert await asyncio.to_thread(server.wait_requests, before + 1)
            with pytest.raises(payt.TransportError, match="PoolTimeout: no connection was free"):
                await listing.first()
            first.cancel()

    asyncio.run(run())


def test_a_connection_whose_handshake_is_cancelled_is_closed(certificates: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"

        async def run() -> None:
            async with payt.AsyncClient("token", base_url=url, trust_env=False, verify=certificates[1]) as client:
                request = asyncio.create_task(client.contacts.list(administration_id="1").first())
                connection, _ = await asyncio.to_thread(listening.accept)
                connection.settimeout(20)
                assert await asyncio.to_thread(connection.recv, 1)
                request.cancel()
                await asyncio.gather(request, return_exceptions=True)
                while await asyncio.to_thread(connection.recv, 65536):
                    pass
                connection.close()

        asyncio.run(run())


# Event loops


@pytest.mark.parametrize("own", [False, True])
def test_another_event_loop_is_an_error_at_once(own: bool, server: FaultServer) -> None:
    transport = httpx.AsyncHTTPTransport(verify=CONTEXT) if own else None
    client = payt.AsyncClient("token", base_url=server.url, transport=transport, **QUICK)

    async def count() -> int:
        return len([contact async for contact in client.contacts.list(administration_id="1")])

    async def counted_and_closed() -> None:
        assert await count() == 11
        other = await asyncio.to_thread(asyncio.run, refused())
        assert "this AsyncClient belongs to another event loop: create one in each loop" in other
        assert await count() == 11
        await client.aclose()

    async def refused() -> str:
        with pytest.raises(RuntimeError) as caught:
            await count()
        return str(caught.value)

    asyncio.run(counted_and_closed())


@pytest.mark.parametrize("prefetch", [0, 1, 16])
@pytest.mark.parametrize("many", [False, True])
def test_a_listing_that_ended_with_its_event_loop_fails(many: bool, prefetch: int) -> None:
    """asyncio.run closes all generators, and the rest of the listing would seem to be empty."""

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("cursor", 0)) + 1
        return httpx.Response(200, json={"data": [{"id": str(number)}], "pagination": {"cursor": str(number)}})

    async def begun() -> Any:
        client = payt.AsyncClient("token", transport=httpx.MockTransport(answer), rate_limit=None)
        one = client.contacts.list(administration_id="1", prefetch=prefetch)
        several = client.contacts.list_many(administration_ids=["1"], prefetch=prefetch)
        pages: Any = several.pages() if many else one.pages()
        await anext(pages)
        return pages

    async def rest(pages: Any) -> list[Any]:
        return [page async for page in pages]

    pages = asyncio.run(begun())
    for _ in range(2):
        with pytest.raises(RuntimeError, match="this listing was interrupted"):
            asyncio.run(rest(pages))


@pytest.mark.parametrize("own", [False, True])
def test_without_asyncio_the_error_says_so(own: bool, server: FaultServer) -> None:
    """As where trio runs the coroutine."""
    transport = httpx.AsyncHTTPTransport(verify=CONTEXT) if own else None
    client = payt.AsyncClient("token", base_url=server.url, transport=transport, **QUICK)
    with pytest.raises(RuntimeError, match="AsyncClient needs asyncio's event loop, and none is running here"):
        anext(aiter(client.contacts.list(administration_id="1"))).__await__().send(None)


# Processes


@contextmanager
def in_a_child(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same code in this process, whose coverage is measured."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: -1)
        yield


def test_a_child_closes_what_it_inherits_for_itself_alone(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen on a duplicate of the descriptor, as the parent has one: the connection was not shut down."""
    with direct() as transport:
        url = f"{server.url}/v1/contacts?administration_id=1"
        before = server.connections
        response = transport.handle_request(httpx.Request("GET", url))
        response.read()
        parents = response.extensions["network_stream"].get_extra_info("socket").dup()
        with in_a_child(monkeypatch):
            for _ in range(2):
                transport.handle_request(httpx.Request("GET", url)).read()
        assert server.connections == before + 2
        parents.sendall(b"GET /v1/contacts?administration_id=1 HTTP/1.1\r\nHost: payt\r\n\r\n")
        assert parents.recv(100).startswith(b"HTTP/1.1 200")
        parents.close()


def test_a_listing_that_ends_in_a_child_wakes_nobody_in_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []
    cancel = Cancel()

    def read() -> None:
        with in_a_child(monkeypatch):
            cancel.stop()

    wait_for(read, lambda: woken.append("the parent's"), [cancel])
    assert woken == []
    cancel.stop()
    with pytest.raises(Abandoned):
        cancel.check()


def test_what_the_deadline_leaves_is_enough_to_answer(server: FaultServer) -> None:
    with direct() as transport, Call(10).active():
        request = httpx.Request("GET", f"{server.url}/v1/contacts?administration_id=1")
        assert transport.handle_request(request).read()  # without time-outs of its own
    assert eventually(server.wait_closed)


def test_a_connection_that_nobody_used_for_long_is_replaced(
    server: FaultServer, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is on the way may have forgotten it, without a word to anybody."""
    settings = http._settings
    monkeypatch.setattr(
        http, "_settings", lambda *given, **named: {**settings(*given, **named), "keepalive_expiry": 0.1}
    )
    accepted = []

    def seen(_page: object) -> None:
        accepted.append(server.connections)
        assert eventually(lambda: server.open_connections == 1)  # the one before was closed
        time.sleep(0.2)

    flavour.pages(server.url, client=QUICK, seen=seen, prefetch=0)
    assert accepted == [*range(accepted[0], accepted[0] + 3)]
