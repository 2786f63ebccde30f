"""What the present state is compared with: a revision of this repository, where git has one."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from pathlib import Path

import attrs

VERSION_FILE = "wrapper/payt/_version.py"


class NoSuchRevisionError(Exception):
    """The revision that was asked for is not in this repository."""


@attrs.frozen
class Baseline:
    """A revision.

    Attributes:
        root: The folder of the repository.
        revision: Its name.
        judged: Whether breaking changes since then must be announced: they must since a release, and since a
            revision that was asked for.
    """

    root: Path
    revision: str
    judged: bool

    def text(self, path: str) -> str | None:
        """A file as it was then; None where there was none."""
        shown = _git(self.root, "show", f"{self.revision}:./{path}")
        return None if shown is None else shown.decode("utf-8")

    def extract(self, folder: Path, *paths: str) -> None:
        """Put what these paths held then below `folder`; what did not exist is left out."""
        for path in paths:
            archive = _git(self.root, "archive", "--format=zip", self.revision, path)
            if archive is not None:
                with zipfile.ZipFile(io.BytesIO(archive)) as files:
                    files.extractall(folder)

    @property
    def version(self) -> str:
        """The version of the distribution then."""
        return version_in(self.text(VERSION_FILE) or "")


def find(root: Path, against: str | None) -> tuple[Baseline | None, str]:
    """What to compare with, and how to call it; None, and why, where there is nothing.

    Args:
        root: The folder of the repository.
        against: A revision that was asked for; None takes the last release, else the last commit.

    Raises:
        NoSuchRevisionError: The revision does not exist.
    """
    if against is not None:
        if _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{against}^{{commit}}") is None:
            raise NoSuchRevisionError(
                f"there is no revision {against!r} here: see `git tag` and `git log`; "
                "in a shallow clone, `git fetch --tags --unshallow` brings what is missing"
            )
        return Baseline(root, against, judged=True), against
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top.decode().strip()).resolve() != root.resolve():
        return None, "there is no git history here, so nothing to compare with"
    tag = _git(root, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    if tag is not None:
        name = tag.decode().strip()
        return Baseline(root, name, judged=True), f"the last release, {name}"
    if _git(root, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        return None, "there is no commit yet, so nothing to compare with"
    return Baseline(root, "HEAD", judged=False), "the last commit (no release is tagged in this clone)"


def version_in(text: str) -> str:
    """The version that a version file states; 0.0.0 where it states none."""
    found = re.search(r'__version__ = "([^"]+)"', text)
    return found[1] if found else "0.0.0"


def announced(old: str, new: str, changelog: str) -> list[str]:
    """What is missing for a breaking change to be announced: the version must rise, and the changelog must say so."""
    missing = []
    (major, minor), (new_major, new_minor) = _parts(old), _parts(new)
    if new_major <= major and not (major == new_major == 0 and new_minor > minor):
        wanted = f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
        missing.append(f"the version is {new}, after {old}: raise it to {wanted} in {VERSION_FILE}")
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    current = [section for section in sections if section.startswith((f"[{new}]", "[Unreleased]"))]
    if not any("**Breaking" in section for section in current):
        missing.append(
            f"CHANGELOG.md does not say so: add a line beginning with **Breaking** under [Unreleased] or [{new}]"
        )
    return missing


def _parts(version: str) -> tuple[int, int]:
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    return (numbers[0], numbers[1]) if len(numbers) > 1 else (0, 0)


def _git(root: Path, *arguments: str) -> bytes | None:
    """What git says; None where it fails, or is not there."""
    try:
        run = subprocess.run(["git", "-C", root, *arguments], capture_output=True, check=False)  # noqa: S607 - the user's git
    except OSError:
        return None
    return run.stdout if run.returncode == 0 else None
