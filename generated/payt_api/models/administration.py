# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from ..types import DateTime, Identifier, model, model_of, plain_of


@model(kw_only=True)
class Administration:
    """A bookkeeping whose invoices are followed up in Payt, with contacts of its own.

    Attributes:
        id: The administration's id in Payt.
        name: Name of the administration, usually the company's.
        internal_name: Name that its users gave it.
        status: State, such as active, inactive, deleted or implementation; the set of values is open.
        email_address: E-mail address of the administration.
        contact_name: Name of the person to contact.
        commercial_registration_number: Number in the commercial register.
        vat_number: VAT number.
        street_name: Street.
        house_number: House number.
        postal_code: Postal code.
        city: City.
        country_code: Country, as its code (ISO 3166, two letters).
        bank_account_name: Name of the bank account's holder.
        bank_account_number: Number of the bank account.
        bank_account_bic: BIC of the bank.
        timezone: Time zone, by its IANA name.
        currency_code: Currency of the books (ISO 4217).
        administration_url: Address of the administration in Payt, for a browser.
        import_origin_identifier: Identifier that imports are matched by. Sent only when asked for with
            `fields`.
        last_successful_import_at: When data was last imported without an error (ISO 8601, UTC). Sent only when
            asked for with `fields`.
        paused_at: When the administration was paused (ISO 8601, UTC).
        reminding_paused_at: When its reminders were paused (ISO 8601, UTC).
    """

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
    """Identifier that imports are matched by. Sent only when asked for with `fields`."""
    last_successful_import_at: DateTime | None = None
    """When data was last imported without an error (ISO 8601, UTC). Sent only when asked for with `fields`."""
    paused_at: DateTime | None = None
    """When the administration was paused (ISO 8601, UTC)."""
    reminding_paused_at: DateTime | None = None
    """When its reminders were paused (ISO 8601, UTC)."""

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
