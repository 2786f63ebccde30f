"""Every answer that is none, as a typed error that tells what to do."""

from __future__ import annotations

import copy
import datetime
import email.utils
import importlib.util
import pickle
import time
from typing import Any

import httpx
import pytest

import payt
from payt.testing import FakePayt
from payt.transport.answers import read_error, retry_after
from support.flavours import Flavour
from support.quick import QUICK

OF_COPIES: list[type[payt.PaytError]] = []
if importlib.util.find_spec("sqlalchemy"):  # the extra `sql`
    from payt.sql.errors import MassDeletionError, SyncError

    OF_COPIES += [SyncError, MassDeletionError]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (300, payt.APIError),
        (302, payt.APIError),
        (400, payt.BadRequestError),
        (401, payt.AuthenticationError),
        (402, payt.APIError),
        (403, payt.PermissionDeniedError),
        (404, payt.NotFoundError),
        (418, payt.APIError),
        (422, payt.BadRequestError),
        (429, payt.RateLimitError),
        (500, payt.ServerError),
        (503, payt.ServerError),
        (520, payt.ServerError),
        (599, payt.ServerError),
    ],
)
def test_a_status_becomes_its_error(status: int, kind: type[payt.APIError], fake: FakePayt, flavour: Flavour) -> None:
    body = b'{"code": "some_code", "message": "Some message."}'
    fake.answer(body, status, {"X-Team": "payt"}, times=None)
    with pytest.raises(payt.APIError) as caught:
        flavour.contacts(fake.url, client=QUICK | {"retries": 0}, cursor="7")
    error = caught.value
    assert type(error) is kind
    assert (error.status_code, error.code, error.message) == (status, "some_code", "Some message.")
    assert error.body == body
    assert error.headers["x-team"] == "payt"
    assert error.request_id == error.headers["X-Request-Id"]
    assert error.cursor == "7"
    assert (error.method, error.url) == ("GET", f"{fake.url}/v1/contacts")
    for part in (str(status), "some_code", "Some message.", "/v1/contacts"):
        assert part in str(error)
    assert "administration_id" not in str(error)


@pytest.mark.parametrize(
    ("body", "content_type", "code", "message"),
    [
        (
            b'{"code": "forbidden", "message": "Missing permission"}',
            "application/json",
            "forbidden",
            "Missing permission",
        ),
        (b'{"code": 17}', "application/json", "17", None),
        (b'{"message": "Missing"}', "application/json", None, "Missing"),
        (b'{"error": {"code": "forbidden", "message": "No"}}', "application/json", "forbidden", "No"),
        (b'{"error": "Not today"}', "application/json", None, "Not today"),
        (b'{"error": "invalid_token", "error_description": "Expired"}', "application/json", "invalid_token", "Expired"),
        (
            b'[{"params": ["per_page"], "messages": ["is bad", "odd"]}, {"params": ["ids"], "messages": ["empty"]}]',
            "application/json",
            None,
            "per_page is bad, odd; ids empty",
        ),
        (b'["first", {"message": "second"}, 3]', "application/json", None, "first; second"),
        (b'"Just text"', "application/json", None, "Just text"),
        (b"Too many requests\n", "text/plain", None, "Too many requests"),
        (b"<html><head><title>502 Bad\n Gateway</title>", "text/html", None, "502 Bad Gateway"),
        (b"<h1>Down</h1>", "", None, "Down"),
        (b"<!doctype html><p>Sorry", "text/html; charset=utf-8", None, "an HTML page"),
        (b"", "", None, None),
        (b"null", "application/json", None, None),
        (b"{}", "application/json", None, None),
        (b"[]", "application/json", None, None),
        (b'{"code": null, "message": null}', "application/json", None, None),
        (b"\xff\xfe", "application/octet-stream", None, "��"),
        (b"[" * 100_000, "application/json", None, "[" * 499 + "…"),
        (b"x" * 1_000, "text/plain", None, "x" * 499 + "…"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_every_shape_of_an_error_body_is_read(
    body: bytes, content_type: str, code: str | None, message: str | None
) -> None:
    assert read_error(body, content_type) == (code, message)


@pytest.mark.parametrize("shape", ["flat", "nested", "string", "oauth", "list", "text", "html", "nothing"])
def test_every_shape_arrives_over_the_wire(shape: Any, fake: FakePayt, flavour: Flavour) -> None:
    fake.fail(403, shape=shape, code="no_luck", message="No luck today")
    with pytest.raises(payt.PermissionDeniedError) as caught:
        flavour.contacts(fake.url)
    if shape != "nothing":
        assert "No luck today" in str(caught.value)
    assert caught.value.code == ("no_luck" if shape in ("flat", "nested", "oauth") else None)


def test_a_token_that_is_refused(fake: FakePayt, flavour: Flavour) -> None:
    with pytest.raises(payt.AuthenticationError, match="token"):
        flavour.contacts(fake.url, "wrong")


def test_a_redirect_is_not_followed_and_its_target_is_named(fake: FakePayt, flavour: Flavour) -> None:
    with FakePayt() as other:
        fake.answer("", 301, {"Location": f"{other.url}/v1/contacts?secret=1"})
        where = f"{other.url}/v1/contacts"
        with pytest.raises(payt.APIError, match=f" — the answer redirects to {where}, which is not followed"):
            flavour.contacts(fake.url)
        assert other.requests == []


def test_a_token_that_the_service_echoes_is_taken_out(fake: FakePayt, flavour: Flavour) -> None:
    fake.answer({"code": "odd", "message": "token s3cret+/= is odd"}, 400)
    with pytest.raises(payt.BadRequestError) as caught:
        flavour.contacts(fake.url, "s3cret+/=")
    assert "s3cret" not in str(caught.value) + repr(caught.value.body)
    assert caught.value.message == "token [token] is odd"


@pytest.mark.parametrize("kind", ["reset", "close", "garbage", "cut", "bad-gzip"])
def test_nothing_usable_becomes_a_transport_error(kind: Any, fake: FakePayt, flavour: Flavour) -> None:
    fake.fail(kind, times=None)
    with pytest.raises(payt.TransportError) as caught:
        flavour.contacts(fake.url, "s3cret", cursor="7")
    error = caught.value
    assert error.cursor == "7"
    assert (error.method, error.url) == ("GET", f"{fake.url}/v1/contacts")
    assert isinstance(error.__cause__, httpx.RequestError)
    assert type(error.__cause__).__name__ in str(error)
    assert "Authorization" not in error.__cause__.request.headers
    assert error.__cause__.request.url.query == b""


def test_nobody_listening_and_nobody_answering(fake: FakePayt, flavour: Flavour) -> None:
    with FakePayt() as gone:
        url = gone.url
    with pytest.raises(payt.TransportError, match="ConnectError"):
        flavour.contacts(url)
    fake.fail("stall", seconds=30, times=None)
    with pytest.raises(payt.TransportError, match="ReadTimeout"):
        flavour.contacts(fake.url, client={"timeout": 0.1})


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0", 0), ("1.5", 1.5), ("", None), ("soon", None), ("-1", None), ("1e9", None), ("9" * 12, None)],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}) == seconds
    assert retry_after({}) is None


def test_retry_after_as_a_date() -> None:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    assert retry_after({"Retry-After": email.utils.format_datetime(moment, usegmt=True)}) == pytest.approx(30, abs=2)
    assert retry_after({"Retry-After": email.utils.formatdate(time.time() + 30)}) == pytest.approx(30, abs=2)
    assert retry_after({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}) == 0


@pytest.mark.parametrize("moment", [f"Sat, 31 Dec {'9' * 11} 23:59:59 GMT", f"Sat, 31 Dec 2016 23:59:59 +{'9' * 13}"])
def test_a_date_that_no_calendar_has_tells_nothing(moment: str) -> None:
    assert retry_after({"Retry-After": moment}) is None
    assert retry_after({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT", "Date": moment}) == 0


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("moment", ["12:00:10 GMT", "12:00:10 -0000", "13:00:10 +0100"])
def test_a_date_means_the_same_wherever_it_is_read(moment: str, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        headers = {"Retry-After": f"Sat, 28 Nov 2026 {moment}", "Date": "Sat, 28 Nov 2026 12:00:00 GMT"}
        assert retry_after(headers) == 10
    finally:
        monkeypatch.undo()
        time.tzset()


def test_only_a_redirection_says_that_it_redirects(fake: FakePayt, flavour: Flavour) -> None:
    fake.answer("", 403, headers={"Location": "/login"})
    with pytest.raises(payt.PermissionDeniedError) as caught:
        flavour.contacts(fake.url)
    assert "redirects" not in str(caught.value)


def test_a_redirection_to_nowhere_is_an_error(fake: FakePayt, flavour: Flavour) -> None:
    fake.answer("", 300, headers={"Location": "http://elsewhere.example:port/"})
    with pytest.raises(payt.APIError, match=" — the answer redirects to an invalid address"):
        flavour.contacts(fake.url)


def test_arguments_that_no_url_can_hold_are_refused(fake: FakePayt, flavour: Flavour) -> None:
    with pytest.raises(ValueError, match="the arguments do not make a valid URL"):
        flavour.contacts(fake.url, administration_id="x" * 70_000)
    assert not fake.requests


def test_a_rate_limit_says_how_long(fake: FakePayt, flavour: Flavour) -> None:
    fake.fail(429, retry_after=120, times=None)
    with pytest.raises(payt.RateLimitError) as caught:
        flavour.contacts(fake.url)
    assert caught.value.retry_after == 120


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (payt.APIError, 0),
        (payt.BadRequestError, 400),
        (payt.AuthenticationError, 401),
        (payt.PermissionDeniedError, 403),
        (payt.NotFoundError, 404),
        (payt.RateLimitError, 429),
        (payt.ServerError, 500),
        (payt.TransportError, None),
        (payt.InvalidResponseError, None),
        (payt.PaginationError, None),
        (payt.TokenError, None),
        (payt.LoginRequiredError, None),
        *((kind, None) for kind in OF_COPIES),
    ],
)
def test_an_error_is_made_of_its_message_alone(kind: type[payt.PaytError], status: int | None) -> None:
    """As tests make one by hand, and task queues make it again: Celery, of the class and `args`."""
    error = kind("slow down")
    error.cursor = "500"
    assert error.status == status
    assert type(error)(*error.args).args == error.args
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(same) is kind
        assert (str(same), same.args, vars(same)) == ("slow down", error.args, vars(error))


def test_errors_can_be_pickled_and_keep_their_cause(fake: FakePayt, flavour: Flavour) -> None:
    orders: list[Any] = [(403,), ("reset",), ({"data": 5},)]
    for order in orders:
        fake.reset()
        if isinstance(order[0], dict):
            fake.answer(order[0])
        else:
            fake.fail(order[0], times=None)
        with pytest.raises(payt.PaytError) as caught:
            flavour.contacts(fake.url, "s3cret", cursor="7")
        dumped = pickle.dumps(caught.value)
        assert b"s3cret" not in dumped
        for again in (pickle.loads(dumped), copy.copy(caught.value), copy.deepcopy(caught.value)):
            assert type(again) is type(caught.value)
            assert str(again) == str(caught.value)
            assert {k: v for k, v in again.__dict__.items() if k != "headers"} == {
                k: v for k, v in caught.value.__dict__.items() if k != "headers"
            }
            assert type(again.__cause__) is type(caught.value.__cause__)
