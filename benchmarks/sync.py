"""How long a copy takes: `payt.sync` into PostgreSQL and SQLite, beside the listing alone and beside dlt.

    python benchmarks/sync.py [--contacts 100000] [--repeat 3]

The fake server runs in a process of its own. PostgreSQL is a private cluster with its settings as they come (fsync on).
dlt's `rest_api` source takes part where it is installed: pip install "dlt[postgres]".
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import payt
from payt.testing import FakePayt

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support import postgres

AS_IT_COMES = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "128MB"}


def serve(contacts: int, tell: Connection) -> None:
    with FakePayt(contacts=contacts) as fake:
        tell.send((fake.url, fake.token))
        tell.recv()


@contextmanager
def fake_payt(contacts: int) -> Iterator[tuple[str, str]]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(contacts, there))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join()


def seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def listed(client: payt.Client) -> None:
    for _ in client.contacts.list(administration_id="1"):
        pass


def report(name: str, took: float, listing: float) -> None:
    print(f"{name:<44} {took:8.2f} s   {took / listing:5.2f} x the listing", flush=True)


def with_dlt(url: str, token: str, database: str) -> Callable[[], object] | None:
    if find_spec("dlt") is None or find_spec("psycopg2") is None:
        return None
    dlt: Any = import_module("dlt")
    rest_api_source: Any = import_module("dlt.sources.rest_api").rest_api_source
    source = {
        "client": {
            "base_url": url,
            "auth": {"type": "bearer", "token": token},
            "paginator": {"type": "cursor", "cursor_path": "pagination.cursor", "cursor_param": "cursor"},
        },
        "resources": [
            {
                "name": "contacts",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {"path": "v1/contacts", "params": {"administration_id": "1", "per_page": 500}},
            }
        ],
    }
    folder = tempfile.mkdtemp(prefix="payt-dlt-")

    def run() -> object:
        pipeline = dlt.pipeline(
            "bench", pipelines_dir=folder, destination=dlt.destinations.postgres(database), dataset_name="bench_dlt"
        )
        return pipeline.run(rest_api_source(source))

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    programs = postgres.binaries()
    with fake_payt(arguments.contacts) as (url, token), payt.Client(token, base_url=url, rate_limit=None) as client:
        listed(client)  # invents the contacts
        listing = min(seconds(lambda: listed(client)) for _ in range(arguments.repeat))
        report(f"listing {arguments.contacts:,} contacts", listing, listing)
        with tempfile.TemporaryDirectory() as folder:
            database = f"sqlite:///{folder}/contacts.db"
            report("SQLite: first run", seconds(lambda: payt.sync(client, "1", database)), listing)
            report("SQLite: nothing new", seconds(lambda: payt.sync(client, "1", database)), listing)
        if programs is None:
            print("no PostgreSQL is installed here")
            return
        with postgres.cluster(programs, **AS_IT_COMES) as database:
            firsts = [
                seconds(partial(payt.sync, client, "1", database, table=f"contacts_{number}"))
                for number in range(arguments.repeat)
            ]
            report("PostgreSQL: first run", min(firsts), listing)
            again = min(
                seconds(lambda: payt.sync(client, "1", database, table="contacts_0")) for _ in range(arguments.repeat)
            )
            report("PostgreSQL: nothing new", again, listing)
            full = seconds(lambda: payt.sync(client, "1", database, table="contacts_0", full=True))
            report("PostgreSQL: full run, nothing changed", full, listing)
            # dlt wants a password and a host, which the socket in the query takes the place of
            run = with_dlt(url, token, database.replace("+psycopg", "").replace("@/", ":unused@localhost/"))
            if run is None:
                print("dlt with psycopg2 is not installed here")
            else:
                report("dlt rest_api: first run", seconds(run), listing)
                report("dlt rest_api: again", seconds(run), listing)


if __name__ == "__main__":
    main()
