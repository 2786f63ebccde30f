"""Judge a generated package: everything in it can be imported, and every field of its models can be read and written.

    python codegen/verify.py generated/payt_api

Prints a line for each field or module that cannot, and exits 1 then.
"""

from __future__ import annotations

import functools
import importlib
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import attrs
import msgspec


def main() -> int:
    """Judge the package that the argument names."""
    folder = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(folder.parent))
    problems = [*problems_in(folder)]
    print("\n".join(problems))
    return 1 if problems else 0


def problems_in(folder: Path) -> Iterator[str]:
    """A line for each module and each field that does not work."""
    modules = []
    for path in sorted(folder.rglob("*.py")):
        name = ".".join(path.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__")
        try:
            modules.append(importlib.import_module(name))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the module's fault
            yield f"{path.relative_to(folder)}: {type(error).__name__}: {error}"
    for module in modules:
        if module.__name__.startswith(f"{folder.name}.models."):
            yield from problems_of_models(module)


def problems_of_models(module: types.ModuleType) -> Iterator[str]:
    """A line for each field of the module's own model that msgspec does not take."""
    for model in vars(module).values():
        if not isinstance(model, type) or model.__module__ != module.__name__ or not attrs.has(model):
            continue
        try:
            hints = typing.get_type_hints(model, include_extras=True)
        except NameError as error:
            yield f"{model.__name__}: {error}"
            continue
        for name, type_ in hints.items():
            try:
                msgspec.json.Decoder(without_fields(type_))
            except TypeError as error:
                yield f"{model.__name__}, property {name!r}: {str(error).splitlines()[0]}"


def without_fields(type_: typing.Any) -> typing.Any:
    """The type with an empty model in place of each one inside: those are judged by themselves."""
    if isinstance(type_, type) and attrs.has(type_):
        return _empty(type_)
    origin, inside = typing.get_origin(type_), typing.get_args(type_)
    if origin in (types.UnionType, typing.Union):
        return typing.Union[tuple(without_fields(member) for member in inside)]  # noqa: UP007 - of a number known at run time
    if origin is typing.Annotated:
        return typing.Annotated[(without_fields(inside[0]), *inside[1:])]
    if origin is list:
        return list[without_fields(inside[0])]  # type: ignore[misc]  # made at run time
    if origin is dict:
        return dict[str, without_fields(inside[1])]  # type: ignore[misc]  # made at run time
    return type_


@functools.cache
def _empty(model: type) -> type:
    return attrs.make_class(model.__name__, [])


if __name__ == "__main__":
    sys.exit(main())
