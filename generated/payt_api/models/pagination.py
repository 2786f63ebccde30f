# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from ..types import Identifier, model


@model(kw_only=True)
class Pagination:
    """Where a listing continues."""

    cursor: Identifier | None = None
    """What to send as `cursor` for the next page; null, empty or absent on the last one."""
