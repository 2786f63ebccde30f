"""./generate.sh: the same bytes everywhere, nothing stale, and `--check` that tells."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.generation import ROOT, Generate, run_generate

COMMITTED = ROOT / "generated/payt_api"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_committed_package_is_what_the_contract_gives() -> None:
    result = run_generate("--check")
    assert (result.returncode, result.stdout) == (0, ""), result.stdout


def test_the_bytes_do_not_depend_on_the_surroundings_and_nothing_stale_survives(tmp_path: Path) -> None:
    environment = {"LC_ALL": "nl_NL.ISO-8859-1", "LANG": "C", "PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu"}
    # A ruff configuration that would change every line, above the place that is generated into.
    (tmp_path / "ruff.toml").write_text('line-length = 40\n[format]\nquote-style = "single"\n')
    environment |= {"XDG_CONFIG_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    output = tmp_path / "beside/payt_api"
    shutil.copytree(COMMITTED, output)
    (output / "stale.py").touch()
    (output / "models/stale.py").touch()
    result = run_generate("--output", output, environment=environment)
    assert result.returncode == 0, result.stderr
    assert contents(output) == contents(COMMITTED)
    assert [path.name for path in output.parent.iterdir()] == ["payt_api"]


def test_check_shows_the_difference_and_changes_nothing(tmp_path: Path) -> None:
    output = tmp_path / "payt_api"
    shutil.copytree(COMMITTED, output)
    edited = output / "models/contact.py"
    edited.write_text(edited.read_text("utf-8").replace("gender: str", "gender: int"), "utf-8")
    (output / "stale.py").touch()
    before = contents(output)
    result = run_generate("--check", "--output", output)
    assert result.returncode == 1
    assert "committed/stale.py is not generated from the contract" in result.stdout
    assert "-    gender: int | None = None" in result.stdout
    assert "+    gender: str | None = None" in result.stdout
    assert "Run ./generate.sh" in result.stdout
    assert contents(output) == before


def test_check_notices_that_there_is_no_package(tmp_path: Path) -> None:
    result = run_generate("--check", "--output", tmp_path / "payt_api")
    assert result.returncode == 1
    assert "does not exist" in result.stdout


def test_every_file_says_that_it_is_generated_and_by_which_command() -> None:
    for name, content in contents(COMMITTED).items():
        assert b"Generated from openapi.yaml by ./generate.sh" in content.partition(b"\n\n")[0][:100], name


def test_the_contract_comes_along_without_its_examples() -> None:
    shipped = json.loads((COMMITTED / "openapi.json").read_text("utf-8"))
    contract = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
    assert shipped["components"]["schemas"] == contract["components"]["schemas"]
    assert shipped["paths"].keys() == contract["paths"].keys()
    assert '"example"' not in json.dumps(shipped)


def test_a_contract_that_would_be_misread_stops_the_generation(
    contract: dict[str, Any], generate: Generate, tmp_path: Path
) -> None:
    contract["components"]["schemas"]["Contact"]["properties"]["first-name"] = {"type": "string"}
    result = generate(contract)
    assert result.returncode == 2
    assert "components.schemas.Contact: property 'first-name' is no Python name" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "generated").exists()


@pytest.mark.parametrize("text", ["{", "- a\n- b\n"], ids=["broken", "list"])
def test_a_file_that_is_no_contract_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(text)
    result = run_generate("--contract", path, "--output", tmp_path / "payt_api")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_texts_of_the_contract_cannot_break_out_of_the_code(
    contract: dict[str, Any], generate: Generate, tmp_path: Path
) -> None:
    hostile = 'ends """ here \\ and {{ there }} \x00'.replace("\x00", "")
    contract["info"]["title"] = hostile
    contract["components"]["schemas"]["Contact"]["description"] = hostile
    contract["components"]["schemas"]["Contact"]["properties"]["gender"]["description"] = hostile
    contract["paths"]["/v1/contacts"]["get"]["parameters"][6]["description"] = hostile
    contract["paths"]["/v1/contacts"]["get"]["summary"] = hostile
    assert generate(contract).returncode == 0
    for path in (tmp_path / "generated").rglob("*.py"):
        compile(path.read_text("utf-8"), path, "exec")


def test_the_lock_of_the_generator_holds_what_is_asked_for_and_nothing_of_an_index() -> None:
    asked, locked = (
        [line for line in (ROOT / f"codegen/requirements.{kind}").read_text("utf-8").splitlines() if line[0] != "#"]
        for kind in ("in", "txt")
    )
    assert set(asked) <= set(locked)
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in locked)
    assert not any(line.startswith(("pip==", "setuptools==")) for line in locked)


def test_every_module_that_generates_is_asked_for_by_name() -> None:
    asked = (ROOT / "codegen/requirements.in").read_text("utf-8").replace("griffelib", "griffe")
    for path in (ROOT / "codegen").glob("*.py"):
        for module in re.findall(r"^(?:from|import) (\w+)", path.read_text("utf-8"), re.MULTILINE):
            ours = (ROOT / f"codegen/{module}.py").exists() or module in sys.stdlib_module_names
            assert ours or module.replace("_", "-") in asked or f"{module}." in asked, (path, module)
