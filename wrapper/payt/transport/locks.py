"""Locks that others may hold: files that are locked, and how long anybody waits for whatever lock it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from ..errors import TokenError
from .signals import is_ending

LONGEST_LOCK: Final = 150.0
"""Seconds after which nobody waits for a lock any longer: longer than any request for a token takes."""
_PATIENCE: Final = 0.5
"""Seconds of an attempt to get a lock; in between, whoever waits looks whether the program is ending."""


@contextmanager
def try_lock(file: Path, seconds: float = 0.0, *, mode: int | None = None) -> Iterator[bool]:
    """Whether this file could be locked within so many seconds; in here, no other thread or process has it then.

    The operating system lets it go when the process ends, however it ends. A file that is new gets the mode.
    """
    import filelock  # noqa: PLC0415  only who locks files needs it

    how: dict[str, Any] = {} if mode is None else {"mode": mode}  # by default, filelock's own
    lock = filelock.FileLock(file, thread_local=False, **how)
    with suppress(filelock.Timeout):
        lock.acquire(timeout=seconds)
    try:
        yield lock.is_locked
    finally:
        lock.release()


@contextmanager
def locked_file(file: Path) -> Iterator[None]:
    """In here, no other thread or process has locked this private file.

    Raises:
        TokenError: It cannot be locked, or as `wait_for_lock`.
    """
    with ExitStack() as stack:
        try:
            wait_for_lock(lambda seconds: stack.enter_context(try_lock(file, seconds, mode=0o600)), str(file))
        except OSError as error:
            raise TokenError(f"{file} cannot be locked: {error.strerror}") from None
        yield


def wait_for_lock(attempt: Callable[[float], bool], what: str) -> None:
    """Wait until an attempt of so many seconds says that it has the lock.

    Raises:
        TokenError: Somebody has held it for minutes, or the program ends: nothing is spent yet, so nothing is lost.
    """
    end = time.monotonic() + LONGEST_LOCK
    while not attempt(_PATIENCE):
        if is_ending():
            raise TokenError(f"the program is ending, while another process holds {what}")
        if time.monotonic() >= end:
            raise TokenError(
                f"another process has held {what} for {LONGEST_LOCK:g} s: is one stuck while renewing a token?"
            )
