"""This client as an earlier commit had it: built as a wheel, installed apart, run in processes of its own."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from . import peers

FIRST_VERSION = "fbf364f2bc707820ca661a098d83db07284a8a54"
"""The last commit of the first version, whose pages came one after the other, at a pace of each process alone."""
NAME = "the client before"
INSTALLED = peers.BUILD / "before"


def make(commit: str) -> list[str]:
    """Build and install it, where that is not done yet; tell who it is, or why it cannot be had."""
    stamp = INSTALLED / "commit"
    if not stamp.exists() or stamp.read_text() != commit:
        shutil.rmtree(INSTALLED, ignore_errors=True)
        source = f"git+{peers.ROOT.as_uri()}@{commit}"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(INSTALLED), source]
        if subprocess.run(pip, check=False).returncode:
            shutil.rmtree(INSTALLED, ignore_errors=True)
            return [f"{NAME} was left out: a wheel of {commit} could not be built"]
        stamp.write_text(commit)
    return [f'"{NAME.capitalize()}" is that of commit {commit:.7}.']


def environment() -> dict[str, str]:
    """The environment of a process that imports it, or without it, this one's."""
    path = [str(INSTALLED), *sys.path] if INSTALLED.exists() else sys.path
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}


class Before:
    """A process that has imported it, and calls what it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, function: str, *arguments: object) -> float:
        """What a function of the benchmarks returns there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([function, *arguments]) + "\n")
        self._process.stdin.flush()
        return float(json.loads(self._process.stdout.readline()))


@contextmanager
def before() -> Iterator[Before | None]:
    """It, until the block ends; None where it could not be had."""
    if not INSTALLED.exists():
        yield None
        return
    command = [sys.executable, "-m", "benchmarks.before"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment(), cwd=peers.ROOT) as process:
        yield Before(process)  # and `with` closes its standard input, which ends it


def _serve() -> None:
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        module, _, function = name.partition(":")
        print(json.dumps(getattr(importlib.import_module(module), function)(*arguments)), flush=True)


if __name__ == "__main__":
    _serve()
