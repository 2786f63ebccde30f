"""Where SQLite and PostgreSQL differ: transactions, the lock of a run, and how a page gets into a temporary table."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.dialects import postgresql, sqlite

PATIENCE = 60
"""How many seconds SQLite waits for another writer."""


class Dialect(Protocol):
    """What a kind of database does in its own way."""

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT."""
        ...

    def open(self, connection: sa.Connection) -> sa.Connection:
        """Make a new connection ready."""
        ...

    def transaction(self, connection: sa.Connection) -> Any:
        """All or nothing of what is done in the `with` block, with no other writer in between."""
        ...

    def change_schema(self, connection: sa.Connection) -> None:
        """In a transaction: keep others from changing the schema until it ends."""
        ...

    def lock(self, connection: sa.Connection, name: str) -> Any:
        """In the `with` block nobody else has the lock of this name; its value is False where somebody has it."""
        ...

    def load(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """Fill a temporary table with these rows and no others."""
        ...


class SQLite:
    """A file, or the memory of an engine."""

    def __init__(self, engine: sa.Engine) -> None:
        path = engine.url.database
        self._path = None if in_memory(engine.url) or path is None else Path(path.removeprefix("file:")).absolute()
        self._engine = engine

    def insert(self, table: sa.Table) -> Any:
        """As `Dialect.insert`."""
        return sqlite.insert(table)

    def open(self, connection: sa.Connection) -> sa.Connection:
        """Readers see the last commit and are not blocked (WAL); transactions are begun by us, not by the driver."""
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.commit()
        return connection

    @contextmanager
    def transaction(self, connection: sa.Connection) -> Iterator[None]:
        """As `Dialect.transaction`."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with suppress(sa.exc.SQLAlchemyError):  # a full disk may have ended it already
                connection.exec_driver_sql("ROLLBACK")
            raise
        finally:
            connection.rollback()  # what SQLAlchemy believes to be a transaction

    def change_schema(self, connection: sa.Connection) -> None:
        """Nothing: a transaction keeps all writers out."""

    @contextmanager
    def lock(self, connection: sa.Connection, name: str) -> Iterator[bool]:  # noqa: ARG002 - the other dialect needs it
        """As `Dialect.lock`."""
        if self._path is None:
            lock = _lock_in_process(f"{id(self._engine)} {name}")
        else:
            lock = self.locked_file(name, timeout=0)
        with lock as held:
            yield held

    @contextmanager
    def locked_file(self, name: str, *, timeout: float) -> Iterator[bool]:
        """A locked file beside the database; the system lets it go when the process ends, however it ends.

        Its value is False where somebody else has held it for `timeout` seconds.
        """
        digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
        lock = FileLock(f"{self._path}.{digest}.lock", timeout=timeout, thread_local=False)
        held = True
        try:
            lock.acquire()
        except Timeout:
            held = False
        try:
            yield held
        finally:
            lock.release()

    def load(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """As `Dialect.load`."""
        connection.execute(sa.delete(table))
        _insert_all(connection, table, rows)


class PostgreSQL:
    """A server."""

    def insert(self, table: sa.Table) -> Any:
        """As `Dialect.insert`."""
        return postgresql.insert(table)

    def open(self, connection: sa.Connection) -> sa.Connection:
        """As it is."""
        return connection

    @contextmanager
    def transaction(self, connection: sa.Connection) -> Iterator[None]:
        """As `Dialect.transaction`."""
        with connection.begin():
            yield

    def change_schema(self, connection: sa.Connection) -> None:
        """As `Dialect.change_schema`."""
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_number("payt schema"))))

    @contextmanager
    def lock(self, connection: sa.Connection, name: str) -> Iterator[bool]:
        """An advisory lock of the connection that also writes: lost together, so that nobody writes without it."""
        with connection.begin():
            held = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_number(name)))))
            if held:
                # A server that crashes may lose the last pages, and with them the position behind them: the next run
                # goes on from the page before. So no page has to wait for the disk.
                connection.exec_driver_sql("SET synchronous_commit = off")
        try:
            yield held
        finally:
            if held:
                self._unlock(connection, name)

    def _unlock(self, connection: sa.Connection, name: str) -> None:
        try:
            with connection.begin():
                connection.exec_driver_sql("RESET synchronous_commit")
                connection.scalar(sa.select(sa.func.pg_advisory_unlock(_number(name))))
        except sa.exc.SQLAlchemyError:
            connection.invalidate()  # closing it unlocks as well

    def load(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """With COPY where the driver is psycopg. The table is empty, as each transaction begins with it so."""
        if not copies(connection):
            _insert_all(connection, table, rows)
            return
        with _copying(connection, table, [column.name for column in table.columns]) as copy:
            copy.write(copy_text(rows))

    def load_new(
        self,
        connection: sa.Connection,
        table: sa.Table,
        rows: Sequence[Sequence[Any]],
        *,
        columns: Sequence[str],
        before: Sequence[str],
        after: Sequence[str],
    ) -> None:
        """Write rows straight into their table, by COPY.

        Args:
            connection: In a transaction.
            table: Where to.
            rows: Their values.
            columns: The names of all columns that are given.
            before: The values that every row begins with.
            after: The values that every row ends with.

        Raises:
            KnownRowError: One of them was there. The transaction is to be rolled back.
        """
        errors: Any = connection.dialect.loaded_dbapi
        try:
            with _copying(connection, table, columns) as copy:
                copy.write(copy_text(rows, before, after))
        except errors.errors.UniqueViolation:
            raise KnownRowError from None


class KnownRowError(Exception):
    """A row that was written as a new one is there already."""


def copies(connection: sa.Connection) -> bool:
    """Whether there is COPY: on PostgreSQL, by the driver psycopg."""
    return connection.dialect.name == "postgresql" and connection.dialect.driver == "psycopg"


@contextmanager
def _copying(connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> Iterator[Any]:
    prepare = connection.dialect.identifier_preparer
    names = ", ".join(prepare.quote(name) for name in columns)
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {prepare.format_table(table)} ({names}) FROM STDIN") as copy,
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
    """What fits to a database."""
    return SQLite(engine) if engine.dialect.name == "sqlite" else PostgreSQL()


def in_memory(url: sa.URL) -> bool:
    """Whether a SQLite database lives in memory."""
    return url.database in (None, "", ":memory:") or "mode=memory" in str(url) or ":memory:" in str(url.database)


def _insert_all(connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
    names = [column.name for column in table.columns]
    connection.execute(sa.insert(table), [dict(zip(names, row, strict=True)) for row in rows])


def copy_text(rows: Sequence[Sequence[str | None]], before: Sequence[str] = (), after: Sequence[str] = ()) -> bytes:
    """Rows in the text format of COPY (PostgreSQL's manual, COPY, "Text Format"), which it reads faster than CSV.

    In one piece: written row by row, the driver would wait for the socket, and so for the thread that fetches the next
    page, again and again.

    Args:
        rows: Their values, as PostgreSQL writes them.
        before: The values that every row begins with.
        after: The values that every row ends with.
    """
    head = "".join([_escaped(value) + "\t" for value in before])
    tail = "".join(["\t" + _escaped(value) for value in after]) + "\n"
    lines = ["\t".join([_NULL if value is None else value for value in row]) for row in rows]
    if not _is_plain("\n".join(lines), rows):
        lines = ["\t".join([_escaped(value) for value in row]) for row in rows]
    return (head + (tail + head).join(lines) + tail).encode()


_NULL = r"\N"
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def _escaped(value: str | None) -> str:
    return _NULL if value is None else value.translate(_ESCAPES)


def _is_plain(text: str, rows: Sequence[Sequence[Any]]) -> bool:
    """Whether nothing was to be escaped: what has a meaning is there as often as it was meant."""
    return (
        text.count("\t") == len(rows) * (len(rows[0]) - 1)
        and text.count("\n") == len(rows) - 1
        and text.count("\\") == sum([row.count(None) for row in rows])
        and "\r" not in text
    )


def _number(name: str) -> int:
    """The number of an advisory lock."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


_held: set[str] = set()
_held_lock = threading.Lock()


@contextmanager
def _lock_in_process(name: str) -> Iterator[bool]:
    with _held_lock:
        free = name not in _held
        if free:
            _held.add(name)
    try:
        yield free
    finally:
        if free:
            _held.discard(name)
