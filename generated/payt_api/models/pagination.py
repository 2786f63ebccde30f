# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from ..types import Identifier, model, model_of, plain_of


@model(kw_only=True)
class Pagination:
    """Where a listing continues.

    Attributes:
        cursor: What to send as `cursor` for the next page; null, empty or absent on the last one.
    """

    cursor: Identifier | None = None
    """What to send as `cursor` for the next page; null, empty or absent on the last one."""

    def to_dict(self) -> dict[str, Any]:
        """All fields by their names, as JSON holds them: `json.dumps` takes the result."""
        return plain_of(self)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Self:
        """Make one of a mapping, such as `to_dict` gives; it is checked, and read as an answer is.

        Raises:
            DecodeError: A value does not match the contract; a ValueError that names the place.
            TypeError: It is not a mapping, or holds what JSON cannot.
        """
        return model_of(cls, mapping)
