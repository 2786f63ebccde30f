"""Fixtures for tests of tools that use `payt`; pytest finds them by itself.

`fake_payt` is a server, `payt_client` and `async_payt_client` are clients of it.

Nothing of payt is imported before a test asks for a fixture, so that the plugin costs other tests nothing, and
the coverage of payt and of what imports it is measured whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import payt
    from payt.testing import FakePayt


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "fake_payt(contacts, **settings): what the fixture fake_payt is made with, as payt.testing.FakePayt takes it",
    )


@pytest.fixture
def fake_payt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePayt]:
    """A fake Payt that serves over real HTTP, on loopback only; `payt.testing.FakePayt` says what it can do.

    It has no contacts until the test adds some, or says so: `@pytest.mark.fake_payt(contacts=1_000)`.

    While the test runs, PAYT_TOKEN and PAYT_BASE_URL lead to it and all other settings of the environment for payt are
    unset, so that the tool under test reaches nothing else, nor it through a proxy; and clients do not wait between
    attempts.
    """
    from payt.testing import FakePayt, skip_waits  # noqa: PLC0415 - see above

    marker = request.node.get_closest_marker("fake_payt") or pytest.mark.fake_payt.mark
    with FakePayt(*marker.args, **marker.kwargs) as fake, skip_waits():
        for name in [name for name in os.environ if name.startswith("PAYT_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PAYT_TOKEN", fake.token)
        monkeypatch.setenv("PAYT_BASE_URL", fake.url)
        besides = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        monkeypatch.setenv("no_proxy", ",".join(filter(None, (besides, "127.0.0.1"))))
        yield fake


@pytest.fixture
def payt_client(fake_payt: FakePayt) -> Iterator[payt.Client]:
    """A client of `fake_payt`."""
    import payt  # noqa: PLC0415 - see above

    with payt.Client(fake_payt.token, base_url=fake_payt.url) as client:
        yield client


@pytest.fixture
def async_payt_client(fake_payt: FakePayt) -> payt.AsyncClient:
    """An asynchronous client of `fake_payt`; close it in the test's own event loop: `async with async_payt_client:`."""
    import payt  # noqa: PLC0415 - see above

    return payt.AsyncClient(fake_payt.token, base_url=fake_payt.url)
