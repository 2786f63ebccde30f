"""Options that many commands have."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from payt.environments import DEMO, PRODUCTION


class Env(StrEnum):
    """The environments by the names that `--env` takes."""

    PRODUCTION = PRODUCTION.name
    DEMO = DEMO.name


EnvOption: TypeAlias = Annotated[
    Env | None,
    typer.Option("--env", help="Which of Payt's environments; production, or PAYT_BASE_URL where it is set."),
]
DebugOption: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


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
