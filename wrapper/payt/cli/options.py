"""Options that many commands have."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from payt.environments import DEMO, PRODUCTION


class Env(StrEnum):
    """The environments by the names that `--env` takes."""

    PRODUCTION = PRODUCTION.name
    DEMO = DEMO.name


EnvOption: TypeAlias = Annotated[
    Env | None,
    typer.Option(
        "--env",
        envvar="PAYT_ENV",
        help="Which of Payt's environments; production, or PAYT_BASE_URL where it is set.",
    ),
]
DebugOption: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]
RetriesOption: TypeAlias = Annotated[
    int, typer.Option("--retries", envvar="PAYT_RETRIES", min=0, help="How often a request is tried again at most.")
]
TokenFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="PAYT_TOKEN_FILE",
        metavar="FILE",
        help="Read the token from this file; - reads standard input, and asks for it on a terminal.",
    ),
]
AdministrationsOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--administration",
        "-a",
        envvar="PAYT_ADMINISTRATION_ID",
        metavar="ID",
        help="The administration's id, required; can be given several times. Shown by payt administrations list.",
    ),
]
NO_ADMINISTRATION: Final = (
    "no administration: pass -a ID, or set PAYT_ADMINISTRATION_ID (payt administrations list shows the ids)"
)


def base_url_of(env: Env | None) -> str | None:
    """The base URL that `--env` means; None leaves it to the client (PAYT_BASE_URL, else production).

    Raises:
        typer.BadParameter: PAYT_BASE_URL says something else.
    """
    if env is None:
        return None
    url = DEMO.api if env is Env.DEMO else PRODUCTION.api
    if os.environ.get("PAYT_BASE_URL", url).rstrip("/") != url:
        raise typer.BadParameter(f"--env {env} contradicts PAYT_BASE_URL: leave one of them out")
    return url


def values_of(given: list[str] | None) -> list[str] | None:
    """The values of an option that takes several, given one by one or with commas between them; None for none."""
    if not given:
        return None
    return [value.strip() for text in given for value in text.split(",")]
