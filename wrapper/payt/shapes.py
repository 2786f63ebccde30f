"""What a model's fields hold."""

from __future__ import annotations

import functools
from typing import Any, get_args, get_type_hints

import attrs


@functools.cache
def fields_of(model: type) -> dict[str, Any]:
    """The fields of an attrs model: name to type."""
    return get_type_hints(model)


def model_in(type_: Any) -> type | None:
    """The one model that a type holds, also inside a list or an optional; None where it holds none, or several."""
    if attrs.has(type_):
        return type_
    models = {model for model in map(model_in, get_args(type_)) if model}
    return models.pop() if len(models) == 1 else None
