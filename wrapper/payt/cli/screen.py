"""Contacts on a screen: texts that came from elsewhere are shown, and never obeyed."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console

import payt

from .columns import Kind
from .writers.cells import AS_TEXT

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, which terminals obey, and those that turn the direction of writing."""


def console() -> Console:
    """Standard output; what is printed there is text, and no markup."""
    return Console(markup=False, highlight=False, emoji=False)


def shown(kind: Kind, value: Any) -> str:
    """A value in one line."""
    return "" if value is None else plain(AS_TEXT[kind](value))


def plain(text: str) -> str:
    """A text without characters that a terminal would obey."""
    return _UNSEEN.sub(" ", text)


def name_of(contact: payt.Contact) -> str:
    """What a contact is called."""
    parts = (contact.prefix, contact.firstname, contact.middlename, contact.infix, contact.lastname)
    return plain(" ".join(part for part in parts if part))
