"""What the logger `payt` says, and what it never says."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from typing import Any

import pytest

import payt
from faults import kinds
from faults.kinds import Point
from faults.server import FaultServer
from payt.testing import FakePayt
from support.flavours import Flavour
from support.quick import QUICK


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "payt" and record.levelno == level]


@pytest.fixture(autouse=True)
def listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="payt")


def test_one_info_a_listing(server: FaultServer, flavour: Flavour, caplog: pytest.LogCaptureFixture) -> None:
    flavour.contacts(server.url, client=QUICK)
    (message,) = said(caplog, logging.INFO)
    assert re.fullmatch(r"contacts of administration 1: listed 11 records, 3 pages in \d+\.\d s", message)


def test_the_info_says_which_list_and_which_administration(caplog: pytest.LogCaptureFixture) -> None:
    with FakePayt(administrations={"1": 1, "2": 0}) as fake, payt.Client(fake.token, base_url=fake.url) as client:
        list(client.contacts.list_many(administration_ids=["1", "2"]))
        list(client.administrations.list())
        list(client.contacts.list(administration_id="1", ids=[]))
    assert sorted(message.partition(" in ")[0] for message in said(caplog, logging.INFO)) == [
        "administrations: listed 2 records, 1 page",
        "contacts of administration 1: listed 1 record, 1 page",
        "contacts of administration 2: listed 0 records, 1 page",
        "contacts: listed 0 records, 0 pages",
    ]


def test_no_info_of_a_listing_that_did_not_end(
    server: FaultServer, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    server.script([None, kinds.answer(403)])
    with pytest.raises(payt.PermissionDeniedError):
        flavour.contacts(server.url, client=QUICK)
    assert said(caplog, logging.INFO) == []


def test_one_debug_a_request(server: FaultServer, flavour: Flavour, caplog: pytest.LogCaptureFixture) -> None:
    server.script([None, kinds.reset(Point.BEFORE_ANSWER), kinds.answer(503, body=b"busy"), None])
    flavour.contacts(server.url, client=QUICK)
    messages = said(caplog, logging.DEBUG)
    patterns = [
        r"GET /v1/contacts page 1: 200 in \d+ ms, \d{3,} bytes",
        r"GET /v1/contacts page 2: (ReadError|RemoteProtocolError) in \d+ ms, 0 bytes",
        r"GET /v1/contacts page 2: 503 in \d+ ms, 4 bytes",
        r"GET /v1/contacts page 2: 200 in \d+ ms, \d{3,} bytes",
        r"GET /v1/contacts page 3: 200 in \d+ ms, \d{3,} bytes",
    ]
    assert len(messages) == len(patterns)
    for pattern, message in zip(patterns, messages, strict=True):
        assert re.fullmatch(pattern, message), message


def test_records_of_requests_tell_their_ids_and_those_of_many_whose_they_are(
    fake: FakePayt, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    fake.add_administration("2", 3)
    fake.fail(403)
    with pytest.raises(payt.PermissionDeniedError) as caught:
        flavour.contacts(fake.url, fake.token)
    with payt.Client(fake.token, base_url=fake.url) as client:
        assert len([*client.contacts.list_many(administration_ids=["1", "2"])]) == 15
    records = [record for record in caplog.records if record.levelno == logging.DEBUG and record.name == "payt"]
    assert vars(records[0])["payt_request_id"] == caught.value.request_id is not None
    assert len({vars(record)["payt_request_id"] for record in records}) == 3
    labels = sorted(record.getMessage().partition(":")[0] for record in records)
    assert labels == ["GET /v1/contacts page 1", *(f"GET /v1/contacts page 1 of administration {n}" for n in (1, 2))]


@pytest.mark.real_time
def test_the_wait_for_a_turn_is_not_taken_for_the_service(
    server: FaultServer, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    flavour.contacts(server.url, client=QUICK | {"rate_limit": 2.5})
    [*_, last] = said(caplog, logging.DEBUG)
    found = re.search(r"200 in (\d+) ms after a wait of (\d+) ms, \d+ bytes", last)
    assert found is not None
    assert int(found[1]) < 300 < int(found[2])


def test_one_debug_for_what_is_given_up(
    server: FaultServer, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    server.script([kinds.endless()])
    with pytest.raises(payt.TransportError):
        flavour.contacts(server.url, client=QUICK | {"max_body": 1_000})
    (message,) = said(caplog, logging.DEBUG)
    assert re.fullmatch(r"GET /v1/contacts page 1: given up in \d+ ms, \d+ bytes", message)


def test_one_warning_a_retry(server: FaultServer, flavour: Flavour, caplog: pytest.LogCaptureFixture) -> None:
    busy = kinds.answer(503, [("Retry-After", "7"), ("X-Request-Id", "r-7")])
    server.script([None, kinds.reset(Point.IN_BODY), busy, kinds.html()])
    flavour.contacts(server.url, client=QUICK)
    messages = said(caplog, logging.WARNING)
    assert len(messages) == 3
    assert re.fullmatch(r"GET /v1/contacts page 2: ReadError.*; attempt 2 \(4 left\) in 0\.00 s", messages[0])
    assert messages[1] == "GET /v1/contacts page 2: status 503, request r-7; attempt 3 (300 s left) in 7.00 s"
    warnings = [vars(record) for record in caplog.records if record.levelno == logging.WARNING]
    assert [(each["payt_attempt"], each["payt_request_id"]) for each in warnings] == [(2, None), (3, "r-7"), (4, None)]
    assert re.fullmatch(r"GET /v1/contacts page 2: not JSON; attempt 4 \(3 left\) in \d\.\d\d s", messages[2])


def test_records_with_attributes_of_the_applications_own_are_no_error(
    server: FaultServer, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    """Web applications give each record the id of the request that they answer; logging lets nobody write over it."""
    made = logging.getLogRecordFactory()

    def of_a_request(*given: Any, **named: Any) -> logging.LogRecord:
        record = made(*given, **named)
        vars(record).update(request_id="web-1", attempt="web-2")
        return record

    logging.setLogRecordFactory(of_a_request)
    try:
        server.script([kinds.answer(503)])
        flavour.contacts(server.url, client=QUICK)
    finally:
        logging.setLogRecordFactory(made)
    (warning,) = [vars(record) for record in caplog.records if record.levelno == logging.WARNING]
    assert (warning["request_id"], warning["attempt"], warning["payt_attempt"]) == ("web-1", "web-2", 2)


def test_no_value_no_contact_and_no_token_is_in_a_record(
    server: FaultServer, flavour: Flavour, caplog: pytest.LogCaptureFixture
) -> None:
    server.script([kinds.answer(503, body=b'{"message": "s3cret"}'), kinds.reset(Point.IN_BODY), None, kinds.html()])
    flavour.contacts(
        server.url, "s3cret-token", client=QUICK, debtor_numbers="s3cret-1", contact_identifiers="s3cret-2"
    )
    server.script([kinds.answer(403, body=b'{"message": "s3cret"}')])
    with pytest.raises(payt.PermissionDeniedError):
        flavour.contacts(server.url, "s3cret-token", client=QUICK)
    ours = [record for record in caplog.records if record.name == "payt"]
    assert ours
    for record in ours:
        assert "s3cret" not in record.getMessage() + repr(record.args) + repr(record.exc_info)


def test_no_handler_is_installed() -> None:
    program = "import logging, payt; print(logging.getLogger('payt').handlers, logging.getLogger().handlers)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["[]", "[]"]
