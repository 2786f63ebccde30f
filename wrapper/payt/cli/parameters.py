"""The options of a list's commands, from the parameters that the contract gives it."""

from __future__ import annotations

import datetime
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import click

from payt.contract import parameters_of
from payt.listing import ListSpec
from payt.listing.shapes import ADMINISTRATION
from payt_api.types import query_value

from .options import option, read_text, values_of

_OWN: Final = ("fields", "cursor", "per_page", ADMINISTRATION)
"""Parameters of a list that are not filters."""


def called(spec: ListSpec[Any], count: int | None = None) -> str:
    """What the records of a list are called, as it follows a number."""
    if count == 1:
        return re.sub("(?<=.)(?=[A-Z])", " ", spec.record.__name__).lower()
    return " ".join(reversed(spec.name.replace("_", " ").split(".")))


def filters_of(spec: ListSpec[Any], *, required: bool = False) -> list[str]:
    """The names of the filters that a list takes, or only of those that it does not go without."""
    parameters = parameters_of(spec).items()
    return [name for name, each in parameters if name not in _OWN and (each.get("required") or not required)]


def options_of(spec: ListSpec[Any], names: Iterable[str], taken: set[str]) -> Iterator[click.Option]:
    """The options that stand for filters, `--by-…` where the name is taken; `chosen` reads what they were given."""
    types = get_type_hints(spec.operation.sync_detailed)
    for name in names:
        described = parameters_of(spec)[name]
        flag = f"--{name}".replace("_", "-")
        flag = f"--by-{flag[2:]}" if flag in taken else flag
        kind, metavar = (str, "VALUE,…") if name in spec.separated else _kind_of(types[name])
        text = described.get("description", "") + (" Deprecated." if described.get("deprecated") else "")
        if metavar == "MOMENT":
            text += " With an offset, such as 2026-11-01T00:00:00+01:00."
        required = bool(described.get("required"))
        yield option(
            f"{flag}/--no-{flag[2:]}" if kind is bool else flag,
            f"by_{name}",
            type=kind,
            metavar=metavar,
            multiple=name in spec.separated,
            required=required,
            help=text,
            **({"default": None} if kind is bool and not required else {}),  # not asked for is neither yes nor no
        )
        if name == spec.key_filter:
            text = f"The same, from a file with one {spec.key} per line."
            path = click.Path(path_type=Path)
            yield option(f"{flag}-from", f"from_{name}", type=path, metavar="FILE", help=text)


def typed(option: click.Option, value: Any) -> str:
    """What to type for an option that has a value."""
    if option.is_flag:
        return (option.opts if value else option.secondary_opts)[0]
    return f"{option.opts[0]} {shlex.quote(query_value(value))}"


def paging_of(spec: ListSpec[Any]) -> list[click.Option]:
    """The options about pages, and about how many."""
    most, least = click.IntRange(1, spec.most), click.IntRange(min=0)
    return [
        option("--per-page", type=most, default=spec.most, help="How many to ask for in one request."),
        option("--limit", type=least, help="How many to return at most, over all administrations."),
    ]


def chosen(spec: ListSpec[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of all filters of a list, as its method takes them; None for those that were not given.

    Raises:
        OSError: A file with values cannot be read.
        ValueError: It is not text.
    """
    filters: dict[str, Any] = {name: given.get(f"by_{name}") for name in filters_of(spec)}
    filters |= {name: values_of(filters[name]) if filters[name] else None for name in spec.separated}
    if (name := spec.key_filter) and (path := given.get(f"from_{name}")) is not None:
        lines = map(str.strip, read_text(path).splitlines())
        filters[name] = [*(filters[name] or ()), *filter(None, lines)]
    return filters


def _kind_of(type_: Any) -> tuple[Any, str | None]:
    """What an option takes for an argument of this type, and what it is called. Texts are checked by the library."""
    members = get_args(type_) if get_origin(type_) in (Union, UnionType) else (type_,)
    kind = next(member for member in members if member is not NoneType)
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind)), None
    if issubclass(kind, Enum):
        return click.Choice([member.value for member in kind]), None
    return (str, _TEXTS[kind]) if kind in _TEXTS else (kind, None)


_TEXTS: Final[dict[Any, str]] = {datetime.datetime: "MOMENT", datetime.date: "DATE", UUID: "UUID"}
