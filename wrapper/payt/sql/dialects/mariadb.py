"""MariaDB and MySQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa

from ..schema import LONGEST_KEY, Column, isos
from .base import Dialect, First, Rows

_SCHEMA = "payt schema"
PATIENCE = 60
"""How many seconds to wait for whoever changes the schema."""
_QUOTED = "IF({0} IS NULL, 'NULL', CONCAT('''', REPLACE({0}, '''', ''''''), ''''))"
"""A column as `_literals` has it, but for backslashes; by IF, as CONCAT takes NULL for '' where sql_mode is ORACLE."""
_END = "\x1e"
"""What each of the rows that are read as one ends with: one that was cut has none."""


class MariaDB(Dialect):
    """A server. A change of the schema is a transaction by itself there."""

    again = "1205", "1213"
    longest_key = LONGEST_KEY

    def open(self, connection: sa.Connection) -> sa.Connection:
        """As `Dialect.open`; where the engine's charset lacks characters, with a session that it does not get back."""
        connection = connection.execution_options(isolation_level="READ COMMITTED")
        driver: Any = connection.connection.driver_connection
        if hasattr(driver, "set_character_set") and driver.character_set_name() != "utf8mb4":
            connection.detach()
            driver.set_character_set("utf8mb4")
        return connection

    def table_options(self, connection: sa.Connection) -> dict[str, str]:
        """Texts that differ in a letter's case, an accent or a blank at the end are different ones."""
        dialect: Any = connection.dialect
        collation = "utf8mb4_nopad_bin" if dialect.is_mariadb else "utf8mb4_0900_bin"
        options = {"engine": "InnoDB", "charset": "utf8mb4", "collate": collation}
        return {f"{dialect.name}_{name}": value for name, value in options.items()}

    @contextmanager
    def transaction(self, connection: sa.Connection, first: First = ()) -> Iterator[int]:
        """As `Dialect.transaction`; it begins by itself, as each statement more would wait for the server."""
        try:
            yield self.enter(connection, first)
            connection.commit()
        except BaseException:
            with suppress(sa.exc.SQLAlchemyError):  # a lost connection may have ended it already
                connection.rollback()
            raise

    @contextmanager
    def schema_change(self, connection: sa.Connection) -> Iterator[None]:
        """As `Dialect.schema_change`."""
        connection.execute(sa.select(sa.func.get_lock(_SCHEMA, PATIENCE)))
        try:
            with self.transaction(connection):
                yield
        finally:
            _release(connection, _SCHEMA)

    @contextmanager
    def lock(self, connection: sa.Connection, table: sa.Table, name: str) -> Iterator[bool]:
        """As `Dialect.lock`; of this connection, so that it is let go when this process ends, however it ends."""
        schema = table.schema or connection.scalar(sa.select(sa.func.database()))
        digest = hashlib.sha256(f"{schema} {table.name} {name}".encode()).hexdigest()[:32]
        held = connection.scalar(sa.select(sa.func.get_lock(f"payt {digest}", 0))) == 1
        try:
            yield held
        finally:
            if held and not connection.invalidated:
                _release(connection, f"payt {digest}")

    def writing(self, type_: sa.types.TypeEngine[Any]) -> Callable[[Column], Column] | None:
        """As `Dialect.writing`: as texts."""
        write = super().writing(type_) or list
        if isinstance(type_, (sa.Text, sa.JSON)):
            return None if write is list else write
        return lambda values: [value if value is None else str(value) for value in write(values)]

    def moments(self, values: Column) -> Column:
        """As `Dialect.moments`; in UTC, without saying so, and as the server writes them."""
        return [text and f"{text[:10]} {text[11:-1]}" for text in isos(values)]

    def rows(self, columns: Sequence[Column], *, escaped: bool) -> Rows:  # noqa: ARG002 - others need it
        """As `Dialect.rows`: each as INSERT has it, as the driver takes twice as long for values one by one."""
        return [",".join(row) for row in zip(*map(_literals, columns), strict=True)]

    def load(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows, more: Mapping[str, Any]
    ) -> int:
        """As `Dialect.load`."""
        end = ",".join(["", *_literals([*more.values()])]) + ")"
        statement = f"{self.inserting(table, [*names, *more])}({f'{end},('.join(rows)}{end}"
        return connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).rowcount

    def others(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows, here: Mapping[str, Any]
    ) -> Rows:
        """As `Dialect.others`; all in one row, as the driver takes its time for each. Where that is cut, less fits."""
        *owner, ids = here.values()
        columns = ", ',', ".join(_QUOTED.format(self.written(name)) for name in names)
        condition = self.alive(here, "".join(_literals(owner)), f"IN ({','.join(_literals(ids))})")
        # as bytes: a connection of another charset would have a ? for each character that it lacks
        found = f"CAST(CONVERT(GROUP_CONCAT({columns}, '{_END}' SEPARATOR '') USING utf8mb4) AS BINARY)"
        statement = f"SELECT {found} FROM {self.written(table)} WHERE {condition}"  # noqa: S608 - quoted
        lines = connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).scalar()
        there = {*(lines or b"").split(_END.encode())[:-1]}
        return [row for row in rows if row.encode() not in there]


def _release(connection: sa.Connection, name: str) -> None:
    """Let go of a lock; where the connection is lost, it has gone with that."""
    try:
        connection.execute(sa.select(sa.func.release_lock(name)))
    except sa.exc.SQLAlchemyError:
        connection.invalidate()


def _literals(column: Column) -> Column:
    """Values as SQL has them: a text with a backslash, which may mean something there, in hexadecimal digits."""
    text = "".join(filter(None, column))
    if "'" in text or "\\" in text:  # few columns hold any
        return ["NULL" if value is None else _literal(value) for value in column]
    return ["NULL" if value is None else f"'{value}'" for value in column]


def _literal(value: str) -> str:
    return f"x'{value.encode().hex()}'" if "\\" in value else "'" + value.replace("'", "''") + "'"
