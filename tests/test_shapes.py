"""What a model's fields hold."""

from __future__ import annotations

import attrs

from payt.shapes import model_in


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
