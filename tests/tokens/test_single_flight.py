"""However many need a token at the same moment, one asks for it; the server's own count shows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import attrs
import pytest

import payt
from oauth_server.launch import OAuthServer
from support.quick import QUICK

from .conftest import Person
from .processes import Lister, lister

THREADS, TASKS = 8, 100
LISTED = 7


async def list_in_tasks(url: str, person: payt.AuthorizationCode, tasks: int) -> list[int]:
    async with payt.AsyncClient(person, base_url=url, rate_limit=None, **QUICK) as client:

        async def listed() -> int:
            return len([contact async for contact in client.contacts.list(administration_id="1")])

        return list(await asyncio.gather(*(listed() for _ in range(tasks))))


class Crowd:
    """Threads, tasks and processes that share a login."""

    def __init__(self, url: str, person: payt.AuthorizationCode, processes: list[Lister]) -> None:
        self._url = url
        self._person = person
        self._processes = processes

    def list_at_once(self) -> list[str]:
        """What each of them listed."""
        with (
            payt.Client(self._person, base_url=self._url, rate_limit=None, **QUICK) as client,
            ThreadPoolExecutor(THREADS + 1) as pool,
        ):
            for process in self._processes:
                process.tell("once")
            in_tasks = pool.submit(lambda: asyncio.run(list_in_tasks(self._url, self._person, TASKS)))
            in_threads = [
                pool.submit(lambda: len(list(client.contacts.list(administration_id="1")))) for _ in range(THREADS)
            ]
            said = [process.said() for process in self._processes]
            return [*said, *map(str, in_tasks.result()), *(str(listed.result()) for listed in in_threads)]


@contextmanager
def crowd(url: str, person: payt.AuthorizationCode, number: int) -> Iterator[Crowd]:
    with ExitStack() as stack:
        processes = [stack.enter_context(lister(url, person)) for _ in range(number)]
        assert [process.said() for process in processes] == ["ready"] * number
        yield Crowd(url, person, processes)


def check_expiries(server: OAuthServer, person: payt.AuthorizationCode, expiries: int, processes: int) -> None:
    with crowd(server.url, person, processes) as everybody:
        for expiry in range(1, expiries + 1):
            assert everybody.list_at_once() == [str(LISTED)] * (processes + TASKS + THREADS)
            counts = server.counts()
            assert (counts.refresh.succeeded, counts.refresh.refused, counts.reused) == (expiry, 0, 0)
            server.revoke()


def test_threads_tasks_and_processes_refresh_once_an_expiry(server: OAuthServer, person: Person) -> None:
    check_expiries(server, person(), 2, processes=2)


@pytest.mark.soak
def test_threads_tasks_and_processes_refresh_once_an_expiry_a_dozen_times(server: OAuthServer, person: Person) -> None:
    check_expiries(server, person(), 12, processes=6)


@pytest.mark.soak
@pytest.mark.real_time
def test_tokens_of_two_seconds_are_renewed_once_each(server: OAuthServer, person: Person) -> None:
    server.set(expires_in=2)
    began = time.monotonic()
    with crowd(server.url, person(), 6) as everybody:
        while server.counts().refresh.succeeded < 12:
            assert everybody.list_at_once() == [str(LISTED)] * (6 + TASKS + THREADS)
    counts = server.counts()
    assert (counts.refresh.refused, counts.refresh.failed, counts.reused) == (0, 0, 0)
    assert len(set(counts.refresh_tokens)) == counts.refresh.succeeded
    assert counts.refresh.succeeded <= time.monotonic() - began + 1  # a token is good for a second at the least


def test_two_clients_that_keep_their_tokens_in_the_same_folder_refresh_once(
    server: OAuthServer, person: Person
) -> None:
    one = person()
    assert isinstance(one.store, payt.FileTokenStore)
    other = attrs.evolve(one, store=payt.FileTokenStore(one.store.path))
    for who in (one, other):
        with payt.Client(who, base_url=server.url, **QUICK) as client:
            assert len(list(client.contacts.list(administration_id="1"))) == LISTED
    assert server.counts().refresh.requests == 1
