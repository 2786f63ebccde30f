"""From options to a client. A token comes from the environment, a file or a prompt: arguments show in `ps`."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

import payt

from .options import Env, base_url_of


def connect(*, env: Env | None, token_file: Path | None, retries: int) -> payt.Client:
    """The client that a command works with.

    Raises:
        OSError: The file with the token cannot be read.
        ValueError: It holds no token, or the environment says something that cannot be used.
    """
    credentials = None if token_file is None else payt.StaticToken(_read_token(token_file))
    return payt.Client(credentials, base_url=base_url_of(env), retries=retries)


def _read_token(path: Path) -> str:
    if path != Path("-"):
        return path.read_text("utf-8").strip()
    if sys.stdin.isatty():
        return str(typer.prompt("Token", hide_input=True, err=True)).strip()
    return sys.stdin.read().strip()
