"""Requests and contract before a judge that is not ours: Prism mocks openapi.yaml, and refuses what it forbids."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import payt
from support.flavours import Flavour

ROOT = Path(__file__).parents[2]
MODULES = Path(__file__).parent / "node_modules"
PRISM = MODULES / "@stoplight/prism-cli/dist/index.js"
NODE = MODULES / "node"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prism's address."""
    if not (NODE.exists() and PRISM.exists()):
        pytest.skip("Prism is not installed: run scripts/servers, which says why where it cannot be had")
    log = tmp_path_factory.mktemp("prism") / "log"
    for _ in range(3):  # somebody else may take the port in between
        port = free_port()
        command = [str(NODE), str(PRISM), "mock", "--errors", "--host", "127.0.0.1", "--port", str(port)]
        with (
            log.open("wb") as output,
            subprocess.Popen([*command, str(ROOT / "openapi.yaml")], stdout=output, stderr=output) as process,
        ):
            try:
                if wait_for(process, f"http://127.0.0.1:{port}"):
                    yield f"http://127.0.0.1:{port}"
                    return
            finally:
                process.kill()
    pytest.fail(f"Prism did not start: {log.read_text(errors='replace')[-2000:]}")


def wait_for(process: subprocess.Popen[bytes], url: str) -> bool:
    """Whether Prism answers, sooner or later."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, timeout=30, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return process.poll() is None
    return False


ARGUMENTS: dict[str, dict[str, Any]] = {
    "none": {},
    "an administration with spaces and signs": {"administration_id": "a b/c?d=e&f#g%25+h é 漢 🙂"},
    "ids": {"ids": ["1", "2 3", 'quote"', "back\\slash", "semi;colon", "é"]},
    "one id": {"ids": "12345678901234567890"},
    "many ids": {"ids": [str(number) for number in range(100)]},
    "contact_identifiers": {"contact_identifiers": ["C 1", "<C2>", "C'3"]},
    "debtor_numbers": {"debtor_numbers": ["D1", "D&2", "D=3", "+4"]},
    "updated_after with an offset": {"updated_after": "2026-11-01T00:00:00+01:00"},
    "updated_after with microseconds": {"updated_after": "2026-11-01T00:00:00.123456Z"},
    "updated_after long ago": {"updated_after": "0001-01-01T00:00:00Z"},
    "fields": {"fields": ["id", "lastname", {"validation_errors": ["invoice_email_address", "é"]}]},
    "fields as a document": {"fields": {"except": ["id"], "other": [{"a": ["b"]}, None, True]}},
    "a cursor with signs": {"cursor": "eyJpZCI6NX0=/+&?#é"},
    "the smallest page": {"per_page": 1},
    "the largest page": {"per_page": 500},
    "everything": {
        "ids": ["1"],
        "contact_identifiers": ["C1"],
        "debtor_numbers": ["D1"],
        "updated_after": "2026-11-01T00:00:00Z",
        "fields": ["id"],
        "cursor": "1",
        "per_page": 250,
    },
}


class OnePageIsEnoughError(Exception):
    """Ends a listing."""


@pytest.mark.parametrize("name", ARGUMENTS)
def test_what_the_client_sends_is_what_the_contract_allows(name: str, prism: str, flavour: Flavour) -> None:
    pages: list[payt.Page[payt.Contact]] = []

    def stop(page: payt.Page[payt.Contact]) -> None:
        pages.append(page)
        raise OnePageIsEnoughError  # Prism brings the same page for ever

    with pytest.raises(OnePageIsEnoughError):
        flavour.pages(prism, "token", client={"retries": 0}, seen=stop, **ARGUMENTS[name])
    (page,) = pages
    assert [contact.id for contact in page.data] == ["1", "2"]
    assert page.data[0].firstname == "Noëlle"
    assert page.cursor == "2"


class Prefer(httpx.HTTPTransport):
    """Asks Prism for a certain answer."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self._status = status

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Prefer"] = f"code={self._status}"
        return super().handle_request(request)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, payt.BadRequestError),
        (401, payt.AuthenticationError),
        (403, payt.PermissionDeniedError),
        (422, payt.BadRequestError),
        (429, payt.RateLimitError),
    ],
)
def test_errors_as_the_contract_shows_them_are_understood(status: int, error: type[payt.APIError], prism: str) -> None:
    with (
        payt.Client("token", base_url=prism, retries=0, transport=Prefer(status)) as client,
        pytest.raises(error) as caught,
    ):
        list(client.contacts.list(administration_id="1"))
    assert caught.value.status_code == status
    assert caught.value.code
    assert caught.value.message


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("per_page=1", {"Authorization": "Bearer token"}, 422),
        ("administration_id=", {"Authorization": "Bearer token"}, 422),
        ("administration_id=1&per_page=501", {"Authorization": "Bearer token"}, 422),
        ("administration_id=1&per_page=many", {"Authorization": "Bearer token"}, 422),
        ("administration_id=1&updated_after=soon", {"Authorization": "Bearer token"}, 422),
        ("administration_id=1", {}, 401),
    ],
    ids=["no administration", "empty", "too many", "no number", "no moment", "no token"],
)
def test_the_judge_refuses_what_the_contract_does_not_allow(
    query: str, headers: dict[str, str], status: int, prism: str
) -> None:
    answer = httpx.get(f"{prism}/v1/contacts?{query}", headers=headers, timeout=30, trust_env=False)
    assert answer.status_code == status
