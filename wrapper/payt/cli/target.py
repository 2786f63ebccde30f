"""Where an export goes: a stream, or a file that is whole or not there.

A file grows as `.NAME.part` beside the target and takes its name when it is complete. Beside that, `.NAME.part.json`
says up to which byte the part holds whole pages, and from where the listing goes on. Both are on the disk before the
next page is asked for, so that whatever ends the process, `--resume` loses a page at most, and writes the same bytes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from .screen import output, output_into
from .selection import Position
from .writers import BinaryFile

_RENAMES_OPEN_FILES: Final = os.name != "nt"


class Stream:
    """Standard output, or a file that is none: a device, a named pipe. It is written straight into.

    Args:
        path: Where it is; None for standard output.
        descriptor: As which it is open already, where the path stands for that.

    Attributes:
        name: What a person knows it by.
        file: What to write into, once it is open.
        kept: Where what was written so far can be found after an interruption.
    """

    file: BinaryFile
    kept: Path | None = None

    def __init__(self, path: Path | None, descriptor: int | None = None) -> None:
        self.name = "standard output" if path is None else str(path)
        self._path, self._descriptor = path, descriptor

    def open(self, arguments: Mapping[str, Any], *, resume: bool) -> Position | None:  # noqa: ARG002 - nothing is kept
        """Begin anew, or resume what an earlier run was interrupted in; None if there is nothing to resume.

        Args:
            arguments: What decides about the bytes, by the name that a person knows it by. What is kept of an export
                with other arguments is not resumed.
            resume: Whether to look for it.

        Raises:
            OSError: It cannot be written, or another export writes it.
            ValueError: Nothing can be resumed here, or it was started with other arguments.
        """
        if resume:
            raise ValueError("--resume needs a file to resume: name it with -o")
        if self._path is None:
            self.file = output()
        elif self._descriptor is None:
            self.file = output_into(self._path.open("wb"))
        else:
            self.file = output_into(os.fdopen(os.dup(self._descriptor), "wb"))
        return None

    def keep(self, position: Position) -> None:  # noqa: ARG002 - nothing is kept
        """What was written so far shall survive; whoever reads need not wait for the next page."""
        self.file.flush()

    def complete(self) -> None:
        """Nothing more is written."""
        self.file.flush()
        self.close()

    def close(self) -> None:
        """Let go of the file; standard output stays open."""
        if self._path is not None:
            with suppress(OSError):  # what is left unwritten, as on a full disk, was reported
                self.file.close()


@attrs.frozen
class _State:
    """What the file beside a part says."""

    arguments: dict[str, str]
    offset: int
    position: Position


class PartFile(Stream):
    """A file that grows beside its target; of a symbolic link, beside what it points at."""

    def __init__(self, target: Path) -> None:
        super().__init__(target)
        self._target = Path(os.path.realpath(target))
        self._part = self._target.with_name(f".{self._target.name}.part")
        self._state = self._target.with_name(f".{self._target.name}.part.json")

    def open(self, arguments: Mapping[str, Any], *, resume: bool) -> Position | None:
        """Begin with an empty part, or cut the kept one back to its last whole page."""
        # what is kept names no ids
        self._arguments = {
            name: hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:32] for name, value in arguments.items()
        }
        state = None
        if resume:
            with suppress(FileNotFoundError, msgspec.DecodeError):
                state = msgspec.json.decode(self._state.read_bytes(), type=_State)
        if state and (others := [name for name, of in self._arguments.items() if state.arguments.get(name) != of]):
            raise ValueError(
                f"the kept part of {self.name} was started with another {' and another '.join(others)}: "
                "pass the same, or leave out --resume to start over"
            )
        self.file = self._locked()
        if state and os.fstat(self.file.fileno()).st_size >= state.offset:
            self.file.truncate(state.offset)
            self.file.seek(state.offset)
            self.kept = self._part if state.position.pages else None
            return state.position
        self.file.truncate()
        self._state.unlink(missing_ok=True)
        return None

    def keep(self, position: Position) -> None:
        """Bring the part to the disk, then the note of how far it goes."""
        self._to_disk()
        state = _State(self._arguments, self.file.tell(), position)
        new = self._state.with_suffix(".json.new")
        new.unlink(missing_ok=True)  # whatever it is
        with new.open("xb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._state)
        self.kept = self._part if position.pages else None

    def complete(self) -> None:
        """Give the part the name of its target, at once and whole."""
        self._to_disk()
        if self._target.exists():
            shutil.copymode(self._target, self._part)
        if not _RENAMES_OPEN_FILES:
            self.file.close()
        try:
            self._part.replace(self._target)
        except OSError as error:
            if error.errno != errno.EBUSY:
                error.filename = self.name  # what the user knows it by
                raise
            self.kept = self._part
            advice = (
                "it is a mount point, such as a single file in a container, and cannot be replaced: the complete "
                f"export is in {self._part}; mount the folder instead, or write with -o - > {self.name}"
            )
            raise OSError(errno.EBUSY, advice, self.name) from None
        self._state.unlink(missing_ok=True)
        self.kept = self._target
        self.file.close()

    def close(self) -> None:
        """Close the part, and remove it where it is good for nothing."""
        super().close()
        if self.kept is None:
            for path in (self._part, self._state):
                path.unlink(missing_ok=True)

    def _to_disk(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())

    def _locked(self) -> BinaryFile:
        """The part, open, while no other process has it."""
        # links are not followed: in a shared folder anybody could plant one
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        planted = OSError(0, f"{self._part} is in the way (a link, or not a regular file): remove it", self.name)
        number = None
        try:
            number = os.open(self._part, flags, 0o666)
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise planted
            _lock(number)
            if not os.path.samestat(found, self._part.stat()):
                raise FileNotFoundError
        except OSError as error:
            if number is not None:
                os.close(number)
                if isinstance(error, (BlockingIOError, FileNotFoundError)):  # another has it, or has just completed it
                    raise BlockingIOError(0, "another export is writing it", self.name) from None
            if error is planted or error.errno in (errno.ELOOP, errno.EISDIR):
                raise planted from None
            error.filename = self.name  # what the user knows it by
            raise
        return os.fdopen(number, "r+b")


def target_of(path: Path | None) -> Stream:
    """What `-o` means; None stands for standard output.

    Raises:
        IsADirectoryError: It is a folder.
    """
    if path is not None and path.is_dir():
        raise IsADirectoryError(0, "is a folder: name a file in it", str(path))
    with suppress(OSError):  # it is new, or nothing is open
        if path is not None and os.path.samestat(path.stat(), os.fstat(1)):
            path = None  # /dev/stdout: where that leads to a file, others may have written into it
    if path is not None and path.exists() and (descriptor := _descriptor_of(path)) is not None:
        return Stream(path, descriptor)
    return Stream(path) if path is None or (path.exists() and not path.is_file()) else PartFile(path)


def _descriptor_of(path: Path) -> int | None:
    """The number of the open file that a path such as /dev/fd/3 or /dev/stderr stands for; None if it does not."""
    open_files = rf"(?:/dev|/proc/{os.getpid()})/fd/(\d+)"  # into which others may have written
    while (found := re.fullmatch(open_files, str(path.parent.resolve() / path.name))) is None:
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return int(found[1])


def _lock(file: int) -> None:
    """Keep other exports out, where the system and the file system can (some networks' cannot).

    Raises:
        BlockingIOError: Another process has it.
    """
    with suppress(ImportError):
        import fcntl  # noqa: PLC0415 - Windows has none

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
                raise
