"""The fake server keeps the contract: schemathesis asks it for what is allowed, and for what is not."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from payt.contract import contract, parameters_of
from payt.testing import FakePayt
from payt_resources import LISTS, spec_of

pytestmark = pytest.mark.soak
every_setting = settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def server() -> Iterator[FakePayt]:
    with FakePayt(records={name: 300 for name in LISTS if name != "administrations"}) as fake:
        yield fake


def lists_alone() -> dict[str, Any]:
    """The contract, with the paths of its lists, each of these with parameters of its own and the errors of all."""
    document = copy.deepcopy(contract())
    lists = {spec.path: document["paths"][spec.path]["get"] for spec in map(spec_of, LISTS)}
    errors = {status: answer for each in [*lists.values()][::-1] for status, answer in each["responses"].items()}
    for spec in map(spec_of, LISTS):
        get = lists[spec.path]
        get["parameters"] = copy.deepcopy([*parameters_of(spec).values()])
        get["responses"] = {**errors, "200": get["responses"]["200"]}
    document["paths"] = {path: {"get": get} for path, get in lists.items()}
    return document


def told_more() -> BaseSchema:
    """The contract, with what it cannot say: how `fields` reads, what cursors look like, who is served."""
    document = lists_alone()
    for number, name in enumerate(LISTS):
        parameters = document["paths"][spec_of(name).path]["get"]["parameters"]
        described = {parameter["name"]: parameter["schema"] for parameter in parameters}
        for required in (each["schema"] for each in parameters if each.get("required")):
            if required.get("type") == "string":
                required.setdefault("minLength", 1)  # what is empty counts as missing
        described["cursor"]["pattern"] = "^(0|[1-9][0-9]{0,17})$"
        if "fields" in described:
            schemathesis.openapi.format(f"fields-{number}", selections_of(name))
            described["fields"]["format"] = f"fields-{number}"
        if "administration_id" in described:
            described["administration_id"]["enum"] = ["1", "2"]
    return judge(document)


def selections_of(name: str) -> st.SearchStrategy[str]:
    names = st.sampled_from([*attrs.fields_dict(spec_of(name).record)]) | st.text(max_size=5)
    selection = st.recursive(
        st.lists(names, max_size=5),
        lambda nested: st.lists(names | st.dictionaries(names, nested, max_size=2), max_size=3),
        max_leaves=4,
    )
    return st.dictionaries(st.sampled_from(["only", "except"]), selection).map(json.dumps)


def judge(document: dict[str, Any]) -> BaseSchema:
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(headers={"Authorization": "Bearer fake-token"})
    return schema


schema = told_more()


@schema.parametrize()
@every_setting
def test_the_fake_server_keeps_the_contract(server: FakePayt, case: "schemathesis.Case[Any]") -> None:
    case.call_and_validate(base_url=server.url)


as_it_stands = judge(lists_alone())


@as_it_stands.parametrize()
@every_setting
def test_the_contract_as_it_stands_is_kept_too(server: FakePayt, case: "schemathesis.Case[Any]") -> None:
    # The contract cannot say which documents, cursors and administrations there are: what it allows may be refused.
    case.call_and_validate(base_url=server.url, excluded_checks=[positive_data_acceptance])
