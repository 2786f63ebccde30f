"""What can go wrong between a listing and a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from ..errors import PaytError

if TYPE_CHECKING:
    from .plan import SyncResult


class SyncError(PaytError):
    """A sync could not be done. What was committed is whole pages; the next run goes on from there.

    Attributes:
        results: Of the administrations that were synced all the same.
        errors: By the id of each administration that failed, why; empty where the error concerns all of them.
    """

    def __init__(
        self, text: str, *, results: Sequence[SyncResult] = (), errors: Mapping[str, PaytError] | None = None
    ) -> None:
        super().__init__(text)
        self.results = tuple(results)
        self.errors = dict(errors or {})


class BusyError(SyncError):
    """Another run syncs this administration into this table; the message says which one."""


class MassDeletionError(SyncError):
    """A full run found so many records gone that somebody should look first. None of them was marked as deleted."""


class SchemaError(SyncError):
    """The table is not what a sync can write to.

    It is not ours, a copy from another service, made by a newer version, or in need of a migration.
    """


DATA_EXCEPTION = "22"
"""The class of the SQLSTATEs whose messages quote values."""


@contextmanager
def database_errors(engine: sa.Engine) -> Iterator[None]:
    """Errors of the database come out as a SyncError that holds no value of any row, and no password."""
    try:
        yield
    except (exc.SQLAlchemyError, engine.dialect.loaded_dbapi.Error, OSError) as error:
        raise SyncError(f"{shown(engine.url)}: {reason(error)}") from None


def shown(url: sa.URL) -> str:
    """Which database, without its password, nor what else might hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


def reason(error: BaseException) -> str:
    """What the database says, without the values that its details may quote."""
    original: Any = getattr(error, "orig", None) or error
    told: Any = getattr(original, "diag", None)
    if (getattr(told, "sqlstate", None) or "").startswith(DATA_EXCEPTION):
        return f"a value does not fit into its column (SQLSTATE {told.sqlstate}); it is not shown"
    primary = getattr(told, "message_primary", None)
    if primary:
        return str(primary)
    return str(original).strip().partition("\n")[0] or type(original).__name__
