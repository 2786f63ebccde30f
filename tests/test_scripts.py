"""The scripts on a machine that lacks what they need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(program: str, path: Path | str, **environment: str) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash is not None
    command = [bash, "-euo", "pipefail", "-c", f"source {ROOT}/scripts/environment.sh; {program}"]
    return subprocess.run(command, env={"PATH": str(path), **environment}, capture_output=True, text=True, check=False)


def test_without_python_the_scripts_say_so(tmp_path: Path) -> None:
    result = run("find_python", tmp_path)
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr


def test_a_python_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (tmp_path / "python3.12").symlink_to(sys.executable)
    assert run("find_python; echo $python", tmp_path).stdout.strip() == "python3.12"


def test_the_interpreter_can_be_named(tmp_path: Path) -> None:
    assert run("find_python; echo $python", tmp_path, PYTHON=sys.executable).stdout.strip() == sys.executable


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("")
    python = tmp_path / "python"  # making a real one takes seconds, and is what scripts/test begins with
    python.write_text("#!/bin/sh\n[ $1 = -m ] && [ $2 = venv ] && mkdir -p $3/bin && cp $0 $3/bin/\nexit 0\n")
    python.chmod(0o755)
    program = f"environment {tmp_path}/venv {requirements}"
    first, second = (run(program, os.environ["PATH"], PYTHON=str(python)) for _ in range(2))
    assert "Making" in first.stderr
    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    requirements.write_text("# other pins\n")
    assert "Making" in run(program, os.environ["PATH"], PYTHON=str(python)).stderr


def test_an_error_of_pip_is_shown_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("./not-there.whl\n")
    python = tmp_path / "python"  # with the pip of this environment, as making another takes seconds
    python.write_text(
        f'#!/bin/sh\n[ "$1 $2" != "-m venv" ] && exec {sys.executable} "$@"\nmkdir -p $3/bin && cp $0 $3/bin/\n'
    )
    python.chmod(0o755)
    result = run(f"environment {tmp_path}/venv {tmp_path}/requirements.txt", os.environ["PATH"], PYTHON=str(python))
    assert result.returncode == 1
    assert "ERROR: " in result.stderr
    assert "not-there.whl" in result.stderr
    assert "index reachable" not in result.stderr
    assert not (tmp_path / "venv/stamp").exists()


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").iterdir() if not path.suffix))
def test_every_script_is_executable(script: str) -> None:
    assert os.access(ROOT / "scripts" / script, os.X_OK)
