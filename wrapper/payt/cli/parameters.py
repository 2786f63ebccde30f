"""The options of a list's commands, from the parameters that the contract gives it."""

from __future__ import annotations

import datetime
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import typer
from rich.markup import escape

from payt.contract import parameters_of
from payt.listing import ListSpec

from .options import values_of

ADMINISTRATION: Final = "administration_id"
_OWN: Final = ("fields", "cursor", "per_page", ADMINISTRATION)
"""Parameters of a list that are no filters."""


def called(spec: ListSpec[Any], count: int | None = None) -> str:
    """What the records of a list are called, as it follows a number."""
    if count == 1:
        return re.sub("(?<=.)(?=[A-Z])", " ", spec.record.__name__).lower()
    return " ".join(reversed(spec.name.replace("_", " ").split(".")))


def filters_of(spec: ListSpec[Any], *, required: bool = False) -> list[str]:
    """The names of the filters that a list takes, or only of those that it does not go without."""
    parameters = parameters_of(spec).items()
    return [name for name, each in parameters if name not in _OWN and (each.get("required") or not required)]


def example_of(spec: ListSpec[Any], name: str) -> Any:
    """A value of a parameter, from the contract, where every parameter has an example."""
    described = parameters_of(spec)[name]
    return described["example"] if "example" in described else next(iter(described["examples"].values()))["value"]


def options_of(spec: ListSpec[Any], names: Iterable[str], taken: set[str]) -> Iterator[inspect.Parameter]:
    """The options that stand for filters, `--by-…` where the name is taken; `chosen` reads what they were given."""
    types = get_type_hints(spec.operation.sync_detailed)
    for name in names:
        described = parameters_of(spec)[name]
        flag = f"--{name}".replace("_", "-")
        flag = f"--by-{flag[2:]}" if flag in taken else flag
        kind, metavar = _kind_of(types[name]) if name not in spec.separated else (list[str], "VALUE,…")
        flags = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
        text = described.get("description", "") + (" Deprecated." if described.get("deprecated") else "")
        if metavar == "MOMENT":
            text += " With an offset, such as 2026-11-01T00:00:00+01:00."
        default = inspect.Parameter.empty if described.get("required") else None
        yield _parameter(f"by_{name}", kind, default, typer.Option(flags, metavar=metavar, help=escape(text)))
        if name == spec.key_filter:
            text = f"The same, from a file: one {spec.key} a line."
            yield _parameter(f"from_{name}", Path, None, typer.Option(f"{flag}-from", metavar="FILE", help=text))


def paging_of(spec: ListSpec[Any]) -> Iterator[inspect.Parameter]:
    """The options about pages, and about how many."""
    option = typer.Option("--per-page", min=1, max=spec.most, help="How many a request asks for.")
    yield _parameter("per_page", int, spec.most, option)
    option = typer.Option("--limit", min=0, help="How many at most, of all administrations together.")
    yield _parameter("limit", int, None, option)


def chosen(spec: ListSpec[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of all filters of a list, as its method takes them; None for those that were not given.

    Raises:
        OSError: A file with values cannot be read.
        ValueError: It is no text.
    """
    filters = {name: given.get(f"by_{name}") for name in filters_of(spec)}
    filters |= {name: values_of(filters[name]) for name in spec.separated}
    if (name := spec.key_filter) and (path := given.get(f"from_{name}")) is not None:
        filters[name] = [*(filters[name] or ()), *values_in(path)]
    return filters


def values_in(path: Path) -> list[str]:
    """The values of a filter from a file: one a line; empty lines count for nothing.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no text in UTF-8.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8: save it as such, one value a line") from None
    return [line.strip() for line in lines if line.strip()]


def _parameter(name: str, kind: Any, default: Any, option: Any) -> inspect.Parameter:
    annotation: Any = Annotated[kind | None if default is None else kind, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _kind_of(type_: Any) -> tuple[Any, str | None]:
    """What an option takes for an argument of this type, and what it is called. Texts are checked by the library."""
    members = get_args(type_) if get_origin(type_) in (Union, UnionType) else (type_,)
    kind = next(member for member in members if member is not NoneType)
    return (str, _TEXTS[kind]) if kind in _TEXTS else (kind, None)


_TEXTS: Final[dict[Any, str]] = {datetime.datetime: "MOMENT", datetime.date: "DATE", UUID: "UUID"}
