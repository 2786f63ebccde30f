"""docs/contract.md is true: two more lists are added to a copy of the project, as it says, and used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

import pytest

from payt.testing import FakePayt
from support.generation import ROOT
from support.project import Project

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs/contract.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after the steps of the page."""
    project = Project(tmp_path_factory.mktemp("another-endpoint") / "project")
    paths, schemas = (text for language, text in BLOCKS if language == "yaml")
    project.edit("openapi.yaml", lambda text: text.replace("\ncomponents:\n", f"\n{paths}components:\n") + schemas)
    debtors, administrations, imports, sync, asynchronous, *_ = (text for language, text in BLOCKS if language == "py")
    (project.root / "wrapper/payt/debtors.py").write_text(debtors, "utf-8")
    (project.root / "wrapper/payt/administrations.py").write_text(administrations, "utf-8")

    def reach(text: str) -> str:
        head, *clients = text.split("\n    @property\n    def base_url", 2)
        assert len(clients) == 2
        head = head.replace("\nfrom .contacts import", f"\n{imports}from .contacts import")
        return "\n    @property\n    def base_url".join([head + sync, clients[0] + asynchronous, clients[1]])

    project.edit("wrapper/payt/client.py", reach)
    generated = project.generate()
    assert generated.returncode == 0, generated.stderr
    assert generated.stderr == ""  # nothing is lacking
    return project


def run(project: Project, script: str, fake: FakePayt) -> str:
    """Run a script against the project."""
    paths = [project.root / "wrapper", project.root / "generated", ROOT / "tests"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    environment |= {"PAYT_TOKEN": fake.token, "PAYT_BASE_URL": fake.url}
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


PAGES = [
    {
        "data": [
            {
                "id": 1,
                "status": "on-hold",
                "since": "2020-02-29",
                "address": {"city": "Den Haag"},
                "labels": [{"name": "vip"}, {}],
                "contacts": [{"id": "7"}],
            }
        ],
        "pagination": {"cursor": "1"},
    },
    {"data": [{"id": "2", "address": {"city": "Ede", "planet": "Earth"}}], "pagination": {"cursor": None}},
]


def test_what_is_added_is_listed_by_both_clients(project: Project) -> None:
    with FakePayt() as fake:
        for page in [*PAGES, *PAGES]:
            fake.answer(page, path="/v1/debtors")
        fake.answer({"data": [{"id": "1", "name": "Bakkerij"}]}, path="/v1/administrations", times=2)
        run(
            project,
            """
            import asyncio, datetime, payt
            from payt_api.models import Address, Administration, Contact, Debtor, DebtorStatus, Label

            expected = [
                Debtor(
                    id="1", status=DebtorStatus.ON_HOLD, since=datetime.date(2020, 2, 29), contacts=[Contact(id="7")],
                    address=Address(city="Den Haag"), labels=[Label(name="vip"), Label()],
                ),
                Debtor(id="2", address=Address(city="Ede")),
            ]
            chosen = dict(
                administration_id="1", numbers=["D1", "D2"], status="on-hold",
                since=datetime.date(2020, 1, 1), per_page=1,
            )
            with payt.Client() as client:
                assert list(client.debtors.list(**chosen)) == expected
                assert list(client.administrations.list()) == [Administration(id="1", name="Bakkerij")]

            async def main():
                async with payt.AsyncClient() as client:
                    assert [debtor async for debtor in client.debtors.list(**chosen)] == expected
                    assert [each async for each in client.administrations.list()] == [
                        Administration(id="1", name="Bakkerij")
                    ]

            asyncio.run(main())
            """,
            fake,
        )
        debtors = [dict(request.query) for request in fake.requests if request.path == "/v1/debtors"]
        first = {
            "administration_id": "1",
            "numbers": "D1,D2",
            "status": "on-hold",
            "since": "2020-01-01",
            "per_page": "1",
        }
        assert debtors == [first, {**first, "cursor": "1"}] * 2


def test_wrong_arguments_and_errors_are_those_of_every_list(project: Project) -> None:
    with FakePayt() as fake:
        fake.answer(PAGES[0], path="/v1/debtors")
        fake.answer({"code": "forbidden", "message": "No"}, status=403, path="/v1/debtors")
        printed = run(
            project,
            """
            import payt

            with payt.Client() as client:
                for wrong in ({"status": "gone"}, {"since": "soon"}, {"numbers": ["a,b"]}, {"per_page": 501}):
                    try:
                        client.debtors.list(administration_id="1", **wrong)
                    except (TypeError, ValueError) as error:
                        print(error)
                try:
                    list(client.debtors.list(administration_id="1"))
                except payt.PermissionDeniedError as error:
                    print(error.cursor)
            """,
            fake,
        )
    assert [line.partition(":")[0] for line in printed.splitlines()] == [
        "status must be one of 'active', 'on-hold', got 'gone'",
        "since must be a date, got str",
        "numbers",
        "per_page must be 1 to 500, got 501",
        "1",
    ]


def test_no_parameter_is_forgotten(project: Project) -> None:
    with FakePayt() as fake:
        printed = run(
            project,
            f"""
            import payt, yaml
            from support.signatures import drift

            contract = yaml.safe_load(open({str(project.root / "openapi.yaml")!r}, encoding="utf-8"))
            print(drift(payt.Client(), contract), drift(payt.AsyncClient(), contract))
            """,
            fake,
        )
    assert printed.strip() == "[] []"
