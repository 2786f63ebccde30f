"""HTTP/2, from a server that counts its connections: what a request leaves behind on one is no other's business."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Any

import attrs
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import pytest
import trustme

import payt
from payt.testing import contacts
from support.eventually import eventually
from support.flavours import Flavour
from support.quick import QUICK

BODY = json.dumps({"data": list(contacts(5))[3:]}).encode()
MORE = json.dumps({"data": list(contacts(3)), "pagination": {"cursor": "3"}}).encode()

Answer = Callable[[h2.connection.H2Connection, int], None]
"""Answers a request, on a stream of this number."""


def whole(protocol: h2.connection.H2Connection, stream: int, body: bytes = BODY) -> None:
    protocol.send_headers(stream, [(":status", "200"), ("content-length", str(len(body)))])
    protocol.send_data(stream, body, end_stream=True)


def with_more(protocol: h2.connection.H2Connection, stream: int) -> None:
    whole(protocol, stream, MORE)


def cut_short(protocol: h2.connection.H2Connection, stream: int) -> None:
    protocol.send_headers(stream, [(":status", "200"), ("content-length", str(len(BODY)))])
    protocol.send_data(stream, BODY[:9], end_stream=True)


def too_long(protocol: h2.connection.H2Connection, stream: int) -> None:
    """As h2 finds out in the middle of it, by an error of its own."""
    protocol.send_headers(stream, [(":status", "200"), ("content-length", "50000")])
    for _ in range(10):
        protocol.send_data(stream, b" " * 10_000)


def stalled(protocol: h2.connection.H2Connection, stream: int) -> None:
    protocol.send_headers(stream, [(":status", "200")])
    protocol.send_data(stream, BODY[:9])


def taken_back(protocol: h2.connection.H2Connection, stream: int) -> None:
    stalled(protocol, stream)
    protocol.close_connection(h2.errors.ErrorCodes.NO_ERROR, last_stream_id=max(stream - 2, 0))


def refused(protocol: h2.connection.H2Connection, stream: int) -> None:
    """As by a server that is about to end, and had said so when the request was under way."""
    protocol.close_connection(h2.errors.ErrorCodes.NO_ERROR, last_stream_id=stream - 2)


@attrs.define
class Server:
    """What the tests see of it."""

    url: str
    trusting: ssl.SSLContext
    connections: int = 0
    requests: int = 0

    @property
    def client(self) -> dict[str, Any]:
        return {"http2": True, "verify": self.trusting, "rate_limit": None}


@contextmanager
def serving(*answers: Answer) -> Iterator[Server]:
    """The answers to the first requests; all others are whole."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.set_alpn_protocols(["h2"])
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    left = itertools.chain(answers, itertools.repeat(whole))

    def serve(plain: socket.socket) -> None:
        with suppress(OSError, h2.exceptions.ProtocolError), context.wrap_socket(plain, server_side=True) as connection:
            protocol = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            protocol.initiate_connection()
            connection.sendall(protocol.data_to_send())
            while data := connection.recv(65_536):
                for event in protocol.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        server.requests += 1
                        next(left)(protocol, event.stream_id)
                connection.sendall(protocol.data_to_send())

    def accept() -> None:
        with ThreadPoolExecutor(20) as threads, suppress(OSError):
            while True:
                plain, _ = listener.accept()
                server.connections += 1
                threads.submit(serve, plain)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(f"https://127.0.0.1:{listener.getsockname()[1]}", trusting)
        thread = threading.Thread(target=accept)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_requests_one_after_the_other_share_a_connection(flavour: Flavour) -> None:
    with serving(with_more) as server:
        assert len(flavour.contacts(server.url, client=server.client)) == 5
        assert server.connections == 1


@pytest.mark.everywhere  # each pool does it in its own way
@pytest.mark.parametrize(
    "answers",
    [
        (cut_short,),
        (too_long,),
        (taken_back,),
        (with_more, cut_short),
        (with_more, too_long),
        (with_more, taken_back),
        (with_more, refused),
    ],
    ids=lambda answers: ", ".join(each.__name__ for each in answers),
)
def test_an_answer_that_does_not_come_whole_is_asked_for_again(flavour: Flavour, answers: tuple[Answer, ...]) -> None:
    with serving(*answers) as server:
        found = flavour.contacts(server.url, client=QUICK | server.client)
        assert len(found) == (2 if answers[0] in (cut_short, too_long, taken_back) else 5)


def test_what_is_given_up_takes_its_connection_along() -> None:
    """Its rest would come, and be read by nobody: some dozens of them and the connection were full."""
    with serving(stalled, whole, stalled, whole) as server:
        settings: dict[str, Any] = {"total_timeout": 2, "retries": 0, "base_url": server.url} | server.client
        with payt.Client("token", **settings) as client:
            with pytest.raises(payt.TransportError, match="no complete answer within"):
                list(client.contacts.list(administration_id="1"))
            assert len(list(client.contacts.list(administration_id="1"))) == 2

        async def run() -> None:
            async with payt.AsyncClient("token", **settings) as client:
                with pytest.raises(payt.TransportError, match="no complete answer within"):
                    [each async for each in client.contacts.list(administration_id="1")]
                assert len([each async for each in client.contacts.list(administration_id="1")]) == 2

        asyncio.run(run())
        assert server.connections == 4


def test_listings_at_the_same_time_have_connections_of_their_own() -> None:
    with serving(stalled) as server:
        settings: dict[str, Any] = {"retries": 0, "base_url": server.url} | server.client
        with payt.Client("token", **settings) as client:
            waits = threading.Thread(target=suppressed, args=(list, client.contacts.list(administration_id="1")))
            waits.start()
            assert eventually(lambda: server.requests == 1)
            assert len(list(client.contacts.list(administration_id="2"))) == 2
            assert server.connections == 2
        waits.join(60)
        assert not waits.is_alive()


def test_leaving_many_listings_ends_their_threads_in_the_middle_of_answers() -> None:
    with (
        serving(whole, stalled, stalled, stalled) as server,
        payt.Client("token", base_url=server.url, **QUICK | server.client) as client,
    ):
        pager = client.contacts.list_many(administration_ids=["1", "2", "3", "4"], concurrency=4)
        with closing(pager.pages()) as pages:
            next(pages)
            assert eventually(lambda: server.requests == 4)
        assert [each for each in threading.enumerate() if each.name == "payt"] == []


def suppressed(function: Callable[[Any], object], argument: object) -> None:
    with suppress(payt.PaytError):
        function(argument)
