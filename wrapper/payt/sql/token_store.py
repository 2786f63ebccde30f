"""Tokens in a database: one login for several machines that share nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import msgspec
import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from payt_api.types import decoder_of

from .. import checks
from ..credentials import Token
from ..errors import TokenError
from ..transport.locks import locked_file, wait_for_lock
from .dialects import PostgreSQL, SQLite, dialect_of, in_memory
from .engines import engine_of, url_of
from .errors import code_of, reason, shown

KEY = "PAYT_TOKEN_KEY"
_LOCK_NOT_AVAILABLE = "55P03"
_ENCRYPTED, _PLAIN = "fernet:", "plain:"


def told(to: Any) -> str:
    """A database in a repr."""
    return repr(shown(to.url if isinstance(to, sa.Engine) else sa.make_url(to)))


def absolute(to: str | sa.URL | sa.Engine) -> str | sa.URL | sa.Engine:
    """A file keeps its place, wherever what was given its URL travels to."""
    if isinstance(to, sa.Engine):
        return to
    try:
        url = url_of(to)
    except ValueError:
        return to  # an error that engine_of tells
    path = url.database or ""
    if url.get_backend_name() != "sqlite" or in_memory(url) or path.startswith("file:") or Path(path).is_absolute():
        return to
    url = url.set(database=str(Path(path).absolute()))
    return url if isinstance(to, sa.URL) else url.render_as_string(hide_password=False)


@checks.showing_no_arguments
@attrs.frozen
class SQLTokenStore:
    """Keeps tokens in a table of PostgreSQL or SQLite, for all hosts, processes and threads that reach it.

    Whoever asks for a new token holds the row of its connection (`SELECT … FOR UPDATE`; beside a SQLite database,
    which is one machine's, a locked file), so that a refresh token is used once. What is saved is encrypted (Fernet)
    with the key in the environment's `PAYT_TOKEN_KEY`; several keys, separated by commas, let one be replaced: all of
    them can read, the first one writes.

    A store that was given a URL can be pickled; the key does not come along.

    Args:
        to: The database: a URL of SQLAlchemy, or an Engine.
        encrypt: False keeps tokens as they are: whoever can read the table can then act for you.
        schema: The schema of the tables; the default one if None.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: There is no valid key, or the database cannot be used for this.
        ImportError: The database's driver is not installed.
        TokenError: By its methods: the database fails, or what it holds cannot be read.
    """

    to: str | sa.URL | sa.Engine = attrs.field(repr=told, converter=absolute)
    encrypt: bool = attrs.field(default=True, kw_only=True, validator=checks.of_field(checks.flag))
    schema: str | None = attrs.field(default=None, kw_only=True)
    _engine: sa.Engine = attrs.field(init=False, repr=False, eq=False)
    _dialect: SQLite | PostgreSQL = attrs.field(init=False, repr=False, eq=False)
    _ready: list[bool] = attrs.field(init=False, repr=False, eq=False, factory=list)
    _process: list[int] = attrs.field(init=False, repr=False, eq=False, factory=lambda: [os.getpid()])
    _here: threading.local = attrs.field(init=False, repr=False, eq=False, factory=threading.local)

    def __attrs_post_init__(self) -> None:
        """Check the arguments, and that there is a key."""
        engine = engine_of(self.to)
        if in_memory(engine.url):
            raise ValueError("to: a database in memory ends with the process: use payt.MemoryTokenStore")
        object.__setattr__(self, "_engine", engine)
        object.__setattr__(self, "_dialect", dialect_of(engine))
        if self.encrypt:
            _keys()

    def load(self, key: str) -> Token | None:
        """As `TokenStore.load`."""
        tokens, _ = _tables(self.schema)
        with self._transaction() as connection:
            kept = connection.scalar(sa.select(tokens.c.token).where(tokens.c.key == key))
        return None if kept is None else self._opened(key, kept)

    def save(self, key: str, token: Token) -> None:
        """As `TokenStore.save`: when this returns, it is committed."""
        tokens, _ = _tables(self.schema)
        self.load(key)  # what cannot be read is not overwritten
        # with its key, as a field that earlier versions pass over: a row of one login is none of another
        text = b"".join([msgspec.json.encode(token)[:-1], b',"row":', msgspec.json.encode(key), b"}"])
        sealed = _ENCRYPTED + _keys().encrypt(text).decode() if self.encrypt else _PLAIN + text.decode()
        with self._transaction() as connection:
            connection.execute(
                self._dialect.insert(tokens)
                .values(key=key, token=sealed)
                .on_conflict_do_update(index_elements=["key"], set_={"token": sealed})
            )

    def delete(self, key: str) -> None:
        """As `TokenStore.delete`; what cannot be read goes as well."""
        tokens, _ = _tables(self.schema)
        with self._transaction() as connection:
            connection.execute(sa.delete(tokens).where(tokens.c.key == key))

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """As `TokenStore.lock`. The database lets it go when the process, the host or the network dies."""
        try:
            if self.encrypt:
                _keys()  # without one, what is asked for now could not be kept
        except ValueError as error:
            raise TokenError(str(error)) from None
        with ExitStack() as stack:
            with self._errors():
                if isinstance(self._dialect, SQLite):
                    stack.enter_context(locked_file(self._dialect.lock_file(f"payt token {key}")))
                else:
                    self._lock_row(stack, self._dialect, key)
                    # for load and save, so that save can commit under the lock; and opened now, as the database might
                    # have none to give when the new token has come
                    before, self._here.connection = self._kept(), stack.enter_context(self._engine.connect())
                    stack.callback(setattr, self._here, "connection", before)
            try:
                yield
            finally:
                with suppress(sa.exc.SQLAlchemyError):  # a connection that is lost has let go of its lock by itself
                    stack.close()

    def _lock_row(self, stack: ExitStack, dialect: PostgreSQL, key: str) -> None:
        _, locks = _tables(self.schema)
        with self._transaction() as connection:
            connection.execute(dialect.insert(locks).values(key=key).on_conflict_do_nothing())
        # whatever the engine's own isolation level is: with AUTOCOMMIT nothing would be held
        connection = stack.enter_context(self._engine.connect()).execution_options(isolation_level="READ COMMITTED")

        def attempt(seconds: float) -> bool:
            connection.rollback()
            for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
                connection.exec_driver_sql(f"SET LOCAL {name} = 0")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{seconds * 1000:.0f}ms'")
            try:
                connection.execute(sa.select(locks.c.key).where(locks.c.key == key).with_for_update())
            except sa.exc.DBAPIError as error:
                if code_of(error.orig) != _LOCK_NOT_AVAILABLE:
                    raise
                return False
            return True

        wait_for_lock(attempt, f"the lock in {shown(self._engine.url)}")

    def _kept(self) -> sa.Connection | None:
        """The connection that this thread keeps for what it does under the lock."""
        kept: sa.Connection | None = getattr(self._here, "connection", None)
        return kept

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        kept = self._kept()
        with ExitStack() as stack:
            if isinstance(self._dialect, SQLite):
                stack.enter_context(_no_fork)
            if kept is not None:
                try:
                    with kept.begin():
                        kept.exec_driver_sql("SELECT 1")
                except sa.exc.SQLAlchemyError:  # it was lost meanwhile
                    kept.invalidate()
                    kept = None
            yield kept or stack.enter_context(self._engine.connect())

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._errors():
            if self._process != [os.getpid()]:  # connections of a parent stay its own
                self._engine.dispose(close=False)
                self._process[:] = [os.getpid()]
            if not self._ready and isinstance(self._dialect, SQLite):
                self._dialect.make_private_file()
        with self._errors(), self._connection() as given:
            connection = self._dialect.open(given)
            if not self._ready:
                with self._dialect.transaction(connection):
                    self._dialect.change_schema(connection)
                    for table in _tables(self.schema):
                        table.create(connection, checkfirst=True)
                self._ready.append(True)
            with self._dialect.transaction(connection):
                yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise TokenError(f"{shown(self._engine.url)}: {reason(error, self._engine.url)}") from None

    def _opened(self, key: str, kept: str) -> Token:
        if self.encrypt and not kept.startswith(_ENCRYPTED):
            raise TokenError(
                f"{shown(self._engine.url)}: the token is not encrypted: whoever can write the table may have put it "
                "there. Delete it and log in again, or pass encrypt=False"
            )
        try:
            if kept.startswith(_ENCRYPTED):
                kept = _keys().decrypt(kept.removeprefix(_ENCRYPTED)).decode()
            kept = kept.removeprefix(_PLAIN)
            if _decode_row(kept).row in (None, key):
                return _decode(kept)
            problem = "is of another login, and was put there by somebody who can write to the table"
        except (ValueError, msgspec.DecodeError) as error:
            if not isinstance(error, (msgspec.DecodeError, UnicodeDecodeError)):
                raise TokenError(f"{shown(self._engine.url)}: the token is encrypted: {error}") from None
            problem = "was not written by payt"
        except InvalidToken:
            problem = f"was encrypted with another key than {KEY}"
        raise TokenError(
            f"{shown(self._engine.url)}: the token {problem}. It was left as it is: give the right key, or delete it "
            "and log in again"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """By reference: where the database is, and nothing that it holds."""
        if isinstance(self.to, sa.Engine):
            raise TypeError("a SQLTokenStore of an Engine cannot be pickled: give it the database's URL")
        return partial(type(self), encrypt=self.encrypt, schema=self.schema), (self.to,)


class _Row(msgspec.Struct):
    """What tells to which row a token belongs; an earlier version did not write it."""

    row: str | None = None


_no_fork = threading.RLock()
"""Held while SQLite is used, whose locks in memory a child that is forked meanwhile would wait for, for ever."""
with suppress(AttributeError):  # where the operating system has no fork
    os.register_at_fork(before=_no_fork.acquire, after_in_parent=_no_fork.release, after_in_child=_no_fork.release)
_decode, _decode_row = decoder_of(Token).decode, decoder_of(_Row).decode


def _tables(schema: str | None) -> tuple[sa.Table, sa.Table]:
    metadata = sa.MetaData(schema=schema)
    tokens = sa.Table(
        "payt_tokens",
        metadata,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
    )
    return tokens, sa.Table("payt_token_locks", metadata, sa.Column("key", sa.Text, primary_key=True))


def _keys() -> MultiFernet:
    """The keys of the environment.

    Raises:
        ValueError: There is none, or one is none.
    """
    given = [key.strip() for key in os.environ.get(KEY, "").split(",") if key.strip()]
    if not given:
        raise ValueError(
            f"no key to encrypt tokens with: set {KEY} (make one: python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'), or pass encrypt=False"
        )
    try:
        return MultiFernet([Fernet(key) for key in given])
    except ValueError:
        raise ValueError(f"{KEY} is not a Fernet key: 32 bytes in url-safe base64") from None
