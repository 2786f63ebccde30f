"""From what callers pass to what a URL holds: every check that needs no request, each with the way out."""

from __future__ import annotations

import datetime
import difflib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from dateutil.parser import isoparse

from .shapes import fields_of, model_in

MOST_VALUES = 100
"""How many values of a filter go into one URL."""
MOST_CHARACTERS = 6_000
"""How many characters the filters of one URL have together, as they are written in it."""


def text(name: str, value: Any) -> str:
    """An argument that must be a text and not be empty.

    Raises:
        TypeError: It is no str.
        ValueError: It is empty, or cannot be written in a URL.
    """
    if not isinstance(value, str):
        hint = f"str({value!r})" if isinstance(value, int) else "a string"
        raise TypeError(f"{name} must be a string, got {type(value).__name__}: pass {hint}")
    if not value:
        raise ValueError(f"{name} must not be empty: pass a value, or leave the argument out")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds a lone surrogate, which no URL can: decode the text it comes from") from None
    return value


def number(name: str, value: Any, *, least: int, most: int | None = None) -> int:
    """An argument that must be a whole number in a range.

    Raises:
        TypeError: It is no int.
        ValueError: It is out of the range.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {type(value).__name__}")
    if value < least or (most is not None and value > most):
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        raise ValueError(f"{name} must be {allowed}, got {value}")
    return value


def choice(name: str, value: Any, choices: Sequence[str]) -> Any:
    """An argument that must be one of a few words.

    Raises:
        ValueError: It is none of them.
    """
    if value not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, got {value!r}")
    return value


def keys(name: str, given: Any) -> dict[str, str | None]:
    """The keys of several listings, each once, in the order given, with the cursor where each starts, or None.

    Raises:
        TypeError: It is neither an iterable of strings nor a mapping from strings to cursors.
        ValueError: A key or a cursor is empty, or cannot be written in a URL.
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"{name} must be an iterable of strings, got {type(given).__name__}: pass a list")
    cursors = given if isinstance(given, Mapping) else {}
    result: dict[str, str | None] = {}
    for key in given:
        cursor = cursors.get(text(f"a value of {name}", key))
        result[key] = None if cursor is None else text(f"the cursor of {key!r} in {name}", cursor)
    return result


def values(name: str, given: str | Iterable[str]) -> tuple[str, ...]:
    """The values of a filter, each once, in the order given; empty where an empty iterable was given.

    Raises:
        TypeError: It is neither a string nor an iterable of strings.
        ValueError: A value is empty or holds a comma, which separates values.
    """
    if isinstance(given, str):
        given = (given,)
    elif isinstance(given, (bytes, Mapping)) or not isinstance(given, Iterable):
        raise TypeError(f"{name} must be a string or an iterable of strings, got {type(given).__name__}")
    result = dict.fromkeys(given)  # keeps the order
    for value in result:
        text(f"a value of {name}", value)
        if "," in value:
            raise ValueError(
                f"{name}: the value {value!r} holds a comma, which separates values: pass a list of single values"
            )
    return tuple(result)


def split(filters: Mapping[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """The filters as they are sent, in as many parts as it takes to keep every URL short enough.

    One part where all fits, none where a filter holds no values, else every combination of the pieces of each.
    """
    room = MOST_CHARACTERS // max(1, len(filters))
    pieces = [[(name, ",".join(piece)) for piece in _pieces(given, room)] for name, given in filters.items()]
    return [dict(combination) for combination in itertools.product(*pieces)]


def _pieces(given: Sequence[str], room: int) -> Iterable[list[str]]:
    piece: list[str] = []
    length = 0
    for value in given:
        size = len(quote(value, safe="")) + 1  # and the comma
        if piece and (len(piece) == MOST_VALUES or length + size > room + 1):
            yield piece
            piece, length = [], 0
        piece.append(value)
        length += size
    if piece:
        yield piece


def moment(name: str, value: str | datetime.datetime) -> datetime.datetime:
    """A moment in UTC.

    Raises:
        TypeError: It is neither a datetime nor a string.
        ValueError: It is not ISO 8601, or says nothing of its zone.
    """
    if isinstance(value, str):
        try:
            value = isoparse(value)
        except ValueError:
            raise ValueError(
                f"{name} must be ISO 8601 with an offset, such as 2026-11-01T00:00:00+01:00, got {value!r}"
            ) from None
    if not isinstance(value, datetime.datetime):
        raise TypeError(f"{name} must be an aware datetime or an ISO 8601 string, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise ValueError(f"{name} says nothing of its zone: add an offset (+01:00, Z), or tzinfo to the datetime")
    try:
        return value.astimezone(datetime.UTC)
    except OverflowError:
        raise ValueError(f"{name} is outside of the years that UTC can write: {value!r}") from None


def fields_document(fields: Any, model: type, *, needed: Iterable[str] = ()) -> str:
    """The `fields` parameter: one JSON document.

    Args:
        fields: An iterable of names, and of mappings from a name to the names wanted inside it; or a mapping, which
            is passed on as it is.
        model: The model whose fields are chosen from.
        needed: Fields that are asked for besides.

    Raises:
        TypeError: It is something else, or cannot be written as JSON.
        ValueError: It is empty, or a name is none of the model's.
    """
    if isinstance(fields, Mapping):
        if needed:
            raise ValueError(
                "debtor_numbers takes several requests, and with fields as a mapping contacts could come twice: "
                "pass fields as a list of names"
            )
    else:
        names = _names(fields, model, "fields")
        if not names:
            raise ValueError("fields must name at least one field; leave it out to get all")
        fields = {"only": names + [name for name in needed if name not in names]}
    try:
        return msgspec.json.encode(fields).decode("utf-8")
    except (TypeError, UnicodeEncodeError) as error:
        raise TypeError(f"fields cannot be written as JSON: {error}") from None


def _names(given: Any, model: type | None, place: str) -> list[Any]:
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise TypeError(f"{place} must be an iterable of names and mappings, got {type(given).__name__}: pass a list")
    result: list[Any] = []
    for entry in given:
        if isinstance(entry, Mapping):
            result.append(
                {
                    _known(name, model, place): _names(inner, _inside(model, name), f"{place}: {name}")
                    for name, inner in entry.items()
                }
            )
        else:
            result.append(_known(entry, model, place))
    return result


def _known(name: Any, model: type | None, place: str) -> str:
    checked = text(f"a name in {place}", name)
    known = [] if model is None else list(fields_of(model))
    if model is not None and checked not in known:
        nearest = difflib.get_close_matches(checked, known, n=1, cutoff=0.0)[0]
        raise ValueError(f"{place}: there is no field {name!r} in {model.__name__}; did you mean {nearest!r}?")
    return checked


def _inside(model: type | None, name: Any) -> type | None:
    """The model of what `name` holds; None where its shape is open."""
    return None if model is None else model_in(fields_of(model).get(name))
