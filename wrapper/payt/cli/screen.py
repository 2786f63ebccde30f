"""Contacts on a screen."""

from __future__ import annotations

from typing import Any

from rich.console import Console

import payt

from .columns import Kind
from .plain import plain
from .writers.cells import AS_TEXT


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        """Let the error out, so that the exit code is that of all commands; rich would end the process with 1."""
        raise  # noqa: PLE0704 - rich calls this while it handles the error


def console(*, soft_wrap: bool = False) -> Console:
    """Standard output; what is printed there is text, and no markup."""
    return _Screen(markup=False, highlight=False, emoji=False, soft_wrap=soft_wrap)


def shown(kind: Kind, value: Any) -> str:
    """A value in one line."""
    return "" if value is None else plain(AS_TEXT[kind](value))


def name_of(contact: payt.Contact) -> str:
    """What a contact is called."""
    parts = (contact.prefix, contact.firstname, contact.middlename, contact.infix, contact.lastname)
    return plain(" ".join(part for part in parts if part))
