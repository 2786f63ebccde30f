"""`payt contacts check`: what to clean up, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs
import click

import payt
from payt.listing.shapes import fields_of

from ..extras import missing
from .columns import document
from .options import QUIET, option
from .progress import end_with_invalid, progress, wanted
from .screen import console, counted, output, plain
from .selection import Position, Selection


def _known(*names: str) -> tuple[str, ...]:
    """Those of these fields that the contract has."""
    return tuple(name for name in names if name in fields_of(payt.Contact))


_EMAILS = tuple(name for name in fields_of(payt.Contact) if name.endswith("_email_address"))
_PHONES = tuple(name for name in fields_of(payt.Contact) if name.endswith("_phone_number"))
_POSTAL = _known("postal_address_street_1", "postal_address_postal_code", "postal_address_city")
_NAMES = _known("prefix", "firstname", "middlename", "infix", "lastname")
_FIELDS = (*_known("id", "validation_errors"), *_NAMES, *_PHONES, *_EMAILS, *_POSTAL)
_BAR = 20
_MOST_MARKS = 50
"""How many names of fields that Payt marks are printed; with --json it is all of them."""


def _given(contact: payt.Contact, *names: str) -> list[str]:
    return [value for name in names if (value := getattr(contact, name) or "").strip()]


def _unusable_email(contact: payt.Contact) -> bool:
    return not all(_is_reachable(each.strip(" ")) for value in _given(contact, *_EMAILS) for each in value.split(","))


def _half_postal_address(contact: payt.Contact) -> bool:
    return 0 < len(_given(contact, *_POSTAL)) < len(_POSTAL)


def _is_reachable(address: str) -> bool:
    """Whether mail can be sent there, as far as its form tells: nothing is looked up, and nothing is sent."""
    try:
        from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - takes its time
    except ModuleNotFoundError as error:
        raise missing("payt contacts check", "email_validator", "cli") from error

    try:
        validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return False
    return True


def _marked(contact: payt.Contact) -> Any:
    return getattr(contact, "validation_errors", None)


def _without(*names: str) -> tuple[tuple[str, ...], Callable[[payt.Contact], bool]]:
    """These fields, and whether a contact has a value in none of them."""
    known = _known(*names)
    return known, lambda contact: not _given(contact, *known)


_GAPS: dict[str, tuple[str, tuple[str, ...], Callable[[payt.Contact], Any]]] = {
    "validation-errors": ("marked by Payt as faulty", _known("validation_errors"), _marked),
    "no-invoice-email": ("no e-mail address for invoices", *_without("invoice_email_address")),
    "no-reminder-email": ("no e-mail address for reminders", *_without("reminder_email_address")),
    "no-email": ("no e-mail address at all", *_without(*_EMAILS)),
    "unusable-email": ("an invalid e-mail address", _EMAILS, _unusable_email),
    "no-postal-address": ("no postal address", *_without(*_POSTAL)),
    "half-postal-address": ("half a postal address", _POSTAL, _half_postal_address),
    "no-phone-number": ("no phone number", *_without(*_PHONES)),
    "no-lastname": ("no last name", *_without("lastname")),
}
GAPS: Final = {name: (meaning, has) for name, (meaning, fields, has) in _GAPS.items() if fields}
"""What may be amiss, by what it is called in JSON: what it is called in a report, and whether a contact has it.

What concerns fields that the contract does not have is left out.
"""


@attrs.define
class Report:
    """What was found so far; its size does not grow with the contacts."""

    most_examples: int
    contacts: int = 0
    with_gaps: int = 0
    counts: Counter[str] = attrs.field(factory=lambda: Counter(dict.fromkeys(GAPS, 0)))
    examples: dict[str, list[dict[str, Any]]] = attrs.field(factory=lambda: {name: [] for name in GAPS})
    marked: Counter[str] = attrs.field(factory=Counter)

    def add(self, administration: str | None, contact: payt.Contact) -> None:
        """Look at a contact."""
        gaps = [name for name, (_, has) in GAPS.items() if has(contact)]
        self.contacts += 1
        self.with_gaps += bool(gaps)
        self.counts.update(gaps)
        for name in gaps:
            if len(self.examples[name]) < self.most_examples:
                known = {"administration_id": administration, "id": contact.id, "name": _name_of(contact)}
                self.examples[name].append(known)
        self.marked.update(list(_marked(contact) or ()))

    def share(self, count: int) -> float:
        """A number of contacts as a part of all."""
        return count / self.contacts if self.contacts else 0.0


OPTIONS: Final = (
    option(
        "--examples",
        type=click.IntRange(min=0),
        default=3,
        help="How many contacts to name for each gap; the first ones.",
    ),
    option("--json", "as_json", is_flag=True, help="The report as one JSON object."),
    QUIET,
)


def check_command(client: payt.Client, selection: Selection, *, examples: int, as_json: bool, quiet: bool) -> None:
    """Report what contacts lack. One that cannot be read does not end the report."""
    selection = attrs.evolve(selection, fields=_FIELDS, skip_invalid=True)
    selection.check(client)
    report, at = Report(examples), Position()
    with progress(selection, shown=wanted(quiet=quiet)) as tell:
        for position, administration, contacts in selection.pages(client):
            for contact in contacts:
                report.add(administration, contact)
            tell(position)
            at = position
    if as_json:
        output().write(document(_as_json(report)).encode() + b"\n")
    else:
        _print(report, several=selection.several)
    end_with_invalid(selection, at)


def _name_of(contact: payt.Contact) -> str:
    """What a contact is called."""
    return plain(" ".join(part for name in _NAMES if (part := getattr(contact, name))))


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "contacts": report.contacts,
        "with_gaps": report.with_gaps,
        "gaps": [
            {
                "name": name,
                "meaning": GAPS[name][0],
                "contacts": count,
                "share": round(report.share(count), 4),
                "examples": report.examples[name],
            }
            for name, count in report.counts.most_common()
        ],
        "validation_errors": dict(report.marked.most_common()),
    }


def _print(report: Report, *, several: bool) -> None:
    screen = console()
    mark, least = ("#", ".") if screen.options.ascii_only else ("█", "▏")
    widest = max(len(meaning) for meaning, _ in GAPS.values())
    share = report.share(report.with_gaps)
    screen.print(f"{counted(report.contacts, 'contact')}, {report.with_gaps:,} of them ({share:.0%}) with gaps\n")
    for name, count in report.counts.most_common():
        share = report.share(count)
        line = f"{GAPS[name][0].ljust(widest)}  {count:>9,}  {share:>4.0%}"
        if count:
            screen.print(line, end="  ")
            screen.print(mark * round(share * _BAR) or least, style="red")
        else:
            screen.print(line, style="dim")
        for example in report.examples[name]:
            where = f"administration {example['administration_id']}, " if several else ""
            screen.print(f"    {where}{plain(str(example['id']))} {example['name']}", style="dim")
    if report.marked:
        marks = ", ".join(f"{plain(name)} {count:,}" for name, count in report.marked.most_common(_MOST_MARKS))
        more = len(report.marked) - _MOST_MARKS
        screen.print(f"\nPayt marks as faulty: {marks}{f' and {more:,} more' if more > 0 else ''}")
