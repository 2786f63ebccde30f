"""No token, secret, code or Basic header is anywhere but in the request that needs it and in the store."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import pickle
import re
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import attrs
import httpx
import pytest
from rich.pretty import pretty_repr

import payt
from faults import kinds
from faults.kinds import Point
from faults.server import FaultServer, ParsedRequest
from payt.credentials.caches import cache_of
from payt.credentials.endpoint import ANSWERS, TokenEndpoint
from payt.credentials.login import Attempt
from support.flavours import Flavour
from support.quick import QUICK

from .waiting import until

CLIENT_SECRET = "S3CRET-of-the-application"
BASIC = base64.b64encode(f"an-id:{CLIENT_SECRET}".encode()).decode()
OURS = str(Path(payt.__file__).parent)


def leaks(text: str) -> list[str]:
    return [secret for secret in ("S3CRET", quote("S3CRET"), BASIC, BASIC[8:-4]) if secret in text]


def frames(error: BaseException) -> Iterator[FrameType]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith(OURS):
            yield frame


def chain(error: BaseException | None) -> Iterator[BaseException]:
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        if error.__context__ is not error.__cause__:
            yield from chain(error.__context__)


def everything_about(error: BaseException) -> Iterator[str]:
    """What error reports show: texts, attributes, and the variables of our frames."""
    for link in chain(error):
        yield f"{link!r} {link} {link.args!r} { ({k: v for k, v in vars(link).items() if k != 'body'})!r}"
        for frame in frames(link):
            for name, value in frame.f_locals.items():
                if name == "chunk":
                    continue  # of an answer of the API, which may say what it likes
                # some show what the fields of attrs classes hold, whatever their repr
                yield f"{frame.f_code.co_qualname}: {name} = {value!r} {pretty_repr(value)}"


class Server:
    """Gives tokens; its API repeats all secrets that it knows where it refuses."""

    def __call__(self, request: ParsedRequest) -> bytes:
        if request.path != "/oauth/token":
            return b'{"data": [{"id": "1"}], "pagination": null}'
        assert leaks(request.headers["authorization"])
        return json.dumps(
            {"access_token": "S3CRET-new-access", "refresh_token": "S3CRET-new-refresh", "expires_in": 7200}
        ).encode()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(Server()) as running:
        yield running


def echo_sent(status: int) -> kinds.Fault:
    sent = {"error": "invalid_grant", "error_description": f"no S3CRET-first-refresh of {CLIENT_SECRET}"}
    return kinds.answer(status, body=json.dumps(sent).encode())


class Full(payt.MemoryTokenStore):
    def save(self, key: str, token: payt.Token) -> None:
        if token.access_token:
            raise OSError(f"INSERT {token.access_token}, {token.refresh_token} failed")


SCRIPTS: dict[str, list[kinds.Fault | None]] = {
    "success": [],
    "a refresh after a 401": [kinds.answer(401)],
    "a 401 with the token in it": [None, kinds.answer(401, body=b'{"message": "S3CRET-new-access is not good"}')],
    "a refusal that repeats what was sent": [echo_sent(400)],
    "a failure that repeats what was sent": [echo_sent(500)] * ANSWERS,
    "a redirection": [kinds.answer(302, [("Location", "https://elsewhere.example/?x=1")])],
    "no token": [kinds.answer(200, body=b'{"refresh_token": "S3CRET-new-refresh"}')],
    "a token that is none": [kinds.answer(200, body=b'{"access_token": "S3CRET-new-access\\n"}')],
    "a refusal with a token": [kinds.answer(400, body=b'{"access_token": "S3CRET-new-access", "x": NaN}')],
    "an answer cut short": [kinds.close(20)],
    "a reset": [kinds.reset(Point.BEFORE_ANSWER)],
    "garbage": [kinds.garbage()],
    "a refused permission": [None, kinds.answer(403, body=b'{"message": "S3CRET-new-access may not"}')],
    "a page that breaks": [None, *[kinds.reset(Point.BEFORE_ANSWER)] * 10],
}


@pytest.fixture(autouse=True)
def listening(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Every logger at its most talkative, and every warning."""
    for name in ("", "payt", "httpx", "httpcore", "asyncio", "filelock"):
        caplog.set_level(logging.DEBUG, logger=name)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield
    said = [f"{record.getMessage()} {record.args!r} {record.exc_info!r}" for record in caplog.get_records("call")]
    assert not [line for line in said if leaks(line)]
    assert not [str(warning.message) for warning in warned if leaks(str(warning.message))]


def check(run: Callable[[], object]) -> BaseException | None:
    caught: BaseException | None = None
    try:
        shown = repr(run())
    except (payt.PaytError, ValueError, TypeError) as error:
        caught, shown = error, "\n".join(text for text in everything_about(error) if leaks(text))
    assert not leaks(shown), shown
    return caught


def somebody(store: payt.TokenStore) -> payt.AuthorizationCode:
    return payt.AuthorizationCode("an-id", CLIENT_SECRET, store, refresh_token="S3CRET-first-refresh")


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_listings_show_nothing(
    server: FaultServer, flavour: Flavour, script: list[kinds.Fault | None], tmp_path: Path
) -> None:
    server.script(script)
    store = payt.FileTokenStore(tmp_path / "tokens") if flavour.name == "sync" else payt.MemoryTokenStore()
    who = somebody(store)
    if script == SCRIPTS["a refresh after a 401"]:
        key = cache_of(who, httpx.URL(server.url)).key
        store.save(key, payt.Token("S3CRET-old-access", "S3CRET-old-refresh"))
    error = check(lambda: flavour.contacts(server.url, who, client=QUICK))
    assert (error is None) == (script in (SCRIPTS["success"], SCRIPTS["a refresh after a 401"]))
    assert not [request.target for request in server.requests if leaks(request.target)]


@pytest.mark.parametrize("kind", [payt.Client, payt.AsyncClient])
@pytest.mark.parametrize(
    "arguments",
    [
        {"retries": -1},
        {"base_url": "nowhere"},
        {"base_url": "https://me:S3CRET@payt.example"},
        {"token": "S3CRET"},
        {"transport": 5},
    ],
    ids=str,
)
def test_a_client_that_cannot_be_made_shows_nothing(kind: Any, arguments: dict[str, Any]) -> None:
    proxy = "http://me:S3CRET@127.0.0.1:1"
    assert check(lambda: kind("S3CRET-token", proxy=proxy, **arguments))
    client = kind("t", proxy=proxy)
    assert check(lambda: client.with_options(retries=-1))
    assert check(lambda: client.with_options(proxy=proxy))
    assert check(lambda: client.with_options(credentials="S3CRET-token"))
    assert check(lambda: pickle.dumps(client))


@pytest.mark.parametrize(
    "make",
    [
        lambda: payt.StaticToken("Bearer S3CRET"),
        lambda: payt.EnvToken("S3CRET-token"),
        lambda: payt.ClientCredentials("an-id", "S3CRET "),
        lambda: payt.AuthorizationCode("an-id", "S3CRET", refresh_token="S3CRET more"),
        lambda: payt.SQLPace("oracle://me:S3CRET@db/payt"),
        lambda: payt.SQLTokenStore("oracle://me:S3CRET@db/payt"),
        lambda: payt.login("an-id", "S3CRET "),
        lambda: payt.sync(payt.Client("t"), "1", "sqlite:///c.db", moved_from="https://me:S3CRET@payt.example"),
    ],
    ids=[
        "StaticToken",
        "EnvToken",
        "ClientCredentials",
        "AuthorizationCode",
        "SQLPace",
        "SQLTokenStore",
        "login",
        "sync",
    ],
)
def test_wrong_arguments_are_not_shown(make: Callable[[], object]) -> None:
    assert check(make)


def test_a_key_of_a_store_that_is_none_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_TOKEN_KEY", "S3CRET")
    assert check(lambda: payt.SQLTokenStore("sqlite:///tokens.db"))


def test_a_proxy_that_cannot_be_reached_shows_nothing(flavour: Flavour) -> None:
    """Neither in our variables nor in those of httpcore, which hold what the proxy would be sent."""
    client = QUICK | {"proxy": f"http://an-id:{CLIENT_SECRET}@127.0.0.1:1", "retries": 0}
    error = check(lambda: flavour.contacts("https://payt.example", "a-token", client=client))
    assert error is not None
    for link in chain(error):
        shown = traceback.TracebackException.from_exception(link, capture_locals=True).stack
        assert not [frame for frame in shown if leaks(f"{(frame.locals or {})!r}") and "/tests/" not in frame.filename]


@pytest.mark.parametrize(
    "environment",
    [
        {"PAYT_TOKEN": "S3CRET", "PAYT_TOKEN_FILE": "token.txt"},
        {"PAYT_TOKEN": "S3CRET\n"},
        {"PAYT_CLIENT_SECRET": "S3CRET"},
        {"PAYT_CLIENT_ID": "id", "PAYT_CLIENT_SECRET": "S3CRET", "PAYT_REFRESH_TOKEN": "S3CRET\n"},
    ],
    ids=" ".join,
)
def test_an_environment_that_cannot_be_used_is_not_shown(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert check(payt.Client)


@pytest.mark.parametrize("table", ["contacts", "payt_taken"], ids=["nobody is there", "an argument is wrong"])
def test_a_copy_that_fails_shows_no_password_of_its_database(table: str) -> None:
    """What lies behind the error is the driver's, and is not shown."""
    to = "postgresql+psycopg://me:S3CRET@127.0.0.1:1/payt"

    async def copy() -> object:
        async with payt.AsyncClient("t") as client:
            return await payt.async_sync(client, "1", to, table=table)

    runs: list[Callable[[], object]] = [
        lambda: payt.sync(payt.Client("t"), "1", to, table=table),
        lambda: asyncio.run(copy()),
        lambda: payt.async_sync(payt.AsyncClient("t"), "1", to, table=table).__await__().send(None),  # without a loop
    ]
    for run in runs:
        with pytest.raises((payt.PaytError, ValueError, RuntimeError)) as caught:
            run()
        assert not [frame.f_locals for frame in frames(caught.value) if leaks(repr(frame.f_locals))]


@pytest.mark.parametrize("line", [b"HTTP/1.1 200 OK\r\n", b""], ids=["header", "status line"])
@pytest.mark.parametrize("secret", ["S3CRET-first-refresh", "S3CRET-new-access"])
def test_what_is_not_http_and_repeats_what_was_sent_shows_nothing(
    server: FaultServer, flavour: Flavour, line: bytes, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The error of the parser quotes it."""
    before = [] if "refresh" in secret else [None]
    server.script([*before, *[kinds.garbage(line + f"no {secret}\r\n\r\n".encode())] * 5])
    error = check(lambda: flavour.contacts(server.url, somebody(payt.MemoryTokenStore()), client=QUICK))
    assert re.search(r"no \[(secret|token)\]", str(error))
    assert not [record for record in caplog.records if record.name == "payt" and leaks(record.getMessage())]
    caplog.clear()  # at DEBUG, httpcore logs the errors of the parser


def test_a_connection_that_fails_shows_nothing(flavour: Flavour) -> None:
    with FaultServer(Server()) as gone:
        pass
    assert check(lambda: flavour.contacts(gone.url, somebody(payt.MemoryTokenStore()), client=QUICK))


def test_a_store_that_fails_shows_nothing(server: FaultServer, flavour: Flavour) -> None:
    error = check(lambda: flavour.contacts(server.url, somebody(Full()), client=QUICK))
    assert "[secret]" in str(error)


class Closing(payt.MemoryTokenStore):
    """Closes a client while it waits for a token."""

    close: Callable[[], object]

    def load(self, key: str) -> payt.Token | None:
        self.close()
        return super().load(key)


def test_a_client_that_is_closed_meanwhile_shows_nothing(server: FaultServer) -> None:
    store = Closing()
    with payt.Client(somebody(store), base_url=server.url, **QUICK) as client:
        store.close = client.close
        error = check(lambda: list(client.contacts.list(administration_id="1")))
    assert any("Search.result" in text for text in everything_about(error or Exception()))


class Quoting(payt.MemoryTokenStore):
    """Says what it holds, as databases do of a row that they refuse."""

    def save(self, key: str, token: payt.Token) -> None:
        raise OSError(f"{self.load(key)} {token.access_token}, {token.refresh_token} failed")


@pytest.mark.parametrize("life", [-1.0, 30.0], ids=["due", "due soon"])
def test_a_store_that_quotes_what_it_holds_shows_nothing(server: FaultServer, flavour: Flavour, life: float) -> None:
    who = somebody(Quoting())
    held = payt.Token("S3CRET-old-access", "S3CRET-old-refresh", obtained_at=1.0, expires_at=time.time() + life)
    payt.MemoryTokenStore.save(who.store, cache_of(who, httpx.URL(server.url)).key, held)  # type: ignore[arg-type]
    assert (check(lambda: flavour.contacts(server.url, who, client=QUICK)) is None) == (life > 0)


def test_an_application_whose_store_quotes_what_it_holds_shows_nothing(server: FaultServer, flavour: Flavour) -> None:
    own = payt.ClientCredentials("an-id", CLIENT_SECRET, Quoting())
    assert check(lambda: flavour.contacts(server.url, own, client=QUICK)) is None


def test_a_torn_file_shows_nothing(server: FaultServer, flavour: Flavour, tmp_path: Path) -> None:
    store = payt.FileTokenStore(tmp_path / "tokens")
    who = somebody(store)
    store.save(cache_of(who, httpx.URL(server.url)).key, payt.Token("S3CRET-old-access", "S3CRET-old-refresh"))
    (file,) = (tmp_path / "tokens").glob("*.json")
    file.write_bytes(file.read_bytes().rstrip()[:-9])
    assert leaks(file.read_text())
    assert check(lambda: flavour.contacts(server.url, who, client=QUICK))


def test_an_application_by_itself_shows_nothing(server: FaultServer, flavour: Flavour) -> None:
    own = payt.ClientCredentials("an-id", CLIENT_SECRET, payt.MemoryTokenStore())
    assert check(lambda: flavour.contacts(server.url, own, client=QUICK)) is None
    server.script([kinds.answer(401), kinds.answer(401, body=json.dumps({"message": f"not {CLIENT_SECRET}"}).encode())])
    assert check(lambda: flavour.contacts(server.url, own, client=QUICK))


@pytest.mark.parametrize("secret", ["S3CRET with a blank", "S3CRET\n", "S3CRET-ü"], ids=["blank", "line end", "umlaut"])
def test_a_token_that_is_none_is_not_shown(flavour: Flavour, secret: str) -> None:
    error = check(lambda: flavour.contacts("http://127.0.0.1:1", lambda: secret, client=QUICK))
    assert "contains white space or characters that tokens never have" in str(error)


# Logging in


def pasting(answer: Callable[[dict[str, str]], str]) -> Callable[[str], str]:
    def ask(address: str) -> str:
        assert not leaks(address)
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return f"{query['redirect_uri']}?{answer(query)}"

    return ask


RETURNS: dict[str, tuple[Callable[[dict[str, str]], str], list[kinds.Fault | None]]] = {
    "success": (lambda query: f"code=S3CRET-the-code&state={query['state']}", []),
    "another state": (lambda query: "code=S3CRET-the-code&state=x", []),
    "a refusal": (lambda query: f"error=access_denied&state={query['state']}", []),
    "a code that is not good": (
        lambda query: f"code=S3CRET-the-code&state={query['state']}",
        [kinds.answer(400, body=b'{"error": "invalid_grant", "error_description": "S3CRET-the-code is none"}')],
    ),
    "no answer": (lambda query: f"code=S3CRET-the-code&state={query['state']}", [kinds.close(1)]),
}


@pytest.mark.parametrize(("answer", "script"), RETURNS.values(), ids=RETURNS)
def test_logging_in_shows_nothing(
    server: FaultServer, answer: Callable[[dict[str, str]], str], script: list[kinds.Fault | None]
) -> None:
    server.script(script)
    store = payt.MemoryTokenStore()
    check(lambda: payt.login("an-id", CLIENT_SECRET, base_url=server.url, store=store, ask=pasting(answer)))


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="the operating system cannot signal a thread")
def test_logging_in_that_is_interrupted_shows_nothing(server: FaultServer) -> None:
    server.script([kinds.stall(0.6)])

    def interrupt() -> None:
        until(lambda: bool(server.requests))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    store = payt.MemoryTokenStore()
    with pytest.raises(KeyboardInterrupt) as caught:
        payt.login("an-id", CLIENT_SECRET, base_url=server.url, store=store, ask=pasting(RETURNS["success"][0]))
    thread.join(60)
    assert not [text for text in everything_about(caught.value) if leaks(text)]


# Objects


def test_objects_show_nothing(server: FaultServer) -> None:
    store = payt.MemoryTokenStore()
    url = httpx.URL(server.url)
    who = somebody(store)
    token = payt.Token("S3CRET-old-access", "S3CRET-old-refresh")
    with payt.Client(who, base_url=server.url, **QUICK) as client:
        list(client.contacts.list(administration_id="1"))
        connection = cache_of(who, url)
        endpoint = TokenEndpoint(url, "an-id", CLIENT_SECRET, {"proxy": "http://user:S3CRET@proxy.example"})
        attempt = Attempt("an-id", url, "http://127.0.0.1/callback", None)
        objects: list[Any] = [
            *(who, attrs.asdict(who, recurse=False).keys(), client, client._session, client._session.auth, store),
            *(connection, endpoint, token, attempt),
            *(payt.StaticToken("S3CRET"), payt.ClientCredentials("an-id", CLIENT_SECRET)),
        ]
        assert not [type(shown) for shown in objects if leaks(f"{shown!r} {shown}")]
    with pytest.raises(TypeError) as caught:
        payt.ClientCredentials("an-id", CLIENT_SECRET, "S3CRET")  # type: ignore[arg-type]
    assert not leaks(str(caught.value))


@pytest.mark.parametrize(
    "arguments",
    [
        {"credentials": "S3CRET-token"},
        {"credentials": payt.StaticToken("S3CRET-token")},
        {"credentials": partial("S3CRET-%s".__mod__, "token")},
        {"credentials": payt.ClientCredentials("an-id", CLIENT_SECRET, payt.MemoryTokenStore())},
        {"credentials": payt.EnvToken("PAYT_TOKEN_S"), "proxy": "http://user:S3CRET@127.0.0.1:9"},
    ],
    ids=["token", "static token", "function", "memory", "proxy"],
)
def test_a_client_that_cannot_be_pickled(arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_TOKEN_S", "S3CRET-token")
    with payt.Client(base_url="http://127.0.0.1:9", **arguments) as client:
        with pytest.raises(TypeError) as error:
            pickle.dumps(client)
        assert not [leaks(text) for text in everything_about(error.value) if leaks(text)]
        assert not leaks(f"{client!r} {pretty_repr(client)}")
