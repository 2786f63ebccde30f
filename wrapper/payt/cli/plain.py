"""Texts that came from elsewhere: a terminal shall show them, and never obey them."""

from __future__ import annotations

import re

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, which terminals obey, and those that turn the direction of writing."""


def plain(text: str) -> str:
    """A text in one line, without characters that a terminal would obey."""
    return _UNSEEN.sub(" ", text)


def plain_lines(text: str) -> str:
    """The same, but lines stay lines."""
    return "\n".join(map(plain, text.split("\n")))
