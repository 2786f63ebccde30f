"""How a fake Payt answers a request: from a list, from a login, or with a fault that was ordered."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from payt.testing.answers import Answer, RequestRefusedError, answer_with, error_answer
from payt.testing.contents import Contents
from payt.testing.faults import Orders
from payt.testing.listing import LastPage, Query, page_number, read_query, refusal, render_page
from payt.testing.lists import API, ServedList, served_lists
from payt.testing.oauth import FakeOAuth
from payt.testing.rate_limit import RateLimit
from payt.testing.records import Records
from payt.testing.tokens import Tokens, bearer_token


class Answering(Contents):
    """A fake Payt without its server: from a request to an answer.

    Its arguments and attributes are those of `FakePayt`.
    """

    def __init__(
        self,
        *contents: Any,
        tokens: Tokens,
        prefix: str,
        last_page: LastPage,
        numbers: bool,
        extra_fields: Mapping[str, Any] | None,
        gzip: bool,
        rate_limit: int | None,
        rate_limit_retry_after: int | str | None,
        client: tuple[str, str, int],
    ) -> None:
        super().__init__(*contents)
        self.tokens = tokens
        self.token = next(iter(tokens))
        self.oauth = FakeOAuth(self._lock, *client)
        self.last_page: LastPage = last_page
        self.numbers = numbers
        self.extra_fields = dict(extra_fields or {})
        self.gzip = gzip
        self.rate_limit = rate_limit
        self.rate_limit_retry_after = rate_limit_retry_after
        self._rate_limiter = RateLimit()
        self._orders = Orders(self._lock)
        self._logins: Mapping[str, Mapping[str, Callable[[Request], Answer]]] = {
            "/oauth/authorize": {"GET": self.oauth.authorize},
            "/oauth/token": {"POST": self.oauth.exchange},
        }
        self._prefix = f"/{prefix.strip('/')}" if prefix.strip("/") else ""

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
            raise refusal("cursor is invalid: it was not issued by this API")
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
