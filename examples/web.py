"""A web application that shows contacts: FastAPI, `uvicorn web:app` in this folder, with PAYT_TOKEN set.

One `payt.AsyncClient` serves the application from its start to its end: all requests share its
connections, its token and its rate limit. docs/web.md explains each of these lines.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Annotated, Any

import fastapi
import pydantic

import payt

SECONDS = 10.0
"""How long one of our requests may take, including the wait for the rate limit."""
LATER = 5
"""After how many seconds to ask again, where Payt does not say."""


class Customer(pydantic.BaseModel):
    """What this application promises, even when Payt's contract gets more fields."""

    model_config = pydantic.ConfigDict(from_attributes=True)
    id: str | None
    lastname: str | None
    debtor_numbers: list[str] | None


@asynccontextmanager
async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[None]:
    """Keep one client for as long as the application runs, and its login through a SIGTERM that comes in a renewal."""
    is_main = threading.current_thread() is threading.main_thread()  # a test's client runs this in another thread
    with payt.hold_signals() if is_main else nullcontext():
        async with payt.AsyncClient(total_timeout=SECONDS) as client:
            app.state.payt = client
            yield


app = fastapi.FastAPI(lifespan=lifespan)


@app.exception_handler(payt.PaytError)
async def payt_failed(_request: fastapi.Request, error: payt.PaytError) -> fastapi.responses.JSONResponse:
    """The fault is Payt's or ours, not the caller's. The details belong in the log."""
    detail = {"detail": type(error).__name__}
    if error.status in (429, 503):
        seconds = getattr(error, "retry_after", None)  # what Payt says, if it does
        return fastapi.responses.JSONResponse(detail, 503, {"Retry-After": str(math.ceil(seconds or LATER))})
    status = 404 if isinstance(error, payt.PermissionDeniedError) else 502
    return fastapi.responses.JSONResponse(detail, status)


@app.exception_handler(TimeoutError)
async def took_too_long(_request: fastapi.Request, _error: TimeoutError) -> fastapi.responses.JSONResponse:
    """The rate limit is shared: on a busy day, a request that waits too long is asked to try again later."""
    return fastapi.responses.JSONResponse({"detail": "busy"}, 503, {"Retry-After": str(LATER)})


@contextmanager
def callers_arguments() -> Iterator[None]:
    """An argument that payt refuses to send, such as two ids in the place of one, is the caller's fault."""
    try:
        yield
    except ValueError as error:
        raise fastapi.HTTPException(422, str(error)) from error


@app.get("/administrations/{administration_id}/customers", response_model=list[Customer])
async def customers(
    request: fastapi.Request, administration_id: str, limit: Annotated[int, fastapi.Query(ge=1, le=500)] = 100
) -> Any:
    """The first contacts of an administration."""
    client: payt.AsyncClient = request.app.state.payt
    with callers_arguments():  # nothing is sent before the loop
        pager = client.contacts.list(administration_id=administration_id, limit=limit, per_page=limit)
    async with asyncio.timeout(SECONDS):
        return [contact async for contact in pager]


@app.get("/administrations/{administration_id}/contacts/{contact_id}")
async def contact(request: fastapi.Request, administration_id: str, contact_id: str) -> dict[str, Any]:
    """One contact with all its fields."""
    client: payt.AsyncClient = request.app.state.payt
    with callers_arguments():
        pager = client.contacts.list(administration_id=administration_id, ids=[contact_id])
    async with asyncio.timeout(SECONDS):
        found = await pager.first()
    if found is None:
        raise fastapi.HTTPException(404)
    return found.to_dict()
