"""What the tests of faults share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults.server import FaultServer, paging
from support.quick import CONTACTS


@pytest.fixture(scope="module")
def shared_server() -> Iterator[FaultServer]:
    with FaultServer(paging(CONTACTS, per_page=4)) as server:
        yield server


@pytest.fixture
def server(shared_server: FaultServer) -> Iterator[FaultServer]:
    """Three pages of four contacts, and no faults but those that a test orders."""
    shared_server.script([])
    yield shared_server
    shared_server.script([])


@pytest.fixture
def ids() -> list[str]:
    """The ids of all contacts, in their order."""
    return [contact["id"] for contact in CONTACTS]
