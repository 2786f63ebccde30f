"""The rows and the books of one administration: what a run reads there, and how it writes a page."""

from __future__ import annotations

import datetime
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from ..incremental import iso, now
from ..listing.shapes import ADMINISTRATION
from .database import Database
from .dialects.base import First
from .errors import BusyError, code_of, database_errors
from .plan import whose
from .rows import RowMaker
from .schema import OURS, json_text
from .state import Received, Run, State, decode_state

T = TypeVar("T")
Counts = tuple[int, int, int, int]
"""How many records of a page were inserted, updated, unchanged and skipped."""
_IDS = 500
"""How many ids a statement names at most."""
_TRIES = 5
"""How often a page is written at most, where the database asks for another try."""
_MOMENT = "payt_moment"
"""The parameter of the statements that write a page: when it came."""


class Copy:
    """What a run has to do with the database. Each method that writes is for use in `page`."""

    def __init__(self, database: Database, administration_id: str) -> None:
        self._database, self._dialect, self._tables = database, database.dialect, database.tables
        self._id = administration_id
        self.spec, self._key = database.spec, str(database.spec.key)
        self.owner = {ADMINISTRATION: administration_id} if administration_id else {}
        records, incoming = self._tables.records, self._tables.incoming
        self._names = [str(column.name) for column in incoming.columns]
        self.columns = tuple(name for name in self._names if name not in self.owner)
        types = {name: records.c[name].type for name in self.columns}
        self.rows = RowMaker(self.spec, self._dialect, [*self.owner.values()], types)
        self._moments = self._dialect.writing(records.c.synced_at.type)
        self._mine = [records.c[name] == value for name, value in self.owner.items()]
        self._update, self._insert, self._same = self._merge()
        # not by `checkfirst`, which would take somebody's own table of this name for it; compiled once
        create = sa.schema.CreateTable(incoming, if_not_exists=True)
        self._temporary = str(create.compile(dialect=database.engine.dialect))
        self._me = f"process {os.getpid()} on {socket.gethostname()}, since {iso(now())}, run {secrets.token_hex(4)}"
        self._line = {"table_name": self._tables.records.name, "administration_id": administration_id}
        books = self._tables.state
        mine = (*self._here(books), books.c.holder == self._me)
        self._keeping = sa.update(books).where(*mine).values(state=sa.bindparam("kept"))
        pages = self._tables.pages
        self._forgetting = sa.delete(pages).where(*self._here(pages))
        line = sa.select(*map(sa.literal, self._line.values()), *map(sa.bindparam, ("number", "keys"))).where(*mine)
        passing = sa.insert(pages).from_select([*pages.columns.keys()], line)
        self._passing = passing.execution_options(preserve_rowcount=True)
        self._straight = True  # a first run writes into the table itself, as long as all of its records are new

    def begin(self) -> tuple[State, int, datetime.datetime | None, int]:
        """Take over the books: from here on nobody else's pages are written.

        Returns:
            What was kept from the last run, and the `extent`.
        """
        state, me = self._tables.state, {"holder": self._me}
        with database_errors(self._database.engine):
            connection = self._database.connection
            with self._dialect.transaction(connection):
                if not connection.execute(sa.update(state).where(*self._here(state)).values(me)).rowcount:
                    connection.execute(sa.insert(state).values({**self._line, **me}))
                kept = connection.scalar(sa.select(state.c.state).where(*self._here(state)))
                extent = self.extent()
            return decode_state(kept) if kept else State(), *extent

    def holder(self) -> str | None:
        """Who runs, or ran last."""
        with database_errors(self._database.engine), self._dialect.reading(self._database.connection):
            return self._holder()

    def extent(self) -> tuple[int, datetime.datetime | None, int]:
        """How many rows there are, the latest `synced_at` of them, and how many are not marked as deleted."""
        columns, count = self._tables.records.c, sa.func.count()
        found = sa.select(count, sa.func.max(columns.synced_at), count - sa.func.count(columns.deleted_at))
        rows, newest, alive = self._database.connection.execute(found.where(*self._mine)).one()
        return int(rows), newest, int(alive)

    def page(self, write: Callable[[], T], state: State, received: Received | None = None) -> T:
        """Call a function, which writes a page or the end of a run, in a transaction that keeps these books.

        It is called again where the database asks for that.

        Raises:
            BusyError: Another run has taken over.
            SyncError: The database failed.
        """
        dbapi: Any = self._database.engine.dialect.loaded_dbapi
        first = self._first(state, received)
        with database_errors(self._database.engine, rows=True):
            left = _TRIES
            while True:
                left -= 1
                try:
                    with self._dialect.transaction(self._database.connection, first) as changed:
                        if changed != 1:
                            raise self._taken_over()
                        return write()
                except (sa.exc.SQLAlchemyError, dbapi.Error) as error:
                    if not left or not self._may_try_again(error, dbapi):
                        raise

    def keep(self, state: State) -> None:
        """Write the books once more."""
        self._database.connection.execute(self._keeping, {"kept": json_text(state)})

    def write(self, received: Received, run: Run) -> Counts:
        """Write the records of a page."""
        rows, connection, tables = received.rows, self._database.connection, self._tables
        if not rows:
            return 0, 0, 0, 0
        if run.first and self._straight:
            [written] = [received.moment] if self._moments is None else self._moments([received.moment])
            inserted = self._dialect.load(connection, tables.records, self._names, rows, dict.fromkeys(OURS, written))
            return inserted, 0, 0, len(rows) - inserted
        here = {**self.owner, self._key: received.ids}
        others = self._dialect.others(connection, tables.records, self._names, rows, here)
        if not others:
            return 0, 0, len(rows), 0
        connection.exec_driver_sql(self._temporary)
        self._dialect.clear(connection, tables.incoming)
        self._dialect.load(connection, tables.incoming, self._names, others, {})
        unchanged = len(rows) - len(others) + int(connection.scalar(self._same) or 0)
        if unchanged == len(rows):
            return 0, 0, unchanged, 0
        updated = connection.execute(self._update, {_MOMENT: received.moment}).rowcount
        inserted = connection.execute(self._insert, {_MOMENT: received.moment}).rowcount
        return inserted, updated, unchanged, len(rows) - inserted - updated - unchanged

    def gone(self, *, alive: int | None) -> list[str]:
        """The keys of those that the full run has not received.

        Args:
            alive: How many were here, where all that it has received was found here, as it is: if that is all of them,
                they need not be compared. None where it has written; that may have been changed by a trigger.
        """
        connection, pages = self._database.connection, self._tables.pages
        received: set[str] = set()
        for ids in connection.scalars(sa.select(pages.c.ids).where(*self._here(pages))):
            received.update(msgspec.json.decode(ids, type=list[str]))
        if alive == len(received):
            return []
        records = self._tables.records
        there = sa.select(records.c[self._key]).where(*self._mine, records.c.deleted_at.is_(None))
        return [name for name in connection.scalars(there) if name not in received]

    def delete(self, gone: Sequence[str], moment: datetime.datetime) -> None:
        """Mark records as deleted, and forget what a full run received."""
        records = self._tables.records
        self._database.connection.execute(self._forgetting)
        for start in range(0, len(gone), _IDS):
            there = sa.update(records).where(*self._mine, records.c[self._key].in_(gone[start : start + _IDS]))
            self._database.connection.execute(there.values(deleted_at=moment, synced_at=moment))

    def _may_try_again(self, error: BaseException, dbapi: Any) -> bool:
        original = getattr(error, "orig", None) or error
        if isinstance(original, dbapi.IntegrityError) and self._straight:
            self._straight = False  # a record of a first run came again
            return True
        return self._database.lost or code_of(error).startswith(self._dialect.again)

    def _holder(self) -> str | None:
        state = self._tables.state
        found: str | None = self._database.connection.scalar(sa.select(state.c.holder).where(*self._here(state)))
        return found

    def _taken_over(self) -> BusyError:
        who = self._holder() or "its books are gone"
        return BusyError(
            f"{whose(self._id)}another run has taken over {self._tables.records.fullname} ({who}): this one has only "
            "written whole pages"
        )

    def _here(self, table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
        return table.c.table_name == self._tables.records.name, table.c.administration_id == self._id

    def _first(self, state: State, received: Received | None) -> First:
        """What a transaction begins with: the last statement changes a row only where this run holds the books."""
        run = state.run
        first: list[Any] = [(self._keeping, {"kept": json_text(state)})]
        if received is not None and run is not None and run.full:
            if run.pages == 1:
                first.insert(0, (self._forgetting, {}))
            if not run.first:
                keys = [*received.ids, *(record.id for record in received.invalid if record.id is not None)]
                first.append((self._passing, {"number": run.pages, "keys": json_text(keys)}))
        return first

    def _merge(self) -> tuple[sa.Update, sa.Insert, sa.Select[Any]]:
        """What writes the rows that are other, and those that are new; and what counts those that are the same.

        Those stay untouched. All databases know it; and while this run holds the books, no other one comes in between.
        """
        records, incoming = self._tables.records, self._tables.incoming
        keys = [*self.owner, self._key]
        received = {
            name: sa.cast(incoming.c[name], records.c[name].type)
            if isinstance(records.c[name].type, sa.JSON) and self._database.engine.dialect.name == "postgresql"
            else incoming.c[name]
            for name in self._names
        }
        there = sa.and_(*[records.c[name] == incoming.c[name] for name in keys])
        fields = {name: received[name] for name in self.columns if name != self._key}
        other = sa.or_(
            records.c.deleted_at.is_not(None),
            *[records.c[name].is_distinct_from(value) for name, value in fields.items()],
        )
        moment = sa.bindparam(_MOMENT, type_=records.c.synced_at.type)
        values = {**fields, "synced_at": moment, "deleted_at": None}
        update = sa.update(records).where(there, other).values(values)
        new = {**received, **dict.fromkeys(OURS, moment)}
        absent = sa.select(*new.values()).where(~sa.exists().where(there).correlate(incoming))
        insert = sa.insert(records).from_select([*new], absent)
        # an outer join, so that no planner begins with the records, and looks for each of them in the page
        found = incoming.outerjoin(records, there)
        same = sa.select(sa.func.count(records.c[self._key])).select_from(found).where(~other)
        return update, insert.execution_options(preserve_rowcount=True), same
