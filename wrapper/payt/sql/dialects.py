"""Where SQLite and PostgreSQL differ: transactions, the lock of a run, and how a page gets into a temporary table."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.dialects import postgresql, sqlite
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from ..transport.process import PerProcess
from .schema import Column, plain_texts

PATIENCE = 60
"""How many seconds SQLite waits for another writer."""


_BUSY = retry_if_exception(
    lambda error: getattr(getattr(error, "orig", None), "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
)


class Dialect(Protocol):
    """What a kind of database does in its own way."""

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT."""
        ...

    def open(self, connection: sa.Connection) -> sa.Connection:
        """Make a new connection ready."""
        ...

    def transaction(self, connection: sa.Connection, first: First | None = None) -> Any:
        """All or nothing of `first` and of what is done in the `with` block, with no other writer in between."""
        ...

    def change_schema(self, connection: sa.Connection) -> None:
        """In a transaction: keep others from changing the schema until it ends."""
        ...

    def lock(self, connection: sa.Connection, table: sa.Table, name: str) -> Any:
        """In the `with` block nobody else has this lock; its value is False where somebody has.

        Args:
            connection: Holds it.
            table: Whose lock it is, whatever it was called: with or without its schema, or by a link to its file.
            name: Which of the table's locks.
        """
        ...

    def writing(self, type_: sa.types.TypeEngine[Any]) -> Callable[[Column], Column] | None:
        """What makes values of such a column, documents apart, ready for `rows`; None where they are."""
        ...

    def rows(self, table: sa.Table, columns: Sequence[Column], *, plain: bool) -> Rows:
        """Rows as `load` takes them. It may be called in any thread.

        Args:
            table: Where they will go.
            columns: The values of each of its columns.
            plain: Whether no text has a character that JSON escapes.
        """
        ...

    def load(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        """Fill a temporary table with these rows and no others."""
        ...


First = tuple[sa.Compiled, Mapping[str, Any]]
"""A statement that a transaction begins with, and its values."""
Rows = list[Any]
"""What `Dialect.rows` has made, for the same dialect."""


class SQLite:
    """A file, or the memory of an engine."""

    def __init__(self, engine: sa.Engine) -> None:
        path = engine.url.database
        self._path = None if in_memory(engine.url) or path is None else Path(path.removeprefix("file:")).resolve()
        self._engine = engine

    def insert(self, table: sa.Table) -> Any:
        """As `Dialect.insert`."""
        return sqlite.insert(table)

    def open(self, connection: sa.Connection) -> sa.Connection:
        """Readers see the last commit and are not blocked (WAL); transactions are begun by us, not by the driver."""
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        # where two connections change it at the same time, SQLite refuses one of them at once, without that patience
        for attempt in Retrying(retry=_BUSY, stop=stop_after_delay(PATIENCE), wait=wait_random(0, 0.05), reraise=True):
            with attempt:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.commit()
        return connection

    @contextmanager
    def transaction(self, connection: sa.Connection, first: First | None = None) -> Iterator[None]:
        """As `Dialect.transaction`."""
        with _ended(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if first is not None:
                connection.execute(_statement(first), first[1])
            yield

    def make_private_file(self) -> None:
        """Make the file of a new database, which nobody else may read."""
        if self._path is not None:
            self._path.touch(mode=0o600)

    def change_schema(self, connection: sa.Connection) -> None:
        """Nothing: a transaction keeps all writers out."""

    @contextmanager
    def lock(self, connection: sa.Connection, table: sa.Table, name: str) -> Iterator[bool]:
        """As `Dialect.lock`."""
        files = {row.name: row.file for row in connection.exec_driver_sql("PRAGMA database_list")}
        connection.rollback()
        path, name = files.get(table.schema or "main"), f"{table.name.lower()} {name}"
        if path:
            lock = self.locked_file(name, timeout=0, path=Path(path).resolve())
        else:
            lock = _lock_in_process(f"{id(self._engine)} {name}")
        with lock as held:
            yield held

    @contextmanager
    def locked_file(self, name: str, *, timeout: float, path: Path | None = None) -> Iterator[bool]:
        """A locked file beside the database; the system lets it go when the process ends, however it ends.

        Its value is False where somebody else has held it for `timeout` seconds.
        """
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        lock = FileLock(f"{path or self._path}.{digest}.lock", timeout=timeout, thread_local=False)
        held = True
        try:
            lock.acquire()
        except Timeout:
            held = False
        try:
            yield held
        finally:
            lock.release()

    def writing(self, type_: sa.types.TypeEngine[Any]) -> Callable[[Column], Column] | None:
        """As `Dialect.writing`."""
        dialect = self._engine.dialect
        process = type_.dialect_impl(dialect).bind_processor(dialect)
        return None if process is None else lambda values: [process(value) for value in values]

    def rows(self, table: sa.Table, columns: Sequence[Column], *, plain: bool) -> Rows:  # noqa: ARG002 - another needs it
        """As `Dialect.rows`."""
        return [*zip(*columns, strict=True)]

    def load(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        """As `Dialect.load`; by the driver, as SQLAlchemy takes as long again for the values of many rows."""
        connection.execute(sa.delete(table))
        connection.exec_driver_sql(str(sa.insert(table).compile(connection)), rows)


class PostgreSQL:
    """A server."""

    def insert(self, table: sa.Table) -> Any:
        """As `Dialect.insert`."""
        return postgresql.insert(table)

    def open(self, connection: sa.Connection) -> sa.Connection:
        """Transactions see what others committed, and are transactions even where the engine's are none."""
        return connection.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def transaction(self, connection: sa.Connection, first: First | None = None) -> Iterator[None]:
        """As `Dialect.transaction`."""
        with connection.begin():
            if first is not None:
                connection.execute(_statement(first), first[1])
            yield

    def change_schema(self, connection: sa.Connection) -> None:
        """As `Dialect.change_schema`."""
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_number("payt schema"))))

    @contextmanager
    def lock(self, connection: sa.Connection, table: sa.Table, name: str) -> Iterator[bool]:
        """An advisory lock of the connection that also writes: lost together, so that nobody writes without it."""
        with connection.begin():
            found = connection.scalar(
                sa.select(sa.cast(sa.func.to_regclass(_written(connection, table)), postgresql.OID))
            )
            number = _number(f"payt {found} {name}")
            held = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(number))))
            before = str(connection.exec_driver_sql("SHOW synchronous_commit").scalar())
            if held:
                # A server that crashes may lose the last pages, and with them the position behind them: the next run
                # goes on from the page before. So no page has to wait for the disk.
                connection.exec_driver_sql("SET synchronous_commit = off")
        try:
            yield held
        finally:
            if held:
                self._unlock(connection, number, before)

    def _unlock(self, connection: sa.Connection, number: int, synchronous_commit: str) -> None:
        try:
            with connection.begin():
                connection.exec_driver_sql(f"SET synchronous_commit = {synchronous_commit}")
                connection.scalar(sa.select(sa.func.pg_advisory_unlock(number)))
        except sa.exc.SQLAlchemyError:
            connection.invalidate()  # closing it unlocks as well

    def writing(self, type_: sa.types.TypeEngine[Any]) -> Callable[[Column], Column] | None:  # noqa: ARG002 - others need it
        """None: SQLAlchemy and the driver see to that."""
        return None

    def rows(self, table: sa.Table, columns: Sequence[Column], *, plain: bool) -> Rows:  # noqa: ARG002 - another needs it
        """As `Dialect.rows`."""
        names = [column.name for column in table.columns]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def load(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        """As `Dialect.load`. The table is empty, as each transaction begins with it so."""
        connection.execute(sa.insert(table), rows)


_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"


class PostgreSQLWithCopy(PostgreSQL):
    """A server, and psycopg, a driver that has COPY."""

    def open(self, connection: sa.Connection) -> sa.Connection:
        """Transactions are begun by us, not by the driver."""
        return connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def transaction(self, connection: sa.Connection, first: First | None = None) -> Iterator[None]:
        """As `Dialect.transaction`; what it begins with is sent along: a page waits once less for the server."""
        with _ended(connection):
            if first is None:
                connection.exec_driver_sql(_BEGIN)
            else:
                statement, values = first
                dbapi: Any = connection.dialect.loaded_dbapi
                with dbapi.ClientCursor(connection.connection.driver_connection) as cursor:
                    cursor.execute(f"{_BEGIN}; {statement.string}", statement.construct_params(values))
            yield

    def writing(self, type_: sa.types.TypeEngine[Any]) -> Callable[[Column], Column] | None:
        """As texts."""
        return None if isinstance(type_, sa.Text) else plain_texts

    def rows(self, table: sa.Table, columns: Sequence[Column], *, plain: bool) -> Rows:  # noqa: ARG002 - others need it
        """As `Dialect.rows`."""
        return copy_lines(columns, plain=plain)

    def load(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        """As `PostgreSQL.load`."""
        with _copying(connection, table, [column.name for column in table.columns]) as copy:
            copy.write(copy_text(rows))

    def load_new(
        self,
        connection: sa.Connection,
        table: sa.Table,
        names: Sequence[str],
        rows: Rows,
        *,
        before: Mapping[str, str],
        after: Mapping[str, str],
    ) -> None:
        """Write rows straight into their table.

        Args:
            connection: In a transaction.
            table: Where to.
            names: The names of their columns.
            rows: As for `load`.
            before: Columns before these that have one value in every row, by their names.
            after: Those behind these.

        Raises:
            KnownRowError: One of them was there. The transaction is to be rolled back.
        """
        errors: Any = connection.dialect.loaded_dbapi
        try:
            with _copying(connection, table, [*before, *names, *after]) as copy:
                copy.write(copy_text(rows, before.values(), after.values()))
        except errors.errors.UniqueViolation:
            raise KnownRowError from None


@contextmanager
def _ended(connection: sa.Connection) -> Iterator[None]:
    """Whatever transaction is begun in the block ends with it."""
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        with suppress(sa.exc.SQLAlchemyError):  # a full disk, or a connection that is gone, may have ended it already
            connection.exec_driver_sql("ROLLBACK")
        raise
    finally:
        connection.rollback()  # what SQLAlchemy believes to be a transaction


def _statement(first: First) -> Any:
    return first[0].statement


class KnownRowError(Exception):
    """A row that was written as a new one is there already."""


def _written(connection: sa.Connection, thing: sa.Table | str) -> str:
    """A table, or the name of a column, as a statement without parameters has it: for one with them % is doubled."""
    prepare = connection.dialect.identifier_preparer
    return (prepare.quote(thing) if isinstance(thing, str) else prepare.format_table(thing)).replace("%%", "%")


@contextmanager
def _copying(connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> Iterator[Any]:
    names = ", ".join(_written(connection, column) for column in columns)
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        # whatever client_encoding is: that of an old database, role or environment may be another
        cursor.copy(f"COPY {_written(connection, table)} ({names}) FROM STDIN WITH (ENCODING 'UTF8')") as copy,
    ):
        yield copy


def check_kind(name: str, argument: str) -> None:
    """Only two kinds of databases will do.

    Raises:
        ValueError: It is another one.
    """
    if name not in ("sqlite", "postgresql"):
        raise ValueError(f"{argument} must be a SQLite or PostgreSQL database, got {name}")


def dialect_of(engine: sa.Engine) -> SQLite | PostgreSQL:
    """What fits to a database and its driver."""
    if engine.dialect.name == "sqlite":
        return SQLite(engine)
    return PostgreSQLWithCopy() if engine.dialect.driver == "psycopg" else PostgreSQL()


def in_memory(url: sa.URL) -> bool:
    """Whether a SQLite database lives in memory."""
    return url.database in (None, "", ":memory:") or "mode=memory" in str(url) or ":memory:" in str(url.database)


def copy_lines(columns: Sequence[Column], *, plain: bool) -> list[str]:
    """Rows in the text format of COPY (PostgreSQL's manual, COPY, "Text Format"), which it reads faster than CSV.

    Args:
        columns: The values of each column, as PostgreSQL writes them.
        plain: Whether it is known that there is nothing to escape.
    """
    lines = _lines(columns)
    if plain or _is_plain("\n".join(lines), columns):
        return lines
    return _lines([[value and _escaped(value) for value in column] for column in columns])


def copy_text(lines: Sequence[str], before: Collection[str] = (), after: Collection[str] = ()) -> bytes:
    """Such lines in one piece: written one by one, the driver would wait for the socket again and again.

    Args:
        lines: The lines.
        before: The values that every row begins with.
        after: The values that every row ends with.
    """
    head = "".join([_escaped(value) + "\t" for value in before])
    tail = "".join(["\t" + _escaped(value) for value in after]) + "\n"
    return (head + (tail + head).join(lines) + tail).encode()


_NULL = r"\N"
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def _lines(columns: Sequence[Column]) -> list[str]:
    texts = [[_NULL if value is None else value for value in column] for column in columns]
    return ["\t".join(row) for row in zip(*texts, strict=True)]


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def _is_plain(text: str, columns: Sequence[Column]) -> bool:
    """Whether nothing was to be escaped: what has a meaning is there as often as it was meant."""
    rows = len(columns[0])
    return (
        text.count("\t") == rows * (len(columns) - 1)
        and text.count("\n") == rows - 1
        and text.count("\\") == sum([column.count(None) for column in columns])
        and "\r" not in text
    )


def _number(name: str) -> int:
    """The number of an advisory lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


_held: PerProcess[dict[str, object]] = PerProcess(dict)


@contextmanager
def _lock_in_process(name: str) -> Iterator[bool]:
    held, mine = _held.get(), object()
    free = held.setdefault(name, mine) is mine
    try:
        yield free
    finally:
        if free:
            del held[name]
