# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from ..types import DateTime, Identifier, model


@model(kw_only=True)
class Administration:
    """A bookkeeping whose invoices are followed up in Payt, with contacts of its own."""

    id: Identifier | None = None
    """The administration's id in Payt."""
    name: str | None = None
    """Name of the administration, usually the company's."""
    internal_name: str | None = None
    """Name that its users gave it."""
    status: str | None = None
    """State, such as active, inactive, deleted or implementation; the set of values is open."""
    email_address: str | None = None
    """E-mail address of the administration."""
    contact_name: str | None = None
    """Name of the person to contact."""
    commercial_registration_number: str | None = None
    """Number in the commercial register."""
    vat_number: str | None = None
    """VAT number."""
    street_name: str | None = None
    """Street."""
    house_number: str | None = None
    """House number."""
    postal_code: str | None = None
    """Postal code."""
    city: str | None = None
    """City."""
    country_code: str | None = None
    """Country, as its code (ISO 3166, two letters)."""
    bank_account_name: str | None = None
    """Name of the bank account's holder."""
    bank_account_number: str | None = None
    """Number of the bank account."""
    bank_account_bic: str | None = None
    """BIC of the bank."""
    timezone: str | None = None
    """Time zone, by its IANA name."""
    currency_code: str | None = None
    """Currency of the books (ISO 4217)."""
    administration_url: str | None = None
    """Address of the administration in Payt, for a browser."""
    import_origin_identifier: str | None = None
    """Identifier that imports are matched by."""
    last_successful_import_at: DateTime | None = None
    """When data was last imported without an error (ISO 8601, UTC)."""
    paused_at: DateTime | None = None
    """When the administration was paused (ISO 8601, UTC)."""
    reminding_paused_at: DateTime | None = None
    """When its reminders were paused (ISO 8601, UTC)."""
