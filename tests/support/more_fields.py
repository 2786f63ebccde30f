"""The project with a contract that has grown fields of every kind, and a service that sends them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from payt.testing import FakePayt

from .project import Project

FIELDS: dict[str, tuple[dict[str, Any], Any]] = {
    "new_since": ({"type": "string", "format": "date"}, "2020-02-29"),
    "new_seen_at": ({"type": "string", "format": "date-time"}, "2026-11-01T12:00:00.5Z"),
    "new_key": ({"type": "string", "format": "uuid"}, "0f8fad5b-d9cb-469f-a165-70867728950e"),
    "new_status": ({"type": "string", "enum": ["active", "on-hold"]}, "on-hold"),
    "new_level": ({"type": "integer", "enum": [1, 2]}, 2),
    "new_kind": ({"const": "contact"}, "contact"),
    "new_count": ({"type": "integer"}, 7),
    "new_share": ({"type": "number"}, 0.5),
    "new_blocked": ({"type": "boolean"}, True),
    "new_days": ({"type": "array", "items": {"type": "string", "format": "date"}}, ["2020-02-29"]),
    "new_address": ({"type": "object", "properties": {"city": {"type": "string"}}}, {"city": "Ede"}),
    "new_either": ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, 5),
    "new_open": ({"type": "object", "additionalProperties": True}, {"a": [None, 12345678901234567890123]}),
}
"""The schema of each, and a value."""
SENT = {name: value for name, (_, value) in FIELDS.items()}


def project_with_more_fields(root: Path) -> Project:
    """The project, generated anew with these fields in every contact."""
    project = Project(root)
    schemas = {name: {"description": "New.", **schema} for name, (schema, _) in FIELDS.items()}
    project.edit_contract(lambda document: document["components"]["schemas"]["Contact"]["properties"].update(schemas))
    generated = project.generate()
    assert generated.returncode == 0, generated.stderr
    return project


def payt_contacts(project: Project, fake: FakePayt, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `payt contacts …` of that project."""
    paths = os.pathsep.join(str(project.root / name) for name in ("wrapper", "generated"))
    return subprocess.run(
        [sys.executable, "-m", "payt.cli", "contacts", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths, "PAYT_TOKEN": fake.token, "PAYT_BASE_URL": fake.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
