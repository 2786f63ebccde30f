"""The listings of many administrations at once: records as they arrive, each with its administration's id."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from operator import methodcaller
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, get_args

import attrs

from payt_api.client import AuthenticatedClient

from .. import checks
from ..errors import PaytError
from .ahead import Ahead, Arrival, same
from .arguments import listing_of
from .executors import Executor
from .iterations import AsyncIteration, AsyncRecords, Iteration, Records
from .pager import MOST_PREFETCH, Copied
from .pages import InvalidRecord, Page
from .spec import ListSpec
from .walk import Walk

if TYPE_CHECKING:
    import pyarrow

    from .arrow import Table

T = TypeVar("T")
OnError: TypeAlias = Literal["raise", "collect"]
"""What an error of one listing does: end the whole iteration, or only its own listing."""


class _Many(Copied, Generic[T]):
    def __init__(self, api: AuthenticatedClient, spec: ListSpec[T], arguments: Mapping[str, Any]) -> None:
        given = dict(arguments)
        cursors = checks.keys("administration_ids", given.pop("administration_ids"))
        self._api = api
        self._record = spec.record
        self._concurrency = checks.number("concurrency", given.pop("concurrency"), least=1, most=100)
        self._prefetch = checks.number("prefetch", given.pop("prefetch"), least=0, most=MOST_PREFETCH)
        self._collects = checks.choice("on_error", given.pop("on_error"), get_args(OnError)) == "collect"
        # Filters may be given as generators, which can be read only once: one listing, for whichever administration.
        one = listing_of(spec, {**given, "administration_id": "1"})
        self._listings = {
            administration_id: attrs.evolve(
                one, parts=tuple({**part, "administration_id": administration_id} for part in one.parts), cursor=cursor
            )
            for administration_id, cursor in cursors.items()
        }
        self._walks = self._new_walks()  # a cursor of another listing is refused at once
        self._errors: dict[str, PaytError] = {}

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

    def _table(self) -> Table:
        from .arrow import Table  # noqa: PLC0415  # of an extra

        return Table(self._record, many=True)

    def _begin_batches(self, executor: Executor) -> tuple[Ahead[Any], Callable[[Arrival[Any]], list[Any]]]:
        (ahead, given), table = self._begin(executor), self._table()
        return ahead, lambda arrival: [table.batch(page, name) for name, page in given(arrival)]

    def _new_walks(self, rate: float | None = None) -> dict[str, Walk[T]]:
        return {name: Walk(listing, self._prefetch, rate) for name, listing in self._listings.items()}

    def _begin(self, executor: Executor) -> tuple[Ahead[Any], Callable[[Arrival[Any]], list[tuple[str, Page[T]]]]]:
        self._walks, self._errors = self._new_walks(executor.session.settings.rate_limit), {}
        workers = min(self._concurrency, len(self._listings))
        ahead = Ahead(executor, same, self._walks.items(), workers=workers, prefetch=self._prefetch)
        return ahead, partial(self._given, self._errors)

    def _given(self, errors: dict[str, PaytError], arrival: Arrival[Page[T]]) -> list[tuple[str, Page[T]]]:
        """The page that arrived; an error is collected, or raised. Any other error is always raised."""
        try:
            return [(arrival.name, arrival.result())]
        except PaytError as error:
            error.administration_id = arrival.name
            if not self._collects:
                raise
            errors[arrival.name] = error
            return []


class ManyPager(_Many[T]):
    """Every record of many administrations, as they arrive, each with its administration's id.

    The records of one administration come in their order; those of several are mixed. Iterating again
    starts again; nothing is sent before iteration starts.
    """

    _session_of = methodcaller("get_httpx_client")

    def __iter__(self) -> Iterator[tuple[str, T]]:
        """Pairs of an administration's id and a record.

        Raises:
            PaytError: With `on_error="raise"`, as soon as one listing fails; this ends all others too.
                `administration_id` tells which listing it was, and `cursor` resumes that one.
        """
        return Records.of(self.pages(), _pairs_of)

    def pages(self) -> Generator[tuple[str, Page[T]]]:
        """Pairs of an administration's id and a page.

        Raises:
            PaytError: As for records.
        """
        return Iteration(self._api, self._begin)

    def to_arrow(self) -> pyarrow.RecordBatchReader:
        """As `Pager.to_arrow`, with the column `administration_id` before all others.

        Raises:
            PaytError: As for records, while it is read.
            ImportError: The extra `arrow` is not installed.
        """
        return self._table().reader(Iteration(self._api, self._begin_batches))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """As `Pager.__arrow_c_stream__`."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


class AsyncManyPager(_Many[T]):
    """The same as `ManyPager`, for asyncio."""

    _session_of = methodcaller("get_async_httpx_client")

    def __aiter__(self) -> AsyncIterator[tuple[str, T]]:
        """As iterating a `ManyPager`."""
        return AsyncRecords(self.pages(), _pairs_of)

    def pages(self) -> AsyncGenerator[tuple[str, Page[T]]]:
        """As `ManyPager.pages`."""
        return AsyncIteration(self._api, self._begin)

    async def to_arrow(self) -> pyarrow.RecordBatchReader:
        """As `ManyPager.to_arrow`, but all is listed first: whatever reads Arrow cannot await a page."""
        return self._table().reader([batch async for batch in AsyncIteration(self._api, self._begin_batches)])


def _pairs_of(arrived: tuple[str, Page[T]]) -> Iterable[tuple[str, T]]:
    return zip(repeat(arrived[0]), arrived[1].data, strict=False)
