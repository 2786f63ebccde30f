"""One page after the other: at the cursor that came, or before its turn at a guess, by a thread or task of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from payt_api.client import AuthenticatedClient
from payt_api.types import Response

from ..errors import APIError, InvalidResponseError
from ..transport.call import Call, Cancel, current, running_loop
from ..transport.retries import ask, ask_async
from ..transport.workers import Worker, join
from .guesses import Guess
from .pages import Page, keys_of, odd_names
from .walk import Walk

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
R = TypeVar("R")


def fetch(
    api: AuthenticatedClient,
    make: Callable[[Page[T]], R],
    walk: Walk[T],
    cancel: Cancel | None = None,
    lanes: Lanes | None = None,
) -> tuple[R] | None:
    """What `make` makes of the next page; None if there is none.

    Raises:
        PaytError: The listing failed; `cursor` resumes it.
    """
    operation, read = walk.listing.spec.operation, partial(_read, walk)
    while (query := walk.query()) is not None:
        cursor = walk.cursor
        guess = lanes.best(query) if lanes is not None else None
        with walk.resumable():
            try:
                page = (
                    walk.page(guess.response, overlap=guess.overlap)
                    if guess is not None
                    else ask(api, operation, query, read, label=f"page {walk.number}", cancel=cancel)
                )
            except (InvalidResponseError, APIError) as error:
                page = walk.instead(error)
        if page is not None:
            try:
                return (make(page),)
            except Exception as error:
                _note(error, cursor)
                raise
    return None


async def fetch_async(
    api: AuthenticatedClient,
    make: Callable[[Page[T]], Awaitable[R]],
    walk: Walk[T],
    lanes: AsyncLanes | None = None,
) -> tuple[R] | None:
    """As `fetch`."""
    operation, read = walk.listing.spec.operation, partial(_read, walk)
    while (query := walk.query()) is not None:
        cursor = walk.cursor
        guess = await lanes.best(query) if lanes is not None else None
        with walk.resumable():
            try:
                page = (
                    walk.page(guess.response, overlap=guess.overlap)
                    if guess is not None
                    else await ask_async(api, operation, query, read, label=f"page {walk.number}")
                )
            except (InvalidResponseError, APIError) as error:
                page = walk.instead(error)
        if page is not None:
            try:
                return (await make(page),)
            except Exception as error:
                _note(error, cursor)
                raise
    return None


def _read(walk: Walk[T], response: Response[Any]) -> Page[T] | None:
    walk.guesses.measured(current())
    return walk.page(response)


def _note(error: Exception, cursor: str | None) -> None:
    """Have what a user's function raised say where to resume, so that the page that it is about comes again.

    Raises:
        RuntimeError: It would make the listing look complete.
    """
    noted = error
    if isinstance(error, (StopIteration, StopAsyncIteration)):
        noted = RuntimeError(f"the function that was called with a page raised {type(error).__name__}")
    noted.add_note(f"while dealing with a page; resume with cursor={cursor!r}")
    with suppress(AttributeError):
        noted.cursor = cursor  # type: ignore[attr-defined]  # a user's own class may have none
    if noted is not error:
        raise noted from error


def same(page: Page[T]) -> Page[T]:
    """For `make`: the page itself."""
    return page


async def same_async(page: Page[T]) -> Page[T]:
    """As `same`."""
    return page


class Lanes:
    """Threads that ask for the pages of one listing before their turn, each for one page, once.

    Args:
        api: Whom to ask.
        walk: The listing.
        room: How many pages there is room for.
        cancel: What ends the wait for a page.
    """

    def __init__(self, api: AuthenticatedClient, walk: Walk[Any], room: Callable[[], int], cancel: Cancel) -> None:
        self._api, self._walk, self._room, self._cancel = api, walk, room, cancel
        self._answers: SimpleQueue[Any] = SimpleQueue()
        self._workers: dict[Guess, Worker] = {}

    def best(self, query: Mapping[str, Any]) -> Guess | None:
        """What has the next page; None where none that was asked for before its turn does."""
        if (position := self._walk.position) is None:
            return None
        guesses = self._walk.guesses
        while True:
            while not self._answers.empty():
                self._take_up()
            while (guess := guesses.next(position, self._room())) is not None:
                again = {**query, "cursor": str(guess.cursor), "per_page": self._walk.listing.per_page}
                try:
                    self._workers[guess] = Worker(
                        partial(_ask_once, self._api, self._walk, again, guess, self._answers)
                    )
                except RuntimeError:  # a program that is ending starts no thread, since Python 3.12
                    guesses.answered(guess, None, [])
            best = guesses.best(position)
            if best is None or best.ids is not None:
                return best
            self._take_up()

    def close(self) -> None:
        """Give up what is under way."""
        for worker in self._workers.values():
            worker.stop()
        join(self._workers.values())

    def _take_up(self) -> None:
        # who is woken up by the None is told by an exception
        guess, response, call = self._cancel.wait_for(self._answers.get, lambda: self._answers.put(None))
        del self._workers[guess]
        _take_up(self._walk, guess, response, call)


def _ask_once(
    api: AuthenticatedClient,
    walk: Walk[Any],
    query: Mapping[str, Any],
    guess: Guess,
    answers: SimpleQueue[Any],
    cancel: Cancel,
) -> None:
    session: Any = api.get_httpx_client()
    call = Call(session.settings.total_timeout, cancel, label=f"from {guess.cursor} on, ahead")
    response = None
    try:
        with call.active():
            response = walk.listing.spec.operation.sync_detailed(client=api, **query)
    except BaseException:  # noqa: BLE001, S110  # it is asked for again at its turn, and fails there if it must
        pass
    answers.put((guess, response, call))


def _take_up(walk: Walk[Any], guess: Guess, response: Response[Any] | None, call: Call) -> None:
    """Take up what came of a page that was asked for before its turn; None where it failed."""
    keys: list[Any] = []
    try:
        if response is not None:
            keys = keys_of(walk.listing, response)
            odd_names(response)
            walk.guesses.measured(call)
    except InvalidResponseError:
        response = None
    walk.guesses.answered(guess, response, keys)


class AsyncLanes:
    """Tasks that do what `Lanes` does."""

    def __init__(self, api: AuthenticatedClient, walk: Walk[Any], room: Callable[[], int]) -> None:
        import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

        self._api, self._walk, self._room = api, walk, room
        self._answers: asyncio.Queue[tuple[Guess, Response[Any] | None, Call]] = asyncio.Queue()
        self._tasks: dict[Guess, asyncio.Task[None]] = {}

    async def best(self, query: Mapping[str, Any]) -> Guess | None:
        """As `Lanes.best`."""
        if (position := self._walk.position) is None:
            return None
        guesses = self._walk.guesses
        while True:
            while not self._answers.empty():
                await self._take_up()
            while (guess := guesses.next(position, self._room())) is not None:
                again = {**query, "cursor": str(guess.cursor), "per_page": self._walk.listing.per_page}
                self._tasks[guess] = running_loop().create_task(self._ask_once(again, guess))
            best = guesses.best(position)
            if best is None or best.ids is not None:
                return best
            await self._take_up()

    async def aclose(self) -> None:
        """As `Lanes.close`."""
        await cancelled(self._tasks.values())

    async def _take_up(self) -> None:
        guess, response, call = await self._answers.get()
        del self._tasks[guess]
        _take_up(self._walk, guess, response, call)

    async def _ask_once(self, query: Mapping[str, Any], guess: Guess) -> None:
        session: Any = self._api.get_async_httpx_client()
        call = Call(session.settings.total_timeout, label=f"from {guess.cursor} on, ahead")
        response = None
        try:
            with call.active():
                response = await self._walk.listing.spec.operation.asyncio_detailed(client=self._api, **query)
        except Exception:  # noqa: BLE001, S110  # as in the other one
            pass
        self._answers.put_nowait((guess, response, call))


async def cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for their end; whatever they end with is of no interest any more."""
    import asyncio  # noqa: PLC0415  # takes its time, which who works without it need not take

    for task in (tasks := [*tasks]):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
