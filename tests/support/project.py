"""A copy of this project to change and generate from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from .generation import ROOT
from .warm import run_generate_py

Change = Callable[[dict[str, Any]], object]


class Project:
    """A copy of this project, with a history of its own.

    Args:
        root: Where to, a folder that is not there yet.
        more: Files and folders to copy besides those that are generated from and generated.
    """

    def __init__(self, root: Path, *more: str) -> None:
        self.root = root
        for name in ("codegen", "wrapper", "generated", "openapi.yaml", "CHANGELOG.md", *more):
            if (ROOT / name).is_dir():
                unwanted = shutil.ignore_patterns("__pycache__", "node_modules")
                shutil.copytree(ROOT / name, root / name, ignore=unwanted)
            else:
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

    def git(self, *arguments: str | Path) -> str:
        identity = [
            "-c",
            "user.name=Somebody",
            "-c",
            "user.email=somebody@company.example",
            "-c",
            "commit.gpgsign=false",
        ]
        command = ["git", *identity, "-C", self.root, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, *, tag: str | None = None) -> None:
        if not (self.root / ".git").exists():
            self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A state")
        if tag:
            self.git("tag", tag)

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Python with this project's packages, at its root."""
        return self.command(sys.executable, *arguments)

    def command(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program that finds this project's packages, at its root."""
        paths = os.pathsep.join(str(self.root / name) for name in ("wrapper", "generated"))
        return subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100"},
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )

    def generate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What generate.sh does, with the environment that this project has made already."""
        return run_generate_py(self.root, *arguments)
