"""Tokens of a grant in requests: which one is sent, and what a 401 leads to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Final

import attrs
import httpx

from ..errors import PaytError
from ..transport.call import time_left
from .endpoint import Endpoint, Network
from .grants import Grant
from .shared import Connection, Found, Renewal, Wanted, connection_of, raised

MOST_TOKENS: Final = 10
"""How many tokens a request is sent with at most: others may renew as fast as it is sent, but not for ever."""


class OAuthAuth(httpx.Auth):
    """Sends the access token of a grant, which is renewed before its end, and once when Payt refuses it.

    A refused token means little while others renew: theirs is in the store by then, and is tried first. So is every
    other token that turns up there; only when a new one was asked for and nothing else is left, 401 is final.
    """

    def __init__(self, grant: Grant, base_url: httpx.URL, network: Network) -> None:
        self._grant = grant
        self._connection = connection_of(grant, base_url)
        self._endpoint = Endpoint(base_url, grant.client_id, grant.client_secret)
        self._network = network

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authorize a request of `payt.Client`."""
        trying = _Trying(self._connection)
        while self._is_known(trying) or self._search(trying, request):
            if not trying.is_refused((yield trying.authorized(request))):
                return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorize a request of `payt.AsyncClient`."""
        trying = _Trying(self._connection)
        while self._is_known(trying) or await self._search_async(trying):
            if not trying.is_refused((yield trying.authorized(request))):
                return

    def _is_known(self, trying: _Trying) -> bool:
        token = self._connection.ready(trying.wanted, self._grant.refresh_early)
        trying.access_token = "" if token is None else token.access_token
        return token is not None

    def _search(self, trying: _Trying, request: httpx.Request) -> bool:
        renewal = Renewal(self._grant, self._endpoint, self._network)
        while True:
            flight, is_new = self._connection.search(trying.wanted, renewal)
            left = time_left()
            try:
                result = flight.result(None if left == float("inf") else left)
            except TimeoutError:
                raise httpx.PoolTimeout("no token before the deadline", request=request) from None
            if trying.is_over(result, is_new=is_new):
                return trying.access_token != ""

    async def _search_async(self, trying: _Trying) -> bool:
        from asyncio import wrap_future  # noqa: PLC0415  who needs it has imported it before

        renewal = Renewal(self._grant, self._endpoint, self._network.on_loop())
        while True:
            flight, is_new = self._connection.search(trying.wanted, renewal)
            if trying.is_over(await wrap_future(flight), is_new=is_new):
                return trying.access_token != ""


@attrs.define(repr=False, eq=False)
class _Trying:
    """A request on its way through one token after the other. No frame holds a token, as tracebacks show frames."""

    connection: Connection
    access_token: str = ""
    wanted: Wanted = attrs.field(factory=Wanted)

    def authorized(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {self.access_token}"
        return request

    def is_refused(self, response: httpx.Response) -> bool:
        """Whether another token is worth a try."""
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return False
        self.connection.refuse(self.access_token)
        self.wanted = attrs.evolve(self.wanted, refused=self.wanted.refused | {self.access_token})
        return len(self.wanted.refused) < MOST_TOKENS

    def is_over(self, result: Found | PaytError, *, is_new: bool) -> bool:
        """Take what a search brought; whether it makes no sense to search on.

        A search that was under way already did not know what is wanted here.
        """
        if isinstance(result, PaytError):
            raise raised(result)
        token = result.token
        if token is None or (token.access_token in self.wanted.refused and not is_new):
            return is_new
        self.access_token = token.access_token
        self.wanted = attrs.evolve(self.wanted, may_ask=self.wanted.may_ask and not result.asked)
        return True
