"""What the fake server remembers of a request."""

import time
from dataclasses import dataclass, field

from werkzeug.datastructures import Headers


@dataclass(slots=True)
class RecordedRequest:
    """One request, as it arrived.

    Attributes:
        method: Such as "GET".
        path: The decoded path, prefix included.
        query: The decoded parameters; of one that came several times, the first value.
        query_pairs: All decoded parameters in their order.
        raw_query: The query string as it was sent.
        headers: The headers; names in any case.
        body: The body's bytes.
        connection: The number of the connection it came on, 1 for the first.
        request_id: The `x-request-id` that the answer carries.
        received_at: When its head had been read, in seconds of `time.monotonic()`.
        status: The status of the answer; None before the answer, and when there was none.
    """

    method: str
    path: str
    query: dict[str, str]
    query_pairs: list[tuple[str, str]]
    raw_query: str
    headers: Headers
    body: bytes
    connection: int
    request_id: str
    received_at: float = field(default_factory=time.monotonic)
    status: int | None = None
