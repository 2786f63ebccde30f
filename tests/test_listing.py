"""The cursor loop: every contact, in order, once, however the pages come."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import logging
import traceback
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payt
from payt import checks
from payt.testing import FakePayt, contact
from support.flavours import Async, Flavour, Sync

NULL_CURSOR = {"pagination": {"cursor": None}}


def page(*ids: int | str, cursor: Any = ..., **rest: Any) -> dict[str, Any]:
    """The body of a page; without a cursor it is the last one."""
    pagination = NULL_CURSOR if cursor is ... else {"pagination": {"cursor": cursor}}
    return {"data": [{"id": str(id_)} for id_ in ids], **pagination, **rest}


def script(fake: FakePayt, *bodies: Any) -> None:
    """Let the server answer these bodies, one after the other."""
    for body in bodies:
        fake.answer(body)


def ids(contacts: list[payt.Contact]) -> list[str | None]:
    return [contact.id for contact in contacts]


def cursors(fake: FakePayt) -> list[str | None]:
    return [request.query.get("cursor") for request in fake.requests]


def test_a_listing_brings_every_contact_once_in_order(flavour: Flavour) -> None:
    with FakePayt(contacts=1_234) as fake:
        contacts = flavour.contacts(fake.url)
        assert ids(contacts) == [str(n) for n in range(1, 1_235)]
        assert [request.query["per_page"] for request in fake.requests] == ["500", "500", "500"]
        assert cursors(fake) == [None, "500", "1000"]
        assert fake.connections == 1


def test_contacts_are_typed(flavour: Flavour) -> None:
    given = contact(lastname="Jansen", updated_at="2026-11-01T10:00:00.123456Z", debtor_numbers=["D1", "D2"])
    with FakePayt(contacts=[given]) as fake:
        (received,) = flavour.contacts(fake.url)
    assert isinstance(received, payt.Contact)
    assert received.lastname == "Jansen"
    assert received.debtor_numbers == ["D1", "D2"]
    assert received.updated_at is not None
    assert received.updated_at.isoformat() == "2026-11-01T10:00:00.123456+00:00"


@pytest.mark.parametrize("last", ["null", "missing", "null-pagination", "empty-string", "missing-cursor", "empty-page"])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8])
def test_every_way_in_which_a_listing_may_end(last: Any, count: int, flavour: Flavour) -> None:
    with FakePayt(contacts=count, last_page=last) as fake:
        assert ids(flavour.contacts(fake.url, per_page=4)) == [str(n) for n in range(1, count + 1)]


def test_a_short_page_is_not_the_end(fake: FakePayt, flavour: Flavour) -> None:
    script(fake, page(1, 2, cursor="2"), page(3, cursor="3"), page(4, 5), page())
    assert ids(flavour.contacts(fake.url, per_page=2)) == ["1", "2", "3", "4", "5"]


def test_an_empty_page_with_a_new_cursor_is_not_the_end(fake: FakePayt, flavour: Flavour) -> None:
    script(fake, page(cursor="a"), page(1, 2, cursor="b"), page(cursor="c"), page(cursor="d"), page(3))
    assert ids(flavour.contacts(fake.url)) == ["1", "2", "3"]
    assert cursors(fake) == [None, "a", "b", "c", "d"]


def test_an_empty_page_that_repeats_its_cursor_is_the_end(fake: FakePayt, flavour: Flavour) -> None:
    script(fake, page(1, 2, cursor="2"), page(cursor="2"))
    assert ids(flavour.contacts(fake.url)) == ["1", "2"]
    assert len(fake.requests) == 2


@pytest.mark.parametrize(
    ("bodies", "resume"),
    [
        ([page(1, cursor="a"), page(2, cursor="a")], "a"),
        ([page(1, cursor="a"), page(2, cursor="b"), page(3, cursor="a")], "b"),
        ([page(1, cursor="a"), page(2, cursor="b"), page(cursor="a")], "b"),
    ],
    ids=["the same twice", "an earlier one", "an earlier one, on an empty page"],
)
def test_a_cursor_that_goes_in_circles_is_an_error(
    bodies: list[Any], resume: str, fake: FakePayt, flavour: Flavour
) -> None:
    script(fake, *bodies)
    with pytest.raises(payt.PaginationError, match="circles") as caught:
        flavour.contacts(fake.url)
    assert caught.value.cursor == resume
    assert len(fake.requests) == len(bodies)
    assert caught.value.request_id == fake.requests[-1].request_id


def test_of_two_records_with_one_id_on_a_page_the_later_one_comes(fake: FakePayt, flavour: Flavour) -> None:
    """Records without an id stay what they are."""
    records = [{"id": "1", "lastname": "old"}, {"lastname": "A"}, {"lastname": "B"}, {"id": "1", "lastname": "new"}]
    script(fake, {"data": records})
    assert [each.lastname for each in flavour.contacts(fake.url)] == ["new", "A", "B"]


def test_the_cursor_that_a_listing_starts_from_counts_as_seen(fake: FakePayt, flavour: Flavour) -> None:
    script(fake, page(1, cursor="a"))
    with pytest.raises(payt.PaginationError):
        flavour.contacts(fake.url, cursor="a")


def test_ids_and_cursors_may_come_as_numbers(flavour: Flavour) -> None:
    with FakePayt(contacts=5, numbers=True) as fake:
        pages = flavour.pages(fake.url, per_page=2)
    assert [[c.id for c in page.data] for page in pages] == [["1", "2"], ["3", "4"], ["5"]]
    assert [page.cursor for page in pages] == ["2", "4", None]


def test_all_parameters_are_sent_with_every_page(fake: FakePayt, flavour: Flavour) -> None:
    everything = [f"D{n}" for n in range(10_000, 10_020)]
    flavour.contacts(
        fake.url, per_page=5, debtor_numbers=everything, updated_after="2001-01-01T00:00:00Z", fields=["id"]
    )
    queries = [{k: v for k, v in request.query.items() if k != "cursor"} for request in fake.requests]
    assert len(queries) > 1
    assert all(query == queries[0] for query in queries)
    assert set(queries[0]) == {"administration_id", "debtor_numbers", "updated_after", "fields", "per_page"}


def test_nothing_is_sent_before_iteration_and_iterating_again_starts_again(fake: FakePayt) -> None:
    with payt.Client(fake.token, base_url=fake.url) as client:
        pager = client.contacts.list(administration_id="1", per_page=5, prefetch=0)
        contacts, pages = iter(pager), pager.pages()
        assert fake.requests == []
        assert next(contacts).id == "1"
        assert next(pages).cursor == "5"
        assert len(fake.requests) == 2
        assert ids(list(pager)) == ids(list(pager)) == [str(n) for n in range(1, 13)]
        assert ids([*contacts]) == [str(n) for n in range(2, 13)]


def test_the_same_holds_for_the_async_pager(fake: FakePayt) -> None:
    async def run() -> None:
        async with payt.AsyncClient(fake.token, base_url=fake.url) as client:
            pager = client.contacts.list(administration_id="1", per_page=5)
            assert fake.requests == []
            first = [contact async for contact in pager]
            again = [contact async for page in pager.pages() for contact in page.data]
            assert first == again
            assert len(first) == 12

    asyncio.run(run())


@pytest.mark.parametrize("kind", [payt.Client, payt.AsyncClient])
def test_a_pager_that_cannot_be_made_can_be_shown_all_the_same(kind: Any) -> None:
    """By whatever shows the variables of a traceback."""
    with pytest.raises(TypeError, match="prefetch") as caught:
        kind("a-token").contacts.list(administration_id="1", prefetch="2")
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert any("self = payt." in line and "Pager()" in line for line in shown.format())


def test_a_page_has_its_body_and_headers(fake: FakePayt, flavour: Flavour) -> None:
    first, *_ = flavour.pages(fake.url, per_page=5)
    assert json.loads(first.raw)["data"][0]["id"] == "1"
    assert first.headers["Content-Type"] == "application/json"
    assert first.cursor == "5"
    assert repr(first) == "Page(data=<5 records>, cursor='5')"


@pytest.mark.parametrize("prefetch", [0, 1])
def test_what_is_made_of_each_page_comes_in_order_whatever_it_is(prefetch: int) -> None:
    def make(page: payt.Page[payt.Contact]) -> str | None:
        if page.cursor == "6":
            raise KeyError(page.cursor)
        return page.cursor if page.cursor == "2" else None  # None is no end

    async def make_async(page: payt.Page[payt.Contact]) -> str | None:
        await asyncio.sleep(0)
        return make(page)

    with FakePayt(contacts=10) as fake:
        with payt.Client(fake.token, base_url=fake.url) as client:
            made = client.contacts.list(administration_id="1", per_page=2, prefetch=prefetch).map_pages(make)
            assert [next(made), next(made)] == ["2", None]
            with pytest.raises(KeyError, match="6"):
                next(made)

        async def run() -> None:
            async with payt.AsyncClient(fake.token, base_url=fake.url) as client:
                pager = client.contacts.list(administration_id="1", per_page=2, prefetch=prefetch)
                made = pager.map_pages(make_async)
                assert [await anext(made), await anext(made)] == ["2", None]
                with pytest.raises(KeyError, match="6"):
                    await anext(made)

        asyncio.run(run())


def test_pages_are_a_generator_that_may_be_sent_to(fake: FakePayt) -> None:
    with payt.Client(fake.token, base_url=fake.url) as client:
        pages = client.contacts.list(administration_id="1", per_page=5).pages()
        assert len(pages.send(None).data) == 5


def test_a_plain_function_for_an_async_pager_is_told(fake: FakePayt) -> None:
    plain: Any = len

    async def run() -> None:
        async with payt.AsyncClient(fake.token, base_url=fake.url) as client:
            with pytest.raises(TypeError, match="make must return an awaitable, as a coroutine function does, got int"):
                await anext(client.contacts.list(administration_id="1").map_pages(lambda page: plain(page.data)))

    asyncio.run(run())


def test_every_page_tells_where_to_resume(fake: FakePayt, flavour: Flavour) -> None:
    everything = flavour.contacts(fake.url)
    for given_page in flavour.pages(fake.url, per_page=3):
        if given_page.cursor:
            rest = flavour.contacts(fake.url, cursor=given_page.cursor, per_page=4)
            assert rest == everything[everything.index(given_page.data[-1]) + 1 :]


@pytest.mark.parametrize(
    ("limit", "per_pages"),
    [(0, []), (1, ["1"]), (5, ["5"]), (7, ["5", "2"]), (10, ["5", "5"]), (12, ["5", "5", "2"]), (99, ["5", "5", "5"])],
)
def test_limit_asks_for_no_more_than_it_needs(
    limit: int, per_pages: list[str], fake: FakePayt, flavour: Flavour
) -> None:
    contacts = flavour.contacts(fake.url, limit=limit, per_page=5)
    assert ids(contacts) == [str(n) for n in range(1, min(limit, 12) + 1)]
    assert [request.query["per_page"] for request in fake.requests] == per_pages


def test_limit_holds_against_a_server_that_sends_more(fake: FakePayt, flavour: Flavour) -> None:
    script(fake, page(1, 2, 3, cursor="3"), page(4))
    assert ids(flavour.contacts(fake.url, limit=2)) == ["1", "2"]
    assert len(fake.requests) == 1


@pytest.mark.parametrize("name", ["ids", "contact_identifiers", "debtor_numbers"])
@pytest.mark.parametrize(
    "empty", [[], (), set(), iter(()), {}.keys()], ids=["list", "tuple", "set", "iterator", "keys"]
)
def test_an_empty_filter_means_no_contacts_and_no_request(
    name: str, empty: Any, fake: FakePayt, flavour: Flavour
) -> None:
    assert flavour.contacts(fake.url, **{name: empty}) == []
    both: dict[str, Any] = {"contact_identifiers": ["K1"], "ids": ["1"], name: []}
    assert flavour.contacts(fake.url, **both) == []
    assert fake.requests == []


def test_a_page_that_breaks_the_contract_names_the_place_and_the_way_on(fake: FakePayt, flavour: Flavour) -> None:
    secret = "Jansen, secret"
    script(fake, page(1, cursor="1"), {"data": [{"id": "2"}, {"id": "3", "lastname": {"name": secret}}]})
    with pytest.raises(payt.InvalidResponseError) as caught:
        flavour.contacts(fake.url)
    assert caught.value.path == "$.data[1].lastname"
    assert caught.value.cursor == "1"
    assert "Expected `str | null`, got `object`" in str(caught.value)
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"pagination": {"cursor": None}}, 200, "$"),
        ({"data": [{"updated_at": "yesterday"}]}, 200, "$.data[0].updated_at"),
        ({"data": [{"updated_at": "2026-11-01T00:00:00"}]}, 200, "$.data[0].updated_at"),
        ({"data": [], "pagination": {"cursor": []}}, 200, "$.pagination.cursor"),
        ([], 200, "$"),
        ("<html>Maintenance</html>", 200, "$"),
        ("", 200, "$"),
        ({"data": []}, 206, "$"),
    ],
    ids=["no data", "no timestamp", "no zone", "odd cursor", "list", "HTML", "nothing", "status 206"],
)
def test_an_answer_that_is_no_page_is_an_error(
    body: Any, status: int, path: str, fake: FakePayt, flavour: Flavour
) -> None:
    fake.answer(body, status, times=None)
    with pytest.raises(payt.InvalidResponseError) as caught:
        flavour.contacts(fake.url)
    assert caught.value.path == path
    assert caught.value.cursor is None


def test_unknown_fields_are_named_once_a_listing(
    fake: FakePayt, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    script(
        fake,
        page(1, cursor="1"),
        {"data": [{"id": "2"}, {"id": "3", "nickname": "Jan", "vat": {}}], "pagination": {"cursor": "3", "total": 4}},
        {"data": [{"id": "4", "another": 1}]},
    )
    assert ids(flavour.contacts(fake.url)) == ["1", "2", "3", "4"]
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("payt", "WARNING")
    assert record.getMessage() == ("the API sends fields that openapi.yaml does not know: nickname, total, vat")
    flavour.contacts(fake.url)
    assert len(caplog.records) == 1


def test_unknown_fields_are_seen_on_whatever_page_they_come(
    fake: FakePayt, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    script(fake, *(page(each, cursor=each, **({"total": 25} if each == 13 else {})) for each in range(1, 25)), page())
    assert len(flavour.contacts(fake.url, client={"rate_limit": None})) == 24
    assert [record.args for record in caplog.records] == [("total",)]


def test_free_form_objects_have_no_unknown_fields(flavour: Flavour, caplog: pytest.LogCaptureFixture) -> None:
    given = contact(validation_errors={"anything": {"nested": [1, None, "x"]}})
    with FakePayt(contacts=[given]) as fake:
        (received,) = flavour.contacts(fake.url)
    assert received.validation_errors == {"anything": {"nested": [1, None, "x"]}}
    assert caplog.records == []


def test_the_body_holds_what_the_models_do_not(fake: FakePayt, flavour: Flavour) -> None:
    fake.extra_fields = {"nickname": "Jan"}
    first, *_ = flavour.pages(fake.url)
    assert json.loads(first.raw)["data"][0]["nickname"] == "Jan"
    assert first.data[0].id == "1"


def parts(fake: FakePayt, name: str) -> list[list[str]]:
    """The values of a filter in each request that starts a listing."""
    return [request.query[name].split(",") for request in fake.requests if "cursor" not in request.query]


@pytest.mark.parametrize(("count", "sizes"), [(100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_a_filter_too_long_for_one_url_is_spread(count: int, sizes: list[int], flavour: Flavour) -> None:
    with FakePayt(contacts=300) as fake:
        wanted = [str(n) for n in range(1, count + 1)]
        contacts = flavour.contacts(fake.url, ids=[*wanted, *wanted], per_page=40)
        assert ids(contacts) == wanted
        assert [len(part) for part in parts(fake, "ids")] == sizes


def test_no_url_holds_more_than_6000_characters_of_filters(flavour: Flavour) -> None:
    with FakePayt() as fake:
        given = [f"{n:03}" + "é" * 20 for n in range(90)]
        flavour.contacts(fake.url, contact_identifiers=given, debtor_numbers=given[:45])
        assert list(itertools.chain(*dict.fromkeys(map(tuple, parts(fake, "contact_identifiers"))))) == given
        assert len(fake.requests) > 2
        assert max(len(request.raw_query) for request in fake.requests) < 6_500


def test_a_contact_that_matches_several_parts_comes_once(flavour: Flavour) -> None:
    given = [contact(id=str(n), debtor_numbers=[f"A{n}", f"B{n}", f"C{n}"]) for n in range(1, 121)]
    numbers = [number for letter in "ABC" for number in (f"{letter}{n}" for n in range(1, 121))]
    with FakePayt(contacts=given) as fake:
        everything = flavour.contacts(fake.url, debtor_numbers=numbers, per_page=30)
        assert ids(everything) == [str(n) for n in range(1, 121)]
        assert len(parts(fake, "debtor_numbers")) == 4
        names = flavour.contacts(fake.url, debtor_numbers=numbers, fields=["lastname"])
        assert [contact.lastname for contact in names] == [c["lastname"] for c in given]


def test_contacts_without_an_id_are_never_taken_for_one_another(fake: FakePayt, flavour: Flavour) -> None:
    script(fake, {"data": [{"lastname": "Jansen"}, {"lastname": "Jansen"}]}, {"data": [{"lastname": "Jansen"}]})
    assert len(flavour.contacts(fake.url, debtor_numbers=[str(n) for n in range(150)])) == 3


def test_a_listing_in_parts_resumes_from_every_page(flavour: Flavour) -> None:
    given = [contact(id=str(n), debtor_numbers=[f"A{n}", f"B{n}"]) for n in range(1, 121)]
    numbers = [number for letter in "AB" for number in (f"{letter}{n}" for n in range(1, 121))]
    query: dict[str, Any] = {"debtor_numbers": numbers, "contact_identifiers": None, "per_page": 50}
    with FakePayt(contacts=given) as fake:
        everything = flavour.contacts(fake.url, **query)
        received: list[payt.Contact] = []
        for each in flavour.pages(fake.url, **query):
            received += each.data
            if each.cursor is not None:
                assert "/" in each.cursor
                resumed = flavour.contacts(fake.url, **query, cursor=each.cursor)
                assert {*ids(received), *ids(resumed)} == {*ids(everything)}
                assert len({*ids(resumed)}) == len(resumed)
                assert len(received) > 50 or ids(resumed)[0] == "51"  # behind that page, and not where the part begins
        assert received == everything


@pytest.mark.parametrize("part", [1, 2])
def test_a_resumed_listing_in_parts_brings_a_contact_that_gets_a_value_of_an_earlier_part(
    flavour: Flavour, part: int
) -> None:
    """It matched all the time, by a value of the part that is still to come."""
    given = [contact(id=str(n), debtor_numbers=[f"D{n}"]) for n in range(1, 151)]
    query: dict[str, Any] = {"debtor_numbers": [f"D{n}" for n in range(1, 151)], "per_page": 40}
    with FakePayt(contacts=given) as fake:
        received: list[payt.Contact] = []
        for each in flavour.pages(fake.url, **query):
            received += each.data
            if each.cursor is not None and each.cursor.startswith(f"{part}~"):
                break
        assert "120" not in ids(received)
        fake.change("120", debtor_numbers=["D5", "D120"])
        resumed = flavour.contacts(fake.url, **query, cursor=each.cursor)
        assert {*ids(received), *ids(resumed)} == {str(n) for n in range(1, 151)}


def test_combined_long_filters_resume_with_nothing_lost(flavour: Flavour) -> None:
    given = [contact(id=str(n), debtor_numbers=["S", f"A{n}"]) for n in range(1, 151)]
    query: dict[str, Any] = {
        "ids": [str(n) for n in range(1, 151)],
        "debtor_numbers": ["S", *(f"A{n}" for n in range(1, 151))],
    }
    with FakePayt(contacts=given) as fake:
        everything = flavour.contacts(fake.url, **query)
        assert sorted(ids(everything), key=lambda id_: int(id_ or 0)) == [str(n) for n in range(1, 151)]
        received: list[payt.Contact] = []
        for each in flavour.pages(fake.url, **query):
            received += each.data
            if each.cursor is not None:
                resumed = flavour.contacts(fake.url, **query, cursor=each.cursor)
                assert {*ids(received), *ids(resumed)} == {*ids(everything)}


def test_an_error_in_a_later_part_carries_a_cursor_that_resumes_there(flavour: Flavour) -> None:
    wanted = [str(n) for n in range(1, 251)]
    with FakePayt(contacts=250) as fake:
        fake.fail(403, after=4)
        received: list[payt.Contact] = []
        with pytest.raises(payt.PermissionDeniedError) as caught:
            flavour.pages(fake.url, ids=wanted, per_page=60, seen=lambda each: received.extend(each.data))
        assert (caught.value.cursor or "").startswith("3~")
        assert caught.value.administration_id == "1"
        fake.requests.clear()
        rest = flavour.contacts(fake.url, ids=wanted, cursor=caught.value.cursor)
        assert ids(received + rest) == wanted
        assert "cursor" not in fake.requests[0].query  # where a part begins
        further = str(caught.value.cursor).replace("3~", "4~")  # a part that is not there would look complete
        with pytest.raises(ValueError, match="whose filters take 3 parts"):
            flavour.contacts(fake.url, ids=wanted, cursor=further)


def test_an_error_before_the_first_page_of_a_listing_in_parts_has_no_cursor(flavour: Flavour) -> None:
    with FakePayt(contacts=250) as fake:
        fake.fail(403)
        with pytest.raises(payt.PermissionDeniedError) as caught:
            flavour.contacts(fake.url, ids=[str(n) for n in range(1, 251)])
        assert caught.value.cursor is None


@pytest.mark.parametrize("cursor", ["500", "0/", "4/500", "x/1", "-1/2", "2~0123456789abcdef/500"])
def test_a_cursor_of_another_listing_is_refused_for_one_in_parts(cursor: str, flavour: Flavour) -> None:
    with pytest.raises(ValueError, match="filters"):
        flavour.contacts("http://127.0.0.1:9", ids=[str(n) for n in range(250)], cursor=cursor)


def test_a_cursor_counts_for_the_same_parts_alone(flavour: Flavour) -> None:
    """With others, some records would be listed twice, and others never."""
    wanted = [str(n) for n in range(1, 251)]
    with FakePayt(contacts=300) as fake:
        received: list[payt.Contact] = []
        fake.fail(403, after=2)
        with pytest.raises(payt.PermissionDeniedError) as caught:
            flavour.pages(fake.url, ids=wanted, seen=lambda each: received.extend(each.data))
        sent = len(fake.requests)
        for others in (wanted[::-1], wanted[1:], [*wanted, "251"], wanted[:100], wanted[1:2]):
            with pytest.raises(ValueError, match="pass it with the same filters, their values in the same order"):
                flavour.contacts(fake.url, ids=others, cursor=caught.value.cursor)
        assert len(fake.requests) == sent
        rest = flavour.contacts(fake.url, ids=iter(wanted), cursor=caught.value.cursor)
        assert ids(received + rest) == wanted


@pytest.mark.parametrize("kind", [set, frozenset])
def test_a_set_of_values_is_the_same_in_each_process(kind: Any) -> None:
    """Its order is not: it hangs on the hashes of texts, of which each process makes its own."""
    wanted = [str(n) for n in range(250)]
    assert checks.values("ids", kind(wanted)) == checks.values("ids", kind(wanted[::-1])) == tuple(sorted(wanted))


@st.composite
def split_into_pages(draw: st.DrawFn) -> list[list[int]]:
    """Contacts 1 to n in pages of any size, empty pages anywhere."""
    sizes = draw(st.lists(st.integers(0, 4), max_size=8))
    numbers = itertools.count(1)
    return [[next(numbers) for _ in range(size)] for size in sizes]


@pytest.fixture(scope="module")
def long_lived() -> Iterator[FakePayt]:
    with FakePayt() as server:
        yield server


@pytest.mark.parametrize("either", [Sync(), Async()], ids=lambda either: either.name)
@given(pages=split_into_pages(), end=st.sampled_from([None, "", "missing", "null", "repeat"]), data=st.data())
def test_any_split_into_pages_comes_back_whole_in_order_once(
    either: Flavour, pages: list[list[int]], end: str | None, data: st.DataObject, long_lived: FakePayt
) -> None:
    long_lived.reset()
    new_cursors = data.draw(
        st.lists(st.text(min_size=1), unique=True, min_size=len(pages) + 1, max_size=len(pages) + 1)
    )
    for numbers, cursor in zip(pages, new_cursors, strict=False):
        long_lived.answer(page(*numbers, cursor=cursor))
    last: dict[str, Any] = {"data": []}
    if end in (None, ""):
        last["pagination"] = {"cursor": end}
    elif end == "null":
        last["pagination"] = None
    elif end == "repeat":
        last["pagination"] = {"cursor": new_cursors[len(pages) - 1] if pages else None}
    long_lived.answer(last)
    assert ids(either.contacts(long_lived.url)) == [str(n) for numbers in pages for n in numbers]
    assert cursors(long_lived) == [None, *new_cursors[: len(pages)]]


def test_memory_does_not_grow_with_the_number_of_contacts() -> None:
    with FakePayt(contacts=5_000) as fake, payt.Client(fake.token, base_url=fake.url) as client:
        for _ in client.contacts.list(administration_id="1"):  # the server, in this process too, fills its cache
            pass
        tracemalloc.start()
        try:
            used = []
            for count, each in enumerate(client.contacts.list(administration_id="1", per_page=50).pages(), start=1):
                del each
                fake.reset()  # the server would remember every request
                if count in (10, 100):
                    gc.collect()
                    used.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert used[1] < used[0] + 1_000_000  # ninety pages that were kept would take some 13 MB
