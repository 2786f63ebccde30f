"""Checks of plain arguments: each message names the argument, what is wrong with it, and the way out.

Each returns the value. A wrong type is a TypeError, a wrong value a ValueError.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

TOKEN: Final = re.compile(r"[\x21-\x7e]+")
"""What a header can carry as a token."""
_LONGEST: Final = 10**9
"""Seconds: 31 years. Ten times as many are more than a socket can be told."""
_LINE_ENDS: Final = "\r", "\n"
_ALIKE: Final = 0.65
"""How much a mistaken name has in common with one that was meant, at least."""


def text(name: str, value: Any) -> str:
    """A text that is not empty and can be written in a URL."""
    if not isinstance(value, str):
        hint = f"str({value!r})" if isinstance(value, int) else "a string"
        raise TypeError(f"{name} must be a string, got {type(value).__name__}: pass {hint}")
    if not value:
        raise ValueError(f"{name} must not be empty: pass a value, or leave it out")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{name} contains a lone surrogate, which no URL can hold: decode the text it comes from"
        ) from None
    return value


def word(name: str, value: Any) -> str:
    """A text that is looked for. With the end of the line of a file that it was on, nothing would be found.

    A cursor is none: whatever the service calls one is right.
    """
    if text(name, value).endswith(_LINE_ENDS):
        raise ValueError(f"{name} ends with a line end, got {value!r}: pass {value.rstrip()!r}")
    return str(value)


def number(name: str, value: Any, *, least: int, most: int | None = None) -> int:
    """A whole number in a range."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {type(value).__name__}")
    if value < least or (most is not None and value > most):
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        raise ValueError(f"{name} must be {allowed}, got {value}")
    return value


def decimal(name: str, value: Any, *, least: float | None = None, above: float | None = None) -> float:
    """A finite number; not below `least`, and above `above`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    too_small = (least is not None and value < least) or (above is not None and value <= above)
    if too_small or not float("-inf") < value < float("inf"):
        bound = f"{least} or more and " if least is not None else f"above {above} and " if above is not None else ""
        raise ValueError(f"{name} must be {bound}finite, got {value}")
    return value


def seconds(name: str, value: Any, **bounds: float) -> float:
    """A number of seconds that a wait can take."""
    if (number := decimal(name, value, **bounds)) > _LONGEST:
        raise ValueError(f"{name} must be at most {_LONGEST} seconds, got {value}")
    return number


def flag(name: str, value: Any) -> bool:
    """True or False; a text such as "false" would count as true."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {type(value).__name__}")
    return value


def duration(name: str, value: Any) -> datetime.timedelta:
    """A length of time that is not negative."""
    if not isinstance(value, datetime.timedelta):
        raise TypeError(f"{name} must be a datetime.timedelta, got {type(value).__name__}")
    if value < datetime.timedelta(0):
        raise ValueError(f"{name} must not be negative, got {value}")
    return value


def token(name: str, value: Any) -> str:
    """A token that a header can carry (RFC 6750, section 2.1). It is in no message."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} must not be empty")
    if re.match(r"(?i)bearer\s", value):
        raise ValueError(f'{name} begins with "Bearer", which is added to every request: pass the token alone')
    if value[0] == value[-1] and value[0] in "\"'":  # as variables of containers and services often are
        raise ValueError(f"{name} is in quotes, which would be sent along: pass the token alone")
    if not TOKEN.fullmatch(value):
        raise ValueError(
            f"{name} contains white space or characters that tokens never have: does it include a line end?"
        )
    return value


def function(name: str, value: Any) -> None:
    """Something that can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, or something else to call, got {type(value).__name__}")


def choice(name: str, value: Any, choices: Sequence[str]) -> Any:
    """One of a few words."""
    if value not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, got {value!r}")
    return value


def hint(name: str, known: Iterable[str], *, otherwise: str = "use one of") -> str:
    """How a message about a mistaken name ends: with the known one that it, or one of its words, looks like, or all."""
    from difflib import SequenceMatcher  # noqa: PLC0415  # rarely needed

    def likeness(each: str) -> float:
        return max(SequenceMatcher(None, name, part).ratio() for part in (each, *each.split("_")))

    names = list(known)
    near = max([each for each in names if name in each] or names, key=likeness)
    is_alike = name in near or likeness(near) > _ALIKE
    return f"did you mean {near!r}?" if is_alike else f"{otherwise} {', '.join(names)}"


def values(name: str, given: str | Iterable[str] | None) -> tuple[str, ...]:
    """The values of a filter, each once, in the order given; none of them holds a comma, which separates values.

    Those of a set are sorted: they come in another order in each process, and a cursor counts on theirs.
    """
    result = _texts(name, (given,) if isinstance(given, str) else given, "a string or an iterable", but=Mapping)
    for value in result:
        if "," in value:
            raise ValueError(
                f"{name}: the value {value!r} contains a comma, which separates values: pass a list of single values"
            )
    return tuple(sorted(result) if isinstance(given, (set, frozenset)) else result)


def is_value(text: str) -> bool:
    """Whether a text that a service sent can be a value of a filter, as `values` takes it."""
    return "," not in text and not text.endswith(_LINE_ENDS)


def keys(name: str, given: Any) -> dict[str, str | None]:
    """The keys of several listings, each once, in the order given, with the cursor where each starts, or None."""
    result = _texts(name, given, "an iterable", but=str)
    for key, cursor in given.items() if isinstance(given, Mapping) else ():
        result[key] = None if cursor is None else text(f"the cursor of {key!r} in {name}", cursor)
    return result


def _texts(name: str, given: Any, wanted: str, *, but: type) -> dict[str, str | None]:
    if isinstance(given, (bytes, but)) or not isinstance(given, Iterable):
        raise TypeError(f"{name} must be {wanted} of strings, got {type(given).__name__}: pass a list")
    return dict.fromkeys(word(f"a value of {name}", value) for value in given)


def of_field(check: Callable[..., object], **limits: Any) -> Callable[[Any, Any, Any], object]:
    """A check of a named value, as attrs validates a field by it."""
    return lambda _self, field, value: check(field.name, value, **limits)


def showing_no_arguments(checked: F) -> F:
    """A function, or a class, whose errors come without the frames below: tracebacks show variables, these secrets."""
    function: Any = vars(checked)["__init__"] if isinstance(checked, type) else checked

    @functools.wraps(function)
    def called(*given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except Exception as error:  # noqa: BLE001  # whatever it is
            del given, named
            error.__context__ = None  # which has such frames, too
            raise error.with_traceback(None) from error.__cause__

    if not isinstance(checked, type):
        return cast("F", called)
    checked.__init__ = called  # type: ignore[misc]
    return checked
