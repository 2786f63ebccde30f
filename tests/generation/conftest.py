"""Contracts to generate from, and what comes of them."""

from __future__ import annotations

import copy
import functools
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.generation import ROOT, Generate
from support.warm import run_generate_py


@pytest.fixture
def contract() -> dict[str, Any]:
    """The contract, to be changed at will."""
    return copy.deepcopy(_contract())


@functools.cache
def _contract() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
    return document


@pytest.fixture
def generate(tmp_path: Path) -> Generate:
    """Generate from a contract into `tmp_path / "generated/payt_api"`."""

    def run(document: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "openapi.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
        return run_generate_py(ROOT, "--contract", path, "--output", tmp_path / "generated/payt_api")

    return run
