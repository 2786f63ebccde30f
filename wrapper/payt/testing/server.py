"""FakePayt: the server that tests start, look into, and order faults from."""

import gzip
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from werkzeug.wrappers import Request

from payt.testing.administration import Administration
from payt.testing.answers import Answer, RequestRefusedError, answer_with, error_answer
from payt.testing.faults import ErrorShape, FaultKind, Order, Orders, broken, canned, error_body
from payt.testing.listing import LastPage, PageStyle, page_number, read_query, render_page
from payt.testing.loopback import LoopbackServer
from payt.testing.oauth import FakeOAuth
from payt.testing.rate_limit import RateLimit
from payt.testing.recorded import RecordedRequest, record
from payt.testing.tokens import READ_CONTACTS, Tokens, bearer_token

_CONTACTS = "/v1/contacts"


class FakePayt:
    """A real HTTP/1.1 server on a loopback port that speaks the contract of Payt's contacts API.

        with FakePayt(contacts=10_000) as fake:
            httpx.get(f"{fake.url}/v1/contacts?administration_id=1", headers={"authorization": f"Bearer {fake.token}"})

    It serves from `start()` (or `with`) to `close()`, which takes its socket, connections and threads with it. All of
    it may be used and changed from any thread while it serves. Contacts are invented when they are first asked for, so
    the first listing of many takes longer than the next. An administration that it does not have is answered
    403, like one that the token may not see.

    Args:
        contacts: How many contacts to invent (`payt.testing.contacts`), or the contacts, as they shall be served.
        administration_id: The administration they belong to; "1", or the first of `administrations`.
        administrations: Several administrations by their ids, each a number of contacts or the contacts. Those that
            are invented differ from one administration to the next, in all but their ids.
        token: The access token that is accepted, or several; they may read contacts.
        prefix: A path under which everything is served, such as "/api".
        port: The port; a free one by default.
        seed: Another seed invents other contacts.
        last_page: How a listing shows its end: "null" as `{"cursor": null}`, "missing" without `pagination`,
            "null-pagination" as `"pagination": null`, "empty-string" as `{"cursor": ""}`, "missing-cursor" as an
            empty `pagination`; with "empty-page" each full page has a cursor, and an empty page may follow.
        numbers: Write ids and cursors as JSON numbers.
        extra_fields: Fields, unknown to the contract, that every contact gets.
        gzip: Compress for clients that accept it.
        latency: Seconds before each answer.
        rate_limit: How many requests a token has in any one second; the next is refused with 429.
        rate_limit_retry_after: The `Retry-After` of these refusals; none by default.
        client_id: The id of the OAuth2 application.
        client_secret: Its secret.
        expires_in: How many seconds its access tokens are good for.

    Attributes:
        administration_id: The administration that methods without an administration mean.
        administrations: All of them by their ids.
        token: The first of the accepted tokens.
        tokens: The accepted tokens with their scopes.
        oauth: The OAuth2 side: tokens in circulation, what the user does, counters.
        last_page, numbers, extra_fields, gzip, latency, rate_limit, rate_limit_retry_after: As above; they can be
            changed while it serves.
    """

    def __init__(
        self,
        contacts: int | Iterable[Mapping[str, Any]] | None = None,
        *,
        administration_id: str | None = None,
        administrations: Mapping[str, int | Iterable[Mapping[str, Any]]] | None = None,
        token: str | Iterable[str] = "fake-token",  # noqa: S107 - opens nothing but this fake
        prefix: str = "",
        port: int = 0,
        seed: int = 0,
        last_page: LastPage = "null",
        numbers: bool = False,
        extra_fields: Mapping[str, Any] | None = None,
        gzip: bool = False,
        latency: float = 0,
        rate_limit: int | None = None,
        rate_limit_retry_after: int | str | None = None,
        client_id: str = "fake-client",
        client_secret: str = "fake-secret",  # noqa: S107 - opens nothing but this fake
        expires_in: int = 7200,
    ) -> None:
        self._lock = threading.RLock()
        self._seeds = itertools.count(seed)
        self.administrations: dict[str, Administration] = {}
        for each_id, each_contacts in (administrations or {}).items():
            self.add_administration(each_id, each_contacts)
        self.administration_id = administration_id or next(iter(self.administrations), "1")
        if contacts is not None or self.administration_id not in self.administrations:
            self.add_administration(self.administration_id, contacts or 0)

        self.tokens = Tokens([token] if isinstance(token, str) else token)
        self.token = next(iter(self.tokens))
        self.oauth = FakeOAuth(self._lock, client_id, client_secret, expires_in)
        self.last_page: LastPage = last_page
        self.numbers = numbers
        self.extra_fields = dict(extra_fields or {})
        self.gzip = gzip
        self.latency = latency
        self.rate_limit = rate_limit
        self.rate_limit_retry_after = rate_limit_retry_after
        self._rate_limiter = RateLimit()
        self._orders = Orders(self._lock)
        self._requests: list[RecordedRequest] = []
        self._request_ids = itertools.count(1)
        self._routes: Mapping[str, Mapping[str, Callable[[Request], Answer]]] = {
            _CONTACTS: {"GET": self._list_contacts},
            "/oauth/authorize": {"GET": self.oauth.authorize},
            "/oauth/token": {"POST": self.oauth.exchange},
        }
        self._prefix = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
        self._port = port
        self._server: LoopbackServer | None = None

    def start(self) -> Self:
        """Begin to serve.

        Raises:
            OSError: The port is taken.
            RuntimeError: It serves already.
        """
        if self._server is not None:
            raise RuntimeError("this FakePayt serves already")
        self._server = LoopbackServer(self._respond, self._port)
        self._server.start()
        return self

    def close(self) -> None:
        """Stop serving, at once; what was recorded stays."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The base URL, prefix included."""
        return f"http://127.0.0.1:{self._running.port}{self._prefix}"

    @property
    def connections(self) -> int:
        """How many connections clients have made."""
        return self._running.connections

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return self._running.open_connections

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, in the order of their arrival."""
        with self._lock:
            return list(self._requests)

    def reset(self) -> None:
        """Forget the requests so far and the faults that were ordered."""
        with self._lock:
            self._requests.clear()
            self._orders.clear()

    @property
    def contacts(self) -> list[dict[str, Any]]:
        """The contacts as they are now, in the order of their ids."""
        return self._administration(None).contacts

    def add(
        self, contact: Mapping[str, Any] | None = None, /, *, administration_id: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Add a contact and return it: `fake.add(lastname="Jansen")`, see `Administration.add`."""
        return self._administration(administration_id).add(contact, **fields)

    def change(
        self, contact_id: str | int, /, *, administration_id: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Change fields of a contact and return it, see `Administration.change`."""
        return self._administration(administration_id).change(contact_id, **fields)

    def remove(self, contact_id: str | int, /, *, administration_id: str | None = None) -> None:
        """Remove a contact, see `Administration.remove`."""
        self._administration(administration_id).remove(contact_id)

    def add_administration(
        self, administration_id: str, contacts: int | Iterable[Mapping[str, Any]] = 0
    ) -> Administration:
        """Add an administration with so many invented contacts, or these.

        Raises:
            ValueError: There is one with that id already.
        """
        with self._lock:
            if administration_id in self.administrations:
                raise ValueError(f"there is an administration {administration_id!r} already")
            added = Administration(contacts, seed=next(self._seeds), lock=self._lock)
            self.administrations[administration_id] = added
            return added

    def fail(
        self,
        status: int | FaultKind = 503,
        *,
        times: int | None = 1,
        after: int = 0,
        page: int | None = None,
        path: str = "/v1/",
        code: str | None = None,
        message: str | None = None,
        shape: ErrorShape = "flat",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        retry_after: int | str | None = None,
        at: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """Order a fault.

        Orders are carried out one after the other: of those that concern a request the first decides about it, and
        the next has its turn when that one is done.

        A status is answered with an error body: `{"code", "message"}`, or in another shape: "nested"
        `{"error": {"code", "message"}}`, "string" `{"error": message}`, "oauth" `{"error", "error_description"}`,
        "list" `[{"params", "messages"}]`, "text", "html" or "nothing". Instead of a status it can be

        - "reset", "close": the connection is reset or closed before a byte of the answer;
        - "garbage": bytes that are not HTTP;
        - "cut": the answer, but only `at` bytes of the body that it promises (half of them by default);
        - "stall": the headers, then nothing for so many `seconds` (an hour by default), then the body;
        - "bad-gzip": the answer, compressed, with a checksum that is wrong;
        - "html", "empty", "not-json": status 200 with a page of HTML, nothing, or plain words that claim to be JSON.

        Args:
            status: Which fault.
            times: How many requests get it; None for all, until `reset()`.
            after: How many requests pass before that.
            page: Only requests for that page of a listing, the first being 1.
            path: Only requests whose path begins so, the prefix aside; such as "/oauth/token".
            code: The code of the error; by default it follows from the status.
            message: The message of the error, likewise.
            shape: How code and message are written.
            body: The body instead: bytes, a text, or anything that JSON can hold.
            headers: More headers.
            retry_after: The `Retry-After` header, in seconds or as an HTTP date.
            at: See "cut".
            seconds: See "stall".

        Raises:
            ValueError: There is no such fault, or an argument means nothing to it.
        """
        if isinstance(status, str):
            if (code, message, shape, body, headers, retry_after) != (None, None, "flat", None, None, None):
                raise ValueError(f"{status!r} is no status: no code, message, shape, body or headers belong to it")
            fault = broken(status, at=at, seconds=seconds)
        elif at is not None or seconds is not None:
            raise ValueError('at belongs to "cut" and seconds to "stall", not to a status')
        else:
            content = error_body(status, shape, code, message) if body is None else body
            waiting = {} if retry_after is None else {"retry-after": str(retry_after)}
            fault = canned(answer_with(content, status, {**(headers or {}), **waiting}))
        self._orders.place(Order(fault, times, after, page, path))

    def answer(
        self,
        body: Any,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        times: int | None = 1,
        after: int = 0,
        page: int | None = None,
        path: str = "/v1/",
    ) -> None:
        """Order an answer: these bytes as they are, a text, or anything that JSON can hold.

        The other arguments are those of `fail`.
        """
        self._orders.place(Order(canned(answer_with(body, status, headers)), times, after, page, path))

    @property
    def _running(self) -> LoopbackServer:
        if self._server is None:
            raise RuntimeError("this FakePayt does not serve: use it in a with statement, or call start()")
        return self._server

    def _administration(self, administration_id: str | None) -> Administration:
        return self.administrations[self.administration_id if administration_id is None else administration_id]

    def _respond(self, request: Request, connection: int) -> Answer:
        recorded = record(request, connection, f"fake-{next(self._request_ids)}")
        with self._lock:
            self._requests.append(recorded)
            answer = self._answer(request, recorded.received_at)
        if self.latency:
            self._running.wait(self.latency)
        recorded.status = answer.status or None
        return self._finished(answer, request, recorded.request_id)

    def _answer(self, request: Request, now: float) -> Answer:
        """Decide what a request gets: a refusal for its haste, a fault that was ordered, or what it asked for."""
        path = request.path.removeprefix(self._prefix) if request.path.startswith(f"{self._prefix}/") else ""
        if (
            self.rate_limit is not None
            and path.startswith("/v1/")
            and self._rate_limiter.exceeded(bearer_token(request), self.rate_limit, now)
        ):
            return self._too_fast()
        fault = self._orders.take(path, lambda: self._page_number(request, path))
        return fault(lambda: self._route(request, path)) if fault else self._route(request, path)

    def _too_fast(self) -> Answer:
        wait = self.rate_limit_retry_after
        headers = {} if wait is None else {"retry-after": str(wait)}
        return error_answer(429, f"More than {self.rate_limit} requests in a second", headers=headers)

    def _route(self, request: Request, path: str) -> Answer:
        """Answer as Payt does."""
        methods = self._routes.get(path)
        if methods is None:
            return error_answer(404, f"There is nothing at {request.path}")
        respond = methods.get(request.method)
        if respond is None:
            return error_answer(405, f"{request.method} is not allowed here", headers={"allow": ", ".join(methods)})
        try:
            return respond(request)
        except RequestRefusedError as refused:
            return refused.answer

    def _list_contacts(self, request: Request) -> Answer:
        self._authorize(bearer_token(request), READ_CONTACTS)
        query = read_query(request.args)
        administration = self.administrations.get(query.administration_id)
        if administration is None:
            raise RequestRefusedError(error_answer(403, "No access to this administration"))
        style = PageStyle(self.last_page, self.numbers, self.extra_fields)
        return answer_with(render_page(administration, query, style))

    def _authorize(self, token: str, scope: str) -> None:
        granted = self.tokens.get(token)
        if granted is None:
            granted = self.oauth.scope_of(token)
        if scope not in granted.split():
            raise RequestRefusedError(error_answer(403, f"Missing permission: {scope}"))

    def _page_number(self, request: Request, path: str) -> int | None:
        """Tell which page of a listing is asked for; None if that is not what the request does."""
        if path != _CONTACTS:
            return None
        try:
            query = read_query(request.args)
        except RequestRefusedError:
            return None
        administration = self.administrations.get(query.administration_id)
        return None if administration is None else page_number(administration, query)

    def _finished(self, answer: Answer, request: Request, request_id: str) -> Answer:
        """Add the request's id, and compress where that is wanted and nothing else was done to the body."""
        headers, body = answer.headers.copy(), answer.body
        headers.setdefault("x-request-id", request_id)
        if self.gzip and body and "content-encoding" not in headers and request.accept_encodings.quality("gzip"):
            headers["content-encoding"] = "gzip"
            body = gzip.compress(body, compresslevel=1)
        return replace(answer, headers=headers, body=body)
