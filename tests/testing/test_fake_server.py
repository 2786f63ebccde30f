"""The fake server as a server: start and end, connections, what it records, how fast and for whom it answers."""

import contextlib
import gc
import gzip
import http.client
import importlib
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
from testing.clients import Get, connect, refusal

from payt.testing import FakePayt, contacts
from support.eventually import SOON

LISTING = "/v1/contacts?administration_id=1"


@contextlib.contextmanager
def raw_connection(fake: FakePayt) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", urlsplit(fake.url).port or 0), timeout=60) as connection:
        yield connection


def exchange(fake: FakePayt, request: bytes) -> bytes:
    """Send these bytes on a connection of their own and read until the server hangs up."""
    with raw_connection(fake) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("FakePayt")]


def test_starting_takes_no_time_however_many_contacts_it_has() -> None:
    def seconds() -> float:
        started = time.process_time()  # the processor's, which others do not add to
        with FakePayt(contacts=100_000):
            return time.process_time() - started

    assert min(seconds() for _ in range(3)) < 0.05


def test_nothing_is_left_when_it_is_closed() -> None:
    with FakePayt(contacts=1) as fake, connect(fake) as client:
        url = fake.url
        client.get(LISTING)
        with raw_connection(fake):
            client.get(LISTING)
            while fake.open_connections < 2:  # the system has accepted the connection, the server will in a moment
                time.sleep(0.001)
            fake.close()
            assert threads() == []
        with pytest.raises(httpx.TransportError):
            client.get(LISTING)
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    gc.collect()


def test_closing_does_not_wait_for_sleeping_answers() -> None:
    with FakePayt(contacts=1, latency=60) as fake, ThreadPoolExecutor(2) as pool:
        with connect(fake) as client, connect(fake) as other:
            answers = [pool.submit(client.get, LISTING), pool.submit(other.get, "/nowhere")]
            while len(fake.requests) < 2:
                time.sleep(0.001)
            closing = time.monotonic()
            fake.close()
            assert time.monotonic() - closing < SOON
            for answer in answers:
                assert isinstance(answer.exception(5), httpx.TransportError)
        assert [request.status for request in fake.requests] == [None, None]
        assert threads() == []


def test_closing_does_not_wait_for_clients_that_do_not_read() -> None:
    with FakePayt(contacts=500) as fake, raw_connection(fake) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = f"GET {LISTING}&per_page=500 HTTP/1.1\r\nauthorization: bearer {fake.token}\r\n\r\n"
        connection.sendall(request.encode() * 30)
        while not fake.requests:
            time.sleep(0.001)
        closing = time.monotonic()
        fake.close()
        assert time.monotonic() - closing < SOON
        assert threads() == []


def test_it_can_be_started_and_closed_by_hand_and_again() -> None:
    fake = FakePayt(contacts=1)
    with pytest.raises(RuntimeError, match="is not running"):
        _ = fake.url
    for _ in range(2):
        assert fake.start() is fake
        with connect(fake) as client:
            assert client.get(LISTING).status_code == 200
        with pytest.raises(RuntimeError, match="is already running"):
            fake.start()
        fake.close()
        fake.close()
    assert len(fake.requests) == 2


def test_a_port_can_be_chosen_and_is_free_afterwards() -> None:
    with FakePayt() as fake:
        port = urlsplit(fake.url).port
        assert port is not None
        with pytest.raises(OSError, match="in use"):
            FakePayt(port=port).start()
    with FakePayt(port=port) as fake:
        assert fake.url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("prefix", ["/api", "api", "/api/"])
def test_it_serves_under_a_prefix(prefix: str) -> None:
    with FakePayt(contacts=1, prefix=prefix) as fake, connect(fake) as client:
        assert fake.url.endswith("/api")
        assert client.get("v1/contacts?administration_id=1").status_code == 200
        assert fake.requests[0].path == "/api/v1/contacts"
        root = fake.url.removesuffix("/api")
        assert client.get(f"{root}{LISTING}").status_code == 404
        assert client.get(f"{root}/apiv1/contacts").status_code == 404


def test_a_connection_is_kept_for_the_next_request() -> None:
    with FakePayt(contacts=1) as fake, connect(fake) as client:
        for _ in range(3):
            assert "connection" not in client.get(LISTING).headers
        assert client.get("/nowhere").status_code == 404
        client.request("GET", LISTING, content=b"a body that nobody asked for")
        client.request("GET", LISTING, content=iter([b"in ", b"chunks"]))
        assert (fake.connections, fake.open_connections) == (1, 1)
        assert [request.body for request in fake.requests][-2:] == [b"a body that nobody asked for", b"in chunks"]


def test_a_connection_is_closed_where_the_client_says_so() -> None:
    with FakePayt() as fake, connect(fake) as client:
        for _ in range(2):
            assert client.get(LISTING, headers={"connection": "close"}).headers["connection"] == "close"
        assert fake.connections == 2


def test_kept_connections_do_not_stall_on_delayed_acknowledgements() -> None:
    with FakePayt(contacts=1) as fake, connect(fake) as client:
        client.get(LISTING)
        for served in fake._running.open:
            assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_open_connections_are_counted() -> None:
    with FakePayt() as fake:
        with connect(fake) as client, connect(fake) as other:
            client.get("/")
            other.get("/")
            assert fake.open_connections == 2
        deadline = time.monotonic() + SOON
        while fake.open_connections and time.monotonic() < deadline:
            time.sleep(0.001)
        assert (fake.connections, fake.open_connections) == (2, 0)


def test_requests_are_recorded_as_they_came(fake: FakePayt) -> None:
    before = time.monotonic()
    with connect(fake) as client, connect(fake) as other:
        client.get("/v1/contacts?administration_id=1&ids=1%2C2&ids=%22+%F0%9F%99%82&empty=")
        other.post("/v1/contacts", content=b"\x00body", headers={"X-Mixed-Case": "yes"})
    first, second = fake.requests
    assert (first.method, first.path, first.body, first.connection) == ("GET", "/v1/contacts", b"", 1)
    assert first.raw_query == "administration_id=1&ids=1%2C2&ids=%22+%F0%9F%99%82&empty="
    assert first.query == {"administration_id": "1", "ids": "1,2", "empty": ""}
    assert first.query_pairs == [("administration_id", "1"), ("ids", "1,2"), ("ids", '" 🙂'), ("empty", "")]
    assert first.headers["AUTHORIZATION"] == first.headers["authorization"] == f"Bearer {fake.token}"
    assert (second.method, second.body, second.connection) == ("POST", b"\x00body", 2)
    assert second.headers["x-mixed-case"] == "yes"
    assert [first.status, second.status] == [422, 405]
    assert before < first.received_at < second.received_at < time.monotonic()


def test_every_answer_has_an_id_that_is_recorded(fake: FakePayt, get: Get) -> None:
    fake.fail(503)
    fake.answer({}, headers={"x-request-id": "mine"})
    answered = [get().headers["x-request-id"] for _ in range(3)]
    assert answered[1] == "mine"
    assert [answered[0], answered[2]] == [fake.requests[0].request_id, fake.requests[2].request_id]
    assert len({request.request_id for request in fake.requests}) == 3


def test_reset_forgets_requests_and_faults(fake: FakePayt, get: Get) -> None:
    fake.fail(503, times=None)
    get()
    fake.reset()
    assert fake.requests == []
    assert get().status_code == 200


def test_latency_comes_before_each_answer(fake: FakePayt, get: Get) -> None:
    get()
    fake.latency = 0.05
    started = time.monotonic()
    get()
    assert time.monotonic() - started >= 0.05
    fake.latency = 0
    get()


def test_the_request_after_the_last_one_allowed_in_a_second_is_refused(fake: FakePayt, get: Get) -> None:
    fake.rate_limit = 3
    fake.tokens.add("other")
    assert [get().status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert refusal(get()) == (429, "too_many_requests", "More than 3 requests in a second")
    assert "retry-after" not in get().headers
    with connect(fake, "Bearer other") as other:
        assert [other.get("/oauth/authorize").status_code for _ in range(4)] == [401] * 4
        assert other.get(LISTING).status_code == 200
    fake.rate_limit_retry_after = 1
    assert get().headers["retry-after"] == "1"
    first = fake.requests[0].received_at
    time.sleep(max(0, first + 1 - time.monotonic()))
    assert get().status_code == 200
    fake.rate_limit = None
    assert [get().status_code for _ in range(5)] == [200] * 5


def test_a_refused_request_does_not_use_up_an_ordered_fault(fake: FakePayt, get: Get) -> None:
    fake.rate_limit = 1
    assert get().status_code == 200
    fake.fail(503)
    assert get().status_code == 429
    fake.rate_limit = None
    assert get().status_code == 503


def test_bodies_are_compressed_for_those_who_accept_it() -> None:
    with FakePayt(contacts=100, gzip=True) as fake, connect(fake) as client:
        compressed = client.get(LISTING)
        assert compressed.headers["content-encoding"] == "gzip"
        assert int(compressed.headers["content-length"]) < len(compressed.content) / 3
        plain = client.get(LISTING, headers={"accept-encoding": "identity, gzip;q=0"})
        assert "content-encoding" not in plain.headers
        assert plain.json() == compressed.json() == {"data": contacts(100), "pagination": {"cursor": None}}
        fake.answer(gzip.compress(b"{}"), headers={"content-encoding": "gzip"})
        assert client.get(LISTING).json() == {}
        fake.answer(b"")
        assert "content-encoding" not in client.get(LISTING).headers


def test_many_threads_get_what_they_asked_for() -> None:
    with FakePayt(contacts=50) as fake, ThreadPoolExecutor(8) as pool, connect(fake) as client:

        def ask(number: int) -> str:
            fake.change("50", infix=str(number))
            (found,) = client.get(f"{LISTING}&ids={number % 50 + 1}").json()["data"]
            return str(found["id"])

        answers = list(pool.map(ask, range(200)))
        assert Counter(answers) == Counter(dict.fromkeys(map(str, range(1, 51)), 4))
        assert len(fake.requests) == 200


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET", 400),
        (b"GET / HTTP/1.1 extra words", 400),
        (b"GET / HTTP/2.0", 505),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1", 414),
        (b"GET http://[ HTTP/1.1", 400),
        (b"GET / HTTP/1.1\r\nlong: " + b"x" * 70_000, 431),
        (b"POST / HTTP/1.1\r\ncontent-length: 5", 400),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nno chunk", 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_proper_request_is_answered_as_json(
    capsys: pytest.CaptureFixture[str], request_line: bytes, status: int
) -> None:
    with FakePayt() as fake:
        head, _, body = exchange(fake, request_line + b"\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nconnection: close" in head
    assert body.startswith(b'{"code":')
    assert capsys.readouterr() == ("", "")


def test_answers_are_quiet_and_clients_may_leave(capsys: pytest.CaptureFixture[str]) -> None:
    with FakePayt(contacts=500, latency=0.02) as fake:
        for _ in range(3):
            with raw_connection(fake) as connection:
                connection.sendall(f"GET {LISTING} HTTP/1.1\r\n\r\n".encode())
        with connect(fake) as client:
            assert client.get(LISTING).status_code == 200
    assert capsys.readouterr() == ("", "")


def test_old_http_is_answered_and_closed(fake: FakePayt) -> None:
    head, _, _ = exchange(fake, b"GET / HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"\r\nconnection: close" in head


def test_a_client_that_expects_to_be_told_to_continue_is(fake: FakePayt) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(fake.url).port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", "/v1/contacts", body=b"{}", headers={"expect": "100-continue"})
        assert connection.getresponse().status == 405
    assert fake.requests[0].body == b"{}"


def test_without_werkzeug_the_import_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("payt.testing", "werkzeug"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "werkzeug", None)
    with pytest.raises(ImportError, match=r'needs werkzeug, .*: pip install "werkzeug>='):
        importlib.import_module("payt.testing")
