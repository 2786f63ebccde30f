"""`payt contacts`: the group that the commands about contacts join, each from a module of its own."""

from __future__ import annotations

import typer

contacts_app = typer.Typer(name="contacts", help="Export, list and check contacts.", no_args_is_help=True)
