"""The contract loses fields of contacts: after ./generate.sh the commands do without them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from payt.testing import FakePayt
from support.more_fields import payt_contacts
from support.project import Project

GONE = ("invoice_email_address", "lastname", "validation_errors", "call_phone_number", "sms_phone_number")


def drop(document: dict[str, Any]) -> None:
    record = document["components"]["schemas"]["Contact"]
    examples = document["paths"]["/v1/contacts"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    for holder in (record["properties"], *examples["data"]):
        for name in GONE:
            holder.pop(name, None)
    record["x-columns"] = [name for name in record["x-columns"] if name not in GONE]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("fewer-fields") / "project")
    project.edit_contract(drop)
    generated = project.generate()
    assert (generated.returncode, generated.stderr) == (0, "")
    return project


INVENTED = """
from payt.testing import contact
from payt.testing.sample_contacts import CONTACT_FIELDS, example_page
assert {*contact()} == {*CONTACT_FIELDS} == {*example_page()["data"][0]}
"""


def test_the_demo_and_invented_contacts_do_without_them(project: Project) -> None:
    invented = project.run("-c", INVENTED)
    assert invented.returncode == 0, invented.stderr
    demo = project.run("-W", "error", "-m", "payt.cli", "demo", "--contacts", "20")
    assert demo.returncode == 0, demo.stderr
    assert "does not know" not in demo.stderr
    assert "\nid\tdebtor_numbers\tfirstname\tinfix\tpostal_address_city\n" in demo.stdout


def test_the_check_leaves_out_what_is_about_them(project: Project) -> None:
    with FakePayt(contacts=[{"id": "1", "firstname": "Jan", "reminder_email_address": "jan(at)example.com"}]) as fake:
        checked = payt_contacts(project, fake, "check", "-a", 1, "--json")
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr
    report = json.loads(checked.stdout)
    assert {gap["name"]: gap["contacts"] for gap in report["gaps"]} == {
        "no-postal-address": 1,
        "unusable-email": 1,
        "no-reminder-email": 0,
        "no-email": 0,
        "half-postal-address": 0,
    }
    assert report["gaps"][0]["examples"] == [{"administration_id": "1", "id": "1", "name": "Jan"}]
