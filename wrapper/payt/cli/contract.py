"""`payt contract check`: whether the API answers as the contract says."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

import payt
from payt.errors import InvalidResponseError

from .comparison import Difference, differences
from .exits import FAILED, errors_reported
from .options import DebugOption, EnvOption, base_url_of
from .screen import console

contract_app = typer.Typer(
    name="contract",
    help="The contract that this client was generated from.",
    no_args_is_help=True,
)
_PATH = "/v1/contacts"


@contract_app.callback()
def contract() -> None:
    """The contract that this client was generated from."""


@contract_app.command()
def check(
    *,
    administration_id: Annotated[
        str, typer.Option("--administration-id", help="The administration whose contacts are looked at.")
    ],
    per_page: Annotated[int, typer.Option(min=1, max=500, help="How many contacts are looked at.")] = 500,
    env: EnvOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
    debug: DebugOption = False,
) -> None:
    """Read one page of contacts, and name where it and the contract differ.

    Nothing is changed, and no value is shown: only names of fields, kinds and counts. Exits 1 where something differs.
    """
    with errors_reported(debug=debug):
        document, size = _one_page(base_url_of(env), administration_id, per_page)
        described = _contract()
        answers = described["paths"][_PATH]["get"]["responses"]
        found = differences(document, answers["200"]["content"]["application/json"]["schema"], described)
        records = document.get("data") if isinstance(document, dict) else None
        count = len(records) if isinstance(records, list) else 0
        if as_json:
            typer.echo(json.dumps({"contacts": count, "differences": [_as_dict(each) for each in found]}))
        else:
            _show(found, count, size)
    if found:
        raise typer.Exit(FAILED)


def _one_page(base_url: str | None, administration_id: str, per_page: int) -> tuple[Any, int]:
    """The document as it came, and its size in bytes. The models are out of the way: they read only what they know."""
    with payt.Client(base_url=base_url) as client:
        session = client._session  # noqa: SLF001 - of the same package; its errors, pace and retries are wanted
        response = session.get(_PATH, params={"administration_id": administration_id, "per_page": str(per_page)})
        try:
            return msgspec.json.decode(response.content), len(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise InvalidResponseError("the answer is no JSON that can be read", path="$") from None


def _contract() -> dict[str, Any]:
    """The contract, as it comes along with the generated package."""
    described: dict[str, Any] = json.loads(files("payt_api").joinpath("openapi.json").read_text("utf-8"))
    return described


def _as_dict(difference: Difference) -> dict[str, Any]:
    return {
        "path": difference.path,
        "difference": difference.what,
        "count": difference.count,
        "of": difference.of,
    }


def _show(found: list[Difference], count: int, size: int) -> None:
    looked_at = f"{count} contacts, {size:,} bytes"
    if not found:
        sys.stdout.write(f"The API answers as the contract says ({looked_at}).\n")
        return
    table = Table("where", "what", "how often", box=None, pad_edge=False)
    for each in found:
        table.add_row(each.path, each.what, f"{each.count} of {each.of}")
    screen = console(soft_wrap=True)
    screen.print(table)
    screen.print(f"\nThe API and openapi.yaml differ in {len(found)} places ({looked_at}).")
