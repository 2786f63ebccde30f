"""The fake server keeps the contract: schemathesis asks it for what is allowed, and for what is not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from payt.testing import CONTACT_FIELDS, FakePayt

CONTRACT = Path(__file__).parents[2] / "openapi.yaml"

names = st.sampled_from(CONTACT_FIELDS) | st.text(max_size=5)
selection = st.recursive(
    st.lists(names, max_size=5),
    lambda nested: st.lists(names | st.dictionaries(names, nested, max_size=2), max_size=3),
    max_leaves=4,
)
documents = st.dictionaries(st.sampled_from(["only", "except"]), selection).map(json.dumps)


@pytest.fixture(scope="module")
def server() -> Iterator[FakePayt]:
    with FakePayt(contacts=300) as fake:
        yield fake


def contract() -> BaseSchema:
    """The contract, with what it cannot say: how `fields` reads, what cursors look like, who is served."""
    document = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    parameters = document["paths"]["/v1/contacts"]["get"]["parameters"]
    described = {parameter["name"]: parameter["schema"] for parameter in parameters}
    schemathesis.openapi.format("payt-fields", documents)
    described["fields"]["format"] = "payt-fields"
    described["cursor"]["pattern"] = "^[0-9]{1,18}$"
    described["administration_id"]["enum"] = ["1", "2"]
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(headers={"Authorization": "Bearer fake-token"})
    return schema


schema = contract()


@schema.parametrize()
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_fake_server_keeps_the_contract(server: FakePayt, case: "schemathesis.Case[Any]") -> None:
    case.call_and_validate(base_url=server.url)


as_it_stands = schemathesis.openapi.from_path(CONTRACT)
as_it_stands.config.update(headers={"Authorization": "Bearer fake-token"})


@as_it_stands.parametrize()
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_contract_as_it_stands_is_kept_too(server: FakePayt, case: "schemathesis.Case[Any]") -> None:
    # The contract cannot say which documents, cursors and administrations there are: what it allows may be refused.
    case.call_and_validate(base_url=server.url, excluded_checks=[positive_data_acceptance])
