"""A process killed at any moment leaves a store that is whole, and a login that is good."""

from __future__ import annotations

import random
import time
from functools import partial

import attrs
import pytest

import payt
from oauth_server.launch import OAuthServer
from support.quick import QUICK

from .conftest import Person
from .processes import lister
from .waiting import until


def asks_again(server: OAuthServer, before: int) -> bool:
    return server.counts().refresh.requests > before


def check_kills(server: OAuthServer, person: payt.AuthorizationCode, kills: int) -> None:
    # The server takes the token before the last one as well, for a while: between its answer and the moment when the
    # token is kept nobody else can know it. Tokens live long, so that a repeated answer holds a token that is good.
    server.set(expires_in=600, grace_period=600)
    store = person.store
    assert isinstance(store, payt.FileTokenStore)
    restless = attrs.evolve(person, refresh_early=599.9)
    moments = random.Random(1)
    with (
        lister(server.url, person) as survivor,
        payt.Client(person, base_url=server.url, rate_limit=None, **QUICK) as client,
    ):
        assert survivor.said() == "ready"
        for _ in range(kills):
            with lister(server.url, restless) as victim:
                assert victim.said() == "ready"
                before = server.counts().refresh.requests
                victim.tell("on")
                survivor.tell("once")
                until(partial(asks_again, server, before))
                time.sleep(moments.uniform(0, 0.2))  # anywhere in its next refreshes
                victim.kill()
            assert survivor.said() == "7"
            for file in store.path.glob("*.json"):
                assert store.load(file.stem) is not None  # whole, or it raises
            assert len(list(client.contacts.list(administration_id="1"))) == 7
    counts = server.counts()
    assert (counts.refresh.refused, counts.refresh.failed) == (0, 0)
    assert counts.refresh.succeeded >= kills  # they were at it


def test_a_killed_process_leaves_tokens_that_are_good(server: OAuthServer, person: Person) -> None:
    check_kills(server, person(), 2)


@pytest.mark.soak
def test_fifty_killed_processes_leave_tokens_that_are_good(server: OAuthServer, person: Person) -> None:
    check_kills(server, person(), 50)
