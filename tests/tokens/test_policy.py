"""The cases of `payt.credentials.cache`, one after the other, as its docstring lists them."""

from __future__ import annotations

import queue
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
import httpx
import pytest

import payt
from payt.credentials import cache as policy
from payt.credentials.cache import SAVING, TokenCache, kept
from payt.credentials.caches import cache_of
from payt.testing import SkippedWaits, skip_waits

URL = httpx.URL("https://api.example")
OLD = payt.Token("old", "refresh-old", None, 0.0, 1.0, origins=())


class World(payt.MemoryTokenStore):
    """A store and a token endpoint that write down what is done, and a cache between them."""

    base_url = URL

    def __init__(self, waits: SkippedWaits) -> None:
        super().__init__()
        self.waits = waits
        self.done: list[str] = []
        self.answers: list[payt.Token | payt.TokenError] = []
        self.failing = ""
        self.before: dict[str, Callable[[], object]] = {}
        self.grant: Any = payt.AuthorizationCode("id", "secret", self)

    @property
    def cache(self) -> TokenCache:
        self._cache = cache_of(self.grant, URL)
        return self._cache

    def _do(self, what: str) -> None:
        self.done.append(what)
        self.before.pop(what, bool)()
        if self.failing and re.fullmatch(self.failing, what):
            raise OSError(f"cannot {what}")

    def load(self, key: str) -> payt.Token | None:
        self._do("load")
        return super().load(key)

    def save(self, key: str, token: payt.Token) -> None:
        self._do(f"save {token.access_token or 'nothing'}")
        super().save(key, token)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        self._do("lock")
        with super().lock(key):
            yield

    def ask(self, body: Mapping[str, str], *, patient: bool) -> payt.Token:
        self._do(f"ask with {body.get('refresh_token')}")
        answer = self.answers.pop(0)
        if isinstance(answer, payt.TokenError):
            raise answer
        return answer

    def put(self, token: payt.Token) -> None:
        """As another process does."""
        payt.MemoryTokenStore.save(self, self.cache.key, token)

    def found(self) -> Any:
        self.done.clear()
        endpoint: Any = self
        return self.cache.search(self.grant, endpoint, True).result()

    def stored(self) -> payt.Token | None:
        return payt.MemoryTokenStore.load(self, self.cache.key)


def token(name: str) -> payt.Token:
    return payt.Token(name, f"refresh-{name}", None, time.time())


def refusal() -> payt.LoginRequiredError:
    error = payt.LoginRequiredError("refused")
    error.code = "invalid_grant"
    return error


def a_known_token_is_used(world: World) -> None:
    world.put(token("good"))
    world.found()
    world.done.clear()
    assert world.cache.ready(world.grant) == world.stored()
    assert world.done == []


def a_search_is_shared(world: World) -> None:
    world.put(token("good"))
    endpoint: Any = world
    found: queue.SimpleQueue[Any] = queue.SimpleQueue()
    search = partial(world.cache.search(world.grant, endpoint, True).begin, found.put)
    world.before["load"] = search
    search()
    assert [found.get(timeout=60), found.get(timeout=60)] == [world.stored()] * 2
    assert world.done == ["load"]


def what_another_process_stored_is_used(world: World) -> None:
    world.put(token("theirs"))
    assert world.found().access_token == "theirs"
    assert world.done == ["load"]


def what_another_process_stored_meanwhile_is_used(world: World) -> None:
    world.put(OLD)
    world.before["lock"] = lambda: world.put(token("theirs"))
    assert world.found().access_token == "theirs"
    assert world.done == ["load", "lock", "load"]


def what_is_stored_is_saved_once_more_before_the_new_one_is_asked_for(world: World) -> None:
    world.put(OLD)
    world.answers = [token("new")]
    assert world.found().access_token == "new"
    assert world.done == ["load", "lock", "load", "save old", "ask with refresh-old", "save new"]
    world.put(OLD)
    world.cache.refuse(token("new"))
    world.failing = "save old"
    assert "cannot save [secret]" in str(world.found())
    assert world.done == ["load", "lock", "load", "save old"]


def what_cannot_be_saved_is_saved_by_the_next_search(world: World) -> None:
    world.put(OLD)
    world.answers = [token("new")]
    world.failing = "save new"
    assert "the new token could not be saved: OSError: cannot save [secret]" in str(world.found())
    assert world.waits.seconds == [*SAVING]
    world.failing = ""
    assert world.found().access_token == "new"
    assert world.done == ["load", "lock", "load", "save new"]


def a_refusal_is_explained_by_another_process_or_tried_with_what_was_given(world: World) -> None:
    world.put(OLD)
    world.answers = [refusal()]
    world.before["ask with refresh-old"] = lambda: world.before.update(load=lambda: world.put(token("theirs")))
    assert world.found().access_token == "theirs"
    world.put(OLD)
    world.cache.refuse(token("theirs"))
    world.grant = attrs.evolve(world.grant, refresh_token="given")
    world.answers = [refusal(), token("new")]
    assert world.found().access_token == "new"
    assert world.waits.seconds == [*policy.REREADING]
    assert [each for each in world.done if each != "load"] == [
        "lock",
        "save old",
        "ask with refresh-old",
        "save old",  # as one that is known to be refused
        "save old",
        "ask with given",
        "save new",
    ]
    world.cache.refuse(token("new"))
    world.answers = [refusal()]
    assert isinstance(world.found(), payt.LoginRequiredError)
    stored = world.stored()
    assert stored is not None
    assert stored.refused
    world.waits.seconds.clear()
    assert str(world.found()) == "refused"  # what was sent once is not sent again, nor waited for
    assert [each for each in world.done if each != "load"] == ["lock"]
    assert world.waits.seconds == []
    world.answers = [refusal()]
    world.grant = attrs.evolve(world.grant, client_secret="another")  # which may have been what was wrong
    assert isinstance(world.found(), payt.LoginRequiredError)
    assert world.answers == []
    world.put(payt.Token("old", "refresh-newer", None, 0.0, 1.0))
    world.answers = [token("new")]
    assert world.found().access_token == "new"


def a_renewal_that_fails_early_is_put_off(world: World) -> None:
    now = time.time()
    world.put(payt.Token("due", "refresh-due", None, now - 7_000, now + 30))
    world.answers = [payt.TokenError("away")]
    assert world.found().access_token == "due"
    assert world.done == ["load", "lock", "load", "save due", "ask with refresh-due"]
    assert world.cache.ready(world.grant) == world.stored()
    world.waits.sleep(policy.PATIENCE)
    assert world.cache.ready(world.grant) is None


def a_login_that_began_otherwise_is_renewed_and_then_refused(world: World) -> None:
    world.put(OLD)
    world.grant = attrs.evolve(world.grant, refresh_token="given")
    world.answers = [token("theirs")]
    for asked in (1, 0):
        assert "started with another refresh token than yours" in str(world.found())
        assert world.done.count("ask with refresh-old") == asked
    stored = world.stored()
    assert stored is not None
    assert stored.access_token == "theirs"


def an_application_does_without_a_store(world: World) -> None:
    world.grant = payt.ClientCredentials("id", "secret", world)
    world.answers = [token("own"), token("next")]
    world.failing = "load|lock|save .*"
    assert world.found().access_token == "own"
    kept = world.cache.ready(world.grant)
    assert kept is not None
    assert (kept.access_token, world.waits.seconds) == ("own", [])
    for _request in ("one", "another with the same token"):
        world.cache.refuse(kept)
    assert world.found().access_token == "next"
    world.failing = ""
    world.put(OLD)
    world.cache.refuse(token("next"))
    world.answers = [refusal(), token("later")]
    assert isinstance(world.found(), payt.LoginRequiredError)  # it spends nothing, and may be asked again
    assert world.found().access_token == "later"
    assert world.waits.seconds == []


CASES = {
    "1": a_known_token_is_used,
    "2": a_search_is_shared,
    "3a": what_another_process_stored_is_used,
    "3b": what_another_process_stored_meanwhile_is_used,
    "3c": what_is_stored_is_saved_once_more_before_the_new_one_is_asked_for,
    "3d": what_cannot_be_saved_is_saved_by_the_next_search,
    "3e": a_refusal_is_explained_by_another_process_or_tried_with_what_was_given,
    "3f": a_renewal_that_fails_early_is_put_off,
    "3g": a_login_that_began_otherwise_is_renewed_and_then_refused,
    "3h": an_application_does_without_a_store,
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_policy(case: Callable[[World], None]) -> None:
    with skip_waits() as waits:
        case(World(waits))
    kept.clear()


def test_every_case_of_the_docstring_is_in_the_table() -> None:
    numbers = re.findall(r"^ (\d)\. |^    ([a-z])\. ", policy.__doc__ or "", flags=re.MULTILINE)
    assert [number or f"3{letter}" for number, letter in numbers] == [*list(CASES)[:2], "3", *list(CASES)[2:]]
