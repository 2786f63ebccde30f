"""Bodies, decompressed in pieces, as a small answer must not fill the memory; and what reads JSON."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
import msgspec

T = TypeVar("T")

_PIECE = 2**16


def decoder_of(shape: type[T]) -> Callable[[bytes | str], T]:
    """What reads a type from JSON, made while a module is imported.

    Threads that look at a type for the first time together can crash msgspec.
    """
    return msgspec.json.Decoder(shape).decode


def decoded(raw: bytes, encoding: str) -> Iterator[bytes]:
    """A body piece by piece, without its encoding.

    Args:
        raw: The body as it came.
        encoding: Its Content-Encoding.

    Raises:
        ValueError: Nobody asked for that encoding, or for several at once.
        httpx.DecodingError: It is not in that encoding.
    """
    read = _READERS.get(encoding.strip().lower())
    if read is None:
        raise ValueError("its Content-Encoding is not one that was asked for")
    try:
        yield from read(raw)
    except (zlib.error, ImportError) as error:
        raise httpx.DecodingError(str(error)) from error


def _identity(raw: bytes) -> Iterator[bytes]:
    yield raw


def _zlib(raw: bytes, window: int) -> Iterator[bytes]:
    inflating = zlib.decompressobj(window)
    while raw and not inflating.eof:
        yield inflating.decompress(raw, _PIECE)
        raw = inflating.unconsumed_tail


def _deflate(raw: bytes) -> Iterator[bytes]:
    # RFC 9110 means the zlib format, and some servers send the stream inside it alone
    is_zlib = len(raw) > 1 and raw[0] & 15 == 8 and int.from_bytes(raw[:2], "big") % 31 == 0
    return _zlib(raw, zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def _brotli(raw: bytes) -> Iterator[bytes]:
    import brotli  # noqa: PLC0415  # of an extra

    inflating = brotli.Decompressor()
    try:
        piece = inflating.process(raw, output_buffer_limit=_PIECE)
        while piece:
            yield piece
            piece = inflating.process(b"", output_buffer_limit=_PIECE)
    except brotli.error as error:
        raise httpx.DecodingError(str(error)) from error


def _zstd(raw: bytes) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415  # of an extra

    reader = zstandard.ZstdDecompressor(max_window_size=2**23).stream_reader(io.BytesIO(raw), read_across_frames=True)
    try:
        yield from iter(lambda: reader.read(_PIECE), b"")
    except zstandard.ZstdError as error:
        raise httpx.DecodingError(str(error)) from error


_READERS: dict[str, Any] = {
    "": _identity,
    "identity": _identity,
    "gzip": lambda raw: _zlib(raw, zlib.MAX_WBITS | 16),
    "x-gzip": lambda raw: _zlib(raw, zlib.MAX_WBITS | 16),
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
