"""The clients that others' generators make of the same contract, made on the spot."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"


def make() -> list[str]:
    """Make them, importable as `stock_client` and `oag_client`; tell what cannot be made, and why."""
    BUILD.mkdir(parents=True, exist_ok=True)
    tools = ROOT / ".venv-codegen" / "bin"
    _run(
        [tools / "openapi-python-client", "generate", "--meta", "none", "--overwrite"],
        ["--path", ROOT / "openapi.yaml", "--output-path", BUILD / "stock_client"],
        path=tools,
    )
    importlib.invalidate_caches()  # the folder, too, is new where this is the first run
    if shutil.which("java") is None:
        shutil.rmtree(BUILD / "oag_client", ignore_errors=True)
        return ["openapi-generator's client was left out: it takes Java to make it"]
    generator = Path(sys.executable).parent / "openapi-generator-cli"
    _run(
        [generator, "generate", "-g", "python", "--package-name", "oag_client"],
        ["-i", ROOT / "openapi.yaml", "-o", BUILD],
    )
    return []


def _run(*parts: list[str | Path], path: Path | None = None) -> None:
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"} if path else None
    command = [argument for part in parts for argument in part]
    done = subprocess.run(command, cwd=BUILD, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
