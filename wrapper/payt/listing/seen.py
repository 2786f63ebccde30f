"""Which records of a listing came before."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from operator import lt
from typing import Any


class Seen:
    """Remembers the keys of records: in some two bytes each while they are numbers that ascend, else in a set."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._last = -1
        self._all: set[str] | None = None

    def new(self, keys: Sequence[Any]) -> list[bool]:
        """Whether each of these comes for the first time; a record without a key always does."""
        if self._all is None:
            if numbers := ascending(keys, self._last):
                self._last = numbers[-1]
                self._packed.append(zlib.compress("\n".join(map(str, keys)).encode(), 1))
            if numbers is not None:
                return [True] * len(keys)
            self._all = {key for page in self._packed for key in zlib.decompress(page).decode().split("\n")}
            self._packed.clear()
        result = []
        for key in keys:
            result.append(key is None or str(key) not in self._all)
            if key is not None:
                self._all.add(str(key))
        return result


def ascending(keys: Sequence[Any], above: int) -> list[int] | None:
    """Keys as numbers; None where they are none, or do not ascend from above this one."""
    try:
        numbers = list(map(int, keys))
    except (TypeError, ValueError):
        return None
    return numbers if all(map(lt, [above, *numbers], numbers)) else None
