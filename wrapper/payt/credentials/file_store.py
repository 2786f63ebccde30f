"""Tokens in files: a private folder, one file for each connection, safe against being killed at any moment."""

from __future__ import annotations

import os
import stat
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from ..errors import TokenError
from .token import Token

FORMAT: Final = "payt-token-1"
"""What tells our files from others; a later layout gets another number."""
LONGEST_LOCK: Final = 150.0
"""Seconds after which nobody waits for a lock any longer: longer than any request for a token takes."""
_POSIX: Final = os.name == "posix"  # elsewhere the user's folders are private by themselves
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600


def default_folder() -> Path:
    """The user's folder for tokens, where the operating system wants such things."""
    import platformdirs  # noqa: PLC0415  only who keeps tokens in files needs it

    return platformdirs.user_data_path("payt", appauthor=False) / "tokens"


def _folder(path: str | os.PathLike[str] | None) -> Path:
    return default_folder() if path is None else Path(path).expanduser().absolute()


@attrs.frozen
class FileTokenStore:
    """Keeps tokens in files that only their owner can read. Safe for threads and processes of one machine.

    Args:
        path: The folder, which should hold nothing else; it is made when it is needed. None takes the user's own
            (on Linux `~/.local/share/payt/tokens`).

    Raises:
        TokenError: By its methods: a file or the folder cannot be used; the message says which and why.
    """

    path: Path = attrs.field(default=None, converter=_folder)

    def load(self, key: str) -> Token | None:
        """As `TokenStore.load`."""
        file = self._file(key)
        try:
            kept = _decoded(file.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TokenError(f"{file} cannot be read: {error.strerror}") from None
        if kept is None:
            raise TokenError(
                f"{file} is torn, or nothing that this version of payt wrote. It was left as it is: move it away, "
                "and log in again (payt login)"
            )
        return kept.token

    def save(self, key: str, token: Token) -> None:
        """As `TokenStore.save`: written beside, flushed to the disk, and put in place in one step."""
        self.load(key)  # nothing foreign is overwritten
        file = self._file(key)
        new = file.with_name(f".{file.name}.new")  # one name, as all who save hold the lock
        text = msgspec.json.encode(_Kept(FORMAT, token))
        try:
            self._prepare()
            with suppress(FileNotFoundError):
                new.unlink()  # of a process that was killed
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
            with open(handle, "wb") as stream:  # noqa: PTH123  Path.open takes no descriptor
                stream.write(text)
                stream.flush()
                os.fsync(handle)
            new.replace(file)
            _flush_folder(self.path)
        except OSError as error:
            raise TokenError(f"{file} cannot be written: {error.strerror}") from None

    def delete(self, key: str) -> None:
        """As `TokenStore.delete`; a torn or foreign file under this name goes as well."""
        file = self._file(key)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise TokenError(f"{file} cannot be deleted: {error.strerror}") from None

    def lock(self, key: str) -> AbstractContextManager[object]:
        """As `TokenStore.lock`, by a file of its own, which the operating system unlocks when a process dies.

        Raises:
            TokenError: On entering: the folder cannot be used, or somebody has held the lock for minutes.
        """
        return _Lock(self, self.path / f"{key}.lock")

    def _file(self, key: str) -> Path:
        return self.path / f"{key}.json"

    def _prepare(self) -> None:
        """Make the folder, or see that what is there is private."""
        try:
            self.path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            if _POSIX and stat.S_IMODE(self.path.stat().st_mode) & 0o077:
                self._close_to_others()
        except OSError as error:
            raise TokenError(f"the folder {self.path} cannot be used for tokens: {error.strerror}") from None

    def _close_to_others(self) -> None:
        foreign = [entry.name for entry in self.path.iterdir() if entry.suffix not in (".json", ".lock", ".new")]
        if foreign:  # a home, or another's folder: not ours to change
            raise TokenError(
                f"the folder {self.path} is open to other users and holds more than tokens: give FileTokenStore a "
                f"folder of its own, or close it with: chmod 700 {self.path}"
            )
        self.path.chmod(_PRIVATE_FOLDER)


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """What a file holds."""

    format: str
    token: Token

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError("another format")


def _decoded(text: bytes) -> _Kept | None:
    """None where it cannot be: what is wrong may be said with parts of it, and so is not."""
    try:
        return msgspec.json.decode(text, type=_Kept)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Lock:
    """A lock file, made ready when it is entered."""

    def __init__(self, store: FileTokenStore, file: Path) -> None:
        self._store = store
        self._file = file
        self._lock: Any = None

    def __enter__(self) -> None:
        import filelock  # noqa: PLC0415  only who keeps tokens in files needs it

        self._store._prepare()  # noqa: SLF001  its own
        lock = filelock.FileLock(self._file, timeout=LONGEST_LOCK, mode=_PRIVATE_FILE)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise TokenError(
                f"another process has held {self._file} for {LONGEST_LOCK:g} s: is one stuck that renews tokens?"
            ) from None
        except OSError as error:
            raise TokenError(f"{self._file} cannot be locked: {error.strerror}") from None
        self._lock = lock

    def __exit__(self, *_error: object) -> None:
        self._lock.release()


def _flush_folder(folder: Path) -> None:
    """Have the disk know the new name as well, where folders can be flushed."""
    if not _POSIX:
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
