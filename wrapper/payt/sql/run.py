"""One run for one administration: decides with `plan`, and writes with `Copy`. Both flavours drive it alike."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from .. import checks
from ..contract import fields_to_name
from ..errors import APIError
from ..incremental import iso, latest, newest_of, now
from ..listing import Page
from ..listing.walk import UNKNOWN_CURSOR
from ..transport import clock
from . import plan
from .errors import SyncError
from .pages import Copy
from .state import Received, Settings, State, SyncResult

log = logging.getLogger("payt")


class RestartError(Exception):
    """The listing that is under way is not the one that is needed."""


class Sync:
    """One run.

    Whoever drives it lists what `next_listing` says, gives every page to `received`, and what comes of it to `take`.

    Args:
        copy: Where to.
        settings: How.
        administration_id: Whose records; empty where the list belongs to no administration.
    """

    def __init__(self, copy: Copy, settings: Settings, administration_id: str) -> None:
        self._copy, self._settings, self._spec = copy, settings, copy.spec
        fields = fields_to_name(copy.spec)
        self._always = {**copy.owner, **({} if fields is None else {"fields": fields})}
        self._state, count, newest, self._alive = copy.begin()
        if not count:
            self._state = State()  # somebody emptied the table: what was received before is needed again
        lost = plan.misses(self._state, count, newest)
        if lost:
            whose = plan.whose(administration_id)
            log.warning(
                "%srows that were written are missing, or older than they were: everything is read again", whose
            )
        self._state.rows, self._state.synced_at = count, None if newest is None else iso(newest)
        self._run = plan.begin(self._state, settings, copy.columns, now(), empty=not count, lost=lost)
        self._began = clock.now()
        self._asked_at, self._asked = now(), clock.now()
        self._listed = self._checking = False
        self._gone: list[str] | None = None
        self._again: frozenset[str] = frozenset()
        self.result = SyncResult(
            administration_id=administration_id or None,
            full=self._run.full,
            resumed=self._run is self._state.run,
            watermark=self._state.watermark,
        )

    def next_listing(self) -> dict[str, Any] | None:
        """What to list now; None when the run is complete.

        Records that a full listing did not bring are asked for by their keys before they count as deleted, or by
        another full listing where the list has no such filter: they may have been moved to a page that was passed.

        Raises:
            MassDeletionError: Too many are gone.
        """
        how = self._settings
        listing = {**self._always, "per_page": how.per_page, "on_invalid": how.on_invalid, "prefetch": how.prefetch}
        if self._listed and self._gone is None and plan.next_pass(self._run):
            self._listed = False
        if not self._listed:
            self._asked_at, self._asked = now(), clock.now()
            since = {} if self._spec.after is None else {self._spec.after: self._run.after}
            return {**listing, **since, "cursor": self._run.position}
        if self._gone is None:
            self._gone = self._find_gone()
        if self._gone and not self._checking:
            self._refuse_mass_deletion(len(self._gone))
            self._checking, self._again = True, frozenset(self._gone)
            if self._spec.key_filter is None:
                return listing
            if askable := [*filter(checks.is_value, self._gone)]:
                return {**listing, self._spec.key_filter: askable}
        self._finish(self._find_gone() if self._checking else [], deletions_done=not self._run.unknown)
        self.result.seconds, self.result.complete = clock.now() - self._began, True
        return None

    def received(self, page: Page[Any]) -> Received:
        """A page as `take` takes it; in any thread, while another page is being written.

        Raises:
            InvalidResponseError: It has a record without a key.
            SyncError: It holds what the database cannot.
        """
        key, moment = str(self._spec.key), now()
        plan.check_keys(page, key)
        # those that are asked for again have been counted, where a listing brings them once more
        rows, ids = self._copy.rows(page, self._again if self._checking else None)
        loose = bool(page.cursor and page.data) and str(getattr(page.data[-1], key)) != page.cursor
        return Received(
            rows=rows,
            ids=ids,
            moment=moment,
            cursor=page.cursor,
            loose=loose,
            newest=newest_of(page, self._spec.watermark),
            headers=page.headers,
            invalid=page.invalid,
        )

    def take(self, received: Received) -> None:
        """Write a page, and how far the run is, in one transaction.

        Raises:
            BusyError: Another run has taken over.
            SyncError: The database failed.
        """
        run, first = self._run, self._run.began is None
        if self._checking:
            run.pages += 1
            run.unknown = run.unknown or any(record.id is None for record in received.invalid)
        else:
            plan.note(run, received, asked_at=self._asked_at, waited=clock.now() - self._asked)
        if first and plan.is_ahead(self._state, run, self._settings.overlap):
            log.warning(
                "%sthe last run's watermark, %s, is later than the server's time: everything is read again",
                plan.whose(self.result.administration_id),
                self._state.watermark,
            )
            self._run, self.result.full = plan.again(run, full=True), True
            raise RestartError
        self._state.run, self._listed = run, received.cursor is None

        write = partial(self._copy.write, received, run)
        inserted, updated, unchanged, skipped = self._copy.page(write, self._state, received)
        self._state.rows += inserted
        if inserted or updated:
            run.changed, run.new = True, run.new or bool(inserted)
            self._state.synced_at = latest(self._state.synced_at, iso(received.moment))
        self.result.inserted += inserted
        self.result.updated += updated
        self.result.unchanged += unchanged
        self.result.skipped += skipped
        self.result.invalid += () if self._checking else received.invalid
        self.result.pages += 1

    @contextmanager
    def restartable(self) -> Iterator[None]:
        """Where the service does not know the cursor of an unfinished run any more, its listing starts again."""
        try:
            yield
        except RestartError:
            pass
        except APIError as error:
            refused = error.status_code in UNKNOWN_CURSOR
            if not refused or self._run.position is None or self.result.pages:
                raise
            self._run = plan.again(self._run)

    def _find_gone(self) -> list[str]:
        """The keys of the records that a full run has not received."""
        if not self._run.full or self._run.first or self._run.unknown:
            return []
        run, result = self._run, self.result
        unlike = self._checking or run.changed or run.invalid or result.resumed or result.skipped
        return self._copy.page(partial(self._copy.gone, alive=None if unlike else self._alive), self._state)

    def _finish(self, gone: list[str], *, deletions_done: bool) -> None:
        moment, run = now(), self._run

        def write() -> State:
            self._copy.delete(gone, moment)
            count, newest, _ = self._copy.extent()
            if plan.misses(self._state, count, newest):
                raise SyncError(
                    f"{plan.whose(self.result.administration_id)}rows that were here went missing during the run: "
                    "somebody emptied or restored the table. Run again: everything is read then"
                )
            state = plan.finished(self._state, run, self._settings, now=moment, deletions_done=deletions_done)
            state.rows, state.synced_at = count, None if newest is None else iso(newest)
            self._copy.keep(state)
            return state

        self._state = self._copy.page(write, self._state)
        self.result.deleted, self.result.watermark = len(gone), self._state.watermark

    def _refuse_mass_deletion(self, gone: int) -> None:
        _, _, known = self._copy.page(self._copy.extent, self._state)
        error = plan.mass_deletion(self.result.administration_id, self._spec.name, gone=gone, known=known)
        if error is not None and not self._settings.allow_mass_delete:
            self._finish([], deletions_done=False)
            raise error
