"""The contacts of one administration, in the order of their ids."""

import bisect
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from payt.testing.answers import json_bytes
from payt.testing.sample_contacts import contact, contact_number, timestamp

BEFORE_ALL: Final = -1
"""A number that comes before every contact's."""


@dataclass(frozen=True, slots=True)
class Record:
    """A contact as it is served.

    Attributes:
        number: Its id, as the number that orders it.
        contact: Its fields.
        json: The same, rendered.
    """

    number: int
    contact: Mapping[str, Any]
    json: bytes

    @property
    def updated_at(self) -> datetime | None:
        """When it was last changed, where that can be read."""
        return parse_timestamp(self.contact.get("updated_at"))


class Administration:
    """The contacts of one administration; safe to change while it is served."""

    def __init__(self, contacts: int | Iterable[Mapping[str, Any]], *, seed: int, lock: threading.RLock) -> None:
        self._lock = lock
        self._seed = seed
        self._records: dict[int, Record] = {}
        if isinstance(contacts, int):
            self._numbers = list(range(1, contacts + 1))
        else:
            self._numbers = []
            for given in contacts:
                self._insert(given)

    def __len__(self) -> int:
        with self._lock:
            return len(self._numbers)

    @property
    def contacts(self) -> list[dict[str, Any]]:
        """All contacts as they are now, in the order of their ids."""
        with self._lock:
            return [dict(record.contact) for record in self.records()]

    def add(self, given: Mapping[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
        """Add a contact and return it.

        Args:
            given: The contact, taken as it is; it gets the next free id where it has none, and is updated now
                unless it says when.
            **fields: Instead of a contact: some fields of it, the rest is filled in (`payt.testing.contact`).

        Raises:
            ValueError: There is a contact with that id already, or the id is no whole number.
            TypeError: A field is not known, or the contact is no JSON.
        """
        with self._lock:
            next_free = self._numbers[-1] + 1 if self._numbers else 1
            added: dict[str, Any] = {"id": str(next_free), "updated_at": timestamp(datetime.now(UTC))}
            if given is None:
                added = contact(**added | fields, seed=self._seed)
            else:
                added |= {**given, **fields}
            return dict(self._insert(added).contact)

    def change(self, contact_id: str | int, /, **fields: Any) -> dict[str, Any]:
        """Change fields of a contact and return it; it is updated now unless the fields say when.

        Raises:
            KeyError: There is no such contact.
            ValueError: The fields name another id.
        """
        with self._lock:
            old = self._record(self._existing(contact_id))
            changed = {**old.contact, "updated_at": timestamp(datetime.now(UTC)), **fields}
            if contact_number(changed["id"]) != old.number:
                raise ValueError("a contact keeps its id: remove it and add another")
            self._records[old.number] = _record(changed)
            return changed

    def remove(self, contact_id: str | int, /) -> None:
        """Remove a contact.

        Raises:
            KeyError: There is no such contact.
        """
        with self._lock:
            number = self._existing(contact_id)
            del self._numbers[bisect.bisect_left(self._numbers, number)]
            self._records.pop(number, None)

    def records(self, after: int = BEFORE_ALL) -> Iterator[Record]:
        """Yield the records behind an id; the caller holds the lock."""
        start = bisect.bisect_right(self._numbers, after)
        return (self._record(self._numbers[index]) for index in range(start, len(self._numbers)))

    def _insert(self, given: Mapping[str, Any]) -> Record:
        record = _record(given)
        index = bisect.bisect_left(self._numbers, record.number)
        if self._numbers[index : index + 1] == [record.number]:
            raise ValueError(f"there is a contact with the id {record.number} already")
        self._numbers.insert(index, record.number)
        self._records[record.number] = record
        return record

    def _existing(self, contact_id: str | int) -> int:
        number = contact_number(contact_id)
        index = bisect.bisect_left(self._numbers, number)
        if self._numbers[index : index + 1] != [number]:
            raise KeyError(f"there is no contact with the id {contact_id}")
        return number

    def _record(self, number: int) -> Record:
        """Look a record up; generated ones are made when first asked for, so that starting takes no time."""
        if number not in self._records:
            self._records[number] = _record(contact(id=number, seed=self._seed))
        return self._records[number]


def parse_timestamp(text: object) -> datetime | None:
    """Read a timestamp of RFC 3339, the form of ISO 8601 that is used on the web; None for anything else."""
    if not isinstance(text, str) or not _TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:  # a 13th month
        return None


_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)


def _record(given: Mapping[str, Any]) -> Record:
    if "id" not in given:
        raise ValueError("a contact needs an id to be listed by")
    return Record(contact_number(given["id"]), dict(given), json_bytes(given))
