"""./generate.sh: the same bytes everywhere, nothing stale, and `--check` that tells."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.generation import ROOT, Generate, operation, parameter, run_generate
from support.warm import run_generate_py

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


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_needs_nothing_that_must_be_installed_first(option: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "generate.sh", tmp_path)
    for folder in ("codegen", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    before = sorted(tmp_path.rglob("*"))
    result = subprocess.run(
        [tmp_path / "generate.sh", "--lint", option], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.startswith("usage: ./generate.sh [-h] [--check] [--lint] [--against REVISION]")
    assert (result.stderr, sorted(tmp_path.rglob("*"))) == ("", before)


@pytest.mark.soak
def test_the_bytes_do_not_depend_on_the_surroundings_and_nothing_stale_survives(tmp_path: Path) -> None:
    environment = {"LC_ALL": "nl_NL.ISO-8859-1", "LANG": "C", "PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu"}
    # A ruff configuration that would change every line, above the place that is generated into.
    (tmp_path / "ruff.toml").write_text('line-length = 40\n[format]\nquote-style = "single"\n')
    environment |= {"XDG_CONFIG_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    output = tmp_path / "beside/payt_api"
    shutil.copytree(COMMITTED.parent, output.parent)
    for stale in ("payt_api/stale.py", "payt_api/models/stale.py", "payt_resources/stale.py"):
        (output.parent / stale).touch()
    result = run_generate("--output", output, environment=environment)
    assert result.returncode == 0, result.stderr
    assert contents(output.parent) == contents(COMMITTED.parent)
    assert sorted(path.name for path in output.parent.iterdir()) == ["payt_api", "payt_resources"]


EDITED = ("payt_resources/contacts.py", "per_page: int = 500", "per_page: int = 50")


def test_check_shows_the_difference_and_changes_nothing(tmp_path: Path) -> None:
    output = tmp_path / "generated/payt_api"
    shutil.copytree(COMMITTED.parent, output.parent)
    for name, old, new in (("payt_api/models/contact.py", "gender: str", "gender: int"), EDITED):
        path = output.parent / name
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    (output / "stale.py").touch()
    before = contents(output.parent)
    result = run_generate_py(ROOT, "--check", "--output", output)
    assert result.returncode == 1
    assert "committed/stale.py is not generated from the contract" in result.stdout
    assert "-    gender: int | None = None" in result.stdout
    assert "+    gender: str | None = None" in result.stdout
    assert "-        per_page: int = 50,\n+        per_page: int = 500,\n" in result.stdout
    assert "Run ./generate.sh" in result.stdout
    assert contents(output.parent) == before


def test_check_notices_that_there_is_no_package(tmp_path: Path) -> None:
    result = run_generate_py(ROOT, "--check", "--output", tmp_path / "payt_api")
    assert result.returncode == 1
    assert "does not exist" in result.stdout


def test_an_output_of_another_name_would_be_overwritten_by_its_resources_and_is_refused(tmp_path: Path) -> None:
    result = run_generate_py(ROOT, "--output", tmp_path / "client")
    assert result.returncode == 2
    assert "--output must name a package payt_api" in result.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["payt_api", "payt_resources"])
def test_what_somebody_else_wrote_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.py").write_text("mine = True\n")
    (tmp_path / name / "py.typed").write_bytes(b"\xff")
    result = run_generate_py(ROOT, "--output", tmp_path / "payt_api")
    assert (result.returncode, sorted(tmp_path.rglob("*.py"))) == (2, [tmp_path / name / "mine.py"])
    assert f"{name} holds what was not generated, and would be replaced: empty it" in result.stderr


def test_every_file_says_that_it_is_generated_and_by_which_command() -> None:
    for name, content in contents(COMMITTED.parent).items():
        assert b"Generated from openapi.yaml by ./generate.sh" in content.partition(b"\n\n")[0][:100], name


def test_the_contract_comes_along_as_it_is() -> None:
    shipped = json.loads((COMMITTED / "openapi.json").read_text("utf-8"))
    assert "./generate.sh" in shipped.pop("x-generated")
    assert shipped == yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
    assert '"example"' in json.dumps(shipped)  # of which a fake server makes its records


def test_a_contract_that_would_be_misread_stops_the_generation(
    contract: dict[str, Any], generate: Generate, tmp_path: Path
) -> None:
    contract["components"]["schemas"]["Contact"]["properties"]["first-name"] = {"type": "string"}
    result = generate(contract)
    assert result.returncode == 2
    assert "components.schemas.Contact: property 'first-name' is not a Python name" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "generated").exists()


@pytest.mark.parametrize(
    ("inner", "named"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {}}),
        ({"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["b"]}),
    ],
    ids=["models", "enums"],
)
def test_two_schemas_of_one_name_are_named_with_the_way_out(
    inner: dict[str, Any], named: dict[str, Any], contract: dict[str, Any], generate: Generate
) -> None:
    schemas = contract["components"]["schemas"]
    schemas["Contact"]["properties"]["place"] = inner
    schemas["ContactPlace"] = named
    result = generate(contract)
    assert result.returncode == 2
    assert "  - ContactPlace: a schema described inside another is called after both, as" in result.stderr
    assert "openapi-python-client" not in result.stderr


@pytest.mark.parametrize("text", ["{", "- a\n- b\n"], ids=["broken", "list"])
def test_a_file_that_is_no_contract_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(text)
    result = run_generate_py(ROOT, "--contract", path, "--output", tmp_path / "payt_api")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_key_that_stands_twice_is_named_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text("openapi: 3.1.0\npaths:\n  /v1/a:\n    get: {}\n    post: {}\n    get: {}\n")
    result = run_generate_py(ROOT, "--contract", path, "--output", tmp_path / "payt_api")
    assert result.returncode == 2
    said = (
        f"{path}: cannot be read: line 6: the key 'get' stands twice among those from line 4 on: remove one of them\n"
    )
    assert result.stderr == said


def test_texts_of_the_contract_cannot_break_out_of_the_code(
    contract: dict[str, Any], generate: Generate, tmp_path: Path
) -> None:
    hostile = 'ends """ here \\ and {{ there }} \x00'.replace("\x00", "")
    contract["info"]["title"] = hostile
    contract["components"]["schemas"]["Contact"]["description"] = hostile
    contract["components"]["schemas"]["Contact"]["properties"]["gender"]["description"] = hostile
    contract["components"]["schemas"]["Contact"]["properties"]["odd"] = {
        "$ref": "#/components/schemas/Error",
        "description": hostile,
    }
    parameter(contract, "per_page")["description"] = parameter(contract, "ids")["description"] = hostile
    operation(contract)["summary"] = operation(contract)["description"] = hostile
    contract["tags"][1]["description"] = hostile
    assert generate(contract).returncode == 0
    for path in (tmp_path / "generated").rglob("*.py"):
        compile(path.read_text("utf-8"), path, "exec")


def test_a_deprecated_list_says_so_in_every_method(
    contract: dict[str, Any], generate: Generate, tmp_path: Path
) -> None:
    operation(contract)["deprecated"] = True
    assert generate(contract).returncode == 0
    resources = tmp_path / "generated/payt_resources"
    written = {tag: (resources / f"{tag}.py").read_text("utf-8") for tag in ("contacts", "administrations")}
    # list and list_many, for both kinds of client
    assert {tag: text.count("\n        Deprecated.\n") for tag, text in written.items()} == {
        "contacts": 4,
        "administrations": 0,
    }


def test_the_lock_of_the_generator_holds_what_is_asked_for_and_nothing_of_an_index() -> None:
    asked, locked = (
        [line for line in (ROOT / f"codegen/requirements.{kind}").read_text("utf-8").splitlines() if line[0] != "#"]
        for kind in ("in", "txt")
    )
    assert set(asked) <= set(locked)
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in locked)
    assert not any(line.startswith(("pip==", "setuptools==")) for line in locked)


def test_every_module_that_generates_is_asked_for_by_name() -> None:
    asked = (ROOT / "codegen/requirements.in").read_text("utf-8").lower().replace("griffelib", "griffe")
    for path in (ROOT / "codegen").glob("*.py"):
        for module in re.findall(r"^(?:from|import) (\w+)", path.read_text("utf-8"), re.MULTILINE):
            ours = (ROOT / f"codegen/{module}.py").exists() or module in sys.stdlib_module_names
            assert ours or module.replace("_", "-") in asked or f"{module}." in asked, (path, module)
