"""Checks of plain arguments: each message names the argument, what is wrong with it, and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


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


def above_zero(name: str, value: Any) -> float:
    """An argument that must be a finite number above 0.

    Raises:
        TypeError: It is no number.
        ValueError: It is 0, below, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be above 0 and finite, got {value}")
    return value


def choice(name: str, value: Any, choices: Sequence[str]) -> Any:
    """An argument that must be one of a few words.

    Raises:
        ValueError: It is none of them.
    """
    if value not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, got {value!r}")
    return value


def values(name: str, given: str | Iterable[str] | None) -> tuple[str, ...]:
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
