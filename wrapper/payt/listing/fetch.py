"""One page after the other: at the cursor that came, or before its turn at a guess, by a thread or task of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from ..errors import APIError, InvalidResponseError
from .arguments import Listing
from .executors import Executor, Query
from .guesses import Guess
from .pages import Page, keys_of, odd_names, records_of
from .walk import Walk

R = TypeVar("R")
Make: TypeAlias = Callable[[Any, Page[Any]], Awaitable[R]]
"""What makes something of a page of the listing that has this name, if any."""


@attrs.define
class Arrival(Generic[R]):
    """What was made of a page, or the error in its place.

    Attributes:
        name: Of which listing.
        made: What was made; absent after an error.
        error: Whatever was raised.
        room: Gets back what has been consumed; None where nobody waits for that.
    """

    name: str | None
    made: R | Any = None
    error: BaseException | None = None
    room: Any = None


async def fetch(
    executor: Executor, make: Make[R], name: str | None, walk: Walk[Any], lanes: Lanes | None = None
) -> Arrival[R] | None:
    """What `make` makes of the next page of a listing; None if there is none.

    Raises:
        PaytError: The listing failed; `cursor` resumes it.
    """
    while (query := walk.query()) is not None:
        cursor = walk.cursor
        guess = None if lanes is None else await lanes.best(query)
        with walk.resumable():
            try:
                page = (
                    await executor.ask(walk.listing.spec.operation, query, walk.page, label=f"page {walk.pages + 1}")
                    if guess is None
                    else walk.page(guess.response, overlap=guess.overlap)
                )
            except (InvalidResponseError, APIError) as error:
                page = walk.instead(error)
        if page is not None:
            try:
                return Arrival(name, await make(name, page))
            except Exception as error:  # noqa: BLE001  # whatever a user's function raises
                raise _noted(error, cursor) from error.__cause__
    return None


def _noted(error: Exception, cursor: str | None) -> Exception:
    """What a user's function raised, saying where to resume, so that the page that it is about comes again."""
    if isinstance(error, StopAsyncIteration):  # which would make the listing look complete
        stopped, error = error, RuntimeError("the function that was called with a page raised StopAsyncIteration")
        error.__cause__ = stopped
    error.add_note(f"while dealing with a page; resume with cursor={cursor!r}")
    with suppress(AttributeError):
        error.cursor = cursor  # type: ignore[attr-defined]  # a user's own class may have none
    return error


class Lanes:
    """Threads or tasks that ask for the pages of one listing before their turn, each for one page, once.

    Args:
        executor: What starts them.
        walk: The listing.
        room: How many pages there is room for.
    """

    def __init__(self, executor: Executor, walk: Walk[Any], room: Callable[[], int]) -> None:
        self._executor: Any = executor
        self._walk, self._room = walk, room
        self._answers: Any = self._executor.queue()
        self._under_way: dict[Guess, Any] = {}

    async def best(self, query: Query) -> Guess | None:
        """What has the next page; None where none that was asked for before its turn does."""
        if (before := self._walk.before) is None:
            return None
        guesses = self._walk.guesses
        while True:
            while not self._answers.empty():
                await self._take_up()
            while (guess := guesses.next(before, min(self._room(), self._walk.pages_left))) is not None:
                again = {**query, "cursor": str(guess.cursor), "per_page": self._walk.listing.per_page}
                work = partial(_ask_ahead, self._walk.listing, again, guess)
                worker = self._executor.start(work, partial(self._answers.put_nowait, guess))
                if worker is None:
                    guesses.answered(guess)
                else:
                    self._under_way[guess] = worker
            best = guesses.best(before)
            if best is None or best.ids is not None:
                return best
            await self._take_up()

    async def close(self) -> None:
        """Give up what is under way."""
        await self._executor.end(self._under_way.values())

    async def _take_up(self) -> None:
        guess = await self._executor.get(self._answers)
        del self._under_way[guess]
        self._walk.guesses.answered(guess)


async def _ask_ahead(listing: Listing, query: Query, guess: Guess, executor: Executor) -> None:
    call = executor.session.call(f"from {guess.cursor} on, ahead", executor.cancel)
    with suppress(Exception):  # it is asked for again at its turn, and fails there if it must
        with call.active():
            response = await executor.ask_once(listing.spec.operation, query)
        guess.keys = keys_of(listing, records_of(response))
        odd_names(response)
        guess.response, guess.call = response, call
