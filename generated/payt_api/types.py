# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""What the operations and models share: the response, the types with a rule of their own, decoding and the query."""

import datetime
import enum
import functools
import re
import types
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec

from .errors import DecodeError

T = TypeVar("T")

DateTime = Annotated[datetime.datetime, msgspec.Meta(tz=True)]
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

        msgspec fills a Struct in two thirds of the time that any other class takes. All that the class does, it does as
        a Struct; attrs knows its fields, so that `attrs.asdict`, `attrs.evolve` and all else of attrs work. Python's
        garbage collector does not look at it, as no JSON holds itself.
        """

        def made(plain):
            namespace = {name: value for name, value in vars(plain).items() if name not in ("__dict__", "__weakref__")}
            struct = type(msgspec.Struct)(
                plain.__name__, (msgspec.Struct,), namespace, frozen=True, kw_only=kw_only, gc=False
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


@attrs.define
class Response(Generic[T]):
    """The answer to a request."""

    status_code: int
    """Any number that the server sent, also those that HTTP does not list."""
    content: bytes = attrs.field(repr=False)
    headers: MutableMapping[str, str] = attrs.field(repr=False)
    parsed: T | None = attrs.field(repr=False)


def decode(content: bytes, type_: type[T]) -> T:
    """Read a JSON body, checking every type.

    Raises:
        DecodeError: The body is no JSON, or not what `type_` says.
    """
    try:
        try:
            return decoder_of(type_).decode(content)
        except msgspec.ValidationError as error:
            # Perhaps only because ids came as numbers: rare, so the second reading costs nobody else anything.
            try:
                document = msgspec.json.decode(content)
            except msgspec.DecodeError:
                raise error from None
            return msgspec.convert(_numbers_to_text(document, type_), type_)
    except msgspec.ValidationError as error:
        reason, path = _parse_message(str(error))
        raise DecodeError(path, reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DecodeError("$", "Expected JSON, got something else or only a part of it") from None
    except RecursionError:
        raise DecodeError("$", "Expected JSON of reasonable depth, got nesting too deep to read") from None


def content_of(body: T, type_: type[T]) -> bytes:
    """A body as JSON, without the fields that are UNSET.

    Raises:
        ValueError: It does not hold what `type_` says; the message names the place, and nothing of the body.
    """
    if not isinstance(body, type_):
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
    return _decoders.get(type_) or _decoders.setdefault(type_, msgspec.json.Decoder(type_))


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


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def _parse_message(message: str) -> tuple[str, str]:
    """The reason and the path in a message of msgspec, without the value that some messages quote."""
    reason, _, path = message.partition(" - at `")
    return re.sub(r" '.*'$", "", reason, flags=re.DOTALL), path.removesuffix("`") or "$"


def _numbers_to_text(value: Any, type_: Any) -> Any:
    """`value` with the numbers replaced that stand where `type_` has an Identifier."""
    if type_ == Identifier:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in (types.UnionType, Union):
        for member in arguments:
            value = _numbers_to_text(value, member)
    elif origin is list and isinstance(value, list):
        return [_numbers_to_text(item, arguments[0]) for item in value]
    elif attrs.has(type_) and isinstance(value, dict):
        hints = _hints(type_)
        return {name: _numbers_to_text(item, hints.get(name)) for name, item in value.items()}
    return value


@functools.cache
def _hints(type_: type) -> dict[str, Any]:
    return get_type_hints(type_, include_extras=True)


__all__ = (
    "UNSET",
    "DateTime",
    "Identifier",
    "Response",
    "Unset",
    "content_of",
    "decode",
    "model",
    "query_of",
    "query_value",
    "values_of",
)
