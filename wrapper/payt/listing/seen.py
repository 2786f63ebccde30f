"""Which records and cursors of a listing came before."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from operator import lt


class Seen:
    """Remembers the keys of records: in some two bytes each while they are numbers that ascend, else in a set."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._last = -1
        self._all: set[str] | None = None

    def new(self, keys: Sequence[str | None]) -> list[bool]:
        """Whether each of these comes for the first time; a record without a key always does."""
        if self._all is None:
            if self._ascend(keys):
                return [True] * len(keys)
            self._all = {key for page in self._packed for key in zlib.decompress(page).decode().split("\n")}
            self._packed.clear()
        result = []
        for key in keys:
            result.append(key is None or key not in self._all)
            if key is not None:
                self._all.add(key)
        return result

    def _ascend(self, keys: Sequence[str | None]) -> bool:
        """Whether these are numbers, each above all before; if so, they are remembered."""
        try:
            numbers = [self._last, *map(int, keys)]  # type: ignore[arg-type]  # None is a TypeError
            if not all(map(lt, numbers, numbers[1:])):
                return False
            if keys:
                self._packed.append(zlib.compress("\n".join(keys).encode(), 1))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return False
        self._last = numbers[-1]
        return True


class Cursors:
    """Remembers cursors, in sixteen bytes each, however long they are.

    Args:
        first: The one that the listing begins with, if any.
    """

    def __init__(self, first: str | None) -> None:
        self._digests = {_digest(first)} if first else set()

    def __contains__(self, cursor: str) -> bool:
        return _digest(cursor) in self._digests

    def add(self, cursor: str) -> None:
        """Remember one."""
        self._digests.add(_digest(cursor))

    def clear(self) -> None:
        """Forget them all."""
        self._digests.clear()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
