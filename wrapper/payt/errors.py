"""Everything that `payt` raises, besides ValueError and TypeError for wrong arguments.

PaytError
├ APIError                   Payt answered with an error status
│   ├ BadRequestError        400, 422
│   ├ AuthenticationError    401
│   ├ PermissionDeniedError  403
│   ├ NotFoundError          404
│   ├ RateLimitError         429
│   └ ServerError            5xx
├ TransportError             nothing usable came back: refused, reset, timed out, cut short
├ InvalidResponseError       an answer with status 200 that does not match the contract
├ PaginationError            the cursor goes in circles
└ TokenError                 no token could be had
    └ LoginRequiredError     … and only a person who logs in can change that
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PaytError(Exception):
    """The base of all errors of this package.

    Errors can be pickled and copied, and keep their cause. Their message is all that making one takes, as a test does,
    or a task queue that brings an error from a worker: `payt.RateLimitError("slow down")`. All else can be set.

    Attributes:
        cursor: What to pass as `cursor=` to go on with an interrupted listing, nothing lost and nothing twice.
            None where the listing had not got past its first page: then it starts again without a cursor.
        administration_id: Of several administrations (`list_many`), the one whose listing this interrupted.
        method: What was asked, e.g. "GET"; None where no request is concerned.
        url: Of what, without the query (it may hold personal data).
        attempts: How often it was asked, the first time included.
        status: The last status that came; None where none did.
        request_id: What Payt's support can find the last answer by, where there is one.
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
        status_code: The status, any number; of one that was made without it, what its kind stands for.
        code: Payt's name for the kind of error ("forbidden"), where it gives one.
        message: Payt's explanation, where it gives one.
        body: The body as it came.
        headers: The headers of the answer; names are compared without case.
        retry_after: How many seconds the answer asks to wait, where it says so.
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
    """Status 429: more requests in a second than Payt allows; `retry_after` tells for how long, where Payt does."""

    _usual_status = 429


class ServerError(APIError):
    """Status 5xx: Payt, or a proxy before it, failed."""

    _usual_status = 500


class TransportError(PaytError):
    """Nothing usable came back: connection refused or reset, a time-out, an answer cut short or endless."""


class InvalidResponseError(PaytError):
    """An answer with status 200 that does not match the contract. The message holds nothing of its content.

    Attributes:
        path: Where, as a JSON path ("$.data[3].updated_at").
        record_id: The id of the first record that is wrong, where it is a record and its id can be read.
        raw: That record as it came, as JSON; it may hold personal data.
    """

    record_id: str | None = None
    raw: bytes | None = None

    def __init__(self, text: str, *, path: str = "$") -> None:
        super().__init__(text)
        self.path = path


class PaginationError(PaytError):
    """The listing would never end: its cursor goes in circles, or its records do not advance."""


class TokenError(PaytError):
    """No token could be had.

    Attributes:
        code: OAuth's name for what is wrong ("invalid_client"), where the token endpoint gave one.
        message: The endpoint's explanation, where it gave one.
        retry_after: How many seconds the answer asks to wait, where it says so.
    """

    code: str | None = None
    message: str | None = None
    retry_after: float | None = None


class LoginRequiredError(TokenError):
    """No token can be had until a person logs in."""
