# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""Client of Payt's API: one function an operation, one attrs class a model."""

from .client import AuthenticatedClient, Client

__all__ = ("AuthenticatedClient", "Client")
