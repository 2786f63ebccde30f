"""The faults that were ordered from a fake Payt, and which requests get them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from payt import checks
from payt.testing.answers import answer_with, retry_after_header
from payt.testing.faults import ErrorShape, Fault, FaultKind, broken, error_body
from payt.testing.lists import API


class Orders:
    """The orders that wait for their requests: the first that concerns a request decides on it."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []

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
        if at is not None and status != "cut":
            raise ValueError(f'`at` belongs to "cut", not to {status!r}')
        if seconds is not None and status != "stall":
            raise ValueError(f'`seconds` belongs to "stall", not to {status!r}')
        if at is not None:
            checks.number("at", at, least=0)
        if seconds:
            checks.seconds("seconds", seconds, above=0)
        if isinstance(status, str):
            if (code, message, shape, body, headers, retry_after) != (None, None, "flat", None, None, None):
                raise ValueError(f"code, message, shape, body and headers belong to a status, not to {status!r}")
            fault: Fault = broken(status, at=at, seconds=seconds)
        else:
            checks.number("status", status, least=200, most=999)
            content = error_body(status, shape, code, message) if body is None else body
            waiting = retry_after_header("retry_after", retry_after)
            fault = answer_with(content, status, {**(headers or {}), **waiting})
        self._orders.append(_Order("fail", status, fault, times, after, page, path))

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
        given = answer_with(body, status, headers)
        self._orders.append(_Order("answer", status, given, times, after, page, path))

    @property
    def pending(self) -> list[str]:
        """The orders that were not carried out yet, or not as often as they say, each written as its call.

        assert fake.pending == []  # each fault has come; of those without end, at least once
        """
        return [str(order) for order in self._orders if order.times is not None or not order.came]

    def _fault_for(self, path: str, page: Callable[[], int | None]) -> Fault | None:
        """Return the fault that a request gets, if any; it counts for the order that decided."""
        for order in self._orders:
            if not path.startswith(order.path) or (order.page is not None and order.page != page()):
                continue
            if order.after:
                order.after -= 1
                return None
            order.came = True
            if order.times is not None:
                order.times -= 1
                if not order.times:
                    self._orders.remove(order)
            return order.fault
        return None


@dataclass(slots=True)
class _Order:
    """A fault, and the requests that get it: `times` of them, or all, `after` others, on this page and path."""

    method: str
    status: int | FaultKind
    fault: Fault
    times: int | None
    after: int
    page: int | None
    path: str | tuple[str, ...]
    came: bool = False

    def __post_init__(self) -> None:
        for name, value, least in (("times", self.times, 1), ("after", self.after, 0), ("page", self.page, 1)):
            if value is not None:
                checks.number(name, value, least=least)

    def __str__(self) -> str:
        told = {"times": (self.times, 1), "after": (self.after, 0), "page": (self.page, None), "path": (self.path, API)}
        more = [f", {name}={value!r}" for name, (value, usual) in told.items() if value != usual]
        what = "…, " if self.method == "answer" else ""
        return f"{self.method}({what}{self.status!r}{''.join(more)})"
