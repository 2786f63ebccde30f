"""Which operations of a contract are lists, and what the keys beginning with `x-` say of them."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs
from document import alternatives_of, json_in, operations_of, resolve, schemas_of, types_of
from lint import is_listing, lacking_in_listing

# What a client has besides its resources: a tag of such a name would stand in its way.
NAMES_OF_A_CLIENT = {"aclose", "base_url", "call", "close", "with_options"}
# What the command line has besides resources, and what each list of a resource has there.
NAMES_OF_COMMANDS = {"contract", "demo", "login", "logout", "serve_fake", "status"}
NAMES_OF_A_LISTS_COMMANDS = {"check", "export", "show", "sync"}
# The columns that a copy has of its own.
NAMES_OF_A_COPY = {"deleted_at", "first_seen_at", "synced_at"}
# Arguments that the methods have of their own.
NAMES_OF_A_METHOD = {"administration_ids", "concurrency", "limit", "on_error", "on_invalid", "prefetch", "self"}
# Parameters that the methods pass as they are, or make up.
TEXTS = {"administration_id", "cursor", "fields"}


@attrs.frozen
class List:
    """An operation that lists.

    Attributes:
        place: Its method and path.
        operation: Itself, as the document describes it.
        parameters: Its parameters by their names.
        record: The schema of its records.
        cursor: That of the cursor of the next page.
        tag: The resource that it belongs to.
        method: The name of the method that lists.
    """

    place: str
    operation: dict[str, Any]
    parameters: dict[str, dict[str, Any]]
    record: dict[str, Any]
    cursor: dict[str, Any]
    tag: str
    method: str

    @property
    def name(self) -> str:
        """What the list is called where lists are named: `contacts`, `invoices.deleted`."""
        return self.tag if self.method == "list" else f"{self.tag}.{self.method}"

    @property
    def separated(self) -> dict[str, str | None]:
        """The parameters that take several values, with the field of the record that each looks at."""
        return {
            name: parameter.get("x-matches")
            for name, parameter in self.parameters.items()
            if parameter.get("x-comma-separated")
        }


def lists_of(document: dict[str, Any]) -> Iterator[List]:
    """Every GET with `cursor` and `per_page` whose page has `data` and `pagination.cursor`."""
    for place, operation, parameters in operations_of(document):
        by_name = {parameter.get("name", ""): parameter for parameter in parameters}
        named = operation.get("x-list", "list")
        page = page_of(document, operation)
        if place.startswith("GET ") and {"cursor", "per_page"} <= by_name.keys() and page and named is not False:
            tag = next(iter(operation.get("tags", [])), "")
            yield List(place, operation, by_name, *page, tag, str(named))


def problems_of_lists(document: dict[str, Any]) -> Iterator[str]:
    """What cannot become a typed method, and keys that contradict what they stand beside."""
    lists = [*lists_of(document)]
    yield from _of_methods(lists)
    yield from _of_places(document)
    for each in lists:
        for rule in (_of_names, _of_parameters, _of_cursor, _of_fields, _of_copy):
            yield from (f"{each.place}: {problem}" for problem in rule(document, each))
    listing = {each.place for each in lists}
    for place, operation, parameters in operations_of(document):
        if isinstance(operation.get("x-list"), str) and place not in listing:
            yield f"{place}: x-list names a method, but this operation is not a list: see docs/contract.md"
        for parameter in parameters:
            for problem in _of_separated(parameter):
                yield f"{place}, parameter {parameter.get('name')!r}: {problem}"


def _of_methods(lists: list[List]) -> Iterator[str]:
    """Methods of one resource that would have the same name."""
    for name, count in Counter(each.name for each in lists).items():
        if count > 1:
            yield f"{count} lists would be client.{name}: give all but one of them a name of its own by `x-list`"
    names = {each.name for each in lists}
    for each in lists:
        if "administration_id" in each.parameters and f"{each.tag}.{each.method}_many" in names:
            yield (
                f"{each.place}: its method for many administrations is client.{each.tag}.{each.method}_many, which is "
                "another list too: give one of them another name by `x-list`"
            )


def _of_places(document: dict[str, Any]) -> Iterator[str]:
    """Keys about records that stand where no list has a record."""
    records = [page[0] for _, operation, _ in operations_of(document) if (page := page_of(document, operation))]
    fields = [field for record in records for field in properties_of(document, record).values()]
    read = [(("x-columns", "x-copy"), records, "the record"), (("x-on-request",), fields, "a property of the record")]
    overlooked = [
        f"{place}: {key} would be overlooked: it belongs to {where} of a list"
        for place, schema in schemas_of(document)
        for keys, nodes, where in read
        for key in keys
        if key in schema and not any(schema is node for node in nodes)
    ]
    if overlooked:  # perhaps of what was meant to be one
        yield from _of_no_lists(document)
    yield from overlooked


def _of_no_lists(document: dict[str, Any]) -> Iterator[str]:
    """Why operations are no lists that look as if they were."""
    for place, operation, parameters in operations_of(document):
        if is_listing(operation, parameters) and page_of(document, operation) is None:
            yield from (f"{place}: {why}" for why in lacking_in_listing(document, operation, parameters))


def _of_names(document: dict[str, Any], each: List) -> Iterator[str]:
    if each.tag in NAMES_OF_COMMANDS:
        yield f"its first tag, {each.tag!r}, is a command already, so `payt {each.tag} list` could not be: rename it"
    if each.tag in NAMES_OF_A_CLIENT:
        yield f"its first tag, {each.tag!r}, is a name that every client has already, client.{each.tag}: rename it"
    elif keyword.iskeyword(each.tag):
        yield f"its first tag, {each.tag!r}, is a word of Python, so client.{each.tag} could not be: rename it"
    elif not _is_name(each.tag):
        yield f"its first tag, {each.tag!r}, becomes client.{each.tag or '…'}: write one in snake_case, as in contacts"
    elif not any(tag.get("name") == each.tag and tag.get("description") for tag in document.get("tags", [])):
        yield f"the tag {each.tag!r} has no description among `tags`: it becomes the docstring of client.{each.tag}"
    if each.method in NAMES_OF_A_LISTS_COMMANDS:
        yield f"x-list: {each.method!r} is a command of every list: give the method another name"
    elif keyword.iskeyword(each.method):
        yield f"x-list: {each.method!r} is a word of Python, and no method has its name: give the method another name"
    elif not _is_name(each.method):
        yield f"x-list: {each.method!r} becomes the name of a method: write it in snake_case, or false"


def _of_parameters(_document: dict[str, Any], each: List) -> Iterator[str]:
    for name, parameter in each.parameters.items():
        if name in NAMES_OF_A_METHOD or not _is_name(name):
            yield (
                f"parameter {name!r}: the method that lists cannot have an argument of that name: leave the parameter "
                "out, or write `x-list: false` and use client.call"
            )
        if name in TEXTS and parameter.get("schema", {}).get("type") != "string":
            yield f"parameter {name!r}: the method that lists passes a text: write `type: string`"
    if each.parameters["cursor"].get("required"):
        yield "parameter 'cursor': the first page is asked for without one: leave `required` out"
    if "maximum" not in each.parameters["per_page"].get("schema", {}):
        yield "its per_page has no maximum, which is what a method asks for where users do not say"


def _of_cursor(document: dict[str, Any], each: List) -> Iterator[str]:
    if _kinds_in(document, each.cursor) - {"null"} != {"string"}:
        yield 'its `pagination.cursor` is a text, which asks for the next page: write `type: [string, "null"]`'


def _of_fields(document: dict[str, Any], each: List) -> Iterator[str]:
    fields = properties_of(document, each.record)
    for name, field in each.separated.items():
        if field is not None and field not in [*fields]:
            yield f"parameter {name!r}: x-matches: {field!r} is not a field of the record"
    columns = each.record.get("x-columns", [*fields])
    if not isinstance(columns, list) or len({*map(str, columns)}) < len(columns) or columns == []:
        yield "x-columns must be a list of fields of the record, each once"
        return
    for name in columns:
        if name not in [*fields]:
            yield f"x-columns: {name!r} is not a field of the record"
    if any(field.get("x-on-request") for field in fields.values()) and "fields" not in each.parameters:
        yield "a property is x-on-request, and without a parameter `fields` it cannot be asked for"


def _of_copy(document: dict[str, Any], each: List) -> Iterator[str]:
    fields, copy = properties_of(document, each.record), each.record.get("x-copy", {"key": None})
    if not isinstance(copy, dict) or "key" not in copy or not copy.keys() <= {"key", "watermark"}:
        yield "x-copy must be {key: FIELD} or {key: FIELD, watermark: FIELD}"
        return
    for role, name in copy.items():
        if "x-copy" in each.record and (not isinstance(name, str) or name not in fields):
            yield f"x-copy: {role}: {name!r} is not a field of the record"
            return
    key, watermark = copy["key"], copy.get("watermark")
    if key is not None:
        yield from _of_key(document, each, key)
    if watermark in fields and fields[watermark].get("format") != "date-time":
        yield f"x-copy: watermark: {watermark!r} is not a date-time"
    asked_with = {} if watermark is None else each.parameters.get(after_of(watermark), {}).get("schema", {})
    if watermark is not None and asked_with.get("format") != "date-time":
        yield f"x-copy: a watermark needs a parameter {after_of(watermark)} of format date-time to ask with"
    for name, parameter in each.parameters.items():
        if (
            copy["key"] is not None
            and parameter.get("required")
            and name not in ("administration_id", "cursor", "per_page")
        ):
            yield f"x-copy: a copy lists everything, and {name!r} is required: give the records a schema of their own"


def _of_key(document: dict[str, Any], each: List, key: str) -> Iterator[str]:
    """A key that tells no records apart, and fields that would have one column with another; databases tell no case."""
    fields = properties_of(document, each.record)
    if not {"string", "integer"} >= _kinds_in(document, fields[key]) - {"null"}:
        yield f"x-copy: key: {key!r} is neither a text nor a whole number"
    if fields[key].get("x-on-request"):
        yield f"x-copy: key: {key!r} is x-on-request, and every listing needs it to tell records apart: leave that out"
    keys = ["administration_id", key] if "administration_id" in each.parameters else [key]
    others = [name for name in fields if name not in keys]
    counts = Counter(name.casefold() for name in (*keys, *NAMES_OF_A_COPY, *others))
    for name in [name for name in others if counts[name.casefold()] > 1]:
        yield (
            f"x-copy: the property {name!r} has the name of another column of a copy: leave x-copy out, and the "
            "records are listed without one"
        )


def _kinds_in(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    return {kind for part in alternatives_of(document, schema) for kind in types_of(part)}


def _of_separated(parameter: dict[str, Any]) -> Iterator[str]:
    if "x-matches" in parameter and not parameter.get("x-comma-separated"):
        yield "x-matches goes with x-comma-separated: true"
    is_text = parameter.get("in") == "query" and parameter.get("schema", {}).get("type") == "string"
    if parameter.get("x-comma-separated") and not is_text:
        yield "x-comma-separated is for query parameters of type string"


def properties_of(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of an object, those of its allOf included."""
    found = dict(schema.get("properties") or {})
    for part in schema.get("allOf", []):
        found = {**properties_of(document, resolve(document, part)), **found}
    return found


def after_of(watermark: str) -> str:
    """The parameter that asks for what is newer than a watermark: `updated_after` for `updated_at`."""
    return f"{watermark.removesuffix('_at')}_after"


def page_of(document: dict[str, Any], operation: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The schemas of a record and of the cursor, where an operation answers with a page of `data` and `pagination`."""
    answer = resolve(document, operation.get("responses", {}).get("200", {}))
    page = resolve(document, json_in(answer).get("schema", {}))
    fields = properties_of(document, page)
    data = resolve(document, fields.get("data", {}))
    if "items" in data:
        for part in alternatives_of(document, fields.get("pagination", {})):
            if (cursor := properties_of(document, part).get("cursor")) is not None:
                return resolve(document, data["items"]), cursor
    return None


def _is_name(text: str) -> bool:
    return bool(re.fullmatch(r"[a-z][a-z0-9_]*", text)) and not keyword.iskeyword(text)
