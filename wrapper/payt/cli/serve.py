"""`payt serve-fake`: a fake Payt for trying tools that are written in anything."""

from __future__ import annotations

from contextlib import suppress
from time import sleep
from typing import Annotated

import typer

from .exits import errors_reported
from .options import DebugOption


def serve_fake(
    *,
    contacts: Annotated[int, typer.Option("--contacts", min=0, help="How many contacts to invent.")] = 1_000,
    records: Annotated[
        int, typer.Option("--records", min=0, help="How many records of every other list to invent.")
    ] = 100,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="The port on loopback; 0 for any.")] = 8080,
    administration: Annotated[str, typer.Option("--administration", "-a", metavar="ID", help="Whose they are.")] = "1",
    latency: Annotated[float, typer.Option("--latency", min=0, help="Seconds before each answer.")] = 0,
    rate_limit: Annotated[
        int | None, typer.Option("--rate-limit", min=1, help="Refuse more than so many requests a second.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed invents other contacts.")] = 0,
    debug: DebugOption = False,
) -> None:
    """Serve invented contacts, and records of all other lists, over HTTP, as Payt would, until Ctrl-C."""
    with errors_reported(debug=debug):
        from payt.testing import FakePayt  # noqa: PLC0415 - an extra of its own
        from payt_resources import LISTS  # noqa: PLC0415 - as above

        with (
            FakePayt(
                contacts,
                administration_id=administration,
                records={name: records for name in LISTS if name not in ("administrations", "contacts")},
                port=port,
                latency=latency,
                rate_limit=rate_limit,
                seed=seed,
            ) as fake,
            suppress(KeyboardInterrupt),
        ):  # the way it is meant to end, from the moment that it says so
            typer.echo(
                f"{contacts:,} contacts of administration {administration} at {fake.url}/v1/contacts until Ctrl-C"
            )
            typer.echo(f"export PAYT_BASE_URL={fake.url} PAYT_APP_URL={fake.url} PAYT_TOKEN={fake.token}")
            typer.echo(
                f"for payt login: export PAYT_CLIENT_ID={fake.oauth.client_id} "
                f"PAYT_CLIENT_SECRET={fake.oauth.client_secret}"
            )
            while True:
                sleep(3_600)
