"""Reading ahead at guessed cursors: as fast as the pace allows, and never anything else than page after page gives."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st

import payt
from payt.listing.guesses import Guess, Guesses
from payt.transport.call import Call
from payt.transport.workers import Worker
from support.eventually import eventually, workers
from support.flavours import Async, Flavour, Sync
from support.pages import refusal, serving
from support.quick import QUICK
from support.turns import listed

CLIENT = QUICK | {"rate_limit": None}

# How fast


def gaps(kind: str, count: int, seed: int) -> list[int]:
    """Ids with gaps between them."""
    chance = random.Random(seed)
    step: Callable[[], int] = {
        "often small, seldom large": lambda: chance.choice([1, 1, 1, 2, 5, 40]),
        "as records are deleted": lambda: 1 + int(chance.expovariate(1 / 20)),
        "none": lambda: 1,
    }[kind]
    return list(itertools.accumulate(step() for _ in range(count)))


@pytest.mark.parametrize("kind", ["often small, seldom large", "as records are deleted", "none"])
@pytest.mark.parametrize("latency", [0.3, 0.7])
def test_a_slow_service_is_read_at_the_limit(latency: float, kind: str) -> None:
    for seed in range(2):
        seconds, requests = listed(gaps(kind, 50_000, seed), 500, latency, prefetch=16)
        assert seconds <= 1.5 * (9 + latency)
        assert requests <= 125


@pytest.mark.parametrize("latency", [0.02, 0.1])
def test_where_pages_come_as_fast_as_the_pace_allows_one_page_ahead_is_best(latency: float) -> None:
    ids = gaps("as records are deleted", 50_000, 1)
    assert listed(ids, 500, latency, prefetch=16) == listed(ids, 500, latency, prefetch=1)


def test_what_others_need_of_the_pace_is_not_spent_on_guesses() -> None:
    """Where others take most of it, the pace is what takes time, and a guess too many costs some of it."""
    for seed in range(1, 4):
        ids = gaps("as records are deleted", 50_000, seed)
        _, requests = listed(ids, 500, 0.3, prefetch=16, others=9.5)
        assert requests <= 102


def test_what_others_leave_of_the_pace_is_used() -> None:
    for seed in range(1, 4):
        ids = gaps("as records are deleted", 50_000, seed)
        seconds, requests = listed(ids, 500, 1.5, prefetch=16, others=8.5)
        assert seconds <= 80  # 67 where each page comes at once
        assert requests <= 120


# How much


def reading(*, lanes: float) -> Guesses:
    """What guesses pages of 10 records where so many requests start while one is answered."""
    guesses, call = Guesses(10, 16, 10.0), Call(60)
    call.latency = lanes / 10
    guesses.measured(call)
    return guesses


FIRST = [*range(1, 11)]


def asked(guesses: Guesses, room: int) -> list[Guess]:
    return list(iter(partial(guesses.next, FIRST, room), None))


def answer(guesses: Guesses, guess: Guess, records: int, cursor: str | None = None) -> None:
    guess.keys = [str(guess.cursor + number) for number in range(1, records + 1)]
    cursor = cursor or (guess.keys[-1] if guess.keys else None)
    guess.response = SimpleNamespace(parsed=SimpleNamespace(pagination=SimpleNamespace(cursor=cursor)))
    guesses.answered(guess)


def test_as_many_requests_are_under_way_as_start_while_one_is_answered() -> None:
    guesses = reading(lanes=3)
    under_way = asked(guesses, 16)
    assert len(under_way) == 3
    answer(guesses, under_way[0], 10)
    assert len(asked(guesses, 16)) == 1


def test_where_answers_take_little_more_than_a_start_nothing_is_asked_for_ahead() -> None:
    assert asked(reading(lanes=1.2), 16) == []
    assert len(asked(reading(lanes=1.3), 16)) == 2


@pytest.mark.parametrize("lanes", [2, 16])
def test_nothing_is_asked_for_that_there_is_no_room_for(lanes: int) -> None:
    """A consumer that is slow, or a limit, leaves room for few pages, whatever the pace allows."""
    guesses = reading(lanes=lanes)
    assert [guess.cursor for guess in asked(guesses, 1)] == [10]
    assert all(guess.cursor < 10 + 3 * 10 for guess in asked(guesses, 3))


def test_pages_that_are_smaller_than_others_do_not_get_more() -> None:
    guesses, pages = reading(lanes=2), 0
    while found := asked(guesses, 4):
        pages += len(found)
        for guess in found:
            answer(guesses, guess, 3)
    assert pages == 4


def test_records_that_are_gone_by_the_time_of_a_guess_are_not_taken_from_it() -> None:
    """It was answered, with nothing, before the page that reaches beyond it was listed anew."""
    guesses = reading(lanes=2)
    [guess, *_] = asked(guesses, 4)
    answer(guesses, guess, 0)
    assert guesses.best([*range(1, 13)]) is None
    assert guesses.next([*range(1, 13)], 1) is not None


def test_an_end_that_was_asked_for_ahead_is_not_asked_for_again() -> None:
    guesses = reading(lanes=2)
    [guess, *_] = asked(guesses, 4)
    answer(guesses, guess, 0)
    assert guesses.best(FIRST) is guess


@pytest.mark.parametrize("records", [0, 10])
def test_a_page_with_a_cursor_of_another_kind_is_asked_for_at_its_turn(records: int) -> None:
    """Where the pages behind it begin, only that cursor says."""
    guesses = reading(lanes=2)
    [guess, *_] = asked(guesses, 4)
    answer(guesses, guess, records, cursor="of another kind")
    assert guesses.best(FIRST) is None
    assert guess.cursor not in {each.cursor for each in asked(guesses, 4)}


# What comes out


class Service:
    """Records that are listed, and changed between answers.

    Attributes:
        ids: Those that there are now, in the order of the list.
        kind: What a cursor is.
        script: What happens after each answer.
        faults: By the number of a request, what comes in place of its answer.
        answers: The cursor asked for, the ids that came, and the cursor that came with them.
    """

    def __init__(
        self,
        ids: list[str],
        kind: str,
        script: Iterable[tuple[str, int]] = (),
        faults: Mapping[int, bytes] | None = None,
    ) -> None:
        self.ids, self.kind, self.faults = list(ids), kind, faults or {}
        self.script = iter(script)
        self.answers: list[tuple[str | None, list[str], str | None]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def __call__(self, query: dict[str, str]) -> Any:
        with self._lock:
            if (fault := self.faults.get(next(self._numbers))) is not None:
                return fault
            cursor, count = query.get("cursor"), int(query["per_page"])
            start = 0 if cursor is None else self._start(cursor)
            if start is None:
                return refusal(422)
            page = self.ids[start : start + count]
            more = start + count < len(self.ids) and page
            following = self._cursor(page, start + count) if more else None
            self.answers.append((cursor, page, following))
            self._change(*next(self.script, ("nothing", 0)))
        return {"data": [{"id": each} for each in page], "pagination": {"cursor": following}}

    def _start(self, cursor: str) -> int | None:
        if self.kind == "opaque":
            return int(cursor[1:]) if cursor.startswith("p") else None
        if self.kind == "offset":
            return int(cursor) if cursor.isdecimal() else 0
        if self.kind == "unsorted":
            return self.ids.index(cursor) + 1 if cursor in self.ids else 0
        if self.kind == "text":
            return len([each for each in self.ids if each <= cursor])
        return len([each for each in self.ids if int(each) <= int(cursor)])

    def _cursor(self, page: list[str], end: int) -> str:
        return {"opaque": f"p{end}", "offset": str(end)}.get(self.kind, page[-1])

    def _change(self, how: str, number: int) -> None:
        if how in ("delete", "move") and self.ids:
            moved = self.ids.pop(number % len(self.ids))
            if how == "move":
                self.ids.insert(number // 2 % (len(self.ids) + 1), moved)
        elif how == "insert" and str(number) not in self.ids:
            self.ids.insert(number % (len(self.ids) + 1), str(number))
        if self.kind == "id":
            self.ids.sort(key=int)


def outcome(
    flavour: Flavour, service: Callable[[dict[str, str]], Any], **arguments: Any
) -> tuple[list[str | None], Any]:
    """The ids that come, and the error that ends them with its cursor."""
    found: list[str | None] = []

    def seen(page: payt.Page[payt.Contact]) -> None:
        found.extend(contact.id for contact in page.data)

    with serving(service) as server:
        try:
            flavour.pages(server.url, client=CLIENT, seen=seen, **arguments)
        except payt.PaytError as error:
            return found, (type(error), error.cursor)
    return found, None


KINDS = ["id", "offset", "dense", "opaque", "unsorted", "text"]
FLAVOURS: list[Flavour] = [Sync(), Async()]


def ids_for(kind: str, numbers: list[int]) -> list[str]:
    if kind == "dense":
        return [str(number) for number in range(1, len(numbers) + 1)]
    if kind == "text":
        return sorted(f"{number:03}" for number in numbers)
    return [str(number) for number in (numbers if kind == "unsorted" else sorted(numbers))]


few = hypothesis.settings(
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.reuse, hypothesis.Phase.generate],  # to shrink takes minutes
)


@hypothesis.given(
    flavour=st.sampled_from(FLAVOURS),
    kind=st.sampled_from(KINDS),
    numbers=st.lists(st.integers(1, 300), max_size=60, unique=True),
    per_page=st.integers(1, 9),
    prefetch=st.sampled_from([2, 3, 16]),
    limit=st.none() | st.integers(0, 60),
    refused=st.none() | st.integers(1, 300),
)
@few
def test_it_brings_what_page_after_page_brings(
    flavour: Flavour,
    kind: str,
    numbers: list[int],
    per_page: int,
    prefetch: int,
    limit: int | None,
    refused: int | None,
) -> None:
    """Whatever the server means by a cursor, and where it refuses to go on."""
    ids, kind = ids_for(kind, numbers), "offset" if kind == "dense" else kind

    def run(*, until: int | None = refused, **arguments: Any) -> tuple[list[str | None], Any]:
        service = Service(ids, kind)

        def answer(query: dict[str, str]) -> Any:
            start = service._start(query["cursor"]) if "cursor" in query else 0
            return refusal(403) if until is not None and start is not None and start >= until else service(query)

        return outcome(flavour, answer, per_page=per_page, **arguments)

    (found, error), (ahead, error_ahead) = (run(limit=limit, prefetch=pages) for pages in (1, prefetch))
    if error is None:
        assert (ahead, error_ahead) == (found, None)
        return
    # A page that begins between two others may reach behind the record where pages are refused: that is whole too.
    assert ahead[: len(found)] == found
    whole, _ = run(until=None, prefetch=1)
    if error_ahead is None:
        assert ahead == whole[:limit]
    else:
        assert error_ahead[0] is error[0]
        assert ahead + run(until=None, prefetch=1, cursor=error_ahead[1])[0] == whole


def is_chain(found: list[str | None], answers: list[tuple[str | None, list[str], str | None]], *, ended: bool) -> bool:
    """Whether these are the records of one answer after another, without those that came before.

    The one behind an answer was asked for at its cursor, or begins with the very records that end it. Where the listing
    ended, the last one has no cursor.
    """
    places = {(number, 0) for number, (cursor, _, _) in enumerate(answers) if cursor is None}
    given: set[str | None] = set()
    for each in found:
        reached = _reached(places, answers, given)
        places = {(number, place + 1) for number, place in reached if answers[number][1][place : place + 1] == [each]}
        given.add(each)
    last = {(number, len(page)) for number, (_, page, following) in enumerate(answers) if following is None}
    reached = _reached(places, answers, given)
    return bool(reached & last if ended else reached or not answers)


def _reached(
    places: set[tuple[int, int]], answers: list[tuple[str | None, list[str], str | None]], given: set[str | None]
) -> set[tuple[int, int]]:
    """These places in answers, and those behind them from which only given records part them."""
    reached, edge = set(places), [*places]
    while edge:
        number, place = edge.pop()
        _, page, following = answers[number]
        behind = {(number, place + 1)} if place < len(page) and page[place] in given else set()
        if place == len(page) and following is not None:
            for other, (cursor, others, _) in enumerate(answers):
                behind |= {(other, 0)} if cursor == following else set()
                behind |= {(other, size) for size in range(1, len(others)) if others[:size] == page[-size:]}
        edge += behind - reached
        reached |= behind
    return reached


@hypothesis.given(
    flavour=st.sampled_from(FLAVOURS),
    kind=st.sampled_from(KINDS),
    numbers=st.lists(st.integers(1, 300), max_size=60, unique=True),
    per_page=st.integers(2, 9),
    script=st.lists(
        st.tuples(st.sampled_from(["delete", "insert", "move", "nothing"]), st.integers(1, 300)), max_size=20
    ),
    faults=st.dictionaries(
        st.integers(1, 30),
        st.sampled_from([refusal(503), refusal(400), b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{"]),
    ),
    prefetch=st.sampled_from([0, 1, 2, 16]),
)
@hypothesis.example(Sync(), "dense", [*range(1, 13)], 2, [("move", 300)], {}, 0)  # 1 comes again, between 7 and 8
@few
def test_every_joint_was_seen_while_records_come_and_go(
    flavour: Flavour,
    kind: str,
    numbers: list[int],
    per_page: int,
    script: list[tuple[str, int]],
    faults: dict[int, bytes],
    prefetch: int,
) -> None:
    """A moved record that comes again is left out, and nothing else is: not even where it comes between two pages."""
    ids = ids_for(kind, numbers)
    service = Service(ids, "offset" if kind == "dense" else kind, script, faults)
    found, error = outcome(flavour, service, per_page=per_page, prefetch=prefetch)
    assert is_chain(found, service.answers, ended=error is None)
    if error is None and kind == "id":
        touched = {str(number) for how, number in script if how == "insert"}
        there = [each for each in ids if each in service.ids and each not in touched]
        assert [each for each in found if each in there] == there
    assert len(found) == len(set(found))


# What it promises besides


def by_number(count: int) -> Service:
    return Service([str(7 * number) for number in range(1, count + 1)], "id")


def test_no_page_is_asked_for_twice(flavour: Flavour) -> None:
    service = by_number(1_000)
    found, error = outcome(flavour, service, per_page=10, prefetch=16)
    assert (found, error) == (service.ids, None)
    # what proves the end is asked for at its turn, even if a guess came just there before
    cursors = [cursor for cursor, _, _ in service.answers if cursor != service.ids[-1]]
    assert len(cursors) == len(set(cursors))
    assert len(service.answers) - len(cursors) <= 2
    assert {*cursors} - {following for _, _, following in service.answers}  # some were guessed


def guessed(service: Service) -> set[str | None]:
    """The cursors that were asked for, and that no answer had."""
    return {cursor for cursor, _, _ in service.answers} - {None, *(following for _, _, following in service.answers)}


@pytest.mark.parametrize("prefetch", [0, 1])
def test_nothing_is_guessed_for_one_page_ahead(flavour: Flavour, prefetch: int) -> None:
    service = by_number(200)

    def answer(query: dict[str, str]) -> Any:
        time.sleep(0.002)  # slow enough for a guess to pay
        return service(query)

    with serving(answer) as server:
        flavour.contacts(server.url, client=CLIENT, per_page=5, prefetch=prefetch)
    assert guessed(service) <= {service.ids[-1]}  # what proves the end


def test_nothing_is_guessed_where_a_listing_takes_several_parts(flavour: Flavour) -> None:
    """A guess of one part would be a page of records that belong to another."""
    numbers = [*range(1, 400, 2), *range(2, 401, 2)]
    asked: list[int] = []
    answered: list[int] = []

    def answer(query: dict[str, str]) -> Any:
        wanted = sorted(map(int, query["debtor_numbers"].split(",")))
        after = int(query.get("cursor") or 0)
        page = [each for each in wanted if each > after][: int(query["per_page"])]
        more = page and page[-1] < wanted[-1]
        asked.append(after)
        answered.extend(page[-1:])
        return {"data": [{"id": str(each)} for each in page], "pagination": {"cursor": str(page[-1]) if more else None}}

    with serving(answer) as server:
        found = flavour.contacts(
            server.url,
            client=CLIENT,
            per_page=5,
            prefetch=16,
            debtor_numbers=map(str, numbers),
            contact_identifiers=None,
        )
    assert [int(each.id or 0) for each in found] == numbers
    assert {*asked} <= {0, *answered}


def test_there_are_never_more_pages_than_prefetch_says() -> None:
    with serving(by_number(1_000)) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        pages = client.contacts.list(administration_id="1", per_page=10, prefetch=5).pages()
        next(pages)
        next(pages)
        assert eventually(lambda: len(server.asked) >= 6)
        assert not eventually(lambda: len(server.asked) > 7, 0.2)  # the page that was consumed, and that one and five
        assert sum(len(page.data) for page in pages) == 980


def test_no_more_is_asked_for_than_the_limit_needs(flavour: Flavour) -> None:
    service = by_number(1_000)
    found, _ = outcome(flavour, service, per_page=10, limit=30, prefetch=16)
    assert found == service.ids[:30]
    assert len(service.answers) <= 6  # each overlap costs some records


def test_an_odd_record_is_collected_once(flavour: Flavour) -> None:
    service = by_number(100)

    def answer(query: dict[str, str]) -> Any:
        page = service(query)
        for record in page["data"]:
            if record["id"] in ("70", "350"):
                record["lastname"] = 5
        return page

    with serving(answer) as server:
        invalid: list[Any] = []
        found = flavour.pages(
            server.url,
            client=CLIENT,
            seen=lambda page: invalid.extend(page.invalid),
            per_page=10,
            prefetch=16,
            on_invalid="collect",
        )
    assert [contact.id for page in found for contact in page.data] == [
        each for each in service.ids if each not in ("70", "350")
    ]
    assert [record.id for record in invalid] == ["70", "350"]


@pytest.mark.parametrize(
    "odd",
    [
        {"data": [], "error": "no such cursor"},
        {"data": None},
        {"data": [{"id": "x"}]},
        {"data": [{"id": "9999999"}], "pagination": {"cursor": "1"}},
        {"data": [{"id": "9999999"}], "pagination": {"cursor": "9999999"}},  # it does not join the page before
    ],
    ids=json.dumps,
)
def test_a_guess_that_is_of_no_use_is_asked_for_again(odd: dict[str, Any], flavour: Flavour) -> None:
    service = by_number(200)
    true = {None, *(str(70 * number) for number in range(1, 21))}

    def answer(query: dict[str, str]) -> Any:
        return service(query) if query.get("cursor") in true else odd

    with serving(answer) as server:
        pages = flavour.pages(server.url, client=CLIENT, per_page=10, prefetch=4)
    assert [contact.id for page in pages for contact in page.data] == service.ids
    assert len(server.asked) <= 40  # it is soon given up


def test_a_guess_that_was_answered_before_a_record_came_is_not_used(flavour: Flavour) -> None:
    service = by_number(200)
    true = {None, *(str(70 * number) for number in range(1, 21))}

    def answer(query: dict[str, str]) -> Any:
        cursor = query.get("cursor")
        return service(query if cursor in true else {**query, "cursor": str(int(cursor or 0) + 7)})

    found, error = outcome(flavour, answer, per_page=10, prefetch=4)
    assert (found, error) == (service.ids, None)
    assert len(service.answers) <= 40


def test_the_end_is_proven_as_ever(flavour: Flavour) -> None:
    """A last page that is full, and has records behind it."""
    service = by_number(100)

    def answer(query: dict[str, str]) -> Any:
        page = service(query)
        if page["data"] and int(page["data"][0]["id"]) > 300:
            page["pagination"] = {}
        return page

    with serving(answer) as server, pytest.raises(payt.InvalidResponseError, match="records behind its end"):
        flavour.contacts(server.url, client=CLIENT, per_page=10, prefetch=8)


def test_leaving_ends_what_was_asked_for_ahead() -> None:
    blocked = threading.Event()
    service = by_number(1_000)

    def answer(query: dict[str, str]) -> Any:
        if "cursor" in query and int(query["cursor"]) > 100:
            blocked.wait(60)
        return service(query)

    with serving(answer) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        for _ in client.contacts.list(administration_id="1", per_page=10, prefetch=8):
            assert eventually(lambda: len(server.asked) > 3 or not workers())
            break
        pages = client.contacts.list(administration_id="1", per_page=10, prefetch=8).pages()
        next(pages)
        next(pages)
        assert eventually(lambda: len(workers()) > 2)
        pages.close()
        assert eventually(lambda: not workers())
        blocked.set()


def test_where_no_more_threads_start_it_is_page_after_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a program that is ending."""

    starts = itertools.count()

    def start(task: Any) -> Worker:
        if next(starts):  # but for the one that reads ahead
            raise RuntimeError("can't start new thread at interpreter shutdown")
        return Worker(task)

    monkeypatch.setattr("payt.listing.executors.Worker", start)
    service = by_number(100)
    found, error = outcome(Sync(), service, per_page=10, prefetch=8)
    assert (found, error) == (service.ids, None)
    assert len(service.answers) == 11


def test_many_administrations_are_read_ahead_each() -> None:
    service = by_number(100)
    with serving(service) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        found: dict[str, list[Any]] = {"a": [], "b": [], "c": []}
        for name, contact in client.contacts.list_many(
            administration_ids=[*found], per_page=10, prefetch=4, concurrency=2
        ):
            found[name].append(contact.id)
    assert list(found.values()) == [service.ids] * 3
    assert len(server.asked) > 33


def test_a_transport_that_tells_no_latency_is_read_page_after_page() -> None:
    service = by_number(100)

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=service(dict(request.url.params)))

    with payt.Client("t", base_url="http://127.0.0.1", transport=httpx.MockTransport(answer), **CLIENT) as client:
        found = [contact.id for contact in client.contacts.list(administration_id="1", per_page=10, prefetch=8)]
    assert found == service.ids
    assert len(service.answers) == 11
