"""Answers of the token endpoint: bodies that are read as far as a token needs, and the token in them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from typing import Any, Final

import httpx

from .. import checks
from ..transport.decoding import decoded
from .stores import Token

LARGEST: Final = 2**20
"""Bytes that an answer has at most."""
MOST_ENCODINGS: Final = 2
_LONGEST_LIFE: Final = 1e9
"""Seconds; what lives longer than 30 years has no end."""
_CLOCKS_AGREE: Final = 300.0
"""Seconds that the server's clock may be behind ours for its `created_at` to be believed."""


def read(response: httpx.Response) -> bytes:
    """The body, as far as it is needed: a token that is there counts, however the rest ends.

    No encoding is asked for, and the API's answers may have but one. Here a token is kept however it is wrapped: it may
    be the successor of a refresh token that is spent. Each of two encodings at most stays within `LARGEST`.
    """
    if response.is_stream_consumed:  # as that of a mock is
        return response.content
    with closing(response):
        content, failure = _joined(response.iter_raw())
    names = response.headers.get("Content-Encoding", "")
    encodings = names.split(",")
    for encoding in reversed(encodings if len(encodings) <= MOST_ENCODINGS else [names]):
        if not _has_token(content):
            content, broken = _joined(decoded(content, encoding))
            failure = failure or broken
    if failure is not None and not _has_token(content):
        content = content.rpartition(b",")[0] + b"}"  # as far as it came
        if not _has_token(content):
            failure.request = response.request
            raise failure
    return content


def _joined(pieces: Iterable[bytes]) -> tuple[bytes, httpx.RequestError | None]:
    """What the pieces give, as far as they come and are needed, and why they ended early."""
    content = b""
    try:
        for piece in pieces:
            content += piece
            if len(content) > LARGEST:
                raise httpx.ReadError("the answer is too large")
            if piece.rstrip().endswith(b"}") and _has_token(content):
                break
    except ValueError as error:
        return content, httpx.DecodingError(str(error))
    except httpx.RequestError as error:
        return content, error
    return content, None


def _has_token(content: bytes) -> bool:
    return token_of(content, 0) is not None


def token_of(content: bytes, asked_at: float) -> Token | None:
    """The token in an answer, None if there is none. What is odd beside it must not cost the token."""
    try:
        decoder = json.JSONDecoder(strict=False, parse_int=_whole)
        answer, _ = decoder.raw_decode(content.decode("utf-8-sig", "replace").lstrip())
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    scope, refresh_token = answer.get("scope"), answer.get("refresh_token")
    if isinstance(refresh_token, int) and not isinstance(refresh_token, bool):
        refresh_token = str(refresh_token)
    if not isinstance(refresh_token, str) or not refresh_token:
        refresh_token = None
    lifetime, created_at = _number(answer.get("expires_in")), _number(answer.get("created_at"))
    obtained_at = asked_at
    if created_at is not None and asked_at - _CLOCKS_AGREE <= created_at <= asked_at:
        obtained_at = created_at
    try:
        access_token = checks.token("access_token", answer.get("access_token"))
    except (TypeError, ValueError):
        access_token, lifetime = "", 0  # of no use, but the refresh token beside it is
        if refresh_token is None:
            return None
    return Token(
        access_token,
        refresh_token,
        scope if isinstance(scope, str) else None,
        obtained_at,
        None if lifetime is None or lifetime > _LONGEST_LIFE else obtained_at + lifetime,
    )


def _whole(digits: str) -> float:
    """A whole number; infinite where it has more digits than Python turns into one."""
    try:
        return int(digits)
    except ValueError:
        return float("inf")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < float("inf") else None
