"""What answers of the token endpoint look like: a token that came is kept, whatever is odd beside it."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import attrs
import httpx
import pytest
from click.testing import CliRunner

import payt
from faults.server import refused_url
from payt.cli.app import app
from payt.credentials.caches import cache_of
from payt.credentials.endpoint import ANSWERS, ENOUGH, LONGEST
from payt.credentials.token_answers import token_of
from payt.testing import SkippedWaits, skip_waits
from payt.transport import clock
from support.flavours import Flavour, Sync
from support.quick import QUICK

from .strict_server import Raw, StrictServer


@pytest.fixture
def server() -> Iterator[StrictServer]:
    with StrictServer() as running:
        yield running


@pytest.fixture
def who(server: StrictServer) -> payt.AuthorizationCode:
    return payt.AuthorizationCode("id", "secret", payt.MemoryTokenStore(), refresh_token=server.login())


def stored(server: StrictServer, who: payt.AuthorizationCode) -> payt.Token:
    cache = cache_of(who, httpx.URL(server.url))
    token = cache.store.load(cache.key)
    assert token is not None
    return token


def chunk(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def text(tokens: dict[str, Any]) -> bytes:
    return json.dumps(tokens).encode()


ODD = {
    "a last chunk that is missing": lambda tokens: (200, {"Transfer-Encoding": "chunked"}, chunk(text(tokens))),
    "a Content-Length that is 2 too large": lambda tokens: (
        200,
        {"Content-Length": str(len(text(tokens)) + 2)},
        text(tokens),
    ),
    "such a one, with a line that follows": lambda tokens: (
        200,
        {"Content-Length": "999"},
        text({"expires_in": 7200, "access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"]})
        + b"\nWarning",
    ),
    "a byte order mark": lambda tokens: (200, {}, b"\xef\xbb\xbf" + text(tokens)),
    "white space around": lambda tokens: (200, {}, b"\r\n " + text(tokens) + b"\r\n\r\n"),
    "another content type": lambda tokens: (200, {"Content-Type": "text/html"}, text(tokens)),
    "another status of success": lambda tokens: (201, {}, text(tokens)),
    "gzip that nobody asked for": lambda tokens: (200, {"Content-Encoding": "gzip"}, gzip.compress(text(tokens))),
    "gzip in gzip": lambda tokens: (
        200,
        {"Content-Encoding": "gzip, gzip"},
        gzip.compress(gzip.compress(text(tokens))),
    ),
    "gzip whose end is missing": lambda tokens: (
        200,
        {"Content-Encoding": "gzip", "Content-Length": "999"},
        gzip.compress(text(tokens))[:-8],
    ),
    "gzip of that length whose end is missing": lambda tokens: (
        200,
        {"Content-Encoding": "gzip"},
        gzip.compress(text(tokens))[:-8],
    ),
    "gzip whose end is missing, in gzip": lambda tokens: (
        200,
        {"Content-Encoding": "gzip, gzip"},
        gzip.compress(gzip.compress(text(tokens))[:-1]),
    ),
    "a Content-Encoding that is not true": lambda tokens: (200, {"Content-Encoding": "gzip"}, text(tokens)),
    "an end that is missing": lambda tokens: (
        200,
        {"Content-Length": "999"},
        text({**tokens, "scope": "contacts:read"})[:-8],
    ),
    "bytes that are no UTF-8": lambda tokens: (200, {}, text({**tokens, "name": "Zo?"}).replace(b"?", b"\xeb")),
    "a line that follows": lambda tokens: (200, {}, text(tokens) + b"\nWarning: {headers}"),
    "what JSON does not know": lambda tokens: (
        200,
        {},
        text({**tokens, "price": float("nan"), "x": "?"}).replace(b"?", b"\t"),
    ),
    "a lifetime without end": lambda tokens: (200, {}, text({**tokens, "expires_in": 1e308})),
    "a lifetime of 10**12": lambda tokens: (200, {}, text({**tokens, "expires_in": 10**12})),
    "a lifetime of 400 digits": lambda tokens: (200, {}, text({**tokens, "expires_in": "9" * 400})),
    "a number of 5,000 digits": lambda tokens: (
        200,
        {},
        text({"x": "?", **tokens}).replace(b'"?"', b"9" * 5_000),
    ),
    "a lifetime that is none": lambda tokens: (200, {}, text({**tokens, "expires_in": [1]})),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_a_token_is_kept_whatever_is_odd_beside_it(
    server: StrictServer, who: payt.AuthorizationCode, flavour: Flavour, answer: Any
) -> None:
    server.answer = answer
    for renewal in (1, 2):
        assert len(flavour.contacts(server.url, who, client=QUICK)) == 1
        assert (server.renewals, server.reused) == (renewal, 0)
        assert stored(server, who).refresh_token == server.valid["a"]
        server.expire()


def test_more_than_two_encodings_are_refused(server: StrictServer, who: payt.AuthorizationCode) -> None:
    body = gzip.compress(gzip.compress(gzip.compress(text({"access_token": "access"}))))
    server.before = [(200, {"Content-Encoding": "gzip, gzip, gzip"}, body)]
    with pytest.raises(payt.TokenError, match="not one that was asked for"):
        Sync().contacts(server.url, who, client=QUICK)


BOMB = gzip.compress(bytes(2**26))
UNREADABLE = {
    "2 MiB": (bytes(2**21), "", "the answer is too large"),
    "64 MiB in gzip": (BOMB, "gzip", "the answer is too large"),
    "64 MiB in gzip in gzip": (gzip.compress(BOMB), "gzip, gzip", "the answer is too large"),
    "an encoding that is not known": (b"{}", "compress", "its Content-Encoding is not one that was asked for"),
    "gzip that is none": (b"{}", "gzip", "DecodingError"),
    "gzip of no token, without its end": (gzip.compress(b"{}")[:-1], "gzip", "DecodingError"),
}


@pytest.mark.parametrize(("body", "encoding", "message"), UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_fills_no_memory(
    server: StrictServer, who: payt.AuthorizationCode, body: bytes, encoding: str, message: str, status: int
) -> None:
    server.before = [(status, {"Content-Encoding": encoding}, body)]
    with pytest.raises(payt.TokenError, match=message):
        Sync().contacts(server.url, who, client=QUICK)
    assert len(Sync().contacts(server.url, who, client=QUICK)) == 1


def test_a_refresh_token_may_be_a_number(server: StrictServer, flavour: Flavour) -> None:
    number = 12345678901234567890

    def numbered(tokens: dict[str, Any]) -> Raw:
        server._whose[str(number)], server.valid["a"] = "a", str(number)
        return 200, {}, text({**tokens, "refresh_token": number})

    server.answer = numbered
    who = payt.AuthorizationCode("id", "secret", payt.MemoryTokenStore(), refresh_token=server.login())
    for _ in range(2):
        assert len(flavour.contacts(server.url, who, client=QUICK)) == 1
        server.expire()
    assert server.reused == 0


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ({"refresh_token": ""}, {}),  # so the one before is kept
        ({"refresh_token": True}, {}),
        ({"refresh_token": ["r"]}, {}),
        ({"refresh_token": 12}, {"refresh_token": "12"}),
        ({"scope": "contacts:read"}, {"scope": "contacts:read"}),
        ({"scope": ["contacts:read"]}, {}),
        ({"expires_in": "3600"}, {"expires_at": 4600.0}),
        ({"expires_in": 0}, {"expires_at": 1000.0}),
        ({"expires_in": -1}, {}),
        ({"expires_in": 1e9 + 1}, {}),
        ({"expires_in": float("nan")}, {}),
        ({"expires_in": 10, "created_at": 800}, {"obtained_at": 800.0, "expires_at": 810.0}),
        ({"expires_in": 10, "created_at": 600}, {"expires_at": 1010.0}),  # by a clock that is wrong
        ({"expires_in": 10, "created_at": 1001}, {"expires_at": 1010.0}),
    ],
    ids=str,
)
def test_what_an_answer_tells_of_a_token(odd: dict[str, Any], told: dict[str, Any]) -> None:
    found = token_of(json.dumps({"access_token": "t", **odd}).encode(), 1000.0)
    assert found == attrs.evolve(payt.Token("t", obtained_at=1000.0), **told)


def test_a_new_refresh_token_without_an_access_token_is_kept(
    server: StrictServer, who: payt.AuthorizationCode, flavour: Flavour
) -> None:
    server.answer = lambda tokens: (200, {}, text({"refresh_token": tokens["refresh_token"]}))
    with pytest.raises(payt.TokenError, match="has a refresh token, which was saved, but no access token"):
        flavour.contacts(server.url, who, client=QUICK)
    assert stored(server, who).refresh_token == server.valid["a"]
    server.answer = lambda tokens: (200, {}, text(tokens))
    assert len(flavour.contacts(server.url, who, client=QUICK)) == 1
    assert (server.renewals, server.reused) == (2, 0)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_waited_out(
    server: StrictServer, who: payt.AuthorizationCode, flavour: Flavour, status: int
) -> None:
    server.before = [(status, {"Retry-After": "7"}, b"")] * (ANSWERS - 1)
    with skip_waits() as waits:
        assert len(flavour.contacts(server.url, who, client=QUICK)) == 1
    assert waits.seconds == [7.0] * (ANSWERS - 1)
    assert server.reused == 0


@pytest.mark.parametrize(
    ("status", "after", "least", "most"),
    [(503, "3", 6, 12), (503, None, 6, 12), (429, "35", 3, 3), (503, "3600", 1, 1), (500, "3", ANSWERS, ANSWERS)],
)
def test_what_does_not_pass_in_time_is_an_error_that_says_how_long_to_wait(
    server: StrictServer,
    who: payt.AuthorizationCode,
    flavour: Flavour,
    status: int,
    after: str | None,
    least: int,
    most: int,
) -> None:
    server.before = [(status, {"Retry-After": after} if after else {}, b"later")] * 20
    with skip_waits() as waits, pytest.raises(payt.TokenError, match=f"{status}: later") as caught:
        flavour.contacts(server.url, who, client=QUICK)
    assert caught.value.retry_after == (float(after) if after else None)
    assert least <= 20 - len(server.before) <= most
    assert sum(waits.seconds) < LONGEST - ENOUGH


class Appearing(SkippedWaits):
    """Where nothing listens until there were six waits."""

    def __init__(self, server: StrictServer) -> None:
        super().__init__()
        self._server = server
        server._server.server_close()
        self._socket = server._server.socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))  # without listening: connections are refused
        server.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def sleep(self, seconds: float, _wait: object = None) -> None:
        super().sleep(seconds)
        if len(self.seconds) == 6:
            self._socket.listen()
            self._server.__enter__()


def test_a_server_that_is_not_there_yet_is_waited_for(flavour: Flavour) -> None:
    server = StrictServer()
    waits = Appearing(server)
    who = payt.AuthorizationCode("id", "secret", payt.MemoryTokenStore(), refresh_token=server.login())
    try:
        with clock.using(waits):
            assert len(flavour.contacts(server.url, who, client=QUICK)) == 1
        assert (server.renewals, server.reused) == (1, 0)
        assert stored(server, who).refresh_token == server.valid["a"]
    finally:
        if len(waits.seconds) >= 6:
            server.__exit__(None, None, None)
        server._server.server_close()


@pytest.mark.real_time
def test_a_program_that_ends_waits_for_no_connection() -> None:
    program = f"""if True:
        import contextlib, threading, payt
        def listed():
            who = payt.ClientCredentials("id", "secret", payt.MemoryTokenStore())
            with contextlib.suppress(payt.PaytError):  # Python crashes where a daemon tells one while it ends
                list(payt.Client(who, base_url={refused_url()!r}).contacts.list(administration_id="1"))
        threading.Thread(target=listed, daemon=True).start()
        while not any(thread.name == "payt-token" for thread in threading.enumerate()):
            pass
        """
    subprocess.run([sys.executable, "-c", program], check=True, timeout=LONGEST / 2)  # on time, or an error


@pytest.mark.real_time
def test_a_failed_connection_is_waited_out_in_real_time() -> None:
    failures = [httpx.ConnectError("not yet"), None, None]

    def answer(request: httpx.Request) -> httpx.Response:
        failure = failures.pop(0)
        if failure is not None:
            raise failure
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "access"})
        return httpx.Response(200, json={"data": [], "pagination": None})

    who = payt.ClientCredentials("id", "secret", payt.MemoryTokenStore())
    transport = httpx.MockTransport(answer)
    assert Sync().contacts("https://api.example", who, client={**QUICK, "transport": transport}) == []
    assert failures == []


def test_a_certificate_that_is_not_trusted_is_told_at_once() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("not trusted") from ssl.SSLCertVerificationError()

    who = payt.ClientCredentials("id", "secret", payt.MemoryTokenStore())
    with pytest.raises(payt.TokenError, match="not trusted"):
        Sync().contacts("https://api.example", who, client={**QUICK, "transport": httpx.MockTransport(answer)})
    assert len(asked) == 1


ENDLESS = [1e308, 1e12, 1e18]


@pytest.mark.parametrize("moment", ENDLESS)
def test_a_moment_that_no_calendar_has_is_no_traceback(moment: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_CLIENT_ID", "id")
    cache = cache_of(payt.AuthorizationCode("id", "secret"), httpx.URL("https://api.paytsoftware.com"))
    cache.store.save(cache.key, payt.Token("a", "r", None, 0.0, moment))
    status = CliRunner().invoke(app, ["status"], catch_exceptions=False)
    assert status.exit_code == 0
    assert "  access token: until an impossible time\n" in status.stdout


SPELLINGS = {
    "as it is": "the-sec/ret+1=",
    "escaped slashes": "the-sec\\\\/ret+1=",
    "unicode escapes": "the\\\\u002dsec\\\\u002Fret\\\\u002b1\\\\u003d",
    "percent-encoded": "the-sec%2Fret%2b1%3D",
    "as HTML": "the-sec&#x2F;ret&#43;1&#61;",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_recognized_however_it_is_written(server: StrictServer, flavour: Flavour, spelling: str) -> None:
    secret = "the-sec/ret+1="
    who = payt.AuthorizationCode("id", secret, payt.MemoryTokenStore(), refresh_token="refresh-0")
    body = f'{{"error": "invalid_request", "error_description": "not {spelling}, \\u001b[31mred"}}'
    server.before = [(400, {"X-Request-Id": f"id-{secret}"}, body.encode())]
    with pytest.raises(payt.TokenError) as caught:
        flavour.contacts(server.url, who, client=QUICK)
    assert caught.value.message == "not [secret],  [31mred"
    assert caught.value.request_id == "id-[secret]"
    server.before = [(400, {"Content-Type": "text/plain"}, f"not {spelling}".replace("\\\\", "\\").encode())]
    with pytest.raises(payt.TokenError) as caught:
        flavour.contacts(server.url, who, client=QUICK)
    assert caught.value.message == "not [secret]"


def test_a_header_that_is_repeated_shows_no_secret(server: StrictServer) -> None:
    who = payt.AuthorizationCode("id", "the-secret", payt.MemoryTokenStore(), refresh_token="refresh-0")
    basic = base64.b64encode(b"id:the-secret").decode()
    server.before = [
        (400, {}, json.dumps({"error": "invalid_request", "error_description": f"Basic {basic}"}).encode())
    ]
    with pytest.raises(payt.TokenError) as caught:
        Sync().contacts(server.url, who, client=QUICK)
    assert caught.value.message == "Basic [secret]"
