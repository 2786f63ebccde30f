"""The records of one list, in the order of their keys."""

import bisect
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from payt import checks
from payt.testing.answers import json_bytes
from payt.testing.invention import as_sent, key_of, timestamp
from payt.testing.lists import ServedList
from payt.testing.sample_contacts import contact


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is served.

    Attributes:
        key: What tells it apart, as records are ordered by it.
        fields: All its fields.
        json: Those that are sent to whoever names none, rendered.
    """

    key: int | str
    fields: Mapping[str, Any]
    json: bytes


class Records:
    """The records of one list, of one administration where it has administrations; safe to change while it is served.

    Iterating it gives them as they are now, in the order of their keys.
    """

    def __init__(
        self,
        given: int | Iterable[Mapping[str, Any]],
        served: ServedList,
        *,
        seed: int,
        lock: threading.RLock,
        administration_id: str | None,
    ) -> None:
        self.served: Final = served
        self._lock = lock
        self._seed = seed
        self._administration_id = administration_id
        count = checks.number(f"the number of {served.spec.name}", given, least=0) if isinstance(given, int) else 0
        self._records: dict[int | str, Record | None] = dict.fromkeys(range(1, count + 1))  # None: not invented yet
        self._keys = [*self._records]  # in their order
        for each in () if isinstance(given, int) else given:
            self._insert(each)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self._lock:
            return iter([dict(record.fields) for record in self.after(None)])

    def __contains__(self, key: object) -> bool:
        return key_of(key) in self._records

    @property
    def keys(self) -> list[str]:
        """What tells the records apart."""
        return list(map(str, self._keys.copy()))

    def add(self, given: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
        """Add a record and return it.

        Args:
            given: The record, taken as it is, with moments and dates as the API writes them; it gets the next free key
                where it has none, and is changed now unless it says when.
            **fields: Instead of a record: some fields of it, the rest is filled in.

        Raises:
            ValueError: There is a record with that key already, or it is neither a whole number nor a text. Or a moment
                has no time zone.
            TypeError: A field is unknown, or the record cannot be written as JSON.
        """
        if given is not None:
            _check(given)
        with self._lock:
            added = {self.served.key: self._next_free(), **self._now(), **(given or {}), **fields}
            return dict(self._insert(self._invented(added) if given is None else added).fields)

    def change(self, key: str | int, /, **fields: Any) -> dict[str, Any]:
        """Change fields of a record and return it; it is changed now unless the fields say when.

        Raises:
            KeyError: There is no such record.
            TypeError: A field is unknown, and this record does not have it.
            ValueError: The fields name another key, or a moment has no time zone.
        """
        with self._lock:
            old = self._record(key_of(key))
            self.served.check(fields.keys() - old.fields.keys())
            changed = {**old.fields, **self._now(), **fields}
            if key_of(changed[self.served.key]) != old.key:
                raise ValueError(f"a record keeps its {self.served.key}: remove it and add another")
            record = self._records[old.key] = self._rendered(old.key, as_sent(changed))
            return dict(record.fields)

    def remove(self, key: str | int, /) -> None:
        """Remove a record.

        Raises:
            KeyError: There is no such record.
        """
        with self._lock:
            removed = self._record(key_of(key))
            self._keys.remove(removed.key)
            del self._records[removed.key]

    def after(self, key: int | str | None) -> Iterator[Record]:
        """Yield the records behind a key, or all of them; the caller holds the lock."""
        start = 0 if key is None else bisect.bisect_right(self._keys, _order(key), key=_order)
        return (self._record(self._keys[index]) for index in range(start, len(self._keys)))

    def _insert(self, given: Mapping[str, Any]) -> Record:
        _check(given)
        key = given.get(self.served.key)
        if isinstance(key, bool) or not isinstance(key, (int, str)) or key == "":
            raise ValueError(f"a record needs {self.served.key} to be listed by, a whole number or a text, not {key!r}")
        record = self._rendered(key_of(key), as_sent(given))
        if key in self:
            raise ValueError(f"there is a record with the {self.served.key} {key} already")
        bisect.insort(self._keys, record.key, key=_order)
        self._records[record.key] = record
        return record

    def _next_free(self) -> int | str:
        last = self._keys[-1] if self._keys else 0
        number = last + 1 if isinstance(last, int) else 1
        while number in self:
            number += 1
        return self.served.as_sent(self.served.key, str(number))

    def _now(self) -> dict[str, Any]:
        watermark = self.served.spec.watermark
        return {} if watermark is None else {watermark: timestamp(datetime.now(UTC))}

    def _record(self, key: int | str) -> Record:
        if key not in self._records:
            raise KeyError(f"there is no record with the {self.served.key} {key}")
        record = self._records[key]
        if record is None:
            record = self._records[key] = self._rendered(key, self._invented({self.served.key: str(key)}))
        return record

    def _invented(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        invent = contact if self.served.spec.name == CONTACTS else self.served.invent
        return invent(**{**self.served.owner(self._administration_id), **fields}, seed=self._seed)

    def _rendered(self, key: int | str, fields: Mapping[str, Any]) -> Record:
        sent = {name: value for name, value in fields.items() if name not in self.served.on_request}
        return Record(key, dict(fields), json_bytes(sent))


class Administration(Records):
    """The contacts of one administration."""

    @property
    def contacts(self) -> list[dict[str, Any]]:
        """All contacts as they are now, in the order of their ids."""
        return list(self)


CONTACTS: Final = "contacts"
"""The list whose records are invented one by one, rather than made of the contract's example."""


def _check(given: object) -> None:
    if not isinstance(given, Mapping):
        way_out = ": pass it with .to_dict()" if hasattr(given, "to_dict") else ""
        raise TypeError(f"a record must be a dict, as the API sends it, got {type(given).__name__}{way_out}")


def _order(key: int | str) -> tuple[int, int | str]:
    """What keys are sorted by: numbers come first."""
    return (0, key) if isinstance(key, int) else (1, key)
