"""MariaDB and MySQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from ..schema import LONGEST_KEY, Column, isos
from .base import Dialect, Rows, inserting

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

    def writing(self, type_: sa.types.TypeEngine[Any]) -> Callable[[Column], Column] | None:
        """As `Dialect.writing`: as texts."""
        if isinstance(type_, sa.Text):
            return None
        write = super().writing(type_) or list
        return lambda values: [value if value is None else str(value) for value in write(values)]

    def moments(self, values: Column) -> Column:
        """As `Dialect.moments`; in UTC, without saying so."""
        return [text and text[:-1] for text in isos(values)]

    def rows(self, columns: Sequence[Column], *, escaped: bool) -> Rows:  # noqa: ARG002 - others need it
        """As `Dialect.rows`: each as INSERT has it, as the driver takes twice as long for values one by one."""
        return [",".join(row) for row in zip(*map(_literals, columns), strict=True)]

    def load(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows, more: Mapping[str, Any]
    ) -> int:
        """As `Dialect.load`."""
        end = ",".join(["", *_literals([*more.values()])]) + ")"
        statement = f"{inserting(connection, table, [*names, *more])}({f'{end},('.join(rows)}{end}"
        return connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).rowcount


def _literals(column: Column) -> Column:
    """Values as SQL has them: a text with a character that means something there in hexadecimal digits."""
    text = "".join(filter(None, column))
    if "'" in text or "\\" in text:  # few columns hold any
        return ["NULL" if value is None else f"x'{value.encode().hex()}'" for value in column]
    return ["NULL" if value is None else "'" + value + "'" for value in column]
