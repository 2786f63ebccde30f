"""What can go wrong between a listing and a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import exc

from ..errors import PaytError

if TYPE_CHECKING:
    from .state import SyncResult


class SyncError(PaytError):
    """A sync failed. What was committed are whole pages; the next run resumes there.

    Attributes:
        results: Of the administrations that were synced all the same.
        errors: By the id of each administration that was not synced, why. An error that affects all of them, such as a
            refused token, is the `__cause__` as well.
        concerns_all: Whether no administration can be synced, such as when the database cannot be reached.
    """

    concerns_all = False

    def __init__(
        self, text: str, *, results: Sequence[SyncResult] = (), errors: Mapping[str, PaytError] | None = None
    ) -> None:
        super().__init__(text)
        self.results = list(results)
        self.errors = dict(errors or {})


class BusyError(SyncError):
    """Another run syncs this administration into this table; the message says which one."""


class MassDeletionError(SyncError):
    """A full run found so many records gone that somebody should look first. None of them was marked as deleted."""


class SchemaError(SyncError):
    """The table is not what a sync can write to.

    It is not ours, a copy from another service, made by a newer version, or in need of a migration.
    """


DATA = "22"
"""The class of the SQLSTATEs whose messages quote values."""
CONSTRAINT = "23"
"""That of rows which an index or another constraint refuses."""
SPOKEN = ("08", "0A", "25", "26", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "XX", "SQLITE_")
"""What messages begin with, by their SQLSTATEs or by SQLite's names, that hold no values of rows."""
_SPOKEN_NUMBERS = frozenset(
    {1005, 1007, 1021, 1037, 1040, 1041, 1044, 1045, 1046, 1049, 1050, 1054, 1071, 1091, 1114, 1118, 1142, 1143, 1146}
    | {1205, 1213, 1226, 1227, 1273, 1290, 1317, 1419, 1836, 1927, 3024, *range(2000, 3000)}
)
"""The same of MariaDB and MySQL, which count their errors."""
_OWN_WORDS = {
    1021: "the disk is full",
    1114: "a table, or the disk, is full",
    1205: "another transaction held a lock for too long",
    1213: "there was a deadlock",
    1290: "the server is read-only",
    2006: "the connection was lost",
    2013: "the connection was lost",
}
"""What is said of them where rows are written: there a trigger may say anything by any number, and by any SQLSTATE."""


@contextmanager
def database_errors(engine: sa.Engine, *, rows: bool = False) -> Iterator[None]:
    """Errors of the database come out as a SyncError that holds no value of any row, and no password.

    Args:
        engine: The database.
        rows: Whether rows are written, so that triggers of the user's may run.
    """
    try:
        yield
    except (exc.SQLAlchemyError, engine.dialect.loaded_dbapi.Error, OSError) as error:
        text, is_data = _told(error, engine.url, rows=rows)
        failed = SyncError(f"{shown(engine.url)}: {text}")
        failed.concerns_all = not is_data
        raise failed from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = f"{shown(engine.url)}: the bookkeeping of the copy (tables payt_sync_…) is damaged: {error}"
        raise SyncError(text) from None


def shown(url: sa.URL) -> str:
    """Which database, without its password, nor what else might hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


def code_of(error: Any) -> str:
    """How a database calls an error: a number, SQLSTATE or a name, whatever the driver; "" where it has none."""
    original: Any = getattr(error, "orig", None) or error
    first = original.args[0] if original.args else None
    number = first if isinstance(first, int) else getattr(original, "errno", None)
    if isinstance(number, int):  # MariaDB and MySQL, whose SQLSTATEs say less
        return str(number or "")
    told = first.get("C") if isinstance(first, dict) else None  # pg8000
    names = ("sqlstate", "pgcode", "sqlite_errorname")
    return str(next(filter(None, (getattr(original, name, None) for name in names)), told or ""))


def reason(error: BaseException, url: sa.URL) -> str:
    """What the database says, without the values that it may quote."""
    return _told(error, url)[0]


def _told(error: BaseException, url: sa.URL, *, rows: bool = False) -> tuple[str, bool]:
    """What the database says where `rows` are written, and whether it is about a row, whose values are not shown."""
    original: Any = getattr(error, "orig", None) or error
    code = "" if isinstance(original, OSError) else code_of(original)
    number = int(code) if code.isdigit() and len(code) < len("22001") else None
    kind = type(original).__name__
    if code.startswith(DATA) or kind == "DataError":
        return f"a value does not fit into its column ({'' if number else 'SQLSTATE '}{code}); it is not shown", True
    diagnosis = getattr(original, "diag", None)
    told: Any = original.args[0] if original.args and isinstance(original.args[0], dict) else {}  # pg8000
    spoken = number in _SPOKEN_NUMBERS if number else code == "" or code.startswith(SPOKEN)
    # a trigger may say anything, by any SQLSTATE: in a function, "PL/pgSQL" or the like is where it happened
    where = getattr(diagnosis, "context", None) or told.get("W") or ""
    by_trigger = code == "SQLITE_CONSTRAINT_TRIGGER" or "PL/" in where or "SQL" in where
    if by_trigger or not spoken:
        if not by_trigger and (code.startswith(CONSTRAINT) or kind == "IntegrityError"):
            name = getattr(diagnosis, "constraint_name", None)
            what = f"a row violates a unique index or another constraint{f', {name}' if name else ''}"
        else:
            what = "a trigger, or another rule of the table's, refused a row; its message is not shown"
        return f"{what} ({code})", True
    if rows and number:
        return f"{_OWN_WORDS.get(number, 'the database refused a page')}; its message is not shown ({number})", False
    text = getattr(diagnosis, "message_primary", None) or told.get("M")
    if not text and number:
        text = original.args[-1]
    line = str(text or original).strip().partition("\n")[0] or type(original).__name__
    line = line.partition(" with text ")[0]  # as Python says of a text in SQLite that is none
    folder = Path(str(url.database).removeprefix("file:")).absolute().parent
    if code == "SQLITE_CANTOPEN" and not folder.exists():
        line += f": the folder {folder} does not exist"
    return line, code.startswith("SQLITE_CONSTRAINT")
