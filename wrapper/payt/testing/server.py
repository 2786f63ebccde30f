"""FakePayt: the server that tests start, look into, and order faults from."""

import itertools
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from werkzeug.wrappers import Request

from payt import checks
from payt.testing.answering import Answering
from payt.testing.answers import Answer, answer_with
from payt.testing.faults import ErrorShape, FaultKind, Order, broken, canned, error_body
from payt.testing.listing import LastPage
from payt.testing.lists import API
from payt.testing.loopback import LoopbackServer
from payt.testing.recorded import RecordedRequest, record
from payt.testing.tokens import Tokens


class FakePayt(Answering):
    """A real HTTP/1.1 server on a loopback port that serves every list of the contract.

        with FakePayt(contacts=10_000) as fake:
            httpx.get(f"{fake.url}/v1/contacts?administration_id=1", headers={"authorization": f"Bearer {fake.token}"})

    It serves from `start()` (or `with`) to `close()`, which takes its socket, connections and threads with it. All of
    it may be used and changed from any thread while it serves. Records are invented when they are first asked for, so
    the first listing of many takes longer than the next. An administration that it does not have is answered
    403, like one that the token may not see; the list of administrations holds those that it has.

    Queries are checked as the contract describes them. Filters work where it says which field they look at
    (`x-matches`), and for what was changed after a moment; all others are checked and let everything through.

    Args:
        contacts: How many contacts to invent (`payt.testing.contacts`), or the contacts to serve.
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
        super().__init__(
            contacts,
            administration_id,
            administrations,
            records,
            seed,
            tokens=Tokens([token] if isinstance(token, str) else token),
            prefix=prefix,
            last_page=last_page,
            numbers=numbers,
            extra_fields=extra_fields,
            gzip=gzip,
            rate_limit=rate_limit,
            rate_limit_retry_after=rate_limit_retry_after,
            client=(client_id, client_secret, expires_in),
        )
        self.latency = latency
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

        A status comes with an error body: `{"code", "message"}`, or in another shape: "nested"
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
            ValueError: There is no such fault, or an argument does not belong to it.
        """
        if isinstance(status, str):
            if (code, message, shape, body, headers, retry_after) != (None, None, "flat", None, None, None):
                raise ValueError(f"code, message, shape, body and headers belong to a status, not to {status!r}")
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
            raise RuntimeError("this FakePayt is not running: use it in a with statement, or call start()")
        return self._server

    def _respond(self, request: Request, connection: int) -> Answer:
        recorded = record(request, connection, f"fake-{next(self._request_ids)}")
        with self._lock:
            self._requests.append(recorded)
            answer = self._answer(request, recorded.received_at)
        if self.latency:
            self._running.wait(self.latency)
        recorded.status = answer.status or None
        return self._finished(answer, request, recorded.request_id)
