"""The database of a sync: opened, its tables made or checked, and the transactions of a run."""

from __future__ import annotations

import datetime
import os
import re
import socket
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from ..listing import ListSpec, Page
from ..listing.shapes import fields_of, scalar_of
from .dialects import Dialect, KnownRowError, PostgreSQLWithCopy, Rows, check_kind, dialect_of, in_memory
from .errors import BusyError, SchemaError, SyncError, database_errors
from .plan import Run, State, whose
from .schema import ADMINISTRATION, VERSION, Column, Tables, columns_maker, iso, json_text, json_texts, plain_texts

T = TypeVar("T")


def engine_of(to: str | sa.URL | sa.Engine, argument: str = "to") -> tuple[sa.Engine, bool]:
    """The engine of a database, and whether it is ours to dispose of.

    Raises:
        TypeError: It is neither a URL nor an Engine.
        ValueError: The URL cannot be read, or its database would be gone at once.
        ImportError: Its driver is not installed.
    """
    if isinstance(to, sa.Engine):
        check_kind(to.dialect.name, argument)
        return to, False
    if not isinstance(to, (str, sa.URL)):
        raise TypeError(f"{argument} must be a URL of SQLAlchemy or an Engine, got {type(to).__name__}")
    try:
        url = sa.make_url(to)
    except (sa.exc.ArgumentError, ValueError):
        raise ValueError(
            f"{argument} is no URL of SQLAlchemy: write sqlite:///contacts.db or postgresql+psycopg://user@host/database"
        ) from None
    check_kind(url.get_backend_name(), argument)
    if "@" in (url.host or ""):
        raise ValueError(f"{argument}: write an @ of the user or password as %40, so that the host can be told from it")
    try:
        engine = sa.create_engine(url, hide_parameters=True)
    except sa.exc.NoSuchModuleError:
        raise ValueError(f"{argument}: SQLAlchemy knows no driver {url.drivername!r}") from None
    except ModuleNotFoundError as error:
        raise ImportError(f"{url.drivername} needs its driver: pip install {error.name}") from None
    if engine.dialect.is_async:
        raise ValueError(f"{argument}: {url.drivername} is an asyncio driver: name a plain one, as postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and in_memory(url):
        raise ValueError(f"{argument}: a database in memory would be gone at once: pass an Engine, or name a file")
    return engine, True


_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL character as JSON writes it."""
_AT_ONCE = 100
"""How many records are made into rows at once: of more, Python's garbage collector would look through the rows."""
_IDS = 500
"""How many ids a statement names at most."""


class Database:
    """Where records go.

    Args:
        engine: The database.
        spec: The list that is copied.
        table: The name of the copy.
        schema: The schema of all tables; None for the default one.
    """

    def __init__(self, engine: sa.Engine, spec: ListSpec[Any], *, table: str, schema: str | None) -> None:
        self.engine = engine
        self.spec = spec
        self.dialect: Dialect = dialect_of(engine)
        self.tables = Tables.named(spec, table, schema)

    def prepare(self, base_url: str, *, moved_from: str | None, migrate: bool) -> list[str]:
        """Make the tables, or see that they are ours and as they should be.

        Args:
            base_url: The service whose records are to be copied.
            moved_from: Where it was before.
            migrate: Whether columns that are missing are added.

        Returns:
            The statements that added columns.

        Raises:
            SchemaError: They are not, and the message says what to do.
            SyncError: The database cannot be reached, or does not let us.
        """
        with database_errors(self.engine), self._connection() as connection, self.dialect.transaction(connection):
            self.dialect.change_schema(connection)
            tables = self.tables
            for table in (tables.books, tables.state, tables.seen):
                table.create(connection, checkfirst=True)
            for statement in _additions(connection, tables.books).values():  # an earlier payt-client made it
                connection.exec_driver_sql(statement)
            book = tables.books.c
            ours, source, resource = connection.execute(
                sa.select(book.version, book.base_url, book.resource).where(*self._ours)
            ).one_or_none() or (None, None, None)
            exists = sa.inspect(connection).has_table(tables.records.name, tables.records.schema)
            if exists and ours is None:
                raise SchemaError(
                    f"the table {tables.records.fullname} is not payt's: choose another name (table=, --table)"
                )
            if ours is not None and ours > VERSION:
                raise SchemaError(
                    f"the table {tables.records.fullname} was written by a newer payt-client (layout {ours}, this one "
                    f"knows {VERSION}): upgrade payt-client"
                )
            if not exists:
                self._create(connection, base_url)
                return []
            if (resource or "contacts") != self.spec.name:  # an earlier payt-client copied nothing else
                raise SchemaError(
                    f"the table {tables.records.fullname} is a copy of {resource or 'contacts'}, and not of "
                    f"{self.spec.name}: choose another table (table=, --table)"
                )
            if source != base_url:
                self._take_over(connection, source, base_url, moved_from)
            return self._migrate(connection, migrate=migrate)

    @property
    def _ours(self) -> tuple[sa.ColumnElement[bool], ...]:
        """The line of the table in the books."""
        return (self.tables.books.c.table_name == self.tables.records.name,)

    def _take_over(self, connection: sa.Connection, source: str | None, base_url: str, moved_from: str | None) -> None:
        """Continue a copy from another address, where that is said to be the same service, or nothing is known."""
        if source not in (None, moved_from):  # an earlier payt-client did not write it down
            raise SchemaError(
                f"the table {self.tables.records.fullname} is a copy from {source}, and not from {base_url}: choose "
                "another table (table=, --table), or drop this one; if it is the same service, which has moved, say "
                f"where it was: moved_from={source!r} (--moved-from {source})"
            )
        connection.execute(sa.update(self.tables.books).where(*self._ours).values(base_url=base_url))

    def _create(self, connection: sa.Connection, base_url: str) -> None:
        tables = self.tables
        for table in (tables.books, tables.state, tables.seen):  # of a table that somebody dropped
            connection.execute(sa.delete(table).where(table.c.table_name == tables.records.name))
        tables.records.create(connection)
        known = {"version": VERSION, "base_url": base_url, "resource": self.spec.name}
        connection.execute(sa.insert(tables.books).values(table_name=tables.records.name, **known))

    def _migrate(self, connection: sa.Connection, *, migrate: bool) -> list[str]:
        additions = _additions(connection, self.tables.records)
        statements = [*additions.values()]
        if statements and not migrate:
            raise SchemaError(
                f"the table {self.tables.records.fullname} lacks columns that the contract has now; migrate=True "
                f"(--migrate) runs {'; '.join(statements)}"
            )
        for statement in statements:
            connection.exec_driver_sql(statement)
        if statements:
            self._forget_columns(connection, {*additions})
        return statements

    def _forget_columns(self, connection: sa.Connection, added: set[str]) -> None:
        """No row has a value there, even if there was such a column before, which somebody dropped."""
        state = self.tables.state
        ours = state.c.table_name == self.tables.records.name
        for row in connection.execute(sa.select(state).where(ours, state.c.state.is_not(None))).all():
            kept = msgspec.json.decode(row.state, type=State)
            kept.columns, kept.run = tuple(name for name in kept.columns if name not in added), None
            here = ours, state.c.administration_id == row.administration_id
            connection.execute(sa.update(state).where(*here).values(state=json_text(kept)))

    @contextmanager
    def administration(self, administration_id: str) -> Iterator[Copy]:
        """The copy of an administration's records, for one run at a time.

        Raises:
            BusyError: Another run has it.
        """
        with ExitStack() as stack:
            with database_errors(self.engine):
                connection = stack.enter_context(self._connection())
                copy = Copy(self, connection, administration_id)
                held = stack.enter_context(self.dialect.lock(connection, self.tables.records, administration_id))
                if not held:
                    raise BusyError(
                        f"{whose(administration_id)}another run syncs it into {self.tables.records.fullname}: "
                        f"{copy.holder() or 'it begins just now'}"
                    )
                copy.make_ready()
            yield copy

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        with self.engine.connect() as connection:
            yield self.dialect.open(connection)


class Copy:
    """The rows and the books of one administration. Each method that writes is for use in `transaction()`."""

    def __init__(self, database: Database, connection: sa.Connection, administration_id: str) -> None:
        self._connection, self._tables, self._dialect = connection, database.tables, database.dialect
        self._engine = database.engine
        self._postgres = database.engine.dialect.name == "postgresql"
        self.spec, self._key = database.spec, str(database.spec.key)
        self._id = administration_id
        self.owner = {ADMINISTRATION: administration_id} if administration_id else {}
        names = [str(column.name) for column in self._tables.incoming.columns]
        records = self._tables.records
        documents = [name for name in names if isinstance(records.c[name].type, sa.JSON)]
        self.columns = tuple(names)
        self._documents = frozenset(documents)
        self._mine = [records.c[name] == value for name, value in self.owner.items()]
        record: type = self.spec.record
        writing = {name: self._dialect.writing(records.c[name].type) for name in names}
        if scalar_of(fields_of(record)[self._key]) is not str:
            writing[self._key] = plain_texts
        self._columns_of = columns_maker(record, {**writing, **dict.fromkeys(documents, json_texts)})
        self._upsert = self._upsert_statement(documents)
        self._mark = self._mark_statement()
        state = self._tables.state
        keep = sa.update(state).where(*self._here(state)).values(state=sa.bindparam("text"))
        self._keep = keep.compile(database.engine)
        self._straight = self._dialect if isinstance(self._dialect, PostgreSQLWithCopy) else None
        """Writes the rows of a first run straight into their table, as long as all of them are new."""

    @contextmanager
    def transaction(self, keep: State | None = None) -> Iterator[None]:
        """All or nothing; with these books, if they are given."""
        first = None if keep is None else (self._keep, {"text": json_text(keep)})
        with database_errors(self._engine), self._dialect.transaction(self._connection, first):
            yield

    def page(self, write: Callable[[], T], keep: State | None) -> T:
        """Call a function that writes a page in a transaction; once more, where records of a first run come again."""
        try:
            with self.transaction(keep):
                return write()
        except KnownRowError:
            self._straight = None
            with self.transaction(keep):
                return write()

    def make_ready(self) -> None:
        """Write down who has the lock, and make the connection ready for pages."""
        me = f"process {os.getpid()} on {socket.gethostname()}, since {iso(now())}"
        state = self._tables.state
        mine = {"table_name": self._tables.records.name, "administration_id": self._id}
        with self._dialect.transaction(self._connection):
            self._connection.execute(
                self._dialect.insert(state)
                .values(**mine, holder=me)
                .on_conflict_do_update(index_elements=list(mine), set_={"holder": me})
            )
            # not by `checkfirst`, which would take somebody's own table of this name for it
            self._connection.execute(sa.schema.CreateTable(self._tables.incoming, if_not_exists=True))

    def holder(self) -> str | None:
        """Who has, or had, the lock."""
        state = self._tables.state
        holder: str | None = self._connection.scalar(sa.select(state.c.holder).where(*self._here(state)))
        return holder

    def state(self) -> State:
        """What was kept from the last run."""
        state = self._tables.state
        with database_errors(self._engine):
            kept = self._connection.scalar(sa.select(state.c.state).where(*self._here(state)))
            self._connection.rollback()
        return msgspec.json.decode(kept, type=State) if kept else State()

    def is_empty(self) -> bool:
        """Whether there is no row of this administration."""
        records = self._tables.records
        with database_errors(self._engine):
            found = self._connection.scalar(sa.select(records.c[self._key]).where(*self._mine).limit(1))
            self._connection.rollback()
        return found is None

    def keep(self, state: State) -> None:
        """Write the books."""
        statement: Any = self._keep.statement
        self._connection.execute(statement, {"text": json_text(state)})

    def rows(self, page: Page[Any], only: Container[str] | None = None) -> Rows:
        """The records of a page as `write` takes them. It may be called in any thread, and touches no database.

        Args:
            page: Where they are.
            only: The keys of those that are wanted; None for all of them.

        Raises:
            SyncError: It holds what the database cannot.
        """
        key = attrgetter(self._key)
        by_key = {key(record): record for record in page.data}  # the last one, if one comes twice
        records = [record for name, record in by_key.items() if only is None or name in only]
        plain = b"\\" not in page.raw
        nul = self._postgres and not plain and b"\\u0000" in page.raw
        rows: Rows = []
        for start in range(0, len(records), _AT_ONCE):
            columns = self._columns_of(records[start : start + _AT_ONCE])
            if nul:
                self._refuse_nul(columns)
            rows += self._dialect.rows(self._tables.incoming, columns, plain=plain)
        return rows

    def write(self, rows: Rows, run: Run, moment: datetime.datetime) -> tuple[int, int, int]:
        """Write the records of a page.

        Returns:
            How many were inserted, updated and unchanged.
        """
        if not rows:
            return 0, 0, 0
        if run.first and self._straight is not None:
            self._straight.load_new(
                self._connection,
                self._tables.records,
                self.columns,
                rows,
                before=self.owner,
                after={"first_seen_at": str(moment), "synced_at": str(moment)},
            )
            return len(rows), 0, 0
        self._dialect.load(self._connection, self._tables.incoming, rows)
        written, inserted = self._counts(self._connection.execute(self._upsert, {"now": moment}))
        if run.full and not run.first:
            self._connection.execute(self._mark)
        return inserted, written - inserted, len(rows) - written

    def _counts(self, result: sa.CursorResult[Any]) -> tuple[int, int]:
        """How many rows the upsert wrote, and how many of them are new."""
        if self._postgres:
            counts: tuple[int, int] = tuple(result.one())
            return counts
        new = result.scalars().all()
        return len(new), sum(new)

    def forget_seen(self) -> None:
        """A full run begins, or ends."""
        seen = self._tables.seen
        self._connection.execute(sa.delete(seen).where(*self._here(seen)))

    def known(self) -> int:
        """How many records are not marked as deleted."""
        records = self._tables.records
        return int(self._connection.scalar(sa.select(sa.func.count()).where(*self._alive(records))) or 0)

    def gone(self) -> list[str]:
        """The keys of those that the full run has not received."""
        records, seen = self._tables.records, self._tables.seen
        # EXCEPT, as a planner that knows nothing of new tables may run a NOT EXISTS in quadratic time
        alive = sa.select(records.c[self._key]).where(*self._alive(records))
        return list(self._connection.scalars(alive.except_(sa.select(seen.c.id).where(*self._here(seen)))))

    def delete_gone(self, moment: datetime.datetime) -> int:
        """Mark as deleted what the full run has not received."""
        records, gone = self._tables.records, self.gone()
        for start in range(0, len(gone), _IDS):
            some = gone[start : start + _IDS]
            there = sa.update(records).where(*self._mine, records.c[self._key].in_(some))
            self._connection.execute(there.values(deleted_at=moment, synced_at=moment))
        return len(gone)

    def _refuse_nul(self, columns: Sequence[Column]) -> None:
        for name, column in zip(self.columns, columns, strict=True):
            for row, value in enumerate(column):
                if isinstance(value, str) and (
                    _ESCAPED_NUL.search(value) if name in self._documents else "\0" in value
                ):
                    raise SyncError(
                        f"{self.spec.record.__name__} {columns[0][row]}: {name} holds a NUL character, which "
                        "PostgreSQL has no place for: have it corrected in Payt, or keep the copy in SQLite"
                    )

    def _here(self, table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
        return table.c.table_name == self._tables.records.name, table.c.administration_id == self._id

    def _alive(self, records: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
        return *self._mine, records.c.deleted_at.is_(None)

    def _upsert_statement(self, documents: list[str]) -> Any:
        """Rows that are new or other are written, others stay untouched; the answer is for `_counts`."""
        records, incoming = self._tables.records, self._tables.incoming
        moment = sa.bindparam("now", type_=records.c.synced_at.type)
        values = {
            name: sa.cast(incoming.c[name], records.c[name].type)
            if self._postgres and name in documents
            else incoming.c[name]
            for name in self.columns
        }
        upsert = self._dialect.insert(records).from_select(
            [*self.owner, *values, "first_seen_at", "synced_at"],
            # without a WHERE, SQLite would take ON CONFLICT for the condition of a join
            sa.select(*map(sa.literal, self.owner.values()), *values.values(), moment, moment).where(sa.text("true")),
        )
        fields = [name for name in self.columns if name != self._key]
        upsert = upsert.on_conflict_do_update(
            index_elements=[*self.owner, self._key],
            set_={
                **{name: upsert.excluded[name] for name in fields},
                "synced_at": upsert.excluded.synced_at,
                "deleted_at": None,
            },
            where=sa.or_(
                records.c.deleted_at.is_not(None),
                *[records.c[name].is_distinct_from(upsert.excluded[name]) for name in fields],
            ),
        ).returning((records.c.first_seen_at == records.c.synced_at).label("new"))
        if not self._postgres:
            return upsert
        written = upsert.cte("written")  # five hundred answers would have to be read, and two numbers do
        return sa.select(sa.func.count(), sa.func.count().filter(written.c.new)).select_from(written)

    def _mark_statement(self) -> Any:
        seen, incoming = self._tables.seen, self._tables.incoming
        return (
            self._dialect.insert(seen)
            .from_select(
                ["table_name", "administration_id", "id"],
                sa.select(sa.literal(self._tables.records.name), sa.literal(self._id), incoming.c[self._key]).where(
                    sa.text("true")
                ),
            )
            .on_conflict_do_nothing()
        )


def _additions(connection: sa.Connection, table: sa.Table) -> dict[str, str]:
    """The statements that add the columns which a table lacks, by the names of these."""
    names = {column["name"] for column in sa.inspect(connection).get_columns(table.name, table.schema)}
    dialect = connection.dialect
    return {
        column.name: f"ALTER TABLE {dialect.identifier_preparer.format_table(table)} "
        f"ADD COLUMN {sa.schema.CreateColumn(column).compile(dialect=dialect)}"
        for column in table.columns
        if column.name not in names
    }


def now() -> datetime.datetime:
    """Now, in UTC."""
    return datetime.datetime.now(datetime.UTC)
