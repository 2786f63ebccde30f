"""A new list costs no line by hand: lists of other shapes join a copy of the contract, and everything works on them."""

from __future__ import annotations

import re
import shlex
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.generation import ROOT
from support.project import Project

PAGE = (ROOT / "docs/contract.md").read_text("utf-8")
MORE: list[dict[str, Any]] = [
    yaml.safe_load((Path(__file__).parent / "more_lists.yaml").read_text("utf-8")),
    *map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)),
]
NAMES = ("currencies", "debtors", "invoices", "invoices.deleted", "notes", "vat_rates")


def add_lists(document: dict[str, Any]) -> None:
    """Add what more_lists.yaml describes, and what docs/contract.md has as an example."""
    for more in MORE:
        document["tags"] += more["tags"]
        document["paths"] |= more["paths"]
        for kind, described in more["components"].items():
            document["components"][kind] |= described


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, its contract edited and ./generate.sh run: nothing else."""
    folder = tmp_path_factory.mktemp("more-lists") / "project"
    more = ("benchmarks", "conftest.py", "docs", "examples", "pyproject.toml", "scripts", "tests", ".gitignore")
    project = Project(folder, *more)
    project.commit(tag="v0.1.0")
    project.edit_contract(add_lists)
    generated = project.generate()
    assert generated.returncode == 0, generated.stderr
    assert generated.stderr == ""  # nothing is lacking
    assert "added    GET /v1/companies/{company_id}/vat_rates" in generated.stdout
    assert "BREAKING" not in generated.stdout
    assert "tags" not in generated.stdout
    return project


def test_nothing_but_the_contract_and_what_is_generated_has_changed(project: Project) -> None:
    changed = [line[3:] for line in project.git("status", "--porcelain", "--untracked-files=all").splitlines()]
    assert {name.partition("/")[0] for name in changed} == {"openapi.yaml", "generated"}
    assert {
        f"generated/payt_resources/{tag}.py" for tag in ("currencies", "debtors", "invoices", "notes", "vat_rates")
    } <= {*changed}
    checked = project.generate("--check")
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr


USED = """
    import datetime, inspect, json, subprocess, sys, os
    import payt
    from payt.testing import FakePayt
    from payt_api.api.vat_rates import list_vat_rates
    from payt_api.models import Invoice, InvoiceDebtor, InvoiceLine, InvoiceStatusType0 as Status
    from payt_resources import LISTS
    from payt_resources.invoices import LIST, Invoices

    def payt_command(*arguments, code=0):
        command = [sys.executable, "-m", "payt.cli", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    print(*LISTS)
    with FakePayt(administration_id="1", records=dict.fromkeys(LISTS, 3)) as fake:
        environment = {**os.environ, "PAYT_TOKEN": fake.token, "PAYT_BASE_URL": fake.url}
        with payt.Client(fake.token, base_url=fake.url) as client:
            only = {"invoice_numbers": ["F2026-0100"], "fields": ["memo", "status"]}
            [invoice] = client.invoices.list(administration_id="1", **only)
            assert invoice == Invoice(id=invoice.id, memo="x", status=Status.OPEN), invoice
            [first, *_] = client.invoices.list(administration_id="1", order="due_on_asc", paid=False)
            assert first.debtor == InvoiceDebtor(id="9", names=[InvoiceLine(label="A")])
            assert (first.amount, first.due_on, first.memo) == ("121.00", datetime.date(2026, 11, 1), None)
            [*deleted] = client.invoices.deleted(administration_id="1", deleted_after="2020-01-01T00:00:00Z")
            assert len(deleted) == 3
            asked = {"company_id": 7, "open": False, "name": "De Vries", "type": "A"}
            [*rates] = client.vat_rates.list(**asked)
            assert [each.id for each in rates] == [1, 2, 3]
            assert rates == client.call(list_vat_rates, **asked).data
            some = fake.records("currencies").keys[:2]
            assert [each.code for each in client.currencies.list(codes=some)] == some
            assert [each.notes for each in client.debtors.list(administration_id="1", status="active")] == [None] * 3
            for wrong in ({"order": "none"}, {"due_on": "soon"}, {"per_page": 251}, {"debtor_ids": ["a,b"]}):
                try:
                    client.invoices.list(administration_id="1", **wrong)
                except ValueError as error:
                    print(error)
        key = fake.records("debtors").keys[1]
        rates_of = ("--company-id", "7", "--no-open", "--name", "x", "--level", "2")
        print(payt_command("vat-rates", "list", *rates_of, "--limit", "1"), end="")
        assert json.loads(payt_command("debtors", "show", "-a", "1", key, "--json"))["id"] == key
        print(payt_command("invoices", "list", "-a", "1", "--statuses", "open", "--columns", "id,amount"), end="")
        print(payt_command("invoices", "deleted", "list", "-a", "1", "--deleted-after", "2020-01-01T00:00:00Z"), end="")
        assert "Missing option '--deleted-after'" in payt_command("invoices", "deleted", "list", "-a", "1", code=2)
        print(payt_command("currencies", "sync", "--to", f"sqlite:///{sys.argv[1]}").partition(";")[0])
    assert LIST.columns == ("id", "administration_id", "invoice_number", "amount", "paid", "status", "due_on")
    text = inspect.getdoc(Invoices.list)
    assert "Sent only when `fields` names them: memo." in text
    assert "due_on: Only invoices due on this day." in text
    assert "paid: Whether they are paid. Deprecated." in text
    assert "Sent only when asked for with `fields`." in inspect.getdoc(Invoice)
    assert "city: Deprecated. Where the debtor is." in inspect.getdoc(InvoiceDebtor)
"""


def test_they_are_listed_shown_and_copied(project: Project, tmp_path: Path) -> None:
    used = project.run("-c", textwrap.dedent(USED), tmp_path / "copy.db")
    assert used.returncode == 0, used.stderr
    names, *printed = used.stdout.splitlines()
    assert names == "administrations contacts currencies debtors invoices invoices.deleted notes vat_rates"
    assert [re.split(r"[ :]", line)[0] for line in printed[:4]] == ["order", "due_on", "per_page", "debtor_ids"]
    assert printed[4:6] == ["id\trate\tcategory", "1\t21.0\tregular"]
    assert printed[6:10] == ["id\tamount", "1\t121.00", "2\t121.00", "3\t121.00"]
    assert printed[10] == "id\tinvoice_number\tdeleted_at"
    assert [row.partition("\t")[0] for row in printed[11:14]] == ["1", "2", "3"]
    assert printed[14:] == ["3 inserted, 0 updated, 0 unchanged, 0 deleted"]


OWNED = """
    import csv, json, os, pathlib, sqlite3, subprocess, sys
    import payt, pyarrow.parquet
    from payt.testing import FakePayt
    from payt_api.models import Note

    folder = pathlib.Path(sys.argv[1])
    with FakePayt(administration_id="1", records={"notes": 2}) as fake:
        fake.add_administration("77", records={"notes": [{"id": 5, "administration_id": None, "pinned": False}]})
        environment = {**os.environ, "PAYT_TOKEN": fake.token, "PAYT_BASE_URL": fake.url}

        def payt_command(*arguments):
            command = [sys.executable, "-m", "payt.cli", "notes", *arguments]
            return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

        rows = [
            {"administration_id": "1", "id": 1, "pinned": True},
            {"administration_id": "1", "id": 2, "pinned": True},
            {"administration_id": "77", "id": 5, "pinned": False},
        ]
        payt_command("export", "-a", "1,77", "-o", folder / "notes.jsonl")
        assert [json.loads(line) for line in (folder / "notes.jsonl").open()] == rows
        payt_command("export", "-a", "1,77", "-o", folder / "notes.csv")
        assert (folder / "notes.csv").read_text().split()[0] == "administration_id,id,pinned"
        payt_command("export", "-a", "1,77", "-o", folder / "notes.parquet")
        assert pyarrow.parquet.read_table(folder / "notes.parquet").to_pylist() == rows
        only = payt_command("list", "-a", "1,77", "--fields", "administration_id")
        assert only.split() == ["administration_id", "1", "1", "77"]
        assert payt_command("list", "-a", "1,77").splitlines()[0] == "administration_id\tid\tpinned"
        with payt.Client(fake.token, base_url=fake.url) as client:
            pager = client.notes.list_many(administration_ids=["1", "77"])
            assert sorted(pager.to_arrow().read_all().to_pylist(), key=lambda row: row["id"]) == rows
            database = f"sqlite:///{folder / 'copy.db'}"
            for run in range(2):
                payt.sync(client, ["1", "77"], database, resource="notes")
            found = sqlite3.connect(folder / "copy.db").execute("SELECT administration_id, id, pinned FROM notes")
            assert sorted(found) == [("1", "1", 1), ("1", "2", 1), ("77", "5", 0)]
            # alone, a record says what it said
            [*alone] = client.notes.list(administration_id="77")
            assert alone == [Note(id=5, administration_id=None, pinned=False)]
            own = client.notes.list(administration_id="1").to_arrow().read_all()
            assert own.to_pylist() == [{"id": each, "administration_id": 1, "pinned": True} for each in (1, 2)]
        payt_command("export", "-a", "1", "-o", folder / "alone.csv")
        head, first, _ = csv.reader((folder / "alone.csv").open())
        assert (head, first) == (["id", "administration_id", "pinned"], ["1", "1", "true"])
"""


def test_an_administration_that_records_name_too_is_written_once(project: Project, tmp_path: Path) -> None:
    used = project.run("-c", textwrap.dedent(OWNED), tmp_path)
    assert used.returncode == 0, used.stderr


@pytest.mark.soak
@pytest.mark.parametrize(
    "suite",
    ["tests/test_every_list.py", "tests/cli/test_every_list.py", "tests/sql/test_every_list.py", "tests/testing"],
)
def test_every_list_passes_what_every_list_has_to_pass(project: Project, suite: str) -> None:
    run = project.run("-m", "pytest", "-v", "-p", "no:cacheprovider", suite)
    assert run.returncode == 0, run.stdout
    passed = [line for line in run.stdout.splitlines() if line.startswith(suite) and "PASSED" in line]
    assert passed
    for name in NAMES if "every_list" in suite else ():
        if "sql" not in suite or name in ("currencies", "debtors", "invoices", "notes"):
            assert any(re.search(rf"[\[-]{re.escape(name)}[\]-]", line) for line in passed), name


@pytest.mark.soak
def test_what_scripts_check_judges_is_right(project: Project) -> None:
    judges = re.findall(r"^\.venv/bin/[^|\n]+", (ROOT / "scripts/check").read_text("utf-8"), re.MULTILINE)
    assert {shlex.split(each)[0] for each in judges} == {
        f".venv/bin/{name}" for name in ("ruff", "mypy", "basedpyright", "lint-imports")
    }
    (project.root / ".venv").symlink_to(sys.prefix)
    try:
        runs = [project.command(*shlex.split(judge)) for judge in judges]
    finally:
        (project.root / ".venv").unlink()
    assert [run.stdout + run.stderr for run in runs if run.returncode] == []
