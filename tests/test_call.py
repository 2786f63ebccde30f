"""`client.call`: any operation of the contract, with the tokens, the pace, the retries and the errors of a list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

import payt
from payt.testing import FakePayt
from payt.transport.redaction import without
from payt_api.api.contacts import list_contacts
from payt_api.client import AuthenticatedClient
from payt_api.errors import DecodeError
from payt_api.models import ContactsPage
from payt_api.types import Response
from support.quick import QUICK


def called(kind: str, fake: FakePayt, operation: Any, **arguments: Any) -> Any:
    if kind == "sync":
        with payt.Client(fake.token, base_url=fake.url, **QUICK) as client:
            return client.call(operation, **arguments)

    async def run() -> Any:
        async with payt.AsyncClient(fake.token, base_url=fake.url, **QUICK) as client:
            return await client.call(operation, **arguments)

    return asyncio.run(run())


@pytest.fixture
def fake() -> Any:
    with FakePayt(contacts=12) as service:
        yield service


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_operation_answers_with_what_was_parsed(kind: str, fake: FakePayt) -> None:
    fake.fail(500)  # and is asked again where that helps
    page = called(kind, fake, list_contacts, administration_id="1", per_page=5, updated_after="2020-01-01T00:00:00Z")
    assert isinstance(page, ContactsPage)
    assert len(page.data) == 5
    assert len(fake.requests) == 2
    assert fake.requests[-1].query["updated_after"] == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"administration_id": 1}, TypeError, "administration_id must be a string"),
        ({}, TypeError, r"^list_contacts needs administration_id: pass administration_id=\.\.\.$"),
        (
            {"administration_id": "1", "colour": "red"},
            TypeError,
            "^list_contacts: there is no argument 'colour'; it takes .*ids",
        ),
        ({"administration_id": "1", "updated_after": "soon"}, ValueError, "updated_after must be ISO 8601"),
        ({"administration_id": "1", "per_page": 0}, ValueError, "per_page"),
    ],
)
def test_wrong_arguments_send_nothing(
    kind: str, arguments: dict[str, Any], error: type[Exception], words: str, fake: FakePayt
) -> None:
    with pytest.raises(error, match=words):
        called(kind, fake, list_contacts, **arguments)
    assert fake.requests == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_body_that_the_contract_does_not_describe_is_not_passed_over(kind: str, fake: FakePayt) -> None:
    """Part of a page (206), say, is no answer, and None would look like one without content."""
    fake.fail(206, body={"data": [], "pagination": None})
    with pytest.raises(payt.InvalidResponseError, match="/v1/contacts: status 206 brought a body that the") as caught:
        called(kind, fake, list_contacts, administration_id="1")
    assert (caught.value.status, caught.value.path) == (206, "$")
    assert caught.value.request_id
    for nothing in (b"", b"\r\n"):
        fake.fail(202 if nothing else 204, body=nothing)
        assert called(kind, fake, list_contacts, administration_id="1") is None


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("operation", ["list_contacts", list_contacts.sync_detailed, None])
def test_what_is_no_operation_is_refused(kind: str, operation: Any, fake: FakePayt) -> None:
    with pytest.raises(TypeError, match=r"operation must be a generated module, such as payt_api\.api\.contacts"):
        called(kind, fake, operation)
    assert fake.requests == []


def test_an_operation_without_arguments_says_so(fake: FakePayt) -> None:
    with pytest.raises(TypeError, match=r"^Unreadable: there is no argument 'colour'; it takes none$"):
        called("sync", fake, Unreadable, colour="red")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_errors_are_those_of_every_list(kind: str, fake: FakePayt) -> None:
    with pytest.raises(payt.PermissionDeniedError) as caught:
        called(kind, fake, list_contacts, administration_id="no such administration")
    assert caught.value.attempts == 1
    assert caught.value.cursor is None


class Unreadable:
    """An operation whose answer is read somewhere else."""

    @staticmethod
    def sync_detailed(*, client: AuthenticatedClient) -> Response[None]:
        raise DecodeError("$.x", "Expected `str`, got `int`")

    asyncio_detailed: Callable[..., Any]


def test_an_answer_that_is_not_what_the_contract_says(fake: FakePayt) -> None:
    with pytest.raises(payt.InvalidResponseError, match=r"\$\.x: Expected `str`") as caught:
        called("sync", fake, cast("Any", Unreadable))
    assert (caught.value.path, caught.value.url) == ("$.x", None)


def test_an_empty_secret_is_found_nowhere() -> None:
    assert without("text", ["", "x"]) == "te[secret]t"
