"""Running ./generate.sh from tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def operation(document: dict[str, Any]) -> dict[str, Any]:
    """The operation that lists contacts."""
    found: dict[str, Any] = document["paths"]["/v1/contacts"]["get"]
    return found


def written(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Where a node is written: itself, or what its `$ref` points to."""
    while "$ref" in node:
        target: Any = document
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        node = target
    return node


def parameter(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A parameter of contacts, where it is written: other lists may share it."""
    (found,) = (p for p in (written(document, p) for p in operation(document)["parameters"]) if p["name"] == name)
    return found


def drop_parameter(document: dict[str, Any], name: str) -> None:
    """Let contacts be without a parameter."""
    parameters = operation(document)["parameters"]
    parameters[:] = [each for each in parameters if written(document, each)["name"] != name]


def answer(document: dict[str, Any], status: str = "200") -> dict[str, Any]:
    """The JSON of an answer of contacts, where it is written: other lists may share it."""
    found: dict[str, Any] = written(document, operation(document)["responses"][status])["content"]["application/json"]
    return found


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
