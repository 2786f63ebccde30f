"""The examples, run against the fake server."""

from __future__ import annotations

import asyncio
import configparser
import datetime
import importlib.util
import itertools
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pyarrow.parquet
import pytest
from click.testing import CliRunner
from sql.truth import Query, rows, truth

import payt
from payt import incremental
from payt.cli.app import app
from payt.testing import CONTACT_FIELDS, FakePayt, skip_waits

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDED = "needs requirements/examples.txt: run scripts/test-examples"


@pytest.fixture(autouse=True)
def connected(fake: FakePayt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAYT_TOKEN", fake.token)
    monkeypatch.setenv("PAYT_BASE_URL", fake.url)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # functions are pickled by its name
    spec.loader.exec_module(module)
    return module


def test_workers_in_processes(fake: FakePayt) -> None:
    fake.add_administration("2", 5)
    assert example("workers").main(["1", "2"]) == {"1": 12, "2": 5}


def test_the_airflow_task(fake: FakePayt, sqlite: str, query_sqlite: Query) -> None:
    summary = example("airflow_dag").sync_contacts(["1"], sqlite)
    assert summary == {"inserted": 12, "updated": 0, "unchanged": 0, "deleted": 0}
    assert rows(query_sqlite) == truth(fake)


def test_airflow_loads_the_dag(tmp_path: Path) -> None:
    pytest.importorskip("airflow", reason=NEEDED)
    program = """
import sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
print(bag.import_errors, [(dag.dag_id, task.task_id, task.retries) for dag in bag.dags.values() for task in dag.tasks])
"""
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    command = [sys.executable, "-c", program, str(EXAMPLES / "airflow_dag.py")]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "{} [('payt_contacts', 'sync_contacts', 3)]" in run.stdout, run.stdout + run.stderr


@pytest.mark.parametrize("file", ["systemd/payt-sync.service", "crontab"])
def test_the_commands_of_timers(fake: FakePayt, sqlite: str, query_sqlite: Query, file: str) -> None:
    text = (EXAMPLES / file).read_text("utf-8")
    if file == "crontab":
        line = text.rpartition("$(")[2].partition(" 2>")[0]
    else:
        unit = configparser.ConfigParser(interpolation=None, strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
        unit.read_string(text)
        line = unit["Service"]["ExecStart"].removeprefix("/usr/local/bin/")
    words = [word for word in shlex.split(line)[1:] if not word.startswith("sqlite:")]
    words = [word for word in words if word != "--to"]
    assert app.name == "payt"
    result = CliRunner().invoke(app, [*words, "--to", sqlite])
    assert result.exit_code == 0, result.output
    assert rows(query_sqlite) == truth(fake)


@pytest.mark.parametrize("trouble", ["none", "once", "always"])
def test_the_crontab_writes_what_cron_mails_only_where_a_run_failed(
    fake: FakePayt, tmp_path: Path, trouble: str
) -> None:
    line = (EXAMPLES / "crontab").read_text("utf-8").splitlines()[-1].removeprefix("0 6 * * * ")
    (tmp_path / "env").write_text(f"PAYT_DATABASE_URL='sqlite:///{tmp_path}/contacts.db'\n", "utf-8")
    line = line.replace("/etc/payt-sync.env", f"{tmp_path}/env")
    line = line.replace("/usr/local/bin/payt", f"{shlex.quote(sys.executable)} -m payt.cli")
    if trouble != "none":
        fake.fail(500 if trouble == "once" else 403, times=1 if trouble == "once" else None)
    run = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    if trouble == "always":
        assert run.stdout.startswith("exit code 1: ")
        assert "403 Forbidden" in run.stdout
    else:
        assert run.stdout == ""
    assert fake.requests


def test_the_documented_timers_are_the_examples() -> None:
    text = (EXAMPLES.parent / "docs/sync.md").read_text("utf-8")
    for file in ("systemd/payt-sync.service", "systemd/payt-sync.timer", "crontab"):
        assert f"\n{(EXAMPLES / file).read_text('utf-8')}```\n" in text, file


def test_frames(fake: FakePayt, tmp_path: Path) -> None:
    polars, pandas = (pytest.importorskip(name, reason=NEEDED) for name in ("polars", "pandas"))
    fake.add_administration("2", [{"id": "1"}])
    fake.add_administration("3", 0)
    with payt.Client() as client:
        frame = example("frames").frame(client, ["1", "2", "3"])
        frames = [polars.DataFrame(client.contacts.list(administration_id=each)) for each in ("1", "2", "3")]
        of_pandas = pandas.DataFrame.from_arrow(client.contacts.list(administration_id="1"))
    assert frame.shape == (13, 27)
    first = frame.filter(administration_id="1").drop("administration_id")
    assert first["lastname"].to_list() == [contact["lastname"] for contact in fake.contacts]
    assert polars.concat(frames).equals(polars.concat([first, frames[1]]))
    assert of_pandas["lastname"].to_list() == first["lastname"].to_list()
    frame.write_parquet(tmp_path / "contacts.parquet")
    assert polars.read_parquet(tmp_path / "contacts.parquet").equals(frame)


@pytest.mark.filterwarnings("default")  # what dlt and Dask warn of is theirs
def test_a_dlt_resource(fake: FakePayt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")  # dlt would tell its makers that it was used
    dlt = pytest.importorskip("dlt", reason=NEEDED)
    resource = example("dlt_contacts").contacts
    pipeline = dlt.pipeline(
        "payt_test",
        pipelines_dir=str(tmp_path),
        destination=dlt.destinations.duckdb(str(tmp_path / "warehouse.duckdb")),
        dataset_name="crm",
    )
    fake.add_administration("2", [{"id": "1", "updated_at": None}, {"id": "2", "updated_at": "2001-01-01T00:00:00Z"}])
    with payt.Client() as client:
        pipeline.run(resource(client, "1"))
        pipeline.run(resource(client, "2"))
        fake.change("3", lastname="Özdemir")
        fake.reset()
        pipeline.run([resource(client, "1"), resource(client, "2")])
    assert "updated_after" in fake.requests[0].query
    with pipeline.sql_client() as sql:
        loaded = {row[:2]: row[2] for row in sql.execute_sql("SELECT administration_id, id, lastname FROM contacts")}
        columns = {row[0] for row in sql.execute_sql("SELECT column_name FROM (DESCRIBE contacts)")}
    assert loaded == {
        (name, contact["id"]): contact.get("lastname")
        for name, administration in fake.administrations.items()
        for contact in administration.contacts
    }
    assert columns >= {"administration_id", *CONTACT_FIELDS}


@pytest.mark.filterwarnings("default")
def test_a_dlt_resource_loses_no_change_while_it_lists(
    fake: FakePayt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    dlt = pytest.importorskip("dlt", reason=NEEDED)
    pipeline = dlt.pipeline(
        "payt_long",
        pipelines_dir=str(tmp_path),
        destination=dlt.destinations.duckdb(str(tmp_path / "warehouse.duckdb")),
        dataset_name="crm",
    )
    fake.add_administration("3", 600)

    def changing(page: payt.Page[payt.Contact]) -> Any:
        """In an hour, a contact changes on the page that was passed; in two, one that is still to come."""
        if page.cursor is not None:
            for number, hours, name in (("1", 1, "Passed"), ("600", 2, "To come")):
                moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
                fake.change(number, administration_id="3", lastname=name, updated_at=incremental.iso(moment))
        return page

    with payt.Client() as client:
        pages = payt.Pager.pages
        with monkeypatch.context() as patched:
            patched.setattr(payt.Pager, "pages", lambda pager: map(changing, pages(pager)))
            pipeline.run(example("dlt_contacts").contacts(client, "3"))
        pipeline.run(example("dlt_contacts").contacts(client, "3"))
    with pipeline.sql_client() as sql:
        (row,) = sql.execute_sql("SELECT lastname FROM contacts WHERE id = '1'")
    assert row == ("Passed",)


COUNTS = {"1": 12, "2": 5}


def check_files(results: dict[str, Any], fake: FakePayt, folder: Path) -> None:
    """Two administrations are in files, and the third is an error."""
    refused = results.pop("9")
    assert isinstance(refused, payt.PermissionDeniedError)
    assert results == COUNTS
    assert sorted(path.name for path in folder.glob("*.parquet")) == ["1.parquet", "2.parquet"]
    table = pyarrow.parquet.read_table(folder / "1.parquet")
    assert table["lastname"].to_pylist() == [contact["lastname"] for contact in fake.contacts]


@pytest.mark.filterwarnings("default")
def test_dask_workers(fake: FakePayt, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason=NEEDED)
    fake.add_administration("2", 5)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
        distributed.Client(local) as cluster,
    ):
        dask_workers: Any = example("dask_workers")
        with payt.Client() as client:
            before = cluster.map(
                dask_workers.save, [client.contacts.list(administration_id="1")], [tmp_path / "1.parquet"]
            )
        cluster.gather(before)  # and Dask still knows what came of it
        fake.change("3", lastname="Özdemir")
        check_files(dask_workers.main(cluster, tmp_path, ["1", "2", "9", "1"]), fake, tmp_path)


def test_ray_workers(fake: FakePayt, tmp_path: Path) -> None:
    """As a program of its own: what Ray starts, it leaves to the end of the process."""
    pytest.importorskip("ray", reason=NEEDED)
    fake.add_administration("2", 5)
    command = [sys.executable, str(EXAMPLES / "ray_workers.py"), str(tmp_path), "1", "2", "9"]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}  # Ray would tell its makers that it was used
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "{'1': 12, '2': 5, '9': PermissionDeniedError(" in run.stdout, run.stdout + run.stderr
    check_files({**COUNTS, "9": payt.PermissionDeniedError("as printed")}, fake, tmp_path)


def test_the_web_application(fake: FakePayt) -> None:
    testclient = pytest.importorskip("fastapi.testclient", reason=NEEDED)
    pages = "/administrations/1/customers"
    web: Any = example("web")
    with testclient.TestClient(web.app) as browser:
        assert browser.get(pages, params={"limit": 2}).json() == [
            {name: contact[name] for name in ("id", "lastname", "debtor_numbers")} for contact in fake.contacts[:2]
        ]
        assert browser.get("/administrations/1/contacts/3").json() == fake.contacts[2]
        assert browser.get("/administrations/1/contacts/99").status_code == 404
        refused = browser.get("/administrations/9/customers")
        assert (refused.status_code, refused.json()) == (404, {"detail": "PermissionDeniedError"})
        asked = len(fake.requests)
        for path in (
            *(f"{pages}?limit={limit}" for limit in (0, -1, 501, "x")),
            "/administrations/1/contacts/1,2",
        ):
            assert browser.get(path).status_code == 422, path
        assert len(fake.requests) == asked
        assert len(browser.get(pages, params={"limit": 500}).json()) == 12
        for status, retry_after, expected in ((429, 7, "7"), (503, 30, "30"), (503, None, "5")):
            fake.fail(status, retry_after=retry_after, times=None)
            with skip_waits():
                busy = browser.get(pages)
            assert (busy.status_code, busy.headers["retry-after"]) == (503, expected), status
            fake.reset()
        web.SECONDS = 0.05
        fake.fail("stall", seconds=30, times=None)
        late = browser.get(pages)
        assert (late.status_code, late.headers["retry-after"]) == (503, "5")
        assert "/administrations/{administration_id}/customers" in browser.get("/openapi.json").text
    assert fake.connections <= 2  # one, and perhaps another after the stall


@pytest.mark.parametrize("leaves_after", [1, 2, None])
def test_a_handler_that_asks_whether_its_browser_is_gone(leaves_after: int | None) -> None:
    block = re.search(
        r"```python\n(from typing import Any\n.*?)```", (EXAMPLES.parent / "docs/web.md").read_text("utf-8"), re.DOTALL
    )
    assert block is not None
    namespace: dict[str, Any] = {"payt": payt}
    exec(block[1], namespace)
    asked = itertools.count(1)

    class Request:
        async def is_disconnected(self) -> bool:
            return next(asked) == leaves_after

    async def handled(fake: FakePayt) -> list[str | None]:
        async with payt.AsyncClient(fake.token, base_url=fake.url) as client:
            found: list[str | None] = await namespace["lastnames"](Request(), client)
            return found

    with FakePayt(contacts=1_700) as fake:
        assert len(asyncio.run(handled(fake))) == (1_700 if leaves_after is None else 500 * (leaves_after - 1))
        assert len(fake.requests) <= (4 if leaves_after is None else leaves_after + 1)


def test_the_companies_of_a_web_application_have_one_client_each() -> None:
    """However many threads ask at once, and until the application ends."""
    text = (EXAMPLES.parent / "docs/web.md").read_text("utf-8")
    block = re.search(r"```python\n(import threading\n.*?)\n\n\nassert ", text, re.DOTALL)
    assert block is not None
    namespace: dict[str, Any] = {}
    exec(block[1], namespace)
    made: list[payt.Client] = []

    def slow_client(credentials: payt.AuthorizationCode) -> payt.Client:
        made.append(client := payt.Client(credentials))
        time.sleep(0.05)
        return client

    namespace["payt"] = SimpleNamespace(Client=slow_client, AuthorizationCode=payt.AuthorizationCode)
    with ThreadPoolExecutor(8) as pool:
        clients = [*pool.map(namespace["client_of"], ["acme", "other"] * 4)]
    assert len(made) == len({*map(id, clients)}) == 2
    namespace["close_clients"]()
    for client in made:
        with pytest.raises(payt.TransportError, match="closed"):
            client.contacts.list(administration_id="1").first()


def test_the_celery_task(fake: FakePayt) -> None:
    pytest.importorskip("celery", reason=NEEDED)
    assert example("celery_tasks").count_contacts.apply(args=["1"]).get() == 12


def test_the_celery_task_waits_as_long_as_payt_asks_to(fake: FakePayt, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("celery", reason=NEEDED)
    task: Any = example("celery_tasks").count_contacts
    waits: list[float] = []
    retry = task.retry

    def noted(**options: Any) -> Any:
        waits.append(options["countdown"])
        return retry(**options)

    monkeypatch.setattr(task, "retry", noted)
    fake.fail(429, headers={"Retry-After": "120"})
    assert task.apply(args=["1"]).get() == 12
    assert waits == [120]


def test_the_command_of_django(fake: FakePayt, sqlite: str) -> None:
    """As a program of its own: Django's settings belong to a process."""
    program = """
        import sys
        import django
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection
        path, administration = sys.argv[1:]
        settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": path}})
        django.setup()
        with connection.cursor() as cursor:
            cursor.execute("create table if not exists contact (id text, lastname text)")
        from django_command import Command
        call_command(Command(), administration)
    """
    path = sqlite.removeprefix("sqlite:///")
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES)}

    def run(administration_id: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", textwrap.dedent(program), path, administration_id]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert run("1").stdout == "done\n"
    refused = run("9")
    assert "nothing was stored: " in refused.stderr
    assert "CommandError: nothing was stored: administration_id must" in run("").stderr.splitlines()[-1]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("select count(*) from contact").fetchone() == (12,)
