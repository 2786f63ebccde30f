"""`payt serve-fake`: a fake Payt for trying tools that are written in anything."""

from __future__ import annotations

from contextlib import suppress
from time import sleep
from typing import Any

import click

from .options import Command, Number, examples, ids_of, option


@click.command(
    cls=Command,
    params=[
        option("--contacts", type=click.IntRange(min=0), default=1_000, help="How many contacts to invent."),
        option(
            "--records", type=click.IntRange(min=0), default=100, help="How many records of every other list to invent."
        ),
        option("--port", type=click.IntRange(0, 65_535), default=8080, help="The port on loopback; 0 for any."),
        option(
            "--administration",
            "-a",
            "administrations",
            multiple=True,
            callback=ids_of,
            metavar="ID,…",
            default=["1"],
            help="The administrations; each gets that many contacts and records. Several as -a 1,2 or -a 1 -a 2.",
        ),
        option("--latency", type=Number(min=0), default=0.0, help="Seconds before each answer."),
        option("--rate-limit", type=click.IntRange(min=1), help="Refuse more than this many requests a second."),
        option("--seed", type=int, default=0, help="A different seed invents different contacts."),
    ],
    epilog=examples("serve-fake", "serve-fake --contacts 10000 --latency 0.3 --port 0", "serve-fake -a 1,2,3"),
)
def serve_fake(*, contacts: int, records: int, administrations: list[str], **settings: Any) -> None:
    """Serve invented data over HTTP, as Payt would.

    That is contacts, and records of all other lists, until Ctrl-C.
    """
    from payt.testing import FakePayt  # noqa: PLC0415 - an extra of its own
    from payt_resources import LISTS  # noqa: PLC0415 - as above

    first, *more = administrations
    others = {name: records for name in LISTS if name not in ("administrations", "contacts")}
    with (
        FakePayt(contacts, administration_id=first, records=others, **settings) as fake,
        suppress(KeyboardInterrupt),
    ):  # the way it is meant to end, from the moment that it says so
        for each in more:
            fake.add_administration(each, contacts, records=others)
        of = f"each of the administrations {', '.join(administrations)}" if more else f"administration {first}"
        click.echo(
            f"{contacts:,} contacts of {of} at {fake.url}/v1/contacts until Ctrl-C\n"
            f"export PAYT_BASE_URL={fake.url} PAYT_APP_URL={fake.url} PAYT_TOKEN={fake.token}\n"
            f"for payt login: export PAYT_CLIENT_ID={fake.oauth.client_id} "
            f"PAYT_CLIENT_SECRET={fake.oauth.client_secret}"
        )
        while True:
            sleep(3_600)
