"""The command in this process, quick and measured; and as a process of its own, as users start it."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

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
        command = [sys.executable, "-m", "payt", *map(str, arguments)]
        settings = {"env": environment, "capture_output": True, "timeout": 60, **options}
        return subprocess.run(command, check=False, **settings)

    return run


@pytest.fixture
def payt_terminal(environment: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run `payt` in this process with a terminal as its standard output; gives what it showed, without colours."""
    for name, value in {**environment, "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: Any, columns: int = 80, fails: bool = False) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        above, below = pty.openpty()
        shown: list[bytes] = []

        def read() -> None:
            with contextlib.suppress(OSError):  # which is how Linux says that a terminal is closed
                while text := os.read(above, 65_536):
                    shown.append(text)

        reader = threading.Thread(target=read)
        reader.start()
        with monkeypatch.context() as patch, os.fdopen(below, "w", encoding="utf-8") as screen:
            patch.setattr(sys, "stdout", screen)
            with pytest.raises(SystemExit) as ended:
                app([str(argument) for argument in arguments], prog_name="payt")
        reader.join()
        os.close(above)
        assert fails or ended.value.code == 0
        return re.sub(r"\x1b\[[0-9;]*m", "", b"".join(shown).decode()).replace("\r\n", "\n")

    return run
