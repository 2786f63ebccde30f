"""What is missing for want of an extra is named with a command that brings it, wherever the client came from."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from payt.extras import missing

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def packages(error: ImportError | str) -> set[Requirement]:
    return {Requirement(text) for text in re.findall('"([^"]+)"', str(error).partition(": pip install ")[2])}


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_command_brings_what_the_extra_consists_of(extra: str) -> None:
    error = missing("This", "that", extra)
    assert str(error).startswith(f'This needs that, which comes with the extra "{extra}": pip install "')
    assert packages(error) == {Requirement(text) for text in EXTRAS[extra]}
    assert error.name == "that"


def test_where_it_was_never_installed_the_package_itself_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    assert packages(missing("http2=True", "h2", "http2")) == {Requirement("h2")}


def test_the_command_is_right_in_an_installation_from_git(tmp_path: Path) -> None:
    history = tmp_path / "history"
    for name in ("wrapper", "generated"):
        shutil.copytree(ROOT / name, history / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, history)
    git: list[str | Path] = [
        "git",
        "-C",
        history,
        "-c",
        "user.name=Somebody",
        "-c",
        "user.email=somebody@company.example",
    ]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=All"]):
        subprocess.run([*git, *arguments], check=True, timeout=60)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    site = tmp_path / "site"
    subprocess.run([*pip, "--target", site, f"git+file://{history}#egg=payt-client"], check=True, timeout=300)
    program = "import sys, payt; print(payt.__file__); sys.modules['werkzeug'] = None; import payt.testing"
    run = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert Path(run.stdout.strip()).is_relative_to(site)
    assert packages(run.stderr.splitlines()[-1]) == {Requirement(text) for text in EXTRAS["testing"]}


def test_nothing_is_promised_of_an_index() -> None:
    """What we tell people to run works as long as no index has the package, and names extras that there are."""
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("wrapper/**/*.py"), *ROOT.glob("examples/**/*.py")]
    lines = [line for path in files for line in path.read_text("utf-8").splitlines() if "pip install" in line]
    ours = [line for line in lines if re.search(r"pip install \"?(payt-client|\.)", line)]
    assert len(ours) > 5
    assert [line for line in ours if "payt-client" in line and " @ " not in line] == []
    named = {
        extra for line in ours for found in re.findall(r"(?:\.|client)\[([\w,]+)\]", line) for extra in found.split(",")
    }
    assert named
    assert named <= set(EXTRAS)
