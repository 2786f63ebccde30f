"""Running ./generate.sh from tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]


def run_generate(*arguments: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run ./generate.sh as a developer does."""
    return subprocess.run(
        [ROOT / "generate.sh", *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


Generate = Callable[[dict[str, Any]], subprocess.CompletedProcess[str]]
"""Generates from a contract into `tmp_path / "generated/payt_api"`."""

Load = Callable[[dict[str, Any], str], ModuleType]
"""Generates from a contract, and imports what came under a name of its own."""
