"""What is known of the request that a page takes, for the errors and log records about it.

The pager says which page it asks for, the session fills in what happens, and both of them look here. They meet in a
context variable because the generated operation between them passes nothing on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx

from .answers import address
from .errors import PaytError


class Asked:
    """A request with all its attempts.

    Attributes:
        page: The number of the page that is asked for, from 1.
        request: What is asked.
        attempts: How often it was asked so far.
        status: The last status that came.
        request_id: What Payt's support can find the last answer by.
    """

    def __init__(self, page: int | None = None) -> None:
        self.page = page
        self.request: httpx.Request | None = None
        self.attempts: int | None = None
        self.status: int | None = None
        self.request_id: str | None = None

    def __str__(self) -> str:
        what = "nothing" if self.request is None else f"{self.request.method} {self.request.url.path}"
        return what if self.page is None else f"{what} page {self.page}"

    def begin(self, request: httpx.Request) -> None:
        """Take up a request that was not sent yet."""
        self.request, self.attempts, self.status, self.request_id = request, 0, None, None

    def tell(self, error: PaytError) -> None:
        """Write what is known into an error, where the error does not know better."""
        if self.request is not None and error.method is None:
            error.method, error.url = self.request.method, address(self.request.url)
        for name in ("attempts", "status", "request_id"):
            if getattr(error, name) is None:
                setattr(error, name, getattr(self, name))


@contextmanager
def asking(page: int) -> Iterator[Asked]:
    """The requests that this thread or task sends in here are for the page of this number."""
    asked = Asked(page)
    token = _current.set(asked)
    try:
        yield asked
    finally:
        _current.reset(token)


def current() -> Asked:
    """What this thread or task asks."""
    return _current.get() or Asked()


_current: ContextVar[Asked | None] = ContextVar("payt.asked", default=None)
