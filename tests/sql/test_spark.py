"""Lists as a data source of Spark: a real one, on this machine. Run by scripts/test-examples."""

from __future__ import annotations

import importlib.util
import inspect
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from payt.testing import FakePayt, contact

if importlib.util.find_spec("pyspark") is None:
    pytest.skip("needs requirements/examples.txt: run scripts/test-examples", allow_module_level=True)
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs a Java: apt-get install openjdk-17-jre-headless", allow_module_level=True)

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import SparkSession

import payt.spark
from payt_resources import LISTS

pytestmark = pytest.mark.filterwarnings("default")  # what Spark warns of is its own business
ROOT = Path(__file__).parents[2]
COMPANIES = [f"C{number}" for number in range(1, 51)]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakePayt]:
    with FakePayt(administrations={"1": 1_200, "2": 3, "3": 0}, token=["of-acme", "of-baker", *COMPANIES]) as fake:
        yield fake


@pytest.fixture(scope="module")
def spark(fake: FakePayt) -> Iterator[SparkSession]:
    """A session whose workers find the tokens in their environment, and a module of ours."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patched.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "examples"), str(ROOT / "tests"), *sys.path]))
        patched.setenv("PAYT_TOKEN_ACME", "of-acme")
        patched.setenv("PAYT_TOKEN_BAKER", "of-baker")
        for company in COMPANIES:
            patched.setenv(f"PAYT_TOKEN_{company}", company)
        patched.setenv("PAYT_BASE_URL", fake.url)
        patched.delenv("PAYT_TOKEN", raising=False)
        builder: Any = SparkSession.builder
        settings = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", "spark.task.maxFailures": "1"}
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.master("local[4]").getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        session.dataSource.register(payt.spark.Source)
        yield session
        session.stop()


@pytest.fixture
def read(spark: SparkSession) -> Any:
    return spark.read.format("payt").option("credentials", "PAYT_TOKEN_ACME")


def counts(frame: Any) -> dict[str, int]:
    return {row["administration_id"]: row["count"] for row in frame.groupBy("administration_id").count().collect()}


def test_all_administrations_of_a_token_are_read_with_fixed_types(read: Any, fake: FakePayt) -> None:
    frame = read.load()
    kinds = dict(frame.dtypes)
    assert (kinds["debtor_numbers"], kinds["updated_at"], kinds["validation_errors"]) == (
        "array<string>",
        "timestamp",
        "string",
    )
    assert counts(frame) == {"1": 1_200, "2": 3}
    first = frame.where("administration_id = '2'").orderBy("id").first()
    assert [first["lastname"], first["debtor_numbers"]] == [
        fake.administrations["2"].contacts[0][name] for name in ("lastname", "debtor_numbers")
    ]


def test_administrations_are_shared_out_and_errors_are_rows(read: Any, fake: FakePayt) -> None:
    fake.reset()
    frame = read.options(administration_ids="1, 2,9", partitions="3", on_error="collect", fields="id,lastname").load()
    assert frame.rdd.getNumPartitions() == 3
    rows = frame.select("administration_id", "lastname", "prefix", "_error", "_cursor").collect()
    assert len(rows) == 1_204
    (failed,) = [row for row in rows if row["_error"]]
    assert (failed["administration_id"], failed["_cursor"]) == ("9", None)
    assert failed["_error"].startswith("PermissionDeniedError: GET ")
    assert {row["prefix"] for row in rows} == {None}
    assert {request.headers["authorization"] for request in fake.requests} == {"Bearer of-acme"}


def test_tasks_keep_to_one_pace_through_a_database(read: Any, tmp_path: Path) -> None:
    pace = f"sqlite:///{tmp_path / 'pace.db'}"
    assert counts(read.options(administration_ids="2,3", partitions="2", pace=pace).load()) == {"2": 3}
    with sqlite3.connect(tmp_path / "pace.db") as database:
        assert database.execute("select count(*) from payt_pace").fetchone() == (1,)
    database.close()


def test_an_error_fails_the_task_and_holds_no_token(read: Any) -> None:
    with pytest.raises(PySparkException, match="403 Forbidden") as caught:
        read.option("administration_ids", "9").load().collect()
    assert "of-acme" not in str(caught.value)


def test_a_list_without_administrations_and_a_function_that_gives_the_token(spark: SparkSession) -> None:
    source = spark.read.format("payt").options(resource="administrations", credentials="support.given_tokens:token_of")
    assert sorted(row["id"] for row in source.option("account", "acme").load().collect()) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"administation_ids": "1"}, "there is no option 'administation_ids': did you mean 'administration_ids'?"),
        ({"resource": "debts"}, f"the contract has no list 'debts': use one of {', '.join(LISTS)}"),
        ({"limit": "all"}, "option limit must be a number, got 'all'"),
        ({"partitions": "0"}, "option partitions must be 1 or more"),
        (
            {"resource": "administrations", "partitions": "2"},
            "option partitions: administrations is one listing, which cannot be split: leave",
        ),
        ({"fields": "lastnam"}, "did you mean 'lastname'?"),
        ({"account": "acme"}, "option account: only a function takes it, given as credentials=module:function"),
        (
            {"credentials": "e30.e30.token"},
            "name must be that of a variable in the environment, such as PAYT_TOKEN_ACME",
        ),
    ],
)
def test_what_cannot_be_used_is_told_before_a_task_is_started(
    options: dict[str, str], message: str, read: Any, fake: FakePayt
) -> None:
    fake.reset()
    with pytest.raises(AnalysisException) as caught:
        read.options(**options).load()
    assert message in str(caught.value)
    assert fake.requests == []


@pytest.fixture
def rows_of(fake: FakePayt, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What each task of a read brings, without Spark around it."""
    monkeypatch.setenv("PAYT_TOKEN_ACME", "of-acme")

    def read(**options: str) -> list[list[dict[str, Any]]]:
        reader = payt.spark.Source({"credentials": "PAYT_TOKEN_ACME", "base_url": fake.url, **options}).reader(None)
        tasks = map(reader.read, reader.partitions())
        return [[row for batch in task for row in batch.to_pylist()] for task in tasks]

    return read


@pytest.mark.parametrize("partitions", ["1", "2", "5"])
@pytest.mark.parametrize(("ids", "listed"), [("2,3,2", ["2"] * 3), ("", [])])
def test_however_many_tasks_there_are_each_administration_is_read_once(
    ids: str, listed: list[str], partitions: str, rows_of: Any
) -> None:
    tasks = rows_of(administration_ids=ids, partitions=partitions)
    assert tasks
    assert [row["administration_id"] for rows in tasks for row in rows] == listed


@pytest.mark.parametrize("resource", ["contacts", "administrations"])
def test_records_that_are_left_out_are_rows(resource: str, rows_of: Any, fake: FakePayt) -> None:
    records = fake.records(resource, "2") if resource == "contacts" else fake.records(resource)
    field = "lastname" if resource == "contacts" else "name"
    before = next(iter(records))[field]
    records.change("1", **{field: 5})
    options = {"administration_ids": "2"} if resource == "contacts" else {}
    (rows,) = rows_of(resource=resource, on_invalid="collect", **options)
    records.change("1", **{field: before})
    assert len(rows) == 3
    (left_out,) = [row for row in rows if row["_error"]]
    assert left_out["_error"] == f"InvalidRecord: 1: Expected `str | null`, got `int`, at $.data[0].{field}"
    assert left_out.get("administration_id") == ("2" if resource == "contacts" else None)


@pytest.mark.parametrize("partitions", ["1", "2"])
@pytest.mark.parametrize(
    ("listed", "text"),
    [([], "the token may read no administration"), ([{"id": None}], "an administration came without a usable id")],
)
def test_administrations_that_cannot_be_named_are_an_error(
    rows_of: Any, fake: FakePayt, partitions: str, listed: list[Any], text: str
) -> None:
    fake.fail(200, path="/v1/administrations", body={"data": listed, "pagination": {"cursor": None}})
    with pytest.raises(payt.PaytError, match=text):
        rows_of(partitions=partitions)


def test_filters_are_read_by_their_types(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[str, Any] = {}

    def list_many(
        _: Any, *, administration_ids: Any, paid: bool | None = None, amount: float | None = None, year: int = 0
    ) -> None:
        taken.update(paid=paid, amount=amount, year=year)

    monkeypatch.setattr("payt_resources.contacts.Contacts.list_many", list_many)
    payt.spark.Source({"paid": "False", "amount": "1.5", "year": "2026"}).schema()
    assert taken == {"paid": False, "amount": 1.5, "year": 2026}
    payt.spark.Source({"amount": ".5", "year": " 0026", "rate_limit": "+5"}).schema()  # as Python writes numbers, too
    assert taken == {"paid": None, "amount": 0.5, "year": 26}
    with pytest.raises(ValueError, match="option paid must be true or false, got 'no'"):
        payt.spark.Source({"paid": "no"}).schema()


def test_the_example_writes_the_contacts_of_many_companies(
    spark: SparkSession, tmp_path: Path, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    example = importlib.import_module("spark_contacts")
    fake.reset()
    assert example.main(spark, str(tmp_path / "contacts"), ["ACME", "BAKER"]) == []
    written = spark.read.parquet(str(tmp_path / "contacts"))
    assert (
        counts(written.where("company = 'BAKER'")) == counts(written.where("company = 'ACME'")) == {"1": 1_200, "2": 3}
    )
    assert {request.headers["authorization"] for request in fake.requests} == {"Bearer of-acme", "Bearer of-baker"}


def test_a_thousand_administrations_of_fifty_companies_take_under_twenty_lines(
    spark: SparkSession, tmp_path: Path, fake: FakePayt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    example = importlib.import_module("spark_contacts")
    assert len(inspect.getsource(example.main).splitlines()) < 20
    fake.reset()
    for number in range(3, 21):  # each token may read them all: twenty for each company
        fake.add(contact(id="7"), administration_id=str(number))
    assert example.main(spark, str(tmp_path / "contacts"), COMPANIES) == []
    found = spark.read.parquet(str(tmp_path / "contacts")).groupBy("company", "administration_id").count().collect()
    each = {"1": 1_200, "2": 3} | {str(number): 1 for number in range(3, 21)}
    assert {tuple(row) for row in found} == {(company, *pair) for company in COMPANIES for pair in each.items()}
    assert len(found) == 1_000
