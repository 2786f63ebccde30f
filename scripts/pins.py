"""Write down which Pythons each pinned package takes, as its index says.

Run through `scripts/pins`, which makes the environment that this needs. Installs nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = [*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "codegen/requirements.txt"]
TABLE = ROOT / "requirements/requires-python.tsv"


def main() -> None:
    """Ask pip, which downloads what it needs to know, and write the table."""
    rows = set()
    for path in FILES:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--dry-run", "--ignore-installed", "--no-deps", "--report", "-", "--requirement", str(path)]
        report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        for package in report["install"]:
            metadata = package["metadata"]
            rows.add((f"{canonical(metadata['name'])}=={metadata['version']}", metadata.get("requires_python") or ""))
    TABLE.write_text("".join(f"{pin}\t{pythons}\n" for pin, pythons in sorted(rows)), "utf-8")


def canonical(name: str) -> str:
    """A package's name, as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
