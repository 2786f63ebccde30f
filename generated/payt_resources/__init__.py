# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""The resources of a client, one for each tag of the contract that has lists: `client.contacts`, for example."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if not TYPE_CHECKING:
    from payt.transport.process import cached_property
else:
    from functools import cached_property

if TYPE_CHECKING:
    from payt.listing import ListSpec
    from payt_api.client import AuthenticatedClient

    from .administrations import Administrations, AsyncAdministrations
    from .contacts import AsyncContacts, Contacts

LISTS: Final[dict[str, tuple[str, str]]] = {
    "administrations": ("administrations", "LIST"),
    "contacts": ("contacts", "LIST"),
}
"""Every list of the contract by its name, with the module below this one and the constant that describe it."""


def spec_of(name: str) -> ListSpec[Any]:
    """What is known of a list.

    Args:
        name: Its name, as in `LISTS`.

    Raises:
        KeyError: The contract has no such list.
    """
    module, constant = LISTS[name]
    found: ListSpec[Any] = getattr(import_module(f"{__name__}.{module}"), constant)
    return found


class Resources:
    """The resources of a Client; each is made when it is first used."""

    _api: AuthenticatedClient

    @cached_property
    def administrations(self) -> Administrations:
        """The administrations that a token may read."""
        from .administrations import Administrations

        return Administrations(self._api)

    @cached_property
    def contacts(self) -> Contacts:
        """People and companies that receive invoices and reminders."""
        from .contacts import Contacts

        return Contacts(self._api)


class AsyncResources:
    """The resources of an AsyncClient; each is made when it is first used."""

    _api: AuthenticatedClient

    @cached_property
    def administrations(self) -> AsyncAdministrations:
        """The administrations that a token may read."""
        from .administrations import AsyncAdministrations

        return AsyncAdministrations(self._api)

    @cached_property
    def contacts(self) -> AsyncContacts:
        """People and companies that receive invoices and reminders."""
        from .contacts import AsyncContacts

        return AsyncContacts(self._api)
