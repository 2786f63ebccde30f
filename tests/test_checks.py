"""The checks of plain arguments, at their bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from payt import checks


@pytest.mark.parametrize(
    ("check", "bounds", "refused", "taken", "words"),
    [
        (checks.number, {"least": 1}, 0, 1, "1 or more, got 0"),
        (checks.number, {"least": 1, "most": 5}, 6, 5, "1 to 5, got 6"),
        (checks.decimal, {"least": 0}, -0.1, 0, "0 or more and finite, got -0.1"),
        (checks.decimal, {"above": 0}, 0, 0.1, "above 0 and finite, got 0"),
        (checks.decimal, {}, float("inf"), -1e300, "must be finite, got inf"),
        (checks.seconds, {}, 1e9 + 1, 1e9, "at most 1000000000 seconds"),
    ],
)
def test_bounds(check: Callable[..., object], bounds: dict[str, Any], refused: Any, taken: Any, words: str) -> None:
    assert check("n", taken, **bounds) == taken
    with pytest.raises(ValueError, match=words):
        check("n", refused, **bounds)


def test_what_can_be_the_value_of_a_filter() -> None:
    assert [*map(checks.is_value, ("a", "a\nb", "a,b", "a\n", "a\r"))] == [True, True, False, False, False]


def test_keys_come_with_the_cursors_where_their_listings_start() -> None:
    assert checks.keys("ids", ["2", "1", "2"]) == {"2": None, "1": None}
    assert checks.keys("ids", {"2": "c", "1": None}) == {"2": "c", "1": None}
    with pytest.raises(ValueError, match="the cursor of '2' in ids must not be empty"):
        checks.keys("ids", {"2": ""})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lastnam", "did you mean 'lastname'?"),
        ("email", "did you mean 'default_email'?"),  # a part of it, however much else there is
        ("emial", "did you mean 'default_email'?"),  # like a word of it
        ("colour", "use one of lastname, default_email, vat"),
    ],
)
def test_a_mistaken_name_is_compared_with_those_that_there_are(name: str, hint: str) -> None:
    assert checks.hint(name, ["lastname", "default_email", "vat"]) == hint


@pytest.mark.parametrize(
    ("value", "way_out"), [(5, r"pass str\(5\)"), (None, "pass a string"), (b"x", "pass a string")]
)
def test_what_is_no_text_is_told_how_to_be_one(value: Any, way_out: str) -> None:
    with pytest.raises(TypeError, match=way_out):
        checks.text("cursor", value)
