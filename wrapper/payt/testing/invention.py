"""What invented records are made of: choices that follow from a text, moments, keys."""

import hashlib
import re
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

_Option = TypeVar("_Option")


class Dice:
    """Choices that follow from a text alone.

    A digest rather than `random`, whose sequences may differ from one Python version to the next.
    """

    def __init__(self, text: str) -> None:
        throws: Iterator[int] = iter(_THROWS.unpack(hashlib.shake_256(text.encode()).digest(_THROWS.size)))
        self._throw = throws.__next__

    def below(self, bound: int) -> int:
        """Choose a number from 0 on."""
        return ((self._throw() << 32) + self._throw()) % bound

    def pick(self, options: Sequence[_Option]) -> _Option:
        """Choose one of these."""
        return options[self._throw() % len(options)]

    def unless(self, percent: int, value: _Option) -> _Option | None:
        """Return None in that many cases of a hundred, else the value."""
        return None if self._throw() % 100 < percent else value

    def moment(self) -> str:
        """Choose when something was changed."""
        return timestamp(_FIRST_CHANGE + timedelta(microseconds=self.below(_SPAN_OF_CHANGES)))


_THROWS: Final = struct.Struct(">64I")
_FIRST_CHANGE: Final = datetime(2023, 1, 1, tzinfo=UTC)
_SPAN_OF_CHANGES: Final = 3 * 365 * 24 * 60 * 60 * 10**6


def timestamp(moment: datetime) -> str:
    """Write a moment as Payt does: ISO 8601 in UTC, with microseconds and a `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def key_of(value: object) -> int | str:
    """Return what tells a record apart as it is ordered: a whole number, or any other text as it is."""
    text = str(value)
    return int(text) if _NUMBER.fullmatch(text) else text


_NUMBER: Final = re.compile("0|[1-9][0-9]{0,29}")
