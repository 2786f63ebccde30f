"""Build a release: wheel and sdist, checked, and the same to the byte whenever it is built again.

Run through `scripts/release`, which makes the environment that this needs. Nothing is uploaded.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Refuse, or build into dist/."""
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems = disagreements(root)
    if problems:
        print("No release is built:", *(f"  - {problem}" for problem in problems), sep="\n", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="payt-release-") as folder:
        first, second = (build(root, Path(folder) / name) for name in ("first", "second"))
        if digests(first) != digests(second):
            print("Two builds of the same commit differ: no release.", file=sys.stderr)
            return 1
        subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *first], check=True)
        dist = root / "dist"
        shutil.rmtree(dist, ignore_errors=True)
        dist.mkdir()
        for path in first:
            shutil.copy2(path, dist)
    for name, digest in digests(first := sorted(dist.iterdir())).items():
        print(f"{digest}  dist/{name}")
    print("Upload with: twine upload " + " ".join(f"dist/{path.name}" for path in first))
    return 0


def disagreements(root: Path) -> list[str]:
    """Where version, tag, changelog and working copy disagree, a sentence each; empty where they agree."""
    found = re.search(r'__version__ = "([^"]+)"', (root / "wrapper/payt/_version.py").read_text("utf-8"))
    version = found[1] if found else ""
    problems = []
    tags = git(root, "tag", "--points-at", "HEAD").split()
    if f"v{version}" not in tags:
        having = f"it has {', '.join(tags)}" if tags else "it has none"
        problems.append(f"the commit has no tag v{version}, the version in wrapper/payt/_version.py ({having})")
    if git(root, "status", "--porcelain"):
        problems.append("the working copy holds changes that are in no commit")
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    sections = dict(re.findall(r"^## \[([^\]]+)\]([^\n]*\n.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE))
    heading, _, body = sections.get(version, "").partition("\n")
    if version not in sections:
        problems.append(f"CHANGELOG.md has no section [{version}]: make it from [Unreleased]")
    elif not re.fullmatch(r" - \d{4}-\d\d-\d\d", heading):
        problems.append(f"CHANGELOG.md: the section [{version}] has no date: `## [{version}] - 2026-11-23`")
    elif not re.search(r"^- ", body, re.MULTILINE):
        problems.append(f"CHANGELOG.md: the section [{version}] says nothing")
    if re.search(r"^- ", sections.get("Unreleased", ""), re.MULTILINE):
        problems.append(f"CHANGELOG.md: [Unreleased] holds what belongs to [{version}]")
    return problems


def build(root: Path, output: Path) -> list[Path]:
    """Wheel and sdist, with the time of the commit in place of the clock."""
    epoch = git(root, "log", "-1", "--format=%ct").strip()
    command: list[str | Path] = [sys.executable, "-m", "build", "--no-isolation", "--outdir", output, root]
    run = subprocess.run(
        command, env={**os.environ, "SOURCE_DATE_EPOCH": epoch}, capture_output=True, text=True, check=False
    )
    if run.returncode:
        sys.exit(f"the build failed:\n{run.stdout}{run.stderr}")
    return sorted(output.iterdir())


def digests(paths: list[Path]) -> dict[str, str]:
    """The SHA-256 of each file, by its name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def git(root: Path, *arguments: str) -> str:
    """What git says."""
    return subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
