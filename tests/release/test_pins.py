"""What is pinned can be installed with every Python that this project promises."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "codegen/requirements.txt"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def pins(path: Path) -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    pairs = [line.split("==") for line in lines if line and not line.startswith("-r ")]
    return {canonicalize_name(name): version for name, version in pairs}


PINNED = {f"{name}=={version}" for path in FILES for name, version in pins(path).items()}
TABLE = dict(line.split("\t") for line in (ROOT / "requirements/requires-python.tsv").read_text("utf-8").splitlines())
"""What scripts/pins has looked up; that nobody has invented it is checked below, for what is installed here."""


def test_the_table_knows_every_pin_and_no_other() -> None:
    assert set(TABLE) == PINNED, "run scripts/pins"


def promised() -> list[str]:
    """The lowest Python there is of the lowest minor version, every promised one, and the one that runs this."""
    minors = [found[1] for name in PROJECT["classifiers"] if (found := re.fullmatch(r".* :: (3\.\d+)", name))]
    assert PROJECT["requires-python"] == f">={minors[0]}"
    return [*(f"{minor}.0" for minor in minors), "{}.{}.{}".format(*sys.version_info)]


@pytest.mark.parametrize("python", promised())
def test_every_pin_takes_it(python: str) -> None:
    assert [pin for pin, pythons in TABLE.items() if not SpecifierSet(pythons).contains(python)] == []


@pytest.mark.parametrize("name", ["dev.txt", "demo.txt"])
def test_what_is_installed_says_the_same(name: str) -> None:
    for package, version in pins(ROOT / "requirements" / name).items():
        installed = importlib.metadata.metadata(package)
        assert installed["Version"] == version
        pythons = str(installed.json.get("requires_python", ""))
        assert SpecifierSet(pythons) == SpecifierSet(TABLE[f"{package}=={version}"]), package


def test_the_demo_has_what_it_needs_and_no_more() -> None:
    needed: set[str] = set()
    wanted = [(Requirement(text), "") for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["testing"]]
    while wanted:
        requirement, of_extra = wanted.pop()
        name = canonicalize_name(requirement.name)
        if name in needed or (requirement.marker and not requirement.marker.evaluate({"extra": of_extra})):
            continue
        needed.add(name)
        further = map(Requirement, importlib.metadata.requires(name) or [])
        wanted += [(each, extra) for each in further for extra in requirement.extras or {""}]
    assert set(pins(ROOT / "requirements/demo.txt")) == needed


def test_what_is_pinned_twice_is_pinned_alike() -> None:
    """Apart from the lowest versions, which are others on purpose."""
    dev = pins(ROOT / "requirements/dev.txt")
    for name in ("demo.txt", "postgres.txt"):
        pinned = pins(ROOT / "requirements" / name)
        assert {package: pinned[package] for package in pinned if package in dev} == {
            package: dev[package] for package in pinned if package in dev
        }


def test_the_lowest_python_is_the_lowest() -> None:
    assert min(map(Version, promised())) == Version("3.11.0")
