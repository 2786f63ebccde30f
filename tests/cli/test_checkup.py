"""`payt contacts check`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from payt.testing import FakePayt, contact

WHOLE: dict[str, Any] = {
    "lastname": "Jansen",
    "firstname": "Jan",
    "prefix": None,
    "middlename": None,
    "infix": None,
    "default_email_address": "jan@example.com",
    "invoice_email_address": "jan@example.com, facturen@example.com",
    "invoice_cc_email_address": None,
    "invoice_bcc_email_address": None,
    "reminder_email_address": "jan@example.com",
    "reminder_cc_email_address": None,
    "reminder_bcc_email_address": None,
    "postal_address_street_1": "Dorpsstraat 1",
    "postal_address_postal_code": "1234 AB",
    "postal_address_city": "Ons Dorp",
    "call_phone_number": "+31201234567",
    "validation_errors": None,
}
NO_EMAIL: dict[str, Any] = {name: None for name in WHOLE if name.endswith("email_address")}
CONTACTS = [
    contact(id=1, **WHOLE),
    contact(id=2, **WHOLE | {"invoice_email_address": " "}),
    contact(id=3, **WHOLE | NO_EMAIL),
    contact(id=4, **WHOLE | {"invoice_email_address": "jan(at)example.com", "validation_errors": {"invoice": ["bad"]}}),
    contact(id=5, **WHOLE | {"postal_address_city": None, "validation_errors": {"invoice": ["bad"], "city": 1}}),
    contact(id=6, **WHOLE | {name: None for name in WHOLE if name.startswith("postal")} | {"sms_phone_number": None}),
    contact(id=7, **WHOLE | {"call_phone_number": None, "sms_phone_number": None, "lastname": None}),
    contact(id=8, **WHOLE | {"validation_errors": {}}),
]
COUNTS = {
    "validation-errors": 2,
    "no-invoice-email": 2,
    "no-reminder-email": 1,
    "no-email": 1,
    "unusable-email": 1,
    "no-postal-address": 1,
    "half-postal-address": 1,
    "no-phone-number": 1,
    "no-lastname": 1,
}


@pytest.fixture
def checked(fake: FakePayt) -> FakePayt:
    """An administration with every gap."""
    fake.add_administration("2", CONTACTS)
    fake.add_administration("3")
    return fake


def test_the_report_counts_every_gap(payt_command: Any, checked: FakePayt) -> None:
    result = payt_command("contacts", "check", "-a", 2, "--json", "--examples", 1)
    report = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (report["contacts"], report["with_gaps"]) == (8, 6)
    assert {gap["name"]: gap["contacts"] for gap in report["gaps"]} == COUNTS
    assert report["gaps"][0] == {
        "name": "validation-errors",
        "meaning": "marked by Payt as faulty",
        "contacts": 2,
        "share": 0.25,
        "examples": [{"administration_id": "2", "id": "4", "name": "Jan Jansen"}],
    }
    assert report["validation_errors"] == {"invoice": 2, "city": 1}


def test_the_worst_comes_first_with_a_bar_and_examples(payt_command: Any, checked: FakePayt) -> None:
    lines = payt_command("contacts", "check", "-a", 2).stdout.splitlines()
    assert lines[0] == "8 contacts, 6 of them (75%) with gaps"
    assert lines[2:8] == [
        "marked by Payt as faulty                 2   25%  █████",
        "    4 Jan Jansen",
        "    5 Jan Jansen",
        "no e-mail address for invoices           2   25%  █████",
        "    2 Jan Jansen",
        "    3 Jan Jansen",
    ]
    assert lines[-1] == "Payt finds fault with: invoice 2, city 1"


def test_a_gap_of_one_in_thousands_has_a_bar_too(payt_command: Any, fake: FakePayt) -> None:
    fake.add_administration("2", [contact(id=n, **WHOLE | {"lastname": "x" if n > 1 else ""}) for n in range(1, 60)])
    result = payt_command("contacts", "check", "-a", 2, "--examples", 0)
    assert "no last name                             1    2%  ▏" in result.stdout.splitlines()
    assert "half a postal address                    0    0%" in result.stdout.splitlines()


def test_nothing_to_check(payt_command: Any, checked: FakePayt) -> None:
    result = payt_command("contacts", "check", "-a", 3)
    assert result.stdout.startswith("0 contacts, 0 of them (0%) with gaps\n")


def test_examples_of_several_administrations_say_which(payt_command: Any, checked: FakePayt) -> None:
    result = payt_command("contacts", "check", "-a", 2, "-a", 3, "--examples", 1)
    assert "    administration 2, 4 Jan Jansen" in result.stdout.splitlines()


def test_only_what_is_looked_at_is_asked_for(payt_command: Any, checked: FakePayt) -> None:
    payt_command("contacts", "check", "-a", 2, "--updated-after", "2020-01-01T00:00:00Z")
    asked = json.loads(checked.requests[0].query["fields"])["only"]
    assert "id" in asked
    assert "gender" not in asked
    assert checked.requests[0].query["updated_after"] == "2020-01-01T00:00:00Z"
