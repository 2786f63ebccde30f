"""`payt contract check`: whether the API answers as the contract says."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Annotated, Any, cast

import typer
from rich.table import Table

import payt
from payt import checks
from payt.contract import contract, page_of, parameters_of
from payt.errors import APIError, AuthenticationError, InvalidResponseError
from payt.listing import ListSpec
from payt.transport.retries import ask
from payt_api.errors import DecodeError
from payt_api.types import decode, query_of
from payt_resources import LISTS, spec_of

from .comparison import Difference, differences
from .exits import FAILED, errors_reported, message_of
from .options import NO_ADMINISTRATION, DebugOption, EnvOption, base_url_of
from .parameters import ADMINISTRATION, called, example_of, filters_of
from .plain import plain_lines
from .progress import plural
from .screen import console

contract_app = typer.Typer()


@contract_app.callback()
def group() -> None:
    """Keep it a group, with one command."""


@contract_app.command()
def check(
    lists: Annotated[
        list[str] | None, typer.Argument(metavar="[LIST]...", help="Such as contacts; every list by default.")
    ] = None,
    *,
    administration_id: Annotated[
        str | None,
        typer.Option(
            "--administration-id", "-a", envvar="PAYT_ADMINISTRATION_ID", help="Whose records are looked at, by its id."
        ),
    ] = None,
    per_page: Annotated[
        int | None, typer.Option(min=1, help="How many records of each list are looked at; a page by default.")
    ] = None,
    env: EnvOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
    debug: DebugOption = False,
) -> None:
    """Read one page of every list, and name where it and the contract differ.

    Nothing is changed, and no value is shown: only names of fields, kinds and counts. Exits 1 where something differs.
    """
    with errors_reported(debug=debug):
        specs = [spec_of(checks.choice("LIST", name, list(LISTS))) for name in lists or LISTS]
        queries = [_query_of(spec, administration_id, per_page) for spec in specs]
        counts: dict[str, int] = {}
        looked_at: list[str] = []
        found: list[tuple[str, Difference]] = []
        failed: dict[str, payt.PaytError] = {}
        with payt.Client(base_url=base_url_of(env)) as client:
            for spec, query in zip(specs, queries, strict=True):
                try:
                    document, size = _one_page(client, spec, query)
                except (APIError, InvalidResponseError) as error:
                    if isinstance(error, AuthenticationError) or len(specs) == 1:
                        raise
                    failed[spec.name] = error
                    continue
                records = document.get("data") if isinstance(document, dict) else None
                counts[spec.name] = count = len(records) if isinstance(records, list) else 0
                looked_at.append(f"{count:,} {called(spec, count)}, {size:,} bytes")
                found += [(spec.name, each) for each in differences(document, page_of(spec)["schema"], contract())]
        if as_json:
            shown = [
                {"list": name, "path": each.path, "difference": each.what, "count": each.count, "of": each.of}
                for name, each in found
            ]
            typer.echo(json.dumps({**counts, "differences": shown}))
        elif counts:
            _show(found, "; ".join(looked_at))
        for name, why in failed.items():
            sys.stderr.write(plain_lines(f"payt: {name}: {message_of(why)}") + "\n")
    if found or failed:
        raise typer.Exit(FAILED)


def _query_of(spec: ListSpec[Any], administration_id: str | None, per_page: int | None) -> dict[str, Any]:
    """What to ask with; filters that are needed have the values of the contract's examples."""
    query = {name: example_of(spec, name) for name in filters_of(spec, required=True)}
    if ADMINISTRATION in parameters_of(spec):
        if not administration_id:
            raise ValueError(NO_ADMINISTRATION)
        query[ADMINISTRATION] = administration_id
    return {**query, "per_page": min(per_page or spec.most, spec.most)}


def _one_page(client: payt.Client, spec: ListSpec[Any], query: dict[str, Any]) -> tuple[Any, int]:
    """The document as it came, and its size in bytes. The models are out of the way: they read only what they know."""

    def undecoded(*, client: Any) -> tuple[Any, int]:
        response = client.get_httpx_client().get(spec.path, params=query_of(query))
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
        sys.stdout.write(f"The API answers as the contract says ({looked_at}).\n")
        return
    table = Table("list", "where", "what", "how often", box=None, pad_edge=False)
    for name, each in found:
        table.add_row(name, each.path, each.what, f"{each.count} of {each.of}")
    screen = console(soft_wrap=True)
    screen.print(table)
    places = f"{len(found)} {plural('place', len(found))}"
    screen.print(f"\nThe API and openapi.yaml differ in {places} ({looked_at}).")
