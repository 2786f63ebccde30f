"""Administrations side by side: under one pace, each page whole, and one error where it is one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sql.copying import CreateEngine, Syncs
from sql.truth import Query, rows, truth

import payt
from payt.sql import SyncError, SyncResult
from payt.sql.job import EndedError, Job
from payt.sql.turns import Turns
from payt.testing import FakePayt
from payt.transport.call import Abandoned, Cancel
from payt.transport.workers import Worker

MANY = {str(number): 5 + number for number in range(1, 7)}


@pytest.mark.everywhere
def test_they_are_listed_side_by_side_and_written_in_order(syncs: Syncs, database: str, query: Query) -> None:
    """Two requests meet: each waits for the other before it is sent."""
    both = threading.Barrier(2, timeout=60)

    def meddle(number: int) -> None:
        if number <= 2:
            both.wait()

    with FakePayt(administrations=MANY) as fake:
        blocking = "sync_blocking" in str(syncs)
        results = syncs(fake, database, [*MANY], per_page=4, meddle=meddle if blocking else None)
        assert [result.administration_id for result in results] == [*MANY]
        assert [result.inserted for result in results] == [*MANY.values()]
        for name in MANY:
            assert rows(query, name) == truth(fake, name)
        assert [result.unchanged for result in syncs(fake, database, [*MANY], full=True, concurrency=3)] == [
            *MANY.values()
        ]


def test_a_database_in_memory_is_written_in_the_thread_that_has_it(syncs: Syncs, create_engine: CreateEngine) -> None:
    engine = create_engine("sqlite://")
    with FakePayt(administrations=MANY) as fake:
        assert len(syncs(fake, engine, [*MANY], per_page=4)) == len(MANY)


def test_progress_is_told_page_by_page(syncs: Syncs, sqlite: str) -> None:
    told: list[tuple[str | None, int, bool]] = []

    def tell(result: SyncResult) -> None:
        told.append((result.administration_id, result.inserted, result.complete))

    with FakePayt(administrations={"1": 7, "2": 3}) as fake:
        syncs(fake, sqlite, ["1", "2"], per_page=4, on_progress=tell)
    assert [one for one in told if one[0] == "1"] == [("1", 4, False), ("1", 7, False), ("1", 7, True)]
    assert ("2", 3, True) in told


def test_a_refused_token_ends_the_run_once(syncs: Syncs, sqlite: str) -> None:
    names = [str(number) for number in range(1, 1_001)]
    with FakePayt(administrations={"1": 3}) as fake:
        fake.token = "another"
        with pytest.raises(SyncError, match=r"affects all administrations: 0 of 1000 were synced before") as caught:
            syncs(fake, sqlite, names, client={"retries": 0})
        assert isinstance(caught.value.__cause__, payt.AuthenticationError)
        assert [*caught.value.errors] == names
        assert {*caught.value.errors.values()} == {caught.value.__cause__}
        assert (caught.value.status, caught.value.request_id) == (401, caught.value.__cause__.request_id)
        assert len(str(caught.value)) < 1_000
        assert len(fake.requests) <= 8


def test_a_service_that_is_not_there_ends_the_run_once(syncs: Syncs, sqlite: str) -> None:
    names = [str(number) for number in range(1, 101)]
    with FakePayt(administrations=dict.fromkeys(names, 1)) as fake:
        fake.fail(500, times=None)
        with pytest.raises(SyncError, match="affects all administrations") as caught:
            syncs(fake, sqlite, names, client={"retries": 0})
        assert isinstance(caught.value.__cause__, payt.ServerError)
        assert {type(error) for error in caught.value.errors.values()} == {payt.ServerError}
        done = {result.administration_id for result in caught.value.results}
        assert caught.value.errors.keys() == {*names} - done
        assert len(fake.requests) <= 16


def test_what_one_administration_failed_by_itself_is_told_beside_what_ends_all(sqlite: str) -> None:
    with FakePayt(administrations={"1": 3, "2": 3}) as fake, payt.Client(fake.token, base_url=fake.url) as client:

        def revoke(result: SyncResult) -> None:
            if result.complete:
                fake.fail(401, times=None)

        with pytest.raises(SyncError, match="1 of 4 were synced before") as caught:
            payt.sync(client, ["9", "1", "2", "3"], sqlite, concurrency=1, on_progress=revoke)
        assert [result.administration_id for result in caught.value.results] == ["1"]
        kinds = {name: type(error) for name, error in caught.value.errors.items()}
    refused = payt.AuthenticationError
    assert kinds == {"9": payt.PermissionDeniedError, "2": refused, "3": refused}


def test_one_administration_that_the_service_fails_on_stops_no_other(
    syncs: Syncs, sqlite: str, query_sqlite: Query
) -> None:
    with FakePayt(administrations=MANY) as fake:
        with pytest.raises(SyncError, match=r"3 of 7 administrations failed: administration 9: ") as caught:
            syncs(fake, sqlite, ["1", "9", "2", "x", "3", "y", "4"], concurrency=2)
        assert {*caught.value.errors} == {"9", "x", "y"}
        assert [result.administration_id for result in caught.value.results] == ["1", "2", "3", "4"]


def test_a_message_names_a_few_of_many_errors(syncs: Syncs, sqlite: str) -> None:
    names = [f"no-{number}" for number in range(40)]
    with FakePayt(administrations={"1": 3}) as fake, pytest.raises(SyncError, match="and 37 more") as caught:
        syncs(fake, sqlite, ["1", *names])
    assert len(caught.value.errors) == 40
    assert len(str(caught.value)) < 2_000


def test_an_interrupt_ends_all_of_them_between_two_statements(
    sync: Syncs, sqlite: str, query_sqlite: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(result: SyncResult) -> None:
        if result.pages == 2:
            raise KeyboardInterrupt

    with FakePayt(administrations=MANY) as fake:
        with pytest.raises(KeyboardInterrupt):
            sync(fake, sqlite, [*MANY], per_page=3, on_progress=interrupt)
        assert all(len(rows(query_sqlite, name)) % 3 == 0 for name in MANY)
        sync(fake, sqlite, [*MANY])
        for name in MANY:
            assert rows(query_sqlite, name) == truth(fake, name)


def test_what_a_program_raises_in_its_progress_comes_out(syncs: Syncs, sqlite: str) -> None:
    def fail(_result: SyncResult) -> None:
        raise LookupError("mine")

    with FakePayt(administrations=MANY) as fake, pytest.raises(LookupError, match="mine"):
        syncs(fake, sqlite, [*MANY], on_progress=fail)


def test_nobody_waits_for_a_turn_that_never_comes() -> None:
    turns = Turns()
    ended: list[Any] = []

    def work() -> None:
        turns.do(ended.append, "first")
        raise LookupError

    with pytest.raises(LookupError):
        turns.run(work, 3)
    assert ended
    with pytest.raises(Abandoned):
        turns.do(ended.append, "late")


def test_ctrl_c_while_threads_start_leaves_none_of_them_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Worker] = []

    def start(task: Callable[[Cancel], None]) -> Worker:
        if len(started) == 2:
            raise KeyboardInterrupt
        started.append(Worker(task))
        return started[-1]

    monkeypatch.setattr("payt.sql.turns.Worker", start)  # the moment cannot be hit from outside
    turns = Turns()
    with pytest.raises(KeyboardInterrupt):
        turns.run(partial(turns.do, list), 3)
    for worker in started:
        worker.join(10)
    assert not any(worker.is_alive() for worker in started)


@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (101, ValueError), ("8", TypeError), (True, TypeError)], ids=str
)
def test_a_wrong_concurrency_is_told(fake: FakePayt, syncs: Syncs, sqlite: str, value: Any, error: type) -> None:
    with pytest.raises(error, match="concurrency must be"):
        syncs(fake, sqlite, concurrency=value)


def test_pages_that_are_asked_for_ahead_are_written_in_order(syncs: Syncs, sqlite: str, query_sqlite: Query) -> None:
    with FakePayt(contacts=60) as fake:
        for options in ({"prefetch": None}, {"prefetch": 16, "full": True}, {"prefetch": 0, "full": True}):
            [result] = syncs(fake, sqlite, per_page=4, **options)
            assert rows(query_sqlite) == truth(fake)
        assert (result.unchanged, result.inserted) == (60, 0)
        with pytest.raises(ValueError, match="prefetch must be 0 to 16"):
            syncs(fake, sqlite, prefetch=17)


def test_each_that_another_run_is_busy_with_is_told(sync: Syncs, database: str, query: Query) -> None:
    """One run has the first administration, and while it does another one has the second."""
    told: list[str] = []

    def inner(result: SyncResult) -> None:
        if result.pages == 1:
            with pytest.raises(SyncError, match="2 of 2 administrations failed") as caught:
                sync(fake, database, ["1", "2"])
            told.extend(type(error).__name__ for error in caught.value.errors.values())

    def outer(result: SyncResult) -> None:
        if result.pages == 1:
            sync(fake, database, "2", per_page=4, on_progress=inner)

    with FakePayt(administrations={"1": 7, "2": 7}) as fake:
        sync(fake, database, "1", per_page=4, on_progress=outer)
        assert told == ["BusyError", "BusyError"]
        assert (rows(query, "1"), rows(query, "2")) == (truth(fake, "1"), truth(fake, "2"))


def test_whoever_is_under_way_when_an_error_concerns_all_ends_as_well() -> None:
    nothing: Any = None
    job = Job(["1", "2"], nothing, nothing, lambda: None, None)
    with job.attempt("1"):
        raise payt.TokenError("no token")
    assert job.next() is None
    for end in (lambda: job.enter("2"), lambda: job.take(nothing, nothing), lambda: job.next_listing(nothing)):
        with pytest.raises(EndedError):
            end()
    with job.attempt("2"):  # which ends without a word of its own
        job.enter("2")
    with pytest.raises(SyncError, match=r"no token \(this affects all administrations: 0 of 2"):
        job.outcome()
