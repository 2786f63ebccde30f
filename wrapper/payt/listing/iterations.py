"""Iterators that fail again after they have failed, where a bare generator would look as if it were complete."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import Any, Generic, NoReturn, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")
_SHARED = (
    "two threads or tasks read from one iterator, which is for one of them: give each its own, or let one read and "
    "share out the records by a queue"
)


class _UnderWay:
    """A listing that has begun. Copies would each get a part of it."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a listing that has begun cannot be copied or pickled: copy the pager, or list anew from a cursor"
        )


class _Ended(_UnderWay):
    """How an iteration ended."""

    _error: Exception | None = None

    def _end(self, error: BaseException) -> Exception:
        """Take note of it; what to raise from now on."""
        interrupted = RuntimeError("this listing was interrupted: start a new one from the cursor of its last page")
        self._error = self._error or (error if isinstance(error, Exception) else interrupted)
        return self._error


class Iteration(_Ended, Generator[R]):
    """A generator that raises its error again."""

    def __init__(self, source: Generator[R]) -> None:
        self._source: Any = source

    def __next__(self) -> R:
        """As a generator's."""
        if self._error is None and self._source.gi_frame is None:
            self._end(GeneratorExit())
        if self._error is not None:
            raise self._error
        try:
            result: R = next(self._source)
        except BaseException as error:
            if self._source.gi_running:
                raise self._end(RuntimeError(_SHARED)) from None
            self._end(error)
            raise
        if self._error is not None:  # another thread came meanwhile
            self._source.close()
            raise self._error
        return result

    def send(self, _value: None) -> R:
        """As a generator's."""
        return next(self)

    def throw(self, *error: Any) -> R:
        """As a generator's."""
        return cast("R", self._source.throw(*error))

    def close(self) -> None:
        """As a generator's."""
        self._source.close()
        self._end(StopIteration())


class AsyncIteration(_Ended, AsyncGenerator[R]):
    """The same, for asyncio; and one that was closed with its event loop fails as well."""

    def __init__(self, source: AsyncGenerator[R]) -> None:
        self._source: Any = source

    async def asend(self, value: None) -> R:
        """As a generator's."""
        if self._error is None and self._source.ag_frame is None:
            self._end(GeneratorExit())
        if self._error is not None:
            raise self._error
        try:
            result: R = await self._source.asend(value)
        except BaseException as error:
            if self._source.ag_running:
                raise self._end(RuntimeError(_SHARED)) from None
            self._end(error)
            raise
        if self._error is not None:  # another task came meanwhile
            await self._source.aclose()
            raise self._error
        return result

    async def athrow(self, *error: Any) -> R:
        """As a generator's."""
        return cast("R", await self._source.athrow(*error))

    async def aclose(self) -> None:
        """As a generator's."""
        await self._source.aclose()
        self._end(StopAsyncIteration())


def records(pages: Generator[R], records_of: Callable[[R], Iterable[T]]) -> Iteration[T]:
    """The records of one page after the other: of each, what `records_of` makes of it."""
    return Iteration(_given_records(pages, records_of))


def _given_records(pages: Generator[R], records_of: Callable[[R], Iterable[T]]) -> Generator[T]:
    with closing(pages):
        yield from chain.from_iterable(map(records_of, pages))  # which holds no page while the next one is waited for


class AsyncRecords(_UnderWay, AsyncIterator[T], Generic[T]):
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
        """End the listing, also in the middle of a page."""
        await self._pages.aclose()
        self._records = iter(())
