"""`payt contacts export`: what is in the files."""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow.parquet
import pytest

import payt
from payt.cli.columns import Column, columns_of
from payt.cli.target import target_of
from payt.cli.writers import FORMATS, writer_of, xlsx
from payt.testing import CONTACT_FIELDS, FakePayt, contact

AWKWARD: dict[str, Any] = {
    "firstname": '=HYPERLINK("http://evil.example","x")',
    "lastname": 'two\nlines, "quotes"; and a comma',
    "infix": "a\rcarriage return",
    "middlename": "",
    "prefix": "@SUM(A1)",
    "call_phone_number": "+31 20 1234567",
    "sms_phone_number": "+31612345678",
    "debtor_numbers": ["D1", "D2"],
    "validation_errors": {"invoice_email_address": ["is invalid", "é"]},
    "postal_address_city": None,
    "gender": "🦆",
    "updated_at": "2026-11-01T00:00:00.123456Z",
}


def query(sql: str) -> list[Any]:
    relation = duckdb.sql(sql)
    assert relation is not None
    return list(relation.fetchall())


def rows_of(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def awkward(fake: FakePayt) -> FakePayt:
    """A thirteenth contact, of all that files stumble over."""
    fake.add(**AWKWARD)
    return fake


def test_csv_has_all_contacts_in_the_columns_of_the_contract(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    result = payt_command("contacts", "export", "-a", 1, "-o", "contacts.csv", "--per-page", 5)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("12 contacts in 3 pages, ")
    assert result.stderr.endswith(" s: contacts.csv\n")
    with (folder / "contacts.csv").open(newline="") as file:
        assert next(csv.reader(file)) == list(CONTACT_FIELDS)
    assert [row["id"] for row in rows_of(folder / "contacts.csv")] == [found["id"] for found in fake.contacts]
    assert [path.name for path in folder.iterdir()] == ["contacts.csv"]


def test_csv_is_read_back_as_it_was_by_python_and_duckdb(payt_command: Any, awkward: FakePayt, folder: Path) -> None:
    assert payt_command("contacts", "export", "-a", 1, "-o", "c.csv").exit_code == 0
    row = rows_of(folder / "c.csv")[-1]
    assert row["lastname"] == AWKWARD["lastname"]
    assert row["infix"] == AWKWARD["infix"]
    assert (row["middlename"], row["postal_address_city"], row["gender"]) == ("", "", "🦆")
    assert row["debtor_numbers"] == "D1;D2"
    assert json.loads(row["validation_errors"]) == AWKWARD["validation_errors"]
    assert row["updated_at"] == "2026-11-01T00:00:00.123456Z"
    found = query(f"select id, lastname, typeof(updated_at) from read_csv('{folder}/c.csv') order by id")
    assert len(found) == 13
    assert found[-1][1:] == (AWKWARD["lastname"], "TIMESTAMP WITH TIME ZONE")


def test_csv_runs_no_formula_and_leaves_phone_numbers_alone(payt_command: Any, awkward: FakePayt, folder: Path) -> None:
    payt_command("contacts", "export", "-a", 1, "-o", "safe.csv")
    payt_command("contacts", "export", "-a", 1, "-o", "raw.csv", "--raw")
    safe, raw = (rows_of(folder / name)[-1] for name in ("safe.csv", "raw.csv"))
    assert (safe["firstname"], safe["prefix"]) == ("'" + AWKWARD["firstname"], "'@SUM(A1)")
    assert (raw["firstname"], raw["prefix"]) == (AWKWARD["firstname"], "@SUM(A1)")
    assert safe["call_phone_number"] == "+31 20 1234567"
    assert safe["sms_phone_number"] == "+31612345678"


FORMULAS = [
    "=1+1",
    "+1+cmd",
    "-1",
    "@x",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "+31-20",
    '"=1"',
    " =1",
    "\ufeff=1",
    "\0=1",
]
INSIDE = [
    f"x{mark}{formula}" for mark in ",;|\t\r\n\x0b\x85\u2028" for formula in ("=1", '"=1', " @x", "+31-20", "\u200b=1")
]
HARMLESS = ["", "a=1", "+31612345678", "+31 (0)20 123", "'t Hart", "0612", "a - b", "1,5", "jan+x@example.com, b@c.nl"]


def cells(content: str, delimiter: str) -> set[str]:
    """What a reader of CSV with this delimiter may see: one that knows quotes, and one that does not."""
    known = {cell for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter) for cell in row}
    return known | {cell for line in content.splitlines() for cell in line.split(delimiter)}


@pytest.mark.parametrize("delimiter", [",", ";", "tab", "|", "~"])
def test_no_cell_of_any_reader_is_a_formula(payt_command: Any, fake: FakePayt, folder: Path, delimiter: str) -> None:
    texts = FORMULAS + INSIDE
    odd = {"deep": [f"=1{text}" for text in texts], **dict.fromkeys(texts, -1.5)}
    fake.add_administration(
        "2",
        [
            *({"id": n, "firstname": text} for n, text in enumerate(texts)),
            {"id": "a", "debtor_numbers": texts, "validation_errors": odd},
            {"id": "b", "debtor_numbers": [text for text in texts if ";" not in text]},
        ],
    )
    fields = ("--fields", "id,firstname,debtor_numbers,validation_errors")
    result = payt_command("contacts", "export", "-a", 2, "-o", "c.csv", "--delimiter", delimiter, *fields)
    assert result.exit_code == 0, result.stderr
    content = (folder / "c.csv").read_bytes().decode()
    separator = "\t" if delimiter == "tab" else delimiter
    for each in {",", ";", "\t", "|", separator}:
        run = {cell for cell in cells(content, each) if re.match(r'["\s\0\u200b\ufeff]*[=+\-@\uff1d]', cell)}
        assert {cell for cell in run if not re.fullmatch(r"-1\.5[,}\"]*", cell)} == set()
    row = list(csv.DictReader(io.StringIO(content, newline=""), delimiter=separator))[-2]
    assert json.loads(row["debtor_numbers"]) == texts  # what is JSON says the same as before
    assert json.loads(row["validation_errors"]) == odd


def test_all_else_stays(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.add_administration("2", [{"id": n, "firstname": text} for n, text in enumerate(HARMLESS)])
    payt_command("contacts", "export", "-a", 2, "-o", "c.csv")
    assert [row["firstname"] for row in rows_of(folder / "c.csv")] == HARMLESS


@pytest.mark.parametrize("delimiter", ["", ";;", "a", '"', "\n", "=", " ", "\x00"], ids=repr)
def test_what_cannot_separate_values_is_refused(payt_command: Any, fake: FakePayt, delimiter: str) -> None:
    result = payt_command("contacts", "export", "-a", 1, "--delimiter", delimiter)
    assert result.exit_code == 2
    assert result.stderr.startswith("payt: --delimiter must be one character such as , or ; or |, or the word tab")
    assert fake.requests == []


def test_lists_with_a_semicolon_inside_are_written_as_json(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.add(debtor_numbers=["a;b", "c"])
    payt_command("contacts", "export", "-a", 1, "-o", "c.csv")
    assert json.loads(rows_of(folder / "c.csv")[-1]["debtor_numbers"]) == ["a;b", "c"]


def test_records_that_are_not_what_the_contract_says_are_left_out_on_request(
    payt_command: Any, fake: FakePayt, folder: Path
) -> None:
    odd = [
        {"id": n, "lastname": 5 if n in (2, 3, 7) else "x", "updated_at": "soon" if n == 7 else None} for n in range(9)
    ]
    fake.add_administration("2", odd)
    refused = payt_command("contacts", "export", "-a", 2, "-o", "c.csv")
    assert (refused.exit_code, list(folder.iterdir())) == (1, [])
    assert refused.stderr.endswith("; nothing is kept; to leave out such records, pass --skip-invalid\n")
    refused = payt_command("contacts", "export", "-a", 2, "-o", "resumed.csv", "--per-page", 2)
    assert refused.stderr.endswith(": resume with --resume; to leave out such records, pass --skip-invalid\n")
    resumed = payt_command(
        "contacts", "export", "-a", 2, "-o", "resumed.csv", "--per-page", 2, "--resume", "--skip-invalid"
    )
    assert (
        resumed.stderr.splitlines()[-1]
        == "payt: 3 contacts left out as invalid: 2 (lastname), 3 (lastname), 7 (lastname)"
    )
    assert [row["id"] for row in rows_of(folder / "resumed.csv")] == ["0", "1", "4", "5", "6", "8"]
    export = ("contacts", "export", "-a", 2, "-o", "c.csv", "--per-page", 2, "--prefetch", 1, "--skip-invalid")
    fake.reset()
    fake.fail(403, page=3)
    payt_command(*export)
    result = payt_command(*export, "--resume")  # what was left out before the interruption counts as well
    assert [row["id"] for row in rows_of(folder / "c.csv")] == ["0", "1", "4", "5", "6", "8"]
    said = "payt: 3 contacts left out as invalid: 2 (lastname), 3 (lastname), 7 (lastname)"
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, said)


def test_bom_is_for_excel(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    payt_command("contacts", "export", "-a", 1, "-o", "c.csv", "--bom")
    assert (folder / "c.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")
    assert len(rows_of(folder / "c.csv", "utf-8-sig")) == 12


def test_json_lines_are_the_contacts_as_they_were_served(payt_command: Any, awkward: FakePayt, folder: Path) -> None:
    assert payt_command("contacts", "export", "-a", 1, "-o", "c.jsonl").exit_code == 0
    lines = (folder / "c.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    found = [json.loads(line) for line in lines]
    assert [list(each) for each in found] == [list(CONTACT_FIELDS)] * 13
    assert found == awkward.contacts


def test_parquet_has_real_types(payt_command: Any, awkward: FakePayt, folder: Path) -> None:
    result = payt_command("contacts", "export", "-a", 1, "-o", "c.parquet", "--per-page", 5)
    assert (result.exit_code, result.stdout) == (0, "")
    table = pyarrow.parquet.read_table(folder / "c.parquet")
    assert str(table.schema.field("updated_at").type) == "timestamp[us, tz=UTC]"
    assert pyarrow.types.is_list(table.schema.field("debtor_numbers").type)
    assert table.column_names == list(CONTACT_FIELDS)
    last = table.to_pylist()[-1]
    assert last["updated_at"] == datetime.datetime(2026, 11, 1, microsecond=123456, tzinfo=datetime.UTC)
    assert last["debtor_numbers"] == ["D1", "D2"]
    assert last["postal_address_city"] is None
    assert last["firstname"] == AWKWARD["firstname"]
    assert json.loads(last["validation_errors"]) == AWKWARD["validation_errors"]
    numbers = f"select unnest(debtor_numbers) as number from '{folder}/c.parquet'"
    count = sum(len(found["debtor_numbers"]) for found in awkward.contacts)
    assert query(f"select count(*), count(distinct number) from ({numbers})") == [(count, count)]


def test_parquet_is_written_in_groups(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from payt.cli.writers import parquet  # noqa: PLC0415 - as the command does

    monkeypatch.setattr(parquet, "ROW_GROUP", 8)
    payt_command("contacts", "export", "-a", 1, "-o", "c.parquet", "--per-page", 4)
    file = pyarrow.parquet.ParquetFile(folder / "c.parquet")
    assert [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)] == [8, 4]


def test_an_empty_listing_is_a_file_all_the_same(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.add_administration("2")
    for name in ("c.csv", "c.jsonl", "c.parquet", "c.xlsx"):
        result = payt_command("contacts", "export", "-a", 2, "-o", name)
        assert result.stderr.startswith("0 contacts in 1 page, ")
    assert (folder / "c.csv").read_text() == ",".join(CONTACT_FIELDS) + "\n"
    assert (folder / "c.jsonl").read_bytes() == b""
    assert pyarrow.parquet.read_table(folder / "c.parquet").num_rows == 0
    assert openpyxl.load_workbook(folder / "c.xlsx").worksheets[0].max_row == 1


def test_xlsx_has_texts_as_texts_and_dates_as_dates(payt_command: Any, awkward: FakePayt, folder: Path) -> None:
    awkward.add(updated_at="1850-01-01T00:00:00Z")
    assert payt_command("contacts", "export", "-a", 1, "-o", "c.xlsx").exit_code == 0
    book = openpyxl.load_workbook(folder / "c.xlsx")
    names, *rows = book.worksheets[0].iter_rows(values_only=True)
    assert list(names) == list(CONTACT_FIELDS)
    assert len(rows) == 14
    last = dict(zip(CONTACT_FIELDS, rows[-2], strict=True))
    assert last["firstname"] == AWKWARD["firstname"]
    assert book.worksheets[0].cell(14, 1 + CONTACT_FIELDS.index("firstname")).data_type == "s"
    assert last["updated_at"] == datetime.datetime(2026, 11, 1, microsecond=123000)  # noqa: DTZ001 - Excel has no zones
    assert last["debtor_numbers"] == "D1;D2"
    assert last["postal_address_city"] is None
    assert rows[-1][-1] == "1850-01-01T00:00:00Z"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-02:00"])
def test_a_moment_that_no_year_of_utc_holds_is_written_as_it_came(
    payt_command: Any, fake: FakePayt, folder: Path, moment: str
) -> None:
    fake.change("1", updated_at=moment)
    assert payt_command("contacts", "export", "-a", 1, "-o", "c.xlsx").exit_code == 0
    assert payt_command("contacts", "export", "-a", 1, "-o", "c.csv").exit_code == 0
    rows = [*openpyxl.load_workbook(folder / "c.xlsx").worksheets[0].iter_rows(values_only=True)]
    assert rows[1][-1] == rows_of(folder / "c.csv")[0]["updated_at"] == moment


def test_xlsx_goes_on_on_another_sheet(
    payt_command: Any, fake: FakePayt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 6)
    payt_command("contacts", "export", "-a", 1, "-o", "c.xlsx", "--fields", "id")
    sheets = openpyxl.load_workbook(folder / "c.xlsx").worksheets
    assert [sheet.title for sheet in sheets] == ["contacts 1", "contacts 2", "contacts 3"]
    found = [row[0] for sheet in sheets for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert found == [each["id"] for each in fake.contacts]


@pytest.mark.parametrize("text", ["x" * 32_768, "\U0001f986" * 16_384], ids=["letters", "emoji"])
def test_what_no_cell_holds_is_an_error(payt_command: Any, fake: FakePayt, folder: Path, text: str) -> None:
    fake.add(lastname="Jansen", middlename=text)
    result = payt_command("contacts", "export", "-a", 1, "-o", "c.xlsx")
    assert result.exit_code == 2
    assert "middlename of a record has 32,768 characters" in result.stderr
    assert list(folder.iterdir()) == []


def test_what_just_fits_is_whole(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.add_administration("2", [{"id": "1", "middlename": "\U0001f986" * 16_383}])
    assert payt_command("contacts", "export", "-a", 2, "-o", "c.xlsx", "--fields", "middlename").exit_code == 0
    assert openpyxl.load_workbook(folder / "c.xlsx").worksheets[0]["A2"].value == "\U0001f986" * 16_383


def test_what_the_library_refuses_is_an_error(folder: Path) -> None:
    columns = [Column(f"c{n}", str) for n in range(16_385)]  # one more than a sheet has
    with (folder / "c.xlsx").open("w+b") as file:
        writer = writer_of("xlsx", columns, name="contacts")(file)
        with pytest.raises(ValueError, match="c16384 does not fit"), writer as write:
            write([("x",) * len(columns)])


def test_columns_of_a_workbook_are_as_wide_as_their_texts_and_can_be_filtered(
    payt_command: Any, fake: FakePayt, folder: Path
) -> None:
    fake.add_administration("2", [{"id": "1", "lastname": "x" * 30, "firstname": "y" * 300}])
    payt_command("contacts", "export", "-a", 2, "-o", "c.xlsx", "--fields", "id,lastname,firstname,updated_at")
    sheet = openpyxl.load_workbook(folder / "c.xlsx").worksheets[0]
    assert sheet.auto_filter.ref == "A1:D2"
    widths = {letter: round(sheet.column_dimensions[letter].width) for letter in "ABCD"}
    assert widths["A"] < 10 < 30 <= widths["B"] < 40 < widths["C"] <= xlsx.WIDEST + 1


def test_every_kind_of_column_can_be_written(folder: Path) -> None:
    """The contract will grow numbers, truth values and dates."""
    assert [Column("x", type_).kind for type_ in (int | None, bool, dict[str, int])] == [int, bool, object]
    types = {"count": int, "share": float, "paid": bool, "since": datetime.date}
    columns = [Column(name, type_) for name, type_ in types.items()]
    leap, old = datetime.date(2020, 2, 29), datetime.date(1899, 12, 31)
    for format_ in FORMATS:
        with (
            (folder / f"k.{format_}").open("w+b") as file,
            writer_of(format_, columns, name="contacts")(file) as write,
        ):
            write([(3, 0.5, True, leap), (2**53 + 1, None, False, old)])
    assert (
        folder / "k.csv"
    ).read_text() == "count,share,paid,since\n3,0.5,true,2020-02-29\n9007199254740993,,false,1899-12-31\n"
    assert (folder / "k.jsonl").read_text().splitlines()[0] == (
        '{"count":3,"share":0.5,"paid":true,"since":"2020-02-29"}'
    )
    assert pyarrow.parquet.read_table(folder / "k.parquet").to_pylist() == [
        {"count": 3, "share": 0.5, "paid": True, "since": leap},
        {"count": 2**53 + 1, "share": None, "paid": False, "since": old},
    ]
    _, first, second = openpyxl.load_workbook(folder / "k.xlsx").worksheets[0].values
    assert first == (3, 0.5, True, datetime.datetime(2020, 2, 29))  # noqa: DTZ001 - Excel knows no zones
    assert second == (str(2**53 + 1), None, False, "1899-12-31")  # nor what was before 1900, nor so many digits


def test_fields_are_columns_in_the_order_given(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contacts", "export", "-a", 1, "--fields", "lastname,id", "--fields", "gender", "--limit", 1)
    assert result.stdout.splitlines()[0] == "lastname,id,gender"
    assert json.loads(fake.requests[0].query["fields"]) == {"only": ["lastname", "id", "gender"]}
    alone = payt_command("contacts", "export", "-a", 1, "--fields", "id")
    assert alone.stdout.split() == ["id", *[str(number) for number in range(1, 13)]]


def test_all_filters_reach_the_api(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    (folder / "ids.txt").write_text("\ufeff3\n\n 4 \n")
    result = payt_command(
        *("contacts", "export", "-a", 1, "--ids", "1, 2", "--ids", 5, "--ids-from", "ids.txt"),
        *("--contact-identifiers", "K1,K2", "--debtor-numbers", "D1"),
        *("--updated-after", "2026-11-01T00:00:00+01:00", "--per-page", 7, "--limit", 6),
    )
    assert result.exit_code == 0
    query = fake.requests[0].query
    assert query == {
        "administration_id": "1",
        "ids": "1,2,5,3,4",
        "contact_identifiers": "K1,K2",
        "debtor_numbers": "D1",
        "updated_after": "2026-10-31T23:00:00Z",
        "per_page": "6",
    }


def test_an_empty_file_of_ids_means_no_contacts(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    (folder / "ids.txt").write_text("\n")
    result = payt_command("contacts", "export", "-a", 1, "--ids-from", "ids.txt")
    assert result.stdout.count("\n") == 1
    assert result.stderr.startswith("0 contacts in 0 pages")
    assert fake.requests == []


def test_several_administrations_get_a_column(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    fake.add_administration("2", 3)
    result = payt_command("contacts", "export", "-a", 2, "-a", 1, "-a", 2, "-o", "c.csv", "--per-page", 5)
    rows = rows_of(folder / "c.csv")
    assert list(rows[0]) == ["administration_id", *CONTACT_FIELDS]
    assert [row["administration_id"] for row in rows] == ["2"] * 3 + ["1"] * 12
    assert result.stderr.startswith("15 contacts in 4 pages")


def test_the_limit_is_for_all_administrations_together(payt_command: Any, fake: FakePayt) -> None:
    fake.add_administration("2", 3)
    fake.add_administration("3", 3)
    result = payt_command(
        "contacts", "export", "-a", 1, "-a", 2, "-a", 3, "--limit", 14, "--per-page", 4, "--fields", "id", "-f", "jsonl"
    )
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(found) == 14
    assert found[-1] == {"administration_id": "2", "id": "2"}
    assert {request.query["administration_id"] for request in fake.requests} == {"1", "2"}


def test_quiet_says_nothing(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contacts", "export", "-a", 1, "-o", "c.csv", "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_the_stream_is_the_file(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    payt_command("contacts", "export", "-a", 1, "-o", "c.csv")
    streamed = payt_command("contacts", "export", "-a", 1, "-o", "-")
    assert streamed.stdout_bytes == (folder / "c.csv").read_bytes()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_where_standard_output_is_a_file_what_others_wrote_there_stays(
    payt_process: Any, fake: FakePayt, folder: Path, name: str
) -> None:
    with (folder / "all.csv").open("ab") as file:
        file.write(b"before\n")
        file.flush()
        result = payt_process(
            "contacts", "export", "-a", 1, "-o", name, "--fields", "id", capture_output=False, stdout=file
        )
        file.write(b"after\n")
    assert result.returncode == 0
    ids = [str(number) for number in range(1, 13)]
    assert (folder / "all.csv").read_text().split() == ["before", "id", *ids, "after"]
    assert target_of(Path(name)).name == "standard output"


@pytest.mark.parametrize("name", ["/dev/stderr", "/dev/fd/2"])
def test_where_standard_error_is_a_file_what_others_wrote_there_stays(
    payt_process: Any, fake: FakePayt, folder: Path, name: str
) -> None:
    arguments = ("contacts", "export", "-a", 1, "-o", name, "--fields", "id", "-f", "csv", "-q")
    with (folder / "all.csv").open("ab") as file:
        file.write(b"before\n")
        file.flush()
        result = payt_process(*arguments, capture_output=False, stderr=file)
        file.write(b"after\n")
    assert result.returncode == 0
    ids = [str(number) for number in range(1, 13)]
    assert (folder / "all.csv").read_text().split() == ["before", "id", *ids, "after"]


@pytest.mark.parametrize("is_link", ["", "file", "folder"])
def test_a_file_that_is_open_already_is_written_into(
    payt_command: Any, fake: FakePayt, folder: Path, is_link: str
) -> None:
    with (folder / "all.csv").open("ab") as file:
        file.write(b"before\n")
        file.flush()
        name = f"/dev/fd/{file.fileno()}"
        if is_link == "file":
            (folder / "link.csv").symlink_to(name)
            name = "link.csv"
        elif is_link == "folder":
            (folder / "open").symlink_to("/dev/fd")
            name = f"open/{file.fileno()}"
        result = payt_command("contacts", "export", "-a", 1, "-o", name, "--fields", "id", "-f", "csv")
        file.write(b"after\n")
    assert result.exit_code == 0
    ids = [str(number) for number in range(1, 13)]
    assert (folder / "all.csv").read_text().split() == ["before", "id", *ids, "after"]


@pytest.mark.parametrize("by_number", [False, True])
def test_a_terminal_that_is_named_is_not_obeyed_to_what_contacts_hold(
    payt_command: Any, fake: FakePayt, *, by_number: bool
) -> None:
    fake.change("1", lastname="\x1b]0;title\x07")
    above, below = pty.openpty()
    name = f"/dev/fd/{below}" if by_number else os.ttyname(below)
    result = payt_command(
        "contacts", "export", "-a", 1, "--ids", 1, "-o", name, "--fields", "id,lastname", "-f", "csv", "-q"
    )
    assert result.exit_code == 0
    shown = b""
    while shown.count(b"\n") < 2:  # what a terminal has may come in pieces
        shown += os.read(above, 1_000)
    assert shown.split() == [b"id,lastname", b"1,\\u001b]0;title\\u0007"]
    os.close(above)
    os.close(below)


def test_a_library_reads_what_the_command_wrote(payt_command: Any, fake: FakePayt) -> None:
    result = payt_command("contacts", "export", "-a", 1)
    with payt.Client(fake.token, base_url=fake.url) as client:
        listed = [found.lastname for found in client.contacts.list(administration_id="1")]
    assert [row["lastname"] for row in csv.DictReader(io.StringIO(result.stdout))] == listed


def test_an_existing_file_keeps_its_mode_and_its_links(payt_command: Any, fake: FakePayt, folder: Path) -> None:
    (folder / "real.csv").write_text("old")
    (folder / "real.csv").chmod(0o600)
    (folder / "link.csv").symlink_to("real.csv")
    assert payt_command("contacts", "export", "-a", 1, "-o", "link.csv").exit_code == 0
    assert (folder / "link.csv").is_symlink()
    assert len(rows_of(folder / "real.csv")) == 12
    assert (folder / "real.csv").stat().st_mode & 0o777 == 0o600


def test_a_contact_with_next_to_nothing(payt_command: Any, folder: Path, fake: FakePayt) -> None:
    fake.add_administration("9", [{"id": 7}, contact(id=8)])
    payt_command("contacts", "export", "-a", 9, "-o", "c.csv")
    assert rows_of(folder / "c.csv")[0] == {**dict.fromkeys(CONTACT_FIELDS, ""), "id": "7"}


@pytest.mark.soak
@pytest.mark.parametrize("name", ["c.csv", "c.parquet", "c.xlsx"])
def test_memory_stays_flat(folder: Path, environment: dict[str, str], fake: FakePayt, name: str) -> None:
    program = (
        "import atexit, re, sys; status = lambda: open('/proc/self/status').read(); "
        "atexit.register(lambda: print(re.search(r'VmHWM:\\s*(\\d+)', status())[1])); "
        "from payt.cli import main; main()"
    )
    fake.add_administration("2", 60_000)

    def most_memory(limit: int) -> int:
        arguments = ["contacts", "export", "-a", "2", "-o", name, "--limit", str(limit)]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        return int(done.stdout)

    few, many = most_memory(25_000), most_memory(60_000)  # kB; Parquet holds 20,000 rows back
    assert many < few + 20_000, f"{few} kB for 25,000 contacts, {many} kB for 60,000"


def test_a_column_that_is_no_field_is_refused_where_the_list_cannot_be_asked_for_fields() -> None:
    with pytest.raises(ValueError, match="there is no field 'lastnam' in Contact; use one of id, contact_identifier, "):
        columns_of(payt.Contact, ["id", "lastnam"])
