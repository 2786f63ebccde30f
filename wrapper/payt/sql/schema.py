"""The tables: that of a copy, whose columns follow the contract's model, and three that keep the books of the runs."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import attrs
import msgspec
import sqlalchemy as sa
from dateutil.parser import isoparse
from sqlalchemy.dialects import mysql, postgresql

from payt_api.types import values_of

from ..contract import parameters_of
from ..incremental import iso
from ..listing import ListSpec
from ..listing.shapes import ADMINISTRATION, DAY, MOMENT, fields_of, scalar_of
from .errors import SchemaError

VERSION = 2
"""Of the layout of the books; a table with a higher one was made by a newer payt-client."""
OURS = "first_seen_at", "synced_at"
"""The columns of a copy that say when a row came."""
LONGEST_KEY = 255
"""How many characters MariaDB and MySQL keep of a key: they index no text without such a bound."""


class Moment(sa.types.TypeDecorator[datetime.datetime]):
    """A moment with its zone.

    SQLite, which has no such type, keeps it as ISO 8601 in UTC, which sorts by time; MariaDB as a DATETIME in UTC.
    """

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """The type that the database has for it."""
        kinds: dict[str, Any] = {"sqlite": sa.Text(), "postgresql": sa.DateTime(timezone=True)}
        return dialect.type_descriptor(kinds.get(dialect.name, mysql.DATETIME(fsp=6)))

    def process_bind_param(self, value: datetime.datetime | None, dialect: sa.Dialect) -> Any:
        """Write it."""
        if value is None or dialect.name == "postgresql":
            return value
        return iso(value) if dialect.name == "sqlite" else value.astimezone(datetime.UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime.datetime | None:  # noqa: ARG002 - theirs
        """Read it."""
        moment = isoparse(value) if isinstance(value, str) else value
        return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


_MYSQL = ("mysql", "mariadb")
Text = sa.Text().with_variant(mysql.LONGTEXT(), *_MYSQL)
Key = sa.Text().with_variant(mysql.VARCHAR(LONGEST_KEY), *_MYSQL)
JSON = (
    sa.JSON(none_as_null=True)
    .with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
    .with_variant(mysql.LONGTEXT(), *_MYSQL)
)


@attrs.frozen
class Tables:
    """The tables of a sync.

    Attributes:
        records: One row for each record: its administration, where it has one, and its key, the fields of the
            contract's model, and first_seen_at, synced_at (when the row last changed here) and deleted_at.
        incoming: The page that is being written; temporary, and the same but for our moments.
        books: Which tables are copies of ours: of which list, with fields of which types, which version wrote them,
            and from which service.
        state: Of each administration: who runs or ran last, the watermark, and where an unfinished run stands.
        pages: The keys that the unfinished full run of an administration received so far, page by page.
    """

    records: sa.Table
    incoming: sa.Table
    books: sa.Table
    state: sa.Table
    pages: sa.Table

    @classmethod
    def named(cls, spec: ListSpec[Any], table: str, schema: str | None, options: Mapping[str, Any]) -> Tables:
        """The tables for a copy of this name."""
        metadata = sa.MetaData(schema=schema)
        key = str(spec.key)
        keys = [ADMINISTRATION, key] if ADMINISTRATION in parameters_of(spec) else [key]
        record: type = spec.record
        fields = {name: column_type(type_) for name, type_ in fields_of(record).items() if name not in keys}
        _check_names(keys, fields)
        received = {**dict.fromkeys(keys, Key), **fields}
        records = sa.Table(
            table,
            metadata,
            *[sa.Column(name, type_, primary_key=name in keys) for name, type_ in received.items()],
            *[sa.Column(name, Moment, nullable=False) for name in OURS],
            sa.Column("deleted_at", Moment),
            **options,
        )
        plain = {name: Text if isinstance(type_, sa.JSON) else type_ for name, type_ in received.items()}
        layout = hashlib.sha256(repr([*plain.items()]).encode()).hexdigest()[:16]
        incoming = sa.Table(
            f"payt_incoming_{layout}",  # a pooler may keep that of another version
            sa.MetaData(),
            *[sa.Column(name, type_) for name, type_ in plain.items()],
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DELETE ROWS",
            **{**options, "mariadb_engine": "Aria"},  # InnoDB would log each page, and its removal
        )
        books = sa.Table(
            "payt_sync_tables",
            metadata,
            *_key_columns("table_name"),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("base_url", Text),
            sa.Column("resource", Text),
            sa.Column("fields", Text),
            **options,
        )
        state = sa.Table(
            "payt_sync_state",
            metadata,
            *_key_columns("table_name", "administration_id"),
            sa.Column("holder", Text),
            sa.Column("state", Text),
            **options,
        )
        pages = sa.Table(
            "payt_sync_pages",
            metadata,
            *_key_columns("table_name", "administration_id"),
            sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("ids", Text, nullable=False),
            **options,
        )
        return cls(records, incoming, books, state, pages)


def _key_columns(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, Key, primary_key=True) for name in names]


def kinds_of(table: sa.Table, names: Iterable[str]) -> dict[str, str]:
    """The kind of each of these columns, by a name that is the same in all databases."""
    return {name: type(table.c[name].type).__name__.lower() for name in names}


def _check_names(keys: Collection[str], fields: Collection[str]) -> None:
    """No field may have the name of another column; databases tell no case.

    Raises:
        SchemaError: One has.
    """
    counts = Counter(name.casefold() for name in (*keys, *OURS, "deleted_at", *fields))
    for name in fields:
        if counts[name.casefold()] > 1:
            raise SchemaError(
                f"the contract's field {name} has the name of another column of a copy: export the list instead, "
                "or keep the copy with your own code"
            )


def column_type(type_: Any) -> sa.types.TypeEngine[Any]:
    """The type of the column for a field of a model."""
    scalar = scalar_of(type_)
    return sa.types.to_instance(JSON if scalar is None else _SCALARS[scalar])


_SCALARS: dict[type, Any] = {
    str: Text,
    bool: sa.Boolean,
    int: sa.BigInteger,
    float: sa.Double,
    MOMENT: Moment,
    DAY: sa.Date,
    UUID: sa.Uuid,
}


def json_text(value: Any) -> str:
    """A value as the text of its JSON, in ASCII: a database may lack other characters."""
    text = msgspec.json.encode(value).decode()
    return text if text.isascii() else json.dumps(msgspec.json.decode(text))


def json_texts(values: Collection[Any]) -> list[str | None]:
    """Each value as the text of its JSON; None for None."""
    return _lines(_encoder.encode_lines(values).decode())


def plain_texts(values: Collection[Any]) -> list[str | None]:
    """Each number, truth value, date or moment as JSON writes it, but without quotes; None for None."""
    return _lines(_encoder.encode_lines(values).decode().replace('"', ""))


_encoder = msgspec.json.Encoder()


def _lines(text: str) -> list[str | None]:
    return [None if line == "null" else line for line in text.split("\n")[:-1]]


def isos(values: Collection[datetime.datetime | None]) -> list[str | None]:
    """Each moment as `iso` writes it; None for None."""
    texts: list[Any] = plain_texts(values)
    if {*map(len, filter(None, texts))} <= {_ISO}:  # as Payt writes them
        return texts
    return [iso(value) if value and len(text) != _ISO else text for value, text in zip(values, texts, strict=True)]


_ISO = len("2026-01-31T12:00:00.000000Z")

Column = Sequence[Any]
"""What is written into a column of a table: a value for each row."""


def columns_maker(
    record: Any, fields: Mapping[str, Callable[[Column], Column] | None]
) -> Callable[[Iterable[Any]], list[Column]]:
    """A function from records to the columns of these fields; each as the function there makes it, if there is one.

    By columns, not by rows: what is done for a page is done for a field at once, and not for each record.
    """
    order = [field.name for field in attrs.fields(record)]
    made = [(order.index(name), write) for name, write in fields.items()]

    def columns(records: Iterable[Any]) -> list[Column]:
        given = [*zip(*map(values_of, records), strict=True)]
        return [given[place] if write is None else write(given[place]) for place, write in made]

    return columns
