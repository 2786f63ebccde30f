"""Payt's two environments, with accounts, tokens and data of their own."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Environment:
    """The addresses of one environment.

    Attributes:
        name: What it is called on the command line.
        api: The base URL of the API, the token endpoint included.
        app: The base URL of the pages where a person logs in.
    """

    name: str
    api: str
    app: str


PRODUCTION: Final = Environment("production", "https://api.paytsoftware.com", "https://app.paytsoftware.com")
DEMO: Final = Environment("demo", "https://demo-api.paytsoftware.com", "https://demo.paytsoftware.com")
