"""The clients: where they ask, as whom, how long they wait, and what they show."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import pickle
import platform
import re
import threading
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest

import payt
from payt.environments import DEMO, PRODUCTION
from payt.testing import FakePayt
from support.flavours import Flavour

BOTH = pytest.mark.parametrize("client_class", [payt.Client, payt.AsyncClient])


def sent(fake: FakePayt) -> str | None:
    return fake.requests[-1].headers.get("Authorization")


def test_a_request_says_who_asks(fake: FakePayt, flavour: Flavour) -> None:
    flavour.contacts(fake.url)
    headers = fake.requests[0].headers
    python = ".".join(platform.python_version_tuple()[:2])
    assert headers["User-Agent"] == f"payt-client/{payt.__version__} python/{python}"
    assert headers["Accept"] == "application/json"
    assert headers["Authorization"] == "Bearer fake-token"
    assert "gzip" in headers["Accept-Encoding"]


def test_a_token_is_a_string_or_a_static_token_or_comes_from_a_callable(fake: FakePayt, flavour: Flavour) -> None:
    for credentials in ("fake-token", payt.StaticToken("fake-token"), lambda: "fake-token"):
        assert len(flavour.contacts(fake.url, credentials)) == 12
        assert sent(fake) == "Bearer fake-token"


def test_a_callable_is_asked_for_every_request(fake: FakePayt, flavour: Flavour) -> None:
    tokens = iter(["fake-token", "fake-token", "revoked"])
    with pytest.raises(payt.AuthenticationError):
        flavour.contacts(fake.url, lambda: next(tokens), per_page=5)
    assert [request.headers["Authorization"] for request in fake.requests] == [
        "Bearer fake-token",
        "Bearer fake-token",
        "Bearer revoked",
    ]


def test_a_callable_may_be_a_coroutine_function_for_the_async_client(fake: FakePayt) -> None:
    async def token() -> str:
        await asyncio.sleep(0)
        return "fake-token"

    async def run() -> int:
        async with payt.AsyncClient(token, base_url=fake.url) as client:
            return len([contact async for contact in client.contacts.list(administration_id="1")])

    assert asyncio.run(run()) == 12
    with payt.Client(token, base_url=fake.url) as client, pytest.raises(TypeError, match=r"payt\.AsyncClient"):
        list(client.contacts.list(administration_id="1"))

    class Later:
        def __await__(self) -> Any:
            yield

    with payt.Client(Later, base_url=fake.url) as client, pytest.raises(TypeError, match=r"payt\.AsyncClient"):
        list(client.contacts.list(administration_id="1"))


def test_any_httpx_auth_will_do(fake: FakePayt, flavour: Flavour) -> None:
    class Custom(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            request.headers["Authorization"] = "bearer fake-token"
            yield request

    assert len(flavour.contacts(fake.url, Custom())) == 12


def test_the_environment_gives_token_and_address(
    fake: FakePayt, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYT_TOKEN", "fake-token")
    monkeypatch.setenv("PAYT_BASE_URL", fake.url)
    assert len(flavour.contacts(None, None)) == 12  # type: ignore[arg-type]  # both left out
    with FakePayt(contacts=1, token="argument") as other:
        assert len(flavour.contacts(other.url, "argument")) == 1


@BOTH
def test_without_a_token_anywhere_the_error_says_where_to_give_it(client_class: Any) -> None:
    with pytest.raises(ValueError, match="PAYT_TOKEN"):
        client_class()


@BOTH
@pytest.mark.parametrize(
    ("credentials", "kind", "word"),
    [
        ("", ValueError, "empty"),
        ("se cret", ValueError, "white space"),
        ("secret\n", ValueError, "line end"),
        ("secret\r\nX-Evil: 1", ValueError, "white space"),
        ("sécret", ValueError, "characters"),
        (b"secret", TypeError, "bytes"),
        (5, TypeError, "int"),
    ],
    ids=repr,
)
def test_what_is_no_token_is_refused_and_not_shown(
    credentials: Any, kind: type[Exception], word: str, client_class: Any
) -> None:
    with pytest.raises(kind, match=word) as caught:
        client_class(credentials)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "se cret", None, 5], ids=repr)
def test_a_static_token_must_be_a_token(token: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="token"):
        payt.StaticToken(token)


@pytest.mark.parametrize("token", ["", "two words", None], ids=repr)
def test_a_callable_that_returns_no_token_is_an_error(token: Any, fake: FakePayt, flavour: Flavour) -> None:
    with pytest.raises(payt.TokenError, match=r"credentials\(\)"):
        flavour.contacts(fake.url, lambda: token)
    assert fake.requests == []


def test_the_environment_may_name_a_file_with_the_token(
    fake: FakePayt, flavour: Flavour, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    monkeypatch.setenv("PAYT_TOKEN_FILE", str(file))
    with pytest.raises(FileNotFoundError, match=r"PAYT_TOKEN_FILE: No such file or directory: .*token"):
        flavour.contacts(fake.url, None)
    file.write_bytes(b"\xef\xbb\xbffake-token\n")
    assert len(flavour.contacts(fake.url, None)) == 12
    file.write_bytes(b"s\xe9cret")
    with pytest.raises(ValueError, match=r"PAYT_TOKEN_FILE contains .* characters that tokens never have") as caught:
        payt.Client()
    assert "cret" not in "".join(traceback.format_exception(caught.value, chain=True))
    monkeypatch.setenv("PAYT_TOKEN", "another")
    with pytest.raises(ValueError, match="PAYT_TOKEN and PAYT_TOKEN_FILE are both set"):
        payt.Client()
    assert len(flavour.contacts(fake.url, "fake-token")) == 12


def test_a_bad_token_in_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_TOKEN", "with space")
    with pytest.raises(ValueError, match="PAYT_TOKEN"):
        payt.Client()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("token", "did you mean 'credentials'?"),
        ("api_key", "did you mean 'credentials'?"),
        ("max_retries", "did you mean 'retries'?"),
        ("time_out", "did you mean 'timeout'?"),
        ("env", f"did you mean 'base_url'? It is {PRODUCTION.api} (production) or {DEMO.api} (demo)"),
        ("environment", f"did you mean 'base_url'? It is {PRODUCTION.api} (production) or {DEMO.api} (demo)"),
        ("headers", "it takes credentials, base_url, timeout, "),
        ("mistaken", "it takes credentials, base_url, timeout, "),
    ],
)
@BOTH
def test_an_argument_of_other_clients_is_answered_with_ours(name: str, hint: str, client_class: Any) -> None:
    with pytest.raises(TypeError, match=f"has no argument '{name}': {re.escape(hint)}") as caught:
        client_class(**{name: "s3cret"})
    assert "s3cret" not in str(caught.value)


@BOTH
def test_options_have_names_that_other_clients_give_them(client_class: Any) -> None:
    with pytest.raises(TypeError, match=r"^with_options has no argument 'max_retries': did you mean 'retries'\?$"):
        client_class("t").with_options(max_retries=1)


@BOTH
def test_no_proxy_reads_a_token_over_http(client_class: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked by http:// on this machine may be asked for it by a proxy elsewhere."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.company.example:3128")
    with pytest.raises(ValueError, match=r"way to proxy\.company\.example can .*: that is the proxy; set NO_PROXY=127"):
        client_class("t", base_url="http://127.0.0.1:8000")
    client_class("t", base_url="http://127.0.0.1:8000", allow_http=True)
    client_class("t", base_url="http://127.0.0.1:8000", trust_env=False)
    monkeypatch.setenv("HTTP_PROXY", "http://localhost:3128")
    client_class("t", base_url="http://127.0.0.1:8000")
    with pytest.raises(ValueError, match=r"that is the proxy; leave out proxy to do without it"):
        client_class("t", base_url="http://127.0.0.1:8000", proxy="http://proxy.company.example:3128")


def test_no_secret_goes_over_http_besides_a_transport_that_sends_no_requests_for_tokens() -> None:
    """Those are sent in threads, by a transport of the client's own."""
    unused: Any = pytest.fail
    options: dict[str, Any] = {"base_url": "http://payt.example", "transport": httpx.ASGITransport(unused)}
    who = payt.ClientCredentials("id", "secret")
    with pytest.raises(ValueError, match=r"on the way to payt\.example can read the token"):
        payt.AsyncClient(who, **options)
    payt.AsyncClient(who, **options, allow_http=True)
    payt.AsyncClient(who, **options, token_transport=httpx.MockTransport(unused))
    payt.AsyncClient("t", **options)


@BOTH
def test_a_file_for_verify_is_answered_with_what_reads_it(client_class: Any) -> None:
    with pytest.raises(TypeError, match=r"verify must be .* got str: .* ssl.create_default_context\(cafile="):
        client_class("token", verify="company.pem")


@BOTH
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer\t"])
def test_a_token_with_its_scheme_is_refused_with_a_hint(
    scheme: str, client_class: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r'the token \(credentials\) begins with "Bearer", which is added') as caught:
        client_class(f"{scheme}s3cret")
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("PAYT_TOKEN", f"{scheme}s3cret")
    with pytest.raises(ValueError, match='PAYT_TOKEN begins with "Bearer"'):
        client_class()


@BOTH
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_token_in_quotes_is_refused(quote: str, client_class: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_TOKEN", f"{quote}s3cret{quote}")
    with pytest.raises(ValueError, match="PAYT_TOKEN is in quotes, which would be sent along") as caught:
        client_class()
    assert "s3cret" not in str(caught.value)


def test_the_path_of_the_base_url_is_kept(flavour: Flavour) -> None:
    with FakePayt(contacts=3, prefix="/api") as fake:
        for url in (fake.url, fake.url + "/"):
            assert len(flavour.contacts(url)) == 3
            assert fake.requests[-1].path == "/api/v1/contacts"


@BOTH
@pytest.mark.parametrize(
    ("base_url", "kind"),
    [
        ("https://payt.example:0", ValueError),
        ("https://payt.example:99999", ValueError),
        ("", ValueError),
        ("api.paytsoftware.com", ValueError),
        ("ftp://api.paytsoftware.com", ValueError),
        ("https://", ValueError),
        ("https://user:pass@api.paytsoftware.com", ValueError),
        ("https://api.paytsoftware.com?token=1", ValueError),
        ("https://api.paytsoftware.com#x", ValueError),
        ("https://api.paytsoftware.com/?", ValueError),
        ("https://api.paytsoftware.com/#", ValueError),
        ("https://api.paytsoftware.com:port", ValueError),
        ("https://api..paytsoftware.com", ValueError),
        (f"https://{'a' * 64}.example", ValueError),
        ("https://xn--.example", ValueError),
        (b"https://api.paytsoftware.com", TypeError),
    ],
)
def test_what_is_no_base_url_is_refused(base_url: Any, kind: type[Exception], client_class: Any) -> None:
    with pytest.raises(kind, match="base_url"):
        client_class("t", base_url=base_url)


@BOTH
def test_a_name_in_place_of_a_base_url_is_answered_with_the_addresses(client_class: Any) -> None:
    both = re.escape(f"such as {PRODUCTION.api} (production) or {DEMO.api} (demo)")
    with pytest.raises(ValueError, match=f"^base_url must begin with https:// and name a host, {both}$"):
        client_class("t", base_url="demo")


def test_a_bad_base_url_in_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_BASE_URL", "payt")
    with pytest.raises(ValueError, match="PAYT_BASE_URL"):
        payt.Client("t")


@BOTH
def test_the_environment_may_name_one_of_payts(client_class: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_ENV", "demo")
    assert client_class("t").base_url == DEMO.api
    assert client_class("t", base_url=PRODUCTION.api).base_url == PRODUCTION.api
    monkeypatch.setenv("PAYT_BASE_URL", f"{DEMO.api}/")
    assert client_class("t").base_url == DEMO.api
    monkeypatch.setenv("PAYT_BASE_URL", PRODUCTION.api)
    with pytest.raises(ValueError, match=r"the environment demo \(PAYT_ENV\) contradicts PAYT_BASE_URL"):
        client_class("t")
    monkeypatch.setenv("PAYT_ENV", "test")
    with pytest.raises(ValueError, match="PAYT_ENV must be production or demo, got 'test'"):
        client_class("t")


@BOTH
def test_production_is_the_default(client_class: Any) -> None:
    client = client_class("t")
    assert client.base_url == PRODUCTION.api == "https://api.paytsoftware.com"
    assert repr(client) == f"payt.{client_class.__name__}(base_url='https://api.paytsoftware.com')"


@BOTH
@pytest.mark.parametrize(
    ("timeout", "kind"),
    [
        (None, TypeError),
        ("5", TypeError),
        (0, ValueError),
        (-1, ValueError),
        (float("inf"), ValueError),
        (float("nan"), ValueError),
        (httpx.Timeout(None), ValueError),
        (httpx.Timeout(5, read=None), ValueError),
        (httpx.Timeout(5, read=1e10), ValueError),
        (True, TypeError),
    ],
    ids=repr,
)
def test_a_timeout_is_never_infinite(timeout: Any, kind: type[Exception], client_class: Any) -> None:
    with pytest.raises(kind, match="timeout"):
        client_class("t", timeout=timeout)


@BOTH
@pytest.mark.parametrize("name", ["http2", "trust_env", "allow_http"])
def test_a_text_does_not_count_as_true(name: str, client_class: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} must be True or False, got str"):
        client_class("t", **{name: "false"})


@BOTH
def test_no_call_takes_longer_than_a_wait_can(client_class: Any) -> None:
    with pytest.raises(ValueError, match="total_timeout must be at most 1000000000 seconds, got "):
        client_class("t", total_timeout=1e10)


def test_the_longest_deadline_works(fake: FakePayt, flavour: Flavour) -> None:
    client = {"total_timeout": 1e9, "timeout": 1e9}
    assert len(flavour.contacts(fake.url, fake.token, client=client)) == 12


def test_timeouts_are_explicit() -> None:
    assert payt.Client("t")._session.timeout == httpx.Timeout(30, connect=5)
    assert payt.Client("t", timeout=2)._session.timeout == httpx.Timeout(2, connect=2)
    assert payt.AsyncClient("t", timeout=60)._session.timeout == httpx.Timeout(60, connect=5)
    assert payt.Client("t", timeout=httpx.Timeout(9))._session.timeout == httpx.Timeout(9)


@BOTH
def test_a_client_with_other_options_is_like_its_first_one_in_all_else(client_class: Any) -> None:
    client = client_class("t", base_url="https://api.example/x", retries=2, rate_limit=3, max_body=1_000)
    other = client.with_options(timeout=2, retries=0, total_timeout=60)
    settings, first = other._session.settings, client._session.settings
    assert (settings.timeout, settings.retries, settings.total_timeout) == (httpx.Timeout(2), 0, 60)
    assert (settings.base_url, settings.rate_limit, settings.max_body) == (first.base_url, 3, 1_000)
    assert (first.timeout, first.retries, first.total_timeout) == (httpx.Timeout(30, connect=5), 2, 300)
    again = other.with_options(retries=7)._session.settings
    assert (again.timeout, again.retries) == (httpx.Timeout(2), 7)


@BOTH
def test_other_options_are_checked(client_class: Any) -> None:
    client = client_class("t")
    with pytest.raises(ValueError, match="retries must be 0 or more"):
        client.with_options(retries=-1)
    with pytest.raises(TypeError, match="rate_limit"):
        client.with_options(rate_limit=5)


def test_a_client_with_other_options_reads_the_environment_no_second_time(
    fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYT_TOKEN", fake.token)
    monkeypatch.setenv("PAYT_BASE_URL", fake.url)
    with payt.Client() as client:
        monkeypatch.setenv("PAYT_TOKEN", "another")
        monkeypatch.setenv("PAYT_BASE_URL", "http://127.0.0.1:1")
        with client.with_options(retries=0) as other:
            assert len(list(other.contacts.list(administration_id="1"))) == 12
            arrived = pickle.loads(pickle.dumps(other))
    with arrived:
        assert (arrived.base_url, arrived._session.settings.retries) == (fake.url, 0)


def test_a_transport_is_closed_by_its_first_client_alone() -> None:
    class Closable(httpx.MockTransport):
        closed = 0

        def close(self) -> None:
            self.closed += 1

        async def aclose(self) -> None:
            self.closed += 1

    def borrowed() -> Closable:
        return Closable(lambda _: httpx.Response(200, json={"data": [{"id": "1"}]}))

    transport = borrowed()
    with payt.Client("t", transport=transport, rate_limit=None) as client:
        with client.with_options(retries=0) as other, other.with_options(retries=1) as another:
            assert len(list(another.contacts.list(administration_id="1"))) == 1
        assert transport.closed == 0
    assert transport.closed == 1

    async def run() -> None:
        transport = borrowed()
        async with payt.AsyncClient("t", transport=transport, rate_limit=None) as client:
            async with client.with_options(retries=0) as other:
                assert len([contact async for contact in other.contacts.list(administration_id="1")]) == 1
            assert transport.closed == 0
        assert transport.closed == 1

    asyncio.run(run())


def test_a_closed_client_sends_nothing(fake: FakePayt) -> None:
    client = payt.Client(fake.token, base_url=fake.url)
    assert len(list(client.contacts.list(administration_id="1"))) == 12
    client.close()
    with pytest.raises(payt.TransportError, match="closed"):
        list(client.contacts.list(administration_id="1"))

    async def run() -> None:
        async_client = payt.AsyncClient(fake.token, base_url=fake.url)
        await async_client.aclose()
        with pytest.raises(payt.TransportError, match="closed"):
            [contact async for contact in async_client.contacts.list(administration_id="1")]

    asyncio.run(run())


def test_leaving_the_block_closes_the_connections(fake: FakePayt, flavour: Flavour) -> None:
    flavour.contacts(fake.url)
    closed = threading.Event()
    for _ in range(200):
        if fake.open_connections == 0:
            break
        closed.wait(0.01)
    assert fake.open_connections == 0


def test_threads_share_a_client() -> None:
    with FakePayt(contacts=200) as fake, payt.Client(fake.token, base_url=fake.url) as client:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            listings = [
                pool.submit(lambda: [c.id for c in client.contacts.list(administration_id="1", per_page=20)])
                for _ in range(16)
            ]
        assert all(listing.result() == [str(n) for n in range(1, 201)] for listing in listings)


def test_tasks_share_a_client() -> None:
    with FakePayt(contacts=200) as fake:

        async def run() -> list[list[str | None]]:
            async with payt.AsyncClient(fake.token, base_url=fake.url) as client:

                async def listing() -> list[str | None]:
                    return [c.id async for c in client.contacts.list(administration_id="1", per_page=20)]

                return await asyncio.gather(*(listing() for _ in range(16)))

        assert all(listing == [str(n) for n in range(1, 201)] for listing in asyncio.run(run()))


def test_a_transport_of_ones_own_is_used(fake: FakePayt) -> None:
    class Counting(httpx.HTTPTransport):
        count = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            self.count += 1
            return super().handle_request(request)

    class AsyncCounting(httpx.AsyncHTTPTransport):
        count = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.count += 1
            return await super().handle_async_request(request)

    transport, async_transport = Counting(), AsyncCounting()
    with payt.Client(fake.token, base_url=fake.url, transport=transport) as client:
        list(client.contacts.list(administration_id="1", per_page=5))

    async def run() -> None:
        async with payt.AsyncClient(fake.token, base_url=fake.url, transport=async_transport) as client:
            [contact async for contact in client.contacts.list(administration_id="1", per_page=5)]

    asyncio.run(run())
    assert transport.count == async_transport.count == 3


def test_the_token_is_in_no_repr_and_no_log_record(
    fake: FakePayt, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.tokens.add("s3cret-token")
    shown = [payt.StaticToken("s3cret-token"), payt.Client("s3cret-token"), payt.AsyncClient("s3cret-token")]
    shown += [client.contacts for client in shown[1:] if isinstance(client, payt.Client)]
    assert "s3cret" not in repr(shown) + str(shown)
    assert len(flavour.contacts(fake.url, "s3cret-token")) == 12
    with pytest.raises(payt.AuthenticationError) as caught:
        flavour.contacts(fake.url, "s3cret-wrong")
    assert "s3cret" not in repr(caught.value) + str(caught.value)
    assert caplog.records
    for record in caplog.records:
        assert "s3cret" not in record.getMessage() + repr(record.args) + repr(record.exc_info)
