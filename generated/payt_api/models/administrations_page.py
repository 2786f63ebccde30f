# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from ..types import model


@model(kw_only=True)
class AdministrationsPage:
    """A page of administrations."""

    data: list[Administration]
    """The administrations of this page, ordered by id."""
    pagination: Pagination | None = None
    """Where the listing continues."""


from ..models.administration import Administration  # noqa: E402
from ..models.pagination import Pagination  # noqa: E402
