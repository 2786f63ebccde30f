"""State that belongs to one process: a forked child has its parent's memory, and neither its threads nor its turn."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

T = TypeVar("T")


if TYPE_CHECKING:
    from functools import cached_property as cached_property  # noqa: PLC0414  # exported
else:

    class cached_property(functools.cached_property):  # noqa: N801
        """That of functools without its lock of Python 3.11, which another thread may hold at a fork."""

        def __get__(self, instance: object, owner: type | None = None) -> Any:
            if instance is None:
                return self
            return instance.__dict__.setdefault(self.attrname, self.func(instance))


class PerProcess(Generic[T]):
    """A value of which each process has its own, made there when it is first asked for.

    For locks and what they guard: of a lock that another thread holds at the moment of a fork, the child has a copy
    that nobody ever lets go, and of a queue one that nobody serves. `drop` is called with that of the parent, in the
    child, and must take no lock.
    """

    def __init__(self, make: Callable[[], T], drop: Callable[[T], object] = lambda _: None) -> None:
        self._make = make
        self._drop = drop
        self._values: dict[int, T] = {}

    def get(self) -> T:
        """That of the process in which this code runs. It takes no lock, as that could be held by nobody, too."""
        process = os.getpid()
        try:
            return self._values[process]
        except KeyError:
            value = self._values.setdefault(process, self._make())  # the same one for threads that come at once
            # a later process may have the id of one that has ended; and another thread may be faster here
            others = [self._values.pop(other, None) for other in {*self._values} - {process}]
            for parents in filter(None, others):
                self._drop(parents)
            return value
