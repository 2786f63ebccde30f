"""Iterators that fail again after they have failed, where a bare generator would look as if it were complete."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import Any, Generic, Self, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")


class _Ended:
    """How an iteration ended."""

    _error: Exception | None = None

    def _end(self, error: BaseException) -> None:
        interrupted = RuntimeError("this listing was interrupted: start a new one from the cursor of its last page")
        self._error = error if isinstance(error, Exception) else interrupted


class Iteration(_Ended, Generator[R]):
    """A generator that raises its error again.

    Args:
        source: The generator.
    """

    def __init__(self, source: Generator[R]) -> None:
        self._source = source

    def send(self, value: None) -> R:
        """As a generator's."""
        if self._error is not None:
            raise self._error
        try:
            return self._source.send(value)
        except StopIteration:
            raise
        except BaseException as error:
            self._end(error)
            raise

    def throw(self, *error: Any) -> R:
        """As a generator's."""
        return self._source.throw(*error)

    def close(self) -> None:
        """As a generator's."""
        self._source.close()


class AsyncIteration(_Ended, AsyncGenerator[R]):
    """The same, for asyncio; and one that was closed with its event loop fails as well."""

    def __init__(self, source: AsyncGenerator[R]) -> None:
        self._source = source
        self._is_over = False

    async def asend(self, value: None) -> R:
        """As a generator's."""
        if cast("Any", self._source).ag_frame is None and not self._is_over:
            self._end(GeneratorExit())
        if self._error is not None:
            raise self._error
        try:
            return await self._source.asend(value)
        except BaseException as error:
            self._is_over = True
            if not isinstance(error, StopAsyncIteration):
                self._end(error)
            raise

    async def athrow(self, *error: Any) -> R:
        """As a generator's."""
        return await self._source.athrow(*error)

    async def aclose(self) -> None:
        """As a generator's."""
        self._is_over = True
        await self._source.aclose()


class Records(chain[T]):
    """The records of one page after the other."""

    _pages: Iteration[Any]

    @classmethod
    def of(cls, pages: Iteration[R], records: Callable[[R], Iterable[T]]) -> Self:
        """The records of pages: of each, what `records` makes of it."""
        self: Self = cls.from_iterable(_batches(pages, records))  # type: ignore[assignment]  # it is one of this class
        self._pages = pages
        return self

    def close(self) -> None:
        """End the listing."""
        self._pages.close()


def _batches(pages: Iteration[R], records: Callable[[R], Iterable[T]]) -> Iterator[Iterable[T]]:
    try:
        yield from map(records, pages)
    except GeneratorExit:
        raise
    except BaseException as error:  # noqa: BLE001  # a chain ends where its source fails, and not where a link does
        yield _Failing(error, pages)


class _Failing(Iterator[Any]):
    """Raises an error, and then whatever its pages raise."""

    def __init__(self, error: BaseException, pages: Iteration[Any]) -> None:
        self._error: BaseException | None = error
        self._pages = pages

    def __next__(self) -> Any:
        error, self._error = self._error, None
        if error is not None:
            raise error
        return next(self._pages)


class AsyncRecords(AsyncIterator[T], Generic[T]):
    """The same, for asyncio."""

    def __init__(self, pages: AsyncGenerator[R], records: Callable[[R], Iterable[T]]) -> None:
        self._pages, self._records_of = pages, records
        self._records: Iterator[T] = iter(())

    async def __anext__(self) -> T:
        """The next record."""
        while True:
            for record in self._records:
                return record
            self._records = iter(())  # one page in memory less while the next one is waited for
            self._records = iter(self._records_of(await anext(self._pages)))

    async def aclose(self) -> None:
        """End the listing."""
        await self._pages.aclose()
