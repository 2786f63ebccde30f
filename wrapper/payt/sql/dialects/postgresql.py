"""PostgreSQL, also behind a pooler: nothing is kept in a session from one transaction to the next."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ..errors import SchemaError, shown
from ..schema import Column, Moment, isos, json_text, json_texts, plain_texts
from .base import Dialect, First, Rows
from .copy_text import copy_lines, copy_text

_WAY_OUT = "have it corrected in Payt, or keep the copy in SQLite"
_TIMEOUTS = ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")


class PostgreSQL(Dialect):
    """A server."""

    again = "40001", "40P01"
    insert = staticmethod(postgresql.insert)
    begin = "; ".join(  # for each transaction, as a pooler may hand the next one to another session
        (
            "BEGIN ISOLATION LEVEL READ COMMITTED",
            # texts go as UTF-8: the client_encoding of an old database, role or environment lacks characters
            "SET LOCAL client_encoding = 'UTF8'",
            # psycopg reads moments in no other one, whatever a server writes them in
            "SET LOCAL datestyle = 'ISO'",
        )
    )
    begin_page = "; ".join(
        (
            begin,
            # A server that crashes may lose the last pages, and with them the position behind them: the next run
            # resumes at the page before. So no page has to wait for the disk.
            "SET LOCAL synchronous_commit = off",
            # numbers are read as they are, and not as short as somebody wants them
            "SET LOCAL extra_float_digits = 3",
            # a page is looked up by the key: a planner that knows nothing of a new table might read all of it
            "SET LOCAL enable_hashjoin = off",
            "SET LOCAL enable_mergejoin = off",
        )
    )

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self._guard: tuple[sa.Engine, sa.Connection] | None = None
        self._codec: str | None = None

    def close(self) -> None:
        """As `Dialect.close`."""
        if self._guard is not None:
            engine, connection = self._guard
            self._guard = None
            connection.invalidate()  # so that the locks are gone at once, whatever state it is in
            connection.close()
            engine.dispose()

    def connect(self) -> sa.Connection:
        """As `Dialect.connect`."""
        try:
            return super().connect()
        except TypeError:  # psycopg brings bytes from there, which SQLAlchemy cannot read
            raise SchemaError(
                f"{shown(self.engine.url)}: the database has the encoding SQL_ASCII, which is only safe for "
                "English text: create one with ENCODING 'UTF8'"
            ) from None

    def open(self, connection: sa.Connection) -> sa.Connection:
        """As `Dialect.open`; psycopg2 does not notice what `begin` sets: its session is not given back then."""
        connection = super().open(connection)
        driver: Any = connection.connection.driver_connection
        if hasattr(driver, "set_client_encoding") and driver.encoding != "UTF8":
            connection.detach()
            driver.set_client_encoding("UTF8")
        return connection

    def check(self, connection: sa.Connection, table: sa.Table) -> None:
        """As `Dialect.check`."""
        encoding = str(connection.scalar(sa.text("SHOW server_encoding")))
        if encoding != "UTF8":
            with suppress(LookupError):  # Python has no name for it: what does not fit is an error of the database
                self._codec = codecs.lookup(encoding.replace("WIN", "cp")).name
        if sa.inspect(connection).has_sequence(table.name, table.schema):
            raise SchemaError(f"{table.fullname} is a sequence: name another, --table (in Python: table=)")

    def reading(self, connection: sa.Connection) -> AbstractContextManager[object]:
        """As `Dialect.reading`. A pooler may deal out the parts of a statement that is in no transaction."""
        return self.transaction(connection)

    def change_schema(self, connection: sa.Connection) -> None:
        """As `Dialect.change_schema`."""
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_number("payt schema"))))

    @contextmanager
    def lock(self, connection: sa.Connection, table: sa.Table, name: str) -> Iterator[bool]:
        """An advisory lock of a transaction that stays open on a connection of its own, until `close`.

        A pooler that deals out connections by transactions keeps that one together, and lets it go when this process
        ends, however it ends.
        """
        with self.reading(connection):
            found = connection.scalar(sa.select(sa.cast(sa.func.to_regclass(self.written(table)), postgresql.OID)))
        yield bool(
            self._guarding().scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_number(f"payt {found} {name}"))))
        )

    def unfit(self, text: str) -> str | None:
        """As `Dialect.unfit`."""
        if "\0" in text:
            return f"a NUL character, which PostgreSQL cannot store: {_WAY_OUT}"
        if self._codec is not None:
            try:
                text.encode(self._codec)
            except UnicodeEncodeError:
                return f"a character that the database's encoding ({self._codec}) lacks: keep the copy in one with UTF8"
        return None

    def doubts(self, raw: bytes) -> bool:
        """As `Dialect.doubts`."""
        return self._codec is not None or (b"\\" in raw and b"\\u0000" in raw)

    def writing(self, type_: sa.types.TypeEngine[Any]) -> Callable[[Column], Column] | None:
        """None but for documents: SQLAlchemy and the driver see to that."""
        return json_texts if isinstance(type_, sa.JSON) else None

    def load(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows, more: Mapping[str, Any]
    ) -> int:
        """As `Dialect.load`; by SQLAlchemy, as drivers differ."""
        columns = [table.c[name] for name in (*names, *more)]
        types = {column.name: sa.Text if isinstance(column.type, sa.JSON) else column.type for column in columns}
        values = {name: sa.cast(sa.bindparam(name, type_=type_), table.c[name].type) for name, type_ in types.items()}
        given = [{**dict(zip(names, row, strict=True)), **more} for row in rows]
        return connection.execute(sa.insert(table).values(values), given).rowcount

    def clear(self, connection: sa.Connection, table: sa.Table) -> None:
        """Nothing: each transaction begins with the temporary table empty."""

    def _guarding(self) -> sa.Connection:
        """The connection whose transaction has the locks; of a pool of its own, as the engine's may have one only."""
        if self._guard is None:
            engine = sa.create_engine(self.engine.url, pool=self.engine.pool.recreate(), hide_parameters=True)
            self._guard = engine, engine.connect()
            connection = self._guard[1].execution_options(isolation_level="READ COMMITTED")
            known = connection.scalars(
                sa.text("SELECT name FROM pg_settings WHERE name = ANY(:names)"), {"names": [*_TIMEOUTS]}
            )
            for name in known.all():  # it does nothing for as long as the run takes
                connection.exec_driver_sql(f"SET LOCAL {name} = 0")
        return self._guard[1]


class PostgreSQLWithCopy(PostgreSQL):
    """A server, and psycopg, a driver that has COPY."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        kind: Any = type(engine.dialect)
        # with parameters by name, whatever `paramstyle` the engine has
        self._compiled = lru_cache(lambda statement: statement.compile(dialect=kind()))

    def open(self, connection: sa.Connection) -> sa.Connection:
        """As `Dialect.open`."""
        connection = super().open(connection)
        driver: Any = connection.connection.driver_connection
        driver.prepare_threshold = None  # a pooler may hand the next transaction to another session
        return connection

    def enter(self, connection: sa.Connection, first: First) -> int:
        """As `Dialect.enter`; what a page begins with is sent at once, so that it waits once for the server."""
        driver: Any = connection.connection.driver_connection
        if not first or driver.info.encoding != "utf-8":  # the server reads all that comes at once in that one
            return super().enter(connection, first)
        dbapi: Any = connection.dialect.loaded_dbapi
        compiled = [(self._compiled(statement), values) for statement, values in first]
        with dbapi.ClientCursor(driver) as cursor:
            texts = [cursor.mogrify(str(one), one.construct_params(values)) for one, values in compiled]
            cursor.execute("; ".join([self.begin_page, *texts]))
            while cursor.nextset():
                pass
            return int(cursor.rowcount)

    def writing(self, type_: sa.types.TypeEngine[Any]) -> Callable[[Column], Column] | None:
        """As texts."""
        if isinstance(type_, sa.JSON):
            return _spaced
        if isinstance(type_, Moment):
            return isos
        return None if isinstance(type_, sa.Text) else plain_texts

    def rows(self, columns: Sequence[Column], *, escaped: bool) -> Rows:
        """As `Dialect.rows`."""
        return copy_lines(columns, escaped=escaped)

    def load(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows, more: Mapping[str, Any]
    ) -> int:
        """As `Dialect.load`."""
        columns = ", ".join(self.written(name) for name in (*names, *more))
        driver: Any = connection.connection.driver_connection
        copying = f"COPY {self.written(table)} ({columns}) FROM STDIN"
        try:
            with driver.cursor() as cursor:
                with cursor.copy(copying) as copy:
                    copy.write(copy_text(rows, more.values()))
                return int(cursor.rowcount)
        except ValueError:  # psycopg does not understand a pooler that tells twice that the session has ended
            raise connection.dialect.loaded_dbapi.OperationalError("the connection was lost") from None

    def others(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows, here: Mapping[str, Any]
    ) -> Rows:
        """As `Dialect.others`."""
        dbapi: Any = connection.dialect.loaded_dbapi
        driver: Any = connection.connection.driver_connection
        *owner, ids = here.values()
        marks = [dbapi.sql.quote(value, driver) for value in (*owner, json_text(ids))]
        columns = ", ".join(_text(self.written(name), table.c[name]) for name in names)
        condition = self.alive(here, marks[0], "= payt_id")
        one = f"SELECT {columns} FROM {self.written(table)} WHERE {condition} LIMIT 1"  # noqa: S608 - quoted
        # by a subquery for each, so that no planner that knows nothing of a new table reads all of it
        found = f"SELECT payt.* FROM jsonb_array_elements_text({marks[-1]}) AS ids (payt_id), LATERAL ({one}) AS payt"  # noqa: S608
        with driver.cursor() as cursor, cursor.copy(f"COPY ({found}) TO STDOUT") as copy:
            there = {str(line, "utf-8") for line in copy}
        return [row for row in rows if f"{row}\n" not in there]


def _spaced(values: Column) -> Column:
    """Documents with the blanks that PostgreSQL writes, behind commas and colons."""
    texts = json_texts(values)
    return [msgspec.json.format(text, indent=0) if text and ("," in text or ":" in text) else text for text in texts]


def _text(name: str, column: sa.Column[Any]) -> str:
    """A column, whose name this is in a statement, as `rows` has it."""
    if isinstance(column.type, Moment):
        text = f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        return f"coalesce({text}, {name}::text)"  # it makes NULL of infinity
    return name if isinstance(column.type, sa.Text) else f"{name}::text"


def _number(name: str) -> int:
    """The number of an advisory lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
