"""All administrations of a call: whose turn it is, what was done, and what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from ..errors import AuthenticationError, PaytError, RateLimitError, ServerError, TokenError, TransportError
from .database import Database
from .errors import BusyError, SyncError
from .pages import Copy
from .plan import whose
from .run import Sync
from .state import Settings, SyncResult

_NAMED = 3
"""How many errors a message tells."""
_SILENT = (TransportError, ServerError, RateLimitError)
"""How a service answers that is not there; where it is only one listing that fails so, others get their pages."""


class EndedError(Exception):
    """The run ends, as an error concerns all administrations."""


class Job:
    """What the administrations of a call have in common. Its methods are called by one thread or task at a time.

    Args:
        administration_ids: Whose records; one empty text where the list belongs to no administration.
        database: Where to.
        settings: How.
        prepare: Makes or checks the tables.
        on_progress: Called with a result whenever it has changed.
    """

    def __init__(
        self,
        administration_ids: Sequence[str],
        database: Database,
        settings: Settings,
        prepare: Callable[[], None],
        on_progress: Callable[[SyncResult], object] | None,
    ) -> None:
        self.administration_ids = administration_ids
        self.database, self.prepare = database, prepare
        self._left = iter(administration_ids)
        self._settings, self._on_progress = settings, on_progress
        self._results: dict[str, SyncResult] = {}
        self._errors: dict[str, PaytError] = {}
        self._fatal: PaytError | None = None
        self._entered: dict[str, ExitStack] = {}
        self._silent = 0  # how many listings in a row ended without an answer, and nothing came in between

    def next(self) -> str | None:
        """The administration whose turn it is; None when all have had theirs."""
        return None if self._fatal is not None else next(self._left, None)

    @contextmanager
    def attempt(self, administration_id: str) -> Iterator[None]:
        """The error of one of several administrations waits until the others are done; one of all ends the run."""
        try:
            yield
        except EndedError:
            pass
        except PaytError as error:
            if len(self.administration_ids) == 1:
                raise
            self._silent += isinstance(error, _SILENT)
            if self._concerns_all(error):
                self._fatal = self._fatal or error
            else:
                self._errors[administration_id] = error

    def enter(self, administration_id: str) -> Sync:
        """Begin a run for an administration, which nobody else has until it is left.

        Raises:
            BusyError: Somebody has.
        """
        if self._fatal is not None:
            raise EndedError
        database = self.database
        copy = Copy(database, administration_id)
        stack = self._entered[administration_id] = ExitStack()
        if not stack.enter_context(database.locked(administration_id)):
            who = copy.holder() or "it begins just now"
            raise BusyError(
                f"{whose(administration_id)}another run is syncing it into {database.tables.records.fullname}: {who}"
            )
        return Sync(copy, self._settings, administration_id)

    def leave(self, administration_id: str) -> None:
        """The run of an administration is over, however it went; it may never have begun."""
        self._entered.pop(administration_id, ExitStack()).close()

    def close(self) -> None:
        """Leave all of them, and the database."""
        with closing(self.database):
            for administration_id in [*self._entered]:
                self.leave(administration_id)

    def take(self, run: Sync, received: Any) -> None:
        """As `Sync.take`, for as long as the job goes on."""
        if self._fatal is not None:
            raise EndedError
        self._silent = 0
        run.take(received)
        self._tell(run.result)

    def next_listing(self, run: Sync) -> dict[str, Any] | None:
        """As `Sync.next_listing`, for as long as the job goes on."""
        if self._fatal is not None:
            raise EndedError
        listing = run.next_listing()
        if listing is None:
            self._results[run.result.administration_id or ""] = run.result
            self._tell(run.result)
        return listing

    def outcome(self) -> list[SyncResult]:
        """What was done.

        Raises:
            SyncError: Not all was.
        """
        results = [self._results[name] for name in self.administration_ids if name in self._results]
        failed, count = len(self._errors), len(self.administration_ids)
        if self._fatal is not None:
            missed = [name for name in self.administration_ids if name not in self._results]
            error = SyncError(
                f"{self._fatal} (this affects all administrations: {len(results)} of {count} were synced before)",
                results=results,
                errors={**dict.fromkeys(missed, self._fatal), **self._errors},
            )
            error.status, error.request_id = self._fatal.status, self._fatal.request_id
            raise error from self._fatal
        if not failed:
            return results
        told = [f"{whose(name)}{str(error).removeprefix(whose(name))}" for name, error in self._errors.items()]
        more = f"; and {failed - _NAMED} more: see `errors`" if failed > _NAMED else ""
        raise SyncError(
            f"{failed} of {count} administrations failed: {'; '.join(told[:_NAMED])}{more}",
            results=results,
            errors=self._errors,
        )

    def _tell(self, result: SyncResult) -> None:
        if self._on_progress is not None:
            self._on_progress(result)

    def _concerns_all(self, error: PaytError) -> bool:
        if isinstance(error, SyncError):
            return error.concerns_all
        return isinstance(error, (AuthenticationError, TokenError)) or self._silent > 1
