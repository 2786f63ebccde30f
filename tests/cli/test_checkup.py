"""`payt contacts check`."""

from __future__ import annotations

import json
import sys
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
    assert lines[-1] == "Payt marks as faulty: invoice 2, city 1"


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


NO_ADDRESSES = [
    *(
        "<a@b.nl>",
        "mailto:a@b.nl",
        "Jan <a@b.nl>",
        '"a b"@b.nl',
        "'a@b.nl' ",
        "a\u200b@b.nl",
        "a@b\u200b.nl",
        "\ufeffa@b.nl",
    ),
    *(
        "a..b@c.nl",
        ".a@b.nl",
        "a.@b.nl",
        "a@-b.nl",
        "a@b-.nl",
        "a@b..nl",
        "a@.b.nl",
        "a@b",
        "a@b.nl.",
        f"{'x' * 65}@b.nl",
    ),
    *("a@b@c.nl", "a b@c.nl", "a@b c.nl", "@b.nl", "a@", "a", "a;b@c.nl", "a@b.nl;c@d.nl", "a@b.nl,", "a@[127.0.0.1]"),
    *("a(x)@b.nl", "a@b_c.nl", "a@localhost", "a@b.invalid", "a\\@b.nl", "a@b.nl/", "a\x00@b.nl"),
    *("a@b.nl\n", "a@b.nl\xa0", "\tc@d.nl"),
]
ADDRESSES = [
    *("jan@example.com", "o'brien@example.ie", "jan+payt@example.com", "a/b@example.com", "jan_x@sub.example.co.uk"),
    *(
        "jan@b\u00fccher.example",
        "jan@xn--bcher-kva.example",
        "jos\u00e9@example.com",
        "#!$%&*=?^`{|}~@example.com",
        "0@1.nl",
    ),
    *(f"{'x' * 64}@example.com", "jan@\u4f8b\u5b50.\u6d4b\u8bd5", "a@b.nl, c@d.nl", " jan@example.com "),
]


@pytest.mark.parametrize(("addresses", "bad"), [(NO_ADDRESSES, True), (ADDRESSES, False)], ids=["bad", "good"])
def test_what_no_mail_reaches_is_found_without_false_alarms(
    payt_command: Any, fake: FakePayt, addresses: list[str], bad: bool
) -> None:
    contacts = [contact(id=n, **WHOLE | {"reminder_email_address": text}) for n, text in enumerate(addresses)]
    fake.add_administration("2", contacts)
    report = json.loads(payt_command("contacts", "check", "-a", 2, "--json", "--examples", 99).stdout)
    found = next(gap["examples"] for gap in report["gaps"] if gap["name"] == "unusable-email")
    wrong = [addresses[int(each["id"])] for each in found]
    assert wrong == (addresses if bad else [])


def test_one_contact_that_cannot_be_read_does_not_end_the_report(payt_command: Any, fake: FakePayt) -> None:
    fake.add_administration("2", [contact(id=1, **WHOLE), {"id": 2, "validation_errors": [], "lastname": "x"}])
    result = payt_command("contacts", "check", "-a", 2)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (1, "1 contact, 0 of them (0%) with gaps")
    said = "payt: 1 contact left out as invalid: 2 (validation_errors)\n"
    assert result.stderr == said


def test_many_names_of_faults_are_counted_and_not_all_printed(payt_command: Any, fake: FakePayt) -> None:
    errors: dict[str, Any] = {f"field {n}": [] for n in range(70)}
    fake.add_administration("2", [contact(id=1, **WHOLE | {"validation_errors": errors})])
    assert payt_command("contacts", "check", "-a", 2).stdout.endswith(" and 20 more\n")
    report = json.loads(payt_command("contacts", "check", "-a", 2, "--json").stdout)
    assert len(report["validation_errors"]) == 70


def test_without_the_package_that_judges_addresses_it_is_named(
    payt_command: Any, checked: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "email_validator", None)
    result = payt_command("contacts", "check", "-a", 2)
    assert result.exit_code == 2
    assert 'needs email_validator, which comes with the extra "cli": pip install "' in result.stderr
