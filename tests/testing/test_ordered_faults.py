"""Faults and answers that tests order from the fake server."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from testing.clients import Get, connect

import payt
from payt.testing import ErrorShape, FakePayt, FaultKind
from support.eventually import SOON, eventually


def statuses(get: Get, count: int) -> list[int]:
    return [get().status_code for _ in range(count)]


def test_a_fault_is_for_the_next_request_only(fake: FakePayt, get: Get) -> None:
    fake.fail()
    assert statuses(get, 2) == [503, 200]


def test_a_fault_can_come_several_times_and_later(fake: FakePayt, get: Get) -> None:
    fake.fail(status=502, times=2, after=1)
    assert statuses(get, 5) == [200, 502, 502, 200, 200]


def test_a_fault_can_stay(fake: FakePayt, get: Get) -> None:
    fake.fail(500, times=None)
    assert statuses(get, 5) == [500] * 5


def test_orders_are_carried_out_one_after_the_other(fake: FakePayt, get: Get) -> None:
    fake.fail(500, after=1)
    fake.fail(502, times=2)
    fake.answer({}, status=201, after=1)
    assert statuses(get, 7) == [200, 500, 502, 502, 200, 201, 200]


def test_a_fault_can_be_for_one_page(fake: FakePayt, get: Get) -> None:
    fake.fail(500, page=2)
    fake.fail(502, page=1, after=1)
    asked = [{}, {"cursor": "5"}, {"cursor": "5"}, {"cursor": "10"}, {}]
    assert [get(per_page=5, **parameters).status_code for parameters in asked] == [200, 500, 200, 200, 502]


def test_pages_are_counted_among_the_contacts_that_match(fake: FakePayt, get: Get) -> None:
    fake.fail(500, page=2)
    assert get(ids="3,6,9", per_page=2, cursor="3").status_code == 500
    fake.fail(500, page=3)
    assert get(ids="3,6,9", per_page=1, cursor="6").status_code == 500


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/v1/no-such-list", {"administration_id": "1"}),
        ("/v1/contacts", {"administration_id": "1", "per_page": "0"}),
        ("/v1/contacts", {"administration_id": "2"}),
    ],
)
def test_what_is_no_page_does_not_get_the_fault_of_a_page(
    fake: FakePayt, path: str, parameters: dict[str, str]
) -> None:
    fake.fail(500, page=1)
    with connect(fake) as client:
        assert client.get(path, params=parameters).status_code in {403, 404, 422}
        assert client.get("/v1/contacts?administration_id=1").status_code == 500


def test_faults_are_for_the_api_unless_another_path_is_given(fake: FakePayt, get: Get) -> None:
    fake.fail(500)
    fake.fail(502, path="/oauth/token")
    with connect(fake) as client:
        assert client.get("/nowhere").status_code == 404
        assert client.post("/oauth/token").status_code == 502
        assert client.get("/v1/anything").status_code == 500
    assert statuses(get, 1) == [200]


@pytest.mark.parametrize("path", ["/v1/debtors/1/block", "/v1/contacts"])
def test_what_is_not_a_list_says_how_to_order_its_answer(fake: FakePayt, path: str) -> None:
    with connect(fake) as client:
        assert client.post(path).json()["message"].endswith(f"order other answers by answer(…, path={path!r})")
        fake.answer({"id": "1"}, path=path)
        assert client.post(path).json() == {"id": "1"}


def test_a_fault_comes_before_the_token_is_looked_at(fake: FakePayt) -> None:
    fake.fail(503)
    with connect(fake, "Bearer wrong") as client:
        assert client.get("/v1/contacts").status_code == 503
        assert client.get("/v1/contacts").status_code == 401


def test_retry_after_and_other_headers_can_be_given(fake: FakePayt, get: Get) -> None:
    fake.fail(429, retry_after=3, headers={"x-other": "1"})
    fake.fail(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")
    first, second = get(), get()
    assert (first.headers["retry-after"], first.headers["x-other"]) == ("3", "1")
    assert second.headers["retry-after"] == "Wed, 21 Oct 2026 07:28:00 GMT"
    assert "retry-after" not in get().headers


@pytest.mark.parametrize(
    ("shape", "body", "content_type"),
    [
        ("flat", b'{"code":"forbidden","message":"No"}', "application/json"),
        ("nested", b'{"error":{"code":"forbidden","message":"No"}}', "application/json"),
        ("string", b'{"error":"No"}', "application/json"),
        ("oauth", b'{"error":"forbidden","error_description":"No"}', "application/json"),
        ("list", b'[{"params":["forbidden"],"messages":["No"]}]', "application/json"),
        ("text", b"No", "text/plain; charset=utf-8"),
        ("html", b"<!doctype html><title>forbidden</title><h1>No</h1>", "text/html; charset=utf-8"),
        ("nothing", b"", None),
    ],
)
def test_errors_have_the_shapes_seen_in_the_wild(
    fake: FakePayt, get: Get, shape: ErrorShape, body: bytes, content_type: str | None
) -> None:
    fake.fail(403, shape=shape, message="No")
    response = get()
    assert (response.status_code, response.content) == (403, body)
    assert response.headers.get("content-type") == content_type


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "bad_request", "Bad Request"),
        (401, "unauthorized", "Unauthorized"),
        (429, "too_many_requests", "Too Many Requests"),
        (503, "service_unavailable", "Service Unavailable"),
        (520, "unknown_error", "Unknown Error"),
    ],
)
def test_code_and_message_follow_from_the_status(
    fake: FakePayt, get: Get, status: int, code: str, message: str
) -> None:
    fake.fail(status)
    response = get()
    assert (response.status_code, response.json()) == (status, {"code": code, "message": message})
    fake.fail(status, code="other", message="Words")
    assert get().json() == {"code": "other", "message": "Words"}


@pytest.mark.parametrize(
    ("body", "content", "content_type"),
    [
        (b"\xff\x00{", b"\xff\x00{", "application/json"),
        (b"", b"", None),
        ("Bad Gateway é", "Bad Gateway é".encode(), "text/plain; charset=utf-8"),
        ("\n<html>", b"\n<html>", "text/html; charset=utf-8"),
        ({"é": [1]}, '{"é":[1]}'.encode(), "application/json"),
        ([], b"[]", "application/json"),
        (None, b"null", "application/json"),
    ],
)
def test_an_answer_can_be_given_word_for_word(
    fake: FakePayt, get: Get, body: Any, content: bytes, content_type: str | None
) -> None:
    fake.answer(body, status=418, headers={"x-other": "1"}, times=2)
    for _ in range(2):
        response = get()
        assert (response.status_code, response.content) == (418, content)
        assert response.headers.get("content-type") == content_type
        assert response.headers["x-other"] == "1"
    assert get().status_code == 200
    if body is not None:
        fake.fail(500, body=body, headers={"Content-Type": "mine"})
        response = get()
        assert (response.status_code, response.content, response.headers["content-type"]) == (500, content, "mine")


def test_an_answer_without_content_is_without_a_length(fake: FakePayt, get: Get) -> None:
    fake.answer(b"not sent", status=204)
    response = get()
    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers
    assert get().status_code == 200
    assert fake.connections == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", httpx.ReadError),
        ("close", httpx.RemoteProtocolError),
        ("garbage", httpx.RemoteProtocolError),
        ("cut", httpx.RemoteProtocolError),
        ("bad-gzip", httpx.DecodingError),
    ],
)
def test_a_broken_answer_is_an_error_and_the_next_one_is_whole(
    fake: FakePayt, get: Get, kind: FaultKind, error: type[Exception]
) -> None:
    fake.fail(kind, after=1, times=2)
    assert get().status_code == 200
    for _ in range(2):
        with pytest.raises(error):
            get()
    assert get().status_code == 200
    expected = {"cut": 200, "bad-gzip": 200}.get(kind)
    assert [request.status for request in fake.requests] == [200, expected, expected, 200]


def read_raw(fake: FakePayt) -> tuple[httpx.Response, bytes]:
    """The response, with as much of its body as came."""
    body = b""
    with connect(fake) as client, client.stream("GET", "/v1/contacts?administration_id=1") as response:
        try:
            for part in response.iter_raw():
                body += part
        except httpx.RemoteProtocolError:
            pass
    return response, body


@pytest.mark.parametrize(("at", "expected"), [(0, 0), (1, 1), (1000, 1000), (None, "half")])
def test_a_body_is_cut_where_the_test_wants_it(fake: FakePayt, get: Get, at: int | None, expected: int | str) -> None:
    whole = get().content
    fake.fail("cut", at=at)
    response, body = read_raw(fake)
    assert int(response.headers["content-length"]) == len(whole)
    assert body == whole[: len(whole) // 2 if expected == "half" else int(expected)]


def test_a_stall_sends_the_head_and_then_nothing_for_a_while(fake: FakePayt, get: Get) -> None:
    whole = get().content
    fake.fail("stall", seconds=0.1)
    with connect(fake) as client:
        began = time.monotonic()
        assert client.get("/v1/contacts?administration_id=1").content == whole
        assert time.monotonic() - began >= 0.1


def test_a_stall_ends_with_the_server() -> None:
    with FakePayt(contacts=1) as fake:
        fake.fail("stall")
        with connect(fake) as client, client.stream("GET", "/v1/contacts?administration_id=1") as response:
            closing = time.monotonic()
            fake.close()
            assert time.monotonic() - closing < SOON
            with pytest.raises(httpx.RemoteProtocolError):
                response.read()


@pytest.mark.parametrize("waiting", ["stall", "latency"])
def test_a_client_that_leaves_while_the_server_waits_is_noticed(waiting: str) -> None:
    with FakePayt(contacts=1) as fake:
        fake.latency = 3600 if waiting == "latency" else 0
        if not fake.latency:
            fake.fail("stall")
        with connect(fake) as client, pytest.raises(httpx.ReadTimeout):
            client.get("/v1/contacts?administration_id=1", timeout=0.2)
        assert eventually(lambda: fake.requests and not fake.open_connections, SOON)
        assert fake.requests[0].status == (None if fake.latency else 200)


def test_a_cancelled_listing_closes_its_connection() -> None:
    async def cancelled(fake: FakePayt) -> None:
        async with payt.AsyncClient(fake.token, base_url=fake.url) as client:
            listing = asyncio.ensure_future(client.contacts.list(administration_id="1").first())
            assert await asyncio.to_thread(eventually, lambda: fake.requests)
            assert fake.open_connections == 1
            listing.cancel()
            assert await asyncio.to_thread(eventually, lambda: not fake.open_connections, SOON)

    with FakePayt(contacts=1) as fake:
        fake.fail("stall")
        asyncio.run(cancelled(fake))


def test_a_client_that_has_sent_its_next_request_already_is_answered_and_let_go() -> None:
    request = b"GET /v1/contacts?administration_id=1 HTTP/1.1\r\nhost: x\r\n\r\n"
    with FakePayt(contacts=1, latency=0.1) as fake:
        address = ("127.0.0.1", int(fake.url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=SOON) as client:
            client.sendall(request)
            assert eventually(lambda: fake.requests, SOON)
            client.sendall(request)
            answers = b""
            while answers.count(b"HTTP/1.1 401") < 2:
                answers += client.recv(4096)
            fake.latency = 3600
            client.sendall(request)
            assert eventually(lambda: len(fake.requests) == 3, SOON)
            client.sendall(request)
            closing = time.monotonic()
            fake.close()
            assert time.monotonic() - closing < SOON


def test_a_stall_may_take_no_time(fake: FakePayt, get: Get) -> None:
    whole = get().content
    fake.fail("stall", seconds=0)
    assert get().content == whole


def test_faults_that_have_not_come_are_told(fake: FakePayt, get: Get) -> None:
    assert fake.pending == []
    fake.fail(503, page=7)
    fake.fail("reset", times=3, path="/oauth/token")
    fake.fail(500, times=None, after=1)
    fake.answer({}, 201, times=2)
    statuses(get, 2)
    assert fake.pending == [
        "fail(503, page=7)",
        "fail('reset', times=3, path='/oauth/token')",
        "answer(…, 201, times=2)",
    ]
    fake.reset()
    assert fake.pending == []
    fake.fail(500, times=None)
    fake.fail(502, times=2)
    assert fake.pending == ["fail(500, times=None)", "fail(502, times=2)"]
    fake.reset()
    fake.fail(times=3, after=2)
    statuses(get, 1)
    assert fake.pending == ["fail(503, times=3, after=1)"]
    statuses(get, 2)
    assert fake.pending == ["fail(503, times=2)"]
    statuses(get, 2)
    assert fake.pending == []


def test_a_reset_is_a_reset_and_a_close_is_none(fake: FakePayt, get: Get) -> None:
    fake.fail("reset")
    with pytest.raises(httpx.ReadError, match="reset"):
        get()
    fake.fail("close")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        get()


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("html", lambda response: "<h1>" in response.text and "text/html" in response.headers["content-type"]),
        ("empty", lambda response: response.content == b""),
        ("not-json", lambda response: response.headers["content-type"] == "application/json"),
    ],
)
def test_status_200_may_hold_no_page(
    fake: FakePayt, get: Get, kind: FaultKind, check: Callable[[httpx.Response], bool]
) -> None:
    fake.fail(kind)
    response = get()
    assert response.status_code == 200
    assert check(response)
    with pytest.raises(ValueError, match="Expecting value"):
        response.json()
    assert get().status_code == 200
    assert fake.connections == 1


def test_a_broken_answer_can_be_that_of_a_refusal(fake: FakePayt) -> None:
    fake.fail("cut")
    with connect(fake, "Bearer wrong") as client, pytest.raises(httpx.RemoteProtocolError):
        client.get("/v1/contacts")
    assert fake.requests[0].status == 401


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"status": "explode"}, "there is no fault 'explode': use one of reset, close"),
        ({"status": 500, "shape": "round"}, "there is no shape 'round': use one of flat"),
        ({"status": 500, "at": 1}, '`at` belongs to "cut", not to 500'),
        ({"status": 500, "seconds": 1}, '`seconds` belongs to "stall", not to 500'),
        ({"status": "reset", "at": 1}, '`at` belongs to "cut"'),
        ({"status": "cut", "seconds": 1}, '`seconds` belongs to "stall"'),
        ({"status": "reset", "retry_after": 1}, "belong to a status, not to 'reset'"),
        ({"status": "cut", "body": b""}, "belong to a status, not to 'cut'"),
        ({"times": 0}, "times must be 1 or more"),
        ({"after": -1}, "after must be 0 or more"),
        ({"status": "cut", "at": -1}, "at must be 0 or more"),
        ({"status": "stall", "seconds": -1}, "seconds must be above 0"),
        ({"retry_after": -1}, "retry_after must be 0 or more"),
        ({"page": 0}, "page must be 1 or more"),
        ({"headers": {"x": "a\r\nb: c"}}, "[Nn]ewline|newline"),
    ],
)
def test_an_order_that_means_nothing_is_refused_at_once(
    fake: FakePayt, get: Get, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        fake.fail(**arguments)
    assert get().status_code == 200


@pytest.mark.parametrize(
    ("status", "error"),
    [(0, ValueError), (99, ValueError), (1_000, ValueError), (None, TypeError), (True, TypeError), (4.5, TypeError)],
)
def test_what_is_no_status_is_refused(status: Any, error: type[Exception], fake: FakePayt) -> None:
    with pytest.raises(error, match="status must be"):
        fake.fail(status)
    with pytest.raises(error, match="status must be"):
        fake.answer({}, status)
