"""Plain HTTP clients for the fake server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import httpx

from payt.testing import FakePayt

Get: TypeAlias = Callable[..., httpx.Response]
"""Asks for a page of contacts; the keywords are the parameters of the query."""


@contextmanager
def connect(server: FakePayt, authorization: str | None = None) -> Iterator[httpx.Client]:
    """A client of a server, with its token unless told otherwise."""
    headers = {"authorization": f"Bearer {server.token}" if authorization is None else authorization}
    # verify: loading certificates would take longer than most of these tests
    with httpx.Client(base_url=server.url, headers=headers, timeout=60, verify=False) as client:
        yield client


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    """The status, code and message of an error as Payt documents it."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["code", "message"]
    return response.status_code, body["code"], body["message"]
