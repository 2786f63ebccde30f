"""What a list method returns: every record, or page after page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, Self, TypeVar

import attrs

from payt_api.client import AuthenticatedClient

from .. import checks
from ..errors import PaytError
from .ahead import Ahead, Make
from .arguments import Listing, listing_of
from .executors import Executor, Tasks, Threads, run
from .iterations import AsyncIteration, AsyncRecords, Iteration, records
from .pages import InvalidRecord, Page
from .spec import ListSpec
from .walk import Walk

if TYPE_CHECKING:
    import pyarrow

    from .arrow import Table

T = TypeVar("T")
R = TypeVar("R")
MOST_PREFETCH: Final = 16
"""How many pages may be fetched ahead."""


class Listings(Generic[T]):
    """What a pager of any kind is: listings, whose arguments are checked, and how they are read.

    Copies share its client; where it travels to, that is made anew.
    """

    _session_of: methodcaller
    _workers = 0
    _collects = False

    def __init__(
        self, api: AuthenticatedClient, spec: ListSpec[T], listings: Mapping[Any, Listing], prefetch: Any
    ) -> None:
        self._prefetch = checks.number("prefetch", prefetch, least=0, most=MOST_PREFETCH)
        self._api: Any = api
        self._spec, self._listings = spec, listings
        self._walks = self._new_walks(None)  # a cursor of another listing is refused at once
        self._errors: dict[str, PaytError] = {}

    def _new_walks(self, rate: float | None) -> dict[Any, Walk[T]]:
        return {name: Walk(listing, self._prefetch, rate) for name, listing in self._listings.items()}

    def _begin(self, make: Make[R], executor: Executor) -> Ahead[R]:
        self._walks, self._errors = self._new_walks(executor.session.settings.rate_limit), {}
        errors = self._errors if self._collects else None
        return Ahead(executor, make, self._walks.items(), errors, workers=self._workers, prefetch=self._prefetch)

    def _table(self) -> Table:
        from .arrow import Table  # noqa: PLC0415  # of an extra

        return Table(self._spec.record, many=None not in self._listings)

    def _with(self, **changes: Any) -> Self:
        other = type(self).__new__(type(self))
        vars(other).update(vars(self) | changes)
        return other

    def __copy__(self, _memo: object = None) -> Self:
        return self._with()

    __deepcopy__ = __copy__  # there is nothing in it that changes

    def __getstate__(self) -> dict[str, Any]:
        recipe = getattr(self._session_of(self._api), "recipe", None)
        if recipe is None:
            raise TypeError("only the pagers of a payt.Client or payt.AsyncClient can be pickled")
        return vars(self._with(_api=recipe, _walks={}))  # without what it has read

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _api=state["_api"].api())
        self._walks = self._new_walks(None)


class SyncListings(Listings[T]):
    """Those of a `Client`."""

    _session_of = methodcaller("get_httpx_client")

    def _each(self, make: Make[R]) -> Generator[R]:
        return Iteration(self._given(make))

    def _given(self, make: Make[R]) -> Generator[R]:
        ahead = self._begin(make, Threads(self._api))
        try:
            while (arrival := run(ahead.next())) is not None:
                yield arrival.made
        finally:
            run(ahead.close())

    def to_arrow(self) -> pyarrow.RecordBatchReader:
        """The records as Arrow, a batch for each page: `client.contacts.list(...).to_arrow().read_all()` is a table.

        Its types follow from the contract alone: texts, lists, timestamps in UTC, and JSON as text for what is nested.
        All fields are there; those that were not sent are null. With `list_many`, the column `administration_id`
        stands before all others.

        Raises:
            PaytError: While it is read: the listing failed; `cursor` resumes it.
            ImportError: The extra `arrow` is not installed.
        """
        table = self._table()
        return table.reader(self._each(table.make))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What polars, DuckDB, pandas and pyarrow take a pager for: `polars.DataFrame(pager)`. Each call lists anew."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


class AsyncListings(Listings[T]):
    """Those of an `AsyncClient`."""

    _session_of = methodcaller("get_async_httpx_client")

    def _each(self, make: Make[R]) -> AsyncGenerator[R]:
        return AsyncIteration(self._given(make))

    async def _given(self, make: Make[R]) -> AsyncGenerator[R]:
        ahead = self._begin(make, Tasks(self._api))
        try:
            while (arrival := await ahead.next()) is not None:
                yield arrival.made
        finally:
            await ahead.close()

    async def to_arrow(self) -> pyarrow.RecordBatchReader:
        """As `Pager.to_arrow`, but all is listed first: whatever reads Arrow cannot await a page."""
        table = self._table()
        return table.reader([batch async for batch in self._each(table.make)])


class _One(Listings[T]):
    """One list and the arguments to list it with."""

    def __init__(self, api: AuthenticatedClient, spec: ListSpec[T], arguments: Mapping[str, Any]) -> None:
        given = dict(arguments)
        prefetch = given.pop("prefetch")
        super().__init__(api, spec, {None: listing_of(spec, given)}, prefetch)

    @property
    def invalid(self) -> Sequence[InvalidRecord]:
        """With `on_invalid="collect"`, the records that the last iteration left out, complete when it is over."""
        return tuple(self._walks[None].invalid)

    def _one(self) -> Self:
        """The same for one record and one request."""
        listing = self._listings[None]
        limit = 1 if listing.limit is None else min(1, listing.limit)
        return self._with(_listings={None: attrs.evolve(listing, limit=limit)}, _prefetch=0)

    def __repr__(self) -> str:
        told = f"{self._listings[None]}, prefetch={self._prefetch}" if "_listings" in vars(self) else ""
        return f"payt.{type(self).__name__}({told})"

    def __bool__(self) -> bool:
        return True  # whether there are records is not known before they are asked for

    def __len__(self) -> NoReturn:
        raise TypeError(
            "the number of records is not known until they are listed: count them with sum(1 for _ in pager)"
        )


class Pager(_One[T], SyncListings[T]):
    """Every record of a listing. Nothing is sent until you iterate, and iterating again lists again.

    With `prefetch`, threads fetch the next pages while you work on one. They start before the second page, and end when
    you leave the iteration.
    """

    def __iter__(self) -> Iterator[T]:
        """Every record, page after page, in the order of the API.

        Raises:
            PaytError: The listing failed; `cursor` resumes it.
        """
        return records(self.pages(), _data_of)

    def __next__(self) -> NoReturn:
        raise TypeError("a pager starts over with each iteration: use next(iter(pager)), or pager.first()")

    def first(self) -> T | None:
        """The first record, by one request for one record; None if there is none.

        Raises:
            PaytError: The request failed.
        """
        with closing(records(self._one().pages(), _data_of)) as found:
            return next(found, None)

    def pages(self) -> Generator[Page[T]]:
        """The same, a page at a time.

        Raises:
            PaytError: The listing failed; `cursor` resumes it.
        """
        return self._each(_page)

    def map_pages(self, make: Callable[[Page[T]], R]) -> Generator[R]:
        """What `make` returns for each page, called in the thread that fetches it, while you work on the page before.

        Args:
            make: Called with one page after the other. What it raises is raised here, in the place of its result.

        Raises:
            TypeError: At once: `make` cannot be called.
            PaytError: The listing failed; `cursor` resumes it.
        """
        checks.function("make", make)

        async def made(_: None, page: Page[T]) -> R:
            return make(page)

        return self._each(made)


class AsyncPager(_One[T], AsyncListings[T]):
    """The same as `Pager`, for asyncio; tasks fetch the pages."""

    def __aiter__(self) -> AsyncIterator[T]:
        """As iterating a `Pager`."""
        return AsyncRecords(self.pages(), _data_of)

    def __anext__(self) -> NoReturn:
        raise TypeError("a pager starts over with each iteration: use anext(aiter(pager)), or await pager.first()")

    async def first(self) -> T | None:
        """As `Pager.first`."""
        async with aclosing(AsyncRecords(self._one().pages(), _data_of)) as records:
            return await anext(records, None)

    def pages(self) -> AsyncGenerator[Page[T]]:
        """As `Pager.pages`."""
        return self._each(_page)

    def map_pages(self, make: Callable[[Page[T]], Awaitable[R]]) -> AsyncGenerator[R]:
        """As `Pager.map_pages`; `make` is awaited, in the task that fetches ahead."""
        checks.function("make", make)

        async def made(_: None, page: Page[T]) -> R:
            result = make(page)
            if not isinstance(result, Awaitable):
                raise TypeError(
                    f"make must return an awaitable, as a coroutine function does, got {type(result).__name__}"
                )
            return await result

        return self._each(made)


async def _page(_: None, page: Page[T]) -> Page[T]:
    return page


_data_of: Callable[[Page[Any]], list[Any]] = attrgetter("data")
