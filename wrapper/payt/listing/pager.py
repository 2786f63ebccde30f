"""What a list method returns: every record, or page after page."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from payt_api.client import AuthenticatedClient

from .. import checks
from .ahead import Ahead, AsyncAhead, fetch, fetch_async, same, same_async
from .arguments import Listing, listing_of
from .spec import ListSpec
from .walk import InvalidRecord, Page, Walk

if TYPE_CHECKING:
    import pyarrow

T = TypeVar("T")
R = TypeVar("R")


class _One(Generic[T]):
    """One list and the arguments to list it with, checked."""

    _api: AuthenticatedClient
    _listing: Listing
    _prefetch: int

    def __init__(self, api: AuthenticatedClient, spec: ListSpec[T], arguments: Mapping[str, Any]) -> None:
        given = dict(arguments)
        prefetch = checks.number("prefetch", given.pop("prefetch"), least=0, most=1)
        self._set_up(api, listing_of(spec, given), prefetch)

    def _set_up(self, api: AuthenticatedClient, listing: Listing, prefetch: int) -> None:
        self._api, self._listing, self._prefetch = api, listing, prefetch
        self._walk: Walk[T] = Walk(listing)

    @property
    def invalid(self) -> Sequence[InvalidRecord]:
        """With `on_invalid="collect"`, the records that the last iteration left out, complete when it is over."""
        return tuple(self._walk.invalid)

    def _begin(self) -> Walk[T]:
        self._walk = Walk(self._listing)
        return self._walk

    @abstractmethod
    def _recipe(self) -> Any: ...

    def __copy__(self) -> Self:
        other = type(self).__new__(type(self))
        other._set_up(self._api, self._listing, self._prefetch)  # noqa: SLF001  # ours
        return other

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self.__copy__()  # there is nothing in it that changes

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (type(self), self._recipe(), self._listing, self._prefetch)


def restored(kind: type[_One[Any]], recipe: Any, listing: Listing, prefetch: int) -> _One[Any]:
    """A pager, in the process that it was pickled for."""
    pager = kind.__new__(kind)
    pager._set_up(recipe.api(), listing, prefetch)  # noqa: SLF001  # ours
    return pager


class Pager(_One[T]):
    """Every record of a listing. Iterating again starts again; nothing is sent before iteration starts.

    With `prefetch`, the next page is fetched while one is being consumed, by a thread. It is started before the
    second page, and ends with the iteration, or when that is left.
    """

    def __iter__(self) -> Iterator[T]:
        """Every record, page after page, in the order of the API.

        Raises:
            PaytError: The listing cannot go on; `cursor` resumes it.
        """
        with closing(self.map_pages(same)) as pages:
            for page in pages:
                yield from page.data
                del page  # it is let go where it was made

    def pages(self) -> Generator[Page[T]]:
        """The same, a page at a time.

        Raises:
            PaytError: The listing cannot go on; `cursor` resumes it.
        """
        return self.map_pages(same)

    def map_pages(self, make: Callable[[Page[T]], R]) -> Generator[R]:
        """What `make` makes of each page, where it is fetched: while one is consumed, the next one is fetched and made.

        Args:
            make: Called with one page after the other, in the thread that fetches ahead; what it raises is raised here,
                at its place.

        Raises:
            PaytError: The listing cannot go on; `cursor` resumes it.
        """
        walk, read = self._begin(), partial(fetch, self._api, make)
        made = read(walk)
        while made is not None and (walk.ended or not self._prefetch):  # no thread is needed
            yield made[0]
            made = None
            made = read(walk)
        if made is not None:
            with closing(Ahead([("", walk)], read, workers=1, room=1 + self._prefetch, first=made)) as ahead:
                del made
                for arrival in ahead:
                    yield arrival.result()
                    del arrival

    def to_arrow(self) -> pyarrow.RecordBatchReader:
        """The records as Arrow, a batch for each page: `client.contacts.list(...).to_arrow().read_all()` is a table.

        Its types follow from the contract alone: texts, lists, timestamps in UTC, and JSON as text for what is nested.
        All fields are there; those that were not sent are null.

        Raises:
            PaytError: While it is read: the listing cannot go on; `cursor` resumes it.
            ImportError: The extra `arrow` is not installed.
        """
        from .arrow import Table  # noqa: PLC0415  # of an extra

        table = Table(self._listing.spec.record)
        return table.reader(self.map_pages(table.batch))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What polars, DuckDB, pandas and pyarrow take a pager for: `polars.DataFrame(pager)`. Each call lists anew."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def _recipe(self) -> Any:
        return _recipe_of(self._api.get_httpx_client())


class AsyncPager(_One[T]):
    """The same as `Pager`, for asyncio; a task fetches the pages."""

    async def __aiter__(self) -> AsyncIterator[T]:
        """As iterating a `Pager`."""
        ahead = self._ahead(same_async)
        try:
            while (arrival := await ahead.next()) is not None:
                for record in arrival.result().data:
                    yield record
                del arrival  # one page in memory less while the next one is waited for
        finally:
            await ahead.close()

    def pages(self) -> AsyncGenerator[Page[T]]:
        """As `Pager.pages`."""
        return self.map_pages(same_async)

    async def map_pages(self, make: Callable[[Page[T]], Awaitable[R]]) -> AsyncGenerator[R]:
        """As `Pager.map_pages`; `make` is awaited, in the task that fetches ahead."""
        ahead = self._ahead(make)
        try:
            while (arrival := await ahead.next()) is not None:
                yield arrival.result()
                del arrival
        finally:
            await ahead.close()

    async def to_arrow(self) -> pyarrow.RecordBatchReader:
        """As `Pager.to_arrow`, but all is listed first: whatever reads Arrow cannot await a page."""
        from .arrow import Table  # noqa: PLC0415  # of an extra

        table = Table(self._listing.spec.record)

        async def batch(page: Page[T]) -> Any:
            return table.batch(page)

        return table.reader([each async for each in self.map_pages(batch)])

    def _ahead(self, make: Callable[[Page[T]], Awaitable[Any]]) -> AsyncAhead[Any]:
        read = partial(fetch_async, self._api, make)
        return AsyncAhead([("", self._begin())], read, workers=1, room=1 + self._prefetch)

    def _recipe(self) -> Any:
        return _recipe_of(self._api.get_async_httpx_client())


def _recipe_of(session: Any) -> Any:
    """What makes the client anew in another process.

    Raises:
        TypeError: Its client cannot be pickled.
    """
    recipe = getattr(session, "recipe", None)
    if recipe is None:
        raise TypeError("only the pagers of a payt.Client or payt.AsyncClient can be pickled")
    return recipe
