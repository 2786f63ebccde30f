"""The listings of many administrations at once: records as they arrive, each with its administration's id."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, TypeVar, get_args

import attrs

from payt_api.client import AuthenticatedClient

from .. import checks
from ..errors import PaytError
from .arguments import listing_of
from .iterations import AsyncRecords, records
from .pager import AsyncListings, Listings, SyncListings
from .pages import InvalidRecord, Page
from .spec import ListSpec

T = TypeVar("T")
OnError: TypeAlias = Literal["raise", "collect"]
"""What an error of one listing does: end the whole iteration, or only its own listing."""


class _Many(Listings[T]):
    def __init__(self, api: AuthenticatedClient, spec: ListSpec[T], arguments: Mapping[str, Any]) -> None:
        given = dict(arguments)
        cursors = checks.keys("administration_ids", given.pop("administration_ids"))
        concurrency = checks.number("concurrency", given.pop("concurrency"), least=1, most=100)
        self._workers = min(concurrency, len(cursors))
        self._collects = checks.choice("on_error", given.pop("on_error"), get_args(OnError)) == "collect"
        prefetch = given.pop("prefetch")
        # Filters may be given as generators, which can be read only once: one listing, for whichever administration.
        one = listing_of(spec, {**given, "administration_id": "1"})
        listings = {
            administration_id: attrs.evolve(
                one, parts=tuple({**part, "administration_id": administration_id} for part in one.parts), cursor=cursor
            )
            for administration_id, cursor in cursors.items()
        }
        super().__init__(api, spec, listings, prefetch)

    @property
    def errors(self) -> Mapping[str, PaytError]:
        """With `on_error="collect"`, the errors of the last iteration by administration id, complete when it is over.

        Each has the `cursor` that resumes its listing.
        """
        return MappingProxyType(self._errors)

    @property
    def invalid(self) -> Mapping[str, Sequence[InvalidRecord]]:
        """With `on_invalid="collect"`, what the last iteration left out, by administration id; only where it did."""
        return {name: tuple(walk.invalid) for name, walk in self._walks.items() if walk.invalid}


class ManyPager(_Many[T], SyncListings[T]):
    """Every record of many administrations, as they arrive, each with its administration's id.

    The records of one administration come in their order; those of several are mixed. Iterating again
    starts again; nothing is sent before iteration starts.
    """

    def __iter__(self) -> Iterator[tuple[str, T]]:
        """Pairs of an administration's id and a record.

        Raises:
            PaytError: With `on_error="raise"`, as soon as one listing fails; this ends all others too.
                `administration_id` tells which listing it was, and `cursor` resumes that one.
        """
        return records(self.pages(), _pairs_of)

    def pages(self) -> Generator[tuple[str, Page[T]]]:
        """Pairs of an administration's id and a page.

        Raises:
            PaytError: As for records.
        """
        return self._each(_named)


class AsyncManyPager(_Many[T], AsyncListings[T]):
    """The same as `ManyPager`, for asyncio."""

    def __aiter__(self) -> AsyncIterator[tuple[str, T]]:
        """As iterating a `ManyPager`."""
        return AsyncRecords(self.pages(), _pairs_of)

    def pages(self) -> AsyncGenerator[tuple[str, Page[T]]]:
        """As `ManyPager.pages`."""
        return self._each(_named)


async def _named(name: str, page: Page[T]) -> tuple[str, Page[T]]:
    return name, page


def _pairs_of(arrived: tuple[str, Page[T]]) -> Iterable[tuple[str, T]]:
    return zip(repeat(arrived[0]), arrived[1].data, strict=False)
