# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from ..types import model


@model(kw_only=True)
class Error:
    """Why a request was refused."""

    code: str | None = None
    """The kind of error, for programs."""
    message: str | None = None
    """The error, for people."""
