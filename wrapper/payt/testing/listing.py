"""GET /v1/contacts: from the query to the bytes of the page."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from werkzeug.datastructures import MultiDict

from payt.testing.administration import BEFORE_ALL, Administration, Record, parse_timestamp
from payt.testing.answers import RequestRefusedError, error_answer, json_bytes

LastPage: TypeAlias = Literal["null", "missing", "null-pagination", "empty-string", "missing-cursor", "empty-page"]
"""How a listing shows its end, which nobody knows of the real API (see `FakePayt`)."""


@dataclass(frozen=True, slots=True)
class PageStyle:
    """How pages are written.

    Attributes:
        last_page: How the end shows.
        numbers: Whether ids and cursors are JSON numbers.
        extra_fields: Fields, unknown to the contract, that every contact gets.
    """

    last_page: LastPage
    numbers: bool
    extra_fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ContactsQuery:
    """The parameters of one request, read and checked."""

    administration_id: str
    ids: frozenset[str] | None
    contact_identifiers: frozenset[str] | None
    debtor_numbers: frozenset[str] | None
    updated_after: datetime | None
    fields: "FieldSelection | None"
    cursor: int
    per_page: int

    def matches(self, record: Record) -> bool:
        """Tell whether a contact passes every filter that was given."""
        found = record.contact
        return (
            _listed(str(record.number), self.ids)
            and _listed(found.get("contact_identifier"), self.contact_identifiers)
            and _listed(found.get("debtor_numbers"), self.debtor_numbers)
            and _later(record.updated_at, self.updated_after)
        )


def read_query(parameters: MultiDict[str, str]) -> ContactsQuery:
    """Read the query of a request; a list that is given empty counts as not given.

    Raises:
        RequestRefusedError: With status 422, as something is missing or not what the contract asks for.
    """
    for name in _PARAMETERS:
        if len(parameters.getlist(name)) > 1:
            raise _refused(f"{name} is given more than once")
    administration_id = parameters.get("administration_id")
    if not administration_id:
        raise _refused("administration_id is missing")
    return ContactsQuery(
        administration_id=administration_id,
        ids=_list(parameters.get("ids")),
        contact_identifiers=_list(parameters.get("contact_identifiers")),
        debtor_numbers=_list(parameters.get("debtor_numbers")),
        updated_after=_updated_after(parameters.get("updated_after")),
        fields=read_fields(parameters.get("fields")),
        cursor=_cursor(parameters.get("cursor")),
        per_page=_per_page(parameters.get("per_page", "100")),
    )


def render_page(administration: Administration, query: ContactsQuery, style: PageStyle) -> bytes:
    """Write the page that a query asks for."""
    matching = filter(query.matches, administration.records(after=query.cursor))
    page = list(islice(matching, query.per_page))
    more = next(matching, None) is not None
    if style.last_page == "empty-page":
        more = len(page) == query.per_page
    rows = b",".join(_rows(page, query.fields, style))
    return b'{"data":[' + rows + b"]" + _pagination(page[-1].number if more else None, style) + b"}"


def page_number(administration: Administration, query: ContactsQuery) -> int:
    """Tell which page of its listing a query asks for; the first is 1."""
    before = sum(record.number <= query.cursor for record in filter(query.matches, administration.records()))
    return math.ceil(before / query.per_page) + 1


Names: TypeAlias = dict[str, "Names | None"]
"""Names of fields; behind each the names chosen within it, or None for all of it."""


@dataclass(frozen=True, slots=True)
class FieldSelection:
    """The fields that a request wants.

    Attributes:
        only: The fields to keep; None keeps all.
        excluded: The fields to leave out of these.
    """

    only: Names | None
    excluded: Names

    def of(self, value: Mapping[str, Any]) -> Any:
        """Return what is left of an object."""
        return _without(value if self.only is None else _only(value, self.only), self.excluded)


def read_fields(text: str | None) -> FieldSelection | None:
    """Read the parameter `fields`, for example `{"only":["id",{"label":["name"]}]}`.

    Raises:
        RequestRefusedError: It is not JSON, or not of that shape.
    """
    if text is None:
        return None
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or not document.keys() <= {"only", "except"}:
            raise _refused('fields is invalid: an object with "only" or "except" is expected')
        names = {key: _names(value) for key, value in document.items()}
    except (ValueError, RecursionError):
        raise _refused("fields is invalid: not a JSON document") from None
    return FieldSelection(only=names.get("only"), excluded=names.get("except", _NOTHING))


_NOTHING: Final[Names] = {}
_PARAMETERS: Final = (
    "administration_id",
    "ids",
    "contact_identifiers",
    "debtor_numbers",
    "updated_after",
    "fields",
    "cursor",
    "per_page",
)


def _refused(message: str) -> RequestRefusedError:
    return RequestRefusedError(error_answer(422, message))


def _list(text: str | None) -> frozenset[str] | None:
    return frozenset(text.split(",")) if text else None


def _updated_after(text: str | None) -> datetime | None:
    moment = parse_timestamp(text)
    if moment is None and text is not None:
        raise _refused("updated_after is invalid: an ISO 8601 timestamp with an offset is expected")
    return moment


def _cursor(text: str | None) -> int:
    if text is None:
        return BEFORE_ALL
    if not re.fullmatch(r"[0-9]{1,30}", text):
        raise _refused("cursor is invalid: it is none that this API gave")
    return int(text)


def _per_page(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,30}", text) or not 1 <= int(text) <= 500:
        raise _refused("per_page is invalid: a whole number from 1 to 500 is expected")
    return int(text)


def _names(value: object) -> Names:
    if not isinstance(value, list):
        raise _refused("fields is invalid: a list of names is expected")
    names: Names = {}
    for item in value:
        if isinstance(item, str):
            _merge(names, {item: None})
        elif isinstance(item, dict):
            _merge(names, {name: _names(nested) for name, nested in item.items()})
        else:
            raise _refused("fields is invalid: names, or objects of names, are expected in a list")
    return names


def _merge(names: Names, others: Names) -> None:
    """Add names to others; a field that was chosen whole stays so."""
    for name, nested in others.items():
        if nested is None:
            names[name] = None
        elif (chosen := names.setdefault(name, {})) is not None:
            _merge(chosen, nested)


def _only(value: Any, names: Names) -> Any:
    if isinstance(value, list):
        return [_only(item, names) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: part if (nested := names[name]) is None else _only(part, nested)
        for name, part in value.items()
        if name in names
    }


def _without(value: Any, names: Names) -> Any:
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _without(part, nested)
        for name, part in value.items()
        if (nested := names.get(name, _NOTHING)) is not None
    }


def _listed(value: object, wanted: frozenset[str] | None) -> bool:
    """Tell whether a value, or one of a list of values, is wanted; contacts may hold whatever a test needs."""
    values = value if isinstance(value, list) else [value]
    return wanted is None or any(isinstance(item, str) and item in wanted for item in values)


def _later(updated_at: datetime | None, moment: datetime | None) -> bool:
    return moment is None or (updated_at is not None and updated_at > moment)


def _rows(page: list[Record], fields: FieldSelection | None, style: PageStyle) -> Iterator[bytes]:
    if fields is None and not style.numbers and not style.extra_fields:
        return (record.json for record in page)
    return (json_bytes(_row(record, fields, style)) for record in page)


def _row(record: Record, fields: FieldSelection | None, style: PageStyle) -> Any:
    row = {**record.contact, **style.extra_fields}
    if style.numbers:
        row["id"] = record.number
    return fields.of(row) if fields else row


def _pagination(cursor: int | None, style: PageStyle) -> bytes:
    if cursor is not None:
        return b',"pagination":' + json_bytes({"cursor": cursor if style.numbers else str(cursor)})
    return _LAST_PAGE[style.last_page]


_LAST_PAGE: Final[Mapping[LastPage, bytes]] = {
    "null": b',"pagination":{"cursor":null}',
    "missing": b"",
    "null-pagination": b',"pagination":null',
    "empty-string": b',"pagination":{"cursor":""}',
    "missing-cursor": b',"pagination":{}',
    "empty-page": b',"pagination":{"cursor":null}',
}
