"""A listing is complete, or an error whose cursor brings the rest, whatever a server means by a cursor."""

from __future__ import annotations

import asyncio
import copy
import gc
import gzip
import json
import pickle
import sys
import threading
from types import SimpleNamespace
from typing import Any

import brotli
import hypothesis
import pytest
import zstandard
from hypothesis import strategies as st

import payt
from payt.listing.pages import Seen
from payt.testing import FakePayt
from payt.transport.answers import retry_after
from payt.transport.decoding import readers
from support.eventually import eventually, workers
from support.flavours import Flavour, Sync
from support.pages import Pages, refusal, serving
from support.peak_memory import peak
from support.quick import QUICK

CLIENT = QUICK | {"rate_limit": None}


def by_id(ids: list[int], size: int | None = None, **around: Any) -> Any:
    """A service whose cursor is the id after which a page starts; `size` is what it does in place of per_page."""

    def answer(query: dict[str, str]) -> Any:
        rest = [number for number in ids if number > int(query.get("cursor", -1))]
        page = rest[: size or int(query.get("per_page", 100))]
        more = {"pagination": {"cursor": str(page[-1])}} if len(page) < len(rest) else {}
        return {"data": [{"id": str(number)} for number in page], **more, **around}

    return answer


def by_offset(ids: list[Any], size: int | None = None) -> Any:
    def answer(query: dict[str, str]) -> Any:
        start, count = int(query.get("cursor", 0)), size or int(query.get("per_page", 100))
        page = ids[start : start + count]
        more = {"pagination": {"cursor": str(start + count)}} if start + count < len(ids) else {}
        return {"data": [{"id": str(number)} for number in page], **more}

    return answer


def dropping(ids: list[int], size: int, drops: int) -> Any:
    """A service with pages of its own size that drops its cursor on a full page, not the first, that has an id."""

    def answer(query: dict[str, str]) -> Any:
        page = by_id(ids, size)(query)
        drop = "cursor" in query and len(page["data"]) == size and {"id": str(drops)} in page["data"]
        return {**page, "pagination": None} if drop else page

    return answer


def by_token(ids: list[Any], size: int | None = None) -> Any:
    """A service whose cursors are its own: any other one is refused."""
    by_number = by_offset(ids, size)

    def answer(query: dict[str, str]) -> Any:
        kind, _, number = query.get("cursor", "token-0").partition("-")
        if kind != "token":
            return refusal(422)
        page = by_number({**query, "cursor": number})
        more = page.get("pagination")
        return {**page, "pagination": more and {"cursor": f"token-{more['cursor']}"}}

    return answer


def ending(answer: Any) -> Any:
    """A service that has a cursor for each page with records, so that an empty one is the last."""

    def ended(query: dict[str, str]) -> Any:
        page = {"data": []} if query.get("cursor") == "end" else answer(query)
        if isinstance(page, bytes) or not page["data"]:
            return page
        return {**page, "pagination": page.get("pagination") or {"cursor": "end"}}

    return ended


def ids_of(found: list[Any]) -> list[str]:
    return [contact.id for contact in found]


def listed(flavour: Flavour, server: Pages, **arguments: Any) -> list[str]:
    return ids_of(flavour.contacts(server.url, client=CLIENT, **arguments))


# limit


def test_a_limit_where_per_page_is_ignored_loses_nothing(flavour: Flavour) -> None:
    """A page that was cut resumes behind what was given out."""
    ids = list(range(1, 1_201))
    with serving(by_id(ids, size=500)) as server:
        found: list[str] = []
        cursor: str | None = None
        while True:
            pages = flavour.pages(server.url, client=CLIENT, limit=100, cursor=cursor)
            found += [str(contact.id) for page in pages for contact in page.data]
            if (cursor := pages[-1].cursor) is None:
                break
    assert found == [str(number) for number in ids]


@pytest.mark.parametrize("service", [by_offset, by_token])
def test_a_limit_that_cannot_be_resumed_behind_is_an_error(service: Any, flavour: Flavour) -> None:
    """Also where the service refuses the cursor that would prove the cut."""
    with serving(service(list(range(7, 1_207)), size=500)) as server:
        with pytest.raises(payt.InvalidResponseError, match="more records than were asked for") as caught:
            listed(flavour, server, limit=100)
        assert caught.value.cursor is None


def test_a_page_whose_cut_is_not_proven_is_not_given_out(flavour: Flavour) -> None:
    """Who stores the cursor of its first page would lose what an offset passes."""
    with serving(by_offset(list(range(1_001, 3_401)), size=500)) as server:

        async def first_async() -> Any:
            async with payt.AsyncClient("token", base_url=server.url, **CLIENT) as client:
                return await anext(client.contacts.list(administration_id="1", limit=100).pages())

        def first() -> Any:
            with payt.Client("token", base_url=server.url, **CLIENT) as client:
                return next(client.contacts.list(administration_id="1", limit=100).pages())

        for read in (first, lambda: asyncio.run(first_async())):
            with pytest.raises(payt.InvalidResponseError, match="list without limit") as caught:
                read()
            assert caught.value.cursor is None


@pytest.mark.parametrize("count", [1_200, 1_000], ids=["in the middle", "on the last page"])
def test_a_cut_needs_no_proof_once_a_cursor_was_the_key_of_a_record(count: int, flavour: Flavour) -> None:
    ids = list(range(1, count + 1))
    with serving(by_id(ids, size=500)) as server:
        pages = flavour.pages(server.url, client=CLIENT, limit=600)
        assert ([page.cursor for page in pages], len(server.asked)) == (["500", "600"], 2)


def test_a_full_page_that_a_limit_ends_says_where_to_resume(flavour: Flavour) -> None:
    records = [{"id": str(number)} for number in range(1, 6)]
    with serving(lambda _: {"data": records}) as server:
        pages = flavour.pages(server.url, client=CLIENT, limit=5, per_page=5)
    assert [page.cursor for page in pages] == ["5"]
    with serving(
        lambda query: by_id([*range(1, 20)])(query) | ({"pagination": None} if "cursor" in query else {})
    ) as server:
        pages = flavour.pages(server.url, client=CLIENT, limit=8, per_page=5)
        assert [page.cursor for page in pages] == ["5", "8"]  # though the page before was larger


# The end


def test_a_last_page_that_is_smaller_than_the_largest_before_it_is_believed(flavour: Flavour) -> None:
    """Others after the largest may have been smaller still."""
    pages = {None: range(1, 6), "5": range(6, 9), "8": range(9, 13)}

    def answer(query: dict[str, str]) -> Any:
        page = pages[query.get("cursor")]
        cursor = None if page[-1] == 12 else str(page[-1])
        return {"data": [{"id": str(each)} for each in page], "pagination": {"cursor": cursor}}

    with serving(answer) as server:
        assert (len(listed(flavour, server)), len(server.asked)) == (12, 3)


@pytest.mark.parametrize(
    ("around", "named"),
    [
        ({"next_cursor": "2"}, "next_cursor"),
        ({"has_more": True}, "has_more"),
        ({"links": {"next": "…"}}, "links"),
        ({"pagination": {"next": "2"}}, "next"),
        ({}, "a full page"),
    ],
)
def test_an_end_that_is_odd_is_proven(around: dict[str, Any], named: str, flavour: Flavour) -> None:
    """As by a service that calls its cursor by another name."""

    def answer(query: dict[str, str]) -> Any:
        page = by_id(list(range(1, 1_201)))(query)
        page.pop("pagination", None)
        return page | around

    with serving(answer) as server:
        with pytest.raises(payt.InvalidResponseError, match=f"records behind its end.*{named}") as caught:
            listed(flavour, server)
        assert caught.value.cursor == "500"
        assert len(server.asked) == 2


def test_a_name_that_is_none_is_not_repeated(flavour: Flavour) -> None:
    """It is text of the service's, which could steer a terminal."""
    page = {"data": [{"id": "1"}], "next\x1b[2J": 2}
    with serving(lambda query: page if "cursor" not in query else {"data": [{"id": "2"}]}) as server:
        with pytest.raises(payt.InvalidResponseError, match="the last page ended with `…` and") as caught:
            listed(flavour, server)
        assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_full_last_page_is_the_end_where_nothing_is_behind_it(status: int, flavour: Flavour) -> None:
    ids = list(range(1, 1_001))
    with serving(by_id(ids)) as server:
        assert listed(flavour, server) == [str(number) for number in ids]
        assert len(server.asked) == 3

    def opaque(query: dict[str, str]) -> Any:
        if query.get("cursor") not in (None, "second"):
            return refusal(status)
        page = ids[500:] if "cursor" in query else ids[:500]
        more = {} if "cursor" in query else {"pagination": {"cursor": "second"}}
        return {"data": [{"id": str(number)} for number in page], **more}

    with serving(opaque) as server:
        assert listed(flavour, server) == [str(number) for number in ids]


@pytest.mark.parametrize("prefetch", [0, 1, 16])
def test_an_end_with_a_page_as_large_as_any_before_is_proven(prefetch: int, flavour: Flavour) -> None:
    """As by a service that has pages of its own size; a page that is shorter takes no request more."""
    ids = list(range(1, 351))
    with serving(dropping(ids, 100, drops=200)) as server:
        with pytest.raises(payt.InvalidResponseError, match=r"records behind its end.*a full page") as caught:
            listed(flavour, server, prefetch=prefetch)
        assert caught.value.cursor == "200"
    for last, requests in ((350, 4), (300, 4), (70, 1)):
        with serving(by_id(ids[:last], size=100)) as server:
            assert len(listed(flavour, server)) == last
            assert len(server.asked) == requests


def test_an_end_is_proven_however_a_listing_is_read() -> None:
    async def read(url: str, form: str) -> None:
        async with payt.AsyncClient("t", base_url=url, **CLIENT) as client:
            one = client.contacts.list(administration_id="1")
            many = client.contacts.list_many(administration_ids=["1"])
            match form:
                case "one":
                    await one.to_arrow()
                case "many":
                    await many.to_arrow()
                case "records":
                    [each async for each in many]

    with (
        serving(dropping(list(range(1, 351)), 100, drops=200)) as server,
        payt.Client("t", base_url=server.url, **CLIENT) as client,
    ):
        one, many = client.contacts.list(administration_id="1"), client.contacts.list_many(administration_ids=["1"])
        ways: list[Any] = [
            one.to_arrow().read_all,
            many.to_arrow().read_all,
            lambda: list(many),
            *(lambda form=form: asyncio.run(read(server.url, form)) for form in ("one", "many", "records")),
        ]
        for way in ways:
            with pytest.raises(payt.InvalidResponseError, match="records behind its end") as caught:
                way()
            assert caught.value.cursor == "200"


@pytest.mark.parametrize("behind", [{"data": [], "has_more": False}, {"data": []}, 404])
def test_an_odd_empty_end_is_proven(behind: Any, flavour: Flavour) -> None:
    """As by a service that has nothing on a page for once, and says elsewhere that there is more."""
    pages: dict[str | None, Any] = {
        None: {"data": [{"id": "1"}, {"id": "2"}], "pagination": {"cursor": "a"}},
        "a": {"data": [], "has_more": True},
        "2": refusal(behind) if behind == 404 else behind,
    }
    with serving(lambda query: pages[query.get("cursor")]) as server:
        assert listed(flavour, server) == ["1", "2"]
        assert [query.get("cursor") for query in server.asked] == [None, "a", "2"]
        pages["2"] = {"data": [{"id": "3"}]}
        with pytest.raises(payt.InvalidResponseError, match=r"records behind its end.*`has_more`") as caught:
            listed(flavour, server)
        assert caught.value.cursor == "2"
    with serving(lambda _: {"data": [], "has_more": False}) as server:  # nothing is known to ask behind
        assert listed(flavour, server) == []
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        ({"data": [], "pagination": {"cursor": "900"}}, "there is a cursor behind its end"),
        ({"data": [{"id": "1"}, {"id": "2"}]}, "the same page comes behind its end"),
    ],
)
def test_an_answer_that_proves_no_end_is_an_error(behind: Any, words: str, flavour: Flavour) -> None:
    """As by a service that skips what it may not show, or one that does not read its cursor."""
    page = {"data": [{"id": "1"}, {"id": "2"}], "has_more": True}
    with serving(lambda query: behind if query.get("cursor") == "2" else page) as server:
        with pytest.raises(payt.InvalidResponseError, match=words) as caught:
            listed(flavour, server)
        assert caught.value.cursor == "2"


def test_a_proof_that_fails_is_no_proof(flavour: Flavour) -> None:
    def answer(query: dict[str, str]) -> Any:
        return refusal(403) if "cursor" in query else by_id(list(range(1, 501)))(query)

    with serving(answer) as server, pytest.raises(payt.PermissionDeniedError) as caught:
        listed(flavour, server)
    assert caught.value.cursor == "500"


def test_pages_of_a_record_that_are_far_apart_do_not_flood_a_service(flavour: Flavour) -> None:
    """The first page says nothing of how far the next one reaches, and each guess before it brings the same record."""
    ids = [number * 30_000 for number in range(1, 41)]
    with serving(by_id(ids, size=1)) as server:
        assert listed(flavour, server, per_page=2, prefetch=16) == [str(number) for number in ids]
        assert len(server.asked) < 80


@pytest.mark.parametrize("nothing", [None, False, 0, "", [], {}])
def test_an_error_that_is_none_is_not_an_error(nothing: Any, flavour: Flavour) -> None:
    body = {"data": [{"id": "1"}], "error": nothing, "errors": nothing}
    with serving(lambda query: {"data": []} if "cursor" in query else body) as server:
        assert listed(flavour, server) == ["1"]


@pytest.mark.parametrize("body", [{"data": [], "error": "down"}, {"data": [{"id": "1"}], "errors": [{"code": 1}]}])
def test_an_error_with_status_200_is_an_error(body: Any, flavour: Flavour) -> None:
    with serving(lambda _: body) as server, pytest.raises(payt.InvalidResponseError, match="yet the answer has `error"):
        listed(flavour, server)


@pytest.mark.parametrize("collects", [False, True])
@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"data": [{"id": "1"}], "data": []}', "data"),
        (b'{"data": [{"id": "1", "infix": {"data": 7}}], "data": [{"id": "2"}]}', "data"),
        (b'{"data": [{"id": "1"}], "pagination": {"cursor": "1"}, "pagination": null}', "pagination"),
        (b'{"data": [{"id": "1"}], "pagination": {"cursor": "1", "cursor": null}}', "cursor"),
        (b'{"pagination": {"cursor": "1"}, "data": [{"id": "1"}], "pagination": null}', "pagination"),
        (b'{"data":[{"id":"1"}],"pagination":null,"data":[]}', "data"),
        (b'{"data": [{"id": "1"}]\n, "d\\u0061ta": [{"id": "2"}]}', "data"),
        (b'{"data": [{"id": "1"}], "p\\u0061gination": null, "data": []}', "data"),
        (b'{"data": [{"id": "1"}], "pagination": {"cursor": "1", "curs\\u006fr": null}}', "cursor"),
        (b'{"data": [{"id": "1", "new": 1}], "pagination": {"cursor": "1"}, "pagination": null}', "pagination"),
    ],
    ids=[
        "a part of the page",
        "an odd one",
        "its end",
        "its cursor",
        "before and behind",
        "behind its end",
        "escaped",
        "behind one that is escaped",
        "escaped, its cursor",
        "with a new field",
    ],
)
def test_a_name_that_stands_twice_around_the_records_is_an_error(
    body: bytes, name: str, collects: bool, flavour: Flavour
) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with (
        serving(lambda _: whole) as server,
        pytest.raises(payt.InvalidResponseError, match=f"has `{name}` twice") as caught,
    ):
        listed(flavour, server, on_invalid="collect" if collects else "raise")
    assert (caught.value.path, caught.value.cursor) == (f"$.{name}", None)


def test_what_is_left_out_of_a_page_may_be_no_unicode(flavour: Flavour) -> None:
    body = b'{"data": [{"id": "1", "data": "\xff"}]}'
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with serving(lambda query: {"data": []} if "cursor" in query else whole) as server:
        assert listed(flavour, server) == ["1"]


def test_texts_of_records_may_be_the_names_around_them(flavour: Flavour) -> None:
    records = [{"id": "1", "lastname": "data"}, {"id": "2", "lastname": "data", "firstname": "pagination"}]
    with serving(lambda query: {"data": [] if "cursor" in query else records}) as server:
        assert listed(flavour, server) == ["1", "2"]


# What never ends, and what comes twice


def endless(query: dict[str, str]) -> Any:
    number = int(query.get("cursor", 0)) + 1
    return {"data": [{"id": "1"}, {"id": "2"}], "pagination": {"cursor": str(number)}}


def empty_without_end(query: dict[str, str]) -> Any:
    return {"data": [], "pagination": {"cursor": str(int(query.get("cursor", 0)) + 1)}}


@pytest.mark.parametrize("answer", [endless, empty_without_end])
def test_an_endless_listing_is_noticed(answer: Any, flavour: Flavour) -> None:
    with serving(answer) as server:
        with pytest.raises(payt.PaginationError):
            listed(flavour, server)
        assert len(server.asked) < 110


def test_a_cursor_that_no_url_can_hold_is_an_error(flavour: Flavour) -> None:
    longest = "x" * 16_384
    pages = {None: ("1", longest), longest: ("2", longest + "x")}

    def answer(query: dict[str, str]) -> Any:
        number, cursor = pages[query.get("cursor")]
        return {"data": [{"id": number}], "pagination": {"cursor": cursor}}

    with serving(answer) as server, pytest.raises(payt.InvalidResponseError, match="16385 characters") as caught:
        listed(flavour, server)
    assert (caught.value.path, caught.value.cursor) == ("$.pagination.cursor", longest)
    assert len(server.asked) == 2


@pytest.mark.parametrize("numbers", [["1", "1", "2"], ["b", "a", "b", "c"], ["1", "2", "2", "1"]])
def test_a_record_that_comes_twice_is_given_once(numbers: list[str], flavour: Flavour) -> None:
    once = list(dict.fromkeys(numbers))
    with serving(by_offset(numbers)) as server:
        assert listed(flavour, server) == once
        assert listed(flavour, server, per_page=3) == once


def test_whatever_a_key_is_it_is_known_again() -> None:
    """As that of a list whose keys are numbers in its contract."""
    for one, two, three in (("1", "2", "3"), (1, 2, 3), ("a", "b", "c"), ("1", 2, None)):
        seen = Seen()
        assert seen.new([one, two]) == [True, True]
        assert seen.new([]) == []
        assert seen.new([two, one, three]) == [False, False, True]


# Odd records

ODD: dict[str, Any] = {
    "a number for a text": {"id": "2", "lastname": 5},
    "a moment that is none": {"id": "2", "updated_at": "soon"},
    "null among numbers": {"id": "2", "debtor_numbers": [None]},
    "a list for an object": {"id": "2", "validation_errors": []},
    "half an emoji": {"id": "2", "lastname": "\ud83d"},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_record_blocks_nothing(odd: Any, flavour: Flavour) -> None:
    body = {"data": [{"id": "1"}, odd, {"id": "3"}]}
    with serving(lambda _: body) as server:
        with pytest.raises(payt.InvalidResponseError) as caught:
            listed(flavour, server)
        error = caught.value
        assert error.record_id == "2"
        assert error.__notes__ == ["the first one is record 2 (in Python: on_invalid='collect' lists all others)"]
        assert json.loads(error.raw or b"") == odd
        assert error.attempts == 1
        assert error.path.startswith("$")
        assert str(odd.get("lastname", "soon")).encode(errors="replace").decode() not in str(error)
        found, invalid = flavour.collected(server.url, client=CLIENT)
    assert ids_of(found) == ["1", "3"]
    assert [(record.id, record.cursor) for record in invalid] == [("2", None)]
    assert invalid[0].path.startswith("$.data[1]")
    assert json.loads(invalid[0].raw) == odd
    assert "raw" not in repr(invalid[0])


def test_the_end_behind_a_record_that_cannot_be_read_is_proven(flavour: Flavour) -> None:
    records = [{"id": str(number)} for number in range(1, 501)]
    records[-1]["updated_at"] = "soon"

    def answer(query: dict[str, str]) -> Any:
        return {"data": [] if "cursor" in query else records}

    with serving(answer) as server:
        found, invalid = flavour.collected(server.url, client=CLIENT)
        assert [query.get("cursor") for query in server.asked] == [None, "500"]
    assert (len(found), [record.id for record in invalid]) == (499, ["500"])


def test_pages_of_records_that_cannot_be_read_are_not_empty(flavour: Flavour) -> None:
    def answer(query: dict[str, str]) -> Any:
        begin = int(query.get("cursor", "0"))
        following = {"pagination": {"cursor": str(begin + 1)}} if begin < 120 else {}
        return {"data": [{"id": str(begin + 1), "updated_at": "soon"}] if begin < 121 else [], **following}

    with serving(answer) as server:
        found, invalid = flavour.collected(server.url, client=CLIENT)
    assert (found, len(invalid)) == ([], 121)


def test_only_what_was_left_out_in_front_of_a_cut_is_listed(flavour: Flavour) -> None:
    records = [{"id": str(number), **({"updated_at": "soon"} if number in (2, 9) else {})} for number in range(1, 11)]

    def answer(query: dict[str, str]) -> Any:
        return {"data": [each for each in records if int(each["id"]) > int(query.get("cursor", "0"))]}

    with serving(answer) as server:
        found, invalid = flavour.collected(server.url, client=CLIENT, limit=4)
    assert (ids_of(found), [record.id for record in invalid]) == (["1", "3", "4", "5"], ["2"])


def test_a_full_page_whose_last_record_has_no_key_proves_no_end(flavour: Flavour) -> None:
    records = [{"id": str(number)} for number in range(1, 500)] + [{"id": None}]
    with (
        serving(lambda _: {"data": records}) as server,
        pytest.raises(payt.InvalidResponseError, match="its last record has no key"),
    ):
        listed(flavour, server)


def test_the_key_is_asked_for_whatever_the_fields(flavour: Flavour) -> None:
    with serving(by_id(list(range(1, 1_201)), size=500)) as server:
        assert len(flavour.contacts(server.url, client=CLIENT, fields=["lastname"])) == 1_200
        assert {query["fields"] for query in server.asked} == {'{"only":["lastname","id"]}'}


def answer_around(around: bytes) -> bytes:
    body = b'{"data": [{"id": "1"}], %b}' % around
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("on_invalid", ["raise", "collect"])
@pytest.mark.parametrize("around", [b'"errors": "\xed"', b'"errors": {"\xed": 1}', b'"n": "\xed", "error": "\xff"'])
def test_bytes_that_are_no_text_hide_no_error(around: bytes, on_invalid: str, flavour: Flavour) -> None:
    with (
        serving(lambda _: answer_around(around)) as server,
        pytest.raises(payt.InvalidResponseError, match="yet the answer has `error"),
    ):
        flavour.contacts(server.url, client=CLIENT, on_invalid=on_invalid)


@pytest.mark.parametrize("around", [b'"n": "\xed"', b'"n": 5, "pagination": {"n": "\xff"}'])
def test_bytes_that_are_no_text_in_what_nobody_reads_are_no_error(around: bytes, flavour: Flavour) -> None:
    with serving(lambda query: {"data": []} if "cursor" in query else answer_around(around)) as server:
        assert listed(flavour, server) == ["1"]


HALF = "\ud83d"


@pytest.mark.parametrize(
    ("odd", "around"),
    [
        ({"id": "2", "lastname": HALF}, {"total": 3}),
        ({"id": "2", "unknown": HALF}, {"total": 3}),
        ({"id": "2", HALF: 5}, {"total": 3}),
        ({"id": "2", "debtor_numbers": [HALF]}, {"errors": []}),
        ({"id": "2", "updated_at": HALF}, {"pagination": {"total": 3}}),
    ],
)
def test_half_an_emoji_in_a_record_is_collected_whatever_is_around(odd: Any, around: Any, flavour: Flavour) -> None:
    body = {"data": [{"id": "1"}, odd, {"id": "3"}], **around}
    with serving(lambda query: {"data": []} if query.get("cursor") == "3" else body) as server:
        with pytest.raises(payt.InvalidResponseError, match="half of a character") as caught:
            listed(flavour, server, cursor="0")
        assert (caught.value.cursor, caught.value.record_id) == ("0", "2")
        found, invalid = flavour.collected(server.url, client=CLIENT, cursor="0")
    assert ids_of(found) == ["1", "3"]
    assert [(record.id, record.cursor, json.loads(record.raw)) for record in invalid] == [("2", "0", odd)]


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"id": "1"}], "unknown": HALF},
        {"data": [{"id": "1"}, {"id": "2", "lastname": HALF}], "unknown": HALF},
        {"data": [{"id": 1}, {"id": "2", "lastname": HALF}], "unknown": [HALF]},
        {"data": [{"id": "1"}, {"id": "2", "lastname": HALF}], HALF: 5},
        {"data": [{"id": "1"}], HALF: 5},
        {"data": [{"id": "1"}], "pagination": {"unknown": HALF}},
        {"data": [{"id": "1"}], "pagination": {"cursor": HALF}, "unknown": 5},
        {"data": [{"id": "1"}, {"id": "2", "lastname": HALF}], "error": HALF},
        {"data": [{"id": "1"}, {"id": "2", "lastname": HALF}], "error": "failed"},
        {"data": HALF, "unknown": 5},
        {"data": {HALF: HALF}},
        {"unknown": HALF},
        [HALF],
    ],
    ids=json.dumps,
)
def test_half_an_emoji_around_the_records_is_a_clear_error(body: Any, flavour: Flavour) -> None:
    with serving(lambda _: body) as server:
        for ask in (flavour.contacts, flavour.collected):
            with pytest.raises(payt.InvalidResponseError) as caught:
                ask(server.url, client=CLIENT, cursor="0")
            assert caught.value.cursor == "0"


@pytest.mark.parametrize("odd", [5, "2", None, [{"id": "2"}]], ids=json.dumps)
def test_a_record_that_is_not_an_object_has_no_id(odd: Any, flavour: Flavour) -> None:
    with serving(lambda _: {"data": [{"id": "1"}, odd, {"id": "3"}]}) as server:
        found, invalid = flavour.collected(server.url, client=CLIENT)
    assert ids_of(found) == ["1", "3"]
    assert [(record.id, record.path, json.loads(record.raw)) for record in invalid] == [(None, "$.data[1]", odd)]


def test_what_is_wrong_around_the_records_cannot_be_collected(flavour: Flavour) -> None:
    body = {"data": [], "pagination": 5}
    with serving(lambda _: body) as server, pytest.raises(payt.InvalidResponseError, match=r"\$\.pagination"):
        flavour.collected(server.url, client=CLIENT)


def test_numbers_are_identifiers_too(flavour: Flavour) -> None:
    body = {"data": [{"id": 1, "contact_identifier": 7, "debtor_numbers": [1001, "D2"]}]}
    with serving(lambda _: body) as server:
        [contact] = flavour.contacts(server.url, client=CLIENT)
    assert (contact.id, contact.contact_identifier, contact.debtor_numbers) == ("1", "7", ["1001", "D2"])


# Any server


@hypothesis.given(
    ids=st.lists(st.integers(1, 60), max_size=25, unique=True),
    kind=st.sampled_from(["id", "offset", "unsorted", "token", "dropping"]),
    size=st.integers(1, 7),
    per_page=st.integers(1, 9),
    ignores=st.booleans(),
    empty=st.booleans(),
)
def test_whatever_a_server_means_by_a_cursor(
    ids: list[int], kind: str, size: int, per_page: int, ignores: bool, empty: bool, flavour: Flavour
) -> None:
    given_size = size if ignores else None
    records = ids if kind in ("unsorted", "token") else sorted(ids)
    answer = {
        "id": lambda: by_id(records, given_size),
        "token": lambda: by_token(records, given_size),
        "dropping": lambda: dropping(records, size, drops=30),
    }.get(kind, lambda: by_offset(records, given_size))()
    expected = [str(number) for number in records]
    with serving(ending(answer) if empty and kind != "dropping" else answer) as server:
        found: list[str] = []
        cursor: str | None = None
        for _ in range(100):
            try:
                flavour.pages(
                    server.url,
                    client=CLIENT,
                    seen=lambda page: found.extend(contact.id for contact in page.data),
                    per_page=per_page,
                    cursor=cursor,
                )
                break
            except payt.InvalidResponseError as error:
                assert error.cursor != cursor  # noqa: PT017  # it advances, or would never end
                cursor = error.cursor
    assert found == expected


# Memory


@pytest.mark.parametrize(("kind", "reason"), [("zstd", "max_body"), ("gzip in gzip", "Content-Encoding")])
def test_a_small_answer_does_not_fill_the_memory(kind: str, reason: str) -> None:
    grown, said = peak(kind)
    assert grown < 20  # MiB
    assert reason in said


# What else a listing promises


def test_a_function_that_fails_says_where_to_resume() -> None:
    with serving(by_id(list(range(1, 1_201)))) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        made: list[int] = []

        def make(page: payt.Page[payt.Contact]) -> None:
            if made:
                raise ValueError("no room")
            made.append(len(page.data))

        with pytest.raises(ValueError, match="no room") as caught:
            for _ in client.contacts.list(administration_id="1").map_pages(make):
                pass
        assert caught.value.__notes__ == ["while dealing with a page; resume with cursor='500'"]
        cursor = caught.value.cursor  # type: ignore[attr-defined]
        assert len(list(client.contacts.list(administration_id="1", cursor=cursor))) == 700


@pytest.mark.parametrize("prefetch", [0, 1])
@pytest.mark.parametrize("kind", [StopIteration, StopAsyncIteration])
def test_a_function_that_stops_an_iteration_does_not_end_the_listing(kind: type[Exception], prefetch: int) -> None:
    """As by a bare next() of something empty."""

    def stops(_: Any) -> None:
        raise kind

    async def stops_async(_: Any) -> None:
        raise kind

    async def run(url: str) -> None:
        async with payt.AsyncClient("t", base_url=url, **CLIENT) as client:
            pager = client.contacts.list(administration_id="1", cursor="0", prefetch=prefetch)
            [each async for each in pager.map_pages(stops_async)]

    with serving(by_id([1, 2, 3])) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        pager = client.contacts.list(administration_id="1", cursor="0", prefetch=prefetch)
        for read in (lambda: list(pager.map_pages(stops)), lambda: asyncio.run(run(server.url))):
            with pytest.raises(RuntimeError, match=kind.__name__) as caught:
                read()
            assert caught.value.cursor == "0"  # type: ignore[attr-defined]
            assert caught.value.__notes__ == ["while dealing with a page; resume with cursor='0'"]


def test_copies_of_clients_and_pagers_share_the_connections() -> None:
    with serving(by_id([1, 2, 3])) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        assert copy.copy(client) is copy.deepcopy(client) is client
        pager = client.contacts.list(administration_id="1")
        assert len(list(copy.copy(pager))) == len(list(copy.deepcopy(pager))) == len(list(pager)) == 3
        many = client.contacts.list_many(administration_ids=["1"])
        assert len(list(copy.copy(many))) == len(list(copy.deepcopy(many))) == len(list(many)) == 3


def test_a_listing_that_has_begun_is_not_copied() -> None:
    """The copy and it would each get a part, and seem complete."""
    with serving(by_id([1, 2, 3])) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        pager, many = client.contacts.list(administration_id="1"), client.contacts.list_many(administration_ids=["1"])
        for begun in iter(pager), pager.pages(), iter(many), many.pages():
            next(begun)
            for copied in copy.copy, copy.deepcopy, pickle.dumps:
                with pytest.raises(TypeError, match="a listing that has begun cannot be copied"):
                    copied(begun)


def test_what_the_api_says_cannot_steer_a_terminal(flavour: Flavour, caplog: pytest.LogCaptureFixture) -> None:
    said = b'{"code": "\\u001b[31m", "message": "\\u202egone\\u0007\\u061c"}'
    head = b"HTTP/1.1 403 No\x1b[2J\r\nX-Request-Id: r\x1b]0;\r\nContent-Length: %d\r\n\r\n" % len(said)
    with serving(lambda _: head + said) as server, pytest.raises(payt.PaytError) as caught:
        listed(flavour, server)
    shown = f"{caught.value} {caught.value.request_id}"
    assert [character for character in shown if not character.isprintable()] == []
    with serving(lambda _: {"data": [], "\x1b[2J": 1}) as server:
        listed(flavour, server)
    assert "\x1b" not in caplog.text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://api.payt.example", "everybody on the way to api.payt.example can read the token"),
        ("http://127.example.com", "on the way to 127.example.com can"),
        ("http://127.0.0.1.nip.io", "on the way to 127.0.0.1.nip.io can"),
        ("http://localhost.example.com", "on the way to localhost.example.com can"),
        ("http://[::2]", "on the way to ::2 can"),
        ("https://api.payt.example/v1", "must not end in /v1"),
        ("https://api.payt.example/V1/", "must not end in /v1"),
        ("https://api.payt.example/v1/", "must not end in /v1"),
    ],
)
@pytest.mark.parametrize("kind", [payt.Client, payt.AsyncClient])
def test_an_address_that_cannot_be_meant_is_refused(kind: Any, url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kind("t", base_url=url)
    kind("t", base_url=url.lower().removesuffix("/").removesuffix("/v1"), allow_http=True)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "payt.localhost", "127.0.0.1", "127.8.0.1:80", "[::1]"])
def test_the_way_to_this_machine_needs_no_https(host: str) -> None:
    payt.Client("t", base_url=f"http://{host}").close()


def test_trusting_everybody_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="can pretend to be Payt") as caught:
        payt.Client("t", verify=False)
    assert caught[0].filename == __file__


def test_a_moment_to_come_back_is_read_by_the_clock_that_wrote_it() -> None:
    headers = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"}
    assert retry_after(headers) == 30


def streamed_zstd(body: bytes) -> bytes:
    packing = zstandard.ZstdCompressor().compressobj()  # which does not write the size of what is in it
    return packing.compress(body) + packing.flush()


PACKERS: list[tuple[str, Any]] = [
    ("br", brotli.compress),
    ("zstd", zstandard.ZstdCompressor().compress),
    ("zstd", streamed_zstd),
    ("gzip", gzip.compress),
    ("X-GZIP", gzip.compress),
]


@pytest.mark.parametrize(("encoding", "pack"), PACKERS, ids=lambda value: getattr(value, "__name__", value))
def test_a_compressed_page_is_read_whole_or_not_at_all(encoding: str, pack: Any, flavour: Flavour) -> None:
    body = json.dumps({"data": [{"id": str(number)} for number in range(1, 301)]}).encode()
    packed, fails = pack(body), payt.TransportError
    cases = [(packed, None), (packed[:-1], fails), (packed[:-20] + b"\xff" * 20, fails), (packed + b"\1", fails)]
    if pack is gzip.compress:
        cases += [(packed[:-8], fails), (pack(body[:999]) + pack(b"") + pack(body[999:]), None)]
        cases += [(pack(body[:999]) + pack(body[999:])[:-1], fails)]
    if encoding == "zstd":
        cases += [(pack(body[:999]) + pack(body[999:]), None)]
    for sent, error in cases:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(sent)}\r\n\r\n".encode()
        with serving(lambda _, answer=head + sent: answer) as server:  # type: ignore[misc]
            if error is None:
                assert len(listed(flavour, server)) == 300
            else:
                with pytest.raises(error, match="DecodingError"):
                    listed(flavour, server)


def test_only_what_can_be_read_is_asked_for(monkeypatch: pytest.MonkeyPatch, fake: FakePayt) -> None:
    """As where Brotli is older than its limit to what it makes of a few bytes, and Zstandard is missing."""
    Sync().contacts(fake.url, client=CLIENT)
    assert fake.requests[0].headers["accept-encoding"] == "gzip, br, zstd"
    monkeypatch.setitem(sys.modules, "brotli", SimpleNamespace(Decompressor=object))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert list(readers()) == ["gzip"]


def test_many_listings_collect_what_is_invalid_by_administration() -> None:
    body = {"data": [{"id": "1", "lastname": 5}, {"id": "2"}]}
    with serving(lambda _: body) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        pager = client.contacts.list_many(administration_ids=["a", "b"], on_invalid="collect")
        assert sorted(administration for administration, _ in pager) == ["a", "b"]
        assert {name: [record.id for record in records] for name, records in pager.invalid.items()} == {
            "a": ["1"],
            "b": ["1"],
        }


def test_a_page_without_keys_cannot_be_cut(flavour: Flavour) -> None:
    body = {"data": [{"lastname": "a"}, {"lastname": "b"}], "pagination": {"cursor": "2"}}
    with serving(lambda _: body) as server, pytest.raises(payt.InvalidResponseError, match="list without limit"):
        listed(flavour, server, limit=1)


def test_null_where_the_cursor_would_be_is_an_end_that_is_proven_too(flavour: Flavour) -> None:
    body = {"data": [{"id": "1"}], "pagination": None, "has_more": True}
    with serving(lambda query: {"data": []} if "cursor" in query else body) as server:
        assert listed(flavour, server) == ["1"]
        assert len(server.asked) == 2


@pytest.mark.parametrize("encoding", ["br", "gzip", "zstd"])
def test_what_is_not_in_its_encoding_is_asked_for_again(encoding: str, flavour: Flavour) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 9\r\n\r\nnot in it".encode()
    with serving(lambda _: head) as server, pytest.raises(payt.TransportError, match="DecodingError") as caught:
        listed(flavour, server)
    assert caught.value.attempts == 5


def test_an_encoding_is_read_or_refused(flavour: Flavour) -> None:
    body = b'{"data": []}'
    for encoding, works in (("identity", True), ("gzip, gzip", False), ("deflate", False)):
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 12\r\n\r\n".encode()
        with serving(lambda _, answer=head + body: answer) as server:  # type: ignore[misc]
            if works:
                assert listed(flavour, server) == []
            else:
                with pytest.raises(payt.TransportError, match="not one that was asked for") as caught:
                    listed(flavour, server)
                assert caught.value.attempts == 1


def test_async_pages_of_many_collect_the_errors_of_single_ones() -> None:
    def answer(query: dict[str, str]) -> Any:
        return refusal(403) if query["administration_id"] == "a" else {"data": [{"id": "1"}]}

    async def run(url: str) -> None:
        async with payt.AsyncClient("t", base_url=url, **CLIENT) as client:
            pager = client.contacts.list_many(administration_ids=["a", "b"], on_error="collect")
            assert [name async for name, _ in pager.pages()] == ["b"]
            assert list(pager.errors) == ["a"]

    with serving(answer) as server:
        asyncio.run(run(server.url))


# What comes after an error, and instead of a list


def failing_at_the_second_page(query: dict[str, str]) -> Any:
    return refusal(403) if "cursor" in query else by_id(list(range(1, 1_201)))(query)


@pytest.mark.parametrize("prefetch", [0, 1, 16])
def test_an_iterator_that_failed_fails_again(prefetch: int) -> None:
    """A bare end would look as if all had come."""
    with serving(failing_at_the_second_page) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        pager = client.contacts.list(administration_id="1", prefetch=prefetch)
        many = client.contacts.list_many(administration_ids=["1"], prefetch=prefetch)
        for iterator in (iter(pager), pager.pages(), iter(many), many.pages()):
            for _ in range(3):
                with pytest.raises(payt.PermissionDeniedError) as caught:
                    list(iterator)
                assert caught.value.cursor == "500"


@pytest.mark.parametrize("prefetch", [0, 1, 16])
def test_async_an_iterator_that_failed_fails_again(prefetch: int) -> None:
    async def run(url: str) -> None:
        async with payt.AsyncClient("t", base_url=url, **CLIENT) as client:
            pager = client.contacts.list(administration_id="1", prefetch=prefetch)
            many = client.contacts.list_many(administration_ids=["1"], prefetch=prefetch)
            for iterator in (aiter(pager), pager.pages(), aiter(many), many.pages()):
                for _ in range(3):
                    with pytest.raises(payt.PermissionDeniedError) as caught:
                        [each async for each in iterator]
                    assert caught.value.cursor == "500"

    with serving(failing_at_the_second_page) as server:
        asyncio.run(run(server.url))


def test_an_iterator_that_was_interrupted_says_so() -> None:
    """As by Ctrl-C; and what is thrown into it comes out of it, as out of a generator."""

    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    async def interrupted_async(_: Any) -> None:
        raise asyncio.CancelledError

    async def run(url: str) -> None:
        async with payt.AsyncClient("t", base_url=url, **CLIENT) as client:
            pages = client.contacts.list(administration_id="1").map_pages(interrupted_async)
            with pytest.raises(asyncio.CancelledError):
                await anext(pages)
            with pytest.raises(RuntimeError, match="was interrupted"):
                await anext(pages)
            with pytest.raises(LookupError):
                await client.contacts.list(administration_id="1").pages().athrow(LookupError())

    with serving(by_id([1])) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        pages = client.contacts.list(administration_id="1").map_pages(interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(pages)
        with pytest.raises(RuntimeError, match="was interrupted"):
            next(pages)
        thrown = client.contacts.list(administration_id="1").pages()
        with pytest.raises(LookupError):
            thrown.throw(LookupError())
        with pytest.raises(RuntimeError, match="was interrupted"):
            next(thrown)
        asyncio.run(run(server.url))


def test_what_cannot_be_thrown_into_an_iterator_ends_no_listing() -> None:
    """As with a generator: a TypeError, and it goes on."""
    wrong: Any = "no exception"

    async def run(url: str) -> None:
        async with payt.AsyncClient("t", base_url=url, **CLIENT) as client:
            pages = client.contacts.list(administration_id="1", per_page=1).pages()
            await anext(pages)
            with pytest.raises(TypeError):
                await pages.athrow(wrong)
            assert [each.id async for page in pages for each in page.data] == ["2"]

    with serving(by_id([1, 2])) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        pages = client.contacts.list(administration_id="1", per_page=1).pages()
        next(pages)
        with pytest.raises(TypeError):
            pages.throw(wrong)
        assert [each.id for page in pages for each in page.data] == ["2"]
        asyncio.run(run(server.url))


def test_two_threads_in_one_iterator_both_fail() -> None:
    """Neither is a part of a listing taken for all of it, nor does the interpreter crash, nor is a thread left."""
    caught: list[BaseException] = []

    def listing(client: payt.Client, asked: threading.Event, go_on: threading.Event) -> None:
        contacts = iter(client.contacts.list(administration_id="1"))

        def other() -> None:
            try:
                list(contacts)
            except RuntimeError as error:
                caught.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        assert asked.wait(60)
        with pytest.raises(RuntimeError, match="two threads or tasks read from one iterator"):
            next(contacts)
        go_on.set()
        thread.join(10)

    for _ in range(20):
        asked, go_on = threading.Event(), threading.Event()

        def slow(query: dict[str, str], asked: threading.Event = asked, go_on: threading.Event = go_on) -> Any:
            asked.set()
            go_on.wait(60)
            return by_id(list(range(1, 1_201)))(query)

        with serving(slow) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
            listing(client, asked, go_on)
        assert len(caught) == 1
        caught.clear()
    gc.collect()
    assert eventually(lambda: not workers())


def test_two_tasks_in_one_iterator_both_fail_and_leave_none() -> None:
    async def run(url: str) -> None:
        async with payt.AsyncClient("t", base_url=url, **CLIENT) as client:
            contacts = aiter(client.contacts.list(administration_id="1", per_page=5))
            read: list[Any] = []

            async def worker() -> None:
                async for contact in contacts:
                    read.append(contact)
                    await asyncio.sleep(0)

            failures = await asyncio.gather(worker(), worker(), return_exceptions=True)
            assert [type(each) for each in failures] == [RuntimeError] * 2
            assert all("two threads or tasks" in str(each) for each in failures)
            with pytest.raises(RuntimeError, match="two threads or tasks"):
                await anext(contacts)
            assert len(read) < 50
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    with serving(by_id(list(range(1, 51)))) as server:
        asyncio.run(run(server.url))


@pytest.mark.parametrize("many", [False, True])
def test_an_iterator_that_was_closed_gives_nothing_more(many: bool) -> None:
    """As a generator: the rest of a page would look like the rest of the listing."""

    def of(client: Any) -> Any:
        if many:
            return client.contacts.list_many(administration_ids=["1", "2"], per_page=5)
        return client.contacts.list(administration_id="1", per_page=5)

    async def run(url: str) -> None:
        async with payt.AsyncClient("t", base_url=url, **CLIENT) as client:
            records: Any = aiter(of(client))
            await anext(records)
            await records.aclose()
            assert [record async for record in records] == []

    with serving(by_id(list(range(1, 51)))) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
        records: Any = iter(of(client))
        next(records)
        records.close()
        assert list(records) == []
        asyncio.run(run(server.url))


def test_the_first_record_takes_one_request() -> None:
    async def run(url: str) -> list[Any]:
        async with payt.AsyncClient("t", base_url=url, **CLIENT) as client:
            first = await client.contacts.list(administration_id="1").first()
            return [first, await client.contacts.list(administration_id="1", limit=0).first()]

    for ids in ([7, 8, 9], []):
        with serving(by_id(ids)) as server, payt.Client("t", base_url=server.url, **CLIENT) as client:
            found = client.contacts.list(administration_id="1", prefetch=16).first()
            assert (found and found.id) == ("7" if ids else None)
            assert [query["per_page"] for query in server.asked] == ["1"]
            assert client.contacts.list(administration_id="1", limit=0).first() is None
            assert asyncio.run(run(server.url)) == [found, None]
            assert len(server.asked) == 2


def test_a_pager_shows_what_it_lists() -> None:
    with payt.Client("secret", base_url="https://api.example") as client:
        pager = client.contacts.list(administration_id="1\x1b\u202e", ids=map(str, range(250)), limit=5)
        assert repr(pager) == (
            r"payt.Pager(contacts, in 3 parts, administration_id='1\x1b\u202e', ids='0,1,2,3,4,5,...5,96,97,98,99', "
            "per_page=500, limit=5, prefetch=1)"
        )
        one = client.contacts.list(administration_id="1", cursor="500")
        assert repr(one) == "payt.Pager(contacts, administration_id='1', cursor='500', per_page=500, prefetch=1)"


@pytest.mark.parametrize("kind", [payt.Client, payt.AsyncClient])
def test_what_a_pager_is_not_is_said(kind: Any) -> None:
    pager = kind("t", base_url="https://api.example").contacts.list(administration_id="1")
    with pytest.raises(TypeError, match=r"count them with sum\(1 for _ in pager\)"):
        len(pager)
    with pytest.raises(TypeError, match=r"pager\.first\(\)"):
        next(pager) if kind is payt.Client else anext(pager)
    assert pager
