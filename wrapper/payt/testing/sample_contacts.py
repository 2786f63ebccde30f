"""Invented contacts: believable, Dutch, and the same on every machine and every run."""

import difflib
import functools
import hashlib
import struct
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

CONTACT_FIELDS: Final = (
    "id",
    "contact_identifier",
    "call_phone_number",
    "debtor_numbers",
    "default_email_address",
    "firstname",
    "gender",
    "infix",
    "invoice_email_address",
    "invoice_cc_email_address",
    "invoice_bcc_email_address",
    "lastname",
    "middlename",
    "postal_address_street_1",
    "postal_address_street_2",
    "postal_address_postal_code",
    "postal_address_city",
    "postal_address_country_code",
    "postal_address_region",
    "prefix",
    "reminder_email_address",
    "reminder_cc_email_address",
    "reminder_bcc_email_address",
    "sms_phone_number",
    "validation_errors",
    "updated_at",
)
"""The fields of a contact, in the contract's order."""


def contact(*, seed: int = 0, **fields: Any) -> dict[str, Any]:
    """Build one believable contact with all its fields; what is not given is filled in.

    The same id and seed always fill in the same values. E-mail addresses follow the name, given or not.

    Args:
        seed: Another seed gives other people the same ids.
        **fields: Values for any of `CONTACT_FIELDS`; they are taken as they are. The id is a whole number or
            its text, "1" by default.

    Raises:
        TypeError: A keyword is no field of a contact; the message names the nearest one.
        ValueError: The id is no whole number.
    """
    for name in fields:
        if name not in CONTACT_FIELDS:
            raise TypeError(f"a contact has no field {name!r}{_nearest(name)}")
    number = contact_number(fields.pop("id", 1))
    dice = _Dice(f"{seed}:{number}")
    firstname, gender = dice.pick(_FIRSTNAMES)
    infix, lastname = dice.pick(_LASTNAMES)
    names = (fields.get("firstname", firstname), fields.get("infix", infix), fields.get("lastname", lastname))
    personal, shared, several = _email_addresses(dice, names)
    street, detail, postal_code, city, country, region = _address(dice)
    faulty = dice.below(25) == 0
    invented: dict[str, Any] = {
        "id": str(number),
        "contact_identifier": f"K{100_000 + number}",
        "call_phone_number": dice.unless(25, f"+31{dice.pick(_AREA_CODES)}{dice.below(10**7):07}"),
        "debtor_numbers": _debtor_numbers(dice, number),
        "default_email_address": dice.unless(10, dice.pick((personal, several))),
        "firstname": dice.unless(10, firstname),
        "gender": dice.unless(30, gender),
        "infix": infix,
        "invoice_email_address": dice.unless(35, dice.pick((personal, shared, several))),
        "invoice_cc_email_address": dice.unless(70, shared),
        "invoice_bcc_email_address": dice.unless(80, shared),
        "lastname": lastname,
        "middlename": dice.unless(70, dice.pick(_FIRSTNAMES)[0]),
        "postal_address_street_1": street,
        "postal_address_street_2": detail,
        "postal_address_postal_code": postal_code,
        "postal_address_city": city,
        "postal_address_country_code": country,
        "postal_address_region": region,
        "prefix": dice.unless(65, dice.pick(_PREFIXES)),
        "reminder_email_address": dice.unless(40, dice.pick((personal, shared, several))),
        "reminder_cc_email_address": dice.unless(70, shared),
        "reminder_bcc_email_address": dice.unless(80, shared),
        "sms_phone_number": dice.unless(35, f"+316{10**7 + dice.below(9 * 10**7)}"),
        "validation_errors": {"invoice_email_address": ["is invalid"]} if faulty else None,
        "updated_at": timestamp(_FIRST_UPDATE + timedelta(microseconds=dice.below(_UPDATES_SPAN))),
    }
    if faulty:
        invented["invoice_email_address"] = personal.replace("@", "(at)")
    return invented | fields


def contacts(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Build `count` contacts with the ids "1", "2", … and otherwise unlike each other.

    Args:
        count: How many.
        seed: Another seed gives other people the same ids.
    """
    return [contact(id=number, seed=seed) for number in range(1, count + 1)]


def example_page() -> dict[str, Any]:
    """Return a page with the structure of the example answer on Payt's reference page of contacts."""
    text = "<string>"
    example: dict[str, Any] = dict.fromkeys(CONTACT_FIELDS, text)
    example |= {"debtor_numbers": [text], "validation_errors": {}, "updated_at": "2023-11-07T05:31:56Z"}
    return {"data": [example], "pagination": {"cursor": text}}


def contact_number(contact_id: object) -> int:
    """Return a contact's id as the number that orders it.

    Raises:
        ValueError: It is not a whole number, nor the plain decimal text of one.
    """
    text = str(contact_id)
    if not (text.isascii() and text.isdigit()) or str(int(text)) != text:
        raise ValueError(f"a contact's id is a whole number or its text, not {contact_id!r}")
    return int(text)


def timestamp(moment: datetime) -> str:
    """Write a moment as Payt does: ISO 8601 in UTC, with microseconds and a `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


_Option = TypeVar("_Option")


class _Dice:
    """Choices that follow from a text alone.

    A digest rather than `random`, whose sequences may differ from one Python version to the next.
    """

    def __init__(self, text: str) -> None:
        throws: Iterator[int] = iter(_THROWS.unpack(hashlib.shake_256(text.encode()).digest(_THROWS.size)))
        self._throw = throws.__next__

    def below(self, bound: int) -> int:
        return ((self._throw() << 32) + self._throw()) % bound

    def pick(self, options: Sequence[_Option]) -> _Option:
        return options[self._throw() % len(options)]

    def unless(self, percent: int, value: _Option) -> _Option | None:
        """Return None in that many cases of a hundred, else the value."""
        return None if self._throw() % 100 < percent else value


_THROWS: Final = struct.Struct(">64I")


def _nearest(name: str) -> str:
    nearest = difflib.get_close_matches(name, CONTACT_FIELDS, n=1, cutoff=0)
    return f"; the nearest is {nearest[0]!r}"


def _debtor_numbers(dice: _Dice, number: int) -> list[str]:
    first = f"D{10_000 + number}"
    return [first, f"{first}-2"] if dice.below(10) == 0 else [first]


def _address(dice: _Dice) -> tuple[str | None, ...]:
    """Invent the six parts of an address, in the contract's order; some have none at all."""
    city, region, country = dice.pick(_CITIES)
    digits = 1000 + dice.below(9000)
    postal_code = {
        "NL": f"{digits} {dice.pick(_LETTERS)}{dice.pick(_LETTERS)}",
        "BE": f"{digits}",
        "DE": f"{digits}{dice.below(10)}",
    }[country]
    street = f"{dice.pick(_STREETS)} {1 + dice.below(250)}"
    detail = dice.unless(75, dice.pick(_STREET_DETAILS))
    address = (street, detail, postal_code, city, country, dice.unless(50, region))
    return dice.unless(10, address) or (None,) * len(address)


def _email_addresses(dice: _Dice, names: tuple[object, ...]) -> tuple[str, str, str]:
    """Invent a personal address, one that is shared, and both of them, separated by a comma."""
    domain = dice.pick(_DOMAINS)
    words = ".".join([word for name in names if name and (word := _ascii(str(name)))])
    personal, shared = f"{words or 'info'}@{domain}", f"{dice.pick(_MAILBOXES)}@{domain}"
    return personal, shared, f"{personal},{shared}"


@functools.cache
def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain.lower() if letter.isalnum())


_FIRST_UPDATE: Final = datetime(2023, 1, 1, tzinfo=UTC)
_UPDATES_SPAN: Final = 3 * 365 * 24 * 60 * 60 * 10**6

_FIRSTNAMES: Final = (
    ("Anaïs", "female"),
    ("André", "male"),
    ("Anouk", "female"),
    ("Bart", "male"),
    ("Björn", "male"),
    ("Chloë", "female"),
    ("Daan", "male"),
    ("Daniël", "male"),
    ("Eline", "female"),
    ("Fatima", "female"),
    ("Femke", "female"),
    ("Geert", "male"),
    ("Hélène", "female"),
    ("IJsbrand", "male"),
    ("Jeroen", "male"),
    ("Joëlle", "female"),
    ("Kees", "male"),
    ("Loïs", "female"),
    ("Maarten", "male"),
    ("Marieke", "female"),
    ("Mehmet", "male"),
    ("Michaël", "male"),
    ("Noël", "male"),
    ("Pieter", "male"),
    ("René", "male"),
    ("Renée", "female"),
    ("Sanne", "female"),
    ("Sjoerd", "male"),
    ("Thérèse", "female"),
    ("Wouter", "male"),
    ("Youssef", "male"),
    ("Zoë", "female"),
)
_LASTNAMES: Final = (
    (None, "Bakker"),
    (None, "Coëlho"),
    (None, "De Jong-Müller"),
    (None, "Haïtsma"),
    (None, "Hendriks"),
    (None, "IJpelaar"),
    (None, "IJzerman"),
    (None, "Jansen"),
    (None, "Kössler"),
    (None, "Mulder"),
    (None, "Özdemir"),
    (None, "Peeters"),
    (None, "Smit"),
    (None, "Visser"),
    (None, "Wiersma"),
    (None, "Yilmaz"),
    ("'t", "Hart"),
    ("de", "Boer"),
    ("de", "Vries"),
    ("in 't", "Veld"),
    ("ten", "Cate"),
    ("van", "Dijk"),
    ("van 't", "Hoek"),
    ("van de", "Ven"),
    ("van den", "Berg"),
    ("van der", "Meer"),
    ("van der", "Zée"),
)
_PREFIXES: Final = ("dhr.", "mevr.", "dr.", "drs.", "ir.", "mr.", "prof. dr.")
_CITIES: Final = (
    ("'s-Hertogenbosch", "Noord-Brabant", "NL"),
    ("Almere", "Flevoland", "NL"),
    ("Amsterdam", "Noord-Holland", "NL"),
    ("Arnhem", "Gelderland", "NL"),
    ("Drachten", "Fryslân", "NL"),
    ("Eindhoven", "Noord-Brabant", "NL"),
    ("Groningen", "Groningen", "NL"),
    ("Hendrik-Ido-Ambacht", "Zuid-Holland", "NL"),
    ("IJmuiden", "Noord-Holland", "NL"),
    ("Knokke", "West-Vlaanderen", "BE"),
    ("Köln", "Nordrhein-Westfalen", "DE"),
    ("Liège", "Liège", "BE"),
    ("Maastricht", "Limburg", "NL"),
    ("Rotterdam", "Zuid-Holland", "NL"),
    ("Utrecht", "Utrecht", "NL"),
    ("Zwolle", "Overijssel", "NL"),
)
_STREETS: Final = (
    "Burgemeester de Vlugtlaan",
    "Curaçaostraat",
    "Dorpsstraat",
    "Eikenlaan",
    "Groenmarkt",
    "Havenkade",
    "IJsbaanpad",
    "Kerkstraat",
    "Korte Poten",
    "Molenweg",
    "Oude Gracht",
    "Plein 1944",
    "Prinsengracht",
    "Saturnusstraat",
    "Stationsplein",
    "Zuiderzeeweg",
)
_STREET_DETAILS: Final = ("Gebouw B", "2e verdieping", "t.a.v. crediteurenadministratie", "Postbus 512", "Unit 7")
_AREA_CODES: Final = ("10", "13", "20", "24", "30", "40", "43", "50", "58", "70")
_LETTERS: Final = "ABCDEGHJKLMNPRTVWXZ"
_MAILBOXES: Final = ("administratie", "boekhouding", "crediteuren", "facturen", "finance", "info")
_DOMAINS: Final = (
    "bakkerij.example",
    "bouwbedrijf.example",
    "example.com",
    "example.net",
    "example.org",
    "garage.example",
    "groothandel.example",
    "transport.example",
)
