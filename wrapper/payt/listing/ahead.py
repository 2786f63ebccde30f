"""Pages fetched ahead of whoever consumes, by threads or by tasks. One engine for one listing and for many.

Workers share out the listings. Each goes through one after the other, and stays ahead of the consumer by as many pages
as it has room for; what it finds goes through one queue. Room comes back when a page has been consumed. With room for
more than one page ahead, a worker has others ask for pages before their turn, as `Guesses` says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from ..errors import PaytError
from ..transport.redaction import plain
from .arguments import Listing
from .executors import Executor, Query
from .guesses import Guess, Guesses
from .pages import Page, keys_of, odd_names, records_of
from .walk import Walk

R = TypeVar("R")
Make: TypeAlias = Callable[[Any, Page[Any]], Awaitable[R]]
"""What makes something of a page of the listing that has this name, if any."""
Named: TypeAlias = tuple[str | None, Walk[Any]]
Best: TypeAlias = Callable[[Query], Awaitable[Guess | None]]
"""What has the page that a query asks for, where it was asked for before its turn."""


@attrs.define
class Arrival(Generic[R]):
    """What was made of a page, or the error in its place.

    Attributes:
        name: Of which listing.
        made: What was made; absent after an error.
        error: Whatever was raised.
        room: Gets a None when it has been consumed; None where nobody waits for that.
    """

    name: str | None
    made: R | Any = None
    error: BaseException | None = None
    room: Any = None


class Ahead(Generic[R]):
    """Reads listings, ahead of whoever consumes them.

    It is no generator: where a loop ends, asyncio closes all generators at the same time, and one cannot be closed
    while another one, which it is nested in, does so.

    Args:
        executor: What works.
        make: What makes something of a page, in the thread or task that fetches it.
        walks: The listings by their names, which are those of administrations, or None.
        errors: Takes up, by name, the errors that end only their own listing; with None, each ends all of them.
        workers: How many threads or tasks go through them. With none, whoever consumes does, until a page has another
            one behind it; from there on, one worker does, if there is something to prefetch.
        prefetch: How many pages each may be ahead of the one that is being consumed.
    """

    def __init__(
        self,
        executor: Executor,
        make: Make[R],
        walks: Iterable[Named],
        errors: dict[Any, PaytError] | None,
        *,
        workers: int,
        prefetch: int,
    ) -> None:
        self._executor: Any = executor
        self._make, self._errors, self._prefetch = make, errors, prefetch
        self._left = deque(walks)
        self._arrivals: Any = self._executor.queue()
        self._workers: list[Any] = []
        self._consumed: Arrival[R] | None = None
        self._working, self._to_start = 0, workers

    async def next(self) -> Arrival[R] | None:
        """What was made of the next page, when the one before has been consumed; None behind the last one."""
        self._give_back()
        while self._to_start:  # only here, as `close` ends them whatever happens
            self._to_start -= 1
            self._start(1 + self._prefetch)
        while self._working:
            if not self._executor.is_here:
                raise RuntimeError(
                    "this listing began in another process or event loop, and can be continued only there: start anew"
                )
            arrival: Arrival[R] | None = await self._executor.get(self._arrivals)
            if arrival is None:
                self._working -= 1
            elif arrival.error is None:
                self._consumed = arrival
                return arrival
            else:
                self._fail(arrival.name, arrival.error)
        while self._left:
            name, walk = self._left[0]
            try:
                self._consumed = await _fetch(self._executor, self._make, name, walk)
            except PaytError as error:
                self._fail(name, error)
            if self._consumed is not None:
                if self._prefetch and not walk.ended:
                    self._consumed.room = self._start(self._prefetch)
                return self._consumed
            self._left.popleft()
        return None

    async def close(self) -> None:
        """Give up what is under way."""
        await self._executor.end(self._workers)

    def _start(self, room: int) -> Any:
        """Have a worker go through what is left, with room for so many pages; None where none starts any more."""
        consumed = self._executor.queue()
        for _ in range(room):
            consumed.put_nowait(None)
        # it does not know this object: an iteration that is dropped is collected, and that closes it
        work = partial(_work, self._make, self._left, consumed, self._arrivals)
        worker = self._executor.start(work, partial(self._arrivals.put_nowait, None))
        if worker is None:
            return None
        self._workers.append(worker)
        self._working += 1
        return consumed

    def _give_back(self) -> None:
        consumed, self._consumed = self._consumed, None
        if consumed is not None:
            consumed.made = None  # one page in memory less while the next one is waited for
            if consumed.room is not None:
                consumed.room.put_nowait(None)

    def _fail(self, name: str | None, error: BaseException) -> None:
        if isinstance(error, PaytError):
            if name is not None:
                error.administration_id = name
                error.add_note(f"it happened in administration {plain(name)}")
            if self._errors is not None:
                self._errors[name] = error
                return
        raise error


async def _work(make: Make[R], left: deque[Named], room: Any, arrivals: Any, executor: Any) -> None:
    while True:
        try:
            name, walk = left.popleft()
        except IndexError:
            break
        best = partial(_best, executor, walk, walk.guesses, room.qsize, executor.queue()) if walk.guesses else None
        try:
            while True:
                if not walk.ended:
                    await executor.get(room)
                arrival = await _fetch(executor, make, name, walk, best)
                if arrival is None:
                    break
                arrival.room = room
                arrivals.put_nowait(arrival)
                del arrival
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is for whoever iterates
            room.put_nowait(None)
            arrivals.put_nowait(Arrival(name, error=error))
            if not isinstance(error, Exception):
                break
        finally:
            if walk.guesses:
                await executor.end([guess.worker for guess in walk.guesses.under_way])


async def _fetch(
    executor: Executor, make: Make[R], name: str | None, walk: Walk[Any], best: Best | None = None
) -> Arrival[R] | None:
    """What `make` makes of the next page of a listing, which may be what `best` has; None if there is none.

    Raises:
        PaytError: The listing failed; `cursor` resumes it.
    """
    while (query := walk.query()) is not None:
        cursor, label = walk.cursor, f"page {walk.pages + 1}"
        if name is not None:
            label += f" of administration {plain(name)}"
        guess = None if best is None else await best(query)
        try:
            page = (
                await executor.ask(walk.listing.spec.operation, query, walk.page, label)
                if guess is None
                else walk.page(guess.response, overlap=guess.overlap)
            )
        except PaytError as error:
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


async def _best(
    executor: Any, walk: Walk[Any], guesses: Guesses, room: Callable[[], int], answers: Any, query: Query
) -> Guess | None:
    """What has the next page; None where none that was asked for before its turn does.

    Those that are asked for now are shared out, each to a thread or task of its own, while there is room for more.
    """
    if (before := walk.before) is None:
        return None
    while True:
        while not answers.empty():
            guesses.answered(await executor.get(answers))
        while (guess := guesses.next(before, min(room(), walk.left / walk.listing.per_page))) is not None:
            again = {**query, "cursor": str(guess.cursor), "per_page": walk.listing.per_page}
            work = partial(_ask_ahead, walk.listing, again, guess)
            guess.worker = executor.start(work, partial(answers.put_nowait, guess))
            if guess.worker is None:
                guesses.answered(guess)
        best = guesses.best(before)
        if best is None or best.ids is not None:
            return best
        guesses.answered(await executor.get(answers))


async def _ask_ahead(listing: Listing, query: Query, guess: Guess, executor: Executor) -> None:
    call = executor.session.call(f"from {guess.cursor} on, ahead", executor.cancel)
    with suppress(Exception):  # it is asked for again at its turn, and fails there if it must
        with call.active():
            response = await executor.ask_once(listing.spec.operation, query)
        guess.keys = keys_of(listing, records_of(response))
        odd_names(response)
        guess.response, guess.call = response, call
