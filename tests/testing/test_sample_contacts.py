"""The contacts that the fake server invents."""

import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

import payt
from payt.testing import CONTACT_FIELDS, contact, contacts, example_page

THIRD = {
    "id": "3",
    "contact_identifier": "K100003",
    "call_phone_number": "+31585356666",
    "debtor_numbers": ["D10003"],
    "default_email_address": "anouk.wiersma@example.com,info@example.com",
    "firstname": "Anouk",
    "gender": "female",
    "infix": None,
    "invoice_email_address": None,
    "invoice_cc_email_address": None,
    "invoice_bcc_email_address": None,
    "lastname": "Wiersma",
    "middlename": "Sanne",
    "postal_address_street_1": "Prinsengracht 206",
    "postal_address_street_2": None,
    "postal_address_postal_code": "9687 XH",
    "postal_address_city": "Zwolle",
    "postal_address_country_code": "NL",
    "postal_address_region": "Overijssel",
    "prefix": "prof. dr.",
    "reminder_email_address": "anouk.wiersma@example.com",
    "reminder_cc_email_address": "info@example.com",
    "reminder_bcc_email_address": None,
    "sms_phone_number": None,
    "validation_errors": None,
    "updated_at": "2024-12-12T01:34:33.553032Z",
}
"""The third contact."""
OPTIONAL = sorted(
    set(THIRD) - {"id", "contact_identifier", "debtor_numbers", "lastname", "updated_at", "infix", "validation_errors"}
)


def test_a_contact_has_the_fields_of_the_contract_in_its_order() -> None:
    contract = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text(encoding="utf-8"))
    assert list(contact()) == list(CONTACT_FIELDS) == list(contract["components"]["schemas"]["Contact"]["properties"])
    assert len(CONTACT_FIELDS) >= 26


def test_the_same_id_and_seed_give_the_same_contact() -> None:
    assert contacts(20) == [contact(id=number) for number in range(1, 21)]
    assert contact(id="7", seed=1) == contacts(7, seed=1)[-1] != contact(id="7")


def test_these_contacts_are_the_same_on_every_machine() -> None:
    assert contact(id=3) | THIRD == contact(id=3)  # and what the contract has gained since, as its example says


def test_given_fields_are_taken_as_they_are_and_the_rest_is_filled_in() -> None:
    given = contact(lastname="Jansen", infix=None, firstname=None, gender=None, updated_at="yesterday")
    assert (given["lastname"], given["infix"], given["gender"], given["updated_at"]) == (
        "Jansen",
        None,
        None,
        "yesterday",
    )
    assert given["id"] == "1"
    assert given["debtor_numbers"] == ["D10001"]


def test_email_addresses_follow_a_given_name() -> None:
    given = [contact(id=number, firstname="Zoë", infix="in 't", lastname="Veld") for number in range(1, 50)]
    addresses = {each["default_email_address"].partition("@")[0] for each in given if each["default_email_address"]}
    assert addresses == {"zoe.int.veld"}


def test_an_email_address_is_found_for_a_name_without_latin_letters() -> None:
    given = [contact(id=number, firstname=None, infix=None, lastname="王") for number in range(1, 20)]
    assert any((each["default_email_address"] or "").startswith("info@") for each in given)


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [("last_name", "lastname"), ("call_phone", "call_phone_number"), ("emial", "default_email_address")],
)
def test_an_unknown_field_is_refused_with_the_nearest_known_one(wrong: str, nearest: str) -> None:
    with pytest.raises(TypeError, match=f"no field '{wrong}'; did you mean '{nearest}'"):
        contact(**{wrong: ""})  # type: ignore[arg-type]  # the wrong keyword is what is tested


def test_an_unknown_field_that_looks_like_none_is_refused_with_all_there_are() -> None:
    with pytest.raises(TypeError, match=r"no field 'wxyz'; use one of id, .*lastname"):
        contact(wxyz="")


@pytest.mark.parametrize("wrong", ["", "abc", "-1", "007", "1.5", "\u0661", None])
def test_an_id_that_is_no_whole_number_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        contact(id=wrong)


def test_identifiers_and_debtor_numbers_are_unique_and_ids_ascend() -> None:
    many = contacts(2_000)
    assert [each["id"] for each in many] == [str(number) for number in range(1, 2_001)]
    assert len({each["contact_identifier"] for each in many}) == 2_000
    debtor_numbers = [number for each in many for number in each["debtor_numbers"]]
    assert debtor_numbers[0] == "D10001"
    assert len(set(debtor_numbers)) == len(debtor_numbers) > 2_000


def test_about_four_in_ten_of_the_optional_fields_are_null() -> None:
    many = contacts(1_000)
    nulls = sum(each[name] is None for each in many for name in OPTIONAL)
    assert 0.35 < nulls / (len(many) * len(OPTIONAL)) < 0.45
    for name in OPTIONAL:
        assert {each[name] is None for each in many} == {True, False}, name


def test_names_are_dutch_with_infixes_and_diacritics() -> None:
    many = contacts(1_000)
    assert {"van der", "de", "'t"} <= {each["infix"] for each in many}
    letters = {letter for each in many for name in ("firstname", "lastname") for letter in each[name] or ""}
    assert set("éëïö") <= letters
    assert any(each["lastname"].startswith("IJ") for each in many)
    for each in many:
        assert each["lastname"] == unicodedata.normalize("NFC", each["lastname"])


def test_values_look_like_what_they_are() -> None:
    shapes = {
        "call_phone_number": r"\+31[1-9]\d{8}",
        "sms_phone_number": r"\+316\d{8}",
        "default_email_address": r"[a-z.]+@[a-z.]+(,[a-z]+@[a-z.]+)?",
        "reminder_cc_email_address": r"[a-z]+@[a-z.]+",
        "postal_address_postal_code": r"\d{4} [A-Z]{2}|\d{4,5}",
        "postal_address_country_code": r"[A-Z]{2}",
    }
    for each in contacts(1_000):
        for name, shape in shapes.items():
            assert each[name] is None or re.fullmatch(shape, each[name]), (name, each[name])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", each["updated_at"])
        assert datetime.fromisoformat(each["updated_at"]) < datetime(2026, 6, 1, tzinfo=UTC)


def test_several_addresses_are_separated_by_a_comma() -> None:
    assert any("," in (each["invoice_email_address"] or "") for each in contacts(100))


def test_a_few_contacts_have_a_validation_error_and_a_reason_for_it() -> None:
    faulty = [each for each in contacts(1_000) if each["validation_errors"] is not None]
    assert 10 < len(faulty) < 100
    for each in faulty:
        assert each["validation_errors"] == {"invoice_email_address": ["is invalid"]}
        assert "@" not in each["invoice_email_address"]


def test_the_example_page_has_the_structure_of_the_reference_page() -> None:
    page = example_page()
    (only,) = page["data"]
    assert list(only) == list(CONTACT_FIELDS)
    assert only["debtor_numbers"] == ["<string>"]
    assert only["validation_errors"] == {}
    assert only["updated_at"] == "2023-11-07T05:31:56Z"
    assert {only[name] for name in CONTACT_FIELDS if isinstance(only[name], str)} == {"<string>", only["updated_at"]}
    assert page["pagination"] == {"cursor": "<string>"}


def test_an_invented_contact_is_what_the_api_sends_and_makes_a_model() -> None:
    invented = contact(lastname="Jansen")
    made = payt.Contact.from_dict(invented)
    assert (made.lastname, made.to_dict()) == ("Jansen", invented)
