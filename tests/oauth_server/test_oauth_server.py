import base64
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, quote_plus, urlsplit

import httpx
import pytest

from oauth_server.launch import Application, OAuthServer, oauth_server

REDIRECT_URI = "http://127.0.0.1:54321/callback"


@pytest.fixture(scope="module")
def running() -> Iterator[OAuthServer]:
    with oauth_server() as server:
        yield server


@pytest.fixture
def server(running: OAuthServer) -> OAuthServer:
    running.reset()
    return running


@pytest.fixture
def http(server: OAuthServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def application(server: OAuthServer) -> Application:
    return server.application()


def basic(application: Application, *, form: bool = True) -> dict[str, str]:
    encode = quote_plus if form else str
    credentials = f"{encode(application.client_id)}:{encode(application.client_secret)}"
    return {"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}


def token(http: httpx.Client, application: Application, **body: str) -> httpx.Response:
    return http.post("/oauth/token", json=body, headers=basic(application))


def refresh(http: httpx.Client, application: Application, refresh_token: str) -> httpx.Response:
    return token(http, application, grant_type="refresh_token", refresh_token=refresh_token)


def contacts(http: httpx.Client, access_token: str, **query: str) -> httpx.Response:
    return http.get("/v1/contacts", params=query, headers={"Authorization": f"Bearer {access_token}"})


def authorize(http: httpx.Client, application: Application, **query: str) -> dict[str, list[str]]:
    response = http.get(
        "/oauth/authorize",
        params={
            "client_id": application.client_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "state": "st&te",
            **query,
        },
    )
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{REDIRECT_URI}?")
    return parse_qs(urlsplit(response.headers["Location"]).query)


# Grants


def test_client_credentials_bring_an_access_token_without_refresh_token(
    server: OAuthServer, http: httpx.Client
) -> None:
    application = server.application("client_credentials")
    answer = token(http, application, grant_type="client_credentials").json()
    assert answer["token_type"] == "Bearer"
    assert answer["scope"].split() == ["contacts:read", "contacts:write"]
    assert "refresh_token" not in answer
    assert contacts(http, answer["access_token"]).status_code == 200


def test_an_authorization_code_is_exchanged_once(http: httpx.Client, application: Application) -> None:
    sent_back = authorize(http, application)
    assert sent_back["state"] == ["st&te"]
    body = {"grant_type": "authorization_code", "code": sent_back["code"][0], "redirect_uri": REDIRECT_URI}
    answer = token(http, application, **body)
    assert set(answer.json()) == {"access_token", "token_type", "scope", "expires_in", "refresh_token"}
    assert answer.json()["expires_in"] == 7200
    assert contacts(http, answer.json()["access_token"]).status_code == 200
    again = token(http, application, **body)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_pkce_is_checked_where_it_was_begun(http: httpx.Client, application: Application) -> None:
    verifier = "a-verifier-of-at-least-forty-three-characters-0123"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")

    def exchange(**verification: str) -> httpx.Response:
        code = authorize(http, application, code_challenge=challenge, code_challenge_method="S256")["code"][0]
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        return token(http, application, **body, **verification)

    assert exchange(code_verifier=verifier).status_code == 200
    assert exchange(code_verifier=verifier[::-1]).json()["error"] == "invalid_grant"
    assert exchange().status_code == 400


def test_a_person_who_refuses_is_sent_back_with_access_denied(http: httpx.Client, application: Application) -> None:
    assert authorize(http, application, deny="1") == {"error": ["access_denied"], "state": ["st&te"]}


def test_an_unknown_redirect_is_never_followed(http: httpx.Client, application: Application) -> None:
    query = {"client_id": application.client_id, "response_type": "code", "state": "s"}
    for foreign in ("http://127.0.0.1/elsewhere", "http://example.org/callback"):
        assert http.get("/oauth/authorize", params={**query, "redirect_uri": foreign}).status_code == 400


# Refreshing


def test_each_refresh_rotates_both_tokens(server: OAuthServer, http: httpx.Client, application: Application) -> None:
    login = server.login(application)
    answer = refresh(http, application, login["refresh_token"]).json()
    assert answer["refresh_token"] != login["refresh_token"]
    assert contacts(http, answer["access_token"]).status_code == 200
    assert contacts(http, login["access_token"]).status_code == 401
    assert refresh(http, application, answer["refresh_token"]).status_code == 200


def test_a_reused_refresh_token_is_refused_and_ends_the_login(
    server: OAuthServer, http: httpx.Client, application: Application
) -> None:
    spent = server.login(application)["refresh_token"]
    answer = refresh(http, application, spent).json()
    server.reset()
    refused = refresh(http, application, spent)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert contacts(http, answer["access_token"]).status_code == 401
    assert refresh(http, application, answer["refresh_token"]).status_code == 400
    counts = server.counts()
    assert counts.reused == 1
    assert counts.refresh.errors == {"invalid_grant": 2}


def test_of_refreshes_at_the_same_moment_one_is_granted(
    server: OAuthServer, http: httpx.Client, application: Application
) -> None:
    refresh_token = server.login(application)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(http, application, refresh_token), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    counts = server.counts()
    assert (counts.refresh.requests, counts.refresh.succeeded, counts.refresh.refused) == (8, 1, 7)
    assert counts.reused == 7
    assert counts.refresh_tokens == [hashlib.sha256(refresh_token.encode()).hexdigest()] * 8


def test_within_the_grace_period_the_old_token_brings_the_same_new_ones(
    server: OAuthServer, http: httpx.Client, application: Application
) -> None:
    server.set(grace_period=30)
    spent = server.login(application)["refresh_token"]
    first, second = (refresh(http, application, spent).json() for _ in range(2))
    assert first["refresh_token"] == second["refresh_token"]
    assert first["access_token"] == second["access_token"]
    assert server.counts().reused == 1
    server.set(grace_period=0)
    assert refresh(http, application, spent).status_code == 400


def test_within_the_grace_period_refreshes_at_the_same_moment_bring_the_same_tokens(
    server: OAuthServer, http: httpx.Client, application: Application
) -> None:
    server.set(grace_period=30)
    refresh_token = server.login(application)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(http, application, refresh_token).json(), range(8)))
    assert len({(answer["access_token"], answer["refresh_token"]) for answer in answers}) == 1
    assert refresh(http, application, answers[0]["refresh_token"]).status_code == 200


# Lifetimes


def test_a_token_of_two_seconds_expires_and_can_be_refreshed(
    server: OAuthServer, http: httpx.Client, application: Application
) -> None:
    server.set(expires_in=2)
    login = server.login(application)
    assert login["expires_in"] == 2
    assert contacts(http, login["access_token"]).status_code == 200
    time.sleep(2.05)
    expired = contacts(http, login["access_token"])
    assert expired.status_code == 401
    assert 'error="invalid_token"' in expired.headers["WWW-Authenticate"]
    server.set(expires_in=60)
    answer = refresh(http, application, login["refresh_token"]).json()
    assert answer["expires_in"] == 60
    assert contacts(http, answer["access_token"]).status_code == 200


def test_a_revoked_access_token_leaves_its_refresh_token_usable(
    server: OAuthServer, http: httpx.Client, application: Application
) -> None:
    login, other = server.login(application), server.login(application)
    assert server.revoke(login["access_token"]) == 1
    assert contacts(http, login["access_token"]).status_code == 401
    assert contacts(http, other["access_token"]).status_code == 200
    server.revoke()
    assert contacts(http, other["access_token"]).status_code == 401
    assert refresh(http, application, login["refresh_token"]).status_code == 200


def test_a_revoked_login_can_neither_be_used_nor_refreshed(
    server: OAuthServer, http: httpx.Client, application: Application
) -> None:
    login, other = server.login(application), server.login(application)
    assert server.revoke_login(login["refresh_token"]) == 1
    assert contacts(http, login["access_token"]).status_code == 401
    assert refresh(http, application, login["refresh_token"]).json()["error"] == "invalid_grant"
    assert contacts(http, other["access_token"]).status_code == 200
    server.revoke_login()
    assert refresh(http, application, other["refresh_token"]).status_code == 400
    assert server.counts().reused == 0


# Refusals


def test_a_wrong_secret_is_an_invalid_client(server: OAuthServer, http: httpx.Client, application: Application) -> None:
    refresh_token = server.login(application)["refresh_token"]
    refused = refresh(http, Application(application.client_id, "wrong"), refresh_token)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refresh(http, application, refresh_token).status_code == 200
    counts = server.counts()
    assert counts.refresh.errors == {"invalid_client": 1}
    assert counts.reused == 0


def test_a_scope_that_does_not_exist_is_refused(server: OAuthServer, http: httpx.Client) -> None:
    application = server.application("client_credentials")
    refused = token(http, application, grant_type="client_credentials", scope="invoices:read")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_a_grant_of_another_application_type_is_refused(http: httpx.Client, application: Application) -> None:
    refused = token(http, application, grant_type="client_credentials")
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


def test_a_token_without_the_scope_is_forbidden_and_named_so(
    server: OAuthServer, http: httpx.Client, application: Application
) -> None:
    login = server.login(application, scope="contacts:write")
    response = contacts(http, login["access_token"])
    assert response.status_code == 403
    assert response.json() == {"code": "forbidden", "message": "Missing permission: contacts:read"}


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="payt"'),
        ({"Authorization": "Bearer invented"}, 'Bearer realm="payt",error="invalid_token"'),
    ],
)
def test_a_request_without_a_good_token_is_challenged(
    http: httpx.Client, headers: dict[str, str], challenge: str
) -> None:
    response = http.get("/v1/contacts", headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith(challenge)
    assert set(response.json()) == {"code", "message"}


# Habits of Payt's server


@pytest.mark.parametrize("secret", ["a:b", "/+=%&é", "%2B", "a b"])
def test_a_secret_may_hold_any_character_in_either_encoding(
    server: OAuthServer, http: httpx.Client, secret: str
) -> None:
    application = server.application("client_credentials", client_secret=secret)
    assert application.client_secret == secret
    body = {"grant_type": "client_credentials"}
    assert http.post("/oauth/token", json=body, headers=basic(application)).status_code == 200
    server.set(basic_encoding="plain")
    assert http.post("/oauth/token", json=body, headers=basic(application, form=False)).status_code == 200
    assert http.post("/oauth/token", json=body, headers={"Authorization": "Basic ?"}).status_code == 401


def test_created_at_is_told_when_asked_for(server: OAuthServer, application: Application) -> None:
    assert "created_at" not in server.login(application)
    server.set(created_at=True)
    assert abs(server.login(application)["created_at"] - time.time()) < 5


def test_contacts_come_in_pages(server: OAuthServer, http: httpx.Client, application: Application) -> None:
    access_token = server.login(application)["access_token"]
    ids: list[str] = []
    query = {"per_page": "3", "fields": '{"only":["id"]}'}
    while True:
        page = contacts(http, access_token, **query).json()
        ids += [contact["id"] for contact in page["data"]]
        if page["pagination"]["cursor"] is None:
            break
        query["cursor"] = page["pagination"]["cursor"]
    assert ids == ["1", "2", "3", "4", "5", "6", "7"]
    assert contacts(http, access_token, cursor="x").status_code == 422
    assert server.counts().api == {200: 3, 422: 1}


def test_connections_are_kept_alive(server: OAuthServer, http: httpx.Client) -> None:
    answers = [http.get("/v1/contacts") for _ in range(3)]
    ports = {answer.extensions["network_stream"].get_extra_info("client_addr")[1] for answer in answers}
    assert len(ports) == 1


# The process


def test_the_server_and_its_database_are_gone_after_the_block() -> None:
    with oauth_server(expires_in=7) as server:
        folder = Path(f"/proc/{server.process.pid}/cwd").resolve() if sys.platform == "linux" else None
        assert server.login(server.application())["expires_in"] == 7
        server.set(expires_in=1)
        server.reset()
        assert server.set().expires_in == 7
    assert server.process.returncode == 0
    assert folder is None or not folder.exists()
    with pytest.raises(httpx.ConnectError):
        server.counts()


def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    folder = tmp_path / "database"
    folder.mkdir()
    starter = subprocess.Popen(
        [sys.executable, "-c", _START_AND_WAIT],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OAUTH_SERVER_FOLDER": str(folder)},
    )
    with starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().removeprefix("READY ").strip()
        assert httpx.get(f"{url}/v1/contacts", trust_env=False, timeout=60).status_code == 401
        starter.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < deadline, "the server outlived the process that started it"
        time.sleep(0.05)
    # the folder goes first, the listening socket with the process a moment later
    while True:
        assert time.monotonic() < deadline, "the server outlived its folder"
        try:
            httpx.get(f"{url}/v1/contacts", trust_env=False, timeout=60)
        except httpx.ConnectError:
            break
        except httpx.TransportError:
            pass  # it hung up, and may listen still
        time.sleep(0.05)


_START_AND_WAIT = """
import subprocess, sys
subprocess.Popen([sys.executable, "-m", "oauth_server"], stdin=subprocess.PIPE).wait()
"""
