"""Every fault on the first, the middle and the last page: all contacts, or an error whose cursor brings the rest."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import payt
from faults import kinds
from faults.kinds import Fault, Point
from faults.server import FaultServer, ParsedRequest, paging, refused_url
from payt.testing import skip_waits
from support.flavours import Async, Flavour, Sync
from support.quick import CONTACTS, QUICK

IMPATIENT = {"timeout": 0.4}
PLACES = [*Point, 0, 1, 50, 10**9]  # a number: of the byte in the body; the last one is cut

NO_FAULTS = [
    kinds.gzipped(),
    kinds.chunked(),
    kinds.gzipped() | kinds.chunked(7),
    kinds.odd_headers(),
    kinds.interim(100),
    kinds.interim(103),
    kinds.http10(),
    kinds.close_idle(),
    kinds.drip(0.001, size=500),
    kinds.stall(0.02, Point.IN_BODY),
]
"""Unusual, and right."""

RETRIED: list[tuple[Fault, type[payt.PaytError], dict[str, Any]]] = [
    *((kinds.close(place), payt.TransportError, {}) for place in PLACES),
    *((kinds.reset(place), payt.TransportError, {}) for place in PLACES),
    *(
        (kinds.stall(5, place), payt.TransportError, IMPATIENT)
        for place in (Point.BEFORE_ANSWER, Point.IN_HEADERS, Point.IN_BODY)
    ),
    (kinds.garbage(), payt.TransportError, {}),
    (kinds.huge_header(), payt.TransportError, {}),
    (kinds.chunked_unfinished(), payt.TransportError, {}),
    (kinds.chunked_bad_size(), payt.TransportError, {}),
    (kinds.chunked() | kinds.close(Point.IN_BODY), payt.TransportError, {}),
    (kinds.wrong_length(+9), payt.TransportError, IMPATIENT),
    (kinds.wrong_length(-9), payt.InvalidResponseError, {}),
    (kinds.gzip_corrupted(), payt.TransportError, {}),
    (kinds.gzip_corrupted(checksum=True), payt.TransportError, {}),
    (kinds.gzip_truncated(), payt.TransportError, {}),
    (kinds.gzip_truncated(10**9), payt.TransportError, {}),
    (kinds.gzip_truncated(0), payt.InvalidResponseError, {}),
    (kinds.http10() | kinds.close(Point.IN_BODY), payt.InvalidResponseError, {}),
    (kinds.html(), payt.InvalidResponseError, {}),
    (kinds.empty(), payt.InvalidResponseError, {}),
    (kinds.answer(body=b"upstream: no healthy node"), payt.InvalidResponseError, {}),
    (kinds.answer(408), payt.APIError, {}),
    (kinds.answer(500), payt.ServerError, {}),
]
"""Tried again `retries` times; what it ends in when it never stops, and what the client needs to notice it soon."""

WAITED_OUT: list[tuple[Fault, type[payt.PaytError], dict[str, Any]]] = [
    (kinds.answer(429), payt.RateLimitError, {}),
    (kinds.answer(429, [("Retry-After", "60")]), payt.RateLimitError, {}),
    *((kinds.answer(status), payt.ServerError, {}) for status in (502, 503, 504)),
    (kinds.html(502), payt.ServerError, {}),
    (kinds.answer(503, [("Retry-After", "1")], b""), payt.ServerError, {}),
]
"""Tried again until the deadline; what it ends in when it never stops."""

FINAL: list[tuple[Fault, type[payt.PaytError], dict[str, Any]]] = [
    (kinds.answer(302, [("Location", "https://elsewhere.example/v1")]), payt.APIError, {}),
    (kinds.answer(400), payt.BadRequestError, {}),
    (kinds.answer(401), payt.AuthenticationError, {}),
    (kinds.answer(403), payt.PermissionDeniedError, {}),
    (kinds.answer(404), payt.NotFoundError, {}),
    (kinds.answer(422), payt.BadRequestError, {}),
    (kinds.answer(501), payt.ServerError, {}),
    (kinds.answer(520), payt.ServerError, {}),
    (kinds.answer(429, [("Retry-After", "61")]), payt.RateLimitError, {}),
    (kinds.answer(503, [("Retry-After", "3600")]), payt.ServerError, {}),
    (kinds.answer(204, body=b""), payt.InvalidResponseError, {}),
    (kinds.answer(body=b'{"data": [{"id": []}]}'), payt.InvalidResponseError, {}),
    (kinds.answer(body=b"null"), payt.InvalidResponseError, {}),
    (kinds.endless(), payt.TransportError, {"max_body": 2**20}),
    (kinds.endless(chunks=False), payt.TransportError, {"max_body": 2**20}),
]
"""Not tried again."""


def rows(table: list[tuple[Fault, type[payt.PaytError], dict[str, Any]]]) -> list[Any]:
    return [pytest.param(*row, id=str(row[0])) for row in table]


PAGES = pytest.mark.parametrize("page", [1, 2, 3], ids=["first page", "middle page", "last page"])


def listed(
    flavour: Flavour, server: FaultServer, client: dict[str, Any], cursor: str | None = None
) -> list[str | None]:
    return [contact.id for contact in flavour.contacts(server.url, client=QUICK | client, cursor=cursor)]


def interrupted(flavour: Flavour, server: FaultServer, client: dict[str, Any]) -> tuple[list[str | None], Any]:
    """What came before the error, and the error."""
    came: list[str | None] = []

    def seen(page: payt.Page[payt.Contact]) -> None:
        came.extend(contact.id for contact in page.data)

    with pytest.raises(payt.PaytError) as caught:
        flavour.pages(server.url, client=QUICK | client, seen=seen)
    return came, caught.value


@PAGES
@pytest.mark.parametrize("fault", NO_FAULTS, ids=str)
def test_what_is_unusual_and_right_is_read(
    fault: Fault, page: int, server: FaultServer, flavour: Flavour, ids: list[str]
) -> None:
    before = len(server.requests)
    server.script([None] * (page - 1) + [fault])
    assert listed(flavour, server, {}) == ids
    assert len(server.requests) - before == 3


@PAGES
@pytest.mark.parametrize(("fault", "kind", "client"), rows(RETRIED + WAITED_OUT))
def test_a_passing_fault_is_not_noticed(
    fault: Fault,
    kind: type[payt.PaytError],
    client: dict[str, Any],
    page: int,
    server: FaultServer,
    flavour: Flavour,
    ids: list[str],
) -> None:
    before = len(server.requests)
    server.script([None] * (page - 1) + [fault])
    assert listed(flavour, server, client) == ids
    assert len(server.requests) - before == 4


@PAGES
@pytest.mark.parametrize(("fault", "kind", "client"), rows(RETRIED))
def test_a_lasting_fault_is_an_error_that_resumes(
    fault: Fault,
    kind: type[payt.PaytError],
    client: dict[str, Any],
    page: int,
    server: FaultServer,
    flavour: Flavour,
    ids: list[str],
) -> None:
    before = len(server.requests)
    server.script([*[None] * (page - 1), *repeat(fault, 5)])
    came, error = interrupted(flavour, server, client)
    assert type(error) is kind
    assert error.attempts == 5
    assert "5 attempts" in str(error)
    assert len(server.requests) - before == page - 1 + 5
    assert came == ids[: 4 * (page - 1)]
    assert came + listed(flavour, server, client, error.cursor) == ids


@PAGES
@pytest.mark.parametrize(("fault", "kind", "client"), rows(WAITED_OUT))
def test_who_is_not_there_is_waited_for_until_the_deadline(
    fault: Fault,
    kind: type[payt.PaytError],
    client: dict[str, Any],
    page: int,
    server: FaultServer,
    flavour: Flavour,
    ids: list[str],
) -> None:
    server.script([*[None] * (page - 1), *repeat(fault, 3)])
    assert listed(flavour, server, client) == ids
    with skip_waits() as waits:
        server.script([*[None] * (page - 1), *repeat(fault, 100)])
        came, error = interrupted(flavour, server, client | {"retries": 1})
    assert type(error) is kind
    assert 300 >= sum(waits.seconds) > 200
    assert error.attempts == len(waits.seconds) + 1
    server.script([])
    assert came + listed(flavour, server, client, error.cursor) == ids


@PAGES
@pytest.mark.parametrize(("fault", "kind", "client"), rows(FINAL))
def test_what_cannot_pass_is_an_error_at_once(
    fault: Fault,
    kind: type[payt.PaytError],
    client: dict[str, Any],
    page: int,
    server: FaultServer,
    flavour: Flavour,
    ids: list[str],
) -> None:
    before = len(server.requests)
    server.script([None] * (page - 1) + [fault])
    came, error = interrupted(flavour, server, client)
    assert type(error) is kind
    assert error.attempts == 1
    assert len(server.requests) - before == page
    assert came + listed(flavour, server, client, error.cursor) == ids


def test_where_nobody_listens(flavour: Flavour) -> None:
    with skip_waits() as waits, pytest.raises(payt.TransportError, match=r"ConnectError.*attempts\)") as caught:
        flavour.contacts(refused_url(), client=QUICK)
    assert 300 >= sum(waits.seconds) > 200
    assert (caught.value.attempts, caught.value.status, caught.value.cursor) == (len(waits.seconds) + 1, None, None)


def test_how_often_is_for_the_caller_to_say(server: FaultServer, flavour: Flavour) -> None:
    for retries in (0, 1, 7):
        before = len(server.requests)
        server.script([kinds.answer(500)] * 8)
        with pytest.raises(payt.ServerError) as caught:
            flavour.contacts(server.url, client=QUICK | {"retries": retries})
        assert caught.value.attempts == len(server.requests) - before == retries + 1


def test_the_last_status_is_told_with_whatever_came_after_it(server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(500, [("X-Request-Id", "r-1")]), *repeat(kinds.reset(Point.IN_BODY), 4)])
    with pytest.raises(payt.TransportError) as caught:
        flavour.contacts(server.url, client=QUICK)
    assert (caught.value.status, caught.value.request_id, caught.value.attempts) == (500, "r-1", 5)
    assert (caught.value.method, caught.value.url) == ("GET", f"{server.url}/v1/contacts")


def test_a_page_that_breaks_the_contract_tells_what_was_asked(server: FaultServer, flavour: Flavour) -> None:
    server.script([None, kinds.answer(headers=[("X-Request-Id", "r-2")], body=b'{"data": [{"id": true}]}')])
    _, error = interrupted(flavour, server, {})
    assert (error.path, error.status, error.request_id, error.attempts) == ("$.data[0].id", 200, "r-2", 1)
    assert (error.method, error.url) == ("GET", f"{server.url}/v1/contacts")


def test_a_wait_longer_than_a_minute_is_told(server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(429, [("Retry-After", "3600")])])
    with pytest.raises(payt.RateLimitError, match=" — Payt asks to wait 3600 s") as caught:
        flavour.contacts(server.url, client=QUICK)
    assert caught.value.retry_after == 3600


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://elsewhere.example/v1?secret=1", "https://elsewhere.example/v1"),
        ("/v2/contacts?secret=1", "/v2/contacts"),
        ("//user:pass@elsewhere.example/", "http://elsewhere.example/"),
        ("http://elsewhere.example:port/", "an invalid address"),
    ],
)
def test_a_redirect_names_its_target(location: str, shown: str, server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(300, [("Location", location)])])
    with pytest.raises(payt.APIError, match="is not followed") as caught:
        flavour.contacts(server.url, client=QUICK)
    assert shown in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "pass" not in str(caught.value)


cuts: st.SearchStrategy[Fault | None] = st.builds(
    lambda how, place: how(place),
    st.sampled_from([kinds.close, kinds.reset]),
    st.sampled_from(list(Point)) | st.integers(0, 3_000),
)
bodies = st.builds(
    lambda base, place: base | kinds.close(place),
    st.sampled_from([kinds.http10(), kinds.chunked(), kinds.gzipped() | kinds.http10()]),
    st.integers(0, 3_000),
)
others = st.sampled_from(
    [
        None,
        kinds.garbage(),
        kinds.gzip_corrupted(),
        kinds.html(),
        kinds.empty(),
        *map(kinds.answer, (429, 500, 503, 404)),
    ]
) | st.builds(kinds.gzip_truncated, st.integers(0, 2_000))


@given(sequence=st.lists(cuts | bodies | others, max_size=30), retries=st.integers(0, 2), per_page=st.integers(1, 4))
@pytest.mark.parametrize("how", [Sync(), Async()], ids=lambda flavour: flavour.name)
def test_no_sequence_of_faults_loses_or_doubles_a_contact(
    how: Flavour,
    sequence: list[Fault | None],
    retries: int,
    per_page: int,
    shared_server: FaultServer,
) -> None:
    shared_server.script(sequence)
    came: list[str | None] = []

    def seen(page: payt.Page[payt.Contact]) -> None:
        came.extend(contact.id for contact in page.data)

    cursor: str | None = None
    for _ in range(len(sequence) + 1):
        try:
            how.pages(
                shared_server.url, client=QUICK | {"retries": retries}, seen=seen, cursor=cursor, per_page=per_page
            )
        except payt.PaytError as error:
            cursor = error.cursor
        else:
            break
    assert came == [str(number) for number in range(1, 12)]


def test_a_compressed_page_that_ends_right_behind_a_contact_is_not_taken_for_whole(
    server: FaultServer, flavour: Flavour, ids: list[str]
) -> None:
    whole = paging(CONTACTS, per_page=4)(ParsedRequest(1, 0.0, "GET /v1/contacts HTTP/1.1"))
    server.script([kinds.answer(body=whole[: whole.index(b"}, {") + 1]) | kinds.gzipped()])
    before = len(server.requests)
    assert listed(flavour, server, {}) == ids
    assert len(server.requests) - before == 4


def test_brackets_in_the_text_of_a_compressed_page_do_no_harm(server: FaultServer, flavour: Flavour) -> None:
    server.script([kinds.answer(body=b'{"data": [{"id": "1", "lastname": "}}"}]}') | kinds.gzipped()])
    (found,) = flavour.contacts(server.url, client=QUICK)
    assert found.lastname == "}}"
