"""A fresh database for each test, of both kinds, and clients that sync into it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sql.copying import Syncs, sync_async, sync_blocking

from support import mariadb, postgres

_schemas = itertools.count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Callable[[], str]]:
    """Starts the tests' PostgreSQL when it is first called; returns its URL."""
    with ExitStack() as stack:
        urls: list[str] = []

        def start() -> str:
            programs = postgres.binaries()
            if programs is None:
                pytest.skip("no PostgreSQL is installed: run scripts/servers, which says why where it cannot be had")
            if not urls:
                urls.append(stack.enter_context(postgres.cluster(programs)))
            return urls[0]

        yield start


@pytest.fixture
def postgresql(cluster: Callable[[], str]) -> str:
    """The URL of a PostgreSQL database with an empty schema of the test's own."""
    schema = f"test_{next(_schemas)}"
    url = cluster()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    return f"{url}&options=-csearch_path%3D{schema}"


@pytest.fixture(scope="session")
def maria_server() -> Iterator[Callable[[], str]]:
    """Starts the tests' MariaDB when it is first called; returns its URL."""
    with ExitStack() as stack:
        urls: list[str] = []

        def start() -> str:
            program = mariadb.program()
            if program is None:
                pytest.skip("no MariaDB is installed: run scripts/servers, which says why where it cannot be had")
            if not urls:
                urls.append(stack.enter_context(mariadb.server(program)))
            return urls[0]

        yield start


@pytest.fixture
def maria(maria_server: Callable[[], str]) -> str:
    """The URL of an empty MariaDB database of the test's own."""
    name, url = f"test_{next(_schemas)}", maria_server()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return url.replace("@/", f"@/{name}")


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The URL of a SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path}/contacts.db"


@pytest.fixture(params=["sqlite", "postgresql", "maria"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: SQLite, PostgreSQL and MariaDB."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def create_engine() -> Iterator[Callable[..., sa.Engine]]:
    """As `sqlalchemy.create_engine`; all connections are closed when the test ends, however it ends."""
    with ExitStack() as stack:

        def create(url: Any, **options: Any) -> sa.Engine:
            engine = sa.create_engine(url, **options)
            stack.callback(engine.dispose)
            return engine

        yield create


@contextmanager
def queries(url: str) -> Iterator[Callable[..., list[Any]]]:
    """Runs a statement, and returns its rows, if it has any."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)

    def run(statement: str, **values: Any) -> list[Any]:
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return list(result.all()) if result.returns_rows else []

    yield run
    engine.dispose()


@pytest.fixture
def query(database: str) -> Iterator[Callable[..., list[Any]]]:
    """A function that runs a statement in `database`."""
    with queries(database) as run:
        yield run


@pytest.fixture
def query_sqlite(sqlite: str) -> Iterator[Callable[..., list[Any]]]:
    """A function that runs a statement in `sqlite`."""
    with queries(sqlite) as run:
        yield run


@pytest.fixture(params=[sync_blocking, sync_async], ids=["sync", "async"])
def syncs(request: pytest.FixtureRequest) -> Syncs:
    """`payt.sync`, then `payt.async_sync`."""
    chosen: Syncs = request.param
    return chosen


@pytest.fixture
def sync() -> Syncs:
    """`payt.sync` alone, where the flavour makes no difference."""
    return sync_blocking
