"""At most ten starts in any second for one token, whoever starts them."""

from __future__ import annotations

import heapq
import math
import pickle
import random
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import payt
from faults import kinds
from faults.server import FaultServer
from payt.transport import clock, network, pace
from payt.transport.pace_file import FilePace
from payt.transport.paces import MARGIN, RECOVERY, SLOWER, SLOWEST, BookedStart
from support.flavours import Flavour
from support.quick import QUICK
from support.turned_clock import TurnedClock

PERIOD = 1 + MARGIN
KEY = b"a digest"


@pytest.fixture
def turned() -> Iterator[TurnedClock]:
    with clock.using(TurnedClock()):
        current = clock.current()
        assert isinstance(current, TurnedClock)
        yield current


@pytest.fixture(params=[payt.ProcessPace, FilePace])
def one(request: pytest.FixtureRequest, turned: TurnedClock) -> payt.ProcessPace:
    """A pace of each kind that keeps books."""
    kind: type[payt.ProcessPace] = request.param
    return kind()


def go(start: BookedStart, turned: TurnedClock, connecting: float = 0.0) -> float:
    """Wait for a start, connect, send; tell when it was sent."""
    while seconds := start.wait():
        turned.sleep(seconds)
    turned.time += connecting
    start.sent()
    return turned.time


def most_in_a_second(times: list[float]) -> int:
    return max(sum(1 for other in times if 0 <= other - moment < 1) for moment in times)


def test_ten_start_at_once_and_the_next_ten_a_second_later(one: payt.ProcessPace, turned: TurnedClock) -> None:
    times = [go(one.start(KEY, 10), turned) - 1_000 for _ in range(100)]
    assert times == pytest.approx([index // 10 * PERIOD for index in range(100)])


@pytest.mark.parametrize(
    ("rate", "hundred_take"),
    [
        (10, 9 * PERIOD),
        (10.9, 99 / 10.9 * PERIOD),
        (25, 3 * PERIOD),
        (2.5, 99 * 0.4 * PERIOD),
        (1, 99 * PERIOD),
        (0.5, 99 * 2 * PERIOD),
        (1_000, 0),
        (0.001, 99_000 * PERIOD),
    ],
)
def test_any_rate_will_do(rate: float, hundred_take: float, one: payt.ProcessPace, turned: TurnedClock) -> None:
    times = [go(one.start(KEY, rate), turned) for _ in range(100)]
    assert times[-1] - times[0] == pytest.approx(hundred_take)
    assert most_in_a_second(times) == min(100, math.ceil(rate))


def test_starts_are_booked_in_the_order_in_which_they_are_asked_for(one: payt.ProcessPace, turned: TurnedClock) -> None:
    starts = [one.start(KEY, 10) for _ in range(400)]
    waits = [start.wait() for start in starts]
    assert waits == pytest.approx([index // 10 * PERIOD for index in range(400)])
    assert [start.wait() for start in starts] == pytest.approx(waits)  # also those behind which so many wait
    turned.time += 1
    starts[0].sent()
    starts[0].give_back()


def test_a_start_counts_from_when_it_was_sent(one: payt.ProcessPace, turned: TurnedClock) -> None:
    """Ten new connections that take a while, then ten requests over them that take none."""
    times = [go(one.start(KEY, 10), turned, connecting=0.08) for _ in range(10)]
    times += [go(one.start(KEY, 10), turned) for _ in range(40)]
    assert most_in_a_second(times) == 10


def test_never_more_than_allowed_whatever_the_connections_take(one: payt.ProcessPace, turned: TurnedClock) -> None:
    randomness = random.Random(4)
    times = [go(one.start(KEY, 10), turned, randomness.choice([0, 0.001, 0.2, 0.9])) for _ in range(300)]
    assert most_in_a_second(times) <= 10


def test_who_waits_looks_again_whether_the_one_before_was_late(one: payt.ProcessPace, turned: TurnedClock) -> None:
    starts = [one.start(KEY, 1) for _ in range(3)]
    assert starts[0].wait() == 0
    assert starts[1].wait() == pytest.approx(PERIOD)
    assert starts[2].wait() == pytest.approx(2 * PERIOD)
    turned.time += PERIOD + 0.3
    assert starts[1].wait() == 0
    turned.time += 0.2
    starts[1].sent()
    turned.time += PERIOD - 0.5
    assert starts[2].wait() == pytest.approx(0.5)


def test_never_more_than_allowed_however_late_they_wake_up(one: payt.ProcessPace, turned: TurnedClock) -> None:
    """Threads that a busy machine lets go on late, and each at another time."""
    randomness = random.Random(5)
    starts = [one.start(KEY, 10) for _ in range(200)]
    wakes = [(turned.time, number) for number in range(len(starts))]
    times = []
    while wakes:
        turned.time, number = heapq.heappop(wakes)
        if seconds := starts[number].wait():
            late = randomness.choice([0, 0.001, 0.02, 0.06, 0.4])
            heapq.heappush(wakes, (turned.time + seconds + late, number))
        else:
            times.append(turned.time)
    assert most_in_a_second(times) == 10
    assert times[-1] - times[0] < 1.5 * 20 * PERIOD


def test_a_request_counts_from_when_it_was_written(
    turned: TurnedClock, server: FaultServer, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten that take a while to be written, as on a busy machine, then ten that take none."""
    times: list[float] = []

    def written(data: bytes) -> None:
        if data:
            turned.time += 0.08 if len(times) < 10 else 0
            times.append(turned.time)

    def write(stream: network.Stream, data: bytes, timeout: float | None = None) -> None:
        one(stream, data, timeout)
        written(data)

    async def write_async(stream: network.AsyncStream, data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await other(stream, data, timeout)
        written(data)

    one, other = network.Stream.write, network.AsyncStream.write
    monkeypatch.setattr(network.Stream, "write", write)
    monkeypatch.setattr(network.AsyncStream, "write", write_async)
    for _ in range(20):
        flavour.contacts(server.url, "written", client=QUICK, limit=1)
    assert len(times) == 20
    assert most_in_a_second(times) == 10


def test_those_that_overslept_together_do_not_start_together(one: payt.ProcessPace, turned: TurnedClock) -> None:
    """A process or a machine that was stopped, and goes on."""
    starts = [one.start(KEY, 10) for _ in range(50)]
    assert [start.wait() for start in starts].count(0) == 10
    turned.time += 100
    times = [turned.time + start.wait() for start in reversed(starts[10:])]
    assert most_in_a_second(times) == 10


def test_who_gives_up_holds_nobody_up(one: payt.ProcessPace, turned: TurnedClock) -> None:
    starts = [one.start(KEY, 1) for _ in range(3)]
    assert starts[0].wait() == 0
    assert starts[1].wait() == pytest.approx(PERIOD)
    starts[1].give_back()
    assert starts[2].wait() == pytest.approx(PERIOD)
    one.start(KEY, 1).give_back()  # which was never booked


def test_a_refusal_slows_down_a_little_and_for_a_moment(one: payt.ProcessPace, turned: TurnedClock) -> None:
    starts = [one.start(KEY, 1) for _ in range(2)]
    assert starts[0].wait() == 0
    starts[0].refused(None)
    assert starts[1].wait() == pytest.approx(PERIOD * (1 + SLOWER))
    turned.time += 1
    assert starts[1].wait() == pytest.approx(PERIOD * (1 + SLOWER) - 1)
    turned.time += 3
    assert one.start(KEY, 1).wait() == 0


def test_refusals_that_go_on_slow_down_more_and_more(one: payt.ProcessPace, turned: TurnedClock) -> None:
    """Somebody else takes seven of the ten that the token has in a second."""

    def listed(seconds: float) -> tuple[int, int]:
        """How many requests there were, and how many were refused."""
        times, refused, end = [turned.time - 10.0], 0, turned.time + seconds
        while turned.time < end:
            start = one.start(KEY, 10)
            go(start, turned)
            if sum(1 for moment in times if turned.time - moment < 1) >= 3:
                start.refused(None)
                refused += 1
                turned.time += 0.1
            else:
                times.append(turned.time)
        return len(times) - 1, refused

    listed(30)
    requests, refused = listed(300)
    assert refused <= 0.03 * requests
    assert 300 * 3 * 0.6 < requests <= 300 * 3
    turned.time += SLOWEST / RECOVERY
    assert [one.start(KEY, 10).wait() for _ in range(11)] == pytest.approx([0] * 10 + [PERIOD])


def test_refusals_of_what_was_under_way_are_one(one: payt.ProcessPace, turned: TurnedClock) -> None:
    starts = [one.start(KEY, 10) for _ in range(10)]
    for start in starts:
        go(start, turned)
        turned.time += 0.01
    for start in starts:
        start.refused(None)
    turned.time += PERIOD - 0.1
    assert one.start(KEY, 10).wait() == 0
    assert one.start(KEY, 10).wait() == pytest.approx(PERIOD / 10 * (1 + SLOWER - RECOVERY * (PERIOD - 0.1)))
    for _ in range(30):
        start = one.start(KEY, 1)
        go(start, turned)
        start.refused(None)
    assert one.start(KEY, 1).wait() == pytest.approx(PERIOD * SLOWEST)  # no slower


def test_a_pause_that_is_asked_for_is_everybodys(one: payt.ProcessPace, turned: TurnedClock) -> None:
    first, second = one.start(KEY, 10), one.start(KEY, 10)
    assert (first.wait(), second.wait()) == (0, 0)
    first.refused(7)
    assert one.start(KEY, 10).wait() == pytest.approx(7)
    second.refused(3)
    waiting = [one.start(KEY, 10) for _ in range(12)]
    waits = [start.wait() for start in waiting]
    assert waits == sorted(waits)
    assert min(waits) > 7


def test_a_book_is_forgotten_when_it_no_longer_matters(turned: TurnedClock) -> None:
    one = payt.ProcessPace()
    one.start(b"first", 10).wait()
    one.start(b"second", 10).wait()
    with one.book(b"first") as book, pytest.raises(AttributeError):
        book.nonsense  # type: ignore[attr-defined]  # noqa: B018
    turned.time += 10_000
    one.start(b"third", 10).wait()
    with one.book(b"first") as another:
        assert another is not book


def request_of(token: str, url: str = "https://api.example/v1/contacts") -> httpx.Request:
    return httpx.Request("GET", url, headers={"Authorization": f"Bearer {token}"})


def test_each_token_has_a_pace_of_its_own_on_each_server(turned: TurnedClock) -> None:
    def wait(request: httpx.Request) -> float:
        start = pace.start_of(request, 1, None)
        assert start is not None
        return start.wait()

    assert wait(request_of("one")) == 0
    assert wait(request_of("one", "https://api.example/v1/administrations?per_page=1")) > 0
    assert wait(request_of("two")) == 0
    assert wait(request_of("one", "https://test.example/v1/contacts")) == 0


def test_what_carries_no_token_waits_for_nothing() -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}):
        assert pace.start_of(httpx.Request("POST", "https://api.example", headers=headers), 10, None) is None
    assert pace.start_of(request_of("one"), None, None) is None


def test_all_clients_of_a_token_share_its_pace(turned: TurnedClock, server: FaultServer, flavour: Flavour) -> None:
    for _ in range(12):
        flavour.contacts(server.url, "shared", client=QUICK, limit=1)
    flavour.contacts(server.url, "another", client=QUICK, limit=1)
    assert turned.waits == [pytest.approx(PERIOD)]


def test_retries_are_paced(turned: TurnedClock, server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.reset(kinds.Point.BEFORE_ANSWER)] * 2)
    flavour.contacts(server.url, client=QUICK | {"rate_limit": 0.01}, limit=1)
    assert [wait for wait in turned.waits if wait > 60] == [pytest.approx(100 * PERIOD, abs=2)] * 2


def test_the_second_request_after_a_refused_token_is_paced(
    turned: TurnedClock, server: FaultServer, flavour: Flavour
) -> None:
    class Renewing(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            request.headers["Authorization"] = "Bearer the-same"
            yield request
            yield request

    flavour.contacts(server.url, Renewing(), client=QUICK | {"rate_limit": 0.1}, limit=1)
    assert turned.waits == [pytest.approx(10 * PERIOD)]


def test_a_refusal_slows_the_client_down(turned: TurnedClock, server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(429, [("Retry-After", "5")])])
    flavour.contacts(server.url, client=QUICK, limit=1)
    assert turned.waits == [5]
    for _ in range(12):
        flavour.contacts(server.url, client=QUICK, limit=1)
    assert turned.waits[1:] == [pytest.approx(PERIOD)]  # the slow-down is over by then


def test_a_pause_of_an_hour_is_for_nobody_to_sit_out(
    turned: TurnedClock, server: FaultServer, flavour: Flavour
) -> None:
    server.script([kinds.answer(429, [("Retry-After", "3600")])])
    with pytest.raises(payt.RateLimitError):
        flavour.contacts(server.url, client=QUICK)
    assert len(flavour.contacts(server.url, client=QUICK)) == 11
    assert sum(turned.waits) < 1


def test_the_pace_can_be_switched_off(turned: TurnedClock, server: FaultServer, flavour: Flavour) -> None:
    for _ in range(30):
        flavour.contacts(server.url, client=QUICK | {"rate_limit": None}, limit=1)
    assert turned.waits == []


def test_a_transport_that_does_not_tell_when_it_sends_is_paced_all_the_same(turned: TurnedClock) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json={"data": []}))
    with payt.Client("mock", transport=transport, **QUICK) as client:
        for _ in range(30):
            list(client.contacts.list(administration_id="1"))
    assert turned.waits == [pytest.approx(PERIOD)] * 2


def test_the_deadline_counts_while_waiting_for_a_start(turned: TurnedClock, server: FaultServer) -> None:
    client = QUICK | {"rate_limit": 0.01, "total_timeout": 30}
    with payt.Client("slow", base_url=server.url, **client) as api:
        list(api.contacts.list(administration_id="1", limit=1))
        with pytest.raises(payt.TransportError, match=r"within 30 s \(total_timeout\)"):
            list(api.contacts.list(administration_id="1", limit=1))
    assert turned.waits == [30]


@pytest.mark.parametrize("value", ["postgresql://host/database", payt.ProcessPace, 5])
def test_what_is_no_pace_is_told_the_way_out(value: Any) -> None:
    for kind in (payt.Client, payt.AsyncClient):
        with pytest.raises(TypeError, match=r"pace must be None .*, payt.ProcessPace\(\) .* or payt.SQLPace\(url\)"):
            kind("token", pace=value)


def test_a_pickled_client_keeps_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_TOKEN", "token")
    with payt.Client(pace=payt.ProcessPace(), trust_env=False) as client:
        text = pickle.dumps(client)
    with pickle.loads(text) as again:
        assert repr(again._session.settings.pace) == "payt.ProcessPace()"


@pytest.mark.parametrize("status", [200, 429])
def test_refusals_do_not_count_against_the_retries(
    status: int, turned: TurnedClock, server: FaultServer, flavour: Flavour
) -> None:
    server.script([kinds.answer(429)] * 7 + [kinds.answer(500)] * (status == 429) * 2)
    client = QUICK | {"retries": 1, "total_timeout": 1_000}
    if status == 200:
        assert len(flavour.contacts(server.url, client=client)) == 11
    else:
        with pytest.raises(payt.ServerError):
            flavour.contacts(server.url, client=client)


def test_refusals_end_with_the_deadline(turned: TurnedClock, server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(429)] * 100)
    began = turned.time
    with pytest.raises(payt.RateLimitError):
        flavour.contacts(server.url, client=QUICK | {"retries": 1, "total_timeout": 60})
    assert turned.time - began <= 60


# In real time


@pytest.mark.real_time
def test_waiting_for_the_pace_costs_no_processor_time(server: FaultServer) -> None:
    with payt.Client("idle", base_url=server.url, rate_limit=0.5, **QUICK) as client:
        pager = client.contacts.list(administration_id="1", limit=1)
        list(pager)
        before = time.process_time()
        list(pager)
        assert time.process_time() - before < 0.5
