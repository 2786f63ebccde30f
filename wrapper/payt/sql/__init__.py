"""Copies of lists in a database, and tokens in one: the extra `sql`."""

from __future__ import annotations

from ..extras import missing

try:
    import sqlalchemy  # noqa: F401 - asked for here, so that the error names the extra

    from .copying import async_sync, sync
    from .pace import SQLPace
    from .token_store import SQLTokenStore
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("sqlalchemy", "cryptography", "filelock", "tenacity"):
        raise
    raise missing("payt.sql", error.name or "", "sql") from error

from .errors import BusyError, MassDeletionError, SchemaError, SyncError
from .state import SyncResult

__all__ = [
    "BusyError",
    "MassDeletionError",
    "SQLPace",
    "SQLTokenStore",
    "SchemaError",
    "SyncError",
    "SyncResult",
    "async_sync",
    "sync",
]
