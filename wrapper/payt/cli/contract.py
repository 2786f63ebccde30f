"""`payt contract check`: whether the API answers as the contract says."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Annotated, Any

import typer
from payt_resources import LISTS, spec_of
from rich.table import Table

import payt
from payt.contract import contract, page_of
from payt.errors import APIError, AuthenticationError, InvalidResponseError
from payt.listing import ListSpec
from payt.transport.retries import ask
from payt_api.errors import DecodeError
from payt_api.types import Response, decode, query_of

from .comparison import Difference, differences
from .exits import FAILED, errors_reported, message_of
from .options import NO_ADMINISTRATION, DebugOption, EnvOption, base_url_of
from .parameters import (
    ADMINISTRATION,
    called,
    example_of,
    is_by_administration,
    required_filters_of,
)
from .plain import plain_lines
from .progress import plural
from .screen import console

contract_app = typer.Typer()


@contract_app.callback()
def group() -> None:
    """Make `check` one of a group's commands, though it is the only one."""


@contract_app.command()
def check(
    lists: Annotated[
        list[str] | None, typer.Argument(metavar="[LIST]...", help="Such as contacts; every list by default.")
    ] = None,
    *,
    administration_id: Annotated[
        str | None, typer.Option("--administration-id", "-a", help="The administration whose records are looked at.")
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
        wanted = {
            name: (_spec_of(name), _query_of(_spec_of(name), administration_id, per_page)) for name in lists or LISTS
        }
        counts: dict[str, int] = {}
        looked_at: list[str] = []
        found: list[tuple[str, Difference]] = []
        failed: dict[str, payt.PaytError] = {}
        with payt.Client(base_url=base_url_of(env)) as client:
            for name, (spec, query) in wanted.items():
                try:
                    document, size = _one_page(client, spec, query)
                except (APIError, InvalidResponseError) as error:
                    if isinstance(error, AuthenticationError) or len(wanted) == 1:
                        raise
                    failed[name] = error
                    continue
                records = document.get("data") if isinstance(document, dict) else None
                counts[name] = count = len(records) if isinstance(records, list) else 0
                looked_at.append(f"{count:,} {called(spec, count)}, {size:,} bytes")
                found += [(name, each) for each in differences(document, page_of(spec)["schema"], contract())]
        if as_json:
            typer.echo(json.dumps({**counts, "differences": [_as_dict(*each) for each in found]}))
        elif counts:
            _show(found, "; ".join(looked_at))
        for name, why in failed.items():
            sys.stderr.write(plain_lines(f"payt: {name}: {message_of(why)}") + "\n")
    if found or failed:
        raise typer.Exit(FAILED)


def _spec_of(name: str) -> ListSpec[Any]:
    if name not in LISTS:
        raise ValueError(f"there is no list {name!r}; there are {', '.join(LISTS)}")
    return spec_of(name)


def _query_of(spec: ListSpec[Any], administration_id: str | None, per_page: int | None) -> dict[str, Any]:
    """What to ask with; filters that are needed have the values of the contract's examples."""
    query = {name: example_of(spec, name) for name in required_filters_of(spec)}
    if is_by_administration(spec):
        if not administration_id:
            raise ValueError(NO_ADMINISTRATION)
        query[ADMINISTRATION] = administration_id
    return {**query, "per_page": min(per_page or spec.most, spec.most)}


def _one_page(client: payt.Client, spec: ListSpec[Any], query: dict[str, Any]) -> tuple[Any, int]:
    """The document as it came, and its size in bytes. The models are out of the way: they read only what they know."""

    def undecoded(*, client: Any) -> Response[Any]:
        response = client.get_httpx_client().get(spec.path, params=query_of(query))
        try:
            document = decode(response.content, Any)
        except DecodeError as error:
            error.response = response
            raise
        return Response(response.status_code, response.content, response.headers, document)

    operation: Any = SimpleNamespace(sync_detailed=undecoded)
    answer = ask(client._api, operation, {})  # noqa: SLF001 - of the same package; its errors and retries are wanted
    return answer.parsed, len(answer.content)


def _as_dict(name: str, difference: Difference) -> dict[str, Any]:
    return {
        "list": name,
        "path": difference.path,
        "difference": difference.what,
        "count": difference.count,
        "of": difference.of,
    }


def _show(found: list[tuple[str, Difference]], looked_at: str) -> None:
    if not found:
        sys.stdout.write(f"The API answers as the contract says ({looked_at}).\n")
        return
    table = Table("list", "where", "what", "how often", box=None, pad_edge=False)
    for name, each in found:
        table.add_row(name, each.path, each.what, f"{each.count} of {each.of}")
    screen = console(soft_wrap=True)
    screen.print(table)
    count = len(found)
    screen.print(f"\nThe API and openapi.yaml differ in {count} {plural('place', count)} ({looked_at}).")
