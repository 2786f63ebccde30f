"""SQLite: one writer at a time, and a lock that is a locked file beside the database."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from ...transport.locks import try_lock
from ...transport.process import PerProcess
from ..errors import SyncError, code_of, shown
from ..schema import json_text
from .base import Dialect, First, Rows, in_memory

PATIENCE = 60
"""How many seconds SQLite waits for another writer."""

_BUSY = "SQLITE_BUSY"
_FULL = 2
"""What SQLite calls `synchronous = FULL`, which is how it comes."""
_VALUES = 3_000
"""How many values a statement adds at most: all of its rows at once, so that other threads wait for fewer of them."""


class SQLite(Dialect):
    """A file, or the memory of an engine."""

    # another writer was in between, for longer than the patience or at a moment at which SQLite has none
    again = (_BUSY,)
    insert = staticmethod(sqlite.insert)
    begin = begin_page = "BEGIN IMMEDIATE"

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        path = engine.url.database
        self._path = None if in_memory(engine.url) or path is None else Path(path.removeprefix("file:")).resolve()
        self._opened: dict[Path, tuple[int, int]] = {}
        self._hasty: sa.Connection | None = None

    def connect(self) -> sa.Connection:
        """As `Dialect.connect`.

        A machine that crashes may lose the last pages, and with them the position behind them: the next run resumes at
        the page before. So no page has to wait for the disk, where others have not said how long. Without WAL, which
        some file systems do not have, that might break the file.
        """
        connection = super().connect()
        wal = connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        if wal and connection.exec_driver_sql("PRAGMA synchronous").scalar() == _FULL:
            connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
            self._hasty = connection
        return connection

    def close(self) -> None:
        """As `Dialect.close`; the engine gets its connection back as it was."""
        if self._hasty is not None:
            self._hasty.exec_driver_sql("PRAGMA synchronous = FULL")
        self._hasty = None

    def open(self, connection: sa.Connection) -> sa.Connection:
        """As `Dialect.open`; readers see the last commit and are not blocked (WAL)."""
        connection = super().open(connection)
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        # where two connections change it at the same time, SQLite refuses one of them at once, without that patience
        busy = retry_if_exception(lambda error: code_of(error) == _BUSY)
        for attempt in Retrying(retry=busy, stop=stop_after_delay(PATIENCE), wait=wait_random(0, 0.05), reraise=True):
            with attempt:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        return connection

    def load(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows, more: Mapping[str, Any]
    ) -> int:
        """As `Dialect.load`."""
        columns, end, added = [*names, *more], (*more.values(),), 0
        beginning, marks = self.inserting(table, columns), f"({', '.join('?' * len(columns))})"
        most = _VALUES // len(columns)
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            values = chain.from_iterable([(*row, *end) for row in some] if more else some)
            added += connection.exec_driver_sql(beginning + ", ".join([marks] * len(some)), (*values,)).rowcount
        return added

    def others(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows, here: Mapping[str, Any]
    ) -> Rows:
        """As `Dialect.others`."""
        columns = ", ".join(self.written(name) for name in names)
        condition = self.alive(here, "?", "IN (SELECT value FROM json_each(?))")
        statement = f"SELECT {columns} FROM {self.written(table)} WHERE {condition}"  # noqa: S608 - quoted
        *owner, ids = here.values()
        driver: Any = connection.connection.driver_connection
        dbapi: Any = connection.dialect.loaded_dbapi
        key = len(owner)
        try:
            there = {row[key]: row for row in driver.execute(statement, (*owner, json_text(ids)))}
        except dbapi.OperationalError:  # another program wrote a text there that is not UTF-8: it is replaced
            return rows
        return [row for row in rows if there.get(row[key]) != row]

    @contextmanager
    def transaction(self, connection: sa.Connection, first: First = ()) -> Iterator[int]:
        """As `Dialect.transaction`; nobody else writes meanwhile."""
        with super().transaction(connection, first) as changed:
            yield changed
        self._check_files()

    def make_private_file(self) -> None:
        """Make the file of a new database, which nobody else may read."""
        if self._path is not None:
            self._path.touch(mode=0o600)

    @contextmanager
    def lock(self, connection: sa.Connection, table: sa.Table, name: str) -> Iterator[bool]:
        """As `Dialect.lock`."""
        files = {row.name: row.file for row in connection.exec_driver_sql("PRAGMA database_list")}
        path, name = files.get(table.schema or "main"), f"{table.name.lower()} {name}"
        if path:
            file = Path(path).resolve()
            self._opened.setdefault(file, _identity(file))
            lock = try_lock(self.lock_file(name, file))
        else:
            lock = lock_in_process(f"{id(self.engine)} {name}")
        with lock as held:
            yield held

    def lock_file(self, name: str, path: Path | None = None) -> Path:
        """A file beside the database to lock; the system lets it go when the process ends, however it ends."""
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        return Path(f"{path or self._path}.{digest}.lock")

    def _check_files(self) -> None:
        for path, identity in self._opened.items():
            if _identity(path) != identity:
                raise SyncError(
                    f"{shown(self.engine.url)}: the file was deleted or replaced during the run, and what was written "
                    "went into the old one: run again, which writes into the file that is there now"
                )


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - the same, ten times as fast
    except FileNotFoundError:
        return 0, 0
    return found.st_dev, found.st_ino


_held: PerProcess[dict[str, object]] = PerProcess(dict)


@contextmanager
def lock_in_process(name: str) -> Iterator[bool]:
    """The lock of a database that is in the memory of this process."""
    held, mine = _held.get(), object()
    free = held.setdefault(name, mine) is mine
    try:
        yield free
    finally:
        if free:
            del held[name]
