"""docs/cli.md shows each command with what it really says: every block with `$` is run, one after the other.

A line that is … stands for any lines. Times are not compared. A comment `<!-- fault: 500, page 2 -->` lets the fake
server fail for the next command.
"""

from __future__ import annotations

import html
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from payt.cli.demo import STEPS
from payt.environments import PRODUCTION
from payt.testing import FakePayt

ROOT = Path(__file__).parents[2]
STEP = re.compile(
    r"<!-- fault: (?P<status>\d+), page (?P<page>\d+) -->|```console\n\$ (?P<command>[^\n]*)\n(?P<said>.*?)```",
    re.DOTALL,
)
VARIES = re.compile(r"\b(?:\d+\.\d s|[\d,]+ bytes)\b")  # with the machine, and with the fields of the contract


@pytest.fixture
def fake() -> Iterator[FakePayt]:
    """The server that the documentation presumes."""
    with FakePayt(contacts=1_200) as server:
        yield server


@pytest.fixture
def shell(environment: dict[str, str], folder: Path) -> Any:
    """Run a command line as in a shell with a pipe."""
    bash = shutil.which("bash")
    assert bash is not None
    path = f"{Path(sys.executable).parent}:{environment['PATH']}"

    def run(line: str) -> str:
        return subprocess.run(
            [bash, "-c", line], env=environment | {"PATH": path}, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    return run


def matches(said: str, expected: str) -> bool:
    pieces = [re.escape(VARIES.sub("0", piece)) for piece in re.split(r"(?m)^…\n", expected)]
    return re.fullmatch("(?:.*\n)*".join(pieces), VARIES.sub("0", said)) is not None


def test_every_command_says_what_is_documented(
    payt_terminal: Any, shell: Any, fake: FakePayt, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = list(STEP.finditer((ROOT / "docs/cli.md").read_text("utf-8")))
    assert len(steps) > 12
    for step in steps:
        if step["status"]:
            fake.fail(int(step["status"]), page=int(step["page"]), times=None)
            continue
        command = step["command"]
        if command.startswith("pip "):
            continue
        said = shell(command) if "|" in command or not command.startswith("payt ") else ""
        said = said or payt_terminal(*shlex.split(command)[1:], columns=120, fails=True) + capsys.readouterr().err
        said = said.replace(str(folder), "/home/you").replace(fake.url, PRODUCTION.api)
        said = "".join(f"{line.rstrip()}\n" for line in said.splitlines())
        assert matches(said, step["said"]), f"$ {command}\n{said}"
        fake.reset()


def test_the_recording_shows_the_demo_as_it_is() -> None:
    """Where this fails, the demo has changed: scripts/record."""
    recorded = html.unescape((ROOT / "docs/demo.svg").read_text("utf-8")).replace("\xa0", " ")
    for step in STEPS:
        assert f"$ payt {' '.join(step)}" in recorded


def test_what_is_left_out_is_left_out() -> None:
    assert matches("a\nb\nc\n", "a\n…\nc\n")
    assert matches("a\nc 1.2 s\n", "a\n…\nc 0.5 s\n")
    assert not matches("a\nb\n", "a\n…\nc\n")
