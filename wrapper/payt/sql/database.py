"""The database of a sync: the connection that writes, and its tables, made or checked."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from ..listing import ListSpec
from .dialects import dialect_of
from .errors import SchemaError, database_errors
from .schema import OURS, VERSION, Tables, json_text, kinds_of
from .state import decode_state

log = logging.getLogger("payt")


class Database:
    """Where records go. One connection writes all of it, in one thread at a time.

    Args:
        engine: The database.
        spec: The list that is copied.
        table: The name of the copy.
        schema: The schema of all tables; None for the default one.
    """

    tables: Tables
    """The tables, as soon as it is open."""

    def __init__(self, engine: sa.Engine, spec: ListSpec[Any], *, table: str, schema: str | None) -> None:
        self.engine, self.spec = engine, spec
        self.dialect = dialect_of(engine)
        self._table, self._schema = table, schema
        self._connection: sa.Connection | None = None

    @property
    def connection(self) -> sa.Connection:
        """The one that writes; another one, with what it needs, where it was lost."""
        if self._connection is None or self._connection.invalidated:
            self._connection = self.dialect.connect()
        return self._connection

    def close(self) -> None:
        """Let go of the connection, and of all locks."""
        with database_errors(self.engine), ExitStack() as stack:
            if self._connection is not None:
                stack.callback(self._connection.close)
            self.dialect.close()

    @contextmanager
    def locked(self, administration_id: str) -> Iterator[bool]:
        """In the block no other run has this administration; the value is False where one has."""
        with ExitStack() as stack:
            with database_errors(self.engine):
                lock = self.dialect.lock(self.connection, self.tables.records, administration_id)
                held = stack.enter_context(lock)
            yield held

    @property
    def lost(self) -> bool:
        """Whether the connection was lost in a transaction, which found out when it was rolled back."""
        return self._connection is not None and self._connection.invalidated

    def prepare(self, base_url: str, *, moved_from: str | None, migrate: bool) -> None:
        """Open it; make the tables, or see that they are ours and as they should be.

        Args:
            base_url: The service whose records are to be copied.
            moved_from: Where it was before.
            migrate: Whether columns that are missing, or of another type, are added.

        Raises:
            SchemaError: They are not, and the message says what to do.
            SyncError: The database cannot be reached, or does not let us.
        """
        with database_errors(self.engine):
            connection = self.connection
            if self._schema is None and connection.dialect.default_schema_name is None:
                raise SchemaError(
                    "the connection has no schema that it may use: name a database in the URL, "
                    "or a schema, --schema (in Python: schema=)"
                )
            options = self.dialect.table_options(connection)
            self.tables = tables = Tables.named(self.spec, self._table, self._schema, options)
            with self.dialect.schema_change(connection):
                self.dialect.check(connection, tables.records)
                self._make_books(connection)
                book = connection.execute(sa.select(tables.books).where(*self._ours)).mappings().one_or_none()
                exists = sa.inspect(connection).has_table(tables.records.name, tables.records.schema)
                if exists and book is None:
                    raise SchemaError(
                        f"the table {tables.records.fullname} was not made by payt: choose another, --table "
                        "(in Python: table=)"
                    )
                if book is None or not exists:
                    self._create(connection, base_url)
                else:
                    self._check(connection, book, base_url, moved_from)
                    self._migrate(connection, book["fields"], migrate=migrate)

    @property
    def _ours(self) -> tuple[sa.ColumnElement[bool], ...]:
        """The line of the table in the books."""
        return (self.tables.books.c.table_name == self.tables.records.name,)

    def _make_books(self, connection: sa.Connection) -> None:
        for table in (self.tables.books, self.tables.state, self.tables.pages):
            table.create(connection, checkfirst=True)
        for statement in _additions(connection, self.tables.books).values():  # an earlier payt-client made it
            connection.exec_driver_sql(statement)

    def _create(self, connection: sa.Connection, base_url: str) -> None:
        tables = self.tables
        for table in (tables.books, tables.state, tables.pages):  # of a table that somebody dropped
            connection.execute(sa.delete(table).where(table.c.table_name == tables.records.name))
        known = {"version": VERSION, "base_url": base_url, "resource": self.spec.name, "fields": self._fields()}
        connection.execute(sa.insert(tables.books).values(table_name=tables.records.name, **known))
        tables.records.create(connection)  # last, as this commits in MariaDB: nobody would know whose table it is

    def _fields(self) -> str:
        names = [*(column.name for column in self.tables.incoming.columns), *OURS]
        return json_text(kinds_of(self.tables.records, names))

    def _check(self, connection: sa.Connection, book: sa.RowMapping, base_url: str, moved_from: str | None) -> None:
        """See that the table is the copy of this list, from this service, and of a layout that we know."""
        name, resource, source = self.tables.records.fullname, book["resource"], book["base_url"]
        if book["version"] > VERSION:
            raise SchemaError(
                f"the table {name} was written by a newer payt-client (layout {book['version']}, this one "
                f"knows {VERSION}): upgrade payt-client"
            )
        if (resource or "contacts") != self.spec.name:  # an earlier payt-client copied nothing else
            raise SchemaError(
                f"the table {name} is a copy of {resource or 'contacts'}, and not of "
                f"{self.spec.name}: choose another table: --table (in Python: table=)"
            )
        if source not in (None, base_url, moved_from):  # an earlier payt-client did not write it down
            raise SchemaError(
                f"the table {name} is a copy from {source}, and not from {base_url}: choose "
                "another table, --table (in Python: table=), or drop this one; if it is the same service, which has "
                f"moved, say where it was: --moved-from {source} (in Python: moved_from={source!r})"
            )
        if book["version"] < VERSION:
            self._change_states(connection, forgotten=())  # its unfinished runs kept the keys elsewhere
        if (source, book["version"]) != (base_url, VERSION):
            new = {"base_url": base_url, "version": VERSION}
            connection.execute(sa.update(self.tables.books).where(*self._ours).values(new))

    def _migrate(self, connection: sa.Connection, kept: str | None, *, migrate: bool) -> None:
        """Bring the columns to what the contract has now."""
        records, prepare = self.tables.records, connection.dialect.identifier_preparer
        wanted = msgspec.json.decode(self._fields(), type=dict[str, str])
        known = wanted if kept is None else msgspec.json.decode(kept, type=dict[str, str])
        present = {column["name"] for column in sa.inspect(connection).get_columns(records.name, records.schema)}
        others = [name for name in wanted if name in present and known.get(name, wanted[name]) != wanted[name]]
        table = prepare.format_table(records)
        drops = {name: f"ALTER TABLE {table} DROP COLUMN {prepare.quote(name)}" for name in {**known, **wanted}}
        additions = _additions(connection, records, others)
        statements = [*(drops[name] for name in others), *additions.values()]
        if statements and not migrate:
            changed = f", and columns of another type: {', '.join(others)}" if others else ""
            raise SchemaError(
                f"the table {records.fullname} lacks columns that the contract has now{changed}; --migrate "
                f"(in Python: migrate=True) runs {'; '.join(statements)}"
            )
        for name in sorted((known.keys() - wanted.keys()) & present):
            log.warning(
                "the field %s left the contract: its column in %s keeps its values, and is no longer written to. %s "
                "ends this warning",
                name,
                records.fullname,
                drops[name],
            )
        if statements:
            self._change_states(connection, forgotten={*additions})
        for statement in statements:
            connection.exec_driver_sql(statement)
            log.warning("migrated: %s", statement)
        fields = {**{name: kind for name, kind in known.items() if name in present}, **wanted}
        if (text := json_text(fields)) != kept:
            connection.execute(sa.update(self.tables.books).where(*self._ours).values(fields=text))

    def _change_states(self, connection: sa.Connection, forgotten: Collection[str]) -> None:
        """Unfinished runs begin again; no row has a value in these columns, even if such a one was dropped before."""
        state = self.tables.state
        ours = state.c.table_name == self.tables.records.name
        for row in connection.execute(sa.select(state).where(ours, state.c.state.is_not(None))).all():
            kept = decode_state(row.state)
            kept.columns, kept.run = tuple(name for name in kept.columns if name not in forgotten), None
            here = ours, state.c.administration_id == row.administration_id
            connection.execute(sa.update(state).where(*here).values(state=json_text(kept)))


def _additions(connection: sa.Connection, table: sa.Table, anew: Collection[str] = ()) -> dict[str, str]:
    """The statements that add the columns which a table lacks, and these, by the names of the columns."""
    names = {column["name"] for column in sa.inspect(connection).get_columns(table.name, table.schema)}
    dialect = connection.dialect
    return {
        column.name: f"ALTER TABLE {dialect.identifier_preparer.format_table(table)} "
        f"ADD COLUMN {sa.schema.CreateColumn(column).compile(dialect=dialect)}"
        for column in table.columns
        if column.name not in names or column.name in anew
    }
