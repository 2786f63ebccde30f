"""What an answer of the API means: nothing to say, or the error that it stands for."""

from __future__ import annotations

import datetime
import email.utils
import re
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx

from payt_api.errors import DecodeError

from ..errors import APIError, InvalidResponseError, PaytError, kind_of
from .redaction import plain, redacted, without

E = TypeVar("E", bound=PaytError)

_WAYS_OUT = {
    401: "Is the token right, and for this environment (production or demo)?",
    403: "Does the token have the scope, such as contacts:read, and access to the administration? "
    "`payt administrations list` (in Python: client.administrations.list) shows which ones it may read.",
    404: "Is the base URL right?",
}
_LONGEST_MESSAGE = 500


def error_of(response: httpx.Response) -> APIError:
    """The error that a response with an error status stands for, with all that the body tells."""
    status, request = response.status_code, response.request
    token = sent_token(request)

    def shown(text: str | None) -> str | None:
        return text and redacted(text, [token], "[token]")

    headers = httpx.Headers(
        [(name, shown(value) or "") for name, value in response.headers.multi_items()], response.headers.encoding
    )
    body = without(response.content.decode("latin-1"), [token], "[token]").encode("latin-1")
    code, message = map(shown, read_error(body, headers.get("Content-Type", "")))
    seconds = retry_after(response.headers)
    parts = [
        shown(f"{request.method} {address(request.url)}: {status} {response.reason_phrase}".rstrip()),
        _redirection(response),
        ": ".join(filter(None, (code, message))),
        None if seconds is None else f"Payt asks to wait {seconds:.0f} s",
        _WAYS_OUT.get(status),
    ]
    text = " — ".join(filter(None, parts))
    error = kind_of(status)(text, status_code=status, code=code, message=message, body=body, headers=headers)
    error.retry_after = seconds
    error.request_id = headers.get("X-Request-Id")
    return about(error, request)


def sent_token(request: httpx.Request) -> str:
    """The token that a request was sent with; "" if none was."""
    return str(request.headers.get("Authorization", "")).partition(" ")[2]


def invalid_of(error: DecodeError) -> InvalidResponseError:
    """The error for a body that does not match the contract, though its status is one of success."""
    result = InvalidResponseError(f"the answer does not match the contract: {error}", path=error.path)
    if error.response is not None:
        about(result, error.response.request)
        result.status = error.response.status_code
        result.request_id = plain(error.response.headers.get("X-Request-Id", "")) or None
    return result


def about(error: E, request: httpx.Request) -> E:
    """The error, which says what was asked."""
    error.method, error.url = request.method, address(request.url)
    return error


def address(url: httpx.URL) -> str:
    """A URL for messages: without its query, which may hold personal data, and without user and password."""
    return str(url.copy_with(query=None, fragment=None, userinfo=b""))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a Retry-After header asks to wait (RFC 9110, section 10.2.3); None if unclear."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return float(value)
    if (moment := _moment(value)) is None:
        return None
    return max(0.0, moment - (_moment(headers.get("Date", "")) or time.time()))  # by the clock that it was written by


def _moment(value: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):  # numbers in it may have any length
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def read_error(body: bytes, content_type: str) -> tuple[str | None, str | None]:
    """Code and message of an error body, in any of the shapes that are documented or were seen.

    Flat `{"code", "message"}`, nested `{"error": {…}}`, `{"error": "text"}`, OAuth's `{"error", "error_description"}`
    (RFC 6749, section 5.2), a list of `{"params", "messages"}`, text, HTML, and nothing at all.
    """
    import msgspec  # noqa: PLC0415  # takes its time, which a client that is only made need not take

    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body.decode("utf-8", errors="replace").strip()
        if "html" in content_type.lower() or text[:1] == "<":
            headings = re.findall(r"<(?:title|h1)\b[^>]*>([^<]*)<", text, flags=re.IGNORECASE)
            text = ": ".join(dict.fromkeys(" ".join(heading.split()) for heading in headings)) or "an HTML page"
        return None, _shortened(text)
    return _read_error_document(document)


def _read_error_document(document: Any) -> tuple[str | None, str | None]:
    match document:
        case {"error": {} as nested}:
            return _read_error_document(nested)
        case {"error": str() as code, "error_description": str() as message}:
            return code, _shortened(message)
        case {"error": str() as message} | (str() as message):
            return None, _shortened(message)
        case {"code": _} | {"message": _}:
            return _shortened(document.get("code")), _shortened(document.get("message"))
        case [*entries]:
            return None, _shortened("; ".join(filter(None, (_read_error_document(entry)[1] for entry in entries))))
        case {"params": [*params], "messages": [*messages]}:
            return None, _shortened(f"{', '.join(map(str, params))} {', '.join(map(str, messages))}")
        case _:
            return None, None


def _redirection(response: httpx.Response) -> str | None:
    if not 300 <= response.status_code < 400 or not response.headers.get("Location"):
        return None
    try:
        target = address(response.request.url.join(response.headers["Location"]))
    except (httpx.InvalidURL, ValueError):
        target = "an invalid address"
    return f"the answer redirects to {target}, which is not followed. Is the base URL right?"


def _shortened(value: Any) -> str | None:
    text = "" if value is None else plain(str(value))
    return None if not text else text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"
