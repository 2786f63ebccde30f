"""Several logins to one application: none is used in place of another, and none is replaced without a word."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from click.testing import CliRunner

import payt
from payt.cli.app import app
from payt.credentials.caches import cache_of, key_of
from support.flavours import Flavour, Sync
from support.quick import QUICK

from .strict_server import StrictServer

API = httpx.URL("https://api.example")


@pytest.fixture
def server() -> Iterator[StrictServer]:
    with StrictServer() as running:
        yield running


@pytest.fixture(params=["memory", "files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> payt.TokenStore:
    return payt.MemoryTokenStore() if request.param == "memory" else payt.FileTokenStore(tmp_path / "tokens")


@pytest.fixture
def who(store: payt.TokenStore) -> payt.AuthorizationCode:
    return payt.AuthorizationCode("id", "secret", store)


def listed(server: StrictServer, flavour: Flavour, who: payt.AuthorizationCode | None) -> str:
    """Whose contacts were listed."""
    flavour.contacts(server.url, who, client=QUICK)
    return server.lists[-1]


def stored(server: StrictServer, who: payt.AuthorizationCode) -> payt.Token:
    cache = cache_of(who, httpx.URL(server.url))
    token = cache.store.load(cache.key)
    assert token is not None
    return token


def test_a_login_without_a_name_has_the_key_that_it_always_had() -> None:
    assert key_of(API, "id", "authorization_code") == (
        "api.example-authorization_code-" + "1fc43b75d5764585650c37840d2b5316c0c7ae67"
    )


def test_names_make_different_keys() -> None:
    keys = [
        key_of(API, "id", "authorization_code", None, account)
        for account in (None, "acme", "Acme", "a", "ünicode / 漢字", "account")
    ]
    keys.append(key_of(API, "id", "authorization_code", "account acme"))
    keys.append(key_of(API, "id", "client_credentials", "acme"))
    assert len({*keys}) == len(keys)
    for key in keys:
        assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_")
        assert len(key) <= 120


def test_two_customers_with_names_have_two_logins(
    server: StrictServer, flavour: Flavour, who: payt.AuthorizationCode
) -> None:
    for name in ("a", "b"):
        server.login(name)
    logins = {name: attrs.evolve(who, account=name, refresh_token=server.valid[name]) for name in ("a", "b")}
    for _ in range(2):
        for name, login in logins.items():
            assert listed(server, flavour, login) == name
        server.expire()
    assert (server.renewals, server.reused) == (4, 0)


def test_a_refresh_token_of_another_login_is_an_error_and_not_swallowed(
    server: StrictServer, flavour: Flavour, who: payt.AuthorizationCode
) -> None:
    first = attrs.evolve(who, refresh_token=server.login("a"))
    second = attrs.evolve(who, refresh_token=server.login("b"))
    assert listed(server, flavour, first) == "a"
    for _ in range(2):
        with pytest.raises(payt.TokenError, match=r"the stored login started with another .* than yours, .*account="):
            flavour.contacts(server.url, second, client=QUICK)
    assert "b" not in server.lists
    assert server.renewals == 2  # to see whether the stored one works, and once only
    assert listed(server, flavour, first) == "a"
    assert listed(server, flavour, attrs.evolve(who, refresh_token=None)) == "a"
    assert server.reused == 0


def test_a_login_that_is_forgotten_makes_room_for_another(
    server: StrictServer, flavour: Flavour, who: payt.AuthorizationCode, store: payt.TokenStore
) -> None:
    logins = {name: attrs.evolve(who, account="acme", refresh_token=server.login(name)) for name in ("a", "b")}
    assert listed(server, flavour, logins["a"]) == "a"
    with pytest.raises(payt.TokenError, match=r"payt logout \(in Python: payt.logout, with the same store\)"):
        flavour.contacts(server.url, logins["b"], client=QUICK)
    assert not payt.logout("id", base_url=server.url, store=store)  # the login without a name
    with payt.Client(logins["a"], base_url=server.url, **QUICK) as client:
        assert payt.logout("id", base_url=server.url, store=store, account="acme")
        assert not payt.logout("id", base_url=server.url, store=store, account="acme")
        with pytest.raises(payt.LoginRequiredError):  # a client that runs uses nothing that was forgotten
            client.contacts.list(administration_id="1").first()
    assert listed(server, flavour, logins["b"]) == "b"


def test_logging_out_needs_a_client_id(monkeypatch: pytest.MonkeyPatch, store: payt.TokenStore) -> None:
    with pytest.raises(ValueError, match="logout\\(\\) needs client_id"):
        payt.logout(store=store)
    monkeypatch.setenv("PAYT_CLIENT_ID", "id")
    monkeypatch.setenv("PAYT_ACCOUNT", "acme")
    assert not payt.logout(store=store, base_url="https://api.example")


def test_the_refresh_token_that_a_login_began_with_may_stay_where_it_is(
    server: StrictServer, flavour: Flavour, who: payt.AuthorizationCode
) -> None:
    login = attrs.evolve(who, refresh_token=server.login("a"))
    for _ in range(3):
        assert listed(server, flavour, login) == "a"
        server.expire()
    assert (server.renewals, server.reused) == (3, 0)


def test_a_fresh_refresh_token_is_tried_when_the_stored_login_is_refused(
    server: StrictServer, flavour: Flavour, who: payt.AuthorizationCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container nobody can log in."""
    spent = server.login("a")
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", spent)
    assert listed(server, flavour, who) == "a"
    server.end("a")
    with pytest.raises(payt.LoginRequiredError, match="somebody must log in again"):
        flavour.contacts(server.url, who, client=QUICK)
    assert stored(server, who).refused
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", server.login("b"))
    assert listed(server, flavour, who) == "b"
    assert not stored(server, who).refused
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", spent)  # was given before: it says nothing new
    server.expire()
    assert listed(server, flavour, who) == "b"


def test_a_refused_refresh_token_is_sent_once_in_a_process(
    server: StrictServer, flavour: Flavour, who: payt.AuthorizationCode
) -> None:
    """With a client for each job, and until the store holds another one."""
    first = attrs.evolve(who, refresh_token=server.login("a"))
    assert listed(server, flavour, first) == "a"
    server.login("a")  # somewhere else: that ends this one
    server.expire()
    for _ in range(3):
        with pytest.raises(payt.LoginRequiredError, match="somebody must log in again"):
            flavour.contacts(server.url, first, client=QUICK)
        gc.collect()
        assert server.reused == 1
    cache = cache_of(who, httpx.URL(server.url))
    cache.store.save(cache.key, payt.Token("old", server.login("b"), expires_at=1.0))
    assert listed(server, flavour, who) == "b"


def test_a_fresh_refresh_token_is_tried_even_where_nobody_noticed_the_refusal(
    server: StrictServer, flavour: Flavour, who: payt.AuthorizationCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", server.login("a"))
    assert listed(server, flavour, who) == "a"
    server.end("a")
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", server.login("b"))
    assert listed(server, flavour, who) == "b"


def test_a_login_of_an_earlier_version_goes_on(
    server: StrictServer, flavour: Flavour, who: payt.AuthorizationCode
) -> None:
    """It took no note of what it began with."""
    cache = cache_of(who, httpx.URL(server.url))
    cache.store.save(cache.key, payt.Token("old", server.login("a"), expires_at=1.0))
    assert listed(server, flavour, attrs.evolve(who, refresh_token="whatever-it-was")) == "a"
    assert stored(server, who).origins is None


def test_files_of_an_earlier_version_are_read_and_a_later_one_reads_ours(tmp_path: Path) -> None:
    store = payt.FileTokenStore(tmp_path)
    tmp_path.chmod(0o700)
    old = '{"format":"payt-token-1","token":{"access_token":"a","refresh_token":"r","scope":null,'
    (tmp_path / "key.json").write_text(old + '"obtained_at":1.0,"expires_at":2.0}}')
    (tmp_path / "key.json").chmod(0o600)
    assert store.load("key") == payt.Token("a", "r", None, 1.0, 2.0)
    (tmp_path / "key.json").write_text(old + '"obtained_at":1.0,"expires_at":2.0,"of_a_later_version":[1]}}')
    assert store.load("key") == payt.Token("a", "r", None, 1.0, 2.0)


def test_the_environment_names_the_login(
    server: StrictServer, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"BASE_URL": server.url, "CLIENT_ID": "id", "CLIENT_SECRET": "secret"}.items():
        monkeypatch.setenv(f"PAYT_{name}", value)
    for name in ("a", "b"):
        monkeypatch.setenv("PAYT_ACCOUNT", name)
        monkeypatch.setenv("PAYT_REFRESH_TOKEN", server.login(name))
        assert listed(server, flavour, None) == name
    monkeypatch.delenv("PAYT_REFRESH_TOKEN")
    for name in ("a", "b"):
        monkeypatch.setenv("PAYT_ACCOUNT", name)
        assert listed(server, flavour, None) == name
    monkeypatch.setenv("PAYT_ACCOUNT", "nobody")
    with pytest.raises(payt.LoginRequiredError, match="run payt login --account nobody"):
        flavour.contacts(server.url, None, client=QUICK)
    assert "application" not in server.lists


@pytest.mark.parametrize("account", ["", " a", 5])
def test_a_name_that_is_none_is_refused(account: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="account must"):
        payt.AuthorizationCode("id", "secret", account=account)


def test_the_commands_know_names(server: StrictServer, monkeypatch: pytest.MonkeyPatch, own_folder: Path) -> None:
    for name, value in {"BASE_URL": server.url, "CLIENT_ID": "id"}.items():
        monkeypatch.setenv(f"PAYT_{name}", value)
    store = payt.FileTokenStore()
    for account in (None, "acme"):
        cache = cache_of(payt.AuthorizationCode("id", "secret", store, account=account), httpx.URL(server.url))
        cache.store.save(cache.key, payt.Token(f"access-{account}", "r", f"scope-of-{account}"))
    own = cache_of(payt.ClientCredentials("id", "secret", store), httpx.URL(server.url))
    own.store.save(own.key, payt.Token("own", scope="scope-of-the-application"))

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, list(arguments), catch_exceptions=False)

    status = run("status").stdout
    assert "scope-of-None" in status
    assert "scope-of-the-application" in status
    assert "Tools that take both from the environment use the login.\n" in status
    assert "scope-of-acme" in run("status", "--account", "acme").stdout
    monkeypatch.setenv("PAYT_ACCOUNT", "acme")
    assert "A login of acme with the client id id" in run("status").stdout
    assert run("logout", "--yes").exit_code == 0
    gone = run("status", "--account", "acme")
    assert "scope-of-the-application" in gone.stdout
    assert "scope-of-acme" not in gone.stdout
    assert "Nobody is logged in" in gone.stdout  # who names a login does not mean the application
    assert gone.exit_code == 3
    assert len(list(own_folder.glob("*.json"))) == 2


def test_a_second_login_by_the_command_says_what_it_replaces(server: StrictServer, own_folder: Path) -> None:
    environment = {
        **os.environ,
        "PAYT_BASE_URL": server.url,
        "PAYT_CLIENT_ID": "id",
        "PAYT_CLIENT_SECRET": "secret",
    }

    def login(*arguments: str) -> str:
        command = [sys.executable, "-m", "payt.cli", "login", "--no-browser", *arguments]
        ended = subprocess.run(command, env=environment, input="no\n", capture_output=True, text=True, check=False)
        assert ended.returncode == 1
        return ended.stderr

    cache = cache_of(payt.AuthorizationCode("id", "secret"), httpx.URL(server.url))
    cache.store.save(cache.key, payt.Token("a", "r"))
    said = "this login replaces the stored one; to keep both, name one of them: --account (in Python: account=)\n"
    assert said in login()


def test_processes_with_names_share_nothing(server: StrictServer, tmp_path: Path) -> None:
    client = Path(__file__).with_name("strict_client.py")
    for name in ("a", "b"):
        environment = {"STRICT_URL": server.url, "STRICT_STORE": str(tmp_path / "tokens"), "STRICT_ACCOUNT": name}
        environment["STRICT_FIRST"] = server.login(name)
        command = [sys.executable, str(client)]
        ended = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
        assert (ended.stdout, server.lists[-1]) == (b"1\n", name)
        who = payt.AuthorizationCode("id", "secret", payt.FileTokenStore(tmp_path / "tokens"), account=name)
        assert listed(server, Sync(), who) == name
    assert (server.renewals, server.reused) == (2, 0)
