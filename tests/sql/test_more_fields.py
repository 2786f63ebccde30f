"""The contract grows fields of every kind: a table that was made before gets their columns, and then their values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sql.copying import sync_blocking
from sql.truth import Query

from payt.testing import FakePayt
from support.more_fields import SENT, payt_contacts, project_with_more_fields
from support.project import Project

TYPES = {
    "new_since": "date",
    "new_seen_at": "timestamp with time zone",
    "new_key": "uuid",
    "new_status": "text",
    "new_level": "bigint",
    "new_kind": "text",
    "new_count": "bigint",
    "new_share": "double precision",
    "new_blocked": "boolean",
    "new_days": "jsonb",
    "new_address": "jsonb",
    "new_either": "jsonb",
    "new_open": "jsonb",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project_with_more_fields(tmp_path_factory.mktemp("more-fields") / "project")


@pytest.mark.parametrize(
    "database",
    ["sqlite", *(pytest.param(server, marks=pytest.mark.soak) for server in ("postgresql", "maria"))],
    indirect=True,
)
def test_new_fields_are_columns_after_a_migration(project: Project, database: str, query: Query) -> None:
    full, empty = {"id": "1", **SENT}, {"id": "2", **dict.fromkeys(SENT)}
    with FakePayt(contacts=[full, empty]) as fake:
        sync_blocking(fake, database)

        def sync(*options: str) -> Any:
            return payt_contacts(project, fake, "sync", "-a", 1, "--to", database, *options)

        text = "LONGTEXT" if database.startswith("mariadb") else "TEXT"
        refused = sync()
        assert refused.returncode == 1
        assert "lacks columns that the contract has now" in refused.stderr
        assert f"ADD COLUMN new_status {text}" in refused.stderr
        migrated = sync("--migrate")
        assert migrated.returncode == 0, migrated.stderr
        assert f"ADD COLUMN new_status {text}" in migrated.stderr
        assert "1 updated, 1 unchanged" in migrated.stdout
        again = sync("--full")
        assert "0 updated, 2 unchanged" in again.stdout
        fake.change("2", new_status="active", new_since="2021-01-01")
        assert "1 updated" in sync().stdout
    first, second = query("SELECT * FROM contacts ORDER BY id")
    assert (second.new_status, str(second.new_since)) == ("active", "2021-01-01")
    assert {name: _as_sent(name, first._mapping[name]) for name in SENT} == SENT
    if database.startswith("postgresql"):
        types = query("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'contacts'")
        assert dict(map(tuple, types)).items() >= TYPES.items()


def _as_sent(name: str, value: Any) -> Any:
    if name in ("new_days", "new_address", "new_either", "new_open"):
        return json.loads(value) if isinstance(value, str) else value
    if name == "new_seen_at":
        if isinstance(value, datetime) and value.tzinfo is None:  # MariaDB keeps moments in UTC, without a zone
            value = value.replace(tzinfo=UTC)
        return str(value).replace("+00:00", "Z").replace(" ", "T").replace(".500000", ".5")
    if name == "new_key":
        return str(UUID(str(value)))
    return str(value) if name == "new_since" else value
