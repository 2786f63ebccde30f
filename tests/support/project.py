"""A copy of this project to change and generate from."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from .generation import ROOT

Change = Callable[[dict[str, Any]], object]


class Project:
    """A copy of this project, with a history of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("codegen", "wrapper", "generated"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("openapi.yaml", "CHANGELOG.md"):
            shutil.copy(ROOT / name, root / name)
        self.edit("wrapper/payt/_version.py", lambda _: '__version__ = "0.1.0"\n')
        self.edit("CHANGELOG.md", lambda _: "# Changelog\n\n## [0.1.0]\n")

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        path = self.root / name
        path.write_text(change(path.read_text("utf-8")), "utf-8")

    def edit_contract(self, change: Change) -> None:
        document = yaml.safe_load((self.root / "openapi.yaml").read_text("utf-8"))
        change(document)
        self.edit("openapi.yaml", lambda _: yaml.safe_dump(document, sort_keys=False, allow_unicode=True))

    def git(self, *arguments: str | Path) -> None:
        identity = [
            "-c",
            "user.name=Somebody",
            "-c",
            "user.email=somebody@company.example",
            "-c",
            "commit.gpgsign=false",
        ]
        subprocess.run(["git", *identity, "-C", self.root, *arguments], check=True, capture_output=True)

    def commit(self, *, tag: str | None = None) -> None:
        if not (self.root / ".git").exists():
            self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A state")
        if tag:
            self.git("tag", tag)

    def generate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What generate.sh does, with the environment that this project has made already."""
        command: list[str | Path] = [ROOT / ".venv-codegen/bin/python", self.root / "codegen/generate.py", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
