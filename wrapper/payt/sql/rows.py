"""Records as rows, made and checked in whatever thread fetches them; no database is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from operator import attrgetter
from typing import Any, NoReturn

import sqlalchemy as sa

from ..incremental import iso
from ..listing import ListSpec, Page
from ..listing.shapes import MOMENT, fields_of, scalar_of
from ..transport.redaction import plain
from .dialects.base import Dialect, Rows
from .errors import SyncError
from .schema import Column, columns_maker, json_text, plain_texts

_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL character as JSON writes it."""
_AT_ONCE = 100
"""How many records are made into rows at once: of more, Python's garbage collector would look through the rows."""
_LARGEST = 2**63 - 1


class RowMaker:
    """Makes rows of the records of a list.

    Args:
        spec: The list.
        dialect: Whose rows.
        owner: What each row begins with: the administration, where there is one.
        types: The columns that follow, with their types.
    """

    def __init__(
        self, spec: ListSpec[Any], dialect: Dialect, owner: Sequence[str], types: Mapping[str, sa.types.TypeEngine[Any]]
    ) -> None:
        self._spec, self._dialect, self._owner = spec, dialect, owner
        self._key, self._columns = str(spec.key), [*types]
        self._documents = [name for name, type_ in types.items() if isinstance(type_, sa.JSON)]
        self._integers = [name for name, type_ in types.items() if isinstance(type_, sa.BigInteger)]
        writing = {name: dialect.writing(type_) for name, type_ in types.items()}
        record: type = spec.record
        self._names_of: Callable[[Column], Column] = list
        if scalar_of(fields_of(record)[self._key]) is not str:
            self._names_of = writing[self._key] = plain_texts
        self._made = columns_maker(record, writing)

    def __call__(self, page: Page[Any], only: Container[str] | None) -> tuple[Rows, list[str]]:
        """The records of a page as `Dialect.load` takes them, and their keys.

        Args:
            page: Where they are.
            only: The keys of those that are wanted; None for all of them.

        Raises:
            SyncError: It holds what the database cannot; the message names the record and the field.
        """
        keys = [*map(attrgetter(self._key), page.data)]
        by_key = dict(zip(self._names_of(keys), page.data, strict=True))  # the last one, if one comes twice
        records = [record for name, record in by_key.items() if only is None or name in only]
        escaped = b"\\" in page.raw or "\\" in json_text(self._owner)
        doubts = self._dialect.doubts(page.raw)
        rows: Rows = []
        ids: list[str] = []
        for start in range(0, len(records), _AT_ONCE):
            columns = self._columns_of(records[start : start + _AT_ONCE])
            keys = columns[self._key]
            self._check(columns, keys, doubts=doubts)
            ids += keys
            owner = [[value] * len(keys) for value in self._owner]
            rows += self._dialect.rows([*owner, *columns.values()], escaped=escaped)
        return rows, ids

    def _columns_of(self, records: Sequence[Any]) -> dict[str, Any]:
        try:
            return dict(zip(self._columns, self._made(records), strict=True))
        except OverflowError:
            held = ((record, field) for record in records for field in self._columns)
            record, field = next(each for each in held if _is_outside(getattr(*each)))
            self._refuse(str(getattr(record, self._key)), field, "a time outside the years 1 to 9999 of UTC")

    def _check(self, columns: Mapping[str, Column], keys: Sequence[str], *, doubts: bool) -> None:
        longest = self._dialect.longest_key
        if longest is not None and max(map(len, keys), default=0) > longest:
            self._refuse(max(keys, key=len)[:40] + "…", self._key, f"more than {longest} characters")
        for field in self._integers:
            for name, value in zip(keys, columns[field], strict=True):
                if value is not None and abs(int(value)) > _LARGEST:
                    self._refuse(name, field, "a number of more than 64 bits")
        for field, column in columns.items() if doubts else ():
            for name, value in zip(keys, column, strict=True):
                if isinstance(value, str):
                    text = _ESCAPED_NUL.sub("\0", value) if field in self._documents else value
                    if (why := self._dialect.unfit(text)) is not None:
                        self._refuse(name, field, why)

    def _refuse(self, name: str, field: str, what: str) -> NoReturn:
        raise SyncError(f"{self._spec.record.__name__} {plain(name)}: {field} holds {what}")


def _is_outside(value: Any) -> bool:
    """Whether a value is a moment that no year of UTC holds."""
    try:
        return isinstance(value, MOMENT) and not iso(value)
    except OverflowError:
        return True
