"""`payt <resource> sync`: a copy of a list in a database, brought up to date."""

from __future__ import annotations

import datetime
import json
import signal
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

import payt
from payt.errors import PaytError

from .exits import FAILED, TerminatedError, code_of, message_of
from .options import QUIET, SKIP_INVALID, Command, Number, option
from .parameters import called
from .progress import report_invalid, running, wanted
from .screen import counted, report
from .selection import Selection, described_invalid

if TYPE_CHECKING:
    from payt.sql import SyncResult


BUSY: Final = 4
"""Another run is busy with this."""
_DETAILS: Final = ("status", "code", "request_id", "cursor")
"""What the summary says of an error, where it is known, besides its message."""
_WRITTEN: Final = "payt.written"
"""Where a context keeps that the summary was written."""
LONGEST = 10_000_000
"""Minutes or days: more than anybody needs, and less than a timedelta holds."""


OPTIONS: Final = (
    option(
        "--to",
        envvar="PAYT_DATABASE_URL",
        required=True,
        metavar="URL",
        help="The database: sqlite:///copy.db, postgresql+psycopg://user@host/database or "
        "mariadb+pymysql://user@host/database.",
    ),
    option("--table", help="The table, created if necessary; by default named after the list."),
    option("--schema", help="The schema of the tables."),
    option("--full", is_flag=True, help="Read everything, and mark what is gone as deleted."),
    option("--full-every", type=click.IntRange(min=1), help="Do so on every Nth run."),
    option(
        "--full-after",
        type=Number(0, LONGEST),
        metavar="DAYS",
        help="Do so if the last time was that many days ago.",
    ),
    option(
        "--overlap",
        type=Number(0, LONGEST),
        default=5.0,
        metavar="MINUTES",
        help="How much to read again, for records that were written late.",
    ),
    option(
        "--allow-mass-delete",
        is_flag=True,
        help="Allow more than a fifth of the records to be marked as deleted at once.",
    ),
    option("--migrate", is_flag=True, help="Add missing columns, and recreate those whose type changed."),
    option("--moved-from", metavar="URL", help="The previous base URL of the service: continue its copy."),
    option(
        "--concurrency",
        type=click.IntRange(1, 100),
        default=8,
        help="How many administrations to read side by side.",
    ),
    option(
        "--prefetch",
        type=click.IntRange(0, 16),
        help="How many pages to fetch ahead per administration; by default eight for all together.",
    ),
    option("--json", "as_json", is_flag=True, help="Write the summary as JSON, for schedulers."),
    SKIP_INVALID,
    QUIET,
)


class SyncCommand(Command):
    """Writes a summary as JSON however a run ends, also where none begins, where that is wanted."""

    def make_context(self, info_name: str | None, args: list[str], *others: Any, **extra: Any) -> click.Context:
        """As click's."""
        as_json = "--json" in args  # which are taken away
        try:
            return super().make_context(info_name, args, *others, **extra)
        except click.ClickException as error:
            if as_json:
                _write_json([], {"": error}, error.exit_code)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """As click's."""
        try:
            with _terminable():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit) as end:
            if ctx.params["as_json"] and _WRITTEN not in ctx.meta:
                _write_json([], {"": end.__context__ or end}, end.exit_code)
            raise


def sync_command(
    client: payt.Client,
    selection: Selection,
    *,
    to: str,
    full_after: float | None,
    overlap: float,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Keep a copy; other options are those of `payt.sync`."""
    from payt.sql import sync  # noqa: PLC0415 - an extra of its own

    administrations = [administration for administration in selection.administrations if administration is not None]
    ids: Any = administrations or None
    results: dict[str | None, SyncResult] = {}
    error: BaseException | None = None
    with running(shown=wanted(quiet=quiet)) as update:

        def tell(result: SyncResult) -> None:
            results[result.administration_id] = result
            is_shown = result.complete and not as_json and not quiet
            update(_sofar(selection, results.values()), *([summary(result)] if is_shown else ()))

        try:
            sync(
                client,
                ids,
                to,
                resource=selection.spec.name,
                full_after=None if full_after is None else datetime.timedelta(days=full_after),
                overlap=datetime.timedelta(minutes=overlap),
                on_invalid="collect" if selection.skip_invalid else "raise",
                on_progress=tell,
                **options,
            )
        except BaseException as raised:  # noqa: BLE001 - schedulers want to read how it ended, however it did
            error = raised
    done = [results[name] for name in selection.administrations if name in results and results[name].complete]
    failed = {} if error is None else _failures(error, administrations)
    code = _code(failed, invalid=any(result.invalid for result in done))
    if as_json:
        click.get_current_context().meta[_WRITTEN] = True  # first: a signal may end what follows
        _write_json(done, failed, code)
    for result in done:
        if result.invalid:
            report_invalid(selection, list(map(described_invalid, result.invalid)), _whose(result.administration_id))
    if error is not None and not isinstance(error, (PaytError, KeyboardInterrupt, TerminatedError)):
        raise error
    for name, why in failed.items():
        report(f"payt: {_whose(name)}{_message(why, name, len(done), len(selection.administrations))}")
    if code:
        raise click.exceptions.Exit(code)


def summary(result: SyncResult) -> str:
    """What a run did, in a line."""
    kind = "full" if result.full else "incremental"
    skipped = f", {result.skipped:,} skipped by a trigger" if result.skipped else ""
    return (
        f"{_whose(result.administration_id)}{result.inserted:,} inserted, {result.updated:,} updated, "
        f"{result.unchanged:,} unchanged, {result.deleted:,} deleted{skipped}; "
        f"{kind}{', resumed' if result.resumed else ''}, "
        f"{counted(result.pages, 'page')} in {result.seconds:.1f} s"
    )


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the run between two statements, and not while a token is being renewed."""

    def end(_number: int, _frame: object) -> None:
        raise TerminatedError("terminated")

    before = signal.signal(signal.SIGTERM, end)
    try:
        with payt.hold_signals():
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _sofar(selection: Selection, results: Collection[SyncResult]) -> str:
    records = sum(one.inserted + one.updated + one.unchanged for one in results)
    text = f"{records:,} {called(selection.spec, records)} in {counted(sum(one.pages for one in results), 'page')}"
    if selection.several:
        done = sum(one.complete for one in results)
        text += f", {done} of {len(selection.administrations)} administrations done"
    return text


def _whose(administration_id: str | None) -> str:
    return f"administration {administration_id}: " if administration_id else ""


def _failures(error: BaseException, administrations: list[str]) -> dict[str, BaseException]:
    """What went wrong, by administration; "" where it concerns all."""
    from payt.sql import BusyError, MassDeletionError, SyncError  # noqa: PLC0415 - an extra of its own

    is_of_one = isinstance(error, PaytError) and not isinstance(error, SyncError)
    if len(administrations) == 1 and (is_of_one or isinstance(error, (BusyError, MassDeletionError))):
        return {administrations[0]: error}
    if not isinstance(error, SyncError):
        return {"": error}
    own: dict[str, BaseException] = {name: why for name, why in error.errors.items() if why is not error.__cause__}
    return {**own, "": error} if error.__cause__ is not None or not own else own


def _code(failed: Mapping[str, BaseException], *, invalid: bool) -> int:
    """The exit code of all that went wrong: its own where that is of one kind."""
    from payt.sql import BusyError  # noqa: PLC0415 - an extra of its own

    def one(error: BaseException) -> int:
        if isinstance(error, BusyError):
            return BUSY
        return code_of(_known_of(error)) or FAILED

    codes = {one(error) for error in failed.values()}
    if len(codes) == 1:
        return codes.pop()
    return FAILED if codes or invalid else 0


def _message(error: BaseException, name: str, done: int, of: int) -> str:
    if isinstance(error, (KeyboardInterrupt, TerminatedError)):
        far = f"{done} of {counted(of, 'administration')} done"
        return f"{message_of(error)}: {far}; the next run resumes where this one stopped"
    return message_of(error).removeprefix(_whose(name))


def _known_of(error: BaseException) -> BaseException:
    """What is known of an error: of one that affects all administrations, its cause knows most."""
    return error.__cause__ if isinstance(error.__cause__, PaytError) else error


def _write_json(results: list[SyncResult], failed: Mapping[str, BaseException], code: int) -> None:
    errors = [
        {
            "administration_id": name or None,
            "type": type(known := _known_of(error)).__name__,
            "message": error.format_message() if isinstance(error, click.ClickException) else message_of(error),
            **{detail: getattr(known, detail, None) for detail in _DETAILS},
        }
        for name, error in failed.items()
    ]
    kept = [attrs.asdict(result, filter=lambda field, _: field.name != "raw") for result in results]
    click.echo(json.dumps({"exit_code": code, "administrations": kept, "errors": errors}))
