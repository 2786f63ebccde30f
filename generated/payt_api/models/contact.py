# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from ..types import DateTime, Identifier, model, model_of, plain_of


@model(kw_only=True)
class Contact:
    """A person or company that receives invoices and reminders.

    Attributes:
        id: The contact's id in Payt.
        contact_identifier: The contact's identifier in the accounting software.
        call_phone_number: The number to call.
        debtor_numbers: The numbers of the debtors that this contact belongs to.
        default_email_address: Where e-mail goes that is neither invoice nor reminder; several addresses are
            separated by commas.
        firstname: First name.
        gender: Gender, in the service's own words; the set of values is open.
        infix: What stands between first and last name, such as "van der".
        invoice_email_address: Where invoices go; several addresses are separated by commas.
        invoice_cc_email_address: Who receives a copy of invoices; several addresses are separated by commas.
        invoice_bcc_email_address: Who receives a blind copy of invoices; several addresses are separated by
            commas.
        lastname: Last name, or the company's name.
        middlename: Middle name.
        postal_address_street_1: Street and house number.
        postal_address_street_2: Second line of the street address.
        postal_address_postal_code: Postal code.
        postal_address_city: City.
        postal_address_country_code: Country, as its code.
        postal_address_region: Province, state or region.
        prefix: What stands before the name, such as a title.
        reminder_email_address: Where reminders go; several addresses are separated by commas.
        reminder_cc_email_address: Who receives a copy of reminders; several addresses are separated by commas.
        reminder_bcc_email_address: Who receives a blind copy of reminders; several addresses are separated by
            commas.
        sms_phone_number: The number that text messages go to.
        validation_errors: What Payt finds wrong with this contact.
        updated_at: When the contact was last updated (ISO 8601, UTC, up to microseconds).
    """

    id: Identifier | None = None
    """The contact's id in Payt."""
    contact_identifier: Identifier | None = None
    """The contact's identifier in the accounting software."""
    call_phone_number: str | None = None
    """The number to call."""
    debtor_numbers: list[Identifier] | None = None
    """The numbers of the debtors that this contact belongs to."""
    default_email_address: str | None = None
    """Where e-mail goes that is neither invoice nor reminder; several addresses are separated by commas."""
    firstname: str | None = None
    """First name."""
    gender: str | None = None
    """Gender, in the service's own words; the set of values is open."""
    infix: str | None = None
    """What stands between first and last name, such as "van der"."""
    invoice_email_address: str | None = None
    """Where invoices go; several addresses are separated by commas."""
    invoice_cc_email_address: str | None = None
    """Who receives a copy of invoices; several addresses are separated by commas."""
    invoice_bcc_email_address: str | None = None
    """Who receives a blind copy of invoices; several addresses are separated by commas."""
    lastname: str | None = None
    """Last name, or the company's name."""
    middlename: str | None = None
    """Middle name."""
    postal_address_street_1: str | None = None
    """Street and house number."""
    postal_address_street_2: str | None = None
    """Second line of the street address."""
    postal_address_postal_code: str | None = None
    """Postal code."""
    postal_address_city: str | None = None
    """City."""
    postal_address_country_code: str | None = None
    """Country, as its code."""
    postal_address_region: str | None = None
    """Province, state or region."""
    prefix: str | None = None
    """What stands before the name, such as a title."""
    reminder_email_address: str | None = None
    """Where reminders go; several addresses are separated by commas."""
    reminder_cc_email_address: str | None = None
    """Who receives a copy of reminders; several addresses are separated by commas."""
    reminder_bcc_email_address: str | None = None
    """Who receives a blind copy of reminders; several addresses are separated by commas."""
    sms_phone_number: str | None = None
    """The number that text messages go to."""
    validation_errors: ValidationErrors | None = None
    """What Payt finds wrong with this contact."""
    updated_at: DateTime | None = None
    """When the contact was last updated (ISO 8601, UTC, up to microseconds)."""

    def to_dict(self) -> dict[str, Any]:
        """All fields by their names, as JSON holds them: `json.dumps` takes the result."""
        return plain_of(self)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Self:
        """Make one of a mapping, such as `to_dict` gives; it is checked, and read as an answer is.

        Raises:
            DecodeError: A value does not match the contract; a ValueError that names the place.
            TypeError: It is not a mapping, or holds what JSON cannot.
        """
        return model_of(cls, mapping)


from ..models.validation_errors import ValidationErrors  # noqa: E402
