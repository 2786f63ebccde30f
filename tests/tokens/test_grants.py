"""Which token a request is sent with, and what a 401 leads to; against a real OAuth2 server where it can do it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

import payt
from faults import kinds
from faults.kinds import Point
from faults.server import FaultServer, ParsedRequest
from oauth_server.launch import Application, OAuthServer
from payt.credentials import auth, endpoint
from payt.credentials.cache import TokenCache
from payt.credentials.caches import cache_of
from payt.testing import FakePayt, skip_waits
from support.flavours import Flavour
from support.quick import QUICK

from .conftest import Person

LISTED = 7


def stored(person: payt.AuthorizationCode | payt.ClientCredentials, url: str) -> payt.Token:
    connection = cache_of(person, httpx.URL(url))
    token = connection.store.load(connection.key)
    assert token is not None
    return token


# A person's login


def test_a_login_begins_with_a_refresh_token_and_goes_on_with_the_store(
    server: OAuthServer, person: Person, flavour: Flavour
) -> None:
    who = person()
    assert len(flavour.contacts(server.url, who, client=QUICK)) == LISTED
    for again in (who, attrs.evolve(who, refresh_token=None)):
        assert len(flavour.contacts(server.url, again, client=QUICK)) == LISTED
    assert (server.counts().refresh.requests, server.counts().refresh.succeeded) == (1, 1)


@pytest.mark.parametrize(("seconds_left", "refreshes"), [(61, 0), (59, 1), (-1, 1)])
def test_tokens_are_refreshed_before_their_end(
    server: OAuthServer, person: Person, flavour: Flavour, seconds_left: float, refreshes: int
) -> None:
    who = person(refresh_token=None)
    cache = cache_of(who, httpx.URL(server.url))
    login, now = server.login(Application(who.client_id, who.client_secret)), time.time()
    token = payt.Token(login["access_token"], login["refresh_token"], None, now - 7_000, now + seconds_left)
    cache.store.save(cache.key, token)
    assert len(flavour.contacts(server.url, who, client=QUICK)) == LISTED
    counts = server.counts()
    assert (counts.refresh.requests, counts.api) == (refreshes, {200: 1})


@pytest.mark.soak
@pytest.mark.real_time
def test_tokens_of_two_seconds_end_and_are_refreshed(server: OAuthServer, person: Person, flavour: Flavour) -> None:
    server.set(expires_in=2)
    who = person(refresh_early=0)
    flavour.contacts(server.url, who, client=QUICK)
    time.sleep(2.2)
    assert len(flavour.contacts(server.url, who, client=QUICK)) == LISTED
    assert server.counts().refresh.succeeded == 2


def test_a_refused_token_is_refreshed_once(server: OAuthServer, person: Person, flavour: Flavour) -> None:
    who = person()
    flavour.contacts(server.url, who, client=QUICK)
    server.revoke()
    assert len(flavour.contacts(server.url, who, client=QUICK)) == LISTED
    counts = server.counts()
    assert (counts.refresh.succeeded, counts.refresh.refused, counts.api) == (2, 0, {200: 2, 401: 1})


def test_a_revoked_login_says_how_to_log_in(server: OAuthServer, person: Person, flavour: Flavour) -> None:
    who = person()
    flavour.contacts(server.url, who, client=QUICK)
    server.revoke_login()
    with pytest.raises(payt.LoginRequiredError, match="somebody must log in again: payt login") as caught:
        flavour.contacts(server.url, who, client=QUICK)
    error = caught.value
    assert (error.code, error.status, error.method, error.url) == (
        "invalid_grant",
        400,
        "POST",
        f"{server.url}/oauth/token",
    )


def test_without_any_login_it_says_how_to_log_in(
    server: OAuthServer, application: Application, flavour: Flavour
) -> None:
    nobody = payt.AuthorizationCode(application.client_id, application.client_secret, payt.MemoryTokenStore())
    with pytest.raises(payt.LoginRequiredError) as caught:
        flavour.contacts(server.url, nobody, client=QUICK)
    assert str(caught.value) == (
        f"nobody has logged in to {server.url} with the client id {application.client_id!r}: "
        "run payt login (in Python: payt.login, with the same store)"
    )
    assert server.counts().token == {}


def test_a_login_without_a_refresh_token_ends(server: OAuthServer, person: Person, flavour: Flavour) -> None:
    who = person(store=payt.MemoryTokenStore(), refresh_token=None)
    connection = cache_of(who, httpx.URL(server.url))
    connection.store.save(connection.key, payt.Token("ended", expires_at=1.0))
    with pytest.raises(payt.LoginRequiredError, match="the login has expired, and has no refresh token"):
        flavour.contacts(server.url, who, client=QUICK)


def test_a_missing_scope_is_no_reason_to_refresh(
    server: OAuthServer, application: Application, person: Person, flavour: Flavour
) -> None:
    who = person(refresh_token=server.login(application, scope="contacts:write")["refresh_token"])
    with pytest.raises(payt.PermissionDeniedError):
        flavour.contacts(server.url, who, client=QUICK)
    assert (server.counts().refresh.requests, server.counts().api) == (1, {403: 1})


def test_the_token_of_somebody_who_logged_in_anew_is_used(
    server: OAuthServer, person: Person, flavour: Flavour
) -> None:
    who = person()
    flavour.contacts(server.url, who, client=QUICK)
    server.revoke_login()
    connection = cache_of(who, httpx.URL(server.url))
    new = server.login(Application(who.client_id, who.client_secret))
    connection.store.save(connection.key, payt.Token(new["access_token"], new["refresh_token"]))
    server.reset()
    assert len(flavour.contacts(server.url, who, client=QUICK)) == LISTED
    assert server.counts().token == {}


# An application's own access


@pytest.fixture
def own(server: OAuthServer, tmp_path: Path) -> payt.ClientCredentials:
    made = server.application("client_credentials")
    return payt.ClientCredentials(made.client_id, made.client_secret, payt.FileTokenStore(tmp_path / "tokens"))


def test_an_application_gets_its_token_once(server: OAuthServer, own: payt.ClientCredentials, flavour: Flavour) -> None:
    for _ in range(3):
        assert len(flavour.contacts(server.url, own, client=QUICK)) == LISTED
    assert server.counts().token["client_credentials"].requests == 1


def test_an_application_gets_another_one_when_its_token_is_refused(
    server: OAuthServer, own: payt.ClientCredentials, flavour: Flavour
) -> None:
    flavour.contacts(server.url, own, client=QUICK)
    server.revoke()
    assert len(flavour.contacts(server.url, own, client=QUICK)) == LISTED
    assert server.counts().token["client_credentials"].requests == 2


def test_the_token_of_an_application_does_not_end_where_that_is_not_said(flavour: Flavour) -> None:
    with FakePayt(contacts=3) as fake:
        own = payt.ClientCredentials(fake.oauth.client_id, fake.oauth.client_secret, payt.MemoryTokenStore())
        flavour.contacts(fake.url, own, client=QUICK)
        assert stored(own, fake.url).expires_at is None
        fake.oauth.revoke(stored(own, fake.url).access_token)
        assert len(flavour.contacts(fake.url, own, client=QUICK)) == 3
        assert fake.oauth.client_credentials == 2


def test_a_wrong_secret_is_a_token_error(server: OAuthServer, own: payt.ClientCredentials, flavour: Flavour) -> None:
    with pytest.raises(payt.TokenError, match="401: invalid_client: are the client id and secret right") as caught:
        flavour.contacts(server.url, attrs.evolve(own, client_secret="wrong"), client=QUICK)
    assert not isinstance(caught.value, payt.LoginRequiredError)
    assert server.counts().token["client_credentials"].requests == 1


def test_a_wrong_scope_is_a_token_error(server: OAuthServer, own: payt.ClientCredentials, flavour: Flavour) -> None:
    with pytest.raises(payt.TokenError, match=r"invalid_scope: .*the application may not have these scopes"):
        flavour.contacts(server.url, attrs.evolve(own, scope="invoices:pay"), client=QUICK)


def test_a_grant_that_the_application_may_not_use_is_a_token_error(
    server: OAuthServer, application: Application, flavour: Flavour
) -> None:
    own = payt.ClientCredentials(application.client_id, application.client_secret, payt.MemoryTokenStore())
    with pytest.raises(payt.TokenError, match="unauthorized_client: the application is not allowed"):
        flavour.contacts(server.url, own, client=QUICK)


ODD = {
    "an encoded server and odd characters": ("form", "id with/odd+ü", "p%41ss:wörd&=+/ x"),
    "a plain server and odd characters": ("plain", "id with/odd+ü", "p%41ss:wörd&=+/ x"),
    "an encoded server and a colon in the id": ("form", "id:colon", "secret"),
}


@pytest.mark.parametrize(("encoding", "client_id", "secret"), ODD.values(), ids=ODD)
def test_ids_and_secrets_may_hold_any_character(
    server: OAuthServer, flavour: Flavour, encoding: Any, client_id: str, secret: str
) -> None:
    server.set(basic_encoding=encoding)
    client_id = f"{client_id} {flavour.name} {encoding}"
    server.application("client_credentials", client_id=client_id, client_secret=secret)
    own = payt.ClientCredentials(client_id, secret, payt.MemoryTokenStore())
    for _ in range(2):
        assert len(flavour.contacts(server.url, own, client=QUICK)) == LISTED
        server.revoke()


# Time


@pytest.mark.parametrize("jump", [-86_400, 86_400], ids=["back", "forth"])
def test_the_clock_may_jump(
    odd: FaultServer,
    scripted: Scripted,
    somebody: payt.AuthorizationCode,
    flavour: Flavour,
    monkeypatch: pytest.MonkeyPatch,
    jump: float,
) -> None:
    flavour.contacts(odd.url, somebody, client=QUICK)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    odd.script([None, kinds.answer(401)] if jump > 0 else [kinds.answer(401)])
    if jump > 0:  # it looks ended: it is renewed once, and then a 401 is final
        with pytest.raises(payt.AuthenticationError):
            flavour.contacts(odd.url, somebody, client=QUICK)
    for _ in range(3):  # the next one is right by the new time
        assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1
    assert len(scripted.asked) <= 3


def test_requests_for_tokens_have_no_pace_and_a_new_token_has_its_own(
    odd: FaultServer, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    slow = {**QUICK, "rate_limit": 1}
    with skip_waits() as waits:
        flavour.contacts(odd.url, somebody, client=slow)
        odd.script([kinds.answer(401)])
        assert waits.seconds == []
        flavour.contacts(odd.url, somebody, client=slow)  # the old token once more, and then the new one
    assert len(waits.seconds) == 1
    assert [request.path for request in odd.requests].count("/oauth/token") == 2


# Tokens that belong to one connection


def test_nothing_that_differs_shares_a_token(flavour: Flavour) -> None:
    store = payt.MemoryTokenStore()
    with FakePayt(contacts=3) as one, FakePayt(contacts=3) as other, FakePayt(contacts=3, prefix="/api") as prefixed:
        for fake in (one, other, prefixed):
            for own in (
                payt.ClientCredentials(fake.oauth.client_id, fake.oauth.client_secret, store),
                payt.ClientCredentials(fake.oauth.client_id, fake.oauth.client_secret, store, scope="contacts:read"),
            ):
                assert len(flavour.contacts(fake.url, own, client=QUICK)) == 3
        assert [fake.oauth.client_credentials for fake in (one, other, prefixed)] == [2, 2, 2]
    assert repr(store).endswith("of 6")


# What else a server may do: a scripted one


TOKENS = {"access_token": "access-1", "token_type": "Bearer", "refresh_token": "refresh-1", "expires_in": 7200}
PAGE = b'{"data": [{"id": "1"}], "pagination": null}'


class Scripted:
    """Answers for a token endpoint and an API that test their client."""

    def __init__(self) -> None:
        self.tokens: Callable[[int], Any] = lambda number: {**TOKENS, "access_token": f"access-{number}"}
        self.asked: list[dict[str, Any]] = []

    def __call__(self, request: ParsedRequest) -> bytes:
        if request.path != "/oauth/token":
            return PAGE
        self.asked.append({**json.loads(request.body), "headers": request.headers})
        return json.dumps(self.tokens(len(self.asked))).encode()


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def odd(scripted: Scripted) -> Iterator[FaultServer]:
    with FaultServer(scripted) as server:
        yield server


@pytest.fixture
def somebody() -> payt.AuthorizationCode:
    return payt.AuthorizationCode("id", "the-secret", payt.MemoryTokenStore(), refresh_token="refresh-0")


def test_a_request_is_as_payt_documents_it(
    odd: FaultServer, scripted: Scripted, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    flavour.contacts(odd.url, somebody, client=QUICK)
    (asked,) = scripted.asked
    headers = asked.pop("headers")
    assert asked == {"grant_type": "refresh_token", "refresh_token": "refresh-0"}
    assert headers["authorization"] == "Basic " + base64.b64encode(b"id:the-secret").decode()
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("payt-client/")
    assert [request.headers["authorization"] for request in odd.requests[1:]] == ["Bearer access-1"]


def test_a_401_after_a_refresh_is_final(
    odd: FaultServer, scripted: Scripted, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    odd.script([None, kinds.answer(401)])
    with pytest.raises(payt.AuthenticationError):
        flavour.contacts(odd.url, somebody, client=QUICK)
    assert [request.path for request in odd.requests] == ["/oauth/token", "/v1/contacts"]
    assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1


def test_a_401_with_a_new_token_that_has_ended_meanwhile_is_not_final(
    odd: FaultServer, scripted: Scripted, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    """As on a busy machine, where a token of two seconds may be of no use before it gets there."""
    scripted.tokens = lambda number: {**TOKENS, "access_token": f"a-{number}", "expires_in": 0 if number < 3 else 7200}
    odd.script([None, kinds.answer(401), None, kinds.answer(401), None])
    assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1
    assert len(scripted.asked) == 3
    scripted.tokens = lambda number: {**TOKENS, "access_token": f"a-{number}", "expires_in": 0}
    odd.script([kinds.answer(401), *([None, kinds.answer(401)] * 50)])
    with pytest.raises(payt.AuthenticationError):
        flavour.contacts(odd.url, somebody, client=QUICK)
    assert len(scripted.asked) <= 3 + auth.MOST_TOKENS


def test_a_401_with_a_stored_token_is_refreshed_and_a_second_one_is_final(
    odd: FaultServer, scripted: Scripted, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    flavour.contacts(odd.url, somebody, client=QUICK)
    odd.script([kinds.answer(401), None, kinds.answer(401)])
    with pytest.raises(payt.AuthenticationError):
        flavour.contacts(odd.url, somebody, client=QUICK)
    assert len(scripted.asked) == 2
    assert [request.path for request in odd.requests[2:]] == ["/v1/contacts", "/oauth/token", "/v1/contacts"]


def test_a_token_that_somebody_else_puts_into_the_store_is_tried_after_a_second_401(
    odd: FaultServer, scripted: Scripted, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    connection = cache_of(somebody, httpx.URL(odd.url))
    flavour.contacts(odd.url, somebody, client=QUICK)

    def refused_for_another(name: str) -> kinds.Fault:
        def send(answer: kinds.Answer) -> Iterator[kinds.Step]:
            connection.store.save(connection.key, payt.Token(name, "refresh-x"))
            yield answer.raw

        return kinds.Fault("401 while another refreshes", lambda good: attrs_replace(good, 401), send)

    odd.script([kinds.answer(401), None, refused_for_another("theirs-1"), refused_for_another("theirs-2"), None])
    assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1
    sent = [request.headers["authorization"] for request in odd.requests[2:] if request.path == "/v1/contacts"]
    assert sent == ["Bearer access-1", "Bearer access-2", "Bearer theirs-1", "Bearer theirs-2"]
    assert len(scripted.asked) == 2


def test_tries_with_ever_other_tokens_end(odd: FaultServer, somebody: payt.AuthorizationCode, flavour: Flavour) -> None:
    connection = cache_of(somebody, httpx.URL(odd.url))
    number = iter(range(100))

    def send(answer: kinds.Answer) -> Iterator[kinds.Step]:
        connection.store.save(connection.key, payt.Token(f"theirs-{next(number)}", "refresh-x"))
        yield answer.raw

    connection.store.save(connection.key, payt.Token("first", "refresh-x"))
    odd.script([kinds.Fault("401 and another token", lambda good: attrs_replace(good, 401), send)] * 50)
    with pytest.raises(payt.AuthenticationError):
        flavour.contacts(odd.url, somebody, client=QUICK)
    assert len(odd.requests) == auth.MOST_TOKENS


def attrs_replace(answer: kinds.Answer, status: int) -> kinds.Answer:
    return kinds.Answer(status, answer.headers, answer.body)


def test_a_server_that_gives_the_refused_token_again_is_asked_once(
    odd: FaultServer, scripted: Scripted, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    scripted.tokens = lambda _number: TOKENS
    flavour.contacts(odd.url, somebody, client=QUICK)
    odd.script([kinds.answer(401), None, kinds.answer(401)])
    with pytest.raises(payt.AuthenticationError):
        flavour.contacts(odd.url, somebody, client=QUICK)
    assert len(scripted.asked) == 2
    assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1


def test_what_a_refresh_leaves_out_stays_as_it_was(
    odd: FaultServer, scripted: Scripted, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    connection = cache_of(somebody, httpx.URL(odd.url))
    connection.store.save(connection.key, payt.Token("old", "refresh-9", "contacts:read", 1.0, 2.0))
    scripted.tokens = lambda _number: {"access_token": "new", "expires_in": "7200"}
    flavour.contacts(odd.url, somebody, client=QUICK)
    token = stored(somebody, odd.url)
    assert (token.access_token, token.refresh_token, token.scope) == ("new", "refresh-9", "contacts:read")
    assert token.expires_at is not None
    assert 7_000 < token.expires_at - time.time() <= 7_200


MOMENTS = {
    "now": (0, 0),
    "a little ago, as of a repeated answer": (-200, -200),
    "an hour ago: another clock": (-3_600, 0),
    "in an hour: another clock": (3_600, 0),
    "not said": (None, 0),
    "no number": ("yesterday", 0),
}


@pytest.mark.parametrize(("created", "counts_from"), MOMENTS.values(), ids=MOMENTS)
def test_the_end_is_reckoned_from_a_moment_that_can_be_believed(
    odd: FaultServer,
    scripted: Scripted,
    somebody: payt.AuthorizationCode,
    flavour: Flavour,
    created: Any,
    counts_from: float,
) -> None:
    began = time.time()
    said = began + created if isinstance(created, int) else created
    scripted.tokens = lambda _number: {**TOKENS, "created_at": said}
    flavour.contacts(odd.url, somebody, client=QUICK)
    ends = stored(somebody, odd.url).expires_at
    assert ends is not None
    assert began + counts_from + 7_199 <= ends <= time.time() + counts_from + 7_201


ODD_ANSWERS = {
    "no JSON": (kinds.answer(200, body=b"<html>"), "200: the answer has no access token"),
    "a list": (kinds.answer(200, body=b"[]"), "200: the answer has no access token"),
    "no access token": (kinds.answer(200, body=b'{"a": 1}'), "200: the answer has no access token"),
    "a number": (kinds.answer(200, body=b'{"access_token": 5}'), "200: the answer has no access token"),
    "a line end in the token": (kinds.answer(200, body=b'{"access_token": "a\\n"}'), "has no access token"),
    "a code by itself": (kinds.answer(400, body=b'{"error": "invalid_scope"}'), "400: invalid_scope: the application"),
    "a text": (kinds.answer(503, body=b"come back later"), "503: come back later"),
    "a page": (kinds.html(502), "502: "),
    "nothing": (kinds.empty(500), "500"),
    "a redirection": (
        kinds.answer(307, [("Location", "http://127.0.0.1:1/steal")]),
        "307: the answer redirects, which is not followed: is the base URL right",
    ),
    "too much": (kinds.endless(limit=4 * 2**20), "the answer is too large"),
    "a cut": (kinds.close(10), "the request may or may not have been carried out"),
    "a reset": (kinds.reset(Point.BEFORE_ANSWER), "the request may or may not have been carried out"),
    "secrets": (
        kinds.answer(400, body=b'{"error": "refresh-0", "error_description": "the-secret, refresh-0?"}'),
        r"400: \[secret\]: \[secret\], \[secret\]\?",
    ),
}


@pytest.mark.parametrize(("fault", "message"), ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_odd_answers_are_token_errors_and_the_next_caller_tries_anew(
    odd: FaultServer, somebody: payt.AuthorizationCode, flavour: Flavour, fault: kinds.Fault, message: str
) -> None:
    later = message[:3] in ("500", "502", "503")
    odd.script([fault] * (99 if later else 1))
    with pytest.raises(payt.TokenError, match=message) as caught:
        flavour.contacts(odd.url, somebody, client=QUICK)
    assert caught.value.url == f"{odd.url}/oauth/token"
    assert len(odd.requests) >= endpoint.ANSWERS if later else len(odd.requests) == 1  # else it may have arrived
    odd.script([])
    assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1


def test_a_connection_that_fails_is_tried_again(somebody: payt.AuthorizationCode, flavour: Flavour) -> None:
    with FaultServer([PAGE]) as gone:
        url = gone.url
    with pytest.raises(payt.TokenError, match="ConnectError") as caught:
        flavour.contacts(url, somebody, client=QUICK)
    assert "nobody knows" not in str(caught.value)


class Unsteady(httpx.MockTransport):
    """Refuses the first connections."""

    def __init__(self, refused: int) -> None:
        self.asked = 0

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path != "/oauth/token":
                return httpx.Response(200, content=PAGE)
            self.asked += 1
            if self.asked <= refused:
                raise httpx.ConnectTimeout("not now")
            return httpx.Response(200, json=TOKENS)

        super().__init__(answer)
        self.closed = False

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize("refused", [0, 1, 2, 5, 1000])
def test_only_what_cannot_have_arrived_is_sent_again(
    somebody: payt.AuthorizationCode, flavour: Flavour, refused: int
) -> None:
    transport = Unsteady(refused)

    def listed() -> list[payt.Contact]:
        return flavour.contacts("https://api.example", somebody, client={**QUICK, "transport": transport})

    if refused < 1000:
        assert len(listed()) == 1
        assert transport.asked == refused + 1
        assert transport.closed  # by the client that it was given to, when that was closed
    else:
        with skip_waits() as waits, pytest.raises(payt.TokenError, match="ConnectTimeout: not now"):
            listed()
        assert -31 < sum(waits.seconds) - (endpoint.LONGEST - endpoint.ENOUGH) < 0
        assert transport.asked == len(waits.seconds) + 1


def test_no_attempt_begins_that_could_be_cut_off_with_the_token_spent(
    odd: FaultServer, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    odd.script([kinds.answer(503, [("Retry-After", str(seconds))]) for seconds in (50, 31, 0)])
    with skip_waits() as waits, pytest.raises(payt.TokenError, match="503"):
        flavour.contacts(odd.url, somebody, client=QUICK)
    assert waits.seconds == [50]


# Renewing early what is still good


def early(url: str, somebody: payt.AuthorizationCode) -> TokenCache:
    """A token that is due and still good, and what knows it for as long as a client is open."""
    connection = cache_of(somebody, httpx.URL(url))
    now = time.time()
    connection.store.save(connection.key, payt.Token("still-good", "refresh-1", None, now - 7_170, now + 30))
    return connection


@pytest.mark.parametrize("fault", [kinds.answer(503), kinds.answer(400, body=b'{"error": "invalid_grant"}')], ids=str)
def test_a_refresh_that_fails_early_does_not_matter_yet(
    odd: FaultServer,
    somebody: payt.AuthorizationCode,
    flavour: Flavour,
    fault: kinds.Fault,
    caplog: pytest.LogCaptureFixture,
) -> None:
    held = early(odd.url, somebody)
    odd.script([fault])
    for _ in range(3):
        assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1
    assert [request.path for request in odd.requests] == ["/oauth/token", *["/v1/contacts"] * 3]
    assert "could not be renewed early" in caplog.text
    assert held.store is somebody.store


def test_a_refused_token_whose_refresh_fails_is_an_error(
    odd: FaultServer, somebody: payt.AuthorizationCode, flavour: Flavour
) -> None:
    early(odd.url, somebody)
    odd.script([kinds.answer(503), kinds.answer(401), *[kinds.answer(503)] * 99])
    with pytest.raises(payt.TokenError, match="503"):
        flavour.contacts(odd.url, somebody, client=QUICK)


# Stores that fail


class Failing(payt.MemoryTokenStore):
    """Cannot save what came, for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: Exception | None = None

    def save(self, key: str, token: payt.Token) -> None:
        if self.failure is not None and token.access_token:
            raise self.failure
        super().save(key, token)


def test_a_token_that_cannot_be_kept_is_no_token_yet_and_is_not_lost(
    odd: FaultServer, scripted: Scripted, flavour: Flavour
) -> None:
    store = Failing()
    somebody = payt.AuthorizationCode("id", "the-secret", store, refresh_token="refresh-0")
    keep = cache_of(somebody, httpx.URL(odd.url))  # as a program's client does
    store.failure = RuntimeError("INSERT of 'access-1', 'refresh-1', 'the-secret' failed")
    for _ in range(2):
        with pytest.raises(payt.TokenError) as caught:
            flavour.contacts(odd.url, somebody, client=QUICK)
    assert str(caught.value).startswith("the new token could not be saved: RuntimeError: INSERT of '[secret]', '[sec")
    assert "access-1" not in str(caught.value)
    store.failure = None
    assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1
    assert len(scripted.asked) == 1
    assert stored(somebody, odd.url).refresh_token == "refresh-1"
    assert keep.store is store


@pytest.mark.parametrize(
    ("answered", "kept"), [({"scope": "contacts:read more"}, "contacts:read more"), ({}, "before")]
)
def test_the_scope_is_the_last_one_that_was_told(
    answered: dict[str, Any], kept: str, odd: FaultServer, scripted: Scripted, flavour: Flavour
) -> None:
    somebody = payt.AuthorizationCode("id", "the-secret", payt.MemoryTokenStore())
    cache = cache_of(somebody, httpx.URL(odd.url))
    cache.store.save(cache.key, payt.Token("old", "refresh-0", "before", 0.0, 1.0))
    scripted.tokens = lambda _: {"access_token": "new", "refresh_token": "refresh-1", **answered}
    flavour.contacts(odd.url, somebody, client=QUICK)
    assert stored(somebody, odd.url).scope == kept


def with_a_token_that_could_not_be_kept(
    odd: FaultServer, flavour: Flavour
) -> tuple[Failing, payt.AuthorizationCode, TokenCache]:
    store = Failing()
    somebody = payt.AuthorizationCode("id", "the-secret", store, refresh_token="refresh-0")
    keep = cache_of(somebody, httpx.URL(odd.url))  # as a program's client does
    store.failure = RuntimeError("full")
    with pytest.raises(payt.TokenError, match="could not be saved"):
        flavour.contacts(odd.url, somebody, client=QUICK)
    store.failure = None
    return store, somebody, keep


def test_a_token_that_could_not_be_kept_is_forgotten_as_any_other(odd: FaultServer, flavour: Flavour) -> None:
    store, _, keep = with_a_token_that_could_not_be_kept(odd, flavour)
    store.delete(keep.key)
    assert payt.logout("id", base_url=odd.url, store=store)
    assert not payt.logout("id", base_url=odd.url, store=store)
    assert store.load(keep.key) is None


def test_a_token_that_could_not_be_kept_gives_way_to_a_newer_one(
    odd: FaultServer, scripted: Scripted, flavour: Flavour
) -> None:
    store, somebody, keep = with_a_token_that_could_not_be_kept(odd, flavour)
    store.save(keep.key, payt.Token("logged-in", "refresh-x"))
    assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1
    assert odd.requests[-1].headers["authorization"] == "Bearer logged-in"
    store.delete(keep.key)
    keep.refuse(payt.Token("logged-in"))
    assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1
    assert [asked["refresh_token"] for asked in scripted.asked] == ["refresh-0", "refresh-0"]


class Unhashable(payt.MemoryTokenStore):
    __hash__ = None  # type: ignore[assignment]  # on purpose


def test_a_store_may_be_unhashable(odd: FaultServer, flavour: Flavour) -> None:
    somebody = payt.AuthorizationCode("id", "the-secret", Unhashable(), refresh_token="refresh-0")
    assert len(flavour.contacts(odd.url, somebody, client=QUICK)) == 1
