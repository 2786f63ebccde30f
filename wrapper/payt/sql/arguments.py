"""The arguments of `payt.sync`, checked before anything is sent, and the job that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa

from payt_resources import LISTS, spec_of

from .. import checks
from ..client import AsyncClient, Client
from ..contract import parameters_of
from ..environments import text_of, url_of
from ..listing.shapes import ADMINISTRATION
from ..transport.call import running_loop
from .database import Database
from .engines import KINDS, engine_of
from .job import Job
from .state import Settings, SyncResult

PREFETCH = 8
"""How many pages are asked for ahead, of all administrations that are listed side by side together."""
LONGEST_NAME = 63
"""How many bytes PostgreSQL keeps of a name; MariaDB and MySQL keep one more."""


@contextmanager
def job_of(kind: type, options: dict[str, Any]) -> Iterator[tuple[Job, Callable[..., Any], int]]:
    """The job, the method that lists, and how many administrations are listed side by side.

    Args:
        kind: Which kind of client it has to be.
        options: The arguments of `payt.sync`. They are taken out: tracebacks show variables, and these a password.
    """
    try:
        job, method, threads = _made(kind, **options)
    finally:
        options.clear()
    with closing(job):
        yield job, method, threads


@checks.showing_no_arguments
def _made(
    kind: type,
    *,
    client: Client | AsyncClient,
    administration_ids: str | Iterable[str] | None,
    to: str | sa.URL | sa.Engine,
    resource: str,
    concurrency: int,
    table: str | None,
    schema: str | None,
    migrate: bool,
    moved_from: str | None,
    per_page: int | None,
    prefetch: int | None,
    on_progress: Callable[[SyncResult], object] | None,
    **settings: Any,
) -> tuple[Job, Callable[..., Any], int]:
    _check_client(client, kind)
    if kind is AsyncClient:
        running_loop()
    copied = [name for name in LISTS if spec_of(name).key is not None]
    spec = spec_of(checks.choice("resource", resource, copied))
    by_administration = ADMINISTRATION in parameters_of(spec)
    if not by_administration and administration_ids is not None:
        raise ValueError(f"administration_ids must be None, because {spec.name} do not belong to administrations")
    ids = checks.values("administration_ids", administration_ids) if by_administration else ("",)
    threads = min(checks.number("concurrency", concurrency, least=1, most=100), len(ids))
    table = checks.text("table", spec.name.replace(".", "_") if table is None else table)
    if table.lower().startswith("payt_"):
        raise ValueError(f"table: names that begin with payt_ are reserved, got {table!r}")
    if len(table.encode()) > LONGEST_NAME:
        raise ValueError(f"table: a name has at most {LONGEST_NAME} bytes, got {len(table.encode())}")
    if schema is not None:
        checks.text("schema", schema)
    before = None if moved_from is None else text_of(url_of("moved_from", moved_from))
    if prefetch is None:
        prefetch = max(1, PREFETCH // max(1, threads))
    if on_progress is not None:
        checks.function("on_progress", on_progress)
    per_page = spec.most if per_page is None else checks.number("per_page", per_page, least=1, most=spec.most)
    how = Settings(per_page=per_page, prefetch=prefetch, **settings)
    database = Database(engine_of(to, kinds=[*KINDS]), spec, table=table, schema=schema)
    prepare = partial(database.prepare, client.base_url, moved_from=before, migrate=checks.flag("migrate", migrate))
    return Job(ids, database, how, prepare, on_progress), spec.method_of(client), threads


def _check_client(client: object, kind: type) -> None:
    if not isinstance(client, kind):
        other = "payt.async_sync" if kind is Client else "payt.sync"
        hint = f": use {other}" if isinstance(client, (Client, AsyncClient)) else ""
        raise TypeError(f"client must be a payt.{kind.__name__}, got {type(client).__name__}{hint}")
