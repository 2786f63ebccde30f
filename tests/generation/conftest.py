"""Contracts to generate from, and what comes of them."""

from __future__ import annotations

import copy
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from support.generation import ROOT, Generate, Load, run_generate


@pytest.fixture
def contract() -> dict[str, Any]:
    """The contract, to be changed at will."""
    return copy.deepcopy(yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8")))


@pytest.fixture
def generate(tmp_path: Path) -> Generate:
    """Generate from a contract into `tmp_path / "generated/payt_api"`."""

    def run(document: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "openapi.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
        return run_generate("--contract", path, "--output", tmp_path / "generated/payt_api")

    return run


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Generate from a contract, and import what came under a name of its own beside the project's package."""
    loaded: list[str] = []

    def run(document: dict[str, Any], name: str) -> ModuleType:
        path = tmp_path / "openapi.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
        result = run_generate("--contract", path, "--output", tmp_path / name)
        assert result.returncode == 0, result.stderr
        monkeypatch.syspath_prepend(tmp_path)
        loaded.append(name)
        return importlib.import_module(name)

    yield run
    for name in [module for module in sys.modules if module.partition(".")[0] in loaded]:
        del sys.modules[name]
