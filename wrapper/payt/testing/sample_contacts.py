"""Invented contacts: believable, Dutch, and the same on every machine and every run."""

import functools
import json
import unicodedata
from typing import Any, Final

from payt.testing.invention import Dice, as_sent, key_of
from payt.testing.lists import served_lists

_CONTACTS: Final = served_lists()["contacts"]
_EXAMPLE: Final[dict[str, Any]] = json.loads(_CONTACTS.example)
CONTACT_FIELDS: Final = tuple(_CONTACTS.properties)
"""The fields of a contact, in the contract's order."""


def contact(*, seed: int = 0, **fields: Any) -> dict[str, Any]:
    """Build one believable contact as the API sends it: a dict of JSON with all fields; what is not given is filled in.

    `payt.Contact.from_dict(contact(lastname="Jansen"))` is the same as a model, as listings bring it.

    The same id and seed always fill in the same values. E-mail addresses follow the name, given or not.

    Args:
        seed: Another seed gives other people the same ids.
        **fields: Values for any of `CONTACT_FIELDS`; they are taken as they are, moments as the API writes them. The id
            is a whole number or its text, "1" by default.

    Raises:
        TypeError: A keyword is not a field of a contact; the message names the nearest one.
        ValueError: The id is not a whole number, or a moment has no time zone.
    """
    _CONTACTS.check(fields)
    number = key_of(fields.pop("id", 1))
    if not isinstance(number, int):
        raise ValueError(  # noqa: TRY004 - or its text
            f"the id of an invented contact must be a whole number, got {number!r}: to choose another, pass the whole "
            f'record as a dict, {{"id": {number!r}, "lastname": …}}'
        )
    dice = Dice(f"{seed}:{number}")
    firstname, gender = dice.pick(_FIRSTNAMES)
    infix, lastname = dice.pick(_LASTNAMES)
    names = (fields.get("firstname", firstname), fields.get("infix", infix), fields.get("lastname", lastname))
    personal, shared, several = _email_addresses(dice, names)
    street, detail, postal_code, city, country, region = _address(dice)
    debtor_number = f"D{10_000 + number}"
    faulty = dice.below(25) == 0
    invented: dict[str, Any] = {
        "id": str(number),
        "contact_identifier": f"K{100_000 + number}",
        "call_phone_number": dice.unless(25, f"+31{dice.pick(_AREA_CODES)}{dice.below(10**7):07}"),
        "debtor_numbers": [debtor_number, f"{debtor_number}-2"] if dice.below(10) == 0 else [debtor_number],
        "default_email_address": dice.unless(10, dice.pick((personal, several))),
        "firstname": dice.unless(10, firstname),
        "gender": dice.unless(30, gender),
        "infix": infix or None,
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
        "updated_at": dice.moment(),
    }
    if faulty:
        invented["invoice_email_address"] = personal.replace("@", "(at)")
    known = {name: value for name, value in invented.items() if name in CONTACT_FIELDS}
    return {**_EXAMPLE, **known, **as_sent(fields)}  # a field that is new to the contract is the example's


def contacts(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Build `count` contacts, each as `contact` does, with the ids "1", "2", … and otherwise unlike each other.

    Args:
        count: How many.
        seed: Another seed gives other people the same ids.
    """
    return [contact(id=number, seed=seed) for number in range(1, count + 1)]


def example_page() -> dict[str, Any]:
    """Return a page with the structure of the example answer on Payt's reference page of contacts."""
    text = "<string>"
    example: dict[str, Any] = dict.fromkeys(CONTACT_FIELDS, text)
    others = {"debtor_numbers": [text], "validation_errors": {}, "updated_at": "2023-11-07T05:31:56Z"}
    example |= {name: value for name, value in others.items() if name in example}
    return {"data": [example], "pagination": {"cursor": text}}


def _address(dice: Dice) -> tuple[str | None, ...]:
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


def _email_addresses(dice: Dice, names: tuple[object, ...]) -> tuple[str, str, str]:
    """Invent a personal address, one that is shared, and both of them, separated by a comma."""
    domain = dice.pick(_DOMAINS)
    words = ".".join([word for name in names if name and (word := _ascii(str(name)))])
    personal, shared = f"{words or 'info'}@{domain}", f"{dice.pick(_MAILBOXES)}@{domain}"
    return personal, shared, f"{personal},{shared}"


@functools.cache
def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain.lower() if letter.isalnum())


def _words(text: str) -> list[str]:
    return text.split(";")


def _rows(text: str) -> list[tuple[str, ...]]:
    return [tuple(row.split(",")) for row in _words(text)]


_FIRSTNAMES: Final = _rows(
    "Anaïs,female;André,male;Anouk,female;Bart,male;Björn,male;Chloë,female;Daan,male;Daniël,male;Eline,female;"
    "Fatima,female;Femke,female;Geert,male;Hélène,female;IJsbrand,male;Jeroen,male;Joëlle,female;Kees,male;"
    "Loïs,female;Maarten,male;Marieke,female;Mehmet,male;Michaël,male;Noël,male;Pieter,male;René,male;Renée,female;"
    "Sanne,female;Sjoerd,male;Thérèse,female;Wouter,male;Youssef,male;Zoë,female"
)
_LASTNAMES: Final = _rows(
    ",Bakker;,Coëlho;,De Jong-Müller;,Haïtsma;,Hendriks;,IJpelaar;,IJzerman;,Jansen;,Kössler;,Mulder;,Özdemir;"
    ",Peeters;,Smit;,Visser;,Wiersma;,Yilmaz;'t,Hart;de,Boer;de,Vries;in 't,Veld;ten,Cate;van,Dijk;van 't,Hoek;"
    "van de,Ven;van den,Berg;van der,Meer;van der,Zée"
)
_CITIES: Final = _rows(
    "'s-Hertogenbosch,Noord-Brabant,NL;Almere,Flevoland,NL;Amsterdam,Noord-Holland,NL;Arnhem,Gelderland,NL;"
    "Drachten,Fryslân,NL;Eindhoven,Noord-Brabant,NL;Groningen,Groningen,NL;Hendrik-Ido-Ambacht,Zuid-Holland,NL;"
    "IJmuiden,Noord-Holland,NL;Knokke,West-Vlaanderen,BE;Köln,Nordrhein-Westfalen,DE;Liège,Liège,BE;"
    "Maastricht,Limburg,NL;Rotterdam,Zuid-Holland,NL;Utrecht,Utrecht,NL;Zwolle,Overijssel,NL"
)
_PREFIXES: Final = _words("dhr.;mevr.;dr.;drs.;ir.;mr.;prof. dr.")
_STREETS: Final = _words(
    "Burgemeester de Vlugtlaan;Curaçaostraat;Dorpsstraat;Eikenlaan;Groenmarkt;Havenkade;IJsbaanpad;Kerkstraat;"
    "Korte Poten;Molenweg;Oude Gracht;Plein 1944;Prinsengracht;Saturnusstraat;Stationsplein;Zuiderzeeweg"
)
_STREET_DETAILS: Final = _words("Gebouw B;2e verdieping;t.a.v. crediteurenadministratie;Postbus 512;Unit 7")
_AREA_CODES: Final = _words("10;13;20;24;30;40;43;50;58;70")
_MAILBOXES: Final = _words("administratie;boekhouding;crediteuren;facturen;finance;info")
_DOMAINS: Final = _words(
    "bakkerij.example;bouwbedrijf.example;example.com;example.net;example.org;garage.example;groothandel.example;"
    "transport.example"
)
_LETTERS: Final = "ABCDEGHJKLMNPRTVWXZ"
