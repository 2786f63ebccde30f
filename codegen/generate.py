"""Generate the client from the contract, or check that it is what the contract gives.

Run through `./generate.sh`, which makes the environment that this needs.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from contract import operations_of, problems_of
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.\n"


def main() -> int:
    """Parse the arguments, generate, and swap or compare."""
    parser = argparse.ArgumentParser(prog="./generate.sh", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 and show the diff where they disagree"
    )
    parser.add_argument("--contract", type=Path, default=ROOT / "openapi.yaml", help="default: openapi.yaml")
    parser.add_argument("--output", type=Path, default=ROOT / "generated/payt_api", help="default: generated/payt_api")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="payt-generate-") as folder:
        fresh = Path(folder) / "payt_api"
        try:
            generate(arguments.contract, fresh)
        except GenerationError as error:
            print(f"{arguments.contract}: {error}", file=sys.stderr)
            return 2
        if arguments.check:
            return compare(arguments.output, fresh)
        swap(fresh, arguments.output)
    print(f"{arguments.output}: generated from {arguments.contract}")
    return 0


class GenerationError(Exception):
    """The contract cannot be turned into a client; the message names every reason."""


def generate(contract: Path, output: Path) -> None:
    """Generate the package of `contract` into `output`, which must not exist.

    Raises:
        GenerationError: The contract cannot be read or would be misread, or the generator was not happy with it.
    """
    try:
        document = YAML(typ="safe").load(contract)
    except (OSError, YAMLError) as error:
        raise GenerationError(f"cannot be read: {error}") from None
    problems = problems_of(document)
    if problems:
        raise GenerationError("the generator would misread this contract:\n" + "\n".join(f"  - {p}" for p in problems))
    with tempfile.TemporaryDirectory(prefix="payt-contract-") as folder:
        prepared = Path(folder) / "openapi.json"
        prepared.write_text(json.dumps(describe_parameters(document), default=str), encoding="utf-8")
        run_generator(prepared, output)
    for path in sorted(output.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if " object at 0x" in text:
            # A text of the contract that a template did not pass through one of the generator's filters.
            raise GenerationError(f"a template put the repr of an object into {path.relative_to(output)}")
        path.write_text(HEADER + text, encoding="utf-8")
    (output / "py.typed").write_text(HEADER, encoding="utf-8")


def describe_parameters(document: dict[str, Any]) -> dict[str, Any]:
    """The document with each parameter's description in its schema too: the generator reads it only there."""
    shared = document.get("components", {}).get("parameters", {}).values()
    for parameter in [*shared, *(p for _, _, parameters in operations_of(document) for p in parameters)]:
        if "schema" in parameter and "description" in parameter:
            parameter["schema"].setdefault("description", parameter["description"])
    return document


def run_generator(contract: Path, output: Path) -> None:
    """Run openapi-python-client; its warnings are errors, because each one means something left out."""
    bin_folder = Path(sys.executable).parent
    environment = {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",  # the post-hooks find our ruff
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    command: list[str | Path] = [
        bin_folder / "openapi-python-client",
        "generate",
        "--meta",
        "none",
        "--fail-on-warning",
    ]
    command += ["--path", contract.resolve(), "--output-path", output]
    command += [
        "--config",
        ROOT / "codegen/config.yaml",
        "--custom-template-path",
        ROOT / "codegen/templates",
    ]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    if run.returncode:
        raise GenerationError(f"openapi-python-client refused it:\n{run.stdout}{run.stderr}")


def compare(committed: Path, fresh: Path) -> int:
    """Print how `committed` differs from `fresh`; 0 where it does not, else 1."""
    if not committed.is_dir():
        print(f"{committed} does not exist. Run ./generate.sh.")
        return 1
    old, new = texts_in(committed), texts_in(fresh)
    for name in sorted(old.keys() | new.keys()):
        before, after = (texts.get(name, "").splitlines(keepends=True) for texts in (old, new))
        sys.stdout.writelines(difflib.unified_diff(before, after, f"committed/{name}", f"contract/{name}"))
        if name not in new:
            print(f"committed/{name} is not generated from the contract")
    if old == new:
        return 0
    print(f"\n{committed} is not what the contract gives. Run ./generate.sh and commit what changes.")
    return 1


def texts_in(folder: Path) -> dict[str, str]:
    """The text of each file below a folder, without what Python leaves beside its modules."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {str(path.relative_to(folder)): path.read_text("utf-8", errors="replace") for path in paths}


def swap(fresh: Path, output: Path) -> None:
    """Put `fresh` in the place of `output`: whole, with nothing stale left of the old one."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".payt-generate-", dir=output.parent) as beside:
        staged = Path(beside) / "new"
        shutil.copytree(fresh, staged)
        if output.exists():
            output.rename(Path(beside) / "old")
        staged.rename(output)


if __name__ == "__main__":
    sys.exit(main())
