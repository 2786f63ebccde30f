"""A shortcut to the fake server's contacts."""

from collections.abc import Iterator

import pytest
from testing.clients import Get, connect

from payt.testing import FakePayt


@pytest.fixture
def get(fake: FakePayt) -> Iterator[Get]:
    """Ask the server with twelve contacts for a page."""
    with connect(fake) as client:
        yield lambda **parameters: client.get("/v1/contacts", params={"administration_id": "1", **parameters})
