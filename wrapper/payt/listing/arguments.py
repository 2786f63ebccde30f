"""From what callers pass to what a URL holds: every check that needs no request, each with the way out."""

from __future__ import annotations

import datetime
import enum
import functools
import hashlib
import inspect
import itertools
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import NoneType
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin, get_type_hints
from urllib.parse import quote
from uuid import UUID

import attrs
import msgspec

from payt_api.types import warn_deprecated

from .. import checks
from .shapes import DAY, MOMENT, fields_of, model_in
from .spec import ListSpec

Fields: TypeAlias = Iterable[str | Mapping[str, Iterable[Any]]] | Mapping[str, Any]
"""Which fields to ask for: names and `{name: [names inside it]}`; or the whole JSON document, as a mapping."""

OnInvalid: TypeAlias = Literal["raise", "collect"]
"""What happens to a record that does not match the contract: it ends the listing, or is left out as invalid."""

MOST_VALUES: Final = 100
"""How many values of a filter go into one URL."""
MOST_CHARACTERS: Final = 6_000
"""How many characters the filters of one URL have together, as they are written in it."""


@attrs.frozen(kw_only=True, eq=False)
class Listing:
    """What to list: arguments that were checked, and nothing that changes."""

    spec: ListSpec[Any]
    parts: tuple[Mapping[str, Any], ...]
    """The query of each part, without cursor and per_page: one part, or several where the filters are too long for one
    URL, or none where a filter holds no values."""
    mark: str = ""
    """What tells the cursors of these parts from those of others; none where there is one part."""
    cursor: str | None = None
    """Where to start."""
    per_page: int
    """How many records a page holds at most."""
    limit: int | None = None
    """How many records to list at most."""
    overlapping: bool = False
    """Whether a record may belong to several parts, and must come once all the same."""
    collects: bool = False
    """Whether records that do not match the contract are left out, and listed as invalid."""

    def __str__(self) -> str:
        """Its list and arguments, for people; long values are cut short."""
        own = {"cursor": self.cursor, "per_page": self.per_page, "limit": self.limit}
        shown = {**(self.parts[0] if self.parts else {}), **own}
        listed = [f"{name}={reprlib.repr(value)}" for name, value in shown.items() if value is not None]
        parts = [] if len(self.parts) == 1 else [f"in {len(self.parts)} parts"]
        return ", ".join([self.spec.name, *parts, *listed])


def listing_of(spec: ListSpec[Any], arguments: Mapping[str, Any]) -> Listing:
    """The arguments of a method that lists, checked and encoded.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument's value cannot be used; or values take more than one request, whose answers could not
            be told apart.
    """
    given = dict(arguments)
    cursor, per_page, limit, fields = (given.pop(name, None) for name in ("cursor", "per_page", "limit", "fields"))
    on_invalid = checks.choice("on_invalid", given.pop("on_invalid", "raise"), get_args(OnInvalid))
    separated = {name: given.pop(name, None) for name in spec.separated}
    lists = {name: checks.values(name, value) for name, value in separated.items() if value is not None}
    always = encoded(spec.operation, given, besides=["per_page", *lists, *([] if fields is None else ["fields"])])
    parts = _split(lists)
    split = {name: spec.separated[name] for name in lists if len({part[name] for part in parts}) > 1}
    # A record with several values in a field can match several parts; all other filters match one part at most.
    record: type = spec.record
    types = fields_of(record)
    overlapping = [name for name, field in split.items() if field and _holds_several(types[field])]
    if None in split.values() or (overlapping and spec.key is None):
        raise ValueError(
            f"{' and '.join(split)} hold too many values for one request: list a part of them at a time "
            f"({MOST_VALUES} values, or {MOST_CHARACTERS} characters)"
        )
    if fields is not None:
        always["fields"] = _fields_document(fields, record, key=spec.key, because=overlapping)
    return Listing(
        spec=spec,
        parts=tuple({**always, **part} for part in parts),
        mark=hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16] if len(parts) > 1 else "",
        cursor=None if cursor is None else checks.text("cursor", cursor),
        per_page=checks.number("per_page", per_page, least=1, most=spec.most),
        limit=None if limit is None else checks.number("limit", limit, least=0),
        overlapping=bool(overlapping),
        collects=on_invalid == "collect",
    )


def encoded(operation: Any, given: Mapping[str, Any], *, besides: Collection[str] = ()) -> dict[str, Any]:
    """Arguments as a generated operation takes them, without those that are None and may be left out.

    `besides` names arguments that it gets from elsewhere. What is deprecated is warned of, at the line of our caller.

    Raises:
        TypeError: An argument is missing, of a wrong type, or not one of the operation.
        ValueError: An argument's value cannot be used.
    """
    types, needed = _signature_of(operation)
    name = operation.__name__.rpartition(".")[2]
    for each in given.keys() - types.keys():
        there_is = f"it takes {', '.join(types)}" if types else "it takes none"
        raise TypeError(f"{name}: there is no argument {each!r}; {there_is}")
    if missing := [each for each in needed if each not in given and each not in besides]:
        raise TypeError(f"{name} needs {' and '.join(missing)}: pass {', '.join(f'{each}=...' for each in missing)}")
    sent = {each: value for each, value in given.items() if value is not None or each in needed}
    for each, what in getattr(operation, "DEPRECATED", {}).items():
        if not each or each in sent or each in besides:
            warn_deprecated(what, "payt", "payt_resources")
    return {each: _encoded(each, value, types[each]) for each, value in sent.items()}


@functools.cache
def _signature_of(operation: Any) -> tuple[dict[str, Any], list[str]]:
    """The types of an operation's arguments, and which of these it needs."""
    types = get_type_hints(operation.sync_detailed)
    taken = [each for each in inspect.signature(operation.sync_detailed).parameters.values() if each.name != "client"]
    return {each.name: types[each.name] for each in taken}, [each.name for each in taken if each.default is each.empty]


def _encoded(name: str, value: Any, type_: Any) -> Any:
    if get_origin(type_) is Literal:
        return checks.choice(name, value, get_args(type_))
    members = [member for member in get_args(type_) if member is not NoneType]
    kind = get_origin(type_) or type_
    if members and kind is not dict:  # of a union, a contract has nothing but optional values
        return _encoded(name, value, members[0])
    if issubclass(kind, enum.Enum):
        return kind(checks.choice(name, value, [member.value for member in type_]))
    if type_ in _ENCODERS:
        return _ENCODERS[type_](name, value)
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, got {type(value).__name__}")
    return value


def _moment(name: str, value: Any) -> datetime.datetime:
    """A moment in UTC."""
    way_out = "pass datetime.datetime.now(datetime.UTC), or a local time with .astimezone()"
    if isinstance(value, str):
        way_out = "write one such as 2026-11-01T00:00:00+01:00"
        from dateutil.parser import isoparse  # noqa: PLC0415  # takes its time, and few need it

        try:
            value = isoparse(value)
        except ValueError:
            raise ValueError(
                f"{name} must be ISO 8601 with an offset, such as 2026-11-01T00:00:00+01:00, got {value!r}"
            ) from None
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        raise TypeError(
            f"{name} must be a point in time, but a date is a whole day: pass datetime.datetime("
            f"{value.year}, {value.month}, {value.day}, tzinfo=...), where it begins"
        )
    if not isinstance(value, datetime.datetime):
        raise TypeError(f"{name} must be an aware datetime or an ISO 8601 string, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise ValueError(f"{name} has no time zone: {way_out}")
    try:
        return value.astimezone(datetime.UTC)
    except OverflowError:
        raise ValueError(f"{name} is outside the years 1 to 9999 of UTC: {value!r}") from None


def _day(name: str, value: Any) -> datetime.date:
    if isinstance(value, datetime.datetime) or not isinstance(value, (datetime.date, str)):
        raise TypeError(f"{name} must be a date or an ISO 8601 string, got {type(value).__name__}")
    try:
        return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{name} must be a date such as 2026-11-01, got {value!r}") from None


def _identifier(name: str, value: Any) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(checks.text(name, value))
    except ValueError:
        raise ValueError(f"{name} must be a UUID, got {value!r}") from None


_ENCODERS: Final[Mapping[Any, Callable[[str, Any], Any]]] = {
    str: checks.word,
    int: lambda name, value: checks.number(name, value, least=-(2**63), most=2**63 - 1),
    float: checks.decimal,
    MOMENT: _moment,
    DAY: _day,
    UUID: _identifier,
}


def _holds_several(type_: Any) -> bool:
    return any(get_origin(member) is list for member in (type_, *get_args(type_)))


def _split(filters: Mapping[str, tuple[str, ...]]) -> list[dict[str, str]]:
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


def _fields_document(fields: Any, model: type, *, key: str | None, because: Sequence[str]) -> str:
    """The `fields` parameter: one JSON document.

    Args:
        fields: An iterable of names, and of mappings from a name to the names wanted inside it; or a mapping, which
            is passed on as it is.
        model: The model whose fields are chosen from.
        key: Which is asked for besides, as it proves where a listing ends, and which records came before.
        because: The filters that make a record come several times.
    """
    if isinstance(fields, Mapping):
        if because:
            raise ValueError(
                f"{' and '.join(because)} takes several requests, and with fields as a mapping records could come "
                "twice: pass fields as a list of names"
            )
    else:
        names = _names(fields, model, "fields")
        if not names:
            raise ValueError("fields must name at least one field; leave it out to get all")
        fields = {"only": names if key is None or key in names else [*names, key]}
    try:
        return msgspec.json.encode(fields).decode("utf-8")
    except (TypeError, UnicodeEncodeError) as error:
        raise TypeError(f"fields cannot be written as JSON: {error}") from None


def _names(given: Any, model: type | None, place: str) -> list[Any]:
    """Names as they are sent; those inside a field whose shape is open, which has no model, may be any."""
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise TypeError(f"{place} must be an iterable of names and mappings, got {type(given).__name__}: pass a list")
    known = {} if model is None else fields_of(model)

    def checked(name: Any) -> str:
        if checks.text(f"a name in {place}", name) not in known and model is not None:
            way_out = checks.hint(name, known)
            raise ValueError(f"{place}: there is no field {name!r} in {model.__name__}; {way_out}")
        return str(name)

    return [
        {checked(name): _names(inner, model_in(known.get(name)), f"{place}: {name}") for name, inner in entry.items()}
        if isinstance(entry, Mapping)
        else checked(entry)
        for entry in given
    ]
