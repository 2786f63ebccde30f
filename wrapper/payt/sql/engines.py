"""From a URL to an engine: what cannot be used is told at once, with the way out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import sqlalchemy as sa

from .dialects import in_memory

KINDS: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB", "mysql": "MySQL"}
"""The databases that a copy may be in, as SQLAlchemy calls them and as people do."""
_ALONE: Final = ("sqlite", "postgresql")
_FORMS: Final = "sqlite:///contacts.db, postgresql+psycopg://user@host/database or mariadb+pymysql://user@host/database"
_DRIVERS: Final = {
    "sqlite": ("sqlite", "it comes with Python"),
    "postgresql": ("postgresql+psycopg", 'pip install "psycopg[binary]"'),
    "mariadb": ("mariadb+pymysql", "pip install pymysql"),
    "mysql": ("mysql+pymysql", "pip install pymysql"),
}
"""What a URL of each best begins with, and how to get that driver."""


def engine_of(to: str | sa.URL | sa.Engine, kinds: Sequence[str] = _ALONE) -> sa.Engine:
    """The engine of a database. One that we make keeps no connection that is let go: nobody needs to dispose of it.

    Raises:
        TypeError: It is neither a URL nor an Engine.
        ValueError: The URL cannot be read, or its database would be gone at once, or is of another kind than these.
        ImportError: Its driver is not installed.
    """
    if isinstance(to, sa.Engine):
        _check_kind(to.dialect.name, kinds)
        return to
    if not isinstance(to, (str, sa.URL)):
        raise TypeError(f"to must be an SQLAlchemy URL or an Engine, got {type(to).__name__}")
    url = url_of(to)
    backend = url.get_backend_name()
    _check_kind(backend, kinds)
    if "@" in (url.host or "") or (url.host and "@" in (url.database or "")):  # the database: after a / of a password
        raise ValueError("to: write an @ of the user or password as %40, and a / as %2F")
    if backend == "sqlite" and url.host:
        raise ValueError(f"to: write the file's name after three slashes: sqlite:///{url.host}, or four from the root")
    if url.drivername in ("mysql", "mariadb"):
        url = url.set(drivername=f"{backend}+pymysql")
    engine = _engine(url)
    if in_memory(url):
        raise ValueError("to: a database in memory would be gone at once: pass an Engine, or name a file")
    return engine


def url_of(to: str | sa.URL) -> sa.URL:
    """A URL of SQLAlchemy, which a file, a server and a message can have.

    Raises:
        ValueError: It is none.
    """
    with suppress(sa.exc.ArgumentError, ValueError):
        url = sa.make_url(to)
        if "%00" not in str(url):  # a lone surrogate is an error here
            return url
    raise ValueError(f"to is not an SQLAlchemy URL: write {_FORMS}")


def _engine(url: sa.URL) -> sa.Engine:
    ours, way = _DRIVERS[url.get_backend_name()]
    try:
        is_async = url.get_dialect().is_async
    except sa.exc.NoSuchModuleError:
        raise ValueError(f"to: SQLAlchemy knows no driver {url.drivername!r}") from None
    if is_async:
        raise ValueError(f"to: {url.drivername} is an asyncio driver: name a synchronous one, {ours}")
    try:
        engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.NullPool)
        engine.dialect.create_connect_args(url)
    except ImportError as error:  # also of a driver that lacks its library
        other = f"the module {error.name or url.get_driver_name()}; or write {ours}"
        needed = "its driver" if url.drivername == ours else other
        raise ImportError(f"{url.drivername} needs {needed}: {way}") from None
    except (ValueError, sa.exc.ArgumentError) as error:
        raise ValueError(f"to: an option after the ? of the URL cannot be used: {error}") from None
    return engine


def _check_kind(name: str, kinds: Sequence[str]) -> None:
    if name in kinds:
        return
    if name == "postgres":
        raise ValueError("to: SQLAlchemy calls it postgresql: write postgresql+psycopg://user@host/database")
    *others, last = [KINDS[kind] for kind in kinds]
    way_out = ""
    if name == "mssql":
        way_out = (
            ": for SQL Server, export the list into a file and import that, use Payt's own copy, "
            'or write a dialect (docs/sync.md, "Another database")'
        )
    raise ValueError(f"to must be a {', '.join(others)} or {last} database, got {name}{way_out}")
