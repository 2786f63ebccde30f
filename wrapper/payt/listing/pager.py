"""What a list method returns: every record, or page after page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from functools import partial
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, Self, TypeVar

import attrs

from payt_api.client import AuthenticatedClient

from .. import checks
from .ahead import Ahead, Arrival, Make, same
from .arguments import listing_of
from .executors import Executor
from .iterations import AsyncIteration, AsyncRecords, Iteration, Records
from .pages import InvalidRecord, Page
from .spec import ListSpec
from .walk import Walk

if TYPE_CHECKING:
    import pyarrow

T = TypeVar("T")
R = TypeVar("R")
MOST_PREFETCH: Final = 16
"""How many pages may be fetched ahead."""


class Copied:
    """A pager of any kind: copies share its client, and where it travels to, that is made anew."""

    _session_of: methodcaller
    _api: Any

    def _with(self, **changes: Any) -> Self:
        other = type(self).__new__(type(self))
        vars(other).update(vars(self) | changes)
        return other

    def __copy__(self) -> Self:
        return self._with()

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self._with()  # there is nothing in it that changes

    def __getstate__(self) -> dict[str, Any]:
        recipe = getattr(self._session_of(self._api), "recipe", None)
        if recipe is None:
            raise TypeError("only the pagers of a payt.Client or payt.AsyncClient can be pickled")
        return vars(self._with(_api=recipe))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _api=state["_api"].api())


class _One(Copied, Generic[T]):
    """One list and the arguments to list it with, checked."""

    def __init__(self, api: AuthenticatedClient, spec: ListSpec[T], arguments: Mapping[str, Any]) -> None:
        given = dict(arguments)
        self._prefetch = checks.number("prefetch", given.pop("prefetch"), least=0, most=MOST_PREFETCH)
        self._api, self._listing = api, listing_of(spec, given)
        self._walk: Walk[T] = Walk(self._listing)  # a cursor of another listing is refused at once

    @property
    def invalid(self) -> Sequence[InvalidRecord]:
        """With `on_invalid="collect"`, the records that the last iteration left out, complete when it is over."""
        return tuple(self._walk.invalid)

    def _begin(self, make: Make[R], executor: Executor) -> tuple[Ahead[R], Callable[[Arrival[R]], list[R]]]:
        self._walk = Walk(self._listing, self._prefetch, executor.session.settings.rate_limit)
        ahead = Ahead(executor, make, [("", self._walk)], workers=0, prefetch=self._prefetch)
        return ahead, lambda arrival: [arrival.result()]

    def _one(self) -> Self:
        """The same for one record and one request."""
        limit = 1 if self._listing.limit is None else min(1, self._listing.limit)
        return self._with(_listing=attrs.evolve(self._listing, limit=limit), _prefetch=0)

    def __repr__(self) -> str:
        return f"payt.{type(self).__name__}({self._listing}, prefetch={self._prefetch})"

    def __bool__(self) -> bool:
        return True  # whether there are records is not known before they are asked for

    def __len__(self) -> NoReturn:
        raise TypeError(
            "the number of records is not known until they are listed: count them with sum(1 for _ in pager)"
        )


class Pager(_One[T]):
    """Every record of a listing. Nothing is sent until you iterate, and iterating again lists again.

    With `prefetch`, threads fetch the next pages while you work on one. They start before the second page, and end when
    you leave the iteration.
    """

    _session_of = methodcaller("get_httpx_client")

    def __iter__(self) -> Iterator[T]:
        """Every record, page after page, in the order of the API.

        Raises:
            PaytError: The listing failed; `cursor` resumes it.
        """
        return Records.of(self.pages(), _data_of)

    def __next__(self) -> NoReturn:
        raise TypeError("a pager starts over with each iteration: use next(iter(pager)), or pager.first()")

    def first(self) -> T | None:
        """The first record, by one request for one record; None if there is none.

        Raises:
            PaytError: The request failed.
        """
        with closing(Records.of(self._one().pages(), _data_of)) as records:
            return next(records, None)

    def pages(self) -> Generator[Page[T]]:
        """The same, a page at a time.

        Raises:
            PaytError: The listing failed; `cursor` resumes it.
        """
        return Iteration(self._api, partial(self._begin, same))

    def map_pages(self, make: Callable[[Page[T]], R]) -> Generator[R]:
        """What `make` returns for each page, called in the thread that fetches it, while you work on the page before.

        Args:
            make: Called with one page after the other. What it raises is raised here, in the place of its result.

        Raises:
            PaytError: The listing failed; `cursor` resumes it.
        """

        async def made(page: Page[T]) -> R:
            return make(page)

        return Iteration(self._api, partial(self._begin, made))

    def to_arrow(self) -> pyarrow.RecordBatchReader:
        """The records as Arrow, a batch for each page: `client.contacts.list(...).to_arrow().read_all()` is a table.

        Its types follow from the contract alone: texts, lists, timestamps in UTC, and JSON as text for what is nested.
        All fields are there; those that were not sent are null.

        Raises:
            PaytError: While it is read: the listing failed; `cursor` resumes it.
            ImportError: The extra `arrow` is not installed.
        """
        from .arrow import Table  # noqa: PLC0415  # of an extra

        table = Table(self._listing.spec.record)
        return table.reader(self.map_pages(table.batch))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What polars, DuckDB, pandas and pyarrow take a pager for: `polars.DataFrame(pager)`. Each call lists anew."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


class AsyncPager(_One[T]):
    """The same as `Pager`, for asyncio; tasks fetch the pages."""

    _session_of = methodcaller("get_async_httpx_client")

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
        return self.map_pages(same)

    def map_pages(self, make: Callable[[Page[T]], Awaitable[R]]) -> AsyncGenerator[R]:
        """As `Pager.map_pages`; `make` is awaited, in the task that fetches ahead."""
        return AsyncIteration(self._api, partial(self._begin, make))

    async def to_arrow(self) -> pyarrow.RecordBatchReader:
        """As `Pager.to_arrow`, but all is listed first: whatever reads Arrow cannot await a page."""
        from .arrow import Table  # noqa: PLC0415  # of an extra

        table = Table(self._listing.spec.record)

        async def batch(page: Page[T]) -> Any:
            return table.batch(page)

        return table.reader([each async for each in self.map_pages(batch)])


_data_of: Callable[[Page[Any]], list[Any]] = attrgetter("data")
