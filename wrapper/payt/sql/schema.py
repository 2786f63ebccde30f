"""The tables: one of contacts, whose columns follow the contract's model, and three that keep the books of the runs."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import attrs
import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from payt_api.models import Contact
from payt_api.types import values_of

from ..listing.shapes import fields_of, scalar_of
from .errors import SchemaError

VERSION = 1
"""Of the layout of the books; a table with a higher one was made by a newer payt-client."""


class Moment(sa.types.TypeDecorator[datetime.datetime]):
    """A moment with its zone. SQLite, which has no such type, keeps it as ISO 8601 in UTC, which sorts by time."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """A text on SQLite."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime.datetime | None, dialect: sa.Dialect) -> Any:
        """Write it."""
        return iso(value) if value is not None and dialect.name == "sqlite" else value


def iso(moment: datetime.datetime) -> str:
    """A moment as Payt writes it: always with microseconds, so that texts sort as moments do."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


@attrs.frozen
class Tables:
    """The tables of a sync.

    Attributes:
        contacts: One row for each contact: (administration_id, id), the fields of the contract's model, and
            first_seen_at, synced_at (when the row last changed here) and deleted_at.
        incoming: The page that is being written; temporary.
        books: Which tables of contacts are ours, which version wrote them, and from which service.
        state: Of each administration: the watermark, and where an unfinished run stands.
        seen: The ids that the unfinished full run of an administration received so far.
    """

    contacts: sa.Table
    incoming: sa.Table
    books: sa.Table
    state: sa.Table
    seen: sa.Table

    @classmethod
    def named(cls, table: str, schema: str | None) -> Tables:
        """The tables for a table of contacts of this name."""
        metadata = sa.MetaData(schema=schema)
        fields = {name: column_type(type_) for name, type_ in fields_of(Contact).items() if name != "id"}
        _check_names(fields)
        contacts = sa.Table(
            table,
            metadata,
            sa.Column("administration_id", sa.Text, primary_key=True),
            sa.Column("id", sa.Text, primary_key=True),
            *[sa.Column(name, type_) for name, type_ in fields.items()],
            sa.Column("first_seen_at", Moment, nullable=False),
            sa.Column("synced_at", Moment, nullable=False),
            sa.Column("deleted_at", Moment),
        )
        incoming = sa.Table(
            "payt_incoming",
            sa.MetaData(),
            sa.Column("id", sa.Text),
            *[sa.Column(name, sa.Text if isinstance(type_, sa.JSON) else type_) for name, type_ in fields.items()],
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DELETE ROWS",
        )
        books = sa.Table(
            "payt_sync_tables",
            metadata,
            sa.Column("table_name", sa.Text, primary_key=True),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("base_url", sa.Text),
        )
        state = sa.Table(
            "payt_sync_state",
            metadata,
            sa.Column("table_name", sa.Text, primary_key=True),
            sa.Column("administration_id", sa.Text, primary_key=True),
            sa.Column("holder", sa.Text),
            sa.Column("state", sa.Text),
        )
        seen = sa.Table(
            "payt_sync_seen",
            metadata,
            sa.Column("table_name", sa.Text, primary_key=True),
            sa.Column("administration_id", sa.Text, primary_key=True),
            sa.Column("id", sa.Text, primary_key=True),
        )
        return cls(contacts, incoming, books, state, seen)


_OURS = ("administration_id", "id", "first_seen_at", "synced_at", "deleted_at")


def _check_names(fields: Collection[str]) -> None:
    """No field may have the name of another column; databases tell no case.

    Raises:
        SchemaError: One has.
    """
    counts = Counter(name.casefold() for name in (*_OURS, *fields))
    for name in fields:
        if counts[name.casefold()] > 1:
            raise SchemaError(
                f"the contract's field {name} has the name of another column of a copy: export the contacts instead, "
                "or keep the copy by your own code over client.contacts.list"
            )


def column_type(type_: Any) -> sa.types.TypeEngine[Any]:
    """The type of the column for a field of a model."""
    scalar = scalar_of(type_)
    return JSON if scalar is None else _SCALARS[scalar]()


_SCALARS: dict[type, type[sa.types.TypeEngine[Any]]] = {
    str: sa.Text,
    bool: sa.Boolean,
    int: sa.BigInteger,
    float: sa.Double,
    datetime.datetime: Moment,
    datetime.date: sa.Date,
    UUID: sa.Uuid,
}


def json_text(value: Any) -> str:
    """A value as the text of its JSON."""
    return msgspec.json.encode(value).decode()


def json_texts(values: Collection[Any]) -> list[str | None]:
    """Each value as the text of its JSON; None for None."""
    lines = _lines.encode_lines(values).decode().split("\n")[: len(values)]
    return [None if line == "null" else line for line in lines]


_lines = msgspec.json.Encoder()


def plain_texts(values: Collection[Any]) -> list[str | None]:
    """Each number, truth value, date or moment as JSON writes it, but without quotes; None for None."""
    return [text and text.strip('"') for text in json_texts(values)]


Column = Sequence[Any]
"""What is written into a column of a table: a value for each row."""


def columns_maker(
    fields: Mapping[str, Callable[[Column], Column] | None],
) -> Callable[[Iterable[Contact]], list[Column]]:
    """A function from contacts to the columns of these fields; each as the function there makes it, if there is one.

    By columns, not by rows: what is done for a page is done for a field at once, and not for each contact.
    """
    order = [field.name for field in attrs.fields(Contact)]
    made = [(order.index(name), write) for name, write in fields.items()]

    def columns(contacts: Iterable[Contact]) -> list[Column]:
        given = [*zip(*map(values_of, contacts), strict=True)]
        return [given[place] if write is None else write(given[place]) for place, write in made]

    return columns
