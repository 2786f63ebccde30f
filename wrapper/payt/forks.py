"""Forked processes: a child has its parent's memory, and neither its threads nor a share in its connections."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress


def in_child(do: Callable[[], None]) -> None:
    """Have this done in every process that is forked from this one."""
    with suppress(AttributeError):  # of an operating system that has no fork
        os.register_at_fork(after_in_child=do)


class Process:
    """The process in which it was made."""

    def __init__(self) -> None:
        self._id = os.getpid()

    def is_current(self) -> bool:
        """Whether this code runs in it, and not in one that was forked meanwhile."""
        return os.getpid() == self._id
