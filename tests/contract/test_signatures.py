"""The clients offer what the contract offers: every list, and every parameter of it, by the same name."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

import payt
from payt_api.api.contacts import list_contacts
from support.signatures import drift

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text("utf-8"))


@pytest.mark.parametrize("client", [payt.Client, payt.AsyncClient], ids=["sync", "async"])
def test_the_clients_offer_what_the_contract_offers(client: Any) -> None:
    assert drift(client("token"), CONTRACT) == []


def test_drift_is_named() -> None:
    operation = CONTRACT["paths"]["/v1/contacts"]["get"]
    without_ids = [parameter for parameter in operation["parameters"] if parameter["name"] != "ids"]
    changed = [*without_ids, {"name": "city", "in": "query"}]
    contract = {
        "paths": {
            "/v1/contacts": {"get": {**operation, "parameters": changed}},
            "/v1/debtors": {"get": {**operation, "tags": ["debtors"]}},
        }
    }
    assert drift(payt.Client("token"), contract) == [
        "client.contacts.list does not offer `city`, which GET /v1/contacts takes",
        "client.contacts.list offers `ids`, which GET /v1/contacts does not take",
        "client.debtors.list is missing, for GET /v1/debtors",
    ]


def test_what_the_contract_requires_is_required() -> None:
    required = {p["name"] for p in CONTRACT["paths"]["/v1/contacts"]["get"]["parameters"] if p.get("required")}
    for method in (payt.Client("token").contacts.list, list_contacts.sync):
        parameters = inspect.signature(method).parameters.values()
        names = {p.name for p in parameters if p.default is inspect.Parameter.empty} - {"client"}
        assert names == required
