"""What every test may ask for."""

from __future__ import annotations

import os
import re
import signal
import uuid
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from payt.testing import FakePayt, skip_waits
from payt.transport import pace_file
from support.flavours import Async, Flavour, Sync

# A process in the background may have inherited that Ctrl-C or a closed terminal means nothing to it; tests send both.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

LONG = ("generation", "sql", "tokens", "reliability")
"""The folders to begin with: where several work, a long file that begins last is what the others wait for."""
settings.register_profile("default", max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("soak", settings.get_profile("default"), max_examples=200)  # how scripts/soak runs them again
settings.load_profile("default")

IN_TURN = {"flavour", "syncs", "database"}
"""Fixtures that run a case with both clients, or with each database: what these do is decided in one place for all."""
_NAMES_IN_TURN = re.compile(r"(?<=[\[-])(sync|async|sqlite|postgresql|maria)(?=[-\]])")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave to scripts/soak what schemathesis makes its cases of while it is collected: each worker takes seconds."""
    return (
        True
        if collection_path.name == "test_fake_against_contract.py" and config.option.markexpr == "not soak"
        else None
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests, and say which are left to scripts/soak.

    scripts/test runs a case with one client and one database, by turns; a behaviour without cases with both clients.
    What is marked `everywhere`, or named on the command line, runs with all.
    """
    cases: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {}).keys()
        by_turns = params & IN_TURN and params != {"flavour"} and item.get_closest_marker("everywhere") is None
        if by_turns and not any("::" in name for name in config.args):
            cases[_NAMES_IN_TURN.sub("", item.nodeid)].append(item)
    for case, same in cases.items():
        for item in {*same} - {same[zlib.crc32(case.encode()) % len(same)]}:
            item.add_marker(pytest.mark.soak)
    ranks = {folder: rank for rank, folder in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(LONG)))


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests says nothing to the client."""
    for name in [name for name in os.environ if name.startswith("PAYT_")]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def own_pace(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test waits for the requests of another one, nor writes into the folder of whoever runs them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / f"state-{uuid.uuid4()}"))
    monkeypatch.setattr(pace_file, "MACHINE", pace_file.FilePace())


@pytest.fixture(autouse=True)
def no_waiting(request: pytest.FixtureRequest) -> Iterator[None]:
    """Retries and pace take no time, but where a test is marked `real_time`."""
    if request.node.get_closest_marker("real_time"):
        yield
    else:
        with skip_waits():
            yield


@pytest.fixture(params=[Sync(), Async()], ids=lambda flavour: flavour.name)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """payt.Client, then payt.AsyncClient."""
    chosen: Flavour = request.param
    return chosen


@pytest.fixture
def fake() -> Iterator[FakePayt]:
    """A server with twelve contacts."""
    with FakePayt(contacts=12) as server:
        yield server
