"""Lists of Payt as a data source of Apache Spark 4, in batches. Extra `spark`.

    spark.dataSource.register(payt.spark.Source)
    spark.read.format("payt").option("administration_ids", "1,2,3").load()

Options have the names and the meaning of the arguments of `payt.Client` and of `list_many`, written as text; several
values are separated by commas. Tokens travel by reference alone: each worker takes them from where it is.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs

from payt_resources import LISTS, spec_of

from . import checks
from .client import Client
from .contract import every_administration
from .credentials import EnvToken
from .extras import missing
from .listing.shapes import ADMINISTRATION, scalar_of

try:
    import pyarrow
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

    from .listing.arrow import Table
except ImportError as error:
    raise missing("payt.spark", "pyspark", "spark") from error


class Source(DataSource):
    """A list: a row for each record, with the columns and types of `ManyPager.to_arrow`.

    A read is one task, which lists several administrations at a time within the rate limit of its token. With
    `partitions` they are shared out over so many tasks; on more than one machine, these need `pace` then.

    Options:
        resource: Which list: "contacts" by default.
        administration_ids: Which administrations; by default all that the token may read.
        credentials: The environment variable that holds the token where a task runs; or "module:function", which
            returns it, called with `account` where that is given. By default, what `payt.Client()` finds there.
        partitions: Over how many tasks the administrations are shared out; 1 by default.
        pace: A database's URL, for a `payt.SQLPace` of all machines.
        on_error: "raise", the default, fails the task. "collect" adds the columns `_error` and `_cursor`, and a row
            with them for each administration that cannot be listed to its end; `_cursor` resumes it.
        on_invalid: The same for each record that does not match the contract; `_cursor` is that of its page.
        base_url, rate_limit, retries, timeout, total_timeout: As for `payt.Client`.
        concurrency, fields, per_page, limit, and the filters of the list: As for `list_many`. A list that takes no
            administration is listed as by `list`.
    """

    @classmethod
    def name(cls) -> str:
        """What `spark.read.format` calls it."""
        return "payt"

    def schema(self) -> str:
        """The columns, as Spark writes them."""
        columns = _Read.of(self.options).columns
        return ", ".join(
            f"`{column.name}` {_TYPES[str(column.type)]}{'' if column.nullable else ' NOT NULL'}" for column in columns
        )

    def reader(self, schema: Any) -> DataSourceReader:  # noqa: ARG002  # it is ours
        """What reads it."""
        return _Reader(_Read.of(self.options))


_TYPES: Final = {
    "string": "STRING",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMP",
}
_TYPES.update({f"list<item: {arrow}>": f"ARRAY<{spark}>" for arrow, spark in [*_TYPES.items()]})


@attrs.frozen(kw_only=True)
class _Read:
    """What a read was told, checked. Tasks get it pickled.

    Attributes:
        resource: Which list.
        own: The options that neither a client nor a list takes.
        settings: Those of the client.
        arguments: Those of the list.
        many: Whether it is listed by administration.
    """

    resource: str
    own: Mapping[str, Any]
    settings: Mapping[str, Any]
    arguments: Mapping[str, Any]
    many: bool

    @classmethod
    def of(cls, options: Mapping[str, str]) -> _Read:
        """Read the options of Spark, whose names have no case. What cannot be used is told before a task is started.

        Raises:
            TypeError: An option that the list needs is missing.
            ValueError: There is no such option, or its value cannot be used.
        """
        given = {name.lower(): text for name, text in options.items()}
        resource = given.get("resource", "contacts")
        if resource not in LISTS:
            raise ValueError(f"resource: the contract has no list {resource!r}: use one of {', '.join(LISTS)}")
        settings = {name: _converted(name, given[name], _SETTINGS[name]) for name in _SETTINGS if name in given}
        with Client("none-is-sent", **settings) as client:
            method = _method(client, resource)
            taken = get_type_hints(method)
            del taken["return"]
            known = _OWN | _SETTINGS | taken
            for name in given:
                if name not in known:
                    raise ValueError(f"there is no option {name!r}: {checks.hint(name, known)}")
            values = {name: _converted(name, text, known[name]) for name, text in given.items()}
            if ":" not in values.get("credentials", ""):
                if "account" in values:
                    raise ValueError("option account: only a function takes it, given as credentials=module:function")
                if "credentials" in values:
                    EnvToken(values["credentials"])  # which refuses a token, while nobody has it yet
            arguments = {name: value for name, value in values.items() if name in taken}
            many = "administration_ids" in taken
            method(**({"administration_ids": []} if many else {}) | arguments)
            settings["base_url"] = client.base_url  # an environment elsewhere must not lead elsewhere
        if checks.number("option partitions", values.get("partitions", 1), least=1) > 1 and not many:
            raise ValueError(f"option partitions: {resource} is one listing, which cannot be split: leave it out")
        own = {name: value for name, value in values.items() if name in _OWN}
        return cls(resource=resource, own=own, settings=settings, arguments=arguments, many=many)

    @property
    def table(self) -> Table:
        """The records as Arrow."""
        return Table(spec_of(self.resource).record, many=self.many)

    @property
    def columns(self) -> pyarrow.Schema:
        """All columns."""
        collects = "collect" in (self.arguments.get("on_error"), self.arguments.get("on_invalid"))
        told = ("_error", "_cursor") if collects else ()
        return pyarrow.schema([*self.table.schema, *(pyarrow.field(name, pyarrow.string()) for name in told)])

    def client(self) -> Client:
        """A client, with the token that there is where a task runs."""
        credentials: Any = self.own.get("credentials")
        if credentials is not None:
            module, _, function = credentials.partition(":")
            credentials = getattr(importlib.import_module(module), function) if function else EnvToken(module)
            if "account" in self.own:
                credentials = functools.partial(credentials, self.own["account"])
        pace = None
        if "pace" in self.own:
            from .sql import SQLPace  # noqa: PLC0415  # of an extra

            pace = SQLPace(self.own["pace"])
        return Client(credentials, pace=pace, **self.settings)


class _Reader(DataSourceReader):
    def __init__(self, read: _Read) -> None:
        self._read = read

    def partitions(self) -> list[InputPartition]:
        """The administrations of each task; None for all that the token may read."""
        ids, tasks = self._read.arguments.get("administration_ids"), self._read.own.get("partitions", 1)
        if tasks == 1:
            return [InputPartition(ids)]
        if ids is None:
            with self._read.client() as client:
                ids = every_administration(client)
        ids = [*dict.fromkeys(ids)]
        # one at least, as Spark makes one of none, without a value
        return [InputPartition(ids[number::tasks]) for number in range(max(1, min(tasks, len(ids))))]

    def read(self, partition: InputPartition) -> Iterator[pyarrow.RecordBatch]:
        """A batch for each page, and one for each failed administration or invalid record that is collected."""
        table, columns, arguments = self._read.table, self._read.columns, self._read.arguments
        with self._read.client() as client:
            method = _method(client, self._read.resource)
            if self._read.many:
                ids = every_administration(client) if partition.value is None else partition.value
                pager = method(**{**arguments, "administration_ids": ids})
                pages = pager.pages()
            else:
                pager = method(**arguments)
                pages = zip(repeat(None), pager.pages())
            for name, page in pages:
                yield _widened(table.batch(page, name), columns)
                for record in page.invalid:
                    yield _told(columns, name, f"InvalidRecord: {record.id}: {record.reason}, at {record.path}", record)
            for name, error in getattr(pager, "errors", {}).items():
                yield _told(columns, name, f"{type(error).__name__}: {error}", error)


def _method(client: Client, resource: str) -> Callable[..., Any]:
    """The method that lists several administrations, or the only one that there is."""
    one: Any = spec_of(resource).method_of(client)
    method: Callable[..., Any] = getattr(one.__self__, f"{one.__name__}_many", one)
    return method


def _widened(batch: pyarrow.RecordBatch, columns: pyarrow.Schema) -> pyarrow.RecordBatch:
    more = [pyarrow.nulls(batch.num_rows, column.type) for column in list(columns)[batch.num_columns :]]
    return pyarrow.record_batch([*batch.columns, *more], schema=columns)


def _told(columns: pyarrow.Schema, name: str | None, error: str, where: Any) -> pyarrow.RecordBatch:
    row = {ADMINISTRATION: name, "_error": error, "_cursor": where.cursor}
    return pyarrow.RecordBatch.from_pylist([row], schema=columns)


def _converted(name: str, text: str, type_: Any) -> Any:
    """The value of an option, by the type of the argument that it stands for."""
    if any(get_origin(member) is Iterable for member in (type_, *get_args(type_))):
        return [value.strip() for value in text.split(",") if value.strip()]
    kind: Any = scalar_of(type_)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text) if kind in (int, float) else text
    except (KeyError, ValueError):
        raise ValueError(
            f"option {name} must be {'true or false' if kind is bool else 'a number'}, got {text!r}"
        ) from None


_OWN: Final = {"resource": str, "partitions": int, "credentials": str, "account": str, "pace": str}
_SETTINGS: Final = {"base_url": str, "rate_limit": float, "retries": int, "timeout": float, "total_timeout": float}
