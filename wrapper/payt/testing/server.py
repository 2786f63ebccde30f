"""FakePayt: the server that tests start, look into, and order faults from."""

import itertools
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from gzip import compress
from typing import Any, Self, get_args

from werkzeug.datastructures import Headers, MultiDict
from werkzeug.wrappers import Request

from payt import checks
from payt.testing.answers import Answer, RequestRefusedError, answer_with, error_answer, retry_after_header
from payt.testing.contents import Contents
from payt.testing.listing import LastPage, Query, page_number, read_query, refusal, render_page
from payt.testing.lists import API, ServedList, served_lists
from payt.testing.loopback import LoopbackServer
from payt.testing.oauth import FakeOAuth, Tokens
from payt.testing.orders import Orders
from payt.testing.recorded import RecordedRequest
from payt.testing.records import Records


class FakePayt(Orders, Contents):
    """A real HTTP/1.1 server on a loopback port that serves every list of the contract.

        with FakePayt(contacts=10_000) as fake:
            httpx.get(f"{fake.url}/v1/contacts?administration_id=1", headers={"authorization": f"Bearer {fake.token}"})

    It serves from `start()` (or `with`) until `close()`, which also ends its connections and threads. You may use and
    change it from any thread while it serves. Records are invented when they are first asked for, so
    the first listing of many takes longer than the next. A request for an administration that it does
    not have gets a 403, as if the token may not see it; the list of administrations holds those that it has.

    Queries are checked as the contract describes them. Filters work where it says which field they look at
    (`x-matches`), and for what was changed after a moment; all others are checked and let everything through.

    Args:
        contacts: How many contacts to invent (`payt.testing.contacts`), or the contacts to serve.
        administration_id: The administration they belong to; "1", or the first of `administrations`.
        administrations: Several administrations: their ids (`["1", "2"]`); `contacts` fills the first, and the others
            are empty; or a mapping from each id to a number of contacts, or to the contacts (`{"1": 10, "2": 0}`).
            Invented contacts differ from one administration to the next, except for their ids.
        records: The records of other lists, by name: `{"administrations": 3, "invoices.deleted": [{"id": "1", …}]}`.
            A number means records that are made from the contract's example. In lists that have administrations they
            belong to `administration_id`.
        token: The access token that is accepted, or several; they may read everything. `[]`: none but those of OAuth.
        prefix: A path under which everything is served, such as "/api".
        port: The port; a free one by default.
        seed: Another seed invents other contacts.
        last_page: How a listing shows its end: "null" as `{"cursor": null}`, "missing" without `pagination`,
            "null-pagination" as `"pagination": null`, "empty-string" as `{"cursor": ""}`, "missing-cursor" as an
            empty `pagination`; with "empty-page" each full page has a cursor, and an empty page may follow.
        numbers: Write ids and cursors as JSON numbers.
        extra_fields: Fields, unknown to the contract, that every record gets.
        gzip: Compress answers for clients that accept it.
        latency: Seconds before each answer.
        rate_limit: How many requests a token may send in any one second; the next is refused with 429.
        rate_limit_retry_after: The `Retry-After` of these refusals; none by default.
        client_id: The id of the OAuth2 application.
        client_secret: Its secret.
        expires_in: After how many seconds its access tokens expire.

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
        Contents.__init__(self, contacts, administration_id, administrations, records, seed)
        Orders.__init__(self)
        self.tokens = Tokens([token] if isinstance(token, str) else token)
        self.token = next(iter(self.tokens), "")
        self.oauth = FakeOAuth(self._lock, client_id, client_secret, expires_in)
        self.last_page: LastPage = checks.choice("last_page", last_page, get_args(LastPage))
        self.numbers = numbers
        self.extra_fields = dict(extra_fields or {})
        self.gzip = gzip
        self.latency = latency and checks.seconds("latency", latency, above=0)
        self.rate_limit = None if rate_limit is None else checks.number("rate_limit", rate_limit, least=1)
        retry_after_header("rate_limit_retry_after", rate_limit_retry_after)
        self.rate_limit_retry_after = rate_limit_retry_after
        self._prefix = f"/{prefix.strip('/')}".rstrip("/")
        self._let_through: defaultdict[str, list[float]] = defaultdict(list)
        self._logins: Mapping[str, Mapping[str, Callable[[Request], Answer]]] = {
            "/oauth/authorize": {"GET": self.oauth.authorize},
            "/oauth/token": {"POST": self.oauth.exchange},
        }
        self._requests: list[RecordedRequest] = []
        self._request_ids = itertools.count(1)
        self._port = port
        self._server: LoopbackServer | None = None

    def start(self) -> Self:
        """Begin to serve.

        Raises:
            OSError: The port is taken.
            RuntimeError: It is already running.
        """
        if self._server is not None:
            raise RuntimeError("this FakePayt is already running")
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

    def __exit__(self, *_: object) -> None:
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
        """How many connections are open now. Those that a client has closed end a moment later."""
        return len(self._running.open)

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
    def _running(self) -> LoopbackServer:
        if self._server is None:
            raise RuntimeError("this FakePayt is not running: use it in a with statement, or call start()")
        return self._server

    def _respond(self, request: Request, connection: socket.socket) -> Answer:
        recorded = RecordedRequest(
            method=request.method,
            path=request.path,
            query=request.args.to_dict(),
            query_pairs=list(request.args.items(multi=True)),
            raw_query=request.query_string.decode("latin-1"),
            headers=Headers(list(request.headers)),
            body=request.get_data(),
            connection=self._running.open[connection],
            request_id=f"fake-{next(self._request_ids)}",
        )
        with self._lock:
            self._requests.append(recorded)
            answer = self._answer(request, recorded.received_at)
        if self.latency:
            self._running.wait(self.latency, connection)
        recorded.status = answer.status or None
        headers, body = answer.headers.copy(), answer.body
        headers.setdefault("x-request-id", recorded.request_id)
        if self.gzip and body and "content-encoding" not in headers and request.accept_encodings.quality("gzip"):
            headers["content-encoding"] = "gzip"
            body = compress(body, compresslevel=1)
        return replace(answer, headers=headers, body=body)

    def _answer(self, request: Request, now: float) -> Answer:
        """Decide what a request gets: a refusal for its haste, a fault that was ordered, or what it asked for."""
        path = request.path.removeprefix(self._prefix) if request.path.startswith(f"{self._prefix}/") else ""
        if path.startswith(API) and self._too_fast(_bearer_token(request), now):
            headers = retry_after_header("rate_limit_retry_after", self.rate_limit_retry_after)
            return error_answer(429, f"More than {self.rate_limit} requests in a second", headers=headers)
        fault = self._fault_for(path, lambda: self._page_number(request, path))
        if isinstance(fault, Answer):
            return fault
        answer = self._route(request, path)
        return fault(answer) if fault else answer

    def _too_fast(self, token: str, now: float) -> bool:
        """Tell whether a request is one more than a token may send in any one second; if not, it counts."""
        if self.rate_limit is None:
            return False
        recent = self._let_through[token] = [each for each in self._let_through[token] if now - each < 1]
        if len(recent) >= self.rate_limit:
            return True
        recent.append(now)
        return False

    def _route(self, request: Request, path: str) -> Answer:
        """Answer as Payt does."""
        found = self._list_at(path)
        methods = {"GET": partial(self._list, *found)} if found else self._logins.get(path, {})
        respond = methods.get(request.method)
        if respond is None:
            order = f": FakePayt serves lists; order other answers by answer(…, path={path!r})"
            hint = order if path.startswith(API) else ""
            if not methods:
                return error_answer(404, f"There is nothing at {request.path}{hint}")
            allowed = {"allow": ", ".join(methods)}
            return error_answer(405, f"{request.method} is not allowed here{hint}", headers=allowed)
        try:
            return respond(request)
        except RequestRefusedError as refused:
            return refused.answer

    def _list(self, served: ServedList, in_path: dict[str, str], request: Request) -> Answer:
        self._authorize(_bearer_token(request), served.scope)
        records, query = self._asked(served, in_path, request)
        page = render_page(records, query, self.last_page, numbers=self.numbers, extra_fields=self.extra_fields)
        return answer_with(page)

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
            raise refusal("cursor is invalid: it was not issued by this API")
        return records, query

    def _authorize(self, token: str, scope: str) -> None:
        granted = self.tokens[token] if token in self.tokens else self.oauth.scope_of(token)
        if scope not in granted.split():
            raise RequestRefusedError(error_answer(403, f"Missing permission: {scope}"))

    def _page_number(self, request: Request, path: str) -> int | None:
        """Tell which page of a listing is asked for; None if that is not what the request does."""
        found = self._list_at(path)
        try:
            return page_number(*self._asked(*found, request)) if found else None
        except RequestRefusedError:
            return None


def _bearer_token(request: Request) -> str:
    """Return the token that a request carries, or nothing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
