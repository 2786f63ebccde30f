"""The OAuth2 side of the fake server."""

import base64
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import httpx
import pytest
from testing.clients import connect, refusal

from payt.testing import FakePayt

REDIRECT_URI = "http://127.0.0.1:8123/callback"


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def ask(fake: FakePayt, grant_type: str | None, **parameters: str) -> httpx.Response:
    """Ask for a token as Payt documents it."""
    body = {**parameters} if grant_type is None else {"grant_type": grant_type, **parameters}
    with connect(fake, basic(fake.oauth.client_id, fake.oauth.client_secret)) as client:
        return client.post("/oauth/token", json=body)


def tokens(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    found: dict[str, Any] = response.json()
    return found


def oauth_error(response: httpx.Response) -> tuple[int, str]:
    assert list(response.json()) == ["error", "error_description"]
    return response.status_code, response.json()["error"]


def authorize(fake: FakePayt, **parameters: str) -> httpx.Response:
    asked = {
        "client_id": fake.oauth.client_id,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": "a state",
        **parameters,
    }
    with connect(fake, "") as client:
        return client.get("/oauth/authorize", params={name: value for name, value in asked.items() if value})


def sent_back(response: httpx.Response, to: str = REDIRECT_URI) -> dict[str, str]:
    """What the redirect carries, apart from the state that was sent."""
    assert response.status_code == 302
    location = response.headers["location"]
    assert location.startswith(to)
    carried = {name: value for name, (value,) in parse_qs(urlsplit(location).query).items()}
    assert carried.pop("state") == "a state"
    return carried


def listing_status(fake: FakePayt, access_token: str) -> tuple[int, str]:
    with connect(fake, f"Bearer {access_token}") as client:
        response = client.get("/v1/contacts?administration_id=1")
    return response.status_code, "" if response.status_code == 200 else refusal(response)[2]


def test_the_application_gets_a_token_that_never_expires(fake: FakePayt) -> None:
    before = int(time.time())
    given = tokens(ask(fake, "client_credentials"))
    assert set(given) == {"access_token", "token_type", "scope", "created_at"}
    assert (given["token_type"], given["scope"]) == ("Bearer", fake.oauth.scope)
    assert before <= given["created_at"] <= time.time()
    fake.oauth.expire()
    fake.oauth.advance(10 * 365 * 24 * 3600)
    assert listing_status(fake, given["access_token"]) == (200, "")
    fake.oauth.revoke(given["access_token"])
    assert listing_status(fake, given["access_token"]) == (401, "The access token was revoked")
    assert fake.oauth.client_credentials == 1


def test_a_code_is_exchanged_once(fake: FakePayt) -> None:
    code = sent_back(authorize(fake))["code"]
    given = tokens(ask(fake, "authorization_code", code=code, redirect_uri=REDIRECT_URI))
    assert set(given) == {"access_token", "token_type", "scope", "created_at", "expires_in", "refresh_token"}
    assert (given["expires_in"], given["scope"]) == (7200, fake.oauth.scope)
    assert listing_status(fake, given["access_token"]) == (200, "")
    again = ask(fake, "authorization_code", code=code, redirect_uri=REDIRECT_URI)
    assert oauth_error(again) == (400, "invalid_grant")
    assert (fake.oauth.exchanges, fake.oauth.refusals) == (1, 1)


def test_a_code_belongs_to_its_redirect_uri_and_its_ten_minutes(fake: FakePayt) -> None:
    code = sent_back(authorize(fake))["code"]
    for parameters in ({}, {"redirect_uri": REDIRECT_URI + "/"}):
        assert oauth_error(ask(fake, "authorization_code", code=code, **parameters)) == (400, "invalid_grant")
    fake.oauth.advance(600)
    assert oauth_error(ask(fake, "authorization_code", code=code, redirect_uri=REDIRECT_URI))[1] == "invalid_grant"
    assert oauth_error(ask(fake, "authorization_code", redirect_uri=REDIRECT_URI))[1] == "invalid_grant"


def test_the_code_verifier_must_fit_the_challenge(fake: FakePayt) -> None:
    verifier = "a-verifier-of-at-least-forty-three-characters~"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    code = sent_back(authorize(fake, code_challenge=challenge, code_challenge_method="S256"))["code"]
    exchange = {"code": code, "redirect_uri": REDIRECT_URI}
    for wrong in ({}, {"code_verifier": verifier + "x"}, {"code_verifier": challenge}):
        assert oauth_error(ask(fake, "authorization_code", **exchange, **wrong)) == (400, "invalid_grant")
    assert tokens(ask(fake, "authorization_code", **exchange, code_verifier=verifier))


@pytest.mark.parametrize("method", ["plain", ""])
def test_a_challenge_that_is_not_hashed_is_refused(fake: FakePayt, method: str) -> None:
    carried = sent_back(authorize(fake, code_challenge="x", code_challenge_method=method))
    assert carried["error"] == "invalid_request"


def test_a_refresh_token_is_good_for_one_use(fake: FakePayt) -> None:
    first = fake.oauth.issue()
    second = tokens(ask(fake, "refresh_token", refresh_token=first["refresh_token"]))
    assert first["access_token"] != second["access_token"]
    assert first["refresh_token"] != second["refresh_token"]
    assert oauth_error(ask(fake, "refresh_token", refresh_token=first["refresh_token"])) == (400, "invalid_grant")
    assert tokens(ask(fake, "refresh_token", refresh_token=second["refresh_token"]))
    assert [listing_status(fake, each["access_token"])[0] for each in (first, second)] == [200, 200]
    assert (fake.oauth.refreshes, fake.oauth.refusals) == (2, 1)


def test_of_many_uses_of_a_refresh_token_one_succeeds(fake: FakePayt) -> None:
    first = fake.oauth.issue()["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(
            response.status_code
            for response in pool.map(lambda _: ask(fake, "refresh_token", refresh_token=first), range(16))
        )
    assert statuses == [200] + [400] * 15
    assert (fake.oauth.refreshes, fake.oauth.refusals) == (1, 15)


def test_tokens_expire(fake: FakePayt) -> None:
    given = fake.oauth.issue()
    fake.oauth.advance(7199)
    assert listing_status(fake, given["access_token"]) == (200, "")
    fake.oauth.advance(1)
    assert listing_status(fake, given["access_token"]) == (401, "The access token expired")
    given = tokens(ask(fake, "refresh_token", refresh_token=given["refresh_token"]))
    assert given["created_at"] >= time.time() + 7199
    fake.oauth.expire()
    assert listing_status(fake, given["access_token"]) == (401, "The access token expired")
    fake.oauth.advance(90 * 24 * 3600)
    assert oauth_error(ask(fake, "refresh_token", refresh_token=given["refresh_token"])) == (400, "invalid_grant")


def test_how_long_tokens_live_can_be_chosen_and_changed() -> None:
    with FakePayt(expires_in=60) as fake:
        assert fake.oauth.issue()["expires_in"] == 60
        fake.oauth.expires_in = 1
        assert fake.oauth.issue()["expires_in"] == 1


def test_tokens_can_be_revoked(fake: FakePayt) -> None:
    given, other = fake.oauth.issue(), fake.oauth.issue()
    fake.oauth.revoke(given["access_token"])
    assert listing_status(fake, given["access_token"]) == (401, "The access token was revoked")
    assert listing_status(fake, other["access_token"]) == (200, "")
    fake.oauth.revoke(given["refresh_token"])
    assert oauth_error(ask(fake, "refresh_token", refresh_token=given["refresh_token"])) == (400, "invalid_grant")
    assert tokens(ask(fake, "refresh_token", refresh_token=other["refresh_token"]))
    with pytest.raises(KeyError):
        fake.oauth.revoke("never issued")


def test_tokens_hold_the_characters_that_clients_stumble_over(fake: FakePayt) -> None:
    given = fake.oauth.issue()
    for name in ("access_token", "refresh_token"):
        assert set("/+=") <= set(given[name])
    assert listing_status(fake, given["access_token"]) == (200, "")


def test_scopes_are_granted_as_asked_for(fake: FakePayt) -> None:
    code = sent_back(authorize(fake, scope="contacts:write"))["code"]
    given = tokens(ask(fake, "authorization_code", code=code, redirect_uri=REDIRECT_URI))
    assert given["scope"] == "contacts:write"
    assert listing_status(fake, given["access_token"]) == (403, "Missing permission: contacts:read")
    more = ask(fake, "refresh_token", refresh_token=given["refresh_token"], scope="contacts:read")
    assert oauth_error(more) == (400, "invalid_scope")
    assert tokens(ask(fake, "client_credentials", scope="contacts:read"))["scope"] == "contacts:read"
    assert oauth_error(ask(fake, "client_credentials", scope="everything")) == (400, "invalid_scope")
    assert sent_back(authorize(fake, scope="everything"))["error"] == "invalid_scope"
    assert fake.oauth.issue("contacts:write")["scope"] == "contacts:write"


def test_the_user_may_refuse(fake: FakePayt) -> None:
    fake.oauth.refuse = True
    assert sent_back(authorize(fake)) == {"error": "access_denied", "error_description": "The user refused"}


def test_only_codes_are_given(fake: FakePayt) -> None:
    assert sent_back(authorize(fake, response_type="token"))["error"] == "unsupported_response_type"


@pytest.mark.parametrize(
    ("parameters", "status", "error"),
    [
        ({"state": ""}, 400, "invalid_request"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"redirect_uri": ""}, 400, "invalid_redirect_uri"),
        ({"redirect_uri": "/callback"}, 400, "invalid_redirect_uri"),
        ({"redirect_uri": REDIRECT_URI + "#fragment"}, 400, "invalid_redirect_uri"),
        ({"redirect_uri": REDIRECT_URI + "\r\nx: y"}, 400, "invalid_redirect_uri"),
    ],
)
def test_nobody_is_sent_back_where_that_is_not_safe(
    fake: FakePayt, parameters: dict[str, str], status: int, error: str
) -> None:
    response = authorize(fake, **parameters)
    assert oauth_error(response) == (status, error)
    assert "location" not in response.headers


def test_a_redirect_uri_keeps_its_own_query(fake: FakePayt) -> None:
    carried = sent_back(authorize(fake, redirect_uri=REDIRECT_URI + "?of=mine"))
    assert carried["of"] == "mine"
    assert carried["code"]


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer fake-token",
        "Basic",
        "Basic not-base64!",
        "Basic /w==",
        basic("fake-client", "wrong"),
        basic("wrong", "fake-secret"),
        basic("fake-client:fake-secret", ""),
    ],
)
def test_a_client_that_is_not_the_application_is_refused(fake: FakePayt, authorization: str) -> None:
    with connect(fake, authorization) as client:
        response = client.post("/oauth/token", json={"grant_type": "client_credentials"})
    assert oauth_error(response) == (401, "invalid_client")
    assert response.headers["www-authenticate"] == 'Basic realm="Payt"'
    assert fake.oauth.refusals == 1


@pytest.mark.parametrize("encode", [str, quote_plus])
def test_id_and_secret_may_hold_any_character_plain_or_encoded(encode: Any) -> None:
    client_id, secret = "cl/ent é", "s:e c+r%t/=&é"
    authorization = basic(encode(client_id), encode(secret))
    with FakePayt(client_id=client_id, client_secret=secret) as fake, connect(fake, authorization) as client:
        assert tokens(client.post("/oauth/token", json={"grant_type": "client_credentials"}))


def test_the_body_may_be_a_form(fake: FakePayt) -> None:
    with connect(fake, basic("fake-client", "fake-secret")) as client:
        form = {"grant_type": "refresh_token", "refresh_token": fake.oauth.issue()["refresh_token"]}
        assert tokens(client.post("/oauth/token", data=form))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "invalid_request"),
        (b"{", "invalid_request"),
        (b"[]", "invalid_request"),
        (b'{"grant_type": 1}', "invalid_request"),
        (b"{}", "invalid_request"),
        (b'{"grant_type": "password"}', "unsupported_grant_type"),
        (b'{"grant_type": "refresh_token"}', "invalid_grant"),
    ],
)
def test_requests_for_tokens_that_mean_nothing_are_refused(fake: FakePayt, body: bytes, error: str) -> None:
    with connect(fake, basic("fake-client", "fake-secret")) as client:
        response = client.post("/oauth/token", content=body, headers={"content-type": "application/json"})
    assert oauth_error(response) == (400, error)


def test_it_is_served_under_the_prefix_and_only_as_documented() -> None:
    with FakePayt(prefix="/api") as fake, connect(fake, "") as client:
        assert client.get("/oauth/token").headers["allow"] == "POST"
        assert client.post("/oauth/authorize").headers["allow"] == "GET"
        assert tokens(ask(fake, "client_credentials"))


def test_an_answer_of_the_token_endpoint_can_be_lost_after_the_tokens_were_rotated(fake: FakePayt) -> None:
    refresh_token = fake.oauth.issue()["refresh_token"]
    fake.fail("cut", at=0, path="/oauth/token")
    with pytest.raises(httpx.RemoteProtocolError):
        ask(fake, "refresh_token", refresh_token=refresh_token)
    assert fake.oauth.refreshes == 1
    assert oauth_error(ask(fake, "refresh_token", refresh_token=refresh_token)) == (400, "invalid_grant")
