"""Credentials as arguments and from the environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import payt
from payt.credentials.caches import cache_of
from payt.testing import FakePayt
from support.flavours import Flavour
from support.quick import QUICK

KEEP = 3


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePayt]:
    with FakePayt(contacts=KEEP) as server:
        monkeypatch.setenv("PAYT_BASE_URL", server.url)
        yield server


@pytest.fixture
def application(fake: FakePayt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_CLIENT_ID", fake.oauth.client_id)
    monkeypatch.setenv("PAYT_CLIENT_SECRET", fake.oauth.client_secret)


def listed(flavour: Flavour, fake: FakePayt) -> int:
    return len(flavour.contacts(fake.url, None, client=QUICK))


def test_a_token_goes_before_everything(
    fake: FakePayt, application: None, monkeypatch: pytest.MonkeyPatch, flavour: Flavour
) -> None:
    monkeypatch.setenv("PAYT_TOKEN", fake.token)
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", "not looked at")
    assert listed(flavour, fake) == KEEP
    assert fake.oauth.refreshes == fake.oauth.client_credentials == 0


def test_an_application_by_itself(fake: FakePayt, application: None, flavour: Flavour) -> None:
    assert listed(flavour, fake) == listed(flavour, fake) == KEEP
    assert (fake.oauth.client_credentials, fake.oauth.refreshes) == (1, 0)


def test_a_refresh_token_makes_it_a_persons_login_and_then_the_store_does(
    fake: FakePayt, application: None, monkeypatch: pytest.MonkeyPatch, flavour: Flavour
) -> None:
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", fake.oauth.issue()["refresh_token"])
    assert listed(flavour, fake) == KEEP
    monkeypatch.delenv("PAYT_REFRESH_TOKEN")
    fake.oauth.expire()
    assert listed(flavour, fake) == KEEP
    assert (fake.oauth.client_credentials, fake.oauth.refreshes) == (0, 2)


def test_a_refresh_token_in_the_environment_is_also_for_who_says_the_rest(
    fake: FakePayt, monkeypatch: pytest.MonkeyPatch, flavour: Flavour
) -> None:
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", fake.oauth.issue()["refresh_token"])
    who = payt.AuthorizationCode(fake.oauth.client_id, fake.oauth.client_secret, payt.MemoryTokenStore())
    assert len(flavour.contacts(fake.url, who, client=QUICK)) == KEEP
    assert fake.oauth.refreshes == 1


def test_an_applications_own_access_takes_nothing_of_a_persons_login_from_the_environment(
    fake: FakePayt, monkeypatch: pytest.MonkeyPatch, flavour: Flavour
) -> None:
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", fake.oauth.issue()["refresh_token"])
    monkeypatch.setenv("PAYT_ACCOUNT", "acme")
    own = payt.ClientCredentials(fake.oauth.client_id, fake.oauth.client_secret)
    assert len(flavour.contacts(fake.url, own, client=QUICK)) == KEEP
    assert (fake.oauth.client_credentials, fake.oauth.refreshes) == (1, 0)


def test_without_anything_the_ways_are_listed() -> None:
    with pytest.raises(ValueError, match="no credentials") as caught:
        payt.Client()
    for way in ("payt.StaticToken", "payt login", "payt.ClientCredentials", "PAYT_TOKEN", "PAYT_CLIENT_ID"):
        assert way in str(caught.value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [("PAYT_CLIENT_ID", "PAYT_CLIENT_SECRET"), ("PAYT_CLIENT_SECRET", "PAYT_CLIENT_ID")],
)
def test_half_an_application_is_an_error(given: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(given, "something")
    with pytest.raises(ValueError, match=f"{given} is set in the environment, but {missing} is not"):
        payt.Client()


def test_a_stored_login_that_cannot_be_read_is_reported(fake: FakePayt, application: None) -> None:
    store = payt.FileTokenStore()
    key = cache_of(payt.AuthorizationCode(fake.oauth.client_id, "any", store), httpx.URL(fake.url)).key
    store.save(key, payt.Token("a"))
    (store.path / f"{key}.json").write_text("{")
    with pytest.raises(payt.TokenError, match=key):
        payt.Client()


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no id": ({"client_id": ""}, ValueError, "client_id must not be empty"),
    "an id that is none": ({"client_id": 5}, TypeError, "client_id must be a string, got int"),
    "a line end": ({"client_secret": "hidden\n"}, ValueError, "client_secret must not be empty, nor begin or end"),
    "no store": ({"store": "a path"}, TypeError, "store must have the methods load, save, delete and lock"),
    "a margin that is none": ({"refresh_early": "60"}, TypeError, "refresh_early must be a number"),
    "a truth as margin": ({"refresh_early": True}, TypeError, "refresh_early must be a number"),
    "an endless margin": ({"refresh_early": float("inf")}, ValueError, "refresh_early must be 0 or more and finite"),
    "a margin of centuries": ({"refresh_early": 1e10}, ValueError, "refresh_early must be at most 1000000000 seconds"),
}


@pytest.mark.parametrize("kind", [payt.ClientCredentials, payt.AuthorizationCode], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(("settings", "error", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_named(kind: Any, settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        kind(**{"client_id": "id", "client_secret": "secret", **settings})
    assert "hidden" not in str(caught.value)


def test_other_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="scope must not be empty"):
        payt.ClientCredentials("id", "secret", scope=" ")
    with pytest.raises(ValueError, match="refresh_token must not be empty"):
        payt.AuthorizationCode("id", "secret", refresh_token="")
    with pytest.raises(TypeError, match="ClientCredentials, AuthorizationCode, a callable"):
        payt.Client(5)  # type: ignore[arg-type]


def test_an_empty_refresh_token_in_the_environment_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", "")
    payt.Client(payt.AuthorizationCode("id", "secret"), **QUICK)
