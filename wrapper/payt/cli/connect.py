"""From options to a client. A token comes from the environment, a file or a prompt: arguments show in `ps`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

import payt

from .options import Env, base_url_of


def connect(*, env: Env | None, token_file: Path | None, retries: int) -> payt.Client:
    """The client that a command works with.

    Raises:
        payt.LoginRequiredError: There is nothing to get a token from.
        OSError: The file with the token cannot be read.
        ValueError: It holds no token, or the environment says something that cannot be used.
    """
    if token_file is not None:
        return payt.Client(payt.StaticToken(_read_token(token_file)), base_url=base_url_of(env), retries=retries)
    if not any(os.environ.get(name) for name in _CREDENTIALS):
        raise payt.LoginRequiredError(
            "no credentials: set PAYT_TOKEN, pass --token-file FILE (- asks for the token), "
            "or set PAYT_CLIENT_ID and PAYT_CLIENT_SECRET, and run payt login"
        )
    return payt.Client(base_url=base_url_of(env), retries=retries)


def _read_token(path: Path) -> str:
    if path != Path("-"):
        return path.read_text("utf-8").strip()
    if _is_terminal():
        return str(typer.prompt("Token", hide_input=True, err=True)).strip()
    return sys.stdin.read().strip()


def _is_terminal() -> bool:
    return sys.stdin.isatty()


_CREDENTIALS = ("PAYT_TOKEN", "PAYT_CLIENT_ID", "PAYT_CLIENT_SECRET")
