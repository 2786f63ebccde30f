"""`payt.sync` and its twin for asyncio: two shells around one `Sync`, which decides and writes."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing, closing, contextmanager
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from payt_resources import LISTS, spec_of

from .. import checks
from ..client import AsyncClient, Client
from ..contract import fields_to_name, parameters_of
from ..environments import text_of, url_of
from ..errors import APIError, InvalidResponseError, PaytError
from ..listing import ListSpec, Page
from ..transport import clock
from . import plan
from .database import Copy, Database, engine_of, now
from .errors import SyncError
from .plan import Received, Settings, State, SyncResult
from .schema import ADMINISTRATION

T = TypeVar("T")
log = logging.getLogger("payt")
OVERLAP = datetime.timedelta(minutes=5)
CURSOR_REFUSED = (400, 404, 409, 410, 422)
"""How a service may say that it does not know a cursor any more."""
LONGEST_NAME = 63
"""How many bytes PostgreSQL keeps of a name."""


def sync(
    client: Client,
    administration_ids: str | Iterable[str] | None,
    to: str | sa.URL | sa.Engine,
    *,
    resource: str = "contacts",
    table: str | None = None,
    schema: str | None = None,
    full: bool = False,
    full_every: int | None = None,
    full_after: datetime.timedelta | None = None,
    overlap: datetime.timedelta = OVERLAP,
    allow_mass_delete: bool = False,
    migrate: bool = False,
    moved_from: str | None = None,
    per_page: int | None = None,
) -> list[SyncResult]:
    """Bring a copy of a list, by default of administrations' contacts, up to date in a table of SQLite or PostgreSQL.

    Every page is one transaction; a run that ends early is gone on with by the next one. When one administration
    fails, the others are synced all the same.

    Args:
        client: Whom to ask.
        administration_ids: One administration or several; they share the table. None for a list that belongs to none,
            such as that of the administrations.
        to: The database: a URL of SQLAlchemy, or an Engine.
        resource: The list by its name in `payt_resources.LISTS`: "contacts", "administrations", or any other whose
            records have a key in the contract (`x-copy`).
        table: The name of the table, by default that of the list; it is made when it is not there.
        schema: The schema of the tables; the default one if None.
        full: Read all records, and mark those that are gone as deleted.
        full_every: Do so on every run of this number, counted for each administration.
        full_after: Do so when the last full run is so long ago.
        overlap: How much is read twice, as the service may write a record later than its moment of change says.
        allow_mass_delete: Mark records as deleted even if they are more than a fifth of all, or all.
        migrate: Add the columns that the contract has and the table has not.
        moved_from: The base URL at which the service was before: a table that is a copy from there is continued from
            the client's. Without it, a copy from another base URL is refused, so that no environment overwrites the
            records of another one.
        per_page: How many records a request asks for; None for the most that a page may hold.

    Returns:
        What was done, for each administration.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument's value cannot be used; the message says why and what to do.
        ImportError: The database's driver is not installed.
        SyncError: The database failed, or one of several administrations did: `errors` tells why, `results` holds
            the others. `BusyError`, `SchemaError` and `MassDeletionError` are kinds of it.
        PaytError: The only administration could not be listed.
    """
    _check_client(client, Client)
    spec = _spec(resource)
    settings = _settings(spec, full, full_every, full_after, overlap, allow_mass_delete, per_page)
    with _job(client, spec, administration_ids, to, table, schema, migrate=migrate, moved_from=moved_from) as job:
        job.prepare()
        for administration_id in job.administration_ids:
            with job.attempt(administration_id), job.database.administration(administration_id) as copy:
                run = Sync(copy, settings, administration_id)
                while (listing := run.next_listing()) is not None:
                    with run.restartable():
                        pager = spec.method_of(client)(**listing)
                        with closing(pager.map_pages(run.received)) as pages:
                            for received in pages:
                                run.take(received)
                job.results.append(run.result)
        return job.outcome()


async def async_sync(
    client: AsyncClient,
    administration_ids: str | Iterable[str] | None,
    to: str | sa.URL | sa.Engine,
    *,
    resource: str = "contacts",
    table: str | None = None,
    schema: str | None = None,
    full: bool = False,
    full_every: int | None = None,
    full_after: datetime.timedelta | None = None,
    overlap: datetime.timedelta = OVERLAP,
    allow_mass_delete: bool = False,
    migrate: bool = False,
    moved_from: str | None = None,
    per_page: int | None = None,
) -> list[SyncResult]:
    """The same as `sync`, with an AsyncClient. The database is written to in a thread, so `to` is a plain driver."""
    _check_client(client, AsyncClient)
    spec = _spec(resource)
    settings = _settings(spec, full, full_every, full_after, overlap, allow_mass_delete, per_page)
    with _job(client, spec, administration_ids, to, table, schema, migrate=migrate, moved_from=moved_from) as job:
        do = job.in_thread
        await do(job.prepare)
        for administration_id in job.administration_ids:
            with job.attempt(administration_id):
                holding = job.database.administration(administration_id)
                try:
                    copy = await do(holding.__enter__)
                    run = Sync(copy, settings, administration_id)
                    while (listing := await do(run.next_listing)) is not None:
                        with run.restartable():
                            pager = spec.method_of(client)(**listing)
                            async with aclosing(pager.map_pages(partial(do, run.received))) as pages:
                                async for received in pages:
                                    await do(run.take, received)
                    job.results.append(run.result)
                finally:
                    await do(holding.__exit__, None, None, None)
        return job.outcome()


class Sync:
    """One run for one administration.

    Whoever drives it lists what `next_listing` says, gives every page to `received`, and what comes of it to `take`.

    Args:
        copy: Where to.
        settings: How.
        administration_id: Whose records; empty where the list belongs to no administration.
    """

    def __init__(self, copy: Copy, settings: Settings, administration_id: str) -> None:
        self._copy, self._settings, self._spec = copy, settings, copy.spec
        fields = fields_to_name(copy.spec)
        self._always = {**copy.owner, **({} if fields is None else {"fields": fields})}
        self._state = copy.state()
        empty = copy.is_empty()
        if empty:
            self._state = State()  # somebody emptied the table: what was received before is needed again
        self._run = plan.begin(self._state, settings, copy.columns, now(), empty=empty)
        self._resumed = self._run is self._state.run
        self._began = clock.now()
        self._asked_at, self._asked = now(), clock.now()
        self._gone: list[str] | None = None
        self._again: frozenset[str] = frozenset()
        self._complete = self._checking = False
        self.result = SyncResult(
            administration_id=administration_id,
            full=self._run.full,
            resumed=self._resumed,
            watermark=self._state.watermark,
        )

    def next_listing(self) -> dict[str, Any] | None:
        """What to list now; None when the run is complete.

        Records that a full listing did not bring are asked for by their keys before they count as deleted, or by
        another full listing where the list has no such filter: they may have been moved to a page that was passed.

        Raises:
            MassDeletionError: Too many are gone.
        """
        listing, after = {**self._always, "per_page": self._settings.per_page}, self._spec.after
        if not self._complete and self._gone is None:
            self._asked_at, self._asked = now(), clock.now()
            since = {} if after is None else {after: self._run.after}
            return {**listing, **since, "cursor": self._run.position}
        if self._gone and not self._checking:
            self._refuse_mass_deletion(len(self._gone))
            self._checking, self._again = True, frozenset(self._gone)
            if self._spec.key_filter is None:
                return listing
            askable = [name for name in self._gone if "," not in name]  # commas separate them
            if askable:
                return {**listing, self._spec.key_filter: askable}
        if not self._complete:
            with self._copy.transaction():
                self._finish()
        self.result.seconds = clock.now() - self._began
        return None

    def received(self, page: Page[Any]) -> Received:
        """A page as `take` takes it; in any thread, while another page is being written.

        Raises:
            InvalidResponseError: It has a record without a key.
            SyncError: It holds what the database cannot.
        """
        plan.check_keys(page, str(self._spec.key))
        try:
            # those that are asked for again have been counted, where a listing brings them once more
            rows = self._copy.rows(page, self._again if self._checking else None)
            newest = plan.newest_of(page, self._spec.watermark)
        except OverflowError:
            raise InvalidResponseError(
                "a moment lies outside of the years 1 to 9999 of UTC, and cannot be kept", path="$.data"
            ) from None
        return Received(rows=rows, cursor=page.cursor, newest=newest, headers=page.headers)

    def take(self, received: Received) -> None:
        """Write a page, and how far the run is, in one transaction."""
        first = self._run.began is None
        if not self._checking:
            plan.note(self._run, received, asked_at=self._asked_at, waited=clock.now() - self._asked)
        last = received.cursor is None and not self._checking
        if not last:
            self._state.run = self._run
        inserted, updated, unchanged = self._copy.page(
            partial(self._write, received, first=first, last=last), keep=None if last else self._state
        )
        self.result.inserted += inserted
        self.result.updated += updated
        self.result.unchanged += unchanged
        self.result.pages += 1

    def _write(self, received: Received, *, first: bool, last: bool) -> tuple[int, int, int]:
        if first and self._run.full:
            self._copy.forget_seen()
        counts = self._copy.write(received.rows, self._run, now())
        if not last:
            return counts
        self._gone = self._copy.gone() if self._run.full and not self._run.first else []
        if self._gone:
            self._state.run = self._run
            self._copy.keep(self._state)
        else:
            self._finish()
        return counts

    @contextmanager
    def restartable(self) -> Iterator[None]:
        """Where the service does not know the cursor of an unfinished run any more, its listing starts again."""
        try:
            yield
        except APIError as error:
            refused = error.status_code in CURSOR_REFUSED
            if not refused or self._run.position is None or self.result.pages:
                raise
            self._run = plan.again(self._run)

    def _finish(self, *, deletions_done: bool = True) -> None:
        moment = now()
        if self._gone:
            self.result.deleted = self._copy.delete_gone(moment) if deletions_done else 0
        if self._run.full:
            self._copy.forget_seen()
        self._state = plan.finished(self._state, self._run, now=moment, deletions_done=deletions_done)
        self._copy.keep(self._state)
        self._complete = True
        self.result.watermark = self._state.watermark

    def _refuse_mass_deletion(self, gone: int) -> None:
        with self._copy.transaction():
            known = self._copy.known()
            error = plan.mass_deletion(self.result.administration_id, self._spec.name, gone=gone, known=known)
            if error is None or self._settings.allow_mass_delete:
                return
            self._finish(deletions_done=False)
        raise error


class Job:
    """All administrations of a call: their database, what was done, and what failed."""

    def __init__(
        self, administration_ids: tuple[str, ...], database: Database, prepare: Callable[[], list[str]]
    ) -> None:
        self.administration_ids = administration_ids
        self.database = database
        self.results: list[SyncResult] = []
        self._prepare = prepare
        self._errors: dict[str, PaytError] = {}

    def prepare(self) -> None:
        """Make or check the tables."""
        for statement in self._prepare():
            log.warning("migrated: %s", statement)

    @contextmanager
    def attempt(self, administration_id: str) -> Iterator[None]:
        """The error of one of several administrations waits until the others are done."""
        try:
            yield
        except PaytError as error:
            if len(self.administration_ids) == 1:
                raise
            self._errors[administration_id] = error

    def outcome(self) -> list[SyncResult]:
        """What was done.

        Raises:
            SyncError: Not all was.
        """
        if not self._errors:
            return self.results
        listed = "; ".join(f"{name}: {error}" for name, error in self._errors.items())
        failed, all_of_them = len(self._errors), len(self.administration_ids)
        raise SyncError(
            f"{failed} of {all_of_them} administrations failed: {listed}", results=self.results, errors=self._errors
        )

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function that waits for the database; who cancels waits until it is done, so that all is whole."""
        if isinstance(self.database.engine.pool, sa.SingletonThreadPool):
            return function(*arguments)  # a database in the memory of this thread
        call = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
        cancelled: asyncio.CancelledError | None = None
        while not call.done():  # who cancels may do so again and again, as anyio does
            try:
                await asyncio.wait([call])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            call.exception()  # seen
            raise cancelled
        return call.result()


@contextmanager
def _job(
    client: Client | AsyncClient,
    spec: ListSpec[Any],
    administration_ids: str | Iterable[str] | None,
    to: str | sa.URL | sa.Engine,
    table: str | None,
    schema: str | None,
    *,
    migrate: bool,
    moved_from: str | None,
) -> Iterator[Job]:
    by_administration = ADMINISTRATION in parameters_of(spec)
    if not by_administration and administration_ids is not None:
        raise ValueError(f"administration_ids must be None, as {spec.name} belong to no administration")
    ids = checks.values("administration_ids", administration_ids) if by_administration else ("",)
    table = checks.text("table", spec.name.replace(".", "_") if table is None else table)
    if table.lower().startswith("payt_"):
        raise ValueError(f"table: names that begin with payt_ are those of our books, got {table!r}")
    if len(table.encode()) > LONGEST_NAME:
        raise ValueError(f"table: a name has at most {LONGEST_NAME} bytes, got {len(table.encode())}")
    if schema is not None:
        checks.text("schema", schema)
    before = None if moved_from is None else text_of(url_of("moved_from", moved_from))
    engine, ours = engine_of(to)
    database = Database(engine, spec, table=table, schema=schema)
    try:
        yield Job(ids, database, partial(database.prepare, client.base_url, moved_from=before, migrate=migrate))
    finally:
        if ours:
            engine.dispose()


def _spec(resource: str) -> ListSpec[Any]:
    copied = [name for name in LISTS if spec_of(name).key is not None]
    return spec_of(checks.choice("resource", resource, copied))


def _settings(
    spec: ListSpec[Any],
    full: bool,  # noqa: FBT001 - internal
    full_every: int | None,
    full_after: datetime.timedelta | None,
    overlap: datetime.timedelta,
    allow_mass_delete: bool,  # noqa: FBT001 - internal
    per_page: int | None,
) -> Settings:
    for name, value in (("overlap", overlap), ("full_after", full_after)):
        if value is None and name == "full_after":
            continue
        if not isinstance(value, datetime.timedelta):
            raise TypeError(f"{name} must be a datetime.timedelta, got {type(value).__name__}")
        if value < datetime.timedelta(0):
            raise ValueError(f"{name} must not be negative, got {value}")
    return Settings(
        overlap=overlap,
        full=full,
        full_every=None if full_every is None else checks.number("full_every", full_every, least=1),
        full_after=full_after,
        allow_mass_delete=allow_mass_delete,
        per_page=spec.most if per_page is None else checks.number("per_page", per_page, least=1, most=spec.most),
    )


def _check_client(client: object, kind: type) -> None:
    if not isinstance(client, kind):
        other = "payt.async_sync" if kind is Client else "payt.sync"
        hint = f": use {other}" if isinstance(client, (Client, AsyncClient)) else ""
        raise TypeError(f"client must be a payt.{kind.__name__}, got {type(client).__name__}{hint}")
