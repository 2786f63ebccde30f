"""A list: from the query to the bytes of the page, as the contract has it."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from werkzeug.datastructures import MultiDict

from payt.contract import resolved
from payt.listing.shapes import ADMINISTRATION
from payt.testing.answers import RequestRefusedError, error_answer, json_bytes
from payt.testing.invention import key_of
from payt.testing.lists import ServedList
from payt.testing.records import Record, Records

LastPage: TypeAlias = Literal["null", "missing", "null-pagination", "empty-string", "missing-cursor", "empty-page"]
"""How a listing shows its end, which nobody knows of the real API (see `FakePayt`)."""


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of one request, read and checked.

    Attributes:
        administration_id: Whose records; None where the list has no administrations.
        wanted: Fields of records, each with the values of which one must be there.
        watermark: The field that says when a record was changed.
        after: Records must have been changed after this.
        fields: What is sent of a record: the names to keep ("only"), and those to leave out ("except"), if given.
        cursor: The key of the record before the page.
        per_page: How many records at most.
    """

    administration_id: str | None
    wanted: Sequence[tuple[str, frozenset[str]]]
    watermark: str | None
    after: datetime | None
    fields: "Mapping[str, Names]"
    cursor: int | str | None
    per_page: int

    def matches(self, record: Record) -> bool:
        """Tell whether a record passes every filter that was given."""
        if not all(_listed(record.fields.get(field), values) for field, values in self.wanted):
            return False
        changed = None if self.after is None else _read("date-time", record.fields.get(self.watermark or ""))
        return self.after is None or (changed is not None and changed > self.after)


def read_query(served: ServedList, parameters: MultiDict[str, str]) -> Query:
    """Read the query of a request; a list of values that is given empty counts as not given.

    Filters that the contract does not say the field of are checked, and pass everything.

    Raises:
        RequestRefusedError: With status 422, as something is missing or not what the contract asks for.
    """
    spec = served.spec
    given = {name: _value(name, parameter, parameters.getlist(name)) for name, parameter in served.parameters.items()}
    return Query(
        administration_id=given.get(ADMINISTRATION),
        wanted=[
            (field, frozenset(given[name].split(",")))
            for name, field in spec.separated.items()
            if field and given[name]
        ],
        watermark=spec.watermark,
        after=given.get(spec.after or ""),
        fields=read_fields(given.get("fields")),
        cursor=None if given["cursor"] is None else key_of(given["cursor"]),
        per_page=given["per_page"] or served.parameters["per_page"]["schema"].get("default", spec.most),
    )


def render_page(
    records: Records, query: Query, last_page: LastPage, *, numbers: bool, extra_fields: Mapping[str, Any]
) -> bytes:
    """Write the page that a query asks for, in the style that `FakePayt` describes; the caller holds the lock."""
    matching = filter(query.matches, records.after(query.cursor))
    page = list(islice(matching, query.per_page))
    more = len(page) == query.per_page if last_page == "empty-page" else next(matching, None) is not None
    if not query.fields and not numbers and not extra_fields:
        rows = [record.json for record in page]
    else:
        unnamed = () if "only" in query.fields else records.served.on_request
        rows = []
        for record in page:
            row = {**record.fields, **extra_fields, **({records.served.key: record.key} if numbers else {})}
            sent: Any = {name: value for name, value in row.items() if name not in unnamed}
            for word, names in query.fields.items():
                sent = _picked(sent, names, only=word == "only")
            rows.append(json_bytes(sent))
    end = _LAST_PAGE[last_page]
    if more:
        end = b',"pagination":' + json_bytes({"cursor": page[-1].key if numbers else str(page[-1].key)})
    return b'{"data":[' + b",".join(rows) + b"]" + end + b"}"


def page_number(records: Records, query: Query) -> int:
    """Tell which page of its listing a query asks for; the first is 1."""
    matching = sum(map(query.matches, records.after(None)))
    behind = 0 if query.cursor is None else matching - sum(map(query.matches, records.after(query.cursor)))
    return math.ceil(behind / query.per_page) + 1


Names: TypeAlias = dict[str, "Names | None"]
"""Names of fields; behind each the names chosen within it, or None for all of it."""


def read_fields(text: str | None) -> Mapping[str, Names]:
    """Read the parameter `fields`, for example `{"only":["id",{"label":["name"]}]}`.

    Raises:
        RequestRefusedError: It is not JSON, or not of that shape.
    """
    if text is None:
        return {}
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or not document.keys() <= {"only", "except"}:
            raise refusal('fields is invalid: an object with "only" or "except" is expected')
        return {word: _names(listed) for word, listed in document.items()}
    except (ValueError, RecursionError):
        raise refusal("fields is invalid: not a JSON document") from None


def refusal(message: str) -> RequestRefusedError:
    """Refuse a parameter."""
    return RequestRefusedError(error_answer(422, message))


def _value(name: str, parameter: Mapping[str, Any], given: list[str]) -> Any:
    """What a parameter holds; None where it is not given."""
    schema = resolved(parameter["schema"])
    if not any(given) and parameter.get("required"):
        raise refusal(f"{name} is missing")
    if schema.get("type") == "array":
        return [_checked(name, each, resolved(schema["items"])) for each in given]
    if len(given) > 1:
        raise refusal(f"{name} is given more than once")
    return _checked(name, given[0], schema) if given else None


def _checked(name: str, text: str, schema: Mapping[str, Any]) -> Any:
    """What a text says, if it is what a schema asks for."""
    types = schema.get("type", "string")
    form = schema["format"] if schema.get("format") in _FORMS else types if isinstance(types, str) else types[0]
    value = _read(form, text)
    expected = _FORMS[form][2]
    bounds = [f"{word} {schema[key]}" for word, key in (("from", "minimum"), ("to", "maximum")) if key in schema]
    if "enum" in schema:
        expected = f"one of {', '.join(map(str, schema['enum']))}"
    if (
        value is None
        or value not in schema.get("enum", [value])
        or not schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        raise refusal(f"{name} is invalid: {' '.join([expected, *bounds])} is expected")
    return value


def _read(form: str, text: object) -> Any:
    """Read a text of some form; None for anything else."""
    pattern, read, _ = _FORMS[form]
    if not isinstance(text, str) or not re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL):
        return None
    try:
        return read(text)
    except ValueError:  # a 13th month
        return None


_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FORMS: Final[Mapping[str, tuple[str, Callable[[str], Any], str]]] = {
    "string": (".*", str, "a text"),
    "integer": ("-?[0-9]+", int, "a whole number"),
    "number": (r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", float, "a number"),
    "boolean": ("(?-i:true|false)", "true".__eq__, "true or false"),
    "date": (_DAY, date.fromisoformat, "a date (ISO 8601)"),
    "uuid": ("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", UUID, "a UUID"),
    "date-time": (  # RFC 3339, the form of ISO 8601 that is used on the web
        _DAY + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})",
        lambda text: datetime.fromisoformat(text.upper()),
        "an ISO 8601 timestamp with an offset",
    ),
}
"""The types and formats of texts: what they look like, how they are read, what they are called."""


def _names(*lists: object) -> Names:
    """Read lists of names as one; a field that is named by itself is chosen whole."""
    whole: Names = {}
    within: dict[str, list[object]] = {}
    for listed in lists:
        if not isinstance(listed, list):
            raise refusal("fields is invalid: a list of names is expected")
        for item in listed:
            if isinstance(item, str):
                whole[item] = None
            elif isinstance(item, dict):
                for name, nested in item.items():
                    within.setdefault(name, []).append(nested)
            else:
                raise refusal("fields is invalid: names, or objects of names, are expected in a list")
    return {name: _names(*nested) for name, nested in within.items()} | whole


def _picked(value: Any, names: Names, *, only: bool) -> Any:
    """Keep only the names, or all others."""
    if isinstance(value, list):
        return [_picked(item, names, only=only) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: part if (nested := names.get(name)) is None else _picked(part, nested, only=only)
        for name, part in value.items()
        if (name in names) == only or names.get(name) is not None
    }


def _listed(value: object, wanted: frozenset[str]) -> bool:
    """Tell whether a value, or one of a list of values, is wanted; records may hold whatever a test needs."""
    values = value if isinstance(value, list) else [value]
    return any(isinstance(item, (str, int)) and str(item) in wanted for item in values)


_LAST_PAGE: Final[Mapping[LastPage, bytes]] = {
    "null": b',"pagination":{"cursor":null}',
    "missing": b"",
    "null-pagination": b',"pagination":null',
    "empty-string": b',"pagination":{"cursor":""}',
    "missing-cursor": b',"pagination":{}',
    "empty-page": b',"pagination":{"cursor":null}',
}
