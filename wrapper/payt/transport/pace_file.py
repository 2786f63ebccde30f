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
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import clock
from .paces import Book, BookPace, ProcessPace
from .process import cached_property

log = logging.getLogger("payt")

_ALONE = 60.0
"""Seconds for which a process keeps its own pace after the file could not be used."""
_STUCK = 2.0
"""Seconds of trying after which whoever holds the lock is taken for stopped."""
_OLD = 3600.0
"""Seconds after which a file that nobody wrote in is removed: tokens are replaced by the hour."""
_MOST = 2**20
_HEAD = struct.Struct("=IdqdddI")  # a checksum of all that follows; what `_read` says
_FLAGS = functools.reduce(
    lambda flags, name: flags | getattr(os, name, 0),  # not every system has each of them
    ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"),
    os.O_RDWR | os.O_CREAT,
)


class FilePace(BookPace):
    """A pace in files; that of the process, for a minute, where they cannot be used."""

    def __init__(self) -> None:
        self._alone = ProcessPace()
        self._alone_until = float("-inf")
        self._stuck_since: float | None = None
        self._said = False

    @contextmanager
    def book(self, key: bytes, patience: float = 0.0) -> Iterator[Book]:
        """As `BookPace.book`."""
        opened = self._opened(key, patience) if clock.now() >= self._alone_until else None
        if opened is None:
            with self._alone.book(key) as book:
                yield book
            return
        file, book = opened
        try:
            yield book
            os.lseek(file, 0, os.SEEK_SET)
            os.write(file, _written(book))
        except OSError as error:
            self._leave(error)
        finally:
            _close(file)

    def _opened(self, key: bytes, patience: float) -> tuple[int, Book] | None:
        """The file, locked, and the book in it; None if there is none."""
        try:
            file = _open(f"{self._folder}/{hashlib.sha256(_machine() + key).hexdigest()[:32]}")
            try:
                _lock(file, patience)
                self._stuck_since = None
                kept = os.read(file, os.fstat(file).st_size)
                if not kept:
                    _remove_old(Path(self._folder))
                return file, _read(kept) or Book(clock.now())
            except BaseException:
                _close(file)
                raise
        except BlockingIOError as error:
            now = clock.now()
            self._stuck_since = self._stuck_since or now
            if now - self._stuck_since < _STUCK:
                raise
            self._leave(error)
        except OSError as error:
            self._leave(error)
        return None

    @cached_property
    def _folder(self) -> str:
        import platformdirs  # noqa: PLC0415  # only who sends something needs it

        folder = Path()
        with suppress(RuntimeError):  # of its newer versions; older ones give a relative path
            folder = platformdirs.user_state_path("payt", appauthor=False) / "pace"
        if not folder.is_absolute():
            raise FileNotFoundError("the user has no home")
        return str(folder)  # joining paths would take as long as all else

    def _leave(self, error: OSError) -> None:
        self._alone_until, self._stuck_since = clock.now() + _ALONE, None
        if not self._said:
            self._said = True
            log.debug("this process does not share its pace with others: %s", error)


def _open(path: str) -> int:
    try:
        return os.open(path, _FLAGS, 0o600)
    except FileNotFoundError:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, _FLAGS, 0o600)


def _lock(file: int, patience: float) -> None:
    """Lock a file, until `_close` or the end of the process.

    Raises:
        BlockingIOError: Somebody else has it.
    """
    end = clock.now() + patience
    while True:
        try:
            return _try_lock(file)
        except BlockingIOError:
            if clock.now() >= end:
                raise
            time.sleep(0.0005)


def _close(file: int) -> None:
    """Let go of the lock, then close: a child that was forked meanwhile has the file open as well."""
    with suppress(OSError):
        _unlock(file)
    os.close(file)


try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _try_lock(file: int) -> None:
        os.lseek(file, _MOST, os.SEEK_SET)  # a byte that nobody reads: there a lock keeps readers out
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None
        os.lseek(file, 0, os.SEEK_SET)

    def _unlock(file: int) -> None:
        """Closing it will do: no process is forked there."""
else:

    def _try_lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


def _read(kept: bytes) -> Book | None:
    """The book in a file; None where it is none, or torn."""
    with suppress(struct.error, ValueError):
        checksum, name, count, closed_until, slowness, slowed_at, starts = _HEAD.unpack_from(kept)
        end = _HEAD.size + 8 * starts
        if len(kept) >= end and zlib.crc32(kept[4:end]) == checksum:
            book = Book(name)
            book.count, book.closed_until, book.slowness, book.slowed_at = count, closed_until, slowness, slowed_at
            book.starts.frombytes(kept[_HEAD.size : end])
            return book
    return None


def _written(book: Book) -> bytes:
    fields = book.name, book.count, book.closed_until, book.slowness, book.slowed_at, len(book.starts)
    text = _HEAD.pack(0, *fields)[4:] + book.starts.tobytes()
    return zlib.crc32(text).to_bytes(4, sys.byteorder) + text


@functools.cache
def _machine() -> bytes:
    """What tells this machine, since it was started, from others that have the same folder, and from itself before."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_bytes()
    return platform.node().encode()


def _remove_old(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _OLD:
                path.unlink()
