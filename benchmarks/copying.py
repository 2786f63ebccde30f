"""A copy in a database: `payt.sync` into PostgreSQL, SQLite and MariaDB, beside the listing alone and dlt's `rest_api`.

The fake server runs in a process of its own, as here each contact must be another one. PostgreSQL is a private cluster
with its settings as they come (fsync on), and so is MariaDB but for the log, which is written each second.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dlt
import sqlalchemy as sa
from dlt.sources.rest_api import rest_api_source

import payt
from payt.testing import FakePayt
from support import mariadb, postgres

from .measure import AS_IT_COMES, Plan, Row, interleaved, row, shown

MARIADB_AS_IT_COMES = {
    "innodb-doublewrite": "1",
    "innodb-flush-method": "O_DIRECT",
    "innodb-buffer-pool-size": "128M",
    "innodb-log-file-size": "96M",
}
DLT_RUNS = 3
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"  # dlt would tell its makers that it was used


def measure(plan: Plan) -> list[Row]:
    programs, program = postgres.binaries(), mariadb.program()
    if programs is None or program is None:
        plan.notes.append("copying was left out: it takes PostgreSQL and MariaDB, and one is not installed")
        return []
    many, most, some = (1_000, 3_000, 500) if plan.fast else (100_000, 300_000, 10_000)
    with (
        postgres.cluster(programs, **AS_IT_COMES) as database,
        mariadb.server(program, **MARIADB_AS_IT_COMES) as maria,
        tempfile.TemporaryDirectory(prefix="payt-bench-") as folder,
    ):
        engine = sa.create_engine(maria)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE DATABASE copies")
        engine.dispose()
        return [
            *beside_listing(plan, many, database, maria.replace("@/", "@/copies"), Path(folder)),
            *full_again(most, database, maria.replace("@/", "@/copies"), f"sqlite:///{folder}/again.db"),
            *beside_dlt(plan, some, database, folder),
        ]


def beside_listing(plan: Plan, contacts: int, database: str, maria: str, folder: Path) -> list[Row]:
    numbers = count()
    with Fake.serving(contacts) as fake, fake.client() as client:

        def listing() -> None:
            assert sum(1 for _ in client.contacts.list(administration_id="1")) == contacts

        def first_run(to: str) -> None:
            [result] = payt.sync(client, "1", to, table=f"contacts_{next(numbers)}")
            assert result.inserted == contacts

        def again() -> None:
            [result] = payt.sync(client, "1", database, table="contacts_0")
            assert (result.pages, result.full) == (1, False)

        listing()  # invents the contacts
        first_run(database)  # imports what it needs, and makes contacts_0
        seconds = interleaved(
            {
                "PostgreSQL": timed(partial(first_run, database)),
                "listing them": timed(listing),
                "SQLite": timed(lambda: first_run(f"sqlite:///{folder}/{next(numbers)}.db")),
                "MariaDB": timed(partial(first_run, maria)),
                "again": timed(again),
            },
            plan.runs,
        )
        before = fake.requests()
        again()
        requests = fake.requests() - before
    what = f"copy {contacts:,} contacts into"
    slowest = max(seconds["again"])
    return [
        row(f"{what} PostgreSQL", seconds, "listing them", 1.7),
        Row("… again, nothing new: the slowest", shown([slowest]), "the most allowed", "1.00 s", slowest, goal=1.0),
        Row("… requests for that", str(requests), "the page that says so", "1", requests, goal=1),
        *[
            row(f"{what} {name}", {each: seconds[each] for each in (name, "listing them")}, "listing them", 2.5)
            for name in ("SQLite", "MariaDB")
        ],
    ]


def full_again(contacts: int, *databases: str) -> list[Row]:
    """A full run that finds all as it was, beside the first one: once, as it is long."""
    rows = []
    with Fake.serving(contacts) as fake, fake.client() as client:
        assert sum(1 for _ in client.contacts.list(administration_id="1")) == contacts  # invents them
        for database in databases:
            run = timed(partial(payt.sync, client, "1", database, table="again_in_full", full=True))
            first, again = [run()], [run()]
            kind = sa.make_url(database).get_backend_name()
            what = f"read {contacts:,} contacts again that are as they were, {kind}"
            rows.append(row(what, {"a full run": again, "a first run": first}, "a first run", 1.0))
    return rows


def beside_dlt(plan: Plan, contacts: int, database: str, folder: str) -> list[Row]:
    numbers = count()
    with Fake.serving(contacts) as fake, fake.client() as client:
        copies = {
            "payt.sync": lambda: payt.sync(client, "1", database, table=f"beside_dlt_{next(numbers)}"),
            "dlt's rest_api source": lambda: with_dlt(fake, database, folder, f"dlt_{next(numbers)}"),
        }
        for copy in copies.values():
            copy()  # the first one imports what it needs
        seconds = interleaved({name: timed(copy) for name, copy in copies.items()}, min(plan.runs, DLT_RUNS))
    assert contacts == rows_in(database, "beside_dlt_0") == rows_in(database, "contacts", "dlt_1")
    return [row(f"copy {contacts:,} contacts into PostgreSQL", seconds, "dlt's rest_api source", None, higher=True)]


def with_dlt(fake: Fake, database: str, folder: str, dataset: str) -> None:
    """As its documentation does it: a declared source, merged by its key."""
    source: Any = {
        "client": {
            "base_url": fake.url,
            "auth": {"type": "bearer", "token": fake.token},
            "paginator": {"type": "cursor", "cursor_path": "pagination.cursor", "cursor_param": "cursor"},
        },
        "resources": [
            {
                "name": "contacts",
                "primary_key": "id",
                "write_disposition": "merge",
                "columns": {"validation_errors": {"data_type": "json"}},
                "endpoint": {"path": "v1/contacts", "params": {"administration_id": "1", "per_page": 500}},
            }
        ],
    }
    # dlt wants a password and a host, which the socket in the query takes the place of
    url = database.replace("+psycopg", "").replace("@/", ":unused@localhost/")
    pipeline = dlt.pipeline(
        dataset, pipelines_dir=folder, destination=dlt.destinations.postgres(url), dataset_name=dataset
    )
    pipeline.run(rest_api_source(source))


def rows_in(database: str, table: str, schema: str | None = None) -> int:
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        found = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table, schema=schema)))
    engine.dispose()
    return int(found or 0)


def timed(do: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        began = time.perf_counter()
        do()
        return time.perf_counter() - began

    return run


class Fake:
    """A FakePayt in a process of its own, which ends with the block."""

    def __init__(self, tell: Connection) -> None:
        self._tell = tell
        self.url, self.token = tell.recv()

    @classmethod
    @contextmanager
    def serving(cls, contacts: int) -> Iterator[Fake]:
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(contacts, there), daemon=True)
        process.start()
        try:
            yield cls(here)
        finally:
            here.send("end")
            process.join()

    def client(self) -> payt.Client:
        return payt.Client(self.token, base_url=self.url, rate_limit=None)

    def requests(self) -> int:
        """How many it has seen."""
        self._tell.send("requests")
        seen: int = self._tell.recv()
        return seen


def serve(contacts: int, tell: Connection) -> None:
    with FakePayt(contacts=contacts) as fake:
        tell.send((fake.url, fake.token))
        while tell.recv() == "requests":
            tell.send(len(fake.requests))
