"""Logging in: with the browser's part played by an HTTP client, against a real OAuth2 server."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from freezegun import freeze_time

import payt
from oauth_server.launch import Application, OAuthServer
from payt.credentials import loopback
from payt.credentials.caches import cache_of
from payt.testing import FakePayt, skip_waits

from .waiting import until


class Browser:
    """Opens pages in a thread, follows where they lead, and keeps what it saw."""

    def __init__(self, change: Callable[[str], str] = str) -> None:
        self.pages: list[httpx.Response] = []
        self.opened = ""
        self._change = change
        self._thread = threading.Thread()

    def __call__(self, address: str) -> None:
        self.opened = address
        self._thread = threading.Thread(target=self._open, args=(self._change(address),))
        self._thread.start()

    def _open(self, address: str) -> None:
        with httpx.Client(trust_env=False, timeout=60, verify=False) as http:
            page = http.get(address)
            while page.has_redirect_location:
                page = http.get(self._change(page.headers["Location"]))
            self.pages.append(page)

    def page(self) -> httpx.Response:
        self._thread.join(30)
        return self.pages[0]

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.opened).query)


@pytest.fixture(autouse=True)
def no_real_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", pytest.fail)


@pytest.fixture
def store(tmp_path: Path) -> payt.FileTokenStore:
    return payt.FileTokenStore(tmp_path / "tokens")


LogIn = Callable[..., payt.Token]


@pytest.fixture
def log_in(server: OAuthServer, application: Application, store: payt.FileTokenStore) -> LogIn:
    def call(**settings: Any) -> payt.Token:
        settings = {"base_url": server.url, "store": store, "timeout": 30, **settings}
        return payt.login(application.client_id, application.client_secret, **settings)

    return call


def test_who_logs_in_is_logged_in(
    server: OAuthServer, application: Application, store: payt.FileTokenStore, log_in: LogIn
) -> None:
    browser = Browser()
    token = log_in(browser=browser, scope="contacts:read")
    assert token.scope == "contacts:read"
    who = payt.AuthorizationCode(application.client_id, application.client_secret, store)
    with payt.Client(who, base_url=server.url, verify=False) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == 7
    assert server.counts().token["authorization_code"].succeeded == 1
    assert server.counts().refresh.requests == 0


def test_the_address_is_as_the_standards_want_it(server: OAuthServer, application: Application, log_in: LogIn) -> None:
    first, second = Browser(), Browser()
    log_in(browser=first)
    log_in(browser=second, scope="contacts:read contacts:write")
    assert first.opened.startswith(f"{server.url}/oauth/authorize?")
    query = first.query
    assert query["client_id"] == [application.client_id]
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert urlsplit(query["redirect_uri"][0]).hostname == "127.0.0.1"
    assert "scope" not in query
    assert second.query["scope"] == ["contacts:read contacts:write"]
    assert len(query["state"][0]) == 43
    assert query["state"] != second.query["state"]
    assert query["code_challenge"] != second.query["code_challenge"]


def test_the_page_afterwards_is_plain_and_friendly(log_in: LogIn) -> None:
    browser = Browser()
    log_in(browser=browser)
    page = browser.page()
    assert page.status_code == 200
    assert "You are logged in to Payt. You can close this page" in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert page.headers["referrer-policy"] == "no-referrer"


def test_a_login_goes_before_what_a_client_knows(
    server: OAuthServer, application: Application, store: payt.FileTokenStore, log_in: LogIn
) -> None:
    log_in(browser=Browser())
    who = payt.AuthorizationCode(application.client_id, application.client_secret, store)
    with payt.Client(who, base_url=server.url, verify=False) as client:
        list(client.contacts.list(administration_id="1"))
        server.revoke_login()
        with pytest.raises(payt.LoginRequiredError):
            list(client.contacts.list(administration_id="1"))
        log_in(browser=Browser())
        assert len(list(client.contacts.list(administration_id="1"))) == 7


def test_a_refusal_is_told_to_both(
    server: OAuthServer, application: Application, store: payt.FileTokenStore, log_in: LogIn
) -> None:
    browser = Browser(lambda address: address.replace("/oauth/authorize?", "/oauth/authorize?deny=1&"))
    with pytest.raises(payt.TokenError, match="the login was refused") as caught:
        log_in(browser=browser)
    assert caught.value.code == "access_denied"
    assert "Not logged in" in browser.page().text
    who = payt.AuthorizationCode(application.client_id, application.client_secret, store)
    assert cache_of(who, httpx.URL(server.url)).load() == payt.Token("")


def test_another_error_is_told(log_in: LogIn) -> None:
    with pytest.raises(payt.TokenError, match="Payt could not log in: invalid_scope"):
        log_in(browser=Browser(), scope="everything")


def test_a_wrong_state_is_refused(log_in: LogIn, server: OAuthServer) -> None:
    browser = Browser(lambda address: address.replace("?code=", "?code=an-attackers-").replace("state=", "state=no"))
    with pytest.raises(payt.TokenError, match=r"nobody logged in within 0\.5 s \(.*does not belong to this login"):
        log_in(browser=browser, timeout=0.5)
    assert "Not logged in" in browser.page().text
    assert server.counts().token == {}


def test_a_code_that_is_not_good_is_told(log_in: LogIn) -> None:
    browser = Browser(lambda address: address.replace("?code=", "?code=x"))
    with pytest.raises(payt.TokenError, match="invalid_grant"):
        log_in(browser=browser)


def test_a_wrong_secret_is_told(server: OAuthServer, application: Application, store: payt.FileTokenStore) -> None:
    with pytest.raises(payt.TokenError, match="invalid_client"):
        payt.login(application.client_id, "wrong", base_url=server.url, store=store, browser=Browser(), timeout=30)


@pytest.mark.real_time
def test_nobody_waits_for_ever(log_in: LogIn) -> None:
    with pytest.raises(payt.TokenError, match=r"nobody logged in within 0\.2 s: log in again\. .* --no-browser"):
        log_in(browser=lambda _address: None, timeout=0.2)


def test_a_busy_port_is_told(log_in: LogIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(payt.TokenError, match=f"port {port} of this machine cannot be used to log in"):
            log_in(browser=Browser(), port=port)


def test_a_port_can_be_chosen_and_is_closed_afterwards(log_in: LogIn) -> None:
    for attempt in range(10):  # somebody else may be quicker to take a port
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        browser = Browser()
        try:
            log_in(browser=browser, port=port)
        except payt.TokenError:
            assert attempt < 9
        else:
            break
    assert browser.query["redirect_uri"] == [f"http://127.0.0.1:{port}/callback"]
    browser.page()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/callback", trust_env=False, timeout=60)


def test_other_requests_and_silent_connections_are_no_hindrance(log_in: LogIn) -> None:
    browser = Browser()

    def restless(address: str) -> None:
        redirect = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        port = urlsplit(redirect).port
        silent.append(socket.create_connection(("127.0.0.1", port or 0)))
        found = httpx.get(redirect.replace("callback", "favicon.ico"), trust_env=False, timeout=60)
        assert found.status_code == 404
        browser(address)

    silent: list[socket.socket] = []
    try:
        assert log_in(browser=restless).refresh_token is not None
    finally:
        for connection in silent:
            connection.close()


FOREIGN = {"nothing": "", "no state": "?code=1", "another state": "?code=1&state=x", "a refusal": "?error=no&state=x"}


@pytest.mark.parametrize("query", FOREIGN.values(), ids=FOREIGN)
def test_requests_that_do_not_belong_to_a_login_do_not_end_it(server: OAuthServer, log_in: LogIn, query: str) -> None:
    browser = Browser()

    def with_a_stranger(address: str) -> None:
        redirect = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        page = httpx.get(f"{redirect}{query}", trust_env=False, timeout=60)
        assert "Not logged in" in page.text
        browser(address)

    assert log_in(browser=with_a_stranger).refresh_token is not None
    assert "You are logged in" in browser.page().text
    assert server.counts().token["authorization_code"].requests == 1


def test_the_page_says_what_the_exchange_gave(log_in: LogIn) -> None:
    browser = Browser(lambda address: address.replace("?code=", "?code=x"))
    with pytest.raises(payt.TokenError, match="invalid_grant"):
        log_in(browser=browser)
    page = browser.page().text
    assert "Not logged in" in page
    assert "invalid_grant" in page


def test_a_browser_may_block(log_in: LogIn) -> None:
    """As selenium and browsers in a terminal do."""
    browser, over = Browser(), threading.Event()

    def blocking(address: str) -> None:
        browser(address)
        over.wait(60)

    try:
        assert log_in(browser=blocking).refresh_token is not None
    finally:
        over.set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ask": 5}, "ask must be a function, or something else to call, got int"),
        ({"browser": "firefox"}, "browser must be a function, or something else to call, got str"),
        ({"scope": ["contacts:read"]}, "scope must be a string, got list"),
        ({"ask": lambda _: None}, "ask must return the address that the browser ended on, got NoneType"),
    ],
    ids=["ask", "browser", "scope", "what ask returns"],
)
def test_wrong_arguments_are_named(
    application: Application, server: OAuthServer, store: payt.FileTokenStore, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        payt.login(application.client_id, application.client_secret, base_url=server.url, store=store, **arguments)


def test_who_comes_too_late_is_told() -> None:
    """As a page that is loaded again: a code is good for one use."""
    exchanged: list[str] = []

    def finish(address: str) -> payt.Token:
        exchanged.append(address)
        return payt.Token("a")

    with loopback.Loopback(0, "/callback") as server:
        late: list[bytes] = []

        def show() -> None:
            httpx.get(server.address, trust_env=False, timeout=60)

        assert server.wait(60, show, finish) == payt.Token("a")
        server.visit(server.address, late.append)
    assert b"This login is over: start another one." in late[0]
    assert exchanged == ["/callback"]


def test_who_comes_at_the_last_moment_is_waited_for() -> None:
    def finish(_address: str) -> payt.Token:
        waits.sleep(60)  # the time is over
        time.sleep(0.3)
        return payt.Token("a")

    with (
        skip_waits() as waits,
        loopback.Loopback(0, "/callback") as server,
        ThreadPoolExecutor(1) as pool,
    ):
        visits: list[Future[None]] = []

        def show() -> None:
            visits.append(pool.submit(server.visit, server.address, lambda _page: None))

        assert server.wait(60, show, finish) == payt.Token("a")
        visits[0].result(60)


@pytest.mark.real_time
@pytest.mark.parametrize("comes", [True, False])
def test_a_login_ends_while_the_date_stands_still(comes: bool) -> None:
    def show() -> None:
        if comes:
            httpx.get(server.address, trust_env=False, timeout=60)

    with freeze_time("2020-02-29"), loopback.Loopback(0, "/callback") as server:
        result = server.wait(60 if comes else 0.2, show, lambda _address: payt.Token("a"))
    assert isinstance(result, payt.Token) == comes


def test_a_browser_that_fails_is_reported(log_in: LogIn) -> None:
    def broken(_address: str) -> None:
        raise OSError("no display")

    with pytest.raises(OSError, match="no display"):
        log_in(browser=broken)


def test_a_program_without_a_console_can_log_in(log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", Browser())
    monkeypatch.setattr("sys.stderr", None)
    assert log_in().refresh_token is not None


def test_a_login_that_replaces_another_says_so(log_in: LogIn, caplog: pytest.LogCaptureFixture) -> None:
    log_in(browser=Browser())
    assert caplog.text == ""
    log_in(browser=Browser(), account="acme")
    assert caplog.text == ""
    log_in(browser=Browser())
    assert "this login replaces the stored one; to keep both" in caplog.text


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="the operating system cannot signal a thread")
def test_ctrl_c_during_the_exchange_keeps_the_tokens(store: payt.FileTokenStore) -> None:
    """The code is spent, and the answer on its way."""
    with FakePayt() as fake:
        fake.fail("stall", seconds=0.6, path="/oauth/token")

        def interrupt() -> None:
            until(lambda: fake.oauth.exchanges == 1)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        browser = Browser()
        with pytest.raises(KeyboardInterrupt):
            payt.login(fake.oauth.client_id, fake.oauth.client_secret, base_url=fake.url, store=store, browser=browser)
        thread.join(60)
        assert "You are logged in" in browser.page().text
        who = payt.AuthorizationCode(fake.oauth.client_id, fake.oauth.client_secret, store)
        cache = cache_of(who, httpx.URL(fake.url))
        until(lambda: store.load(cache.key))


def test_a_browser_that_goes_away_is_no_news(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def impatient(address: str) -> None:
        location = httpx.get(address, trust_env=False, timeout=60).headers["Location"]
        target = urlsplit(location)
        with socket.create_connection((target.hostname, target.port)) as connection:
            connection.sendall(f"GET {target.path}?{target.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert log_in(browser=impatient).refresh_token is not None
    assert capfd.readouterr() == ("", "")


# Without a browser


def pasted(change: Callable[[str], str] = str) -> Callable[[str], str]:
    def ask(address: str) -> str:
        location = httpx.get(address, trust_env=False, timeout=60).headers["Location"]
        return change(f" {location}\n")

    return ask


def test_without_a_browser_the_address_is_pasted(log_in: LogIn) -> None:
    assert log_in(ask=pasted()).refresh_token is not None
    assert log_in(ask=pasted(), port=8765).refresh_token is not None


WRONG_PASTES = {
    "nothing": "",
    "the page before": "https://app.paytsoftware.com/oauth/authorize?state=1",
    "no address": "http://[::1/callback?code=1",
    "half a character": "http://127.0.0.1/callback?code=1&state=\udcff",
}


@pytest.mark.parametrize("text", WRONG_PASTES.values(), ids=WRONG_PASTES)
def test_a_wrong_paste_is_told(log_in: LogIn, text: str) -> None:
    with pytest.raises(payt.TokenError, match="this is not the address that the browser is sent to"):
        log_in(ask=lambda _address: text)


def test_what_a_refusal_says_steers_no_terminal(log_in: LogIn) -> None:
    refusal = "error=x%1b[31m&error_description=no%1b]0;title%07"

    def ask(address: str) -> str:
        return f"http://127.0.0.1/callback?{refusal}&state={parse_qs(urlsplit(address).query)['state'][0]}"

    with pytest.raises(payt.TokenError, match=r"^Payt could not log in: x \[31m: no \]0;title $") as caught:
        log_in(ask=ask)
    assert (caught.value.code, caught.value.message) == ("x [31m", "no ]0;title ")


def test_an_earlier_address_is_told(log_in: LogIn) -> None:
    with pytest.raises(payt.TokenError, match="was it from an earlier attempt"):
        log_in(ask=lambda _address: "http://127.0.0.1/callback?code=1&state=another")


# Settings


def test_settings_may_come_from_the_environment(
    server: OAuthServer, application: Application, monkeypatch: pytest.MonkeyPatch, own_folder: Path
) -> None:
    monkeypatch.setenv("PAYT_CLIENT_ID", application.client_id)
    monkeypatch.setenv("PAYT_CLIENT_SECRET", application.client_secret)
    monkeypatch.setenv("PAYT_BASE_URL", server.url)
    payt.login(browser=Browser(), timeout=30)
    assert len(list(own_folder.glob("*.json"))) == 1
    with payt.Client(verify=False) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == 7


PAGES = {
    "production": ("https://api.paytsoftware.com", None, "https://app.paytsoftware.com/oauth/authorize?"),
    "demo": ("https://demo-api.paytsoftware.com/", None, "https://demo.paytsoftware.com/oauth/authorize?"),
    "the default": (None, None, "https://app.paytsoftware.com/oauth/authorize?"),
    "one's own": ("https://payt.example/api", None, "https://payt.example/api/oauth/authorize?"),
    "another": ("https://payt.example/api", "https://login.payt.example/x/", "https://login.payt.example/x/oauth/"),
}


@pytest.mark.parametrize(("base_url", "app_url", "page"), PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("by", ["argument", "environment"])
def test_where_people_log_in(
    monkeypatch: pytest.MonkeyPatch, base_url: str | None, app_url: str | None, page: str, by: str
) -> None:
    seen: list[str] = []

    def ask(address: str) -> str:
        seen.append(address)
        return ""

    settings = {"base_url": base_url, "app_url": app_url}
    if by == "environment":
        for name, value in settings.items():
            monkeypatch.setenv(f"PAYT_{name.upper()}", value or "")
        settings = {}
    with pytest.raises(payt.TokenError):
        payt.login("id", "secret", ask=ask, store=payt.MemoryTokenStore(), **settings)  # type: ignore[arg-type]
    assert seen[0].startswith(page)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no application": ({"client_id": None}, "needs client_id and client_secret, or PAYT_CLIENT_ID"),
    "no secret": ({"client_secret": None}, "needs client_id and client_secret, or PAYT_CLIENT_ID"),
    "no port": ({"port": 70_000}, "port must be 0 to 65535, got 70000"),
    "a text as port": ({"port": "80"}, "port must be a whole number, got str"),
    "no time": ({"timeout": 0}, "timeout must be above 0 and finite, got 0"),
    "no address": (
        {"app_url": "payt"},
        "app_url must begin with https:// and name a host, such as https://app.paytsoftware.com$",
    ),
    "pages of another environment": (
        {"base_url": "https://demo-api.paytsoftware.com", "app_url": "https://app.paytsoftware.com"},
        "app_url https://app.paytsoftware.com is not where people log in for https://demo-api",
    ),
    "a secret that everybody can read": (
        {"base_url": "http://payt.example"},
        "base_url: over http://, everybody on the way to payt.example can read the token: use https://",
    ),
    "no word for it": ({"base_url": "http://payt.example", "allow_http": "false"}, "allow_http must be True or False"),
}


@pytest.mark.parametrize(("settings", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_named_before_anything_opens(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        payt.login(**{"client_id": "id", "client_secret": "secret", "browser": pytest.fail, **settings})


def test_no_proxy_reads_the_secret_of_an_application_over_http(
    server: OAuthServer, application: Application, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.company.example:3128")
    with pytest.raises(ValueError, match=r"way to proxy\.company\.example can .*: that is the proxy; set NO_PROXY="):
        log_in(browser=pytest.fail)
    monkeypatch.delenv("HTTP_PROXY")
    assert log_in(browser=Browser(), allow_http=True).refresh_token


def test_a_foreign_file_is_reported_before_anybody_logs_in(
    server: OAuthServer, application: Application, store: payt.FileTokenStore, log_in: LogIn
) -> None:
    log_in(browser=Browser())
    (file,) = store.path.glob("*.json")
    file.write_text("{")
    with pytest.raises(payt.TokenError, match="is damaged"):
        log_in(browser=pytest.fail)
    assert file.read_text() == "{"


def test_a_place_that_cannot_be_written_is_reported_before_anybody_logs_in(
    server: OAuthServer, log_in: LogIn, store: payt.FileTokenStore, tmp_path: Path
) -> None:
    class Full(payt.MemoryTokenStore):
        def save(self, key: str, token: payt.Token) -> None:
            raise OSError("no room for tokens")

    with pytest.raises(payt.TokenError, match="no token could be obtained: OSError: no room for tokens"):
        log_in(browser=pytest.fail, store=Full())
    (tmp_path / "tokens").touch()  # a file, where the folder should be
    with pytest.raises(payt.TokenError, match="tokens"):
        log_in(browser=pytest.fail)
    assert server.counts().token == {}


def test_the_browser_of_the_machine_is_opened(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = Browser()
    monkeypatch.setattr("webbrowser.open", browser)
    log_in()
    assert browser.opened in capsys.readouterr().err


def test_logging_in_to_the_fake(store: payt.FileTokenStore) -> None:
    with FakePayt(contacts=3) as fake:
        fake.oauth.refuse = True
        with pytest.raises(payt.TokenError, match="the login was refused: The user refused"):
            payt.login(
                fake.oauth.client_id, fake.oauth.client_secret, base_url=fake.url, store=store, browser=Browser()
            )
        fake.oauth.refuse = False
        payt.login(fake.oauth.client_id, fake.oauth.client_secret, base_url=fake.url, store=store, browser=Browser())
        who = payt.AuthorizationCode(fake.oauth.client_id, fake.oauth.client_secret, store)
        assert cache_of(who, httpx.URL(fake.url)).store.load(cache_of(who, httpx.URL(fake.url)).key)
        with payt.Client(who, base_url=fake.url, verify=False) as client:
            assert len(list(client.contacts.list(administration_id="1"))) == 3
    assert fake.oauth.exchanges == 1
