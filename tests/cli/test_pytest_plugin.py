"""The fixtures that users get, in this process and as their tests get them; and docs/testing.md as a test file."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import payt
from payt.testing import FakePayt

ROOT = Path(__file__).parents[2]
# without the plugins that take seconds to import
LIGHT = [f"-pno:{name}" for name in ("cacheprovider", "hypothesispytest", "schemathesis", "pytest_cov", "xdist")]


def test_the_server_is_empty_and_the_environment_leads_to_it(fake_payt: FakePayt) -> None:
    assert fake_payt.contacts == []
    fake_payt.add(lastname="Jansen")
    with payt.Client() as client:
        assert client.base_url == fake_payt.url
        assert [contact.lastname for contact in client.contacts.list(administration_id="1")] == ["Jansen"]


@pytest.mark.fake_payt(contacts=3, administration_id="7")
def test_the_marker_says_how_it_is_made(payt_client: payt.Client, fake_payt: FakePayt) -> None:
    assert len(list(payt_client.contacts.list(administration_id="7"))) == 3


@pytest.mark.fake_payt(3, administration_id="7")
def test_the_marker_takes_the_number_of_contacts_by_itself(fake_payt: FakePayt) -> None:
    assert (len(fake_payt.contacts), fake_payt.administration_id) == (3, "7")


@pytest.mark.fake_payt(contacts=3)
def test_there_is_an_asynchronous_client(async_payt_client: payt.AsyncClient) -> None:
    async def count() -> int:
        async with async_payt_client as client:
            return len([contact async for contact in client.contacts.list(administration_id="1")])

    assert asyncio.run(count()) == 3


@pytest.mark.real_time
def test_no_attempt_waits(payt_client: payt.Client, fake_payt: FakePayt) -> None:
    fake_payt.fail(503, times=3, retry_after=60)
    began = time.monotonic()
    assert list(payt_client.contacts.list(administration_id="1")) == []
    assert time.monotonic() - began < 30


@pytest.fixture(params=[("http_proxy", "no_proxy"), ("HTTP_PROXY", "NO_PROXY")])
def proxy_from_outside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, exempt = request.param
    monkeypatch.setenv(proxy, "http://127.0.0.1:1")
    monkeypatch.setenv(exempt, "payt.example")


@pytest.mark.usefixtures("proxy_from_outside")
def test_no_proxy_stands_between(fake_payt: FakePayt, payt_client: payt.Client) -> None:
    assert list(payt_client.contacts.list(administration_id="1")) == []
    assert os.environ["no_proxy"] == "payt.example,127.0.0.1"
    assert len(fake_payt.requests) == 1


@pytest.fixture
def settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYT_CLIENT_ID", "a real one")


def test_other_settings_are_unset(settings_from_outside: None, fake_payt: FakePayt) -> None:
    assert {name for name in os.environ if name.startswith("PAYT_")} == {"PAYT_TOKEN", "PAYT_BASE_URL"}


def test_a_server_starts_in_under_50_milliseconds() -> None:
    took = []
    for _ in range(20):
        began = time.process_time()  # the processor's, which others do not add to
        with FakePayt(contacts=10_000) as fake:
            assert fake.url
            took.append(time.process_time() - began)
    assert min(took) < 0.05


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PAYT_", "PYTEST_", "COV_"))}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=ours,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_documentation_is_a_test_file(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/testing.md").read_text("utf-8"), flags=re.DOTALL)
    (tmp_path / "test_documented.py").write_text("\n\n".join(blocks))
    options = ["-q", "-W", "error", "--strict-markers", *LIGHT, "--rootdir", str(tmp_path)]
    result = run(f"import sys, pytest; sys.exit(pytest.main({options!r}))", tmp_path)
    assert "13 passed" in result.stdout, result.stdout + result.stderr
    assert result.returncode == 0


def test_payt_is_not_imported_before_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("import sys\ndef test(): assert 'payt' not in sys.modules")
    options = ["-q", *LIGHT, "--rootdir", str(tmp_path), "--fixtures"]
    program = (
        f"import sys, pytest; pytest.main({options!r}); print('payt' in sys.modules); "
        f"sys.exit(pytest.main({options[:-1]!r}))"
    )
    result = run(program, tmp_path)
    assert "fake_payt -- " in result.stdout
    assert "\nFalse\n" in result.stdout
    assert result.returncode == 0, result.stdout
