"""No page takes longer than its deadline, and no body is larger than its limit, whatever the server does."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import time
from typing import Any

import httpx
import pytest

import payt
from faults import kinds
from faults.kinds import Fault, Point
from faults.server import FaultServer
from payt.testing import FakePayt
from payt.transport.call import Call, current
from payt.transport.http import Transport
from support.eventually import SOON
from support.flavours import Flavour
from support.quick import CONTEXT, QUICK

pytestmark = pytest.mark.real_time


@pytest.mark.parametrize(
    "fault",
    [
        kinds.drip(0.4),  # a byte at a time: headers that take a minute
        kinds.gzipped() | kinds.drip(0.4),
        kinds.stall(60),
        kinds.stall(60, Point.IN_HEADERS),
        kinds.stall(60, Point.IN_BODY),
    ],
    ids=str,
)
@pytest.mark.parametrize("page", [1, 2], ids=["new connection", "kept connection"])
def test_a_server_that_never_finishes_holds_nobody(
    fault: Fault, page: int, server: FaultServer, flavour: Flavour, ids: list[str]
) -> None:
    server.script([None] * (page - 1) + [fault] * 5)
    client = QUICK | {"total_timeout": 0.5}
    began = time.monotonic()
    with pytest.raises(payt.TransportError, match=r"no complete answer within 0\.5 s \(total_timeout\)") as caught:
        flavour.contacts(server.url, client=client)
    assert 0.5 <= time.monotonic() - began < SOON
    assert caught.value.attempts == 1
    server.script([])
    rest = flavour.contacts(server.url, client=QUICK, cursor=caught.value.cursor)
    assert [contact.id for contact in rest] == ids[4 * (page - 1) :]


@pytest.mark.parametrize("rate", [0.1, 10], ids=["its turn", "a pause that was asked for"])
def test_a_deadline_before_anything_is_sent_blames_no_answer(rate: float, flavour: Flavour, fake: FakePayt) -> None:
    """What waits for the rate limit, whose pause after a 429 may be long, has not asked yet."""
    if rate == 10:
        fake.fail(429, retry_after=30)
    client = QUICK | {"total_timeout": 0.3, "rate_limit": rate, "pace": payt.ProcessPace(), "retries": 0}
    with contextlib.suppress(payt.RateLimitError):
        flavour.contacts(fake.url, fake.token, client=client)
    with pytest.raises(payt.TransportError, match=r"within 0\.3 s \(total_timeout\): it was not sent, as"):
        flavour.contacts(fake.url, fake.token, client=client)
    assert len(fake.requests) == 1


BODY_DRIPS = Fault(
    "headers at once, then a byte each 100 ms",
    lambda answer: answer.with_headers((("Content-Length", "500"),)),
    lambda answer: [answer.head, *(step for _ in range(500) for step in (b" ", kinds.Pause(0.1)))],
)


def test_a_body_that_drips(server: FaultServer, flavour: Flavour) -> None:
    server.script([BODY_DRIPS])
    began = time.monotonic()
    with pytest.raises(payt.TransportError, match="total_timeout"):
        flavour.contacts(server.url, client=QUICK | {"total_timeout": 0.4})
    assert time.monotonic() - began < SOON


def test_a_transport_of_ones_own_is_under_the_deadline_between_the_pieces_of_a_body(server: FaultServer) -> None:
    class Passing(httpx.BaseTransport):
        def __init__(self) -> None:
            self.inner = httpx.HTTPTransport(verify=CONTEXT)

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return self.inner.handle_request(request)

        def close(self) -> None:
            self.inner.close()

    server.script([BODY_DRIPS])
    with (
        payt.Client("token", base_url=server.url, transport=Passing(), total_timeout=0.4) as client,
        pytest.raises(payt.TransportError, match="total_timeout"),
    ):
        list(client.contacts.list(administration_id="1"))


def test_the_attempts_of_a_page_share_its_deadline(server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.stall(60)] * 9)
    with pytest.raises(payt.TransportError) as caught:
        flavour.contacts(server.url, client=QUICK | {"timeout": 0.2, "total_timeout": 2, "retries": 8})
    assert caught.value.attempts is not None
    assert 1 < caught.value.attempts < 9


def test_each_page_has_a_deadline_of_its_own(flavour: Flavour) -> None:
    with FakePayt(contacts=10, latency=0.2) as fake:
        found = flavour.contacts(fake.url, client=QUICK | {"total_timeout": 1.6}, per_page=1)
    assert len(found) == 10


def test_nothing_is_under_a_deadline_outside_of_a_request() -> None:
    assert current() is None
    call = Call(5)
    with call.active():
        assert current() is call
        assert 4 < call.left <= 5
    assert current() is None


@pytest.mark.parametrize(
    ("connected", "error"), [(False, httpx.ConnectTimeout), (True, httpx.WriteTimeout)], ids=["connect", "write"]
)
def test_nothing_begins_after_the_deadline(connected: bool, error: type[Exception], server: FaultServer) -> None:
    """httpx may begin to connect, or to write, when the deadline has just passed."""
    with httpx.Client(transport=Transport(CONTEXT)) as client:
        if connected:
            assert client.get(f"{server.url}/v1/contacts?administration_id=1").is_success
        with Call(0).active(), pytest.raises(error, match="deadline"):
            client.get(server.url)


# The size


@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "gzip"])
def test_a_body_up_to_the_limit_is_read_and_one_byte_more_is_not(
    encoded: bool, server: FaultServer, flavour: Flavour
) -> None:
    body = b'{"data": []}' + b" " * 10_000
    fault = kinds.answer(body=body)
    if encoded:
        fault = fault | kinds.gzipped()
    server.script(itertools.repeat(fault))  # also where a busy machine breaks a connection that is tried again
    assert flavour.contacts(server.url, client=QUICK | {"max_body": len(body)}) == []
    with pytest.raises(payt.TransportError, match=rf"more than {len(body) - 1} bytes \(max_body\)") as caught:
        flavour.contacts(server.url, client=QUICK | {"max_body": len(body) - 1})
    assert caught.value.attempts == 1


def test_a_bomb_is_not_unpacked(server: FaultServer, flavour: Flavour) -> None:
    bomb = gzip.compress(b" " * 200 * 2**20)
    server.script([kinds.answer(headers=[("Content-Encoding", "gzip")], body=bomb)])
    with pytest.raises(payt.TransportError, match="max_body"):
        flavour.contacts(server.url, client=QUICK)


def test_an_endless_body_ends_at_the_default_limit(server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.endless()])
    with pytest.raises(payt.TransportError, match="67108864 bytes"):
        flavour.contacts(server.url, client=QUICK)


def test_what_comes_with_an_error_is_limited_too(server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(400) | kinds.endless()])
    with pytest.raises(payt.TransportError, match="max_body"):
        flavour.contacts(server.url, client=QUICK | {"max_body": 10_000})


def test_through_a_proxy_reads_end_too(server: FaultServer) -> None:
    """The server is its own proxy: plain HTTP through a proxy is a request for the whole URL."""
    server.script([kinds.drip(0.02)])
    arguments: dict[str, Any] = {**QUICK, "proxy": server.url, "total_timeout": 0.4}
    with payt.Client("token", base_url="http://payt.example", allow_http=True, **arguments) as client:
        with pytest.raises(payt.TransportError, match="total_timeout"):
            list(client.contacts.list(administration_id="1"))
        assert len(list(client.contacts.list(administration_id="1"))) == 11
