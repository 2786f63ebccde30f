"""Which records a command is about: the list, administrations and filters; and the walk over their pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

import payt
from payt import contract
from payt.contract import fields_to_name, parameters_of
from payt.listing import ListSpec
from payt.listing.shapes import ADMINISTRATION

from .columns import Column, Row, columns_of, reader_of
from .options import ALL


@attrs.frozen
class Position:
    """Where a walk stands: behind so many pages.

    Attributes:
        administration: The index of the administration whose page comes next.
        cursor: Where in it.
        records: How many records came so far.
        pages: On how many pages.
        invalid: The records that were left out, by their ids and what is wrong with them.
    """

    administration: int = 0
    cursor: str | None = None
    records: int = 0
    pages: int = 0
    invalid: tuple[str, ...] = ()


BEGINNING: Final = Position()


@attrs.frozen(kw_only=True)
class Selection:
    """What to list; filters are those of the list's method, None where they were not given.

    The administration None stands alone, where the list is not that of an administration. Records of `several`
    administrations are told apart.
    """

    spec: ListSpec[Any]
    administrations: Sequence[str | None]
    several: bool = False
    filters: dict[str, Any]
    fields: Sequence[str] | None = None
    per_page: int
    limit: int | None = None
    prefetch: int = 1
    skip_invalid: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of its `rows`; the administration comes first, where there are several."""
        return columns_of(self.spec.record, self.fields, owned=self.several)

    @property
    def own_columns(self) -> tuple[Column, ...]:
        """Those whose values stand in the records."""
        return self.columns[1:] if self.several else self.columns

    def check(self, client: payt.Client) -> None:
        """Let the client look at all arguments; nothing is sent.

        Raises:
            ValueError: One cannot be used; the message says why and what to do.
        """
        for administration in self.administrations:
            self._listing(client, administration, None, self.limit)

    def rows(self, client: payt.Client, start: Position = BEGINNING) -> Iterator[tuple[Position, list[Row]]]:
        """The same as `pages`, with rows for records.

        Raises:
            payt.PaytError: The listing failed.
        """
        read = reader_of(self.own_columns)
        for position, administration, records in self.pages(client, start):
            rows = map(read, records)
            yield position, [(administration, *row) for row in rows] if self.several else list(rows)

    def pages(
        self, client: payt.Client, start: Position = BEGINNING
    ) -> Iterator[tuple[Position, str | None, list[Any]]]:
        """Every page from `start`: the position behind it, its administration and its records.

        Raises:
            payt.PaytError: The listing failed.
        """
        at = start
        for index, administration in enumerate(self.administrations):
            left = None if self.limit is None else self.limit - at.records
            if index < start.administration or left == 0:
                continue
            cursor = start.cursor if index == start.administration else None
            try:
                for page in self._listing(client, administration, cursor, left).pages():
                    at = Position(
                        administration=index + (page.cursor is None),
                        cursor=page.cursor,
                        records=at.records + len(page.data),
                        pages=at.pages + 1,
                        invalid=(*at.invalid, *map(described_invalid, page.invalid)),
                    )
                    yield at, administration, page.data
            except payt.PaytError as error:
                if self.several:
                    error.add_note(f"it happened in administration {administration}")
                raise

    def _listing(
        self, client: payt.Client, administration: str | None, cursor: str | None, limit: int | None
    ) -> payt.Pager[Any]:
        fields = fields_to_name(self.spec) if self.fields is None else self.fields
        known = {ADMINISTRATION: administration, "fields": fields}
        pager: payt.Pager[Any] = self.spec.method_of(client)(
            **self.filters,
            **{name: value for name, value in known.items() if name in parameters_of(self.spec)},
            cursor=cursor,
            per_page=self.per_page,
            limit=limit,
            prefetch=self.prefetch,
            on_invalid="collect" if self.skip_invalid else "raise",
        )
        return pager


def every_administration(client: payt.Client) -> list[str]:
    """As that of the contract, for -a all."""
    try:
        return contract.every_administration(client)
    except (payt.PaytError, ValueError) as error:
        error.add_note(f"-a {ALL} has to list all administrations; ids do without that")
        raise


def described_invalid(record: payt.InvalidRecord) -> str:
    """A record that was left out, by its id and what is wrong with it."""
    return f"{record.id or 'one without an id'} ({record.path.partition(']')[2].lstrip('.') or 'all of it'})"
