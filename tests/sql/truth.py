"""Comparing the table with what the service has."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from payt.testing import CONTACT_FIELDS, FakePayt

Query = Callable[..., list[Any]]


def rows(query: Query, administration: str = "1", table: str = "contacts") -> dict[str, dict[str, Any]]:
    """The rows that are not deleted, by id, in the form in which the service has contacts."""
    found = query(f"SELECT * FROM {table} WHERE administration_id = :id AND deleted_at IS NULL", id=administration)
    return {row.id: _contact(row._mapping) for row in found}


def deleted(query: Query) -> set[str]:
    """The ids of the rows that are deleted."""
    return {row.id for row in query("SELECT id FROM contacts WHERE deleted_at IS NOT NULL")}


def truth(fake: FakePayt, administration: str = "1") -> dict[str, dict[str, Any]]:
    """What the service has, by id."""
    return {
        contact["id"]: {**contact, "updated_at": datetime.fromisoformat(contact["updated_at"])}
        for contact in fake.administrations[administration].contacts
    }


def _contact(row: Any) -> dict[str, Any]:
    contact = {name: row[name] for name in CONTACT_FIELDS}
    for name in ("debtor_numbers", "validation_errors"):
        if isinstance(contact[name], str):
            contact[name] = json.loads(contact[name])
    if isinstance(contact["updated_at"], str):
        contact["updated_at"] = datetime.fromisoformat(contact["updated_at"])
    if isinstance(contact["updated_at"], datetime) and contact["updated_at"].tzinfo is None:
        contact["updated_at"] = contact["updated_at"].replace(tzinfo=UTC)  # as MariaDB has no zones
    return contact
