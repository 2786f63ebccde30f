# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""What the operations and models share: the response, the types with a rule of their own, decoding and the query."""

import datetime
import enum
import functools
import inspect
import json
import os
import re
import threading
import types
import warnings
from collections.abc import Callable, Mapping, MutableMapping, Set
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs
import msgspec

from .errors import DecodeError, NotJsonError

T = TypeVar("T")
P = TypeVar("P")

if TYPE_CHECKING:
    Date = datetime.date
    DateTime = datetime.datetime
else:
    # Tools that stop the date for a test put subclasses in the place of the classes, and msgspec reads neither those
    # nor, from then on, a model that it first met with them.
    _date, _datetime = (
        next(one for one in kind.__mro__ if one.__module__ == "datetime") for kind in (datetime.date, datetime.datetime)
    )
    Date = Annotated[_date, "no alias, which such a tool would replace as well"]
    DateTime = Annotated[_datetime, msgspec.Meta(tz=True)]
    """A moment; always aware of its zone, because a timestamp without one is refused."""

Identifier = Annotated[str, "x-accept-number"]
"""A text that may come as a JSON number, and is then its decimal text."""

UNSET = msgspec.UNSET
"""Stands in what is sent for a field that stays out of the body, where None is sent as null."""

Unset = msgspec.UnsetType


if TYPE_CHECKING:
    from attrs import frozen as model  # which a model is, whatever else it is
else:

    def model(*, kw_only):
        """Make a frozen attrs class, as `attrs.frozen` does, that is a Struct of msgspec besides.

        msgspec fills a Struct in two thirds of the time that any other class takes, and refuses unknown fields (which
        `decode` lets pass). All that the class does, it does as a Struct; attrs knows its fields, so that `attrs.asdict`,
        `attrs.evolve` and all that reads fields work. Its repr shows what is not the default, and it can be
        referred to weakly. It is not to be subclassed.
        """

        def made(plain):
            namespace = {name: value for name, value in vars(plain).items() if name not in ("__dict__", "__weakref__")}
            struct = type(msgspec.Struct)(
                plain.__name__,
                (msgspec.Struct,),
                namespace,
                frozen=True,
                kw_only=kw_only,
                weakref=True,
                forbid_unknown_fields=True,
                repr_omit_defaults=True,
            )
            names, defaults = struct.__struct_fields__, struct.__struct_defaults__
            defaults = (msgspec.NODEFAULT,) * (len(names) - len(defaults)) + defaults
            fields = {
                name: attrs.field(default=attrs.NOTHING if default is msgspec.NODEFAULT else default)
                for name, default in zip(names, defaults, strict=True)
            }
            return attrs.frozen(
                these=fields, kw_only=kw_only, slots=False, init=False, repr=False, eq=False, match_args=False
            )(struct)

        return made


def values_of(record: Any) -> tuple[Any, ...]:
    """The values of a model's fields, in the order of `attrs.fields`."""
    return msgspec.structs.astuple(record)


def plain_of(record: Any) -> dict[str, Any]:
    """A model as JSON holds it, without the fields that are UNSET."""
    plain: dict[str, Any] = msgspec.to_builtins(record, str_keys=True)
    return plain


def model_of(type_: type[T], mapping: Any) -> T:
    """A model of what JSON holds; unknown fields are left out, as `decode` leaves them.

    Raises:
        DecodeError: It is not what `type_` says.
        TypeError: It is not a mapping, or holds what JSON cannot.
    """
    if not isinstance(mapping, Mapping):
        raise TypeError(f"a {type_.__name__} is made of a mapping, got {type(mapping).__name__}")
    return decode(msgspec.json.encode({**mapping}), type_)


@attrs.define
class Response(Generic[T]):
    """The answer to a request."""

    url: str
    """Where it came from, without the query."""
    status_code: int
    """Any number that the server sent, also those that HTTP does not list."""
    content: bytes = attrs.field(repr=False)
    headers: MutableMapping[str, str] = attrs.field(repr=False)
    parsed: T | None = attrs.field(repr=False)
    unknown_fields: Set[str] = attrs.field(factory=frozenset[str], repr=False)
    """The names of the fields in the body that the contract does not know. `parsed` is without them."""


def decode(content: bytes, type_: type[T], unknown_fields: set[str] | None = None) -> T:
    """Read a JSON body, checking every type.

    Args:
        content: The body.
        type_: What it should hold.
        unknown_fields: Takes up the names of fields that `type_` does not have; they are left out.

    Raises:
        DecodeError: The body is not JSON, or does not match `type_`; or a name stands twice around the records of a page.
    """
    model_: Any = type_
    kind = _records_of(model_)
    if kind is None:
        return _decode(content, type_, unknown_fields)
    # By themselves: so one list is all that is there, and around it there is little to look through for names.
    start, end = content.find(b"["), content.rfind(b"]") + 1
    around, records = content, []
    try:
        records = decoder_of(kind).decode(memoryview(content)[start:end])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # what is between the first bracket and the last is something else, or needs care
    else:
        around = content[:start] + b"[]" + content[end:]
    page = _decode(around, model_, unknown_fields)
    _refuse_doubles(around)
    page.data.extend(records)
    return cast("T", page)


def _decode(content: bytes, type_: type[T], unknown_fields: set[str] | None) -> T:
    try:
        try:
            return decoder_of(type_).decode(content)
        except msgspec.ValidationError:
            # Perhaps only because of what is let pass. Rare, so the second reading costs nobody else anything.
            allowed = _allowed(content, type_, set() if unknown_fields is None else unknown_fields)
            return decoder_of(type_).decode(allowed)
    except msgspec.ValidationError as error:
        reason, path = _parse_message(str(error))
        raise DecodeError(path, reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        if _is_grammatical(bytes(content)):
            raise DecodeError(
                "$", "Expected whole characters and finite numbers, got half of a character or NaN"
            ) from None
        raise NotJsonError("$", "Expected JSON, got something else or only a part of it") from None
    except RecursionError:
        raise DecodeError("$", "Expected JSON of reasonable depth, got nesting too deep to read") from None


@functools.cache
def _records_of(type_: Any) -> Any:
    """The type of the records on a page; None where it is not one."""
    types_ = get_type_hints(type_, include_extras=True) if attrs.has(type_) else {}
    return types_["data"] if "pagination" in types_ and get_origin(types_.get("data")) is list else None


def _refuse_doubles(content: bytes) -> None:
    """Refuse a page with a name that stands twice around its records: JSON allows it, and parsers take the last one."""
    counts = [content.count(f'"{name}"'.encode()) for name in _AROUND]
    if max(counts) < 2 and not _ESCAPED.search(content):
        return
    text = content.decode(errors="replace")  # what is left out of a page may be no Unicode
    names: list[str] = []
    around = json.loads(text, object_pairs_hook=_Pairs, parse_int=str)  # of any length
    for pairs in (around, *(value for _, value in around if isinstance(value, _Pairs))):
        names += [name for name, _ in pairs]
    for name in _AROUND:
        if names.count(name) > 1:
            raise DecodeError(
                f"$.{name}", f"Expected every name once, and the answer has `{name}` twice: which one counts is unknown"
            )


class _Pairs(list[tuple[str, Any]]):
    """The names and values of an object, as they stand there."""


_AROUND = ("data", "pagination", "cursor")
"""What stands around the records of each list, as the contract's check sees to."""
_ESCAPED = re.compile(rb"\\u00[67]")
"""A letter as one may write it in JSON, and hardly anybody does."""


@attrs.frozen
class Unreadable:
    """A record that does not match the contract."""

    raw: bytes = attrs.field(repr=False)
    """The record as it came, as JSON."""
    error: DecodeError
    """Where in the page, and why."""


def decode_each(
    content: bytes, page: type[P], record: type[T], unknown_fields: set[str]
) -> tuple[P, list[T | Unreadable]]:
    """Read a page whose records are not all what the contract says.

    Args:
        content: The body.
        page: What it should hold, but for the records in its `data`.
        record: What each record should be.
        unknown_fields: As for `decode`.

    Returns:
        The page without records, and the records in their order.

    Raises:
        DecodeError: What is around the records does not match the contract either.
    """
    try:
        parts = {**_object.decode(content)}
        raws: list[bytes] = [bytes(raw) for raw in _array.decode(parts.get("data", b"null"))]
    except (msgspec.ValidationError, RecursionError):
        return decode(content, page, unknown_fields), []  # which says what is wrong
    except (msgspec.DecodeError, UnicodeDecodeError):  # text that is not Unicode
        try:
            document = json.loads(content)
            if not isinstance(document["data"], list):
                raise TypeError("no list of records")
            parts = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in document.items()}
            raws = [json.dumps(value).encode() for value in document["data"]]
            _raw([*parts])  # which refuses names that are not Unicode
        except (KeyError, TypeError, ValueError, RecursionError):
            return decode(content, page, unknown_fields), []  # as above
    _refuse_doubles(content)
    rest = _decode(_raw({**parts, "data": []}), page, unknown_fields)
    records: list[T | Unreadable] = []
    for index, raw in enumerate(raws):
        try:
            records.append(decode(raw, record, unknown_fields))
        except DecodeError as error:
            path = f"$.data[{index}]{error.path.removeprefix('$')}"
            records.append(Unreadable(raw, DecodeError(path, error.reason)))
    return rest, records


def _is_grammatical(content: bytes) -> bool:
    """Whether it is JSON in UTF-8 by its grammar alone, which accepts half a character; Python's has NaN besides."""
    try:
        json.loads(content.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return False
    return True


def content_of(body: object, type_: Any) -> bytes:
    """A body as JSON, without the fields that are UNSET.

    Raises:
        ValueError: It does not hold what `type_` says; the message names the place, and nothing of the body.
    """
    if attrs.has(type_) and not isinstance(body, type_):  # a map has no class, and is read below
        raise ValueError(f"body must be a {type_.__name__}, got {type(body).__name__}")  # noqa: TRY004
    try:
        content = msgspec.json.encode(body)
        decoder_of(type_).decode(content)
    except (msgspec.MsgspecError, TypeError, UnicodeEncodeError) as error:
        reason, path = _parse_message(str(error))
        raise ValueError(f"body, {path}: {reason}") from None
    return content


def decoder_of(type_: type[T]) -> msgspec.json.Decoder[T]:
    """The decoder of a type, built once."""
    if type_ not in _decoders:
        with _building:
            if type_ not in _decoders:
                _decoders[type_] = msgspec.json.Decoder(type_)
    return _decoders[type_]


def query_of(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The query parameters as text, without those that are None."""
    return {name: query_value(value) for name, value in parameters.items() if value is not None}


def query_value(value: Any) -> str:
    """One value as it is written in a URL: moments in UTC, truth values as JSON writes them."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime.datetime():
            return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
        case datetime.date():
            return value.isoformat()
        case enum.Enum():
            return str(value.value)
        case _:
            return str(value)


def within(name: str, value: T, type_: Any) -> T:
    """A parameter that keeps the bounds of its type, as None does, which is not sent.

    Raises:
        ValueError: It does not.
    """
    if value is not None:
        try:
            msgspec.convert(value, type_)
        except msgspec.ValidationError as error:
            raise ValueError(f"{name}: {_parse_message(str(error))[0]}") from None
    return value


def without_doubles(name: str, values: list[Any] | Unset | None) -> None:
    """Refuse a list in which a value stands twice.

    Raises:
        ValueError: It does.
    """
    if isinstance(values, list):
        written = {msgspec.json.encode(value, order="deterministic") for value in values}
        if len(written) < len(values):
            raise ValueError(f"{name}: Expected every value once")


def warn_deprecated(what: str, *within: str) -> None:
    """Warn of what the contract calls deprecated, at the line that uses it.

    Args:
        what: What to say.
        within: The packages whose lines are not meant, besides this one.
    """
    level, frame = 1, inspect.currentframe()
    while frame is not None and _package_of(frame) in (__name__.partition(".")[0], *within):
        level, frame = level + 1, frame.f_back
    if frame is None or _package_of(frame) != "payt":  # which warns where it is called itself
        warnings.warn(what, DeprecationWarning, stacklevel=level)


def _package_of(frame: types.FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_building = threading.RLock()
"""Held while a decoder is built. What msgspec knows of a type by then is half of it, and crashes whoever uses it: another
thread, or a child that is forked meanwhile."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_building.acquire, after_in_parent=_building.release, after_in_child=_building.release)


def _parse_message(message: str) -> tuple[str, str]:
    """The reason and the path in a message of msgspec, without the value that some messages quote."""
    reason, _, path = message.partition(" - at `")
    return re.sub(r" '.*'$", "", reason, flags=re.DOTALL), path.removesuffix("`") or "$"


Json = bytes | msgspec.Raw
LetPass = Callable[[Json, set[str]], Json]


def _allowed(content: Json, type_: Any, unknown_fields: set[str]) -> Json:
    """JSON in which the numbers are texts that stand where `type_` has an Identifier, and unknown fields are left out.

    What it does not look into stays as it came, whatever it is: values of other kinds, and those of unknown fields.
    """
    let_pass = _letting_pass(type_)
    return content if let_pass is None else let_pass(content, unknown_fields)


@functools.cache
def _letting_pass(type_: Any) -> LetPass | None:
    """What `_allowed` does for a type; None where that is nothing."""
    origin, arguments = get_origin(type_), get_args(type_)
    if type_ == Identifier:
        return _number_as_text
    if attrs.has(type_):
        return functools.partial(_known, type_)
    if origin is list:
        inner = _letting_pass(arguments[0])
        return inner and functools.partial(_each, inner)
    if origin is dict:
        inner = _letting_pass(arguments[1])
        return inner and functools.partial(_each_value, inner)
    if origin in (types.UnionType, Union):  # of which JSON can tell the members apart
        members = [found for member in arguments if (found := _letting_pass(member))]
        return functools.partial(_one_of, members) if members else None
    return None


def _number_as_text(value: Json, _: set[str]) -> Json:
    text = bytes(value)
    return msgspec.Raw(b'"%b"' % text) if re.fullmatch(rb"-?\d{1,100}", text) else value


def _known(model: type, value: Json, unknown_fields: set[str]) -> Json:
    if not _opens_with(b"{", value):
        return value
    known = _letting_pass_in(model)
    given: dict[str, Json] = {**_object.decode(value)}
    for name in given.keys() - known.keys():
        unknown_fields.add(name)
        del given[name]
    for name, let_pass in known.items():
        if let_pass is not None and name in given:
            given[name] = let_pass(given[name], unknown_fields)
    return _raw(given)


@functools.cache
def _letting_pass_in(model: type) -> dict[str, LetPass | None]:
    """The same for each field of a model."""
    return {name: _letting_pass(type_) for name, type_ in get_type_hints(model, include_extras=True).items()}


def _each(inner: LetPass, value: Json, unknown_fields: set[str]) -> Json:
    if not _opens_with(b"[", value):
        return value
    return _raw([inner(item, unknown_fields) for item in _array.decode(value)])


def _each_value(inner: LetPass, value: Json, unknown_fields: set[str]) -> Json:
    if not _opens_with(b"{", value):
        return value
    return _raw({name: inner(item, unknown_fields) for name, item in _object.decode(value).items()})


def _one_of(members: list[LetPass], value: Json, unknown_fields: set[str]) -> Json:
    for let_pass in members:
        value = let_pass(value, unknown_fields)
    return value


def _opens_with(bracket: bytes, value: Json) -> bool:
    return bytes(value).lstrip()[:1] == bracket


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


_array = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


__all__ = (
    "UNSET",
    "DateTime",
    "Identifier",
    "Response",
    "Unreadable",
    "Unset",
    "content_of",
    "decode",
    "decode_each",
    "model",
    "model_of",
    "plain_of",
    "query_of",
    "query_value",
    "values_of",
    "warn_deprecated",
    "within",
    "without_doubles",
)
