"""For PyInstaller, which finds this by the entry point `pyinstaller40`: the folder of the hooks."""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """Where the hooks are."""
    return [str(Path(__file__).parent)]
