"""The loop is generic: another list endpoint in the contract pages through it, with no change to the loop."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import pytest

import payt
from payt.pager import Listing, Pager
from payt.testing import FakePayt
from support.generation import Load

DEBTORS = {
    "DebtorsPage": {
        "type": "object",
        "description": "A page of debtors.",
        "required": ["data"],
        "properties": {
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/Debtor"}},
            "pagination": {"oneOf": [{"$ref": "#/components/schemas/Pagination"}, {"type": "null"}]},
        },
    },
    "Debtor": {
        "type": "object",
        "description": "A debtor.",
        "required": ["number"],
        "properties": {
            "number": {"type": "string"},
            "status": {"type": "string", "enum": ["active", "on-hold"]},
            "since": {"type": ["string", "null"], "format": "date"},
            "address": {"oneOf": [{"$ref": "#/components/schemas/Address"}, {"type": "null"}]},
            "labels": {"type": "array", "items": {"$ref": "#/components/schemas/Label"}},
            "parent": {"oneOf": [{"$ref": "#/components/schemas/Debtor"}, {"type": "null"}]},
        },
    },
    "Address": {"type": "object", "description": "Where it is.", "properties": {"city": {"type": ["string", "null"]}}},
    "Label": {
        "type": "object",
        "description": "A label.",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "debtor": {"$ref": "#/components/schemas/Debtor"}},
    },
}


def test_another_list_endpoint_pages_through_the_same_loop(
    contract: dict[str, Any], load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    contract["components"]["schemas"] |= DEBTORS
    operation = {**contract["paths"]["/v1/contacts"]["get"], "operationId": "list_debtors", "tags": ["debtors"]}
    operation["parameters"] = [p for p in operation["parameters"] if p["name"] in ("cursor", "per_page")]
    operation["responses"] = {
        "200": {
            "description": "A page.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DebtorsPage"}}},
        }
    }
    contract["paths"]["/v1/debtors"] = {"get": operation}
    package = load(contract, "payt_api_with_debtors")
    from payt_api_with_debtors.api.debtors import list_debtors  # type: ignore[import-not-found]  # noqa: PLC0415  # just generated
    from payt_api_with_debtors.models import Address, Debtor, DebtorStatus, Label  # type: ignore[import-not-found]  # noqa: PLC0415  # the same

    caplog.set_level(logging.WARNING)
    pages = [
        {
            "data": [
                {"number": "D1", "status": "on-hold", "since": "2020-02-29", "address": {"city": "Den Haag"}},
                {"number": "D2", "labels": [{"name": "vip", "debtor": {"number": "D1"}}], "parent": {"number": "D1"}},
            ],
            "pagination": {"cursor": "2"},
        },
        {"data": [{"number": "D3", "address": {"city": "Ede", "planet": "Earth"}}], "pagination": {"cursor": None}},
    ]
    with FakePayt() as fake, payt.Client(fake.token, base_url=fake.url) as client:
        for page in pages:
            fake.answer(page, path="/v1/debtors")
        api = package.AuthenticatedClient(fake.url, token="").set_httpx_client(client._session)
        debtors = list(Pager[Any](api, Listing(operation=list_debtors, parts=({},), per_page=2)))
        assert [request.query.get("cursor") for request in fake.requests] == [None, "2"]
    assert debtors == [
        Debtor(
            number="D1",
            status=DebtorStatus.ON_HOLD,
            since=datetime.date(2020, 2, 29),
            address=Address(city="Den Haag"),
        ),
        Debtor(number="D2", labels=[Label(name="vip", debtor=Debtor(number="D1"))], parent=Debtor(number="D1")),
        Debtor(number="D3", address=Address(city="Ede")),
    ]
    assert "planet" in caplog.text
