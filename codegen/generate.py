"""Generate the client from the contract, or check that it is what the contract gives.

Run through `./generate.sh`, which makes the environment that this needs.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import baseline
import options
from changes import Change, changes_between
from contract import problems_of
from lint import invalid_in, lacking_in
from lists import problems_of_lists
from prepare import facts_of, prepare
from python_api import python_changes
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.\n"
WAY_OUT_OF_ONE_NAME = (
    "a schema described inside another is called after both, as `address` of `Contact` is ContactAddress. Move it to "
    "components/schemas under a name of its own, or rename the other"
)


def main() -> int:
    """Parse the arguments, generate, swap or compare, and say what changed."""
    parser = options.parser()
    arguments = parser.parse_args()
    if resources_beside(arguments.output) == arguments.output:
        parser.error(f"--output must name a package payt_api, as payt_resources is written beside: {arguments.output}")
    for output in (arguments.output, resources_beside(arguments.output)):
        if holds_others(output) and not arguments.check:
            parser.error(f"{output} holds what was not generated, and would be replaced: empty it, or name another")
    try:
        old, called = baseline.find(ROOT, arguments.against)
        document = read(arguments.contract)
        lacking = lacking_in(document)
        show_lacking(arguments.contract, lacking)
        if arguments.lint:
            return 1 if lacking else 0
        if arguments.check and not arguments.output.is_dir():
            print(f"{arguments.output} does not exist. Run ./generate.sh.")
            return 1
        with tempfile.TemporaryDirectory(prefix="payt-generate-") as folder:
            fresh = Path(folder) / "generated" / arguments.output.name
            fresh.parent.mkdir()
            generate(document, fresh)
            generate_resources(document, fresh)
            status = 1 if arguments.check and lacking else 0
            for output in (arguments.output, resources_beside(arguments.output)):
                if arguments.check:
                    status = compare(output, fresh.with_name(output.name)) or status
                else:
                    swap(fresh.with_name(output.name), output)
                    print(f"{output}: generated from {arguments.contract}")
            unannounced = report(old, called, document, Path(folder), quiet=arguments.check)
    except (GenerationError, baseline.NoSuchRevisionError) as error:
        print(f"{arguments.contract}: {error}", file=sys.stderr)
        return 2
    return status or (1 if unannounced and arguments.check else 0)


def show_lacking(contract: Path, lacking: list[str]) -> None:
    """Say what readers of the contract would miss; this stops scripts/check, and no generation."""
    if lacking:
        print(f"{contract}: to do before scripts/check passes:", file=sys.stderr)
        print("\n".join(f"  - {problem}" for problem in lacking), file=sys.stderr)


def report(
    old: baseline.Baseline | None, called: str, document: dict[str, Any], folder: Path, *, quiet: bool
) -> list[str]:
    """Print what changed since the baseline, and return what is missing for its breaking changes to be announced.

    Args:
        old: What to compare with; None where there is nothing.
        called: How to call it, or why there is nothing.
        document: The contract now.
        folder: Holds `generated/` as it is now; `before` is made in it.
        quiet: Whether to print nothing where nothing breaks.
    """
    if old is None:
        if not quiet:
            print(f"Changes: {called}.")
        return []
    before = old.text("openapi.yaml")
    changes = changes_between(parse(before), document) if before else [Change("openapi.yaml", "", "added")]
    (folder / "before").mkdir()
    old.extract(folder / "before", "wrapper/payt", "generated")
    shutil.copytree(ROOT / "wrapper/payt", folder / "wrapper/payt", ignore=shutil.ignore_patterns("__pycache__"))
    python = python_changes(folder / "before", folder)
    breaking = any(change.breaks for change in changes) or any(python.values())
    missing = []
    if breaking and old.judged:
        version, changelog = (
            path.read_text("utf-8") if path.exists() else ""
            for path in (ROOT / baseline.VERSION_FILE, ROOT / "CHANGELOG.md")
        )
        missing = baseline.announced(old.version, baseline.version_in(version), changelog)
    if quiet and not missing:
        return []
    print(f"Compared with {called}:")
    for change in changes:
        print(f"  {change}")
    if not changes:
        print("  the contract is the same")
    for line, breaks in python.items():
        print(f"  {'BREAKING' if breaks else ' ' * 8} Python   {line}")
    if breaking:
        print("Users' code breaks." if old.judged else "Users' code would break, if this had been released.")
    else:
        print("Users' code keeps working.")
    for line in missing:
        print(f"  - {line}")
    return missing


class GenerationError(Exception):
    """The contract cannot be turned into a client; the message names every reason."""


def read(contract: Path) -> dict[str, Any]:
    """The contract as a document of JSON.

    Raises:
        GenerationError: It cannot be read, is not valid OpenAPI, or would be misread.
    """
    try:
        document: dict[str, Any] = parse(contract.read_text("utf-8"))
    except DuplicateKeyError as error:
        raise GenerationError(f"cannot be read: {_twice(error)}") from None
    except (OSError, ValueError, YAMLError) as error:
        raise GenerationError(f"cannot be read: {error}") from None
    problems = problems_of(document) or [*problems_of_lists(document)]
    if problems:
        raise GenerationError("the generator would misread this contract:\n" + _list(problems))
    problems = invalid_in(document)
    if problems:
        raise GenerationError("this is not valid OpenAPI:\n" + _list(problems))
    return document


def _twice(error: DuplicateKeyError) -> str:
    """Which key stands twice, and where; the parser's own words have the values as it reads them."""
    key = re.sub(r'.*?duplicate key "(.*?)" with value.*', r"\1", str(error.problem), flags=re.DOTALL)
    again, within = (mark.line + 1 for mark in (error.problem_mark, error.context_mark))
    return f"line {again}: the key {key!r} stands twice among those from line {within} on: remove one of them"


def parse(text: str) -> Any:
    """YAML as JSON would have it: a date that YAML recognises is a text."""
    return json.loads(json.dumps(YAML(typ="safe").load(text), default=str))


def _list(problems: list[str]) -> str:
    return "\n".join(f"  - {problem}" for problem in problems)


def generate(document: dict[str, Any], output: Path) -> None:
    """Generate the package of a contract into `output`, which must not exist.

    Raises:
        GenerationError: The generator was not happy with it, or what it wrote would not work.
    """
    with tempfile.TemporaryDirectory(prefix="payt-contract-") as folder:
        prepared, templates = Path(folder) / "openapi.json", Path(folder) / "templates"
        prepared.write_text(json.dumps(prepare(document)), encoding="utf-8")
        shutil.copytree(ROOT / "codegen/templates", templates)
        facts = json.dumps(facts_of(document), ensure_ascii=False)  # which Jinja reads as well
        (templates / "facts.jinja").write_text(f"{{% set facts = {facts} %}}\n", encoding="utf-8")
        run_generator(prepared, templates, output)
    finish(output)
    verify(output)
    described = {"x-generated": HEADER.strip("# \n"), **document}
    (output / "openapi.json").write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def resources_beside(package: Path) -> Path:
    """Where the resources of a generated package are: beside it."""
    return package.with_name(package.name.replace("payt_api", "payt_resources"))


def generate_resources(document: dict[str, Any], package: Path) -> None:
    """Generate the typed methods for the lists of a contract, beside the package that was generated from it.

    Raises:
        GenerationError: They cannot be written.
    """
    output = resources_beside(package)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        run_here("resources.py", package, file.name, output)
    hooks: list[str] = parse((ROOT / "codegen/config.yaml").read_text("utf-8"))["post_hooks"]
    for hook in hooks:
        program, *options = hook.split()
        run_one([Path(sys.executable).with_name(program), *options], cwd=output)
    finish(output)


def finish(package: Path) -> None:
    """Head each module of a generated package with where it comes from, and mark the package as typed.

    Raises:
        GenerationError: A template wrote something that is not meant.
    """
    for path in sorted(package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if " object at 0x" in text:
            # A text of the contract that a template did not pass through one of the generator's filters.
            raise GenerationError(f"a template put the repr of an object into {path.relative_to(package)}")
        path.write_text(HEADER + text, encoding="utf-8")
    (package / "py.typed").write_text(HEADER, encoding="utf-8")


def run_generator(contract: Path, templates: Path, output: Path) -> None:
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
        templates,
    ]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    if run.returncode:
        said = run.stdout + run.stderr
        if twice := re.findall(r"(?:duplicate models with name \"|conflicting enums named )(\w+)", said):
            raise GenerationError(
                "two schemas would have one name in Python:\n"
                + _list([f"{name}: {WAY_OUT_OF_ONE_NAME}" for name in dict.fromkeys(twice)])
            )
        raise GenerationError(f"openapi-python-client refused it:\n{said}")


def verify(package: Path) -> None:
    """Import the package in a process of its own, and let msgspec judge each of its models.

    Raises:
        GenerationError: Something in it could not be imported, or neither read nor written.
    """
    run_here("verify.py", package)


def run_here(script: str, *arguments: str | Path) -> None:
    """Run a script of this folder that imports what was generated, in a process of its own.

    Raises:
        GenerationError: It found problems, or failed.
    """
    run_one([sys.executable, "-B", ROOT / "codegen" / script, *arguments])


def run_one(command: list[str | Path], cwd: Path | None = None) -> None:
    """Run a command on what was generated.

    Raises:
        GenerationError: It found problems, or failed.
    """
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)
    if run.returncode:
        problems = run.stdout.splitlines() or run.stderr.splitlines()[-1:]
        raise GenerationError("our templates cannot write this:\n" + _list(problems))


def compare(committed: Path, fresh: Path) -> int:
    """Print how `committed` differs from `fresh`; 0 where it does not, else 1."""
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


def holds_others(output: Path) -> bool:
    """Whether something is there that we did not make."""
    mark = output / "py.typed"
    is_ours = mark.is_file() and mark.read_text("utf-8", errors="replace") == HEADER
    return not is_ours and output.exists() and not (output.is_dir() and not any(output.iterdir()))


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
