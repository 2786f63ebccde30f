"""Where databases differ: a class for each kind. What is in `Dialect` all do alike."""

from __future__ import annotations

import sqlalchemy as sa

from .base import Dialect, in_memory
from .mariadb import MariaDB
from .postgresql import PostgreSQL, PostgreSQLWithCopy
from .sqlite import SQLite

__all__ = ["Dialect", "MariaDB", "PostgreSQL", "PostgreSQLWithCopy", "SQLite", "dialect_of", "in_memory"]


def dialect_of(engine: sa.Engine) -> SQLite | PostgreSQL | MariaDB:
    """What fits to a database and its driver."""
    if engine.dialect.name == "sqlite":
        return SQLite(engine)
    if engine.dialect.name != "postgresql":
        return MariaDB(engine)
    return PostgreSQLWithCopy(engine) if engine.dialect.driver == "psycopg" else PostgreSQL(engine)
