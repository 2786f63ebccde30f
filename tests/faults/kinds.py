"""The kinds of faults: what a server can do wrong with the answer it owes.

A fault has two halves. `rewrite` turns the good answer into another one (a status, a broken body); `send`
turns an answer into the steps that put it on the wire: bytes, pauses, and how the connection ends. All else
here builds such pairs. Two faults combine, the left one first: `chunked() | close(10)`, `answer(503) | drip(1)`.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from http.client import responses
from itertools import repeat

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answer:
    """An answer, still whole. `body` is what goes over the wire: encoded, chunked."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""
    version: str = "HTTP/1.1"
    closes: bool = False
    """Whether the connection is closed after this answer."""

    @classmethod
    def well(cls, body: bytes, *, closes: bool = False) -> Answer:
        """The answer of a server that does nothing wrong."""
        headers = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
        return cls(headers=headers, body=body, closes=closes)

    @property
    def status_line(self) -> bytes:
        return f"{self.version} {self.status} {responses.get(self.status, 'Unknown')}\r\n".encode("ascii")

    @property
    def head(self) -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return self.status_line + lines.encode("latin-1") + b"\r\n"

    @property
    def raw(self) -> bytes:
        return self.head + self.body

    def without(self, *names: str) -> Answer:
        """Drop the headers of these names."""
        dropped = {name.lower() for name in names}
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in dropped))

    def with_headers(self, headers: Headers) -> Answer:
        """Add headers; one of the same name that is there already gives way."""
        kept = self.without(*(name for name, _ in headers))
        return replace(kept, headers=kept.headers + headers)

    def with_body(self, body: bytes) -> Answer:
        """Take another body, and its length."""
        return replace(self, body=body).with_headers((("Content-Length", str(len(body))),))


@dataclass(frozen=True)
class Pause:
    """Send nothing for so many seconds."""

    seconds: float


class End(Enum):
    """How a connection ends in the middle of things."""

    CLOSE = "close"
    RESET = "reset"  # a TCP reset: SO_LINGER with 0 seconds


Step = bytes | Pause | End


@dataclass(frozen=True)
class Fault:
    """One way to answer a request badly; its name makes a test's id."""

    name: str
    rewrite: Callable[[Answer], Answer] | None = None
    send: Callable[[Answer], Iterable[Step]] | None = None
    reads_request: bool = True
    """False: the steps are taken at the request's first byte, and the rest of it stays unread."""

    def steps(self, good: Answer) -> Iterator[Step]:
        """What to do on the wire in place of sending the good answer."""
        answer = self.rewrite(good) if self.rewrite else good
        yield from self.send(answer) if self.send else (answer.raw,)
        if answer.closes:
            yield End.CLOSE

    def __or__(self, then: Fault) -> Fault:
        if self.send and then.send:
            raise ValueError(f"both say how to send: {self} | {then}")
        first, second = self.rewrite, then.rewrite
        both = (lambda answer: second(first(answer))) if first and second else first or second
        reads_request = self.reads_request and then.reads_request
        return Fault(f"{self} | {then}", both, self.send or then.send, reads_request)

    def __str__(self) -> str:
        return self.name


WELL = Fault("answer well")


# Where in an answer something happens


class Point(Enum):
    """A place in an exchange; a place in the body can also be given as a number, that of the byte."""

    UNREAD = "before the request is read"
    BEFORE_ANSWER = "before the answer"
    IN_STATUS_LINE = "in the status line"
    IN_HEADERS = "in the headers"
    AFTER_HEADERS = "after the headers"
    IN_BODY = "in the body"


def split(answer: Answer, at: Point | int) -> tuple[bytes, bytes]:
    """Split the bytes of an answer at a place; a number beyond the body means its last byte."""
    head, status_line = len(answer.head), len(answer.status_line)
    match at:
        case int():
            offset = head + max(0, min(at, len(answer.body) - 1))
        case Point.UNREAD | Point.BEFORE_ANSWER:
            offset = 0
        case Point.IN_STATUS_LINE:
            offset = status_line // 2
        case Point.IN_HEADERS:
            offset = (status_line + head) // 2
        case Point.AFTER_HEADERS:
            offset = head
        case Point.IN_BODY:
            offset = head + len(answer.body) // 2
    return answer.raw[:offset], answer.raw[offset:]


def _place(at: Point | int) -> str:
    return at.value if isinstance(at, Point) else f"at byte {at} of the body"


# The connection ends, or time passes


def close(at: Point | int) -> Fault:
    """Close the connection there: `close(10)` cuts the body after 10 bytes, short of its Content-Length.

    Before the request is read, the kernel turns this into a reset, unless the connection is encrypted.
    """
    return _end(End.CLOSE, at)


def reset(at: Point | int) -> Fault:
    """Reset the TCP connection there."""
    return _end(End.RESET, at)


def _end(end: End, at: Point | int) -> Fault:
    return Fault(
        f"{end.value} {_place(at)}",
        send=lambda answer: (split(answer, at)[0], end),
        reads_request=at is not Point.UNREAD,
    )


def stall(seconds: float, at: Point | int = Point.BEFORE_ANSWER) -> Fault:
    """Send nothing for a while there, then go on as if nothing had happened."""
    if at is Point.UNREAD:
        raise ValueError("a client cannot tell a stall before its request is read from one before the answer")

    def send(answer: Answer) -> Iterator[Step]:
        before, after = split(answer, at)
        yield from (before, Pause(seconds), after)

    return Fault(f"stall {seconds:g} s {_place(at)}", send=send)


def drip(seconds: float, size: int = 1) -> Fault:
    """Send `size` bytes, wait, and so on to the end."""

    def send(answer: Answer) -> Iterator[Step]:
        raw = answer.raw
        yield raw[:size]
        for start in range(size, len(raw), size):
            yield from (Pause(seconds), raw[start : start + size])

    return Fault(f"drip {size} B each {seconds:g} s", send=send)


def close_idle(after: float = 0.0) -> Fault:
    """Answer well, announce nothing, and close the kept-alive connection once it was idle for some seconds.

    A client that reuses the connection may be late. The race that it loses for certain is the script
    `[None, close(Point.UNREAD)]`: its second request is on its way when the connection goes.
    """
    return Fault("close idle", send=lambda answer: (answer.raw, Pause(after), End.CLOSE))


# Bytes that are not what they should be


def garbage(data: bytes = b"\x00\xff\x16\x03 this is not HTTP\r\n\r\n") -> Fault:
    """Send something that is not HTTP, and close."""
    return Fault("garbage", send=lambda answer: (data, End.CLOSE))


def wrong_length(by: int) -> Fault:
    """Send the whole body under a Content-Length that is `by` bytes off; the connection stays open."""

    def rewrite(answer: Answer) -> Answer:
        return answer.with_headers((("Content-Length", str(max(0, len(answer.body) + by))),))

    return Fault(f"Content-Length wrong by {by:+}", rewrite)


def gzipped() -> Fault:
    """Compress the body, as a well-behaved server may: a base for other faults."""
    return Fault("gzip", _gzip)


def gzip_truncated(at: int | None = None) -> Fault:
    """Send the first bytes of a gzip stream (half of them by default), framed as if they were all."""

    def rewrite(answer: Answer) -> Answer:
        stream = _gzip(answer).body
        return _gzip(answer).with_body(stream[: min(len(stream) // 2 if at is None else at, len(stream) - 1)])

    return Fault("gzip truncated" + ("" if at is None else f" at {at}"), rewrite)


def gzip_corrupted(*, checksum: bool = False) -> Fault:
    """Break a gzip stream at its first block, or only in the checksum that follows the data."""

    def rewrite(answer: Answer) -> Answer:
        stream = bytearray(_gzip(answer).body)
        if checksum:
            stream[-8] ^= 0xFF
        else:
            stream[10] = 0xFF  # the first byte after the header; 3 is no type of a block (RFC 1951, 3.2.3)
        return _gzip(answer).with_body(bytes(stream))

    return Fault("gzip corrupted" + (" in the checksum" if checksum else ""), rewrite)


def _gzip(answer: Answer) -> Answer:
    compressed = answer.with_body(gzip.compress(answer.body, mtime=0))
    return compressed.with_headers((("Content-Encoding", "gzip"),))


def chunked(size: int = 100) -> Fault:
    """Send the body in chunks, as a well-behaved server may: a base for other faults."""
    return Fault("chunked", lambda answer: _in_chunks(answer, *_chunks(answer.body, size), _LAST_CHUNK))


def chunked_unfinished(size: int = 100) -> Fault:
    """Send all the data in chunks, and close without the final one."""

    def rewrite(answer: Answer) -> Answer:
        return replace(_in_chunks(answer, *_chunks(answer.body, size)), closes=True)

    return Fault("chunked, no final chunk", rewrite)


def chunked_bad_size() -> Fault:
    """Send half of the body as a chunk, then a chunk whose size is no number."""

    def rewrite(answer: Answer) -> Answer:
        half = len(answer.body) // 2
        return _in_chunks(
            answer,
            *_chunks(answer.body[:half], half),
            b"size\r\n" + answer.body[half:] + b"\r\n",
            _LAST_CHUNK,
        )

    return Fault("chunked, bad chunk size", rewrite)


_LAST_CHUNK = b"0\r\n\r\n"


def _chunks(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), max(1, size)):
        yield _chunk(body[start : start + max(1, size)])


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode("ascii") + data + b"\r\n"


def _in_chunks(answer: Answer, *chunks: bytes) -> Answer:
    framed = answer.without("Content-Length").with_headers((("Transfer-Encoding", "chunked"),))
    return replace(framed, body=b"".join(chunks))


def endless(*, chunks: bool = True, limit: int = 128 * 2**20) -> Fault:
    """Send blanks, chunked or under a huge Content-Length, until the client leaves; at most `limit` bytes."""
    size = 64 * 2**10
    block = _chunk(b" " * size) if chunks else b" " * size

    def rewrite(answer: Answer) -> Answer:
        return _in_chunks(answer) if chunks else answer.with_headers((("Content-Length", str(10**15)),))

    def send(answer: Answer) -> Iterator[Step]:
        yield answer.head
        yield from repeat(block, limit // size)
        yield End.CLOSE

    return Fault("endless, " + ("chunked" if chunks else "huge Content-Length"), rewrite, send)


# Whole answers, but other ones


def answer(status: int = 200, headers: Iterable[tuple[str, str]] = (), body: bytes | None = None) -> Fault:
    """Answer with this status, these headers and this body (None: the good one).

    A header takes the place of the server's own of that name (Content-Type, Content-Length); given twice,
    it is sent twice.
    """
    given = tuple(headers)

    def rewrite(good: Answer) -> Answer:
        other = good if body is None else good.with_body(body)
        return replace(other, status=status).with_headers(given)

    return Fault(f"status {status}", rewrite)


def html(status: int = 200) -> Fault:
    """Answer with a page for people, as a proxy does."""
    page = b"<!DOCTYPE html><html><body><h1>Just a moment</h1></body></html>"
    return replace(answer(status, [("Content-Type", "text/html")], page), name=f"HTML with status {status}")


def empty(status: int = 200) -> Fault:
    """Answer with an empty body."""
    return replace(answer(status, body=b""), name=f"empty body with status {status}")


def odd_headers() -> Fault:
    """Answer well under headers that are unusual and allowed: repeated, empty, folded, not ASCII."""
    odd = (
        ("x-empty", ""),
        ("X-PADDED", " \t blanks around \t "),
        ("x-folded", "one\r\n two"),
        ("x-latin", "caf\xe9"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    )
    return Fault("odd headers", lambda good: replace(good, headers=good.headers * 2 + odd))


def huge_header(size: int = 2**20) -> Fault:
    """Answer well, with one header of so many bytes."""
    return Fault(f"header of {size} B", lambda good: good.with_headers((("X-Huge", "x" * size),)))


def interim(status: int = 103) -> Fault:
    """Send an interim answer (100, 103) before the good one."""
    early = Answer(status=status, headers=(("Link", "</style.css>; rel=preload"),) if status == 103 else ())
    return Fault(f"status {status} before the answer", send=lambda good: (early.head, good.raw))


def http10() -> Fault:
    """Answer as HTTP/1.0 did: without a length, the body ends where the connection does, cut or whole."""

    def rewrite(good: Answer) -> Answer:
        return replace(good.without("Content-Length"), version="HTTP/1.0", closes=True)

    return Fault("HTTP/1.0", rewrite)
