"""Which contacts a command is about: administrations and filters, and the walk over their pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

import payt


@attrs.frozen
class Position:
    """Where a walk stands: behind so many pages.

    Attributes:
        administration: The index of the administration whose page comes next.
        cursor: Where in it.
        contacts: How many contacts came so far.
        pages: On how many pages.
    """

    administration: int = 0
    cursor: str | None = None
    contacts: int = 0
    pages: int = 0


def _each_once(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))


@attrs.frozen(kw_only=True)
class Selection:
    """What to list; filters are those of `client.contacts.list`."""

    administrations: Sequence[str] = attrs.field(converter=_each_once)
    filters: dict[str, Any] = attrs.field(factory=dict)
    fields: Sequence[str] | None = None
    per_page: int = 500
    limit: int | None = None

    def check(self, client: payt.Client) -> None:
        """Let the client look at all arguments; nothing is sent.

        Raises:
            ValueError: One cannot be used; the message says why and what to do.
        """
        for administration in self.administrations:
            self._listing(client, administration, None, self.limit)

    def pages(
        self, client: payt.Client, start: Position = Position()
    ) -> Iterator[tuple[Position, str, list[payt.Contact]]]:
        """Every page from `start`: the position behind it, its administration and its contacts.

        Raises:
            payt.PaytError: The listing cannot go on.
        """
        at = start
        for index, administration in enumerate(self.administrations):
            left = None if self.limit is None else self.limit - at.contacts
            if index < start.administration or left == 0:
                continue
            cursor = start.cursor if index == start.administration else None
            try:
                for page in self._listing(client, administration, cursor, left).pages():
                    at = Position(
                        administration=index + (page.cursor is None),
                        cursor=page.cursor,
                        contacts=at.contacts + len(page.data),
                        pages=at.pages + 1,
                    )
                    yield at, administration, page.data
            except payt.PaytError as error:
                if len(self.administrations) > 1:
                    error.add_note(f"it happened in administration {administration}")
                raise

    def _listing(
        self, client: payt.Client, administration: str, cursor: str | None, limit: int | None
    ) -> payt.Pager[payt.Contact]:
        return client.contacts.list(
            administration_id=administration,
            **self.filters,
            fields=self.fields,
            cursor=cursor,
            per_page=self.per_page,
            limit=limit,
        )


def values_in(path: Path) -> list[str]:
    """The values of a filter from a file: one a line; empty lines count for nothing.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no text in UTF-8.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8: save it as such, one id a line") from None
    return [line.strip() for line in lines if line.strip()]
