"""What invented records are made of: choices that follow from a text, moments, keys."""

import hashlib
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

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


def written(value: object) -> str:
    """Write what JSON has no kind for as Payt does: moments, dates.

    Raises:
        TypeError: It is neither.
        ValueError: It is a moment of no time zone.
    """
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(UTC), or .astimezone() for local time")
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def as_sent(value: Any) -> Any:
    """Return a value of a record as the API sends it, with text for moments and dates at any depth.

    Raises:
        ValueError: It holds a moment of no time zone.
    """
    if isinstance(value, date):
        return written(value)
    if isinstance(value, Mapping):
        return {name: as_sent(each) for name, each in value.items()}
    return [as_sent(each) for each in value] if isinstance(value, (list, tuple)) else value


def key_of(value: object) -> int | str:
    """Return what tells a record apart as it is ordered: a whole number, or any other text as it is."""
    text = str(value)
    return int(text) if _NUMBER.fullmatch(text) else text


_NUMBER: Final = re.compile("0|[1-9][0-9]{0,29}")
