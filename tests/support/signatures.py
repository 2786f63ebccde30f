"""Whether the clients offer what the contract offers."""

from __future__ import annotations

import inspect
from typing import Any

OURS = {"limit", "prefetch"}
"""What `list` takes besides the contract's parameters."""


def drift(client: Any, contract: dict[str, Any]) -> list[str]:
    """Every difference between the `list` methods of a client and the lists of a contract, a sentence each."""
    found = []
    for path, item in contract["paths"].items():
        operation = item.get("get", {})
        if not str(operation.get("operationId", "")).startswith("list_"):
            continue
        name = f"client.{operation['tags'][0]}.list"
        method = getattr(getattr(client, operation["tags"][0], None), "list", None)
        if method is None:
            found.append(f"{name} is missing, for GET {path}")
            continue
        taken = {parameter["name"] for parameter in operation["parameters"]}
        offered = set(inspect.signature(method).parameters) - OURS
        found += [f"{name} does not offer `{each}`, which GET {path} takes" for each in sorted(taken - offered)]
        found += [f"{name} offers `{each}`, which GET {path} does not take" for each in sorted(offered - taken)]
    return found
