"""`payt <resource> sync`: a copy of a list in a database, brought up to date."""

from __future__ import annotations

import datetime
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

import payt
from payt.errors import PaytError

from .exits import FAILED, LOGIN_NEEDED, code_of, message_of
from .plain import plain_lines
from .progress import plural
from .selection import Selection

if TYPE_CHECKING:
    from payt.sql import SyncResult


LONGEST = 10_000_000
"""Minutes or days: more than anybody needs, and less than a timedelta holds."""


def sync_command(
    client: payt.Client,
    selection: Selection,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            envvar="PAYT_DATABASE_URL",
            metavar="URL",
            help="The database: sqlite:///copy.db or postgresql+psycopg://user@host/database.",
        ),
    ],
    table: Annotated[
        str | None, typer.Option("--table", help="The table, by default that of the list; it is made when not there.")
    ] = None,
    schema: Annotated[str | None, typer.Option("--schema", help="The schema of the tables.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read all, and mark what is gone as deleted.")] = False,
    full_every: Annotated[
        int | None, typer.Option("--full-every", min=1, metavar="N", help="Do so on every Nth run.")
    ] = None,
    full_after: Annotated[
        float | None,
        typer.Option("--full-after", min=0, max=LONGEST, metavar="DAYS", help="Do so when the last was so long ago."),
    ] = None,
    overlap: Annotated[
        float,
        typer.Option(
            "--overlap",
            min=0,
            max=LONGEST,
            metavar="MINUTES",
            help="How much is read twice, for what was written late.",
        ),
    ] = 5,
    allow_mass_delete: Annotated[
        bool, typer.Option("--allow-mass-delete", help="Mark more than a fifth of the records as deleted at once.")
    ] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Add the columns that the contract has and the table has not.")
    ] = False,
    moved_from: Annotated[
        str | None,
        typer.Option("--moved-from", metavar="URL", help="Where the service was before: continue a copy from there."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the summary as JSON, for schedulers.")] = False,
) -> None:
    """Keep a copy."""
    try:
        results, failed = _sync(
            client,
            [administration for administration in selection.administrations if administration is not None],
            to,
            resource=selection.spec.name,
            table=table,
            schema=schema,
            full=full,
            full_every=full_every,
            full_after=None if full_after is None else datetime.timedelta(days=full_after),
            overlap=datetime.timedelta(minutes=overlap),
            allow_mass_delete=allow_mass_delete,
            migrate=migrate,
            moved_from=moved_from,
        )
    except (PaytError, KeyboardInterrupt) as error:
        if as_json:
            _write_json([], {"": error}, code_of(error) or FAILED)
        raise
    codes = {code_of(why) for why in failed.values()}
    code = LOGIN_NEEDED if codes == {LOGIN_NEEDED} else FAILED if failed else 0
    if as_json:
        _write_json(results, failed, code)
    else:
        for result in results:
            typer.echo(summary(result))
    for name, why in failed.items():
        start, message = f"administration {name}: ", message_of(why)
        sys.stderr.write(plain_lines(f"payt: {start}{message.removeprefix(start)}") + "\n")
    if code:
        raise typer.Exit(code)


def summary(result: SyncResult) -> str:
    """What a run did, in a line."""
    kind = "full" if result.full else "incremental"
    whose = f"administration {result.administration_id}: " if result.administration_id else ""
    return (
        f"{whose}{result.inserted:,} inserted, {result.updated:,} updated, "
        f"{result.unchanged:,} unchanged, {result.deleted:,} deleted; {kind}{', resumed' if result.resumed else ''}, "
        f"{result.pages:,} {plural('page', result.pages)} in {result.seconds:.1f} s"
    )


def _sync(
    client: payt.Client, administrations: list[str], to: str, **options: Any
) -> tuple[list[SyncResult], dict[str, PaytError]]:
    """What was done, and which of several administrations failed."""
    from payt.sql import SyncError, sync  # noqa: PLC0415 - an extra of its own

    ids: Any = administrations or None
    try:
        return sync(client, ids, to, **options), {}
    except PaytError as error:
        if isinstance(error, SyncError) and error.errors:
            return list(error.results), error.errors
        if isinstance(error, SyncError) or len(administrations) != 1:
            raise
        return [], {administrations[0]: error}


def _write_json(results: list[SyncResult], failed: dict[str, Any], code: int) -> None:
    import attrs  # noqa: PLC0415 - rarely needed

    errors = [
        {"administration_id": name or None, "type": type(error).__name__, "message": message_of(error)}
        for name, error in failed.items()
    ]
    document = {"exit_code": code, "administrations": [attrs.asdict(result) for result in results], "errors": errors}
    sys.stdout.write(json.dumps(document) + "\n")
