"""The watermark: no change is lost, whatever changes during a listing, and whatever the clocks say."""

from __future__ import annotations

import datetime
import email.utils
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import payt
from payt import incremental
from payt.listing import InvalidRecord, Page
from payt.testing import FakePayt


@pytest.fixture
def fake() -> Iterator[FakePayt]:
    with FakePayt(contacts=6) as fake:
        yield fake


@pytest.fixture
def client(fake: FakePayt) -> Iterator[payt.Client]:
    with payt.Client(fake.token, base_url=fake.url) as client:
        yield client


def copied(client: payt.Client, target: dict[str | None, payt.Contact], watermark: str | None, meanwhile: Any) -> str:
    """One run, as the module's docstring has it; something happens after each page."""
    run = incremental.begin(watermark)
    pager = client.contacts.list(administration_id="1", updated_after=run.updated_after, per_page=2, prefetch=0)
    for page in pager.pages():
        target |= {contact.id: contact for contact in page.data}
        run.take(page)
        meanwhile()
    assert run.watermark is not None
    return run.watermark


def test_what_changes_on_a_page_that_was_passed_comes_with_the_next_run(fake: FakePayt, client: payt.Client) -> None:
    target: dict[str | None, payt.Contact] = {}

    def meanwhile() -> None:
        fake.change("1", lastname="Passed", updated_at=later(hours=1))
        fake.change("6", lastname="To come", updated_at=later(hours=2))  # the newest of all that the listing brings

    watermark = copied(client, target, None, meanwhile)
    assert target["1"].lastname != "Passed"
    copied(client, target, watermark, lambda: None)
    assert {each.id: each.lastname for each in target.values()} == {
        each["id"]: each["lastname"] for each in fake.contacts
    }
    fake.reset()
    assert copied(client, target, watermark, lambda: None) >= watermark
    assert fake.requests[0].query["updated_after"] == incremental.earlier(watermark, incremental.OVERLAP)


def test_the_recipe_of_the_cookbook_loses_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    cookbook = (Path(__file__).parents[1] / "docs/cookbook.md").read_text("utf-8")
    recipe = re.search(r"## Only what changed since last time\n.*?```python\n(.*?)\n\n\nwith ", cookbook, re.DOTALL)
    assert recipe is not None
    namespace: dict[str, Any] = {"payt": payt}
    exec(recipe[1], namespace)
    target: dict[str | None, payt.Contact] = {}
    pages = payt.Pager.pages
    with FakePayt(contacts=600) as fake, payt.Client(fake.token, base_url=fake.url) as client:

        def changing(pager: payt.Pager[payt.Contact]) -> Iterator[Page[payt.Contact]]:
            for page in pages(pager):
                fake.change("1", lastname="Passed")
                yield page

        monkeypatch.setattr(payt.Pager, "pages", changing)
        fake.change("600", updated_at=later(minutes=1))  # while the listing goes on, after the other
        watermark = None
        for _ in range(2):
            changed, watermark = namespace["changes"](client, watermark)
            target |= {contact.id: contact for contact in changed}
    assert len(target) == 600
    assert target["1"].lastname == "Passed"
    assert "updated_after" in fake.requests[-1].query


def test_the_recipe_that_resumes_an_interrupted_run_loses_no_change(tmp_path: Path) -> None:
    engines = (Path(__file__).parents[1] / "docs/engines.md").read_text("utf-8")
    recipe = re.search(r"### Resume an interrupted run\n.*?```python\n(.*?)\n\n\nwith ", engines, re.DOTALL)
    assert recipe is not None
    namespace: dict[str, Any] = {"payt": payt, "incremental": incremental, "Path": Path}
    exec(recipe[1], namespace)
    target: dict[str | None, payt.Contact] = {}
    with FakePayt(contacts=1_200) as fake, payt.Client(fake.token, base_url=fake.url, retries=0) as client:
        fake.change("1200", updated_at=later(minutes=1))  # the newest of all comes last
        fake.fail(500, page=2)
        with pytest.raises(payt.ServerError):
            namespace["copy_changes"](client, target, tmp_path / "state")
        assert len(target) == 500
        fake.change("1", lastname="Passed")
        namespace["copy_changes"](client, target, tmp_path / "state")
        assert (len(target), fake.requests[-1].query["cursor"]) == (1_200, "1000")
        assert target["1"].lastname != "Passed"
        namespace["copy_changes"](client, target, tmp_path / "state")
    assert target["1"].lastname == "Passed"
    assert "updated_after" in fake.requests[-1].query


NOW = datetime.datetime(2026, 11, 1, 12, tzinfo=datetime.UTC)


def page(*moments: str, date: datetime.datetime | None = None, cursor: str | None = None, **more: Any) -> Page[Any]:
    records: list[dict[str, Any]] = [{"id": str(number), "updated_at": each} for number, each in enumerate(moments)]
    left_out: list[Any] = [{"id": "x"}, {"id": "y", "updated_at": "soon"}, {"id": "z", "updated_at": 5}]
    left_out += [{"id": "h", "lastname": "\ud83d"}, {"id": "i", "updated_at": "\ud83d"}, 5, "updated_at", None]
    return Page(
        data=[payt.Contact.from_dict(each) for each in records],
        cursor=cursor,
        raw=json.dumps({"data": [*left_out, *records]}).encode(),
        headers={} if date is None else {"date": email.utils.format_datetime(date)},
        **more,
    )


def later(**by: float) -> str:
    return incremental.iso(datetime.datetime.now(datetime.UTC) + datetime.timedelta(**by))


OLD = "2026-01-01T00:00:00.000000Z"


def test_the_watermark_is_the_newest_change_but_never_later_than_the_begin() -> None:
    run = incremental.begin(None)
    assert run.updated_after is None
    assert run.watermark is None
    run.take(page(OLD, "2025-01-01T00:00:00.000000Z", date=datetime.datetime.now(datetime.UTC), cursor="1"))
    assert run.newest == OLD
    run.take(page(later(hours=1)))
    assert run.began is not None
    assert run.watermark == run.began <= run.asked_at


@pytest.mark.parametrize("date", [None, NOW + datetime.timedelta(days=900), NOW - datetime.timedelta(days=900)])
def test_without_a_clock_to_believe_the_first_page_decides(date: datetime.datetime | None) -> None:
    run = incremental.begin(None)
    run.take(page("2020-01-01T00:00:00.000000Z", date=date, cursor="1"))
    run.take(page(OLD))
    assert run.watermark == "2020-01-01T00:00:00.000000Z"


def test_the_watermark_moves_with_the_last_page_alone() -> None:
    """Not where a loop was left, nor where `limit` ended the listing."""
    run = incremental.begin(OLD)
    date = datetime.datetime.now(datetime.UTC)
    run.take(page("2026-02-01T00:00:00.000000Z", date=date, cursor="1"))
    assert run.watermark == OLD
    run.take(page())
    assert run.watermark == "2026-02-01T00:00:00.000000Z"


def test_a_clock_that_is_set_back_after_the_begin_is_not_believed() -> None:
    run = incremental.begin(None)
    run.asked_at = later(hours=1)
    run.take(page(OLD, date=datetime.datetime.now(datetime.UTC), cursor="1"))
    run.take(page(later(minutes=30)))
    assert run.watermark == OLD


def test_after_a_watermark_in_the_future_the_next_run_is_full() -> None:
    run = incremental.begin(later(days=1))
    run.take(page(date=datetime.datetime.now(datetime.UTC)))
    assert run.watermark is None


def test_the_watermark_never_goes_back_and_stays_where_records_were_left_out() -> None:
    kept = "2026-05-01T00:00:00.000000Z"
    run = incremental.begin(kept, overlap=datetime.timedelta(hours=1))
    assert run.updated_after == "2026-04-30T23:00:00.000000Z"
    assert run.watermark == kept
    run.take(page(OLD, date=datetime.datetime.now(datetime.UTC)))
    assert run.watermark == kept
    run = incremental.begin(kept)
    invalid = (InvalidRecord(id="5", path="$", reason="odd", raw=b"", cursor=None),)
    run.take(page("2026-06-01T00:00:00.000000Z", date=datetime.datetime.now(datetime.UTC), invalid=invalid))
    assert (run.newest, run.watermark) == ("2026-06-01T00:00:00.000000Z", kept)
    run = incremental.begin(kept)
    run.take(page(OLD, date=datetime.datetime.now(datetime.UTC), cursor="1", invalid=invalid))
    run.take(page("2026-06-01T00:00:00.000000Z"))  # on which none was
    assert run.watermark == kept


@pytest.mark.parametrize(
    ("ahead", "began", "agreed"),
    [
        (-60, NOW - datetime.timedelta(seconds=64), True),  # less three seconds of waiting, and the one that Date tells
        (0, NOW - datetime.timedelta(seconds=4), True),
        (60, NOW, True),
        (301, NOW, True),
        (305, NOW, False),
        (-297, NOW - datetime.timedelta(seconds=301), False),
    ],
)
def test_a_run_begins_by_the_clock_that_is_behind(ahead: int, began: datetime.datetime, *, agreed: bool) -> None:
    date = email.utils.format_datetime(NOW + datetime.timedelta(seconds=ahead))
    found = incremental.begun({"date": date}, NOW, datetime.timedelta(seconds=3))
    assert found == (incremental.iso(began), agreed)


def test_nothing_that_says_when_it_changed_leaves_no_watermark() -> None:
    run = incremental.begin(None)
    raw = b'{"data": [{"id": "1", "updated_at": null}], "pagination": {}}'
    run.take(Page(data=[payt.Contact(id="1")], cursor=None, raw=raw, headers={}))
    assert run.watermark is None


@pytest.mark.parametrize("raw", ["2026-01-01T00:00:00.0000007Z", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"])
def test_a_moment_is_kept_as_it_came_and_never_rounded_up(raw: str) -> None:
    run = incremental.begin(None)
    run.take(page("2025-01-01T00:00:00Z", raw, date=datetime.datetime.now(datetime.UTC)))
    assert run.watermark == raw
    assert incremental.begin(run.watermark, overlap=datetime.timedelta(0)).updated_after == OLD


def test_a_run_is_resumed_from_json() -> None:
    run = incremental.begin(OLD)
    run.take(page("2026-02-01T00:00:00.000000Z", date=datetime.datetime.now(datetime.UTC), cursor="1"))
    again = incremental.Run(**json.loads(json.dumps(attrs.asdict(run))))
    assert again == run
    again.take(page("2026-03-01T00:00:00.000000Z"))
    assert again.watermark == "2026-03-01T00:00:00.000000Z"


def test_one_run_of_several_listings_is_refused(client: payt.Client, fake: FakePayt) -> None:
    fake.add(administration_id="2")
    run = incremental.begin(None)
    with pytest.raises(ValueError, match="page comes after the last page of this run: begin a run for each listing"):  # noqa: PT012  # which of them comes first is open
        for _, page in client.contacts.list_many(administration_ids=["1", "2"]).pages():
            run.take(page)


def test_a_page_without_moments_is_refused_and_named(client: payt.Client) -> None:
    run = incremental.begin(None)
    [other] = client.administrations.list().pages()
    with pytest.raises(ValueError, match="records of Administration, and 'updated_at' is no field of theirs"):
        run.take(other)
    [page] = client.contacts.list(administration_id="1").pages()
    with pytest.raises(ValueError, match="records of Contact, and 'lastname' is no field of theirs"):
        incremental.begin(None, field="lastname").take(page)
    run.take(page)  # which has not begun by what was refused
    assert run.ended


def test_pages_without_the_field_are_refused(client: payt.Client) -> None:
    """Each run would be a full one, and nobody would notice."""
    run = incremental.begin(None)
    [page] = client.contacts.list(administration_id="1", fields=["id"]).pages()
    with pytest.raises(ValueError, match=r"page has records without 'updated_at', .*: let `fields` have it"):
        run.take(page)
    [page] = client.contacts.list(administration_id="1", fields=["id", "updated_at"]).pages()
    run.take(page)
    assert run.watermark is not None


def test_a_moment_may_be_of_another_class_than_a_plain_datetime() -> None:
    """As those are that a tool makes which stops the time for a test."""

    class Moment(datetime.datetime):
        pass

    run = incremental.begin(None)
    moment = Moment(2026, 1, 1, tzinfo=datetime.UTC)
    run.take(Page(data=[payt.Contact(id="1", updated_at=moment)], cursor=None, raw=f'"{OLD}"'.encode(), headers={}))
    assert run.watermark == OLD


@pytest.mark.parametrize("page", [("1", None), [], None])
def test_what_is_not_a_page_is_refused(page: Any) -> None:
    with pytest.raises(TypeError, match=rf"page must be a payt.Page, got {type(page).__name__}: take each page of"):
        incremental.begin(None).take(page)


def test_a_list_without_such_a_field_has_no_newest() -> None:
    assert incremental.newest_of(page(OLD), None) is None


def test_before_the_year_one_lies_everything() -> None:
    assert incremental.begin("0001-01-01T00:00:00Z").updated_after is None


@pytest.mark.parametrize("raw", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-02:00"])
def test_a_moment_that_no_year_of_utc_holds_is_one_all_the_same(raw: str) -> None:
    run = incremental.begin(None)
    run.take(page(raw))
    assert run.watermark == (raw if raw < OLD else run.began)
    assert incremental.begin(raw).updated_after is None


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"watermark": "yesterday"}, ValueError, "watermark must be ISO 8601 with an offset"),
        ({"watermark": "2026-01-01T00:00:00"}, ValueError, "watermark must be ISO 8601 with an offset"),
        ({"watermark": datetime.datetime(2026, 1, 1)}, ValueError, "watermark must be"),  # noqa: DTZ001  # naive on purpose
        ({"watermark": 5}, TypeError, "watermark must be a string"),
        ({"watermark": None, "overlap": 5}, TypeError, "overlap must be a datetime.timedelta, got int"),
        ({"watermark": None, "overlap": datetime.timedelta(-1)}, ValueError, "overlap must not be negative"),
        ({"watermark": None, "field": ""}, ValueError, "field must not be empty"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        incremental.begin(**arguments)


def test_a_watermark_may_be_a_datetime() -> None:
    assert incremental.begin(NOW).updated_after == "2026-11-01T11:55:00.000000Z"
