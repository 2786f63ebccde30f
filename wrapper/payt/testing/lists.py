"""The lists that are served, each as the contract describes it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from payt import checks
from payt.contract import contract, page_of, parameters_of, properties_of, resolved
from payt.listing import ListSpec
from payt.listing.shapes import ADMINISTRATION
from payt.testing.invention import Dice, key_of
from payt.transport.process import cached_property
from payt_resources import LISTS, spec_of

API = tuple({f"/{path.split('/')[1]}/" for path in contract()["paths"]})
"""What the paths of the API begin with, unlike those of logins."""


@dataclass(frozen=True, eq=False)
class ServedList:
    """A list of the contract.

    Attributes:
        spec: What the client knows of it.
        path: Matches its path in a URL.
        parameters: Its parameters by their names.
        properties: The fields of its records, with the schema of each.
        example: The first record of the contract's example, as JSON; a field that it lacks is null, where it may be.
    """

    spec: ListSpec[Any]
    path: re.Pattern[str]
    parameters: Mapping[str, Mapping[str, Any]]
    properties: Mapping[str, Mapping[str, Any]]
    example: str

    @cached_property
    def key(self) -> str:
        """The field that tells records apart."""
        return self.spec.key or "id"

    def as_sent(self, field: str, text: str) -> int | str:
        """What identifies something, as this field has it: a whole number, or a text."""
        types = _types_of(self.properties[field])
        return key_of(text) if "integer" in types and "string" not in types else text

    def owner(self, administration_id: str | None) -> dict[str, int | str]:
        """What its records say themselves of whose they are, where they have a field for that."""
        if administration_id is None or ADMINISTRATION not in self.properties:
            return {}
        return {ADMINISTRATION: self.as_sent(ADMINISTRATION, administration_id)}

    @cached_property
    def on_request(self) -> frozenset[str]:
        """The fields that are sent only to those who name them."""
        return frozenset(name for name, schema in self.properties.items() if resolved(schema).get("x-on-request"))

    @property
    def scope(self) -> str:
        """The scope that a token needs."""
        return f"{self.spec.name.partition('.')[0]}:read"

    def check(self, names: Iterable[str]) -> None:
        """See to it that records have fields of these names.

        Raises:
            TypeError: They have not; the message names the nearest one, or all.
        """
        for name in names:
            if name not in self.properties:
                raise TypeError(f"{self.spec.name} have no field {name!r}; {checks.hint(name, self.properties)}")

    def invent(self, *, seed: int, **given: Any) -> dict[str, Any]:
        """Make a record of the contract's example.

        Of its own are the key, when it was changed, and what filters look at: the example's text, counted on.

        Args:
            seed: Another seed invents other records.
            **given: Its key, and more fields, taken as they are.

        Raises:
            TypeError: A record has no such field.
        """
        self.check(given)
        key = str(given[self.key])
        dice = Dice(f"{self.spec.name}:{seed}:{key}")
        step = int(key) - 1 if key.isdecimal() else dice.below(1_000)
        made: dict[str, Any] = json.loads(self.example)
        for field in self.spec.separated.values():
            if field in made and self.properties[field].keys().isdisjoint({"const", "enum", "format"}):
                made[field] = _counted_on(made[field], step)
        if self.spec.watermark:
            made[self.spec.watermark] = dice.moment()
        return {**made, **given, self.key: self.as_sent(self.key, key)}


@cache
def served_lists() -> Mapping[str, ServedList]:
    """Every list of the contract by its name."""
    return {name: _served(spec_of(name)) for name in LISTS}


def _served(spec: ListSpec[Any]) -> ServedList:
    page = page_of(spec)
    examples = [page.get("example"), *(each.get("value") for each in page.get("examples", {}).values()), {}]
    records = next(example for example in examples if example is not None).get("data")
    properties = properties_of(resolved(properties_of(page["schema"])["data"])["items"])
    nulls = dict.fromkeys(name for name, schema in properties.items() if "null" in _types_of(schema))
    return ServedList(
        spec=spec,
        path=re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(spec.path))),
        parameters=parameters_of(spec),
        properties=properties,
        example=json.dumps({**nulls, **(records[0] if records else {})}),
    )


def _types_of(schema: Mapping[str, Any]) -> set[str]:
    """The types that values of a schema have, by the names of JSON Schema."""
    schema = resolved(schema)
    kinds = schema.get("type", ())
    own = [kinds] if isinstance(kinds, str) else kinds
    return {*own}.union(*map(_types_of, schema.get("oneOf", ())))


def _counted_on(value: Any, step: int) -> Any:
    """Add to the number that a text ends in, or each text of a list."""
    if isinstance(value, list):
        return [_counted_on(each, step) for each in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"[0-9]+$", lambda digits: str(int(digits[0]) + step).zfill(len(digits[0])), value)
