"""Bodies, decompressed in pieces, as a small answer must not fill the memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import httpx

_SLICE = 256
"""Bytes that are read at a time; Zstandard makes 8 MiB of so many at most."""
_PIECE = 2**16
"""Bytes that Brotli may make at a time: it would make gigabytes of a few."""


def decoded(raw: bytes, encoding: str) -> Iterator[bytes]:
    """A body piece by piece, without its Content-Encoding.

    Raises:
        ValueError: Nobody asked for that encoding, or for several at once.
        httpx.DecodingError: It is not in that encoding, or its end is missing: the pieces before were all that came.
    """
    encoding = encoding.strip().lower().removeprefix("x-")
    if encoding in ("", "identity"):
        yield raw
    elif encoding in READERS:
        yield from READERS[encoding](raw)
    else:
        raise ValueError("its Content-Encoding is not one that was asked for")


def readers() -> dict[str, Callable[[bytes], Iterator[bytes]]]:
    """The encodings that can be read here, each with what does it."""
    found: dict[str, Callable[[bytes], Iterator[bytes]]] = {
        "gzip": partial(_streams, partial(zlib.decompressobj, zlib.MAX_WBITS | 16), zlib.error),
    }
    with suppress(ImportError):  # of an extra
        import brotli  # noqa: PLC0415

        if hasattr(brotli.Decompressor, "can_accept_more_data"):  # before 1.2 there is no limit to what it makes
            found["br"] = partial(_brotli, brotli)
    with suppress(ImportError):
        import zstandard  # noqa: PLC0415

        def start() -> Any:  # each with a decompressor of its own, as threads cannot share one
            return zstandard.ZstdDecompressor(max_window_size=2**23).decompressobj()  # RFC 9659

        found["zstd"] = partial(_streams, start, zstandard.ZstdError)
    return found


def _streams(start: Callable[[], Any], kind: type[Exception], raw: bytes) -> Iterator[bytes]:
    """What is in one compressed stream after the other: RFC 1952 and RFC 8878 allow several."""
    at = 0
    while at < len(raw):
        stream = start()
        while not stream.eof:
            piece = raw[at : at + _SLICE]
            if not piece:
                raise httpx.DecodingError(_ENDS_EARLY)
            try:
                yield stream.decompress(piece)
            except kind as error:
                raise httpx.DecodingError(str(error)) from error
            at += len(piece) - len(stream.unused_data)


def _brotli(brotli: Any, raw: bytes) -> Iterator[bytes]:
    stream = brotli.Decompressor()
    try:
        piece = stream.process(raw, output_buffer_limit=_PIECE)
        while piece:
            yield piece
            piece = stream.process(b"", output_buffer_limit=_PIECE)
    except brotli.error as error:
        raise httpx.DecodingError(str(error)) from error
    if not stream.is_finished():
        raise httpx.DecodingError(_ENDS_EARLY)


_ENDS_EARLY = "the compressed body ends early"
READERS = readers()
