"""Which fields of an answer no model knows, for models of any shape."""

from __future__ import annotations

import datetime
import json
from typing import Any

import attrs
import pytest

from payt.shapes import model_in, unknown_fields


@attrs.frozen(kw_only=True)
class Inner:
    name: str | None = None


@attrs.frozen(kw_only=True)
class Other:
    name: str | None = None


@attrs.frozen(kw_only=True)
class Outer:
    one: Inner | None = None
    many: list[Inner] | None = None
    named: dict[str, Inner] | None = None
    either: Inner | Other | None = None
    parent: Outer | None = None
    free: dict[str, Any] | None = None
    when: datetime.datetime | None = None


@pytest.mark.parametrize(
    ("document", "unknown"),
    [
        ({}, []),
        ({"one": {"name": "a"}, "many": [{}], "named": {"x": {"name": None}}, "free": {"y": 1}, "when": None}, []),
        ({"zero": 1, "one": None}, ["zero"]),
        ({"one": {"x": 1}}, ["x"]),
        ({"many": [{"name": "a"}, {"x": 1}, {"y": 2, "x": 3}]}, ["x", "y"]),
        ({"named": {"anything": {"x": 1}}}, ["x"]),
        ({"free": {"x": {"y": 1}}}, []),
        ({"either": {"x": 1}}, []),  # of several models, which one it is cannot be told
        ({"zero": 1, "parent": {"x": 1, "parent": {"y": 2}}}, ["x", "y", "zero"]),
    ],
    ids=str,
)
def test_unknown_fields_are_found_wherever_one_model_is_meant(document: dict[str, Any], unknown: list[str]) -> None:
    assert unknown_fields(json.dumps(document).encode(), Outer) == unknown


def test_the_model_that_a_type_holds() -> None:
    assert model_in(list[Inner] | None) is Inner
    assert model_in(dict[str, Inner]) is Inner
    assert model_in(Inner | Other) is None
    assert model_in(str) is None
