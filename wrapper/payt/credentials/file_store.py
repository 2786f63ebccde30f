"""Tokens in files: a private folder, one file for each login, safe against being killed at any moment.

A token is written over what is there, and flushed to the disk: first into a journal beside the file, `.KEY.json.new`,
then into the file; then the journal is blanked. So one of the two is whole at any moment. A journal that holds a token
counts, unless the file holds another one than the journal is to replace: somebody has put that there since. Both are
padded: what is written over takes no room that is not there already. Once a token was saved, a full disk, a folder that
cannot be written, a file that is mounted by itself or a link do not matter.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

import attrs
import msgspec

from payt_api.types import decoder_of

from ..errors import TokenError
from ..transport.locks import locked_file
from .stores import Token, say_once

_CHECK: Final = b',"check":"'
"""Before a digest of all that comes before it. It is a field of the token, which earlier versions pass over."""
_ROOM: Final = 2**14
"""Bytes of a file: more than any token has."""
_POSIX: Final = os.name == "posix"  # elsewhere the user's folders are private by themselves
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_WRITE: Final = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)
_OURS: Final = (".json", ".lock", ".new")


def _folder(path: str | os.PathLike[str] | None) -> Path:
    """A folder as it was named, else the user's own, where the operating system wants such things."""
    if path is not None:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"path must be a string or a path, got {type(path).__name__}")
        if not os.fspath(path):  # which would be the working folder
            raise ValueError("path must not be empty: name a folder, or leave it out for the user's own")
        return Path(path).expanduser().absolute()
    import platformdirs  # noqa: PLC0415  only who keeps tokens in files needs it

    folder = Path()
    with suppress(RuntimeError):  # of its newer versions; older ones give a relative path
        folder = platformdirs.user_data_path("payt", appauthor=False) / "tokens"
    if not folder.is_absolute():
        raise TokenError(
            "there is no home folder for tokens: set HOME, or XDG_DATA_HOME to a full path, or give a folder "
            "(payt.FileTokenStore(folder))"
        )
    return folder


@attrs.frozen
class FileTokenStore:
    """Keeps tokens in files that only their owner can read. Safe for threads and processes of one machine.

    Args:
        path: The folder, which should hold nothing else; it is made when it is needed. None takes the user's own
            (on Linux `~/.local/share/payt/tokens`).

    Raises:
        TypeError: `path` is not a path.
        ValueError: It is empty.
        TokenError: The user has no folder; and by its methods: a file or the folder cannot be used; the message says
            which and why.
    """

    path: Path = attrs.field(default=None, converter=_folder)

    def load(self, key: str) -> Token | None:
        """As `TokenStore.load`."""
        return self._found(key)[0]

    def save(self, key: str, token: Token) -> None:
        """As `TokenStore.save`: written into the journal, then into the file, each flushed to the disk."""
        held, is_in_journal = self._found(key)  # nothing foreign is overwritten
        self._prepare()
        file, journal = self._files(key)
        try:
            if held is not None and is_in_journal:  # whoever wrote it was killed: it must not be torn while it is alone
                _write(file, _text_of(held))
            _write(journal, _text_of(token, replaces=_digest_of(held)))
            _write(file, _text_of(token))
            _flush_folder(self.path)
            _write(journal, b" " * _ROOM)
        except OSError as error:
            raise TokenError(f"{error.filename or file} cannot be written: {error.strerror}") from None

    def _found(self, key: str) -> tuple[Token | None, bool]:
        """What counts, and whether the journal alone holds it."""
        file, journal = self._files(key)
        for _ in range(3):  # the file is torn for as long as it is written, and then the journal is not
            new, text = _kept_in(_read(journal)), _read(file)
            old = _kept_in(text)
            if new is not None and (old is None or new.replaces in ("", _digest_of(old.token))):
                return new.token, True
            if old is not None or text is None:
                return None if old is None else old.token, False
        raise TokenError(
            f"{file} is damaged, or was not written by this version of payt. It was left alone: move it away, "
            "and log in again (payt login)"
        )

    def delete(self, key: str) -> None:
        """As `TokenStore.delete`; a torn or foreign file under this name goes as well."""
        file, journal = self._files(key)
        try:
            for path in (journal, file):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise TokenError(f"{file} cannot be deleted: {error.strerror}") from None

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """As `TokenStore.lock`, by a file of its own, which the operating system unlocks when a process dies.

        Raises:
            TokenError: On entering: the folder cannot be used, or somebody has held the lock for minutes.
        """
        self._prepare()
        with locked_file(self.path / f"{key}.lock"):
            yield

    def _files(self, key: str) -> tuple[Path, Path]:
        return self.path / f"{key}.json", self.path / f".{key}.json.new"

    def _prepare(self) -> None:
        """Make the folder, or see that what is there is private."""
        try:
            self.path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            found = self.path.stat()
            if not _POSIX or not stat.S_IMODE(found.st_mode) & 0o077:
                return
            if found.st_uid != os.geteuid():  # a volume that was mounted, say
                say_once(f"{self.path} belongs to another user")
                return
            foreign = [one.name for one in self.path.iterdir() if one.suffix not in _OURS and one.name != "lost+found"]
            if foreign:  # a home, or another's folder: not ours to change
                raise TokenError(
                    f"the folder {self.path} is open to other users and holds more than tokens: give FileTokenStore a "
                    f"folder of its own, or close it with: chmod 700 {self.path}"
                )
            self.path.chmod(_PRIVATE_FOLDER)
        except OSError as error:
            raise TokenError(
                f"the folder {self.path} cannot be used for tokens: {error.strerror}; choose another, XDG_DATA_HOME "
                "(in Python: payt.FileTokenStore)"
            ) from None


class _Kept(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What a file holds."""

    format: Literal["payt-token-1"]  # what tells our files from others; a later layout gets another number
    replaces: str = ""  # in a journal: the digest of the token that the file held
    token: Token


_decode = decoder_of(_Kept).decode


def _read(file: Path) -> bytes | None:
    """What a file holds; None if there is none."""
    try:
        # a named pipe would be waited for, for ever
        with open(file, "rb", opener=lambda path, flags: os.open(path, flags | _AT_ONCE)) as stream:
            found = os.fstat(stream.fileno())
            if _POSIX and found.st_uid != os.geteuid():
                say_once(f"{file} belongs to another user")
            elif _POSIX and stat.S_IMODE(found.st_mode) & 0o077:
                say_once(f"{file} can be read by other users: close it with chmod 600")
            if stat.S_ISREG(found.st_mode):
                return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TokenError(f"{file} cannot be read: {error.strerror}") from None
    raise TokenError(f"{file} cannot be read: it is not a regular file")


def _text_of(token: Token, replaces: str = "") -> bytes:
    text = msgspec.json.encode(_Kept(format="payt-token-1", replaces=replaces, token=token)).removesuffix(b"}}")
    return b"".join([text, _CHECK, hashlib.sha256(text).hexdigest().encode(), b'"}}']).ljust(_ROOM)


def _digest_of(token: Token | None) -> str:
    return hashlib.sha256(msgspec.json.encode(token)).hexdigest()


def _kept_in(text: bytes | None) -> _Kept | None:
    """None where it holds none: what is wrong may be said with parts of it, and so is not."""
    if text is None:
        return None
    written, has_check, check = text.rstrip().rpartition(_CHECK)
    if has_check and check != hashlib.sha256(written).hexdigest().encode() + b'"}}':
        return None  # half of one token and half of another, say, as it is being written
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _write(file: Path, text: bytes) -> None:
    """Write over what is there, whose room stays taken, and have it on the disk."""
    handle = os.open(file, _WRITE, _PRIVATE_FILE)
    with open(handle, "wb") as stream:  # noqa: PTH123  Path.open takes no descriptor
        if _POSIX:
            with suppress(OSError):  # of another user's file, which is said
                os.fchmod(handle, _PRIVATE_FILE)
        stream.write(text)
        stream.truncate()
        stream.flush()
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that cannot
                raise


def _flush_folder(path: Path) -> None:
    """So that files that are new are there after a power cut. The token is saved, whatever comes of this."""
    if _POSIX:
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
