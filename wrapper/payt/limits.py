"""How far the client goes for a page: how often, how long, how fast, how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .query import number


def _at_least(least: int) -> Callable[[Limits, attrs.Attribute[int], int], None]:
    def check(_limits: Limits, field: attrs.Attribute[int], value: int) -> None:
        number(field.name, value, least=least)

    return check


def _above_zero(_limits: Limits, field: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{field.name} must be a number, got {type(value).__name__}")
    if not 0 < value < float("inf"):
        raise ValueError(f"{field.name} must be above 0 and finite, got {value}")


def _above_zero_or_none(limits: Limits, field: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        _above_zero(limits, field, value)


@attrs.frozen(kw_only=True)
class Limits:
    """How far a session goes for a page.

    Attributes:
        retries: How often a request is tried again at most.
        total_timeout: Seconds for one page, all attempts and waiting included.
        rate_limit: How many requests start in any second for one token; None for any number.
        max_body: How many bytes the body of an answer has at most, once it is decoded.
    """

    retries: int = attrs.field(default=4, validator=_at_least(0))
    total_timeout: float = attrs.field(default=300.0, validator=_above_zero)
    rate_limit: float | None = attrs.field(default=10.0, validator=_above_zero_or_none)
    max_body: int = attrs.field(default=64 * 2**20, validator=_at_least(1))
