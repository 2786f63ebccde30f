"""The hosted CI does nothing of its own: it calls scripts/, with actions that cannot change under it."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
JOBS: dict[str, Any] = yaml.safe_load(TEXT)["jobs"]


def test_every_step_calls_a_script_that_is_there() -> None:
    commands = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
    for command in commands:
        script = ROOT / command.split()[0]
        assert script.parent == ROOT / "scripts"
        assert os.access(script, os.X_OK), command
    called = {command.split()[0].removeprefix("scripts/") for command in commands}
    assert {"check", "test", "coverage", "test-wheel", "soak", "docs", "release"} <= called


def test_every_action_is_pinned_by_its_commit_and_says_its_version() -> None:
    uses = re.findall(r"uses: (.*)", TEXT)
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_it_may_only_read_and_ends_in_time() -> None:
    assert yaml.safe_load(TEXT)["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 60 for job in JOBS.values())
    checkouts = [step for job in JOBS.values() for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_the_versions_are_those_that_we_promise() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    promised = [re.fullmatch(r".* :: (3\.\d+)", classifier) for classifier in project["classifiers"]]
    assert JOBS["test"]["strategy"]["matrix"]["python"] == [found[1] for found in promised if found]
    assert {each["versions"] for each in JOBS["wheel"]["strategy"]["matrix"]["include"]} == {"lowest", "newest"}


def test_the_hooks_are_the_project_s_own() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    for hook in repos[0]["hooks"]:
        assert (ROOT / hook["entry"].split()[0]).exists(), hook["id"]
