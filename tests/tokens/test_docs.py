"""What docs/tokens.md shows and cannot run by itself: a browser would open."""

from __future__ import annotations

import re
import shlex
import threading
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

import payt
from payt.cli.app import app
from payt.testing import FakePayt

TEXT = (Path(__file__).parents[2] / "docs" / "tokens.md").read_text()


def test_the_login_of_the_documentation_logs_in(
    monkeypatch: pytest.MonkeyPatch, own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r'<!--- skip: next "opens a browser" -->\n\n```python\n(.*?)```', TEXT, flags=re.DOTALL)
    with FakePayt(client_id="client id", client_secret="client secret") as fake:

        def browse(address: str) -> None:
            def follow() -> None:
                location = httpx.get(address, trust_env=False, timeout=60, verify=False).headers["Location"]
                httpx.get(location, trust_env=False, timeout=60, verify=False)

            threading.Thread(target=follow).start()

        monkeypatch.setattr("webbrowser.open", browse)
        monkeypatch.setenv("PAYT_BASE_URL", fake.url)
        exec(block, {"payt": payt})
        assert fake.oauth.exchanges == 1
    assert capsys.readouterr().out.startswith("contacts:read ")
    assert len(list(own_folder.glob("*.json"))) == 1


COMMANDS = [
    line.removeprefix("$ ").partition("#")[0]
    for block in re.findall(r"```console\n(.*?)```", TEXT, flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ payt ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_documentation_exist(command: str) -> None:
    _payt, name, *options = shlex.split(command)
    result = CliRunner().invoke(app, [name, *options, "--help"])
    assert result.exit_code == 0


def test_the_environment_of_the_documentation_is_the_one_that_is_read() -> None:
    code = "".join(path.read_text() for path in Path(payt.__file__).parent.rglob("*.py"))
    for name in re.findall(r"PAYT_[A-Z_]+", TEXT):
        assert name in code
