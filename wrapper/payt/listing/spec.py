"""What is known of a list from the contract. `payt_resources` has one of these for each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import attrs

from ..transport.retries import Operation

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class ListSpec(Generic[T]):
    """A list of the contract. It can be pickled.

    Attributes:
        name: What it is called: "contacts", or "invoices.deleted" where the method is not `list`.
        path: Its path in the contract.
        operation: The generated operation.
        record: The model of its records.
        page: The model of its pages.
        separated: The parameters that take several values, each with the field of the record that it looks at; None
            where the contract does not say, and the values must fit into one request.
        most: How many records a page holds at most.
        columns: What a table shows by default.
        key: The field that tells records apart in a copy; None where no copy can be kept.
        watermark: The field that says how new a record is, where the list can be asked for newer ones.
        after: The parameter that asks for those.
    """

    name: str
    path: str
    operation: Operation[Any]
    record: type[T]
    page: type[Any]
    separated: Mapping[str, str | None]
    most: int
    columns: tuple[str, ...] = ()
    key: str | None = None
    watermark: str | None = None
    after: str | None = None

    @property
    def key_filter(self) -> str | None:
        """The parameter that asks for records by their keys; None if there is none."""
        return next((name for name, field in self.separated.items() if field and field == self.key), None)

    def method_of(self, client: Any) -> Callable[..., Any]:
        """The method of a client that lists it."""
        tag, _, method = self.name.partition(".")
        found: Callable[..., Any] = getattr(getattr(client, tag), method or "list")
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """By the name of the operation's module, as no module can be pickled."""
        fields = attrs.asdict(self, recurse=False)
        return _restored, (type(self), fields | {"operation": self.operation.__name__})


def _restored(kind: type[ListSpec[Any]], fields: dict[str, Any]) -> ListSpec[Any]:
    return kind(**fields | {"operation": importlib.import_module(fields["operation"])})
