"""A program that PyInstaller has packed lists as any other does."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from payt.testing import FakePayt

PROGRAM = """
import sys
import payt
from payt.contract import contract

assert contract()["paths"]
with payt.Client(sys.argv[2], base_url=sys.argv[1]) as client:
    print(len(list(client.contacts.list(administration_id="1"))), len(list(client.administrations.list())))
"""


def test_its_hook_names_the_contract_and_all_generated_modules() -> None:
    found = importlib.metadata.entry_points(group="pyinstaller40", name="hook-dirs")
    (entry,) = [each for each in found if each.value.startswith("payt.")]
    (folder,) = (Path(path) for path in entry.load()())
    (hook,) = folder.glob("hook-*.py")
    said = runpy.run_path(str(hook))
    ((contract, place),) = said["datas"]
    assert Path(contract).is_file()
    assert place == "payt_api"
    assert {"payt_api.api.contacts.list_contacts", "payt_resources.contacts"} <= {*said["hiddenimports"]}
    for name in said["hiddenimports"]:
        importlib.import_module(name)


@pytest.mark.skipif(not importlib.util.find_spec("PyInstaller"), reason="PyInstaller is not installed here")
def test_a_packed_program_lists(tmp_path: Path, fake: FakePayt) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    build = [sys.executable, "-m", "PyInstaller", "--onedir", "--noconfirm", "--log-level=ERROR", "program.py"]
    subprocess.run(build, cwd=tmp_path, check=True, timeout=600)
    command = [str(tmp_path / "dist/program/program"), fake.url, fake.token]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("12 1\n", "")
