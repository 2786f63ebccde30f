"""FakePayt: the server that tests start, look into, and order faults from."""

import gzip
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from payt import checks
from payt.testing.answers import Answer, RequestRefusedError, answer_with, error_answer
from payt.testing.faults import ErrorShape, FaultKind, Order, Orders, broken, canned, error_body
from payt.testing.listing import LastPage, Query, page_number, read_query, refusal, render_page
from payt.testing.lists import ADMINISTRATION, API, ServedList, served_lists
from payt.testing.loopback import LoopbackServer
from payt.testing.oauth import FakeOAuth
from payt.testing.rate_limit import RateLimit
from payt.testing.recorded import RecordedRequest, record
from payt.testing.records import CONTACTS, Administration, Records
from payt.testing.tokens import Tokens, bearer_token

_ADMINISTRATIONS = "administrations"


class FakePayt:
    """A real HTTP/1.1 server on a loopback port that speaks the contract of Payt's API: every list that it has.

        with FakePayt(contacts=10_000) as fake:
            httpx.get(f"{fake.url}/v1/contacts?administration_id=1", headers={"authorization": f"Bearer {fake.token}"})

    It serves from `start()` (or `with`) to `close()`, which takes its socket, connections and threads with it. All of
    it may be used and changed from any thread while it serves. Records are invented when they are first asked for, so
    the first listing of many takes longer than the next. An administration that it does not have is answered
    403, like one that the token may not see; the list of administrations holds those that it has.

    Queries are checked as the contract describes them. Filters work where it says which field they look at
    (`x-matches`), and for what was changed after a moment; all others are checked and let everything through.

    Args:
        contacts: How many contacts to invent (`payt.testing.contacts`), or the contacts, as they shall be served.
        administration_id: The administration they belong to; "1", or the first of `administrations`.
        administrations: Several administrations: their ids (`["1", "2"]`), of which `contacts` fills the first and the
            others are empty; or by their ids, each a number of contacts or the contacts (`{"1": 10, "2": 0}`). Those
            that are invented differ from one administration to the next, in all but their ids.
        records: What other lists hold, by their names: `{"administrations": 3, "invoices.deleted": [{"id": "1", …}]}`.
            A number of records is made of the contract's example. Those of lists that have administrations belong
            to `administration_id`.
        token: The access token that is accepted, or several; they may read everything.
        prefix: A path under which everything is served, such as "/api".
        port: The port; a free one by default.
        seed: Another seed invents other contacts.
        last_page: How a listing shows its end: "null" as `{"cursor": null}`, "missing" without `pagination`,
            "null-pagination" as `"pagination": null`, "empty-string" as `{"cursor": ""}`, "missing-cursor" as an
            empty `pagination`; with "empty-page" each full page has a cursor, and an empty page may follow.
        numbers: Write ids and cursors as JSON numbers.
        extra_fields: Fields, unknown to the contract, that every record gets.
        gzip: Compress for clients that accept it.
        latency: Seconds before each answer.
        rate_limit: How many requests a token has in any one second; the next is refused with 429.
        rate_limit_retry_after: The `Retry-After` of these refusals; none by default.
        client_id: The id of the OAuth2 application.
        client_secret: Its secret.
        expires_in: How many seconds its access tokens are good for.

    Attributes:
        administration_id: The administration that methods without an administration mean.
        administrations: The contacts of each, by their ids, as they are now.
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
        administrations: Mapping[str, int | Iterable[Mapping[str, Any]]] | Iterable[str] | None = None,
        records: Mapping[str, int | Iterable[Mapping[str, Any]]] | None = None,
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
        self._seed = seed
        self._seeds: dict[str, int] = {}
        self._records: dict[tuple[str, str | None], Records] = {}
        given = dict(records or {})
        by_ids: Mapping[str, Any] = administrations if isinstance(administrations, Mapping) else {}
        ids = () if administrations is None else administrations
        shares = {each: by_ids.get(each, 0) for each in checks.keys("administrations", by_ids.keys() or ids)}
        listed = self._put(_ADMINISTRATIONS, None, given.pop(_ADMINISTRATIONS, 0))
        self.administration_id = administration_id or next(iter([*shares, *listed.keys]), "1")
        if contacts is not None and self.administration_id in by_ids:
            raise ValueError(f"there is an administration {self.administration_id!r} already")
        shares[self.administration_id] = shares.get(self.administration_id, 0) if contacts is None else contacts
        for each_id, each_contacts in shares.items():
            if each_id not in listed:
                listed.add(id=each_id)
            self._put(CONTACTS, each_id, each_contacts)
        for name, each in given.items():
            self._put(name, self.administration_id, each)

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
        self._logins: Mapping[str, Mapping[str, Callable[[Request], Answer]]] = {
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
    def administrations(self) -> dict[str, Administration]:
        """The administrations as they are now: the contacts of each, by its id."""
        with self._lock:
            listed = self.records(_ADMINISTRATIONS).keys
            return {each: cast("Administration", self.records(CONTACTS, each)) for each in listed}

    @property
    def contacts(self) -> list[dict[str, Any]]:
        """The contacts as they are now, in the order of their ids."""
        return list(self.records(CONTACTS))

    def records(self, name: str, administration_id: str | None = None) -> Records:
        """Return the records of a list, to look at and to change: `fake.records("invoices").add(status="paid")`.

        Args:
            name: The list, as the contract calls it: "contacts", or "invoices.deleted" for one below another.
            administration_id: Whose records; by default those of the fake's own administration. It means nothing to
                lists that have no administrations.

        Raises:
            KeyError: There is no such list, or no such administration.
        """
        served = self._served(name)
        owner = (administration_id or self.administration_id) if ADMINISTRATION in served.parameters else None
        with self._lock:
            if owner is not None and owner not in self.records(_ADMINISTRATIONS):
                known = ", ".join(map(repr, self.records(_ADMINISTRATIONS).keys))
                raise KeyError(f"there is no administration {owner!r}; there are {known}: see add_administration")
            if (name, owner) not in self._records:
                self._put(name, owner, 0)
            return self._records[name, owner]

    def add(
        self, contact: Mapping[str, Any] | None = None, /, *, administration_id: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Add a contact and return it: `fake.add(lastname="Jansen")`, see `Records.add`.

        The administration is added too, where it is not there yet: `fake.add(administration_id="2")`.
        """
        with self._lock:
            if administration_id is not None and administration_id not in self.records(_ADMINISTRATIONS):
                self.add_administration(administration_id)
        return self.records(CONTACTS, administration_id).add(contact, **fields)

    def change(
        self, contact_id: str | int, /, *, administration_id: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Change fields of a contact and return it, see `Records.change`."""
        return self.records(CONTACTS, administration_id).change(contact_id, **fields)

    def remove(self, contact_id: str | int, /, *, administration_id: str | None = None) -> None:
        """Remove a contact, see `Records.remove`."""
        self.records(CONTACTS, administration_id).remove(contact_id)

    def add_administration(
        self,
        administration_id: str,
        contacts: int | Iterable[Mapping[str, Any]] = 0,
        *,
        records: Mapping[str, int | Iterable[Mapping[str, Any]]] | None = None,
    ) -> Administration:
        """Add an administration with so many invented contacts, or these, and records of other lists likewise.

        Raises:
            ValueError: There is one with that id already.
        """
        with self._lock:
            if administration_id in (listed := self.records(_ADMINISTRATIONS)):
                raise ValueError(f"there is an administration {administration_id!r} already")
            listed.add(id=administration_id)
            for name, each in {CONTACTS: contacts, **(records or {})}.items():
                self._put(name, administration_id, each)
            return self.administrations[administration_id]

    def fail(
        self,
        status: int | FaultKind = 503,
        *,
        times: int | None = 1,
        after: int = 0,
        page: int | None = None,
        path: str | tuple[str, ...] = API,
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
            path: Only requests whose path begins so, the prefix aside; such as "/oauth/token"; by default the API.
            code: The code of the error; by default it follows from the status.
            message: The message of the error, likewise.
            shape: How code and message are written.
            body: The body instead: bytes, a text, or anything that JSON can hold.
            headers: More headers.
            retry_after: The `Retry-After` header, in seconds or as an HTTP date.
            at: See "cut".
            seconds: See "stall".

        Raises:
            TypeError: The status is neither a number nor a text.
            ValueError: There is no such fault, or an argument means nothing to it.
        """
        if isinstance(status, str):
            if (code, message, shape, body, headers, retry_after) != (None, None, "flat", None, None, None):
                raise ValueError(f"{status!r} is no status: no code, message, shape, body or headers belong to it")
            fault = broken(status, at=at, seconds=seconds)
        elif at is not None or seconds is not None:
            raise ValueError('at belongs to "cut" and seconds to "stall", not to a status')
        else:
            checks.number("status", status, least=200, most=999)
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
        path: str | tuple[str, ...] = API,
    ) -> None:
        """Order an answer: these bytes as they are, a text, or anything that JSON can hold.

        The other arguments are those of `fail`.
        """
        checks.number("status", status, least=200, most=999)
        self._orders.place(Order(canned(answer_with(body, status, headers)), times, after, page, path))

    @property
    def _running(self) -> LoopbackServer:
        if self._server is None:
            raise RuntimeError("this FakePayt does not serve: use it in a with statement, or call start()")
        return self._server

    def _served(self, name: str) -> ServedList:
        if name not in served_lists():
            raise KeyError(f"the contract has no list {name!r}; there are {', '.join(served_lists())}")
        return served_lists()[name]

    def _put(self, name: str, administration_id: str | None, given: int | Iterable[Mapping[str, Any]]) -> Records:
        """Set what a list holds; those of a list without administrations belong to none."""
        served = self._served(name)
        owner = administration_id if ADMINISTRATION in served.parameters else None
        seed = self._seed if owner is None else self._seeds.setdefault(owner, self._seed + len(self._seeds))
        kind = Administration if name == CONTACTS else Records
        self._records[name, owner] = put = kind(given, served, seed=seed, lock=self._lock, administration_id=owner)
        return put

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
            and path.startswith(API)
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
        found = self._list_at(path)
        methods = {"GET": partial(self._list, *found)} if found else self._logins.get(path, {})
        if not methods:
            return error_answer(404, f"There is nothing at {request.path}")
        respond = methods.get(request.method)
        if respond is None:
            return error_answer(405, f"{request.method} is not allowed here", headers={"allow": ", ".join(methods)})
        try:
            return respond(request)
        except RequestRefusedError as refused:
            return refused.answer

    def _list(self, served: ServedList, in_path: dict[str, str], request: Request) -> Answer:
        self._authorize(bearer_token(request), served.scope)
        style: Any = {"last_page": self.last_page, "numbers": self.numbers, "extra_fields": self.extra_fields}
        return answer_with(render_page(*self._asked(served, in_path, request), **style))

    def _list_at(self, path: str) -> tuple[ServedList, dict[str, str]] | None:
        """Find the list at a path, and the parameters that the path holds."""
        for served in served_lists().values():
            if match := served.path.fullmatch(path):
                return served, match.groupdict()
        return None

    def _asked(self, served: ServedList, in_path: dict[str, str], request: Request) -> tuple[Records, Query]:
        """The records that a request is about, and what it asks of them.

        Raises:
            RequestRefusedError: It asks for something that is not there, or not as the contract has it.
        """
        query = read_query(served, MultiDict([*request.args.items(multi=True), *in_path.items()]))
        try:
            records = self.records(served.spec.name, query.administration_id)
        except KeyError:
            raise RequestRefusedError(error_answer(403, "No access to this administration")) from None
        if isinstance(query.cursor, str) and query.cursor not in records:  # a number may have been given before
            raise refusal("cursor is invalid: it is none that this API gave")
        return records, query

    def _authorize(self, token: str, scope: str) -> None:
        granted = self.tokens.get(token)
        if granted is None:
            granted = self.oauth.scope_of(token)
        if scope not in granted.split():
            raise RequestRefusedError(error_answer(403, f"Missing permission: {scope}"))

    def _page_number(self, request: Request, path: str) -> int | None:
        """Tell which page of a listing is asked for; None if that is not what the request does."""
        found = self._list_at(path)
        try:
            return page_number(*self._asked(*found, request)) if found else None
        except RequestRefusedError:
            return None

    def _finished(self, answer: Answer, request: Request, request_id: str) -> Answer:
        """Add the request's id, and compress where that is wanted and nothing else was done to the body."""
        headers, body = answer.headers.copy(), answer.body
        headers.setdefault("x-request-id", request_id)
        if self.gzip and body and "content-encoding" not in headers and request.accept_encodings.quality("gzip"):
            headers["content-encoding"] = "gzip"
            body = gzip.compress(body, compresslevel=1)
        return replace(answer, headers=headers, body=body)
