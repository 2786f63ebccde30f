"""What the fake server answers: a status, headers, a body, and how they are put on the wire."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.serving import WSGIRequestHandler

from payt import checks
from payt.testing.invention import written


def deliver_whole(connection: WSGIRequestHandler, head: bytes, body: bytes) -> None:
    """Send head and body in one piece: in two they can cost the client a delayed acknowledgement."""
    connection.wfile.write(head + body)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: The status of the status line; 0 where no HTTP comes at all.
        headers: All headers but those that follow from the body and the connection.
        body: The body as bytes.
        deliver: Puts head and body on the wire.
    """

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    deliver: Callable[[WSGIRequestHandler, bytes, bytes], None] = deliver_whole


@dataclass(eq=False)
class RequestRefusedError(Exception):
    """A request that gets an error instead of what it asked for.

    Attributes:
        answer: That error.
    """

    answer: Answer


def json_bytes(value: object) -> bytes:
    """Write JSON as UTF-8, not escaped; lone surrogates go through, for those who test what comes of them."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=written)
    return text.encode("utf-8", "surrogatepass")


def answer_with(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Make an answer of bytes (sent as they are), a text (plain or HTML) or anything that JSON can hold.

    The content type follows from the body: bytes count as JSON; nothing has none. `headers` win over it.
    """
    content_type = "application/json"
    if isinstance(body, bytes):
        content = body
    elif isinstance(body, str):
        content = body.encode()
        content_type = f"text/{'html' if body.lstrip().startswith('<') else 'plain'}; charset=utf-8"
    else:
        content = json_bytes(body)
    all_headers = Headers({"content-type": content_type} if content else {})
    all_headers.update(headers or {})
    return Answer(status, all_headers, content)


def retry_after_header(name: str, value: int | str | None) -> dict[str, str]:
    """Make a `Retry-After` of a number of seconds, or of any text.

    Raises:
        ValueError: The number is below 0.
        TypeError: It is neither.
    """
    if value is not None and not isinstance(value, str):
        checks.number(name, value, least=0)
    return {} if value is None else {"retry-after": str(value)}


def error_answer(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Answer:
    """Make an error as Payt documents it: `{"code": …, "message": …}`."""
    return answer_with({"code": error_code(status), "message": message}, status, headers)


def error_code(status: int) -> str:
    """Name a status the way the codes of errors are written: 422 is `unprocessable_entity`."""
    return reason_phrase(status).lower().replace(" ", "_")


def reason_phrase(status: int) -> str:
    """Return the standard words for a status; statuses outside the standard list get some too."""
    return HTTP_STATUS_CODES.get(status, "Unknown Error")
