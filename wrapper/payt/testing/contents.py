"""What a fake Payt holds: its administrations, their contacts, and the records of every other list."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, cast

from payt import checks
from payt.listing.shapes import ADMINISTRATION
from payt.testing.lists import ServedList, served_lists
from payt.testing.records import CONTACTS, Administration, Records

_ADMINISTRATIONS = "administrations"


class Contents:
    """Records by list and administration, which may be looked at and changed from any thread.

    Its arguments are those of `FakePayt`.

    Attributes:
        administration_id: The administration that methods without an administration mean.
    """

    def __init__(
        self,
        contacts: int | Iterable[Mapping[str, Any]] | None,
        administration_id: str | None,
        administrations: Mapping[str, int | Iterable[Mapping[str, Any]]] | Iterable[str] | None,
        records: Mapping[str, int | Iterable[Mapping[str, Any]]] | None,
        seed: int,
    ) -> None:
        self._lock = threading.RLock()
        self._seed = seed
        self._seeds: dict[str, int] = {}
        self._records: dict[tuple[str, str | None], Records] = {}
        others = dict(records or {})
        by_ids: Mapping[str, Any] = administrations if isinstance(administrations, Mapping) else {}
        ids = () if administrations is None else administrations
        shares = {each: by_ids.get(each, 0) for each in checks.keys("administrations", by_ids.keys() or ids)}
        listed = self._put(_ADMINISTRATIONS, None, others.pop(_ADMINISTRATIONS, 0))
        own = administration_id or next(iter([*shares, *listed.keys]), "1")
        self.administration_id = checks.text("administration_id", own)
        if contacts is not None and self.administration_id in by_ids:
            raise ValueError(f"there is an administration {self.administration_id!r} already")
        shares[self.administration_id] = shares.get(self.administration_id, 0) if contacts is None else contacts
        for each_id, each_contacts in shares.items():
            if each_id not in listed:
                listed.add(id=each_id)
            self._put(CONTACTS, each_id, each_contacts)
        for name, each in others.items():
            self._put(name, self.administration_id, each)

    @property
    def administrations(self) -> dict[str, Administration]:
        """The administrations as they are now: the contacts of each, by its id."""
        with self._lock:
            listed = self.records(_ADMINISTRATIONS).keys
            return {each: cast("Administration", self.records(CONTACTS, each)) for each in listed}

    @property
    def contacts(self) -> list[dict[str, Any]]:
        """The contacts as they are now, in the order of their ids."""
        return list(self.records(CONTACTS))

    def records(self, name: str, administration_id: str | None = None) -> Records:
        """Return the records of a list, to look at and to change: `fake.records("invoices").add(status="paid")`.

        Args:
            name: The list, as the contract calls it: "contacts", or "invoices.deleted" for one below another.
            administration_id: Whose records; by default those of the fake's own administration. It means nothing to
                lists that have no administrations.

        Raises:
            KeyError: There is no such list, or no such administration.
        """
        served = self._served(name)
        own = checks.text("administration_id", administration_id or self.administration_id)
        owner = own if ADMINISTRATION in served.parameters else None
        with self._lock:
            if owner is not None and owner not in self.records(_ADMINISTRATIONS):
                known = ", ".join(map(repr, self.records(_ADMINISTRATIONS).keys))
                raise KeyError(
                    f"there is no administration {owner!r}: use one of {known}, or add it with add_administration"
                )
            if (name, owner) not in self._records:
                self._put(name, owner, 0)
            return self._records[name, owner]

    def add(
        self, contact: Mapping[str, Any] | None = None, /, *, administration_id: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Add a contact and return it: `fake.add(lastname="Jansen")`, see `Records.add`.

        The administration is added too, where it is not there yet: `fake.add(administration_id="2")`.
        """
        with self._lock:
            if administration_id is not None and administration_id not in self.records(_ADMINISTRATIONS):
                self.add_administration(administration_id)
        return self.records(CONTACTS, administration_id).add(contact, **fields)

    def change(
        self, contact_id: str | int, /, *, administration_id: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Change fields of a contact and return it, see `Records.change`."""
        return self.records(CONTACTS, administration_id).change(contact_id, **fields)

    def remove(self, contact_id: str | int, /, *, administration_id: str | None = None) -> None:
        """Remove a contact, see `Records.remove`."""
        self.records(CONTACTS, administration_id).remove(contact_id)

    def add_administration(
        self,
        administration_id: str,
        contacts: int | Iterable[Mapping[str, Any]] = 0,
        *,
        records: Mapping[str, int | Iterable[Mapping[str, Any]]] | None = None,
    ) -> Administration:
        """Add an administration with so many invented contacts, or these, and records of other lists likewise.

        Raises:
            ValueError: There is one with that id already.
        """
        checks.text("administration_id", administration_id)
        with self._lock:
            if administration_id in (listed := self.records(_ADMINISTRATIONS)):
                raise ValueError(f"there is an administration {administration_id!r} already")
            listed.add(id=administration_id)
            for name, each in {CONTACTS: contacts, **(records or {})}.items():
                self._put(name, administration_id, each)
            return self.administrations[administration_id]

    def _served(self, name: str) -> ServedList:
        if name not in served_lists():
            raise KeyError(f"the contract has no list {name!r}: use one of {', '.join(served_lists())}")
        return served_lists()[name]

    def _put(self, name: str, administration_id: str | None, content: int | Iterable[Mapping[str, Any]]) -> Records:
        """Set what a list holds; those of a list without administrations belong to none."""
        served = self._served(name)
        owner = administration_id if ADMINISTRATION in served.parameters else None
        seed = self._seed if owner is None else self._seeds.setdefault(owner, self._seed + len(self._seeds))
        kind = Administration if name == CONTACTS else Records
        self._records[name, owner] = put = kind(content, served, seed=seed, lock=self._lock, administration_id=owner)
        return put
