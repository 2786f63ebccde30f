"""The moment until which a page must have come, whatever is tried and waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from . import clock


class Deadline:
    """A moment, so many seconds from now.

    Attributes:
        seconds: How many they were at the start.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = clock.now() + seconds

    @property
    def left(self) -> float:
        """The seconds that are left, 0 at the least."""
        return max(0.0, self._end - clock.now())

    @contextmanager
    def holds(self) -> Iterator[None]:
        """Whatever this thread or task does in here is under this deadline."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


def time_left() -> float:
    """The seconds left of the deadline that this thread or task is under; endless where it is under none."""
    deadline = _current.get()
    return float("inf") if deadline is None else deadline.left


_current: ContextVar[Deadline | None] = ContextVar("payt.deadline", default=None)
