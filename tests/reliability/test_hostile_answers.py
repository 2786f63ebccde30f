"""Answers that try to break the client, and arguments that try to break requests: right, or a clear error."""

from __future__ import annotations

import json
import pickle
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import payt
from faults import kinds
from faults.kinds import Point
from faults.server import FaultServer
from payt.testing import FakePayt
from support.eventually import SOON
from support.flavours import Flavour
from support.quick import QUICK

DEEP = b"[" * 500_000 + b"]" * 500_000
LONG_NUMBER = b"1" * 10_000


def page(contact: bytes, cursor: bytes = b"null") -> bytes:
    return b'{"data": [' + contact + b'], "pagination": {"cursor": ' + cursor + b"}}"


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        DEEP[:-7],
        DEEP[:500_000],
        b'{"data": ' + DEEP + b"}",
        page(b'{"id": "1", "validation_errors": {"a": ' + DEEP + b"}}"),
        page(b'{"id": "1", "unknown": ' + DEEP + b"}"),
        page(b'{"id": "1", "lastname": ' + LONG_NUMBER + b"}"),
        page(b'{"id": ' + LONG_NUMBER + b"}"),
        page(b'{"id": -1.5}'),
        page(b'{"id": 1e400}'),
        page(b'{"id": "1", "lastname": "\xff\xfe"}'),
        page(b'{"id": "1", "lastname": "\xed\xa0\x80"}'),
        page(b'{"id": "1", "lastname": "\\ud800"}'),
        page(b'{"id": "1", "lastname": "a\x00b"}'),
        page(b'{"id": "1", "lastname": NaN}'),
        b"\x00" * 1_000,
        b"{" + b"\x00" * 1_000 + b"}",
        b"\xef\xbb\xbf" + page(b'{"id": "1"}'),
    ],
    ids=lambda body: f"{body[:60]!r} {len(body)}",
)
def test_what_is_no_page_is_a_clear_error_and_soon(body: bytes, server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(body=body)] * 5)
    began = time.monotonic()
    with pytest.raises(payt.InvalidResponseError) as caught:
        flavour.contacts(server.url, client=QUICK)
    assert caught.value.path.startswith("$")
    assert len(str(caught.value)) < 500
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize(
    ("contact", "lastname"),
    [
        (b'{"id": "1", "lastname": "a", "lastname": "b"}', "b"),
        (b'{"id": "1", "lastname": "\\u0000"}', "\x00"),
        (b'{"id": "1", "lastname": "' + b"x" * 2**20 + b'"}', "x" * 2**20),
        (b'{"id": "1", "lastname": "\\ud83d\\ude00"}', "\U0001f600"),
        (b'{"id": "1", "__class__": "x", "__init__": {}, "lastname": "c"}', "c"),
        (b'{"id": "1", "lastname": "d", "n": ' + LONG_NUMBER + b"}", "d"),
    ],
    ids=["twice the same key", "NUL", "1 MB", "surrogate pair", "dunder names", "long number in an unknown field"],
)
def test_what_is_odd_and_allowed_is_read(contact: bytes, lastname: str, server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(body=page(contact))])
    assert [found.lastname for found in flavour.contacts(server.url, client=QUICK)] == [lastname]


@pytest.mark.parametrize(
    "cursor",
    ["5&administration_id=other", "5#x", "5%26", "é ☃", "a\r\nX-Evil: 1", "\x00", "../..", "5;administration_id=other"],
)
def test_a_cursor_is_sent_back_as_it_came(cursor: str, flavour: Flavour) -> None:
    with FakePayt() as fake:
        fake.answer({"data": [{"id": "1"}], "pagination": {"cursor": cursor}})
        fake.answer({"data": [{"id": "2"}]})
        assert [contact.id for contact in flavour.contacts(fake.url, client=QUICK)] == ["1", "2"]
        pairs = fake.requests[1].query_pairs
    assert dict(pairs) == {"administration_id": "1", "cursor": cursor, "per_page": "500"}
    assert len(pairs) == 3
    assert "x-evil" not in fake.requests[1].headers


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (page(b'{"id": "1"}')[:-1] + b', "error": ' + LONG_NUMBER + b"}", "the answer has `error`"),
        (page(b'{"id": "1"}', b'null, "odd": ' + LONG_NUMBER), "the last page ended with `odd`"),
    ],
    ids=["error", "pagination"],
)
def test_a_number_around_the_records_that_python_does_not_read(
    body: bytes, words: str, server: FaultServer, flavour: Flavour
) -> None:
    server.script([kinds.answer(body=body)] * 2)
    with pytest.raises(payt.InvalidResponseError, match=words):
        flavour.contacts(server.url, client=QUICK)


@pytest.mark.parametrize("cursor", ["x" * 2**20, "\u20ac" * 8_000], ids=["long", "longer as it is written in a URL"])
def test_a_cursor_that_no_url_can_hold_is_a_clear_error(cursor: str, server: FaultServer, flavour: Flavour) -> None:
    server.script([None, kinds.answer(body=page(b'{"id": "1"}', json.dumps(cursor).encode()))])
    with pytest.raises(payt.InvalidResponseError, match=f"{len(cursor)} characters") as caught:
        flavour.contacts(server.url, client=QUICK)
    assert caught.value.path == "$.pagination.cursor"
    assert len(flavour.contacts(server.url, client=QUICK, cursor=caught.value.cursor)) == 7


@pytest.mark.parametrize("limit", [None, 1], ids=["where a full page ends", "where a page is cut"])
def test_an_id_that_no_url_can_hold_and_that_is_to_be_asked_after(limit: int | None, flavour: Flavour) -> None:
    with FakePayt() as fake:
        long, short = {"id": "9" * 70_000}, {"id": "1"}
        fake.answer({"data": [short, long] if limit is None else [long, short]})
        with pytest.raises(payt.InvalidResponseError, match="70000 characters, more than a URL can hold") as caught:
            flavour.contacts(fake.url, client=QUICK, per_page=2, limit=limit)
    assert caught.value.path == "$.data"


@pytest.mark.parametrize("name", ["administration_id", "ids", "cursor"])
def test_an_argument_that_no_url_can_hold_is_refused(name: str, server: FaultServer, flavour: Flavour) -> None:
    before = len(server.requests)
    with pytest.raises(ValueError, match="the arguments do not make a valid URL"):
        flavour.contacts(server.url, client=QUICK, **{name: "x" * 2**20})
    assert len(server.requests) == before


@pytest.mark.parametrize("name", ["administration_id", "ids", "contact_identifiers", "debtor_numbers", "cursor"])
@pytest.mark.parametrize("value", ["1\r\nX-Evil: 1", "1 HTTP/1.1\r\nHost: evil\r\n\r\nGET /", "1\x00", "\u2028"])
def test_no_argument_gets_into_the_headers(name: str, value: str, fake: FakePayt, flavour: Flavour) -> None:
    fake.answer({"data": []})
    flavour.contacts(fake.url, client=QUICK, **{name: value})
    (request,) = fake.requests
    assert "x-evil" not in request.headers
    assert request.headers["host"] == fake.url.removeprefix("http://")
    assert request.query[name] == value


HEADERS = [("X-Request-Id", "r\xe9"), ("X-Odd", "\xff"), ("Retry-After", "\xb2"), ("Set-Cookie", "=;=")]


def test_odd_headers_of_an_error(server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(403, HEADERS, b'{"code": ' + DEEP + b"}")])
    with pytest.raises(payt.PermissionDeniedError) as caught:
        flavour.contacts(server.url, client=QUICK)
    assert caught.value.request_id == "r\xe9"
    assert caught.value.retry_after is None


ERRORS: list[Any] = [
    [kinds.answer(500, [("Retry-After", "1"), ("X-Request-Id", "r-1")])] * 5,
    [kinds.reset(Point.IN_BODY)] * 5,
    [kinds.html()] * 5,
    [None, kinds.answer(body=b'{"data": 5}')],
    [None, kinds.endless()],
]


@pytest.mark.parametrize("script", ERRORS, ids=["500", "reset", "HTML", "contract", "too large"])
def test_every_error_survives_pickling_and_holds_no_secret(script: Any, server: FaultServer, flavour: Flavour) -> None:
    server.script(script)
    with pytest.raises(payt.PaytError) as caught:
        flavour.contacts(
            server.url, "s3cret", client=QUICK | {"max_body": 2**20}, contact_identifiers="s3cret", cursor=None
        )
    dumped = pickle.dumps(caught.value)
    assert b"s3cret" not in dumped
    again = pickle.loads(dumped)
    assert str(again) == str(caught.value)
    for name in ("cursor", "method", "url", "attempts", "status", "request_id"):
        assert getattr(again, name) == getattr(caught.value, name)
    assert type(again.__cause__) is type(caught.value.__cause__)
    assert isinstance(again.attempts, int)
    link: BaseException | None = caught.value
    while link is not None:
        assert "s3cret" not in str(link) + repr(link)
        if isinstance(link, httpx.RequestError):
            assert "s3cret" not in repr(dict(link.request.headers)) + str(link.request.url)
        link = link.__cause__ or link.__context__


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xef\xbb\xbf" + page(b'{"id": "1"}'), "Expected JSON, got something else"),
        (page(b'{"id": "1"}').decode().encode("utf-16"), "Expected JSON, got something else"),
        (page(b'{"id": "1", "lastname": NaN}'), "half of a character or NaN"),
    ],
    ids=["byte order mark", "UTF-16", "NaN"],
)
def test_what_only_python_takes_for_json_is_called_what_it_is(
    body: bytes, words: str, server: FaultServer, flavour: Flavour
) -> None:
    server.script([kinds.answer(body=body)] * 5)
    with pytest.raises(payt.InvalidResponseError, match=words):
        flavour.contacts(server.url, client=QUICK)


class Crumbs(httpx.SyncByteStream):
    """A body in very small pieces."""

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(25_000):
            yield bytes(2)


def test_a_body_in_crumbs_takes_no_more_memory_than_another() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Crumbs()))
    with payt.Client("token", transport=transport, max_body=49_999, **QUICK) as client:
        tracemalloc.start()
        try:
            with pytest.raises(payt.TransportError, match="max_body"):
                client.contacts.list(administration_id="1").first()
            assert tracemalloc.get_traced_memory()[1] < 2**19
        finally:
            tracemalloc.stop()
