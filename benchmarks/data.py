"""What is listed: pages of 500 full contacts, 40 % of whose optional fields are null.

Every record has its id and the moment of its last change; all else is optional.
"""

from __future__ import annotations

import json
import random
from typing import Any

from payt.testing import contacts

PER_PAGE = 500
NULL = 0.4
ALWAYS = ("id", "updated_at")


def records(count: int = PER_PAGE) -> list[dict[str, Any]]:
    """So many contacts, as the API sends them."""
    chance = random.Random(1)
    given = contacts(PER_PAGE)
    known = {name: [contact[name] for contact in given if contact[name] is not None] for name in given[0]}

    def value(name: str) -> Any:
        return None if name not in ALWAYS and chance.random() < NULL else chance.choice(known[name])

    return [
        {"id": str(number), **{name: value(name) for name in known if name != "id"}} for number in range(1, count + 1)
    ]


def page() -> bytes:
    """The body of one page, as compact as servers write it."""
    return json.dumps(
        {"data": records(), "pagination": {"cursor": str(PER_PAGE)}}, ensure_ascii=False, separators=(",", ":")
    ).encode()
