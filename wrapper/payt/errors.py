"""Everything that `payt` raises, apart from errors of the caller.

Those are ValueError and TypeError for wrong arguments, RuntimeError for wrong use, and ImportError for a missing extra.
What a caller's own functions raise comes as it is.

PaytError
├ APIError                   Payt answered with an error status
│   ├ BadRequestError        400, 422
│   ├ AuthenticationError    401
│   ├ PermissionDeniedError  403
│   ├ NotFoundError          404
│   ├ RateLimitError         429
│   └ ServerError            5xx
├ TransportError             no usable answer: refused, reset, timed out, cut short
├ InvalidResponseError       an answer with status 200 that does not match the contract
├ PaginationError            the listing does not advance
└ TokenError                 no token could be obtained
    └ LoginRequiredError     … until a person logs in
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PaytError(Exception):
    """The base of all errors of this package.

    Errors can be pickled and copied, and keep their cause. A test, or a task queue, can create one from its message
    alone, `payt.RateLimitError("slow down")`, and set everything else.

    Attributes:
        cursor: What to pass as `cursor=` to resume an interrupted listing without losing or repeating anything.
            None if the listing had not got past its first page: then start again without a cursor.
        administration_id: The administration whose listing was interrupted.
        method: The method of the request, e.g. "GET"; None if there was no request.
        url: Its URL, without the query (which may contain personal data).
        attempts: How often it was sent, including the first time.
        status: The last status received, or None.
        request_id: The id by which Payt's support can find the last answer, if it had one.
    """

    cursor: str | None = None
    administration_id: str | None = None
    method: str | None = None
    url: str | None = None
    attempts: int | None = None
    status: int | None = None
    request_id: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _bare, (type(self), *self.args), {**vars(self), "__cause__": self.__cause__}


def _bare(kind: type[PaytError], *args: Any) -> PaytError:
    """An error without its attributes, which follow; `__init__` would ask for some of them."""
    return kind.__new__(kind, *args)


class APIError(PaytError):
    """Payt answered with a status other than success.

    Attributes:
        status_code: The status; in an error created without one, the usual status of its class.
        code: Payt's name for the kind of error ("forbidden"), if it gives one.
        message: Payt's explanation, if it gives one.
        body: The body as it came.
        headers: The headers of the answer; names are compared without case.
        retry_after: How many seconds the answer asks to wait, if it says so.
    """

    retry_after: float | None = None
    _usual_status = 0

    def __init__(
        self,
        text: str,
        *,
        status_code: int | None = None,
        code: str | None = None,
        message: str | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status_code = self.status = self._usual_status if status_code is None else status_code
        self.code = code
        self.message = message
        self.body = body
        self.headers: Mapping[str, str] = {} if headers is None else headers


class BadRequestError(APIError):
    """Status 400 or 422: Payt did not understand the request, or a value in it."""

    _usual_status = 400


class AuthenticationError(APIError):
    """Status 401: the token is missing, unknown, expired or revoked."""

    _usual_status = 401


class PermissionDeniedError(APIError):
    """Status 403: the token does not allow this."""

    _usual_status = 403


class NotFoundError(APIError):
    """Status 404: there is nothing at this address; often a wrong base URL."""

    _usual_status = 404


class RateLimitError(APIError):
    """Status 429: more requests in a second than Payt allows; `retry_after` says how long to wait, if Payt does."""

    _usual_status = 429


class ServerError(APIError):
    """Status 5xx: Payt, or a proxy in front of it, failed."""

    _usual_status = 500


def kind_of(status: int) -> type[APIError]:
    """The class of the error for a status."""
    usual = {422: 400}.get(status, min(status, 500))
    kinds = {kind._usual_status: kind for kind in APIError.__subclasses__()}  # noqa: SLF001  # ours
    return kinds.get(usual, APIError)


class TransportError(PaytError):
    """No usable answer: connection refused or reset, a time-out, an answer cut short or endless."""


class InvalidResponseError(PaytError):
    """An answer with status 200 that does not match the contract. The message contains none of its content.

    Attributes:
        path: Where, as a JSON path ("$.data[3].updated_at").
        record_id: The id of the first invalid record, if it is a record and its id can be read.
        raw: That record as it came, as JSON; it may contain personal data.
    """

    record_id: str | None = None
    raw: bytes | None = None

    def __init__(self, text: str, *, path: str = "$") -> None:
        super().__init__(text)
        self.path = path


class PaginationError(PaytError):
    """The listing would never end: its cursor goes in circles, or its records do not advance."""


class TokenError(PaytError):
    """No token could be obtained.

    Attributes:
        code: OAuth's name for what is wrong ("invalid_client"), where the token endpoint gave one.
        message: The endpoint's explanation, where it gave one.
        retry_after: How many seconds the answer asks to wait, if it says so.
    """

    code: str | None = None
    message: str | None = None
    retry_after: float | None = None


class LoginRequiredError(TokenError):
    """No token can be obtained until a person logs in."""
