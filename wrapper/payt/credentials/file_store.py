"""Tokens in files: a private folder, one file for each login, safe against being killed at any moment.

A token is written into a file beside, `.KEY.json.new`, flushed to the disk, and put in place in one step. Who takes the
lock makes that file, and fills it, so that there is room. A whole token in it that is newer than the one in place is
what somebody could not put there any more: it counts.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs
import msgspec

from ..errors import TokenError
from .searches import say_once
from .token import Token

FORMAT: Final = "payt-token-1"
"""What tells our files from others; a later layout gets another number."""
LONGEST_LOCK: Final = 150.0
"""Seconds after which nobody waits for a lock any longer: longer than any request for a token takes."""
_ROOM: Final = b" " * 2**16
_POSIX: Final = os.name == "posix"  # elsewhere the user's folders are private by themselves
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_WRITE: Final = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_OURS: Final = (".json", ".lock", ".new")


def default_folder() -> Path:
    """The user's folder for tokens, where the operating system wants such things.

    Raises:
        TokenError: The user has no home.
    """
    import platformdirs  # noqa: PLC0415  only who keeps tokens in files needs it

    folder = Path()
    with suppress(RuntimeError):  # of its newer versions; older ones give a relative path
        folder = platformdirs.user_data_path("payt", appauthor=False) / "tokens"
    if not folder.is_absolute():
        raise TokenError(
            "there is no home to keep tokens in: set HOME, or XDG_DATA_HOME to a full path, or give a folder "
            "(payt.FileTokenStore(folder))"
        )
    return folder


def _folder(path: str | os.PathLike[str] | None) -> Path:
    return default_folder() if path is None else Path(path).expanduser().absolute()


@attrs.frozen
class FileTokenStore:
    """Keeps tokens in files that only their owner can read. Safe for threads and processes of one machine.

    Args:
        path: The folder, which should hold nothing else; it is made when it is needed. None takes the user's own
            (on Linux `~/.local/share/payt/tokens`).

    Raises:
        TokenError: The user has no folder; and by its methods: a file or the folder cannot be used; the message says
            which and why.
    """

    path: Path = attrs.field(default=None, converter=_folder)

    def load(self, key: str) -> Token | None:
        """As `TokenStore.load`."""
        file = self._file(key)
        for _ in range(3):  # the file may be torn for as long as the one beside it is put in place
            new, text = _token_in(_read(_beside(file))), _read(file)
            token = _token_in(text)
            if new is not None and (token is None or new.obtained_at >= token.obtained_at):
                return new
            if token is not None or text is None:
                return token
        raise TokenError(
            f"{file} is torn, or nothing that this version of payt wrote. It was left as it is: move it away, "
            "and log in again (payt login)"
        )

    def save(self, key: str, token: Token) -> None:
        """As `TokenStore.save`: written beside, flushed to the disk, and put in place in one step."""
        is_same = self.load(key) == token  # nothing foreign is overwritten
        file = self._file(key)
        new = _beside(file)
        try:
            self._prepare()
            has_room = new.exists()
            with ExitStack() as stack:
                if not has_room:  # nobody holds the lock, and so nothing was spent
                    stack.callback(new.unlink, missing_ok=True)
                _write(new, msgspec.json.encode(_Kept(FORMAT, token)), os.O_CREAT)
                _put_in_place(new, file)
            if is_same and has_room:  # to see whether it can be saved: another one will follow
                _write(new, _ROOM, os.O_CREAT | os.O_EXCL)
        except OSError as error:
            raise TokenError(f"{file} cannot be written: {error.strerror}") from None

    def delete(self, key: str) -> None:
        """As `TokenStore.delete`; a torn or foreign file under this name goes as well."""
        file = self.path / f"{key}.json"
        try:
            _beside(self._file(key)).unlink(missing_ok=True)
            file.unlink(missing_ok=True)
        except OSError as error:
            raise TokenError(f"{file} cannot be deleted: {error.strerror}") from None

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """As `TokenStore.lock`, by a file of its own, which the operating system unlocks when a process dies.

        Raises:
            TokenError: On entering: the folder cannot be used, or somebody has held the lock for minutes.
        """
        import filelock  # noqa: PLC0415  only who keeps tokens in files needs it

        self._prepare()
        file = self.path / f"{key}.lock"
        lock = filelock.FileLock(file, timeout=LONGEST_LOCK, mode=_PRIVATE_FILE)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise TokenError(
                f"another process has held {file} for {LONGEST_LOCK:g} s: is one stuck that renews tokens?"
            ) from None
        except OSError as error:
            raise TokenError(f"{file} cannot be locked: {error.strerror}") from None
        try:
            new = self._make_room(key)
            try:
                yield
            finally:
                with suppress(OSError, TokenError):
                    if _token_in(_read(new)) is None:
                        new.unlink()
        finally:
            lock.release()

    def _make_room(self, key: str) -> Path:
        """Put in place what another process could not, and make the file for the next token."""
        file = self._file(key)
        new = _beside(file)
        try:
            left = _token_in(_read(new))
            if left is not None and left == self.load(key):
                _put_in_place(new, file)
            with suppress(FileNotFoundError):
                new.unlink()
            with ExitStack() as stack:
                stack.callback(new.unlink, missing_ok=True)
                _write(new, _ROOM, os.O_CREAT | os.O_EXCL)
                stack.pop_all()
        except OSError as error:
            raise TokenError(f"{new} cannot be written: {error.strerror}. No refresh token was spent") from None
        return new

    def _file(self, key: str) -> Path:
        file = self.path / f"{key}.json"
        return Path(os.path.realpath(file)) if file.is_symlink() else file

    def _prepare(self) -> None:
        """Make the folder, or see that what is there is private."""
        try:
            self.path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            found = self.path.stat()
            if not _POSIX or not stat.S_IMODE(found.st_mode) & 0o077:
                return
            if found.st_uid != os.geteuid():  # a volume that was mounted, say
                say_once(text := f"{self.path} belongs to another user", text)
                return
            foreign = [one.name for one in self.path.iterdir() if one.suffix not in _OURS and one.name != "lost+found"]
            if foreign:  # a home, or another's folder: not ours to change
                raise TokenError(
                    f"the folder {self.path} is open to other users and holds more than tokens: give FileTokenStore a "
                    f"folder of its own, or close it with: chmod 700 {self.path}"
                )
            self.path.chmod(_PRIVATE_FOLDER)
        except OSError as error:
            raise TokenError(f"the folder {self.path} cannot be used for tokens: {error.strerror}") from None


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """What a file holds."""

    format: str
    token: Token

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError("another format")


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.new")  # one name, as all who save hold the lock


def _read(file: Path) -> bytes | None:
    """What a file holds; None where there is none."""
    try:
        with file.open("rb") as stream:
            if _POSIX:
                found = os.fstat(stream.fileno())
                if found.st_uid != os.geteuid():
                    say_once(text := f"{file} belongs to another user", text)
                elif stat.S_IMODE(found.st_mode) & 0o077:
                    say_once(text := f"{file} can be read by other users: close it with chmod 600", text)
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        if isinstance(error, IsADirectoryError) and file.suffix == ".new":
            return None  # who locks says so
        raise TokenError(f"{file} cannot be read: {error.strerror}") from None


def _token_in(text: bytes | None) -> Token | None:
    """None where it holds none: what is wrong may be said with parts of it, and so is not."""
    try:
        return None if text is None else msgspec.json.decode(text, type=_Kept).token
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _write(file: Path, text: bytes, flags: int) -> None:
    """Write over what is there, into the room that it takes up, and have it on the disk."""
    handle = os.open(file, _WRITE | flags, _PRIVATE_FILE)
    with open(handle, "wb") as stream:  # noqa: PTH123  Path.open takes no descriptor
        stream.write(text)
        stream.truncate()
        stream.flush()
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that cannot
                raise


def _put_in_place(new: Path, file: Path) -> None:
    try:
        new.replace(file)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        _write(file, new.read_bytes(), 0)  # it is mounted; the other one counts until this is done
        new.unlink()
    if _POSIX:
        handle = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with suppress(OSError):  # not every file system can, and the token is saved
                os.fsync(handle)
        finally:
            os.close(handle)
