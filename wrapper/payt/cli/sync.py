"""`payt <resource> sync`: a copy of a list in a database, brought up to date."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any, Final

import click

import payt
from payt.errors import PaytError

from .exits import FAILED, LOGIN_NEEDED, code_of, message_of
from .options import option
from .screen import counted, echo, report
from .selection import Selection

if TYPE_CHECKING:
    from payt.sql import SyncResult


LONGEST = 10_000_000
"""Minutes or days: more than anybody needs, and less than a timedelta holds."""


OPTIONS: Final = (
    option(
        "--to",
        envvar="PAYT_DATABASE_URL",
        required=True,
        metavar="URL",
        help="The database: sqlite:///copy.db or postgresql+psycopg://user@host/database.",
    ),
    option("--table", help="The table, by default that of the list; it is made when not there."),
    option("--schema", help="The schema of the tables."),
    option("--full", is_flag=True, help="Read all, and mark what is gone as deleted."),
    option("--full-every", type=click.IntRange(min=1), metavar="N", help="Do so on every Nth run."),
    option(
        "--full-after", type=click.FloatRange(0, LONGEST), metavar="DAYS", help="Do so when the last was so long ago."
    ),
    option(
        "--overlap",
        type=click.FloatRange(0, LONGEST),
        default=5.0,
        metavar="MINUTES",
        help="How much is read twice, for what was written late.",
    ),
    option("--allow-mass-delete", is_flag=True, help="Mark more than a fifth of the records as deleted at once."),
    option("--migrate", is_flag=True, help="Add the columns that the contract has and the table has not."),
    option("--moved-from", metavar="URL", help="Where the service was before: continue a copy from there."),
    option("--json", "as_json", is_flag=True, help="Write the summary as JSON, for schedulers."),
)


def sync_command(
    client: payt.Client,
    selection: Selection,
    *,
    to: str,
    table: str | None,
    schema: str | None,
    full: bool,
    full_every: int | None,
    full_after: float | None,
    overlap: float,
    allow_mass_delete: bool,
    migrate: bool,
    moved_from: str | None,
    as_json: bool,
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
            echo(summary(result))
    for name, why in failed.items():
        start, message = f"administration {name}: " if name else "", message_of(why)
        report(f"payt: {start}{message.removeprefix(start)}")
    if code:
        raise click.exceptions.Exit(code)


def summary(result: SyncResult) -> str:
    """What a run did, in a line."""
    kind = "full" if result.full else "incremental"
    whose = f"administration {result.administration_id}: " if result.administration_id else ""
    return (
        f"{whose}{result.inserted:,} inserted, {result.updated:,} updated, "
        f"{result.unchanged:,} unchanged, {result.deleted:,} deleted; {kind}{', resumed' if result.resumed else ''}, "
        f"{counted(result.pages, 'page')} in {result.seconds:.1f} s"
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
        if isinstance(error, SyncError) and (error.errors or error.__cause__):
            of_all = {"": error.__cause__} if isinstance(error.__cause__, PaytError) else {}
            return list(error.results), {**error.errors, **of_all}
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
    click.echo(json.dumps(document))
