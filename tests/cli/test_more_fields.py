"""The contract grows fields of every kind: after ./generate.sh the commands know them, with nothing else changed."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pytest

from payt.testing import FakePayt
from support.more_fields import SENT, payt_contacts, project_with_more_fields
from support.project import Project

DOCUMENTS = {
    "new_days": '["2020-02-29"]',
    "new_address": '{"city":"Ede"}',
    "new_open": '{"a":[null,12345678901234567890123]}',
}
TEXTS = {
    name: value if isinstance(value, str) else json.dumps(value)
    for name, value in {**SENT, **DOCUMENTS, "new_seen_at": "2026-11-01T12:00:00.500000Z"}.items()
}
SEEN_AT = datetime.datetime(2026, 11, 1, 12, 0, 0, 500_000, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project_with_more_fields(tmp_path_factory.mktemp("more-fields") / "project")


@pytest.fixture(scope="module")
def sending() -> Iterator[FakePayt]:
    """A service with one contact that has all of them, and one where all are null."""
    empty = dict.fromkeys(SENT)
    with FakePayt(contacts=[{**SENT, "id": "1"}, {**empty, "id": "2"}]) as fake:
        yield fake


def export(project: Project, fake: FakePayt, path: Path) -> Path:
    result = payt_contacts(project, fake, "export", "-a", 1, "-o", path, "--fields", ",".join(SENT))
    assert result.returncode == 0, result.stderr
    return path


def test_csv_has_scalars_as_they_are_and_the_rest_as_json(project: Project, sending: FakePayt, tmp_path: Path) -> None:
    with export(project, sending, tmp_path / "c.csv").open(newline="") as file:
        full, empty = csv.DictReader(file)
    assert full == TEXTS
    assert empty == dict.fromkeys(SENT, "")


def test_json_lines_have_what_was_sent(project: Project, sending: FakePayt, tmp_path: Path) -> None:
    full, empty = map(json.loads, export(project, sending, tmp_path / "c.jsonl").read_text().splitlines())
    assert full == {**SENT, "new_seen_at": "2026-11-01T12:00:00.500000Z"}
    assert empty == dict.fromkeys(SENT)


def test_parquet_has_dates_as_dates(project: Project, sending: FakePayt, tmp_path: Path) -> None:
    full, empty = pyarrow.parquet.read_table(export(project, sending, tmp_path / "c.parquet")).to_pylist()
    expected: dict[str, Any] = {**SENT, **DOCUMENTS, "new_either": "5"}
    day = datetime.date(2020, 2, 29)
    assert full == {**expected, "new_since": day, "new_seen_at": SEEN_AT, "new_days": [day]}
    assert empty == dict.fromkeys(SENT)


def test_workbooks_have_dates_as_dates(project: Project, sending: FakePayt, tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(export(project, sending, tmp_path / "c.xlsx")).worksheets[0]
    names, full, *_ = sheet.values
    expected: dict[str, Any] = {**SENT, **DOCUMENTS, "new_either": "5", "new_seen_at": SEEN_AT.replace(tzinfo=None)}
    assert dict(zip(names, full, strict=True)) == {**expected, "new_since": datetime.datetime(2020, 2, 29)}  # noqa: DTZ001 - Excel
    assert sheet["A2"].number_format == "yyyy-mm-dd"


def test_show_has_all_of_them(project: Project, sending: FakePayt) -> None:
    result = payt_contacts(project, sending, "show", "-a", 1, 1)
    assert result.returncode == 0, result.stderr
    shown = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert {name: shown[name] for name in SENT} == TEXTS
