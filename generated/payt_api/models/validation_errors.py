# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
from __future__ import annotations

from typing import Any, TypeAlias

ValidationErrors: TypeAlias = dict[str, Any]
"""What Payt finds wrong with a contact, by field; the shape is the service's own."""
