"""`payt login`, `payt status`, `payt logout`."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from click.testing import CliRunner

import payt
from oauth_server.launch import Application, OAuthServer
from payt.cli.app import app
from payt.credentials.caches import cache_of
from payt.environments import PRODUCTION

from .conftest import Person

Result = Any
ACCEPTED = "To see whether Payt accepts it, run payt administrations list\n"


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed, catch_exceptions=False)


@pytest.fixture
def settings(server: OAuthServer, application: Application, monkeypatch: pytest.MonkeyPatch) -> Application:
    monkeypatch.setenv("PAYT_BASE_URL", server.url)
    monkeypatch.setenv("PAYT_CLIENT_ID", application.client_id)
    monkeypatch.setenv("PAYT_CLIENT_SECRET", application.client_secret)
    return application


@pytest.fixture
def browsing(monkeypatch: pytest.MonkeyPatch) -> None:
    def browse(address: str) -> bool:
        def follow() -> None:
            location = httpx.get(address, trust_env=False, timeout=60, verify=False).headers["Location"]
            httpx.get(location, trust_env=False, timeout=60, verify=False)

        threading.Thread(target=follow).start()
        return True

    monkeypatch.setattr("webbrowser.open", browse)


def stored(own_folder: Path) -> list[Path]:
    return list(own_folder.glob("*.json"))


def test_in_out_and_what_is_told_in_between(
    server: OAuthServer, settings: Application, browsing: None, own_folder: Path
) -> None:
    login = run("login", "--timeout", "30", "--scope", "contacts:read")
    assert login.exit_code == 0, login.output
    assert f"Logged in to {server.url}.\n  scopes:       contacts:read\n" in login.stdout
    (file,) = stored(own_folder)
    status = run("status")
    assert status.exit_code == 0
    assert f"A login with the client id {settings.client_id} at {server.url}:" in status.stdout
    assert "  access token: until " in status.stdout
    for output in (login.output, status.output):
        assert not [secret for secret in secrets_of(file) if secret in output]
        assert settings.client_secret not in output
    assert run("logout", typed="n\n").exit_code == 1
    assert stored(own_folder) == [file]
    logout = run("logout", typed="")
    assert (logout.exit_code, stored(own_folder)) == (2, [file])
    assert "an answer is needed, but standard input has ended" in logout.stderr
    logout = run("logout", typed="y\n")
    assert (logout.exit_code, stored(own_folder)) == (0, [])
    gone = run("status")
    nobody = f"Nobody is logged in at {server.url}: run payt login\n"
    until_then = "Until then, tools use the application itself, which Payt allows to the company that owns it.\n"
    assert (gone.exit_code, gone.stdout) == (3, nobody + until_then)


def secrets_of(file: Path) -> list[str]:
    token = payt.FileTokenStore(file.parent).load(file.stem)
    assert token is not None
    assert token.refresh_token is not None
    return [token.access_token, token.refresh_token]


def test_the_secret_is_asked_for_and_not_shown(
    server: OAuthServer, application: Application, browsing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYT_BASE_URL", server.url)
    login = run("login", "--timeout", "30", typed=f"{application.client_id}\n{application.client_secret}\n")
    assert login.exit_code == 0, login.output
    assert application.client_secret not in login.output
    assert f"Tools find this login with PAYT_CLIENT_ID={application.client_id}" in login.stdout
    assert run("status", "--client-id", application.client_id).exit_code == 0
    typed = f"{application.client_id}\n{application.client_secret}\n"
    named = run("login", "--timeout", "30", "--account", "Acme B.V.", typed=typed)
    assert "They find it with PAYT_ACCOUNT='Acme B.V.'." in named.stdout
    assert run("logout", "--yes", "--client-id", application.client_id).exit_code == 0
    assert run("status", "--client-id", application.client_id).exit_code == 3


def test_without_a_browser_the_address_is_pasted(
    server: OAuthServer, settings: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def prompt(text: str, **_options: Any) -> str:
        assert text == "Address"
        address = next(line for line in said if server.url in line)
        location: str = httpx.get(address.split("\n\n")[1], trust_env=False, timeout=60, verify=False).headers[
            "Location"
        ]
        return location

    echo = click.echo

    def listened(text: str, **options: Any) -> None:
        said.append(text)
        echo(text, **options)

    monkeypatch.setattr("click.echo", listened)
    monkeypatch.setattr("click.prompt", prompt)
    login = run("login", "--no-browser")
    assert login.exit_code == 0, login.output
    assert "127.0.0.1 that it cannot show" in login.stderr


def test_a_wrong_paste_is_a_message(settings: Application) -> None:
    login = run("login", "--no-browser", typed="https://example.com\n")
    assert login.exit_code == 1
    assert "payt: this is not the address that the browser is sent to" in login.stderr


def test_errors_are_a_line_and_an_exit_code(settings: Application, own_folder: Path, browsing: None) -> None:
    assert run("login", "--timeout", "30").exit_code == 0
    (file,) = stored(own_folder)
    file.write_text("{")
    for command in ("login", "status"):
        result = run(command)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"payt: {file} is damaged")
    assert run("logout", "--yes").exit_code == 0
    assert stored(own_folder) == []


def test_who_is_not_logged_in_is_not_forgotten(
    server: OAuthServer, settings: Application, browsing: None, own_folder: Path
) -> None:
    assert run("login", "--timeout", "30").exit_code == 0
    logout = run("logout", "--account", "Acme B.V.")
    said = (
        f"There is no login of Acme B.V. at {server.url} with the client id {settings.client_id}: nothing to forget.\n"
    )
    assert (logout.exit_code, logout.stdout, len(stored(own_folder))) == (0, said, 1)
    assert (
        f"Nobody is logged in at {server.url}: run payt login --account 'Acme B.V.'"
        in run("status", "--account", "Acme B.V.").stdout
    )
    listed = run("contacts", "list", "-a", "1", "--account", "Acme B.V.")
    assert listed.stderr.endswith("run payt login --account 'Acme B.V.'\n")


def test_a_token_leaves_no_word_of_the_application(
    server: OAuthServer, settings: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYT_TOKEN", "token")
    status = run("status")
    assert status.exit_code == 0
    assert f"PAYT_TOKEN is set: it is used at {server.url} instead of any login.\n{ACCEPTED}" in status.stdout
    assert "tools use the application itself" not in status.stdout


def test_which_application_must_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "payt: which application? Set PAYT_CLIENT_ID, or pass --client-id\n"
    logout = run("logout")
    assert (logout.exit_code, logout.stderr) == (2, said)
    monkeypatch.setenv("PAYT_CLIENT_SECRET", "secret")
    status = run("status")
    assert (status.exit_code, status.stderr) == (2, said)


def test_status_without_any_credentials_says_what_the_data_commands_say() -> None:
    status, listed = run("status"), run("contacts", "list", "-a", "1")
    assert status.stderr.startswith("payt: no credentials: set PAYT_TOKEN, pass --token-file FILE")
    assert (status.exit_code, status.stdout, status.stderr) == (listed.exit_code, listed.stdout, listed.stderr)


def test_status_of_a_token_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token\n")
    monkeypatch.setenv("PAYT_TOKEN", "another")  # which the data commands do not use then
    status = run("status", "--token-file", str(file))
    told = f"The token is in {file}: it is used at {PRODUCTION.api} instead of any login.\n{ACCEPTED}"
    assert (status.exit_code, status.stdout) == (0, told)
    monkeypatch.delenv("PAYT_TOKEN")
    monkeypatch.setenv("PAYT_TOKEN_FILE", str(file))
    monkeypatch.setenv("PAYT_CLIENT_ID", "id")
    status = run("status")
    assert status.exit_code == 0
    assert status.stdout.endswith("Nobody is logged in at https://api.paytsoftware.com: run payt login\n")
    file.write_text("Bearer token")
    assert (run("status").exit_code, run("contacts", "list", "-a", "1").exit_code) == (2, 2)
    file.unlink()
    assert run("status").stderr == f"payt: {file}: No such file or directory\n"
    from_input = run("status", "--token-file", "-", typed="a-token")
    where = f"it is used at {PRODUCTION.api} instead of any login.\n"
    assert from_input.stdout.startswith(f"The token is read from standard input: {where}")


def test_status_of_a_refresh_token(
    monkeypatch: pytest.MonkeyPatch, server: OAuthServer, settings: Application, browsing: None
) -> None:
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", server.login(settings)["refresh_token"])
    begins = run("status")
    assert (begins.exit_code, begins.stdout) == (0, "PAYT_REFRESH_TOKEN is set: a login begins with it.\n")
    with payt.Client() as client:
        assert client.contacts.list(administration_id="1").first() is not None
    status = run("status")
    assert status.exit_code == 0
    assert status.stdout.startswith(f"A login with the client id {settings.client_id} at {server.url}:")
    assert "PAYT_REFRESH_TOKEN" not in status.stdout
    monkeypatch.setenv("PAYT_REFRESH_TOKEN", server.login(settings)["refresh_token"])
    another = run("status")
    assert another.exit_code == 1
    assert another.stderr.startswith("payt: the stored login started with another refresh token than yours")


def test_data_commands_take_the_name_of_a_login(
    server: OAuthServer, settings: Application, browsing: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("login", "--timeout", "30", "--account", "acme").exit_code == 0
    listed = ("contacts", "list", "-a", "1")
    assert run(*listed, "--account", "acme").exit_code == 0
    assert run("contract", "check", "-a", "1", "--account", "acme").exit_code != 2
    other = run(*listed, "--account", "other")
    assert other.exit_code == 3
    assert "run payt login --account other" in other.stderr
    monkeypatch.setenv("PAYT_ACCOUNT", "other")
    assert run(*listed).exit_code == 3
    assert run(*listed, "--account", "acme").exit_code == 0
    monkeypatch.setenv("PAYT_TOKEN", "token")
    refused = run(*listed, "--account", "acme")
    assert (refused.exit_code, "PAYT_TOKEN is used instead of any" in refused.stderr) == (2, True)
    refused = run(*listed, "--account", "acme", "--token-file", str(tmp_path / "token"))
    assert (refused.exit_code, "is used instead of any" in refused.stderr) == (2, True)


def test_the_demo_environment_is_another_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_CLIENT_ID", "id")
    result = run("status", "--env", "demo")
    assert result.stdout == "Nobody is logged in at https://demo-api.paytsoftware.com: run payt login\n"


def test_status_tells_everything_that_there_is(
    monkeypatch: pytest.MonkeyPatch, server: OAuthServer, person: Person, own_folder: Path
) -> None:
    monkeypatch.setenv("PAYT_BASE_URL", server.url)
    monkeypatch.setenv("PAYT_TOKEN", "a-static-token")
    own = server.application("client_credentials")
    monkeypatch.setenv("PAYT_CLIENT_ID", own.client_id)
    connection = cache_of(payt.ClientCredentials(own.client_id, own.client_secret), httpx.URL(server.url))
    connection.store.save(connection.key, payt.Token("for-ever", obtained_at=1e9))
    status = run("status")
    assert status.exit_code == 0
    assert status.stdout.startswith(
        f"PAYT_TOKEN is set: it is used at {server.url} instead of any login.\n{ACCEPTED}"
        f"The application {own.client_id} itself at {server.url}:\n"
        "  scopes:       not said\n  since:        2001-09-0"
    )
    assert status.stdout.endswith("  access token: good until it is revoked\n")
    assert "for-ever" not in status.output
    assert "a-static-token" not in status.output
