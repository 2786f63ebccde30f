"""The contract, as it comes along with the generated package."""

from __future__ import annotations

import functools
import json
import pkgutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from payt_resources import LISTS, spec_of

from .errors import PaytError

if TYPE_CHECKING:
    from .client import Client
    from .listing import ListSpec, Pager


@functools.cache
def contract() -> dict[str, Any]:
    """The whole document."""
    described: dict[str, Any] = json.loads(pkgutil.get_data("payt_api", "openapi.json") or b"")
    return described


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a node of the contract is, or refers to."""
    while "$ref" in node:
        keys = node["$ref"].removeprefix("#/").split("/")
        node = functools.reduce(lambda inside, key: inside[key], keys, contract())
    return node


def parameters_of(spec: ListSpec[Any]) -> dict[str, Mapping[str, Any]]:
    """The parameters of a list by their names."""
    path = contract()["paths"][spec.path]
    parameters = map(resolved, [*path.get("parameters", ()), *path["get"].get("parameters", ())])
    return {parameter["name"]: parameter for parameter in parameters}


def example_of(spec: ListSpec[Any], name: str) -> Any:
    """A value of a parameter, from the contract, where every parameter has an example."""
    described = parameters_of(spec)[name]
    return described["example"] if "example" in described else next(iter(described["examples"].values()))["value"]


def fields_to_name(spec: ListSpec[Any]) -> list[str] | None:
    """All fields of a list's records, where some come only to whoever names them; None where all come unasked."""
    fields = properties_of(resolved(properties_of(page_of(spec)["schema"])["data"])["items"])
    return [*fields] if any(resolved(each).get("x-on-request") for each in fields.values()) else None


def every_administration(client: Client) -> list[str]:
    """The ids of all administrations that the token may read, in the order of their list.

    Raises:
        PaytError: They cannot be listed, one has no id, or there is none. Whoever writes over a table what all of them
            have would empty it.
        ValueError: The contract does not say how to list them.
    """
    name = "administrations"
    spec = spec_of(name) if name in LISTS else None
    if spec is None or spec.key is None:
        raise ValueError(f"the contract has no list {name!r} with a key")
    only = {"fields": [spec.key]} if "fields" in parameters_of(spec) else {}
    pager: Pager[Any] = spec.method_of(client)(**only, on_invalid="collect")
    ids = [getattr(each, spec.key) for each in pager]
    if pager.invalid or not {None, ""}.isdisjoint(ids):
        raise PaytError(f"an administration came without a usable {spec.key}")
    if not ids:
        raise PaytError("the token may read no administration: give it access to one, or use another token")
    return [str(each) for each in ids]


def page_of(spec: ListSpec[Any]) -> Mapping[str, Any]:
    """What a page of a list is: its `schema`, and its `example` or `examples`."""
    answer = resolved(contract()["paths"][spec.path]["get"]["responses"]["200"])
    page: Mapping[str, Any]
    (page,) = answer["content"].values()
    return page


def properties_of(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The properties of an object, those of its allOf included."""
    schema = resolved(schema)
    parts = [properties_of(part) for part in schema.get("allOf", ())]
    return {name: each for part in [*parts, schema.get("properties", {})] for name, each in part.items()}
