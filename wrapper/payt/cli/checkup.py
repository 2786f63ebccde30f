"""`payt contacts check`: what to clean up, the worst first."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs
import click
import msgspec

import payt

from ..extras import missing
from .options import QUIET, option
from .progress import end_with_invalid, progress, wanted
from .screen import console, plain
from .selection import Position, Selection

_EMAILS = (
    "default_email_address",
    "invoice_email_address",
    "invoice_cc_email_address",
    "invoice_bcc_email_address",
    "reminder_email_address",
    "reminder_cc_email_address",
    "reminder_bcc_email_address",
)
_POSTAL = ("postal_address_street_1", "postal_address_postal_code", "postal_address_city")
_FIELDS = (
    *("id", "prefix", "firstname", "middlename", "infix", "lastname", "validation_errors"),
    *("call_phone_number", "sms_phone_number", *_EMAILS, *_POSTAL),
)
_BAR = 20
_MOST_MARKS = 50
"""How many names of fields that Payt marks are printed; with --json it is all of them."""


@attrs.frozen
class Gap:
    """Something that a contact may lack.

    Attributes:
        name: What it is called in JSON.
        meaning: What it is called in a report.
        found: Whether a contact has it.
    """

    name: str
    meaning: str
    found: Callable[[payt.Contact], bool]


def _given(contact: payt.Contact, *names: str) -> list[str]:
    return [value for name in names if (value := (getattr(contact, name) or "").strip())]


def _unusable_email(contact: payt.Contact) -> bool:
    return not all(_is_reachable(each.strip()) for value in _given(contact, *_EMAILS) for each in value.split(","))


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


GAPS = (
    Gap("validation-errors", "marked by Payt as faulty", lambda contact: bool(contact.validation_errors)),
    Gap("no-invoice-email", "no e-mail address for invoices", lambda contact: not _given(contact, _EMAILS[1])),
    Gap("no-reminder-email", "no e-mail address for reminders", lambda contact: not _given(contact, _EMAILS[4])),
    Gap("no-email", "no e-mail address at all", lambda contact: not _given(contact, *_EMAILS)),
    Gap("unusable-email", "an invalid e-mail address", _unusable_email),
    Gap("no-postal-address", "no postal address", lambda contact: not _given(contact, *_POSTAL)),
    Gap("half-postal-address", "half a postal address", lambda contact: 0 < len(_given(contact, *_POSTAL)) < 3),
    Gap(
        "no-phone-number",
        "no phone number",
        lambda contact: not _given(contact, "call_phone_number", "sms_phone_number"),
    ),
    Gap("no-lastname", "no last name", lambda contact: not _given(contact, "lastname")),
)


@attrs.define
class Found:
    """How often a gap was found, and the first contacts that have it."""

    gap: Gap
    count: int = 0
    examples: list[dict[str, Any]] = attrs.field(factory=list)


@attrs.define
class Report:
    """What was found so far; its size does not grow with the contacts."""

    most_examples: int
    contacts: int = 0
    with_gaps: int = 0
    found: list[Found] = attrs.field(factory=lambda: [Found(gap) for gap in GAPS])
    marked: Counter[str] = attrs.field(factory=Counter)

    def add(self, administration: str | None, contact: payt.Contact) -> None:
        """Look at a contact."""
        self.contacts += 1
        having = [found for found in self.found if found.gap.found(contact)]
        self.with_gaps += bool(having)
        for found in having:
            found.count += 1
            if len(found.examples) < self.most_examples:
                known = {"administration_id": administration, "id": contact.id, "name": _name_of(contact)}
                found.examples.append(known)
        self.marked.update(list(contact.validation_errors or ()))

    def worst_first(self) -> list[Found]:
        """What was found, the most frequent first."""
        return sorted(self.found, key=lambda found: -found.count)

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
    with progress(selection, shown=wanted(quiet=quiet, into_terminal=False)) as tell:
        for position, administration, contacts in selection.pages(client):
            for contact in contacts:
                report.add(administration, contact)
            tell(position)
            at = position
    if as_json:
        sys.stdout.write(_as_json(report) + "\n")
    else:
        _print(report, several=selection.several)
    end_with_invalid(selection, at)


def _name_of(contact: payt.Contact) -> str:
    """What a contact is called."""
    parts = (contact.prefix, contact.firstname, contact.middlename, contact.infix, contact.lastname)
    return plain(" ".join(part for part in parts if part))


def _as_json(report: Report) -> str:
    return msgspec.json.encode(
        {
            "contacts": report.contacts,
            "with_gaps": report.with_gaps,
            "gaps": [
                {
                    "name": found.gap.name,
                    "meaning": found.gap.meaning,
                    "contacts": found.count,
                    "share": round(report.share(found.count), 4),
                    "examples": found.examples,
                }
                for found in report.worst_first()
            ],
            "validation_errors": dict(report.marked.most_common()),
        }
    ).decode()


def _print(report: Report, *, several: bool) -> None:
    screen = console()
    mark, least = ("#", ".") if screen.options.ascii_only else ("█", "▏")
    widest = max(len(gap.meaning) for gap in GAPS)
    share = report.share(report.with_gaps)
    screen.print(f"{report.contacts:,} contacts, {report.with_gaps:,} of them ({share:.0%}) with gaps\n")
    for found in report.worst_first():
        share = report.share(found.count)
        line = f"{found.gap.meaning.ljust(widest)}  {found.count:>9,}  {share:>4.0%}"
        if found.count:
            screen.print(line, end="  ")
            screen.print(mark * round(share * _BAR) or least, style="red")
        else:
            screen.print(line, style="dim")
        for example in found.examples:
            where = f"administration {example['administration_id']}, " if several else ""
            screen.print(f"    {where}{plain(str(example['id']))} {example['name']}", style="dim")
    if report.marked:
        marks = ", ".join(f"{plain(name)} {count:,}" for name, count in report.marked.most_common(_MOST_MARKS))
        more = len(report.marked) - _MOST_MARKS
        screen.print(f"\nPayt marks as faulty: {marks}{f' and {more:,} more' if more > 0 else ''}")
