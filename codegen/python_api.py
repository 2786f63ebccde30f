"""What changed in the Python API between two states of the source, by griffe: names gone, signatures, types, values."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

FOLDERS = ("wrapper", "generated")
"""Where the two packages are, below a state's folder."""
PACKAGES = ("payt", "payt_api", "payt_resources")
GENERATED = ("payt_api", "payt_resources")
EXPORTING = ("payt", "payt.testing")
"""Modules of the wrapper whose `__all__` is promised. All that is generated is."""
FREE = ("payt._version", "payt.__version__")


def python_changes(old: Path, new: Path) -> dict[str, bool]:
    """Every change from `old` to `new` of what is promised, a line each, and whether code that uses it breaks."""
    if all(_texts(old / folder) == _texts(new / folder) for folder in FOLDERS):
        return {}
    logging.getLogger("griffe").setLevel(logging.ERROR)
    states = _load(old), _load(new)
    found: dict[str, bool] = {}
    for package in PACKAGES:
        before, after = (state.get(package) for state in states)
        if before is None:
            continue
        if after is None:
            found[f"{package}: removed"] = True
            continue
        promised = {*_promised(before)}
        for name in sorted(_exported(before) - _exported(after)):
            found[f"{name}: removed"] = True
        for breakage in griffe.find_breaking_changes(before, after):
            path = breakage.obj.canonical_path
            if path.startswith(FREE) or not any(path == name or path.startswith(f"{name}.") for name in promised):
                continue
            # Calls stay as they are with another default, and do something else: of what is generated, the contract
            # says so itself.
            default = breakage.kind is griffe.BreakageKind.PARAMETER_CHANGED_DEFAULT
            if not (default and package in GENERATED):
                found[_line(breakage)] = not default
    return found


def _texts(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.py")}


def _load(state: Path) -> dict[str, Any]:
    """The packages of a state, by their names; without those that it does not have."""
    paths = [state / folder for folder in FOLDERS if (state / folder).is_dir()]
    loader = griffe.GriffeLoader(search_paths=paths, allow_inspection=False)
    loaded = [name for name in PACKAGES if any((path / name).is_dir() for path in paths)]
    for name in loaded:
        loader.load(name)
    loader.resolve_aliases(implicit=True, external=False)
    packages = {name: loader.modules_collection[name] for name in loaded}
    for package in packages.values():
        _forget_mistaken(package)
    return packages


def _forget_mistaken(parent: Any) -> None:
    """Leave out `**mistaken: Never`, which takes nothing: to griffe no argument would ever be missing beside it."""
    for member in parent.members.values():
        if member.is_alias:
            continue
        if member.is_function:
            takes_nothing = [each.name for each in member.parameters if str(each.annotation) == "Never"]
            for name in takes_nothing:
                del member.parameters[name]
        elif member.is_class or member.is_module:
            _forget_mistaken(member)


def _exported(package: Any) -> set[str]:
    """The names that the promised modules of a package export."""
    names = set()
    for path in EXPORTING:
        if path.partition(".")[0] == package.path:
            module = _at(package, path)
            names |= {f"{path}.{name}" for name in (module.exports or ()) if module} if module else set()
    return names


def _promised(package: Any) -> Iterator[str]:
    """The canonical paths of what users may rely on."""
    if package.path != "payt":
        yield package.path
        return
    for exported in _exported(package):
        found = _at(package, exported)
        if found is not None:
            yield found.canonical_path
            yield found.path
            if found.is_class:  # what it inherits is its own to users, whatever the name of the base
                yield from (base.canonical_path for base in found.mro())


def _at(package: Any, path: str) -> Any:
    inner = path.partition(".")[2]
    try:
        return package[inner] if inner else package
    except KeyError:
        return None


def _line(breakage: Any) -> str:
    """As griffe explains it, with the module in place of its file and line."""
    explained = re.sub(r"\x1b\[\d*m", "", breakage.explain(griffe.ExplanationStyle.ONE_LINE))
    return f"{breakage.obj.module.path}: {re.sub(r'^.*?:[0-9]+: ', '', explained)}"
