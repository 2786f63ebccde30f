"""The code in README.md and docs/ runs as tests, against a fake server that the environment names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from payt.testing import FakePayt


@pytest.fixture
def documented_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the documentation presumes: PAYT_TOKEN and PAYT_BASE_URL are set."""
    with FakePayt(contacts=1_200) as fake:
        monkeypatch.setenv("PAYT_TOKEN", fake.token)
        monkeypatch.setenv("PAYT_BASE_URL", fake.url)
        yield


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    fixtures=["documented_environment"],
).pytest()
