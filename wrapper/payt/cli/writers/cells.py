"""Values as text, for the formats that hold text only."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import msgspec

from ..columns import Kind


def moment(value: datetime.datetime) -> str:
    """A moment as the API writes it: ISO 8601, in UTC."""
    return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def texts(value: list[str]) -> str:
    """Texts with `;` between them; as JSON where one of them holds a `;` itself."""
    return document(value) if any(";" in text for text in value) else ";".join(value)


def document(value: Any) -> str:
    """A value as JSON."""
    return msgspec.json.encode(value).decode()


def truth(value: object) -> str:
    """A truth value as JSON has it."""
    return "true" if value else "false"


AS_TEXT: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: str,
    Kind.INTEGER: str,
    Kind.DECIMAL: repr,
    Kind.TRUTH: truth,
    Kind.MOMENT: moment,
    Kind.DATE: datetime.date.isoformat,
    Kind.TEXTS: texts,
    Kind.OBJECT: document,
}
"""How a value of each kind is written."""
