# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from ..types import model


@model(kw_only=True)
class ContactsPage:
    """A page of contacts."""

    data: list[Contact]
    """The contacts of this page, ordered by id."""
    pagination: Pagination | None = None
    """Where the listing continues."""


from ..models.contact import Contact  # noqa: E402
from ..models.pagination import Pagination  # noqa: E402
