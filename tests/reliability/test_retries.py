"""What is tried again, and how long the waits before are."""

from __future__ import annotations

import asyncio
import email.utils
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import httpcore
import httpx
import pytest

import payt
from faults import kinds
from faults.kinds import Point
from faults.server import FaultServer, ParsedRequest, refused_url
from payt.testing import FakePayt, skip_waits
from payt.transport import clock
from payt.transport.retries import whether_again
from payt_api.client import AuthenticatedClient
from payt_api.types import Response
from support.eventually import PATIENCE
from support.flavours import Flavour
from support.quick import QUICK
from support.turned_clock import TurnedClock


@pytest.fixture
def turned() -> Iterator[TurnedClock]:
    with clock.using(TurnedClock()) as _:
        current = clock.current()
        assert isinstance(current, TurnedClock)
        yield current


@pytest.fixture
def highest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The jitter draws the upper bound of each wait."""
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)


def test_the_bound_of_the_wait_doubles_up_to_thirty_seconds(
    highest: None, turned: TurnedClock, server: FaultServer, flavour: Flavour
) -> None:
    server.script([kinds.answer(500)] * 9)
    with pytest.raises(payt.ServerError) as caught:
        flavour.contacts(server.url, client=QUICK | {"retries": 8, "rate_limit": None})
    assert turned.waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert caught.value.attempts == 9


def test_only_the_first_connection_that_breaks_is_replaced_at_once(
    highest: None, turned: TurnedClock, server: FaultServer, flavour: Flavour
) -> None:
    """The others were no kept ones that the server had closed: it is in trouble."""
    server.script([kinds.reset(Point.BEFORE_ANSWER)] * 3)
    flavour.contacts(server.url, client=QUICK | {"rate_limit": None}, limit=1)
    assert turned.waits == [0.0, 1, 2]


def test_the_jitter_is_half(turned: TurnedClock, server: FaultServer, flavour: Flavour) -> None:
    for _ in range(40):
        server.script([kinds.answer(503)])
        flavour.contacts(server.url, client=QUICK | {"rate_limit": None}, limit=1)
    assert len(turned.waits) == 40
    assert min(turned.waits) < 0.3
    assert max(turned.waits) > 0.4
    assert all(0.25 <= wait <= 0.5 for wait in turned.waits)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(
    status: int, highest: None, turned: TurnedClock, server: FaultServer, flavour: Flavour
) -> None:
    client = QUICK | {"rate_limit": None}
    in_a_while = email.utils.formatdate(time.time() + 40, usegmt=True)
    server.script([kinds.answer(status, [("Retry-After", value)]) for value in ("7", "60", "0", in_a_while)])
    flavour.contacts(server.url, client=client, limit=1)
    assert turned.waits == [7, 60, 2, pytest.approx(40, abs=2)]


def test_nothing_is_waited_for_that_the_deadline_does_not_allow(
    highest: None, turned: TurnedClock, server: FaultServer, flavour: Flavour
) -> None:
    server.script([kinds.answer(503, [("Retry-After", "6")])] * 5)
    with pytest.raises(payt.ServerError) as caught:
        flavour.contacts(server.url, client=QUICK | {"total_timeout": 10, "rate_limit": None})
    assert turned.waits == [6]
    assert caught.value.attempts == 2


def list_one_after_many(server: FaultServer, many: int, options: dict[str, Any], closed: threading.Event) -> None:
    """List as often as that at the same time, then once."""
    with (
        payt.Client("token", base_url=server.url, **options) as client,
        ThreadPoolExecutor(many) as pool,
    ):
        list(pool.map(lambda _: list(client.contacts.list(administration_id="1")), range(many)))
        server.script([kinds.close(Point.BEFORE_ANSWER)])
        closed.set()
        list(client.contacts.list(administration_id="1"))


def list_one_after_many_async(server: FaultServer, many: int, options: dict[str, Any], closed: threading.Event) -> None:
    """The same."""

    async def main() -> None:
        async with payt.AsyncClient("token", base_url=server.url, **options) as client:

            async def listed() -> None:
                async for _ in client.contacts.list(administration_id="1"):
                    pass

            await asyncio.gather(*[listed() for _ in range(many)])
            server.script([kinds.close(Point.BEFORE_ANSWER)])
            closed.set()
            await listed()

    asyncio.run(main())


@pytest.mark.parametrize("listed", [list_one_after_many, list_one_after_many_async])
def test_after_one_kept_connection_that_the_server_closed_no_other_is_tried(
    listed: Callable[..., None], turned: TurnedClock
) -> None:
    many = 3
    together, closed = threading.Barrier(many, timeout=PATIENCE), threading.Event()

    def answer(_request: ParsedRequest) -> bytes:
        turned.time += 1
        if not closed.is_set():
            together.wait()  # so that each has a connection of its own
        return b'{"data": [], "pagination": null}'

    with FaultServer(answer) as server:
        listed(server, many, {**QUICK, "retries": 1, "rate_limit": None}, closed)
        assert [request.connection > many for request in server.requests] == [False] * (many + 1) + [True]
    assert turned.waits == [0.0]


@pytest.mark.parametrize("fault", [None, kinds.answer(503)], ids=["refused", "503"])
def test_the_last_attempt_is_a_second_before_the_deadline(
    fault: kinds.Fault | None, highest: None, turned: TurnedClock, server: FaultServer, flavour: Flavour
) -> None:
    server.script([fault] * 10)
    url = refused_url() if fault is None else server.url
    for seconds, last in ((6, 1.5), (8, 3.5)):
        turned.waits.clear()
        with pytest.raises(payt.PaytError) as caught:
            flavour.contacts(url, client=QUICK | {"total_timeout": seconds, "rate_limit": None})
        assert turned.waits == [0.5, 1, 2, last]
        assert caught.value.attempts == 5


def failed(status: int, method: str = "GET", retry_after: float | None = None) -> payt.APIError:
    error = payt.APIError("", status_code=status)
    error.method, error.retry_after = method, retry_after
    return error


def broken(cause: BaseException | None, method: str = "GET") -> payt.TransportError:
    error = payt.TransportError("")
    error.method, error.__cause__ = method, cause
    return error


def caused(error: httpx.RequestError, cause: BaseException) -> httpx.RequestError:
    error.__cause__ = httpcore.ConnectError()
    error.__cause__.__context__ = cause
    return error


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError()
    error.reason = reason
    return error


def caused_by_the_callers_own() -> OSError:
    """An error that arose while the caller dealt with a certificate of somebody else."""
    error = ConnectionResetError()
    error.__context__ = ssl.SSLCertVerificationError()
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        *[(failed(status), "yes") for status in (408, 500)],
        *[(failed(status), "in time") for status in (429, 502, 503, 504)],
        *[(failed(status), "no") for status in (300, 302, 400, 401, 403, 404, 409, 422, 501, 505, 520)],
        (failed(503, "POST"), "no"),
        (failed(429, retry_after=60), "in time"),
        (failed(429, retry_after=60.1), "no"),
        (broken(httpx.ConnectError("")), "in time"),
        (broken(httpx.ConnectTimeout("")), "in time"),
        (broken(httpx.ReadTimeout("")), "yes"),
        (broken(httpx.ReadError("")), "yes"),
        (broken(httpx.RemoteProtocolError("")), "yes"),
        (broken(httpx.DecodingError("")), "yes"),
        (broken(httpx.PoolTimeout("")), "yes"),
        (broken(httpx.ProxyError("502 Bad Gateway")), "yes"),
        (broken(httpx.ProxyError("429 Too Many Requests")), "yes"),
        (broken(httpx.ProxyError("407 Proxy Authentication Required")), "no"),
        (broken(httpx.ReadError(""), "POST"), "no"),
        (broken(httpx.UnsupportedProtocol("")), "no"),
        (broken(httpx.LocalProtocolError("")), "yes"),
        (broken(caused(httpx.ConnectError(""), ssl.SSLCertVerificationError())), "no"),
        (broken(caused(httpx.ConnectError(""), ssl.SSLEOFError())), "in time"),
        (broken(caused(httpx.ReadError(""), alert("TLSV13_ALERT_CERTIFICATE_REQUIRED"))), "no"),
        (broken(caused(httpx.ReadError(""), alert("TLSV1_ALERT_UNKNOWN_CA"))), "no"),
        (broken(caused(httpx.ReadError(""), alert("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"))), "yes"),
        (broken(caused(httpx.ConnectError(""), caused_by_the_callers_own())), "in time"),
        (broken(None), "no"),
        (payt.TokenError(""), "no"),
        (payt.PaginationError(""), "no"),
        (KeyboardInterrupt(), "no"),
        (None, "no"),
    ],
    ids=repr,
)
def test_the_decision_table(error: Any, again: str) -> None:
    assert whether_again(error) == again


class Create:
    """An operation as a contract with one would bring it."""

    @staticmethod
    def sync_detailed(*, client: AuthenticatedClient) -> Response[None]:
        response = client.get_httpx_client().post("/v1/contacts", json={})
        raise AssertionError(response)

    asyncio_detailed: Callable[..., Any]


def test_only_get_is_tried_again(server: FaultServer) -> None:
    server.script([kinds.reset(Point.BEFORE_ANSWER), kinds.answer(503)])
    before = len(server.requests)
    with payt.Client("token", base_url=server.url, **QUICK) as client:
        with pytest.raises(payt.TransportError) as caught:
            client.call(cast("Any", Create))
        with pytest.raises(payt.ServerError):
            client.call(cast("Any", Create))
    assert caught.value.attempts == 1
    assert len(server.requests) - before == 2


def test_a_time_out_of_whatever_gives_the_token_is_not_ours(server: FaultServer, flavour: Flavour) -> None:
    def token() -> str:
        raise TimeoutError("the vault does not answer")

    with pytest.raises(TimeoutError, match="vault"):
        flavour.contacts(server.url, token, client=QUICK)


def test_an_error_of_tls_that_httpx_lets_through_is_a_transport_error() -> None:
    def broken_off(_request: httpx.Request) -> httpx.Response:
        raise alert("SSLV3_ALERT_BAD_CERTIFICATE")

    with (
        payt.Client("token", transport=httpx.MockTransport(broken_off), **QUICK) as client,
        pytest.raises(payt.TransportError, match="ReadError") as caught,
    ):
        list(client.contacts.list(administration_id="1"))
    assert caught.value.attempts == 1
    assert isinstance(caught.value.__cause__, httpx.ReadError)
    assert isinstance(caught.value.__cause__.__cause__, ssl.SSLError)


@pytest.mark.parametrize(
    ("argument", "value", "kind"),
    [
        ("retries", -1, ValueError),
        ("retries", 1.5, TypeError),
        ("retries", True, TypeError),
        ("total_timeout", 0, ValueError),
        ("total_timeout", float("inf"), ValueError),
        ("total_timeout", float("nan"), ValueError),
        ("total_timeout", None, TypeError),
        ("total_timeout", True, TypeError),
        ("rate_limit", 0, ValueError),
        ("rate_limit", -3, ValueError),
        ("rate_limit", "10", TypeError),
        ("max_body", 0, ValueError),
        ("max_body", 1e6, TypeError),
    ],
)
@pytest.mark.parametrize("client_class", [payt.Client, payt.AsyncClient])
def test_what_is_no_limit_is_refused(client_class: Any, argument: str, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=argument):
        client_class("token", **{argument: value})


def test_users_tests_skip_the_waits_too(fake: FakePayt, flavour: Flavour) -> None:
    with skip_waits() as waits:
        fake.fail(503, times=2, retry_after=30)
        began = time.monotonic()
        assert len(flavour.contacts(fake.url)) == 12
        assert time.monotonic() - began < 10
    assert waits.seconds[:2] == [30, 30]
