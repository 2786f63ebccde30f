from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain, repeat
from math import inf
from pathlib import Path

import httpx
import pytest
import trustme

from faults import kinds
from faults.kinds import Answer, Fault, Point
from faults.server import FaultServer, ParsedRequest, paging, refused_url
from support.eventually import SOON

BODY = json.dumps({"data": [{"id": str(number), "name": "José"} for number in range(20)]}).encode()
GOOD = Answer.well(BODY)
CONTACTS = [{"id": str(number), "lastname": "de Ŵit"} for number in range(1, 8)]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(lambda request: BODY) as running:
        yield running


@pytest.fixture
def client(server: FaultServer) -> Iterator[httpx.Client]:
    with connect(server) as running:
        yield running


def connect(server: FaultServer, timeout: float = 2) -> httpx.Client:
    # a context that trusts nobody is there at once; reading the usual certificates takes a while
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(base_url=server.url, timeout=timeout, verify=context, trust_env=False)


class Raw:
    """A client without any idea of HTTP."""

    def __init__(self, server: FaultServer) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def ask(self) -> None:
        self.socket.sendall(b"GET /v1/contacts HTTP/1.1\r\nHost: test\r\n\r\n")

    def receive(self, size: float = inf) -> tuple[bytes, str]:
        """All that comes, or so many bytes, and how it ended."""
        received = b""
        while len(received) < size:
            try:
                data = self.socket.recv(2**16)
            except ConnectionResetError:
                return received, "reset"
            except TimeoutError:
                return received, "open"
            if not data:
                return received, "closed"
            received += data
        return received, "open"


def received(server: FaultServer, fault: Fault) -> tuple[bytes, str]:
    server.script([fault])
    with Raw(server) as raw:
        raw.ask()
        return raw.receive()


# What the server does when it does well


def test_requests_without_a_script_are_answered_well_over_one_connection(
    server: FaultServer, client: httpx.Client
) -> None:
    answers = [client.get("/v1/contacts", params={"page": str(number)}) for number in range(3)]
    assert [answer.content for answer in answers] == [BODY] * 3
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert server.connections == server.open_connections == 1


def test_requests_are_recorded_in_order_with_their_connection_and_time(
    server: FaultServer, client: httpx.Client
) -> None:
    before = time.monotonic()
    client.get("/a?x=1&x=%26", headers=[("X-Twice", "1"), ("X-Twice", "2")])
    with connect(server) as other:
        other.post("/b", content=b"grant=1")
    first, second = server.requests
    assert (first.line, second.line) == ("GET /a?x=1&x=%26 HTTP/1.1", "POST /b HTTP/1.1")
    assert (first.method, first.path, first.query.multi_items()) == ("GET", "/a", [("x", "1"), ("x", "&")])
    assert first.headers.get_list("x-twice") == ["1", "2"]
    assert (first.body, second.body) == (b"", b"grant=1")
    assert (first.connection, second.connection) == (1, 2)
    assert before <= first.time <= second.time <= time.monotonic()


def test_a_request_of_a_megabyte_is_read(server: FaultServer) -> None:
    cursor = "c" * 2**20
    with Raw(server) as raw:
        raw.socket.sendall(f"GET /?cursor={cursor} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        assert raw.receive() == (GOOD.raw, "closed")
    assert server.requests[0].query["cursor"] == cursor


def test_a_list_of_pages_is_answered_in_order_and_a_repeated_request_gets_the_same_page() -> None:
    with FaultServer([b"1", b"2"]) as server, connect(server) as client:
        server.script([kinds.answer(503), None, None, kinds.answer(503)])
        answers = [client.get(path) for path in ("/", "/", "/?cursor=a", "/?cursor=a", "/?cursor=a", "/")]
    assert [answer.status_code for answer in answers] == [503, 200, 200, 503, 200, 200]
    assert [answer.content for answer in answers if answer.is_success] == [b"1", b"2", b"2", b"1"]


@pytest.mark.parametrize(("per_page", "asked", "pages"), [(3, None, 3), (3, 500, 3), (500, 2, 4), (7, None, 1)])
def test_paging_lists_all_contacts_once(per_page: int, asked: int | None, pages: int) -> None:
    with (
        FaultServer(paging(CONTACTS, per_page)) as server,
        connect(server) as client,
    ):
        params = {} if asked is None else {"per_page": str(asked)}
        listed: list[object] = []
        count, cursor = 0, ""
        while cursor is not None:
            page = client.get("/v1/contacts", params=params | ({"cursor": cursor} if cursor else {})).json()
            listed, count, cursor = listed + page["data"], count + 1, page["pagination"]["cursor"]
    assert (listed, count) == (CONTACTS, pages)


def test_paging_over_no_contacts_is_one_empty_page() -> None:
    request = ParsedRequest(1, 0.0, "GET /v1/contacts HTTP/1.1")
    assert json.loads(paging([], 3)(request)) == {"data": [], "pagination": {"cursor": None}}


def test_a_script_goes_on_across_connections_then_all_is_well(server: FaultServer, client: httpx.Client) -> None:
    server.script([None, kinds.close(Point.BEFORE_ANSWER), kinds.answer(503)])
    assert client.get("/").status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/")
    assert [client.get("/").status_code for _ in range(3)] == [503, 200, 200]
    assert [request.connection for request in server.requests] == [1, 1, 2, 2, 2]


def test_a_script_may_be_endless_and_be_replaced(server: FaultServer, client: httpx.Client) -> None:
    server.script(chain([None], repeat(kinds.answer(500))))
    assert [client.get("/").status_code for _ in range(4)] == [200, 500, 500, 500]
    server.script([])
    assert client.get("/").status_code == 200


def test_each_fault_of_a_script_is_served_once_to_clients_at_the_same_time(server: FaultServer) -> None:
    server.script([kinds.answer(500 + number) for number in range(20)])
    statuses: list[int] = []

    def ask() -> None:
        with connect(server) as client:
            statuses.extend(client.get("/").status_code for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [500 + number for number in range(20)]
    assert len(server.requests) == 20


# The connection ends


@pytest.mark.parametrize(("end", "how"), [(kinds.close, "closed"), (kinds.reset, "reset")])
@pytest.mark.parametrize(
    ("at", "sent"),
    [
        (Point.BEFORE_ANSWER, b""),
        (Point.IN_STATUS_LINE, b"HTTP/1.1"),
        (Point.IN_HEADERS, GOOD.head[: (len(GOOD.status_line) + len(GOOD.head)) // 2]),
        (Point.AFTER_HEADERS, GOOD.head),
        (Point.IN_BODY, GOOD.head + BODY[: len(BODY) // 2]),
        (0, GOOD.head),
        (10, GOOD.head + BODY[:10]),
        (10**6, GOOD.head + BODY[:-1]),
    ],
)
def test_the_connection_ends_at_a_point(
    server: FaultServer,
    client: httpx.Client,
    end: Callable[[Point | int], Fault],
    how: str,
    at: Point | int,
    sent: bytes,
) -> None:
    assert received(server, end(at)) == (sent, how)
    server.script([end(at)])
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.get("/")
    assert client.get("/").content == BODY
    assert [request.line == "" for request in server.requests] == [False] * 3


@pytest.mark.parametrize("end", [kinds.close, kinds.reset])
def test_the_connection_ends_before_the_request_is_read(
    server: FaultServer, end: Callable[[Point | int], Fault]
) -> None:
    assert received(server, end(Point.UNREAD)) == (b"", "reset")
    assert [(request.line, request.connection) for request in server.requests] == [("", 1)]


def test_a_connection_is_closed_once_idle(server: FaultServer) -> None:
    assert received(server, kinds.close_idle()) == (GOOD.raw, "closed")
    assert server.wait_closed()


def test_a_request_can_meet_a_kept_alive_connection_that_is_just_going(
    server: FaultServer, client: httpx.Client
) -> None:
    server.script([None, kinds.close(Point.UNREAD)])
    client.get("/")
    with pytest.raises(httpx.TransportError):
        client.get("/")
    assert [request.connection for request in server.requests] == [1, 1]


# Time passes


@pytest.mark.parametrize(
    "at",
    [
        Point.BEFORE_ANSWER,
        Point.IN_STATUS_LINE,
        Point.IN_HEADERS,
        Point.AFTER_HEADERS,
        Point.IN_BODY,
        7,
    ],
)
def test_a_stall_sends_nothing_for_a_while_then_the_rest(server: FaultServer, at: Point | int) -> None:
    server.script([kinds.stall(0.3, at)])
    before, _ = kinds.split(GOOD, at)
    with Raw(server) as raw:
        raw.socket.settimeout(0.1)
        raw.ask()
        assert raw.receive() == (before, "open")
        raw.socket.settimeout(2)
        rest = GOOD.raw[len(before) :]
        assert raw.receive(len(rest)) == (rest, "open")


def test_a_stall_before_the_request_is_read_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot tell"):
        kinds.stall(1, Point.UNREAD)


def test_what_clients_sent_before_they_left_is_seen_by_whoever_waits_for_that(server: FaultServer) -> None:
    with server._changed:  # without it, no connection is accepted
        for _ in range(3):
            with Raw(server) as raw:
                raw.ask()
        assert server.wait_closed()
    assert (len(server.requests), server.connections) == (3, 3)


def test_a_stalled_connection_is_dropped_when_its_client_leaves(server: FaultServer) -> None:
    server.script([kinds.stall(60)])
    with connect(server, timeout=0.1) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/")
        assert server.wait_closed()


def test_a_drip_sends_a_byte_at_a_time(server: FaultServer, client: httpx.Client) -> None:
    server.script([kinds.answer(body=b"[]") | kinds.drip(0.002)])
    begun = time.monotonic()
    with Raw(server) as raw:
        raw.ask()
        pieces: list[bytes] = []
        while not b"".join(pieces).endswith(b"[]") and (data := raw.socket.recv(2**16)):
            pieces.append(data)
    assert b"".join(pieces).endswith(b"\r\n\r\n[]")
    assert time.monotonic() - begun >= 0.002 * len(b"".join(pieces[1:]))
    assert len(pieces) > 3  # a busy reader finds several bytes at a time


def test_a_drip_outlasts_the_time_out_of_a_read(server: FaultServer) -> None:
    server.script([kinds.drip(0.1, size=len(GOOD.raw) // 15)])
    begun = time.monotonic()
    with connect(server, timeout=1) as client:
        assert client.get("/").content == BODY
    assert time.monotonic() - begun > 1


# Bytes that are not what they should be


def test_garbage_is_no_http(server: FaultServer, client: httpx.Client) -> None:
    assert received(server, kinds.garbage(b"SSH-2.0-OpenSSH\r\n")) == (b"SSH-2.0-OpenSSH\r\n", "closed")
    server.script([kinds.garbage()])
    with pytest.raises(httpx.RemoteProtocolError, match="illegal status line"):
        client.get("/")


def test_a_content_length_that_is_too_small_cuts_the_body(server: FaultServer, client: httpx.Client) -> None:
    server.script([kinds.wrong_length(-5)])
    assert client.get("/").content == BODY[:-5]


def test_a_content_length_that_is_too_large_keeps_the_client_waiting(server: FaultServer) -> None:
    server.script([kinds.wrong_length(+5)])
    with (
        connect(server, timeout=0.2) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.get("/")


def test_a_truncated_gzip_stream_lacks_its_end(server: FaultServer, client: httpx.Client) -> None:
    whole = gzip.compress(BODY, mtime=0)
    server.script([kinds.gzipped(), kinds.gzip_truncated(), kinds.gzip_truncated(at=10**6)])
    assert client.get("/").content == BODY
    for length in (len(whole) // 2, len(whole) - 1):
        with client.stream("GET", "/") as answer:
            stream = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert stream == whole[:length]
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        inflate.decompress(stream)
        assert not inflate.eof


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (kinds.gzip_corrupted(), "invalid block type"),
        (kinds.gzip_corrupted(checksum=True), "incorrect data check"),
    ],
)
def test_a_corrupted_gzip_stream_cannot_be_decoded(
    server: FaultServer, client: httpx.Client, fault: Fault, message: str
) -> None:
    server.script([fault])
    with pytest.raises(httpx.DecodingError, match=message):
        client.get("/")


def test_a_chunked_answer_is_a_good_one(server: FaultServer, client: httpx.Client) -> None:
    server.script([kinds.chunked(7)])
    answer = client.get("/")
    assert (answer.content, answer.headers["transfer-encoding"]) == (BODY, "chunked")
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("fault", [kinds.chunked_unfinished(), kinds.chunked() | kinds.close(150)])
def test_a_chunked_answer_is_cut(server: FaultServer, client: httpx.Client, fault: Fault) -> None:
    server.script([fault])
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        client.get("/")


def test_an_unfinished_chunked_answer_holds_all_the_data(server: FaultServer) -> None:
    raw, end = received(server, kinds.chunked_unfinished(10**6))
    assert end == "closed"
    assert raw.endswith(b"\r\n\r\n" + f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n")


def test_a_chunk_has_no_number_as_its_size(server: FaultServer, client: httpx.Client) -> None:
    server.script([kinds.chunked_bad_size()])
    with pytest.raises(httpx.RemoteProtocolError, match="illegal chunk header"):
        client.get("/")


@pytest.mark.parametrize("chunks", [True, False])
def test_an_endless_body_ends_when_the_client_leaves(
    server: FaultServer, client: httpx.Client, *, chunks: bool
) -> None:
    server.script([kinds.endless(chunks=chunks, limit=10**12)])
    with client.stream("GET", "/") as answer:
        size = 0
        for data in answer.iter_bytes():
            size += len(data)
            if size > 10**6:
                break
    assert set(data) == {ord(" ")}
    assert server.wait_closed()


@pytest.mark.parametrize("chunks", [True, False])
def test_an_endless_body_is_bounded(server: FaultServer, client: httpx.Client, *, chunks: bool) -> None:
    server.script([kinds.endless(chunks=chunks, limit=10**6)])
    with client.stream("GET", "/") as answer:
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
        assert 900_000 < answer.num_bytes_downloaded <= 10**6


# Whole answers, but other ones


def test_any_status_headers_and_body_can_be_answered(server: FaultServer, client: httpx.Client) -> None:
    server.script(
        [
            kinds.answer(429, [("Retry-After", "1")], b"{}"),
            kinds.answer(503, [("Content-Type", "text/plain")], b"down"),
            kinds.answer(520, body=b""),
            kinds.answer(302, [("Location", "http://127.0.0.1:1/")]),
            kinds.html(),
            kinds.html(502),
            kinds.empty(),
        ]
    )
    answers = [client.get("/") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [429, 503, 520, 302, 200, 502, 200]
    assert [answer.content[:5] for answer in answers] == [
        b"{}",
        b"down",
        b"",
        BODY[:5],
        b"<!DOC",
        b"<!DOC",
        b"",
    ]
    assert answers[0].headers["retry-after"] == "1"
    assert answers[1].headers.get_list("content-type") == ["text/plain"]
    assert answers[3].headers["location"] == "http://127.0.0.1:1/"
    assert answers[4].headers["content-type"] == "text/html"
    assert server.connections == 1


def test_headers_can_contradict_each_other(server: FaultServer, client: httpx.Client) -> None:
    server.script([kinds.answer(headers=[("Content-Length", "2"), ("Content-Length", "3")], body=b"{}")])
    with pytest.raises(httpx.RemoteProtocolError, match="conflicting Content-Length"):
        client.get("/")


def test_odd_headers_are_allowed(server: FaultServer, client: httpx.Client) -> None:
    server.script([kinds.odd_headers()])
    answer = client.get("/")
    assert answer.json() == json.loads(BODY)
    assert answer.headers.get_list("content-type") == ["application/json"] * 2
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (answer.headers["x-empty"], answer.headers["x-padded"]) == ("", "blanks around")
    assert answer.headers["x-folded"].split() == ["one", "two"]


def test_a_header_is_huge(server: FaultServer, client: httpx.Client) -> None:
    server.script([kinds.huge_header(50_000), kinds.huge_header()])
    assert len(client.get("/").headers["x-huge"]) == 50_000
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/")


@pytest.mark.parametrize("status", [100, 103])
def test_an_interim_answer_comes_before_the_good_one(server: FaultServer, client: httpx.Client, status: int) -> None:
    raw, _ = received(server, kinds.interim(status) | kinds.http10())
    assert raw.startswith(f"HTTP/1.1 {status} ".encode())
    assert raw.count(b"\r\n\r\nHTTP/1.0 200 OK\r\n") == 1
    server.script([kinds.interim(status)])
    assert client.get("/").content == BODY


def test_an_answer_of_http_1_0_ends_with_its_connection(server: FaultServer, client: httpx.Client) -> None:
    server.script([kinds.http10(), kinds.http10() | kinds.close(9)])
    whole, cut = client.get("/"), client.get("/")
    assert (whole.http_version, whole.content, cut.content) == ("HTTP/1.0", BODY, BODY[:9])
    assert server.connections == 2


# Combining


def test_faults_combine_from_left_to_right(server: FaultServer) -> None:
    fault = kinds.answer(503, body=b"0123456789") | kinds.chunked(4) | kinds.close(15)
    assert str(fault) == "status 503 | chunked | close at byte 15 of the body"
    raw, end = received(server, fault)
    assert raw.startswith(b"HTTP/1.1 503 ")
    assert raw.endswith(b"\r\n\r\n4\r\n0123\r\n4\r\n456")
    assert end == "closed"


def test_two_ways_to_send_do_not_combine() -> None:
    with pytest.raises(ValueError, match="both say how to send"):
        kinds.drip(1) | kinds.close(3)


# Around the exchange


def test_what_a_handler_raises_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda error: raised.append(error.exc_type))
    with FaultServer(paging(CONTACTS, 3)) as server:
        with connect(server) as client, pytest.raises(httpx.RemoteProtocolError):
            client.get("/", params={"cursor": "none of these"})
        assert server.wait_closed()
    assert raised == [KeyError]


def test_nothing_listens_at_the_refused_url() -> None:
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            httpx.get(refused_url(), trust_env=False, timeout=60)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_faults_work_over_tls(tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    ends = [
        end(at)
        for end in (kinds.close, kinds.reset)
        for at in (Point.UNREAD, Point.BEFORE_ANSWER, Point.IN_HEADERS, 10)
    ]
    with (
        FaultServer(lambda request: BODY, tls=tls) as server,
        httpx.Client(base_url=server.url, verify=trusting, trust_env=False, timeout=60) as client,
    ):
        assert server.url.startswith("https://")
        server.script([None, kinds.stall(0.1), kinds.drip(0.001, size=100), kinds.http10(), *ends])
        assert [client.get("/").content for _ in range(4)] == [BODY] * 4
        for _ in ends:
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                client.get("/")
        assert client.get("/").content == BODY


def test_a_client_that_refuses_the_certificate_does_no_harm(tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with FaultServer(lambda request: BODY, tls=tls) as server:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(server.url, verify=ssl.create_default_context(), trust_env=False, timeout=60)
        assert server.wait_closed()
        assert server.requests == []
        assert httpx.get(server.url, verify=trusting, trust_env=False, timeout=60).content == BODY


@pytest.mark.parametrize(
    "fault",
    [None, kinds.stall(60), kinds.stall(60, Point.IN_BODY), kinds.drip(60), kinds.endless(limit=10**12)],
    ids=str,
)
@pytest.mark.parametrize("encrypted", [False, True])
def test_leaving_ends_every_wait_at_once_and_leaves_nothing_open(
    tls: ssl.SSLContext, trusting: ssl.SSLContext, fault: Fault | None, *, encrypted: bool
) -> None:
    threads, files = threading.active_count(), _open_files()
    with ExitStack() as running:
        server = running.enter_context(FaultServer(lambda request: BODY, tls=tls if encrypted else None))
        server.script([fault])
        with Raw(server) as idle, Raw(server) as raw:
            if encrypted:
                raw.socket = trusting.wrap_socket(raw.socket, server_hostname="127.0.0.1")
            raw.ask()
            if fault is None:
                raw.socket.recv(2**16)
            while not server.requests or server.open_connections < 2:
                time.sleep(0.001)
            time.sleep(0.05)  # now it waits: for a time, or for room to send
            begun = time.monotonic()
            running.close()
            assert time.monotonic() - begun < SOON
            assert server.open_connections == 0
            assert idle.receive()[1] == "closed"
    assert threading.active_count() == threads
    assert _open_files() <= files


def _open_files() -> int:
    folder = Path("/dev/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0
