"""What all kinds of databases do alike, and what each has to say for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import sqlalchemy as sa

from ..schema import Column, Moment, isos, json_texts

Rows = list[Any]
"""What `Dialect.rows` has made, for the same dialect."""
First = Sequence[tuple[sa.UpdateBase, dict[str, Any]]]
"""What a transaction that writes a page begins with: statements, and the values of their parameters."""


class Dialect:
    """What a kind of database does in its own way.

    Args:
        engine: The database.
    """

    again: tuple[str, ...]
    """What the codes of errors begin with after which a transaction is tried again: another one may not meet them."""
    begin = begin_page = ""
    """How a transaction begins, and one that writes a page; each of them sees what others have committed meanwhile."""
    insert: Callable[[sa.Table], Any]
    """An INSERT that knows ON CONFLICT, where there is one."""
    longest_key: int | None = None
    """How many characters a key may have."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def connect(self) -> sa.Connection:
        """A connection that is ready to write."""
        connection = self.engine.connect()
        try:
            return self.open(connection)
        except BaseException:
            connection.close()
            raise

    def open(self, connection: sa.Connection) -> sa.Connection:
        """Make a new connection ready: we begin its transactions, whatever the engine's isolation level is."""
        return connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        """Let go of what `lock` holds on to."""

    def table_options(self, connection: sa.Connection) -> dict[str, str]:  # noqa: ARG002 - others need it
        """What tables are made with."""
        return {}

    def check(self, connection: sa.Connection, table: sa.Table) -> None:
        """Look whether a copy can be kept here.

        Raises:
            SchemaError: It cannot.
        """

    @contextmanager
    def transaction(self, connection: sa.Connection, first: First = ()) -> Iterator[int]:
        """All or nothing of `first` and of what is done in the block; the value is how many rows it changed last."""
        try:
            yield self.enter(connection, first)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with suppress(sa.exc.SQLAlchemyError):  # a full disk, or a lost connection, may have ended it already
                connection.exec_driver_sql("ROLLBACK")
            raise
        finally:
            connection.rollback()  # what SQLAlchemy believes to be a transaction

    def reading(self, connection: sa.Connection) -> AbstractContextManager[object]:  # noqa: ARG002 - others need it
        """What the block reads outside a `transaction`; nobody who writes holds it up."""
        return nullcontext()

    def enter(self, connection: sa.Connection, first: First) -> int:
        """Begin a `transaction`; in one that has first statements, a page is written."""
        if begin := self.begin_page if first else self.begin:
            connection.exec_driver_sql(begin)
        changed = 0
        for statement, values in first:
            changed = connection.execute(statement, values).rowcount
        return changed

    def change_schema(self, connection: sa.Connection) -> None:
        """In a transaction: keep others from changing the schema until it ends."""

    @contextmanager
    def schema_change(self, connection: sa.Connection) -> Iterator[None]:
        """Nobody else of us changes the schema meanwhile, and what is done in the block is done whole or not at all."""
        with self.transaction(connection):
            self.change_schema(connection)
            yield

    def lock(self, connection: sa.Connection, table: sa.Table, name: str) -> AbstractContextManager[bool]:
        """In the block nobody else has this lock; its value is False where somebody has.

        It tells at once that another run is under way. What keeps two runs apart whatever happens to a lock is the
        holder, which each transaction of a run finds in the books.

        Args:
            connection: That of the run.
            table: Whose lock it is, whatever it was called: with or without its schema, or by a link to its file.
            name: Which of the table's locks.
        """
        raise NotImplementedError

    def unfit(self, text: str) -> str | None:
        """Why the database cannot hold a text of a page that it `doubts`; None where it can."""
        raise NotImplementedError

    def doubts(self, raw: bytes) -> bool:  # noqa: ARG002 - others need it
        """Whether a page may hold a text that is `unfit`."""
        return False

    def writing(self, type_: sa.types.TypeEngine[Any]) -> Callable[[Column], Column] | None:
        """What makes values of such a column ready for `rows`; None where they are."""
        if isinstance(type_, sa.JSON):
            return json_texts
        if isinstance(type_, Moment):
            return self.moments
        dialect = self.engine.dialect
        process = type_.dialect_impl(dialect).bind_processor(dialect)
        return None if process is None else lambda values: [process(value) for value in values]

    def moments(self, values: Column) -> Column:
        """Moments as `rows` takes them."""
        return isos(values)

    def rows(self, columns: Sequence[Column], *, escaped: bool) -> Rows:  # noqa: ARG002 - others need it
        """Rows, from the values of each column, as `load` takes them. It may be called in any thread.

        Args:
            columns: The values.
            escaped: Whether a text among them may hold what JSON writes with a backslash.
        """
        return [*zip(*columns, strict=True)]

    def load(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows, more: Mapping[str, Any]
    ) -> int:
        """Add rows to a table, by the driver, as SQLAlchemy takes as long again for the values of many rows.

        Args:
            connection: That of the run.
            table: The table.
            names: The columns that `rows` has.
            rows: The rows.
            more: Other columns, with the value that all rows have there, as in `rows`.

        Returns:
            How many were added: a trigger may keep some out.
        """
        raise NotImplementedError

    def others(
        self,
        connection: sa.Connection,  # noqa: ARG002 - others need it
        table: sa.Table,  # noqa: ARG002
        names: Sequence[str],  # noqa: ARG002
        rows: Rows,
        here: Mapping[str, Any],  # noqa: ARG002
    ) -> Rows:
        """The rows that a table does not have just so. What it has is read as `rows` would have it, and compared here.

        That takes less than to write a page anywhere. Of what looks other here, the database says whether it is.

        Args:
            connection: That of the run.
            table: The table.
            names: The columns that `rows` has.
            rows: The rows.
            here: The columns of the key: of the last one all values, of each other one the value that all rows have.
        """
        return rows

    def clear(self, connection: sa.Connection, table: sa.Table) -> None:
        """Empty the temporary table."""
        connection.execute(sa.delete(table))

    def written(self, thing: sa.Table | str) -> str:
        """A table, or the name of a column, as a statement without parameters has it: for one with %s, % is doubled."""
        prepare, style = self.engine.dialect.identifier_preparer, self.engine.dialect.paramstyle
        name = prepare.quote(thing) if isinstance(thing, str) else prepare.format_table(thing)
        return name.replace("%%", "%") if style in {"format", "pyformat"} else name

    def inserting(self, table: sa.Table, names: Sequence[str]) -> str:
        """An INSERT into these columns, up to its values."""
        columns = ", ".join(map(self.written, names))
        return f"INSERT INTO {self.written(table)} ({columns}) VALUES "  # noqa: S608 - quoted

    def alive(self, keys: Iterable[str], mark: str, ids: str) -> str:
        """The condition for rows that are not marked as deleted.

        Args:
            keys: The columns of the key.
            mark: What stands for the value of each but the last of them.
            ids: How the last one is compared, and with what.
        """
        *owner, key = map(self.written, keys)
        return " AND ".join([*(f"{name} = {mark}" for name in owner), f"{key} {ids}", "deleted_at IS NULL"])


def in_memory(url: sa.URL) -> bool:
    """Whether it is a SQLite database that lives in memory, or in a file that has no name and is gone with it."""
    name = (url.database or "").removeprefix("file:")
    is_so = not name or ":memory:" in name or "mode=memory" in str(url)
    return is_so and url.get_backend_name() == "sqlite"
