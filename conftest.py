"""The code in README.md and docs/ runs as tests, against a fake server that the environment names."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from payt.testing import FakePayt
from payt.transport import pace_file


@pytest.fixture
def documented_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What the documentation presumes: PAYT_TOKEN, PAYT_BASE_URL and PAYT_TOKEN_KEY are set; files come and go."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYT_TOKEN_KEY", base64.urlsafe_b64encode(bytes(32)).decode())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(pace_file, "MACHINE", pace_file.FilePace())
    with FakePayt(contacts=1_200) as fake:
        monkeypatch.setenv("PAYT_TOKEN", fake.token)
        monkeypatch.setenv("PAYT_BASE_URL", fake.url)
        yield


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    fixtures=["documented_environment"],
    setup=lambda namespace: namespace.update(find_spec=find_spec),  # for code that needs what only the examples have
).pytest()
