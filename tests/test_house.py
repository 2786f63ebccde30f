"""How the package is built: small files, public names of other packages alone, and one context variable."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
WRAPPER = ROOT / "wrapper/payt"
FILES = sorted(WRAPPER.rglob("*.py"))
CORE = [
    path
    for path in FILES
    if path.relative_to(WRAPPER).parts[0] not in ("__main__.py", "cli", "sql", "testing", "spark.py")  # extras
]
PRIVATE = re.compile(r"_[a-zA-Z]\w*")


@functools.cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in FILES}


def test_every_file_is_read_in_one_go() -> None:
    lengths = {str(path.relative_to(WRAPPER)): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def defined(tree: ast.Module) -> Iterator[str]:
    """The names that a module defines: functions, classes, variables and attributes of `self`."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_no_private_name_of_another_package_is_used() -> None:
    ours = {name for tree in trees().values() for name in defined(tree)}
    foreign = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            if isinstance(node, ast.Import):
                names = [part for alias in node.names for part in alias.name.split(".")]
            foreign += [f"{path.name}: {name}" for name in names if PRIVATE.fullmatch(name) and name not in ours]
    assert foreign == []


def classes() -> list[type]:
    """The classes of the core."""
    modules = [
        ".".join(path.relative_to(ROOT / "wrapper").with_suffix("").parts).removesuffix(".__init__") for path in CORE
    ]
    found = [each for name in modules for each in vars(importlib.import_module(name)).values()]
    return sorted({each for each in found if isinstance(each, type) and each.__module__.startswith("payt.")}, key=str)


def private_names_of(kind: type) -> set[str]:
    """What a class defines, and what its methods use."""
    names = {*vars(kind)}
    for each in vars(kind).values():
        function = getattr(each, "fget", None) or inspect.unwrap(getattr(each, "__func__", each))
        names |= {*getattr(getattr(function, "__code__", None), "co_names", ())}
    return {*filter(PRIVATE.fullmatch, names)}


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: str(kind.__qualname__))
def test_a_subclass_leaves_the_insides_of_its_base_alone(kind: type) -> None:
    bases = [base for base in kind.__mro__ if not base.__module__.startswith(("payt", "builtins", "typing"))]
    assert private_names_of(kind) & {name for base in bases for name in private_names_of(base)} - {"_abc_impl"} == set()


def test_the_insides_of_a_base_are_seen() -> None:
    """What the test above relies on."""
    assert {"_transport", "_mounts"} <= private_names_of(httpx.Client)


def test_there_is_one_context_variable() -> None:
    calls = [
        f"{path.name}:{node.lineno}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ContextVar")
    ]
    assert len(calls) == 1, calls


def test_the_architecture_names_every_module() -> None:
    described = (ROOT / "docs/architecture.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in described.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    assert {path.stem for path in FILES if path.stem != "__main__"} - named == set()


def test_every_test_has_its_place_in_the_readme() -> None:
    described = (ROOT / "tests/README.md").read_text("utf-8")
    places = [
        path.name if path.is_file() else f"{path.name}/"
        for path in Path(__file__).parent.iterdir()
        if path.name.startswith("test_") or (path.is_dir() and not path.name.startswith((".", "__")))
    ]
    assert [place for place in places if f"`{place}" not in described] == []
