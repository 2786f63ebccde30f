"""The filters of the API as options, the same for every command that lists contacts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from .options import values_of
from .selection import values_in

IdsOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--ids", metavar="ID,…", help="Only contacts with these ids.")
]
IdsFromOption: TypeAlias = Annotated[
    Path | None, typer.Option("--ids-from", metavar="FILE", help="Only contacts with the ids in this file, one a line.")
]
IdentifiersOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--contact-identifiers",
        metavar="ID,…",
        help="Only contacts with these identifiers of the accounting software.",
    ),
]
DebtorsOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--debtor-numbers", metavar="NUMBER,…", help="Only contacts with one of these debtor numbers."),
]
UpdatedAfterOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--updated-after",
        metavar="MOMENT",
        help="Only contacts updated after this moment: ISO 8601 with an offset, such as 2026-11-01T00:00:00+01:00.",
    ),
]
PerPageOption: TypeAlias = Annotated[
    int, typer.Option("--per-page", min=1, max=500, help="How many a request asks for.")
]
LimitOption: TypeAlias = Annotated[
    int | None, typer.Option("--limit", min=0, help="How many contacts at most, of all administrations together.")
]


def filters_of(
    ids: list[str] | None,
    ids_from: Path | None,
    contact_identifiers: list[str] | None,
    debtor_numbers: list[str] | None,
    updated_after: str | None,
) -> dict[str, Any]:
    """The filters that were given, as `client.contacts.list` takes them.

    Raises:
        OSError: The file with the ids cannot be read.
        ValueError: It is no text.
    """
    wanted = values_of(ids)
    if ids_from is not None:
        wanted = [*(wanted or ()), *values_in(ids_from)]
    given = {
        "ids": wanted,
        "contact_identifiers": values_of(contact_identifiers),
        "debtor_numbers": values_of(debtor_numbers),
        "updated_after": updated_after,
    }
    return {name: value for name, value in given.items() if value is not None}
