"""The command in this process, quick and measured; and as a process of its own, as users start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from typer.testing import CliRunner, Result

from payt.cli.app import app
from payt.testing import FakePayt

Command: TypeAlias = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def environment(fake: FakePayt) -> dict[str, str]:
    """What reaches the fake server, and nothing else of Payt's."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PAYT_")}
    return {**ours, "PAYT_TOKEN": fake.token, "PAYT_BASE_URL": fake.url, "COLUMNS": "100", "NO_COLOR": "1"}


@pytest.fixture
def payt_command(environment: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `payt` in this process: `payt_command("contacts", "export", …)`."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: Any, **options: Any) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="payt", **options)

    return run


@pytest.fixture
def payt_process(environment: dict[str, str], folder: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run `payt` as a process: `payt_process("contacts", "export", …)`."""

    def run(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "payt.cli", *map(str, arguments)]
        settings = {"env": environment, "capture_output": True, "timeout": 60, **options}
        return subprocess.run(command, check=False, **settings)

    return run
