"""`payt contract check`: whether the API answers as the contract says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final, cast
from urllib.parse import quote

import attrs
import click

import payt
from payt import checks
from payt.contract import example_of, page_of, parameters_of
from payt.errors import APIError, AuthenticationError, InvalidResponseError
from payt.listing import ListSpec
from payt.listing.shapes import ADMINISTRATION
from payt.transport.retries import ask
from payt_api.errors import DecodeError
from payt_api.types import decode, query_of, query_value
from payt_resources import LISTS, spec_of

from .comparison import Difference, differences
from .exits import FAILED, message_of
from .options import (
    ADMINISTRATIONS,
    ALL,
    CONNECTION,
    NO_ADMINISTRATION,
    Command,
    connect,
    examples,
    option,
)
from .parameters import called, filters_of
from .screen import counted, echo, plain, report
from .selection import every_administration

_MOST_SHOWN: Final = 100
"""How many differences the table has; a service may call any number of fields by its data."""
_LONGEST: Final = 120


@click.command(
    cls=Command,
    params=[
        click.Argument(["lists"], metavar="[LIST]...", nargs=-1),
        ADMINISTRATIONS,
        option(
            "--per-page", type=click.IntRange(min=1), help="How many records of each list are read; a page by default."
        ),
        option("--json", "as_json", is_flag=True, help="Print the differences as JSON."),
        *CONNECTION,
    ],
    epilog=examples("contract check -a 1", "contract check contacts -a 1 --json"),
)
def check(
    *, lists: Sequence[str], administrations: Sequence[str], per_page: int | None, as_json: bool, **connection: Any
) -> None:
    """Compare a page of every list with the contract.

    Name lists to compare only those. Nothing is changed, and no value is shown: only names of fields, kinds and
    counts. Exits with 1 if something differs. With several administrations, only the first is read.
    """
    specs = [spec_of(checks.choice("LIST", name, list(LISTS))) for name in lists or LISTS]
    queries = [_query_of(spec, administrations, per_page) for spec in specs]
    counts: dict[str, int] = {}
    looked_at: list[str] = []
    found: list[tuple[str, Difference]] = []
    failed: dict[str, payt.PaytError] = {}
    with connect(**connection) as client:
        for spec, query in zip(specs, queries, strict=True):
            try:
                if query.get(ADMINISTRATION) == ALL:
                    query[ADMINISTRATION] = every_administration(client)[0]
                document, size = _one_page(client, spec, query)
            except (APIError, InvalidResponseError) as error:
                if isinstance(error, AuthenticationError) or len(specs) == 1:
                    raise
                failed[spec.name] = error
                continue
            records = document.get("data") if isinstance(document, dict) else None
            counts[spec.name] = count = len(records) if isinstance(records, list) else 0
            looked_at.append(f"{count:,} {called(spec, count)}, {size:,} bytes")
            found += [(spec.name, each) for each in differences(document, page_of(spec)["schema"])]
    if as_json:
        shown = [{"list": name, **attrs.asdict(each)} for name, each in found]
        click.echo(json.dumps({**counts, "differences": shown}))
    elif counts:
        _show(found, "; ".join(looked_at))
    for name, why in failed.items():
        report(f"payt: {name}: {message_of(why)}")
    if found or failed:
        raise click.exceptions.Exit(FAILED)


def _query_of(spec: ListSpec[Any], administrations: Sequence[str], per_page: int | None) -> dict[str, Any]:
    """What to ask with; filters that are needed have the values of the contract's examples."""
    query = {name: example_of(spec, name) for name in filters_of(spec, required=True)}
    if ADMINISTRATION in parameters_of(spec):
        if not administrations:
            raise ValueError(NO_ADMINISTRATION)
        query[ADMINISTRATION] = administrations[0]
    return {**query, "per_page": min(per_page or spec.most, spec.most)}


def _one_page(client: payt.Client, spec: ListSpec[Any], query: dict[str, Any]) -> tuple[Any, int]:
    """The document as it came, and its size in bytes. The models are out of the way: they read only what they know."""
    given = parameters_of(spec)
    places = {name: quote(query_value(value), safe="") for name, value in query.items() if given[name]["in"] == "path"}
    params = query_of({name: value for name, value in query.items() if name not in places})

    def undecoded(*, client: Any) -> tuple[Any, int]:
        response = client.get_httpx_client().get(spec.path.format_map(places), params=params)
        try:
            return decode(response.content, Any), len(response.content)
        except DecodeError as error:
            error.response = response
            raise

    operation: Any = SimpleNamespace(sync_detailed=undecoded)
    # of the same package; its errors and retries are wanted
    return ask(client._api, operation, {}, lambda answer: cast("tuple[Any, int]", answer))  # noqa: SLF001


def _show(found: list[tuple[str, Difference]], looked_at: str) -> None:
    if not found:
        echo(f"The API matches the contract ({looked_at}).")
        return
    rows = [("list", "where", "what", "how often")]
    rows += [(name, plain(at.path), at.difference, f"{at.count} of {at.of}") for name, at in found[:_MOST_SHOWN]]
    widths = [max(min(len(text), _LONGEST) for text in texts) for texts in zip(*rows, strict=True)]
    for row in rows:
        cells = (text[:_LONGEST].ljust(width) for text, width in zip(row, widths, strict=True))
        echo("  ".join(cells).rstrip())
    if len(found) > _MOST_SHOWN:
        echo(f"and {len(found) - _MOST_SHOWN:,} more, which --json lists")
    echo(f"\nThe API and openapi.yaml differ in {counted(len(found), 'place')} ({looked_at}).")
