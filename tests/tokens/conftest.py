"""A real OAuth2 server for all of these tests, and logins at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import payt
from oauth_server.launch import Application, OAuthServer, oauth_server


@pytest.fixture(scope="session")
def running_server() -> Iterator[OAuthServer]:
    with oauth_server() as server:
        yield server


@pytest.fixture
def server(running_server: OAuthServer) -> OAuthServer:
    running_server.reset()
    return running_server


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No test touches the tokens of whoever runs it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "data" / "payt" / "tokens"


@pytest.fixture
def application(server: OAuthServer) -> Application:
    return server.application()


Person = Callable[..., payt.AuthorizationCode]


@pytest.fixture
def person(server: OAuthServer, application: Application, tmp_path: Path) -> Person:
    """Somebody who has just logged in elsewhere: the store holds nothing yet."""

    def logged_in(**settings: Any) -> payt.AuthorizationCode:
        settings = {
            "store": payt.FileTokenStore(tmp_path / "tokens"),
            "refresh_token": server.login(application)["refresh_token"],
            **settings,
        }
        return payt.AuthorizationCode(application.client_id, application.client_secret, **settings)

    return logged_in
