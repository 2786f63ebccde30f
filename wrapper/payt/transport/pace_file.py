"""The pace of a token for all processes of a user on a machine: its book in a small file, under a lock.

The lock is held while a book of 100 bytes to 3 kB is read and written, not while anybody waits. The file is opened each
time: so a fork shares no lock, a killed process leaves none behind, and a file that somebody removes is made anew.
Moments are those of the monotonic clock, which all processes of a machine share and nobody can set.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from . import clock
from .paces import FORGOTTEN, Book, ProcessPace
from .process import cached_property

log = logging.getLogger("payt")

_ALONE = 60.0
"""Seconds for which a process keeps its own pace after the file could not be used."""
_STUCK = 2.0
"""Seconds of trying after which whoever holds the lock is taken for stopped."""
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Book).decode
_FLAGS = sum(
    getattr(os, name, 0)  # not every system has each of them
    for name in ("O_RDWR", "O_CREAT", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")
)


class FilePace(ProcessPace):
    """A pace in files; that of the process, for a minute, where they cannot be used."""

    def __init__(self) -> None:
        self._alone_until = float("-inf")
        self._stuck_since: float | None = None
        self._said = False

    @contextmanager
    def book(self, key: bytes) -> Iterator[Book]:
        """As `ProcessPace.book`; that of the process where the file cannot be used, from the next time on.

        Raises:
            BlockingIOError: Somebody else is writing in it.
        """
        if clock.now() < self._alone_until:
            with super().book(key) as book:
                yield book
            return
        try:
            with _locked(f"{self._folder}/{hashlib.sha256(_machine() + key).hexdigest()[:40]}") as file:
                self._stuck_since = None
                book = _read(file)
                if not book.starts:
                    _remove_old(Path(self._folder))
                yield book
                os.lseek(file, 0, os.SEEK_SET)
                os.ftruncate(file, os.write(file, _encode(book)))
        except OSError as error:
            self._failed(error)
            raise BlockingIOError from error

    @cached_property
    def _folder(self) -> str:
        import platformdirs  # noqa: PLC0415  # only who sends something needs it

        folder = Path()
        with suppress(RuntimeError):  # of its newer versions; older ones give a relative path
            folder = platformdirs.user_state_path("payt", appauthor=False) / "pace"
        if not folder.is_absolute():
            raise FileNotFoundError("the user has no home")
        return str(folder)  # joining paths would take as long as all else

    def _failed(self, error: OSError) -> None:
        now = clock.now()
        if isinstance(error, BlockingIOError):
            self._stuck_since = self._stuck_since or now
            if now - self._stuck_since < _STUCK:
                return
        self._alone_until, self._stuck_since = now + _ALONE, None
        if not self._said:
            self._said = True
            log.debug("this process does not share its pace with others: %s", error)


@contextmanager
def _locked(path: str) -> Iterator[int]:
    """The private file at this path, open and locked.

    Raises:
        BlockingIOError: Somebody else has locked it.
    """
    try:
        file = os.open(path, _FLAGS, 0o600)
    except FileNotFoundError:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, _FLAGS, 0o600)
    try:
        _lock(file)
        yield file
    finally:
        with suppress(OSError):
            _unlock(file)  # a child that was forked meanwhile has the file open as well
        os.close(file)


def _read(file: int) -> Book:
    """The book in a file; an empty one where it is none, or torn."""
    kept = os.read(file, os.fstat(file).st_size)
    try:
        return _decode(kept)
    except msgspec.DecodeError:
        return Book()


try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, 2**20, os.SEEK_SET)  # a byte that nobody reads: there a lock keeps readers out
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None
        os.lseek(file, 0, os.SEEK_SET)

    def _unlock(file: int) -> None:
        """Closing it will do: no process is forked there."""
else:

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


@functools.cache
def _machine() -> bytes:
    """What tells this machine, since it was started, from others that have the same folder, and from itself before."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_bytes()
    return platform.node().encode()


def _remove_old(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > FORGOTTEN:
                path.unlink()


MACHINE: Final = FilePace()
"""That of this machine."""
