"""Around credentials: how they travel, folders that are odd, what is said once, what the commands tell."""

from __future__ import annotations

import functools
import logging
import os
import pickle
import pwd
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import keyring.backends.null
import pytest
from click.testing import CliRunner

import payt
from payt.cli.app import app
from payt.credentials.caches import cache_of
from payt.credentials.stores import said
from payt.environments import DEMO, PRODUCTION
from support.flavours import Flavour
from support.quick import QUICK

from .strict_server import StrictServer

TOKEN = payt.Token("access-one", "refresh-one", "contacts:read", 1_000.0, 8_200.0)


@pytest.fixture
def server() -> Iterator[StrictServer]:
    with StrictServer() as running:
        yield running


def token_of(account: str) -> str:
    """A function of a module."""
    return os.environ[f"TOKEN_OF_{account}"]


# Credentials that travel


def test_clients_with_other_options_share_a_login_and_close_by_themselves(server: StrictServer) -> None:
    """A refresh token is good for one use: only one of them may use it."""
    login = payt.AuthorizationCode("id", "secret", payt.MemoryTokenStore(), refresh_token=server.login())
    with payt.Client(login, base_url=server.url, trust_env=False) as client:
        with client.with_options(total_timeout=60) as other:
            assert len(list(other.contacts.list(administration_id="1"))) == 1
            assert len(list(client.contacts.list(administration_id="1"))) == 1
            server.expire()
            assert len(list(client.contacts.list(administration_id="1"))) == 1
            assert len(list(other.contacts.list(administration_id="1"))) == 1
        assert len(list(client.contacts.list(administration_id="1"))) == 1
    assert (server.renewals, server.reused) == (2, 0)


@pytest.mark.parametrize(
    "credentials", [payt.EnvToken("TOKEN_OF_acme"), functools.partial(token_of, "acme")], ids=["EnvToken", "partial"]
)
def test_credentials_travel_by_reference(
    server: StrictServer, credentials: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.login("acme")
    monkeypatch.setenv("TOKEN_OF_acme", server.access("acme"))
    with payt.Client(credentials, base_url=server.url, trust_env=False) as client:
        pickled = pickle.dumps(client.contacts.list(administration_id="1"))
    assert server.access("acme").encode() not in pickled
    assert len(list(pickle.loads(pickled))) == 1
    assert server.lists == ["acme"]


def test_a_variable_is_read_anew_for_each_request(
    server: StrictServer, monkeypatch: pytest.MonkeyPatch, flavour: Flavour
) -> None:
    credentials = payt.EnvToken("OUR_TOKEN")
    for name in ("a", "b"):
        monkeypatch.setenv("OUR_TOKEN", server.access(name))
        flavour.contacts(server.url, credentials, client=QUICK)
    assert server.lists == ["a", "b"]
    assert repr(credentials) == "EnvToken(name='OUR_TOKEN')"


@pytest.mark.parametrize(
    ("value", "message"), [("", "OUR_TOKEN is not set"), ("a b", "OUR_TOKEN contains white space")]
)
def test_a_variable_without_a_token_is_told_at_once(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    monkeypatch.setenv("OUR_TOKEN", value)
    with pytest.raises(ValueError, match=message):
        payt.Client(payt.EnvToken("OUR_TOKEN"))
    with pytest.raises(ValueError, match="name must not be empty"):
        payt.EnvToken("")
    with pytest.raises(TypeError, match="name must be a string"):
        payt.EnvToken(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("token", ["e30.e30.c2ln", "0f3c9a", "c2lnbmF0dXJl"])
def test_a_token_in_the_place_of_a_variable_is_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match="variable") as caught:
        payt.Client(payt.EnvToken(token))
    assert token not in str(caught.value)


def test_a_function_of_the_script_is_refused_while_pickling() -> None:
    program = """
import functools, pickle, payt

def token():
    return "secret"

for credentials in (token, functools.partial(token)):
    try:
        pickle.dumps(payt.Client(credentials))
    except TypeError as error:
        print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    said = (
        "token is defined in the script that was started, where other processes cannot find it: move it to a module\n"
    )
    assert run.stdout == said * 2


def test_the_same_seen_from_within(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_of, "__module__", "__main__")
    with pytest.raises(TypeError, match="token_of is defined in the script that was started"):
        pickle.dumps(payt.Client(functools.partial(token_of, "acme"), **{**QUICK, "verify": True}))


def test_a_transport_for_tokens_does_not_travel() -> None:
    client = payt.Client(payt.AuthorizationCode("id", "secret"), token_transport=httpx.HTTPTransport(verify=False))
    with pytest.raises(TypeError, match="a transport of its own cannot be pickled"):
        pickle.dumps(client)


# An application without a place for its token


@pytest.mark.parametrize("way", ["a folder that is a file", "no home", "a lock that fails", "a save that fails"])
def test_an_application_goes_on_in_memory_and_says_so_once(
    server: StrictServer,
    flavour: Flavour,
    way: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").touch()
    own = payt.ClientCredentials("id", f"secret {flavour.name} {way}")
    if way == "a folder that is a file":
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / f"file{flavour.name}"))
        (tmp_path / f"file{flavour.name}").touch()
    elif way == "no home":
        monkeypatch.setattr("platformdirs.user_data_path", lambda *_arguments, **_settings: Path("~/.local/share/payt"))
    else:
        own = attrs.evolve(own, store=Broken("lock" if "lock" in way else "save"))
    with payt.Client(own, base_url=server.url, **QUICK) as client:  # a long-lived one
        for _ in range(2):
            assert len(list(client.contacts.list(administration_id="1"))) == 1
        server.expire()
        assert len(list(client.contacts.list(administration_id="1"))) == 1
    assert len(flavour.contacts(server.url, own, client=QUICK)) == 1
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1
    assert "there is no home" in said[0] or "the application's token cannot be stored, so each process" in said[0]
    assert not (Path.cwd() / "~").exists()


class Broken(payt.MemoryTokenStore):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def lock(self, key: str) -> Any:
        if self.what == "lock":
            raise OSError("no locks here")
        return super().lock(key)

    def save(self, key: str, token: payt.Token) -> None:
        raise OSError("no room here")

    def load(self, _key: str) -> None:
        return None


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said.clear()


def test_an_application_of_the_environment_goes_on_without_a_home(
    server: StrictServer, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_arguments, **_settings: Path("~/.local/share/payt"))
    for name, value in {"BASE_URL": server.url, "CLIENT_ID": "id", "CLIENT_SECRET": f"s-{flavour.name}"}.items():
        monkeypatch.setenv(f"PAYT_{name}", value)
    assert len(flavour.contacts(server.url, None, client=QUICK)) == 1


# Folders that are odd


posix = pytest.mark.skipif(os.name != "posix", reason="Windows keeps the user's folders private by itself")
as_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a folder away")


@as_root
def test_a_volume_that_another_user_owns_works_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As with emptyDir, and fsGroup."""
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "lost+found").mkdir()
    volume.chmod(0o2777)
    os.chown(volume, 12345, 12345)
    store = payt.FileTokenStore(volume)
    for token in (TOKEN, attrs.evolve(TOKEN, access_token="two")):
        with store.lock("key"):
            store.save("key", token)
        assert store.load("key") == token
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"tokens: {volume} belongs to another user"
    ]


@posix
def test_a_volume_of_our_own_with_what_its_file_system_made_is_closed(tmp_path: Path) -> None:
    (tmp_path / "volume" / "lost+found").mkdir(parents=True)
    (tmp_path / "volume").chmod(0o755)
    payt.FileTokenStore(tmp_path / "volume").save("key", TOKEN)
    assert (tmp_path / "volume").stat().st_mode & 0o777 == 0o700


@as_root
def test_a_file_of_another_owner_or_open_to_others_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = payt.FileTokenStore(tmp_path / "tokens")
    store.save("key", TOKEN)
    file = tmp_path / "tokens" / "key.json"
    file.chmod(0o640)
    for _ in range(2):
        assert store.load("key") == TOKEN
    os.chown(file, 12345, 12345)
    assert store.load("key") == TOKEN
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"tokens: {file} can be read by other users: close it with chmod 600",
        f"tokens: {file} belongs to another user",
    ]


@as_root
def test_without_home_and_without_a_name_tokens_do_not_land_in_the_working_folder(tmp_path: Path) -> None:
    user = next(number for number in range(54321, 60000) if number not in {entry.pw_uid for entry in pwd.getpwall()})
    environment = {
        name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_DATA_HOME", "PYTHONPATH")
    }
    program = f"""
import os, payt, payt.credentials.file_store, platformdirs.unix
os.setuid({user})
try:
    payt.FileTokenStore()
except payt.TokenError as error:
    print(error)
"""
    tmp_path.chmod(0o777)
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("there is no home folder for tokens: set HOME, or XDG_DATA_HOME to a full path"), run
    assert list(tmp_path.glob("~*")) == []


def test_a_relative_folder_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = payt.FileTokenStore("tokens")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.save("key", TOKEN)
    assert (tmp_path / "tokens" / "key.json").exists()


# Keyrings that keep nothing


def test_a_keyring_that_keeps_nothing_is_refused_before_anything_is_asked(server: StrictServer) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.null.Keyring())  # type: ignore[no-untyped-call]  # what "keyring --disable" sets
    try:
        who = payt.AuthorizationCode("id", "secret", payt.KeyringTokenStore(), refresh_token=server.login())
        with (
            payt.Client(who, base_url=server.url, **QUICK) as client,
            pytest.raises(payt.TokenError, match=r"keyring\.backends\.null stores nothing: choose another keyring"),
        ):
            list(client.contacts.list(administration_id="1"))
    finally:
        keyring.set_keyring(before)
    assert (server.renewals, server.reused) == (0, 0)
    assert payt.KeyringTokenStore() == payt.KeyringTokenStore()
    assert hash(payt.KeyringTokenStore()) == hash(payt.KeyringTokenStore())
    assert payt.KeyringTokenStore() != payt.KeyringTokenStore("another")


# What the commands tell


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_status_with_a_token_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_TOKEN", "a-token")
    for env, api in [("production", PRODUCTION.api), ("demo", DEMO.api)]:
        status = run("status", "--env", env)
        assert status.exit_code == 0
        assert status.stdout == (
            f"PAYT_TOKEN is set: it is used at {api} instead of any login.\n"
            "To see whether Payt accepts it, run payt administrations list\n"
        )


def test_status_of_a_login_that_is_known_to_be_refused(
    server: StrictServer, monkeypatch: pytest.MonkeyPatch, flavour: Flavour
) -> None:
    monkeypatch.setenv("PAYT_BASE_URL", server.url)
    monkeypatch.setenv("PAYT_CLIENT_ID", "id")
    who = payt.AuthorizationCode("id", "secret", refresh_token=server.login())
    flavour.contacts(server.url, who, client=QUICK)
    assert "  is renewed:   yes" in run("status").stdout
    server.end()
    with pytest.raises(payt.LoginRequiredError):
        flavour.contacts(server.url, who, client=QUICK)
    status = run("status")
    assert status.exit_code == 3
    assert "  is renewed:   no, Payt has refused its refresh token: log in again\n" in status.stdout


def test_status_of_an_access_token_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_CLIENT_ID", "id")
    cache = cache_of(payt.AuthorizationCode("id", "secret"), httpx.URL("https://api.paytsoftware.com"))
    cache.store.save(cache.key, payt.Token("a", "r", None, time.time() - 9, time.time() - 1))
    assert "  access token: ended 2" in run("status").stdout


# What the API says


def test_a_token_that_the_api_repeats_is_recognized_however_it_is_written(flavour: Flavour) -> None:
    token = "to/ken+1="

    def refuse(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {token}"
        return httpx.Response(
            403,
            content=rb'{"code": "no", "message": "to\/ken+1= or to\u002fken\u002b1= or to%2Fken%2b1%3D \u001b[2J"}',
            headers={"X-Request-Id": f"{token}-1", "Content-Type": "application/json"},
        )

    with pytest.raises(payt.PermissionDeniedError) as caught:
        flavour.contacts("https://api.example", token, client={**QUICK, "transport": httpx.MockTransport(refuse)})
    error = caught.value
    assert error.message == "[token] or [token] or [token]  [2J"
    assert error.body == rb'{"code": "no", "message": "[token] or [token] or [token] \u001b[2J"}'
    assert error.request_id == error.headers["X-Request-Id"] == "[token]-1"
