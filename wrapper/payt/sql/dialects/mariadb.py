"""MariaDB and MySQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from ..schema import LONGEST_KEY, Column
from .base import Dialect, Rows

_SCHEMA = "payt schema"
PATIENCE = 60
"""How many seconds to wait for whoever changes the schema."""


class MariaDB(Dialect):
    """A server. A change of the schema is a transaction by itself there."""

    again = "1205", "1213"
    longest_key = LONGEST_KEY

    def open(self, connection: sa.Connection) -> sa.Connection:
        """As `Dialect.open`."""
        return connection.execution_options(isolation_level="READ COMMITTED")

    def table_options(self, connection: sa.Connection) -> dict[str, str]:
        """Texts that differ in a letter's case, an accent or a blank at the end are different ones."""
        dialect: Any = connection.dialect
        collation = "utf8mb4_nopad_bin" if dialect.is_mariadb else "utf8mb4_0900_bin"
        options = {"engine": "InnoDB", "charset": "utf8mb4", "collate": collation}
        return {f"{dialect.name}_{name}": value for name, value in options.items()}

    @contextmanager
    def schema_change(self, connection: sa.Connection) -> Iterator[None]:
        """As `Dialect.schema_change`."""
        connection.execute(sa.select(sa.func.get_lock(_SCHEMA, PATIENCE)))
        try:
            with self.transaction(connection):
                yield
        finally:
            connection.execute(sa.select(sa.func.release_lock(_SCHEMA)))

    @contextmanager
    def lock(self, connection: sa.Connection, table: sa.Table, name: str) -> Iterator[bool]:
        """As `Dialect.lock`; of this connection, so that it is let go when this process ends, however it ends."""
        schema = table.schema or connection.scalar(sa.select(sa.func.database()))
        digest = hashlib.sha256(f"{schema} {table.name} {name}".encode()).hexdigest()[:32]
        held = connection.scalar(sa.select(sa.func.get_lock(f"payt {digest}", 0))) == 1
        try:
            yield held
        finally:
            if held and not connection.invalidated and not connection.closed:
                connection.execute(sa.select(sa.func.release_lock(f"payt {digest}")))

    def rows(self, columns: Sequence[Column]) -> Rows:
        """As `Dialect.rows`: each as INSERT has it, as the driver takes twice as long for values one by one."""
        return [f"({','.join(row)})" for row in zip(*([*map(_literal, column)] for column in columns), strict=True)]

    def load(self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows) -> int:
        """As `Dialect.load`."""
        prepare = connection.dialect.identifier_preparer
        columns = ", ".join(prepare.quote(name) for name in names)
        head = f"INSERT INTO {prepare.format_table(table)} ({columns}) VALUES ".replace("%%", "%")  # noqa: S608 - quoted
        statement = head + ",".join(rows)
        return connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).rowcount


def _literal(value: Any) -> str:
    """A value as SQL has it: a text with a character that means something there in hexadecimal digits."""
    if value is None:
        return "NULL"
    text = str(value)
    return f"x'{text.encode().hex()}'" if "'" in text or "\\" in text else f"'{text}'"
