"""A command of Django's manage.py that stores contacts: put it into yourapp/management/commands/import_contacts.py.

PAYT_TOKEN=... python manage.py import_contacts 1
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

import payt


class Command(BaseCommand):  # type: ignore[misc,unused-ignore]  # Django ships no types
    """Store an administration's contacts, all of them or none."""

    help = "Store the contacts of an administration."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the administration's id."""
        parser.add_argument("administration_id")

    def handle(self, *_: Any, administration_id: str, **__: Any) -> None:
        """List the contacts and store them in one transaction."""
        try:
            with payt.Client() as client, transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("delete from contact")
                for page in client.contacts.list(administration_id=administration_id).pages():
                    rows = [(contact.id, contact.lastname) for contact in page.data]
                    cursor.executemany("insert into contact (id, lastname) values (%s, %s)", rows)
        except (payt.PaytError, ValueError) as error:  # a ValueError is about an argument, or missing credentials
            raise CommandError(f"nothing was stored: {error}") from error
        self.stdout.write("done")
