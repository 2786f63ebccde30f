"""scripts/release builds what was agreed upon, the same to the byte, and refuses all else."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def release() -> ModuleType:
    path = ROOT / "scripts/release.py"
    spec = importlib.util.spec_from_file_location("release", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Checkout:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("wrapper/payt/_version.py", '__version__ = "1.2.0"\n')
        self.write(
            "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-11-23\n\n- Better.\n\n## [1.1.0]\n"
        )
        self.git("init", "--quiet")
        self.commit()

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, "utf-8")

    def git(self, *arguments: str) -> None:
        identity = [
            "-c",
            "user.name=Somebody",
            "-c",
            "user.email=somebody@company.example",
            "-c",
            "commit.gpgsign=false",
        ]
        subprocess.run(["git", *identity, "-C", self.root, *arguments], check=True, capture_output=True)

    def commit(self, tag: str | None = "v1.2.0") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A state")
        if tag:
            self.git("tag", "--force", tag)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_what_agrees_is_released(release: ModuleType, checkout: Checkout) -> None:
    assert release.disagreements(checkout.root) == []


def test_a_commit_after_the_tag_is_no_release(release: ModuleType, checkout: Checkout) -> None:
    checkout.commit(tag=None)
    assert release.disagreements(checkout.root) == [
        "the commit has no tag v1.2.0, the version in wrapper/payt/_version.py (it has none)"
    ]


def test_a_tag_of_another_version_is_named(release: ModuleType, checkout: Checkout) -> None:
    checkout.commit(tag="v1.3.0")
    assert "(it has v1.3.0)" in release.disagreements(checkout.root)[0]


def test_changes_that_are_in_no_commit_are_no_release(release: ModuleType, checkout: Checkout) -> None:
    checkout.write("new.py", "")
    assert release.disagreements(checkout.root) == ["the working copy holds changes that are in no commit"]


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        ("## [1.1.0] - 2026-11-01\n\n- Old.\n", "CHANGELOG.md has no section [1.2.0]: make it from [Unreleased]"),
        ("## [1.2.0]\n\n- Better.\n", "the section [1.2.0] has no date"),
        ("## [1.2.0] - 2026-11-23\n\n## [1.1.0] - 2026-11-01\n\n- Old.\n", "the section [1.2.0] says nothing"),
        (
            "## [Unreleased]\n\n- More.\n\n## [1.2.0] - 2026-11-23\n\n- Better.\n",
            "[Unreleased] holds what belongs to [1.2.0]",
        ),
    ],
    ids=["no section", "no date", "nothing said", "left in Unreleased"],
)
def test_a_changelog_that_does_not_say_so_is_no_release(
    changelog: str, problem: str, release: ModuleType, checkout: Checkout
) -> None:
    checkout.write("CHANGELOG.md", f"# Changelog\n\n{changelog}")
    checkout.commit()
    (found,) = release.disagreements(checkout.root)
    assert problem in found


@pytest.mark.soak
def test_two_builds_of_a_commit_are_the_same_to_the_byte(release: ModuleType, tmp_path: Path) -> None:
    first, second = (release.build(ROOT, tmp_path / name) for name in ("first", "second"))
    assert [path.suffix for path in first] == [".whl", ".gz"]
    assert release.digests(first) == release.digests(second)
