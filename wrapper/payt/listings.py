"""What a resource needs to list besides its typed method: arguments checked and encoded by the generated operation.

A resource is a class with a typed `list`; docs/contract.md shows how one is added.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Collection, Mapping
from typing import Any, get_args, get_type_hints

from payt_api.client import AuthenticatedClient

from . import query
from .pager import AsyncPager, Listing, Operation, Pager


class Resource:
    """A part of the API that can be listed."""

    def __init__(self, api: AuthenticatedClient) -> None:
        self._api = api

    def _list(
        self, operation: Operation, model: type, arguments: Mapping[str, Any], *, separated: Collection[str] = ()
    ) -> Pager[Any]:
        return Pager(self._api, listing(operation, model, arguments, separated=separated))


class AsyncResource:
    """The same as `Resource`, for asyncio."""

    def __init__(self, api: AuthenticatedClient) -> None:
        self._api = api

    def _list(
        self, operation: Operation, model: type, arguments: Mapping[str, Any], *, separated: Collection[str] = ()
    ) -> AsyncPager[Any]:
        return AsyncPager(self._api, listing(operation, model, arguments, separated=separated))


def listing(
    operation: Operation, model: type, arguments: Mapping[str, Any], *, separated: Collection[str] = ()
) -> Listing:
    """The arguments of a typed `list` method, checked and encoded.

    Args:
        operation: The generated operation that lists.
        model: The model of its records.
        arguments: The method's arguments by their names, its `locals()`; None is left out.
        separated: The names of those that take several values, which go to the API separated by commas.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument's value cannot be used; or values take more than one request, whose answers could not
            be told apart.
    """
    types = get_type_hints(operation.sync_detailed)
    given = {name: value for name, value in arguments.items() if value is not None and name != "self"}
    cursor, per_page, limit = given.pop("cursor", None), given.pop("per_page"), given.pop("limit", None)
    lists = {name: query.values(name, given.pop(name)) for name in separated if name in given}
    parts = query.split(lists)
    if len(parts) > 1:
        raise ValueError(
            f"{' and '.join(lists)} hold more values than one request can: list a part of them at a time "
            f"({query.MOST_VALUES} values, or {query.MOST_CHARACTERS} characters)"
        )
    always = {name: _encoded(name, value, types[name], model) for name, value in given.items()}
    return Listing(
        operation=operation,
        parts=tuple({**always, **part} for part in parts),
        cursor=None if cursor is None else query.text("cursor", cursor),
        per_page=query.number("per_page", per_page, least=1, most=500),
        limit=None if limit is None else query.number("limit", limit, least=0),
    )


def _encoded(name: str, value: Any, type_: Any, model: type) -> Any:
    """One argument as the generated operation, whose parameter is of `type_`, takes it."""
    if name == "fields":
        return query.fields_document(value, model)
    kind = next((member for member in get_args(type_) if member is not type(None)), type_)
    if kind is datetime.datetime:
        return query.moment(name, value)
    if kind is str:
        return query.text(name, value)
    if issubclass(kind, enum.Enum):
        return _one_of(name, value, kind)
    if kind is int:
        return query.number(name, value, least=-(2**63), most=2**63 - 1)
    if type(value) is not kind:
        raise TypeError(f"{name} must be a {kind.__name__}, got {type(value).__name__}")
    return value


def _one_of(name: str, value: Any, kind: type[enum.Enum]) -> enum.Enum:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(repr(member.value) for member in kind)
        raise ValueError(f"{name} must be one of {known}, got {value!r}") from None
