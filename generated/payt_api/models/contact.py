# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from ..types import DateTime, Identifier, model


@model(kw_only=True)
class Contact:
    """A person or company that receives invoices and reminders."""

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


from ..models.validation_errors import ValidationErrors  # noqa: E402
