"""Write the package of a client's resources: a typed method for each list of the contract.

    python codegen/resources.py generated/payt_api contract.json generated/payt_resources

The first argument is the package that openapi-python-client made of the same contract: the types of its operations are
those of the methods. It is imported, so this runs in a process of its own.
"""

from __future__ import annotations

import datetime
import enum
import importlib
import json
import sys
import types
import typing
from pathlib import Path
from typing import Any
from uuid import UUID

import jinja2
from document import alternatives_of, resolve, types_of
from lists import List, after_of, lists_of, properties_of
from openapi_python_client.strings import snake_case

TEMPLATES = Path(__file__).parent / "templates/resources"
OWN = ("cursor", "per_page", "fields")
"""Parameters that every method spells in its own way."""


def main() -> int:
    """Write the package that the arguments describe."""
    api, document, output = (
        Path(sys.argv[1]).resolve(),
        json.loads(Path(sys.argv[2]).read_text("utf-8")),
        Path(sys.argv[3]),
    )
    sys.path.insert(0, str(api.parent))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - it writes Python
        keep_trailing_newline=True,
    )
    environment.filters["first_lower"] = lambda text: text[:1].lower() + text[1:]
    resources: dict[str, dict[str, Any]] = {}
    for each in lists_of(document):
        described = {tag["name"]: tag.get("description", "") for tag in document.get("tags", [])}
        resource = resources.setdefault(
            each.tag,
            {
                "api": api.name,
                "tag": each.tag,
                "class_name": "".join(word.title() for word in each.tag.split("_")),
                "description": _in_docstring(described.get(each.tag, "")),
                "lists": [],
                "models": set(),
            },
        )
        resource["lists"].append(_described(document, api.name, each, resource["models"]))
    output.mkdir()
    for tag, resource in sorted(resources.items()):
        resource["models"] = sorted(resource["models"])
        (output / f"{tag}.py").write_text(environment.get_template("resource.py.jinja").render(resource), "utf-8")
    rendered = environment.get_template("init.py.jinja").render(
        api=api.name, resources=[resource for _, resource in sorted(resources.items())]
    )
    (output / "__init__.py").write_text(rendered, "utf-8")
    return 0


def _described(document: dict[str, Any], api: str, each: List, models: set[str]) -> dict[str, Any]:
    """What the templates need of a list; the models that its methods name are added to `models`."""
    name = snake_case(str(each.operation["operationId"]))
    module = f"{api}.api.{snake_case(each.tag)}.{name}"
    types_of = typing.get_type_hints(importlib.import_module(module).sync_detailed)
    page, record = _page_and_record_in(types_of["return"])
    models |= {page.__name__, record.__name__}
    copy = each.record.get("x-copy", {})
    properties = properties_of(document, each.record)
    noun = each.tag.replace("_", " ")
    return {
        "name": each.name,
        "method": each.method,
        "constant": each.method.upper(),
        "module": module,
        "path": each.place.removeprefix("GET "),
        "record": record.__name__,
        "page": page.__name__,
        "variable": snake_case(record.__name__),
        "noun": noun,
        "summary": _in_docstring(each.operation["summary"].rstrip(".")),
        "deprecated": bool(each.operation.get("deprecated")),
        "parameters": [
            {
                "name": parameter["name"],
                "required": parameter.get("required", False),
                "annotation": "str | Iterable[str]"
                if parameter["name"] in each.separated
                else _spelled(types_of[parameter["name"]], models),
                "text": _text(parameter, each),
            }
            for parameter in each.parameters.values()
            if parameter["name"] not in OWN
        ],
        "separated": each.separated,
        "splits": any(field is not None for field in each.separated.values()),
        "most": each.parameters["per_page"]["schema"]["maximum"],
        "columns": tuple(each.record.get("x-columns") or _columns(document, properties, copy.get("key"))),
        "key": repr(copy.get("key")),
        "watermark": repr(copy.get("watermark")),
        "after": repr(after_of(copy["watermark"]) if "watermark" in copy else None),
        "by_administration": "administration_id" in each.parameters,
        "has_fields": "fields" in each.parameters,
        "on_request": [field for field, schema in properties.items() if resolve(document, schema).get("x-on-request")],
    }


def _columns(document: dict[str, Any], properties: dict[str, Any], key: str | None) -> list[str]:
    """The key and the first fields that go into a cell, seven in all; the first seven where none does."""
    nested = {
        name
        for name, schema in properties.items()
        for part in alternatives_of(document, schema)
        if {"object", "array"} & {*types_of(part)} or "properties" in part
    }
    plain = [name for name in properties if name == key or name not in nested]
    return sorted(plain or properties, key=lambda name: name != key)[:7]


def _text(parameter: dict[str, Any], each: List) -> str:
    """What a docstring says of a parameter."""
    text = _in_docstring(parameter.get("description", ""))
    if parameter["name"] in each.separated:
        text += " A value, or any iterable of values."
        if each.separated[parameter["name"]] is None:
            text += " As many as fit into one request."
    elif parameter.get("schema", {}).get("format") == "date-time":
        text += " An aware datetime, or ISO 8601 with an offset."
    if parameter.get("deprecated"):
        text += " Deprecated."
    return text


def _spelled(type_: Any, models: set[str]) -> str:
    """The annotation of an argument whose operation takes `type_`, without None."""
    members = [member for member in typing.get_args(type_) if member is not types.NoneType]
    if typing.get_origin(type_) in (types.UnionType, typing.Union):
        return " | ".join(dict.fromkeys(_spelled(member, models) for member in members))
    if typing.get_origin(type_) is typing.Literal:
        return f"Literal[{', '.join(map(repr, members))}]"
    if type_ is datetime.datetime:
        return "datetime.datetime | str"
    if type_ is datetime.date:
        return "datetime.date | str"
    if type_ is UUID:
        return "UUID | str"
    if issubclass(type_, enum.Enum):
        models.add(type_.__name__)
        return f"{type_.__name__} | Literal[{', '.join(repr(member.value) for member in type_)}]"
    return str(type_.__name__)


def _page_and_record_in(answer: Any) -> tuple[type, type]:
    """The models of a page and its records, from what the operation returns: `Response[Page | Error]`."""
    inside = typing.get_args(answer)[0]
    pages = [member for member in typing.get_args(inside) or (inside,) if "data" in typing.get_type_hints(member)]
    return pages[0], typing.get_args(typing.get_type_hints(pages[0])["data"])[0]


def _in_docstring(text: str) -> str:
    """A text of the contract as a docstring can hold it."""
    return " ".join(text.replace("\\", "\\\\").replace('"""', "'''").split())


if __name__ == "__main__":
    sys.exit(main())
