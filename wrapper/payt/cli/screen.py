"""Contacts on a screen."""

from __future__ import annotations

from typing import Any

from rich.console import Console

import payt

from .columns import Kind
from .plain import plain
from .writers.cells import AS_TEXT


def console() -> Console:
    """Standard output; what is printed there is text, and no markup."""
    return Console(markup=False, highlight=False, emoji=False)


def shown(kind: Kind, value: Any) -> str:
    """A value in one line."""
    return "" if value is None else plain(AS_TEXT[kind](value))


def name_of(contact: payt.Contact) -> str:
    """What a contact is called."""
    parts = (contact.prefix, contact.firstname, contact.middlename, contact.infix, contact.lastname)
    return plain(" ".join(part for part in parts if part))
