"""Encodings, HTTP/2 and proxies: what httpx can do, the clients can."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest
import zstandard

import payt
from faults import kinds
from faults.server import FaultServer
from payt.testing import contacts
from support.flavours import Flavour
from support.quick import QUICK

BODY = json.dumps({"data": list(contacts(3))}).encode()

TRANSPORTS: dict[str, Any] = {"sync": httpx.HTTPTransport, "async": httpx.AsyncHTTPTransport}

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip": gzip.compress,
}


@pytest.mark.parametrize("encoding", COMPRESS)
def test_an_encoding(encoding: str, server: FaultServer, flavour: Flavour) -> None:
    compressed = COMPRESS[encoding](BODY)
    server.script(
        [
            kinds.answer(headers=[("Content-Encoding", encoding)], body=compressed[: len(compressed) // 2]),
            kinds.answer(headers=[("Content-Encoding", encoding)], body=compressed),
        ]
    )
    before = len(server.requests)
    assert len(flavour.contacts(server.url, client=QUICK)) == 3
    assert encoding in server.requests[before].headers["Accept-Encoding"]
    assert len(server.requests) - before == 2


def test_the_headers_of_a_page_are_those_that_came(server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(body=BODY) | kinds.gzipped()])
    (page,) = flavour.pages(server.url, client=QUICK)
    assert page.headers["content-encoding"] == "gzip"
    assert page.raw == BODY


@pytest.mark.parametrize("client_class", [payt.Client, payt.AsyncClient])
def test_http2_without_its_extra_names_it(client_class: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "h2" else find_spec(name))
    with pytest.raises(ImportError, match=r'http2=True needs h2, .*: pip install "httpx\[http2\]"'):
        client_class("token", http2=True)


def test_a_proxy(server: FaultServer, flavour: Flavour) -> None:
    before = len(server.requests)
    found = flavour.contacts("http://payt.example", client=QUICK | {"proxy": server.url, "allow_http": True})
    assert len(found) == 11
    assert server.requests[before].target.startswith("http://payt.example/v1/contacts?")


def test_a_proxy_of_the_environment(server: FaultServer, flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert len(flavour.contacts("http://payt.example", client={"allow_http": True})) == 11
    assert len(flavour.contacts(server.url)) == 11
    with pytest.raises(payt.TransportError):
        flavour.contacts("http://payt.invalid", client={"trust_env": False, "retries": 0, "allow_http": True})


def test_a_proxy_that_is_not_there_is_named(flavour: Flavour) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = QUICK | {"proxy": f"http://user:secret@127.0.0.1:{port}", "retries": 0}
    with pytest.raises(payt.TransportError, match=rf"ConnectError: .* \(127\.0\.0\.1:{port}\)") as caught:
        flavour.contacts("https://payt.example", client=client)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("status", "attempts"), [(407, 1), (502, 5)])
def test_a_proxy_that_does_not_connect(status: int, attempts: int, server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(status, [("Connection", "close")]) | kinds.http10()] * 5)
    with pytest.raises(payt.TransportError, match=f"ProxyError: {status}") as caught:
        flavour.contacts("https://payt.example", client=QUICK | {"proxy": server.url})
    assert caught.value.attempts == attempts


def test_a_transport_of_ones_own_keeps_its_connections(server: FaultServer) -> None:
    """Transports that pass requests on to httpx's are followed to where they send them."""

    class Passing(httpx.BaseTransport):
        def __init__(self) -> None:
            self.inner = httpx.HTTPTransport(verify=False)

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return self.inner.handle_request(request)

        def close(self) -> None:
            self.inner.close()

    class AsyncPassing(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self.inner = httpx.AsyncHTTPTransport(verify=False)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return await self.inner.handle_async_request(request)

        async def aclose(self) -> None:
            await self.inner.aclose()

    with payt.Client("token", base_url=server.url, transport=Passing(), **QUICK) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == 11

    async def run() -> int:
        async with payt.AsyncClient("token", base_url=server.url, transport=AsyncPassing(), **QUICK) as client:
            return len([contact async for contact in client.contacts.list(administration_id="1")])

    assert asyncio.run(run()) == 11
    assert server.wait_closed()


def test_a_unix_socket(server: FaultServer, flavour: Flavour, tmp_path: Path) -> None:
    with between(tmp_path / "payt.sock", server.port):
        transport = TRANSPORTS[flavour.name](uds=str(tmp_path / "payt.sock"))
        assert len(flavour.contacts("http://payt.example", client=QUICK | {"transport": transport})) == 11
        # it serves another client as well: closed, it opens connections anew
        assert len(flavour.contacts("http://payt.example", client=QUICK | {"transport": transport})) == 11


def test_a_transport_that_connects_again(flavour: Flavour, unused_port: int) -> None:
    transport = TRANSPORTS[flavour.name](retries=2)
    with pytest.raises(payt.TransportError) as caught:
        flavour.contacts(f"http://127.0.0.1:{unused_port}", client={"transport": transport, "retries": 0})
    assert caught.value.attempts == 1


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def between(path: Path, port: int) -> Iterator[None]:
    """A Unix socket whose connections are passed on to a TCP server."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                inner, _ = listening.accept()
                outer = socket.create_connection(("127.0.0.1", port))
                for source, target in ((inner, outer), (outer, inner)):
                    threading.Thread(target=pump, args=(source, target), daemon=True).start()

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        target.close()

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)
