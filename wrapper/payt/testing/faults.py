"""Faults to order: what each of them does."""

import gzip
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from werkzeug.serving import WSGIRequestHandler

from payt.testing.answers import Answer, answer_with, error_code, reason_phrase
from payt.testing.loopback import LoopbackServer

FaultKind: TypeAlias = Literal["reset", "close", "garbage", "cut", "stall", "bad-gzip", "html", "empty", "not-json"]
"""Faults other than a status (see `FakePayt.fail`)."""

ErrorShape: TypeAlias = Literal["flat", "nested", "string", "oauth", "list", "text", "html", "nothing"]
"""The bodies that errors come with, in the wild (see `FakePayt.fail`)."""

Fault: TypeAlias = Answer | Callable[[Answer], Answer]
"""What is answered instead of what was asked for, or what becomes of the answer that would have been given."""


def error_body(status: int, shape: ErrorShape, code: str | None, message: str | None) -> Any:
    """Make the body of an error in one of the shapes seen in the wild."""
    code, message = code or error_code(status), message or reason_phrase(status)
    bodies: dict[ErrorShape, Any] = {
        "flat": {"code": code, "message": message},
        "nested": {"error": {"code": code, "message": message}},
        "string": {"error": message},
        "oauth": {"error": code, "error_description": message},
        "list": [{"params": [code], "messages": [message]}],
        "text": message,
        "html": f"<!doctype html><title>{code}</title><h1>{message}</h1>",
        "nothing": b"",
    }
    if shape not in bodies:
        raise ValueError(f"there is no shape {shape!r}: use one of {', '.join(bodies)}")
    return bodies[shape]


def broken(kind: FaultKind, *, at: int | None, seconds: float | None) -> Fault:
    """Make a fault other than a status; `at` and `seconds` are those of `FakePayt.fail`."""
    if kind == "cut":
        return lambda good: replace(good, deliver=partial(_cut, at))
    if kind == "stall":
        return lambda good: replace(good, deliver=partial(_stall, 3600 if seconds is None else seconds))
    if kind not in _FAULTS:
        raise ValueError(
            f"there is no fault {kind!r}: use one of {', '.join(get_args(FaultKind))}, or a status, as a number"
        )
    return _FAULTS[kind]


def _reset(connection: WSGIRequestHandler, _head: bytes, _body: bytes) -> None:
    connection.close_connection = True
    # linger for no time: closing sends RST, and nothing must be sent before it
    connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    socket.close(connection.connection.detach())


def _hang_up(last_words: bytes, connection: WSGIRequestHandler, _head: bytes, _body: bytes) -> None:
    connection.wfile.write(last_words)
    connection.close_connection = True


def _cut(at: int | None, connection: WSGIRequestHandler, head: bytes, body: bytes) -> None:
    connection.wfile.write(head + body[: len(body) // 2 if at is None else at])
    connection.close_connection = True


def _stall(seconds: float, connection: WSGIRequestHandler, head: bytes, body: bytes) -> None:
    connection.wfile.write(head)
    cast("LoopbackServer", connection.server).wait(seconds, connection.connection)
    connection.wfile.write(body)


def _bad_gzip(answer: Answer) -> Answer:
    headers = answer.headers.copy()
    headers["content-encoding"] = "gzip"
    compressed = gzip.compress(answer.body)
    wrong_checksum = bytes(byte ^ 0xFF for byte in compressed[-8:])
    return replace(answer, headers=headers, body=compressed[:-8] + wrong_checksum)


_NO_LINGER: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_FAULTS: Final[Mapping[FaultKind, Fault]] = {
    "reset": Answer(0, deliver=_reset),
    "close": Answer(0, deliver=partial(_hang_up, b"")),
    "garbage": Answer(0, deliver=partial(_hang_up, b"\x00\xff\x16\x03 this is no HTTP\r\n\r\n")),
    "bad-gzip": _bad_gzip,
    "html": answer_with("<!doctype html><title>Payt</title><h1>Down for maintenance</h1>"),
    "empty": answer_with(b""),
    "not-json": answer_with(b"upstream: no healthy node"),
}
