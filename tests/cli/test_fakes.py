"""`payt demo` and `payt serve-fake`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
import webbrowser
from pathlib import Path
from typing import Any

import httpx
import pytest

import payt
from payt.cli import demo as demo_module
from payt.testing import FakePayt


@pytest.fixture(autouse=True)
def browsers_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo brings a browser of its own, for as long as its process lives."""
    webbrowser.register("none", None, webbrowser.GenericBrowser("false"))
    monkeypatch.setattr(webbrowser, "_tryorder", list(webbrowser._tryorder))  # type: ignore[attr-defined]
    monkeypatch.setattr(webbrowser, "_browsers", dict(webbrowser._browsers))  # type: ignore[attr-defined]


def test_the_demo_shows_each_command_and_what_it_says(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYT_ENV", "demo")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # which is another machine
    before = dict(os.environ)
    result = payt_command("demo", "--contacts", 60)
    assert result.exit_code == 0
    for step in demo_module.STEPS:
        assert f"\n$ payt {' '.join(step)}\n" in result.stdout
    assert "60 contacts in 1 page, " in result.stderr
    assert "\n5\tD10005\tNoël\t\tCoëlho\t's-Hertogenbosch\n" in result.stdout
    assert "60 contacts, " in result.stdout
    assert "Logged in to http://127.0.0.1:" in result.stdout
    assert list(folder.iterdir()) == []
    assert Path.cwd() == folder
    assert dict(os.environ) == before
    assert fake.requests == []


def test_the_demo_ends_with_the_first_command_that_fails(payt_command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_module, "STEPS", (("contacts", "list", "-a", "2"), ("contacts", "list", "-a", "1")))
    result = payt_command("demo")
    assert result.exit_code == 1
    assert "403" in result.stderr
    assert "-a 1" not in result.stdout


def test_without_the_test_kit_the_extra_is_named(payt_command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("payt.testing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "werkzeug", None)
    monkeypatch.setitem(sys.modules, "werkzeug.wrappers", None)
    for command in ("demo", "serve-fake"):
        result = payt_command(command)
        assert result.exit_code == 2
        assert "payt.testing needs werkzeug" in result.stderr


def test_other_tools_can_ask_the_fake_and_log_in_to_it(environment: dict[str, str], folder: Path) -> None:
    command = [sys.executable, "-m", "payt.cli", "serve-fake", "--contacts", "30", "--port", "0", "-a", "6,7"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-3]
        settings = dict(pair.split("=", 1) for pair in process.stdout.readline().split()[1:])
        headers = {"authorization": f"Bearer {settings['PAYT_TOKEN']}"}
        request = urllib.request.Request(f"{address}?administration_id=7&per_page=500", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert len(json.load(answer)["data"]) == 30
        application = dict(pair.split("=", 1) for pair in process.stdout.readline().split()[4:])
        token = payt.login(
            application["PAYT_CLIENT_ID"],
            application["PAYT_CLIENT_SECRET"],
            base_url=settings["PAYT_BASE_URL"],
            app_url=settings["PAYT_APP_URL"],
            store=payt.MemoryTokenStore(),
            ask=lambda page: httpx.get(page, trust_env=False).headers["Location"],
        )
        assert token.refresh_token
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


def test_it_serves_until_ctrl_c(payt_command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("payt.cli.serve.sleep", interrupted)
    result = payt_command("serve-fake", "--port", 0)
    assert result.exit_code == 0
    assert result.stdout.startswith("1,000 contacts of administration 1 at http://127.0.0.1:")
    result = payt_command("serve-fake", "--port", 0, "-a", "1,2", "-a", 3)
    assert result.stdout.startswith("1,000 contacts of each of the administrations 1, 2, 3 at http://127.0.0.1:")


def test_a_taken_port(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("serve-fake", "--port", fake.url.rpartition(":")[2])
    assert result.exit_code == 1
    assert "Address already in use" in result.stderr
