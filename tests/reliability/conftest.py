"""What the tests of faults share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from faults.server import FaultServer, paging
from support.quick import CONTACTS


@pytest.fixture(scope="module", autouse=True)
def what_was_there_before() -> Iterator[None]:
    """Tests collect garbage to see that nothing is left: a tenth of a second each time, if all that was imported and
    collected before were gone through as well."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


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
