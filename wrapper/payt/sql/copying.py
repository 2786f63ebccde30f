"""`payt.sync` and its twin for asyncio: two shells around a `Job`, whose runs decide and write."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from contextlib import aclosing, closing
from functools import partial
from operator import call
from typing import Any

import sqlalchemy as sa

from ..client import AsyncClient, Client
from ..incremental import OVERLAP
from ..listing import OnInvalid
from .arguments import job_of
from .state import SyncResult
from .turns import Threads, Turns, side_by_side


def sync(
    client: Client,
    administration_ids: str | Iterable[str] | None,
    to: str | sa.URL | sa.Engine,
    *,
    resource: str = "contacts",
    concurrency: int = 8,
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
    prefetch: int | None = None,
    on_invalid: OnInvalid = "raise",
    on_progress: Callable[[SyncResult], object] | None = None,
) -> list[SyncResult]:
    """Bring a copy of a list, by default of administrations' contacts, up to date in a table of a database.

    The database is SQLite, PostgreSQL, MariaDB or MySQL. Every page is one transaction; if a run ends early, the next
    one resumes it. If one administration fails, the others are still synced; an error that affects all ends the run.

    Args:
        client: The client to read with.
        administration_ids: One administration or several; they share the table. None for a list that does not belong to
            administrations, such as the list of administrations itself.
        to: The database: an SQLAlchemy URL, or an Engine.
        resource: The list, by its name in `payt_resources.LISTS`: "contacts", "administrations", or any other whose
            records have a key in the contract (`x-copy`).
        concurrency: How many administrations are read side by side, 1 to 100. The calling thread writes for all.
        table: The name of the table, created if necessary; by default that of the list.
        schema: The schema of the tables; the default one if None.
        full: Read all records, and mark those that are gone as deleted.
        full_every: Do so on every run of this number, counted for each administration.
        full_after: Do so if the last full run is this long ago.
        overlap: How much is read again, because the service may write a record later than its time of change says.
        allow_mass_delete: Mark records as deleted even if they are more than a fifth of all, or all.
        migrate: Add missing columns, and recreate those whose type changed.
        moved_from: The previous base URL of the service: a copy from there is continued. Without it, a copy from
            another base URL is refused, so that one environment never overwrites the records of another.
        per_page: How many records to ask for in one request; None for as many as a page may hold.
        prefetch: How many pages to fetch ahead per administration, 0 to 16; None for eight in all.
        on_invalid: What happens to a record that does not match the contract: "raise" ends the run of its
            administration; "collect" leaves it out, lists it in the result's `invalid`, and asks for it on every run.
        on_progress: Called with the result of an administration after each page, and when it is `complete`.

    Returns:
        The result of each administration, in their order.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument's value cannot be used; the message says why and what to do.
        ImportError: The database's driver is not installed.
        SyncError: The database failed, or one of several administrations did: `errors` says why, `results` has
            the others. `BusyError`, `SchemaError` and `MassDeletionError` are its subclasses. An error that affects all
            of several administrations, such as a refused token, is its `__cause__`.
        PaytError: The only administration could not be listed.
    """
    options = {**locals()}
    del to, moved_from
    with job_of(Client, options) as (job, method, threads):
        job.prepare()

        def work(do: Callable[..., Any]) -> None:
            while (administration_id := do(job.next)) is not None:
                with job.attempt(administration_id):
                    try:
                        run = do(job.enter, administration_id)
                        while (listing := do(job.next_listing, run)) is not None:
                            with run.restartable(), closing(method(**listing).map_pages(run.received)) as pages:
                                for received in pages:
                                    do(job.take, run, received)
                    finally:
                        do(job.leave, administration_id)

        if threads == 1:
            work(call)
        else:
            turns = Turns()
            turns.run(partial(work, turns.do), threads)
        return job.outcome()


async def async_sync(
    client: AsyncClient,
    administration_ids: str | Iterable[str] | None,
    to: str | sa.URL | sa.Engine,
    *,
    resource: str = "contacts",
    concurrency: int = 8,
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
    prefetch: int | None = None,
    on_invalid: OnInvalid = "raise",
    on_progress: Callable[[SyncResult], object] | None = None,
) -> list[SyncResult]:
    """The same as `sync`, with an AsyncClient. The database is written to in a thread, so `to` is a plain driver."""
    options = {**locals()}
    del to, moved_from
    with job_of(AsyncClient, options) as (job, method, tasks):
        threads = Threads(inline=isinstance(job.database.engine.pool, sa.SingletonThreadPool))
        do = threads.do
        await do(job.prepare)

        async def work() -> None:
            while (administration_id := job.next()) is not None:
                with job.attempt(administration_id):
                    try:
                        run = await do(job.enter, administration_id)
                        while (listing := await do(job.next_listing, run)) is not None:
                            with run.restartable():
                                pager = method(**listing)
                                async with aclosing(pager.map_pages(partial(threads.beside, run.received))) as pages:
                                    async for received in pages:
                                        await do(job.take, run, received)
                    finally:
                        await do(job.leave, administration_id)

        await side_by_side(work, tasks)
        return job.outcome()
