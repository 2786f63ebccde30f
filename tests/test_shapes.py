"""What a model's fields hold."""

from __future__ import annotations

import datetime
from enum import IntEnum, StrEnum
from typing import Any, Literal
from uuid import UUID

import attrs
import pytest

from payt.listing.shapes import model_in, scalar_of


@attrs.frozen(kw_only=True)
class Inner:
    name: str | None = None


@attrs.frozen(kw_only=True)
class Other:
    name: str | None = None


def test_the_model_that_a_type_holds() -> None:
    assert model_in(list[Inner] | None) is Inner
    assert model_in(dict[str, Inner]) is Inner
    assert model_in(Inner | Other) is None
    assert model_in(str) is None


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


@pytest.mark.parametrize(
    ("type_", "scalar"),
    [
        (str | None, str),
        (Colour | None, str),
        (Level, int),
        (Literal["a", "b"] | None, str),
        (Colour | str, str),
        (UUID, UUID),
        (datetime.date | None, datetime.date),
        (str | int, None),
        (list[str] | None, None),
        (Any, None),
    ],
)
def test_the_one_scalar_of_a_type(type_: Any, scalar: type | None) -> None:
    assert scalar_of(type_) is scalar
