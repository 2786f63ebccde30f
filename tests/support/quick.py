"""What tests share that make clients by the hundred."""

from __future__ import annotations

import ssl
from typing import Any

from payt.testing import contacts

CONTEXT = ssl.create_default_context()
"""One for all: loading the certificates takes longer than most tests."""

QUICK: dict[str, Any] = {"verify": CONTEXT, "trust_env": False}

CONTACTS: list[dict[str, Any]] = list(contacts(11))
"""Three pages of four, the last one a record short: a full one would have its end proven."""
