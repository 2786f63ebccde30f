"""List ten thousand contacts from the built-in fake server: real HTTP requests, typed contacts, page after page."""

from __future__ import annotations

import time

import payt
from payt.testing import FakePayt

COLUMNS = ("id", "firstname", "infix", "lastname", "postal_address_city", "invoice_email_address")
SHOWN = 10


def main() -> None:
    """Start the server, list its contacts, and say what it took."""
    # no proxy of the environment's stands between this machine and itself
    with FakePayt(contacts=10_000) as fake, payt.Client(fake.token, base_url=fake.url, trust_env=False) as client:
        print(f"FakePayt serves 10,000 contacts at {fake.url}")
        started = time.perf_counter()
        pages = list(client.contacts.list(administration_id=fake.administration_id).pages())
        seconds = time.perf_counter() - started
        contacts = [contact for page in pages for contact in page.data]
        print_table([[getattr(contact, column) or "" for column in COLUMNS] for contact in contacts[:SHOWN]])
        print(
            f"{len(contacts):,} contacts in {len(pages)} pages, {len(fake.requests)} requests, "
            f"{fake.connections} connection, {seconds:.2f} seconds"
        )


def print_table(rows: list[list[str]]) -> None:
    """Print the rows under the column names, aligned."""
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in [list(COLUMNS), ["-" * width for width in widths], *rows]:
        print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())
    print(f"… and more; only {SHOWN} are shown")


if __name__ == "__main__":
    main()
