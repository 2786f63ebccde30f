"""What the built site must be, beyond what MkDocs checks: run by scripts/docs."""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

SITE = Path(__file__).parents[1] / "site"
SEARCHED = ("email", "pandas", "to_dict", "fastapi", "celery", "rate limit", "429")
"""What people look for."""
WIDEST = 100
"""How many characters a line of a signature may have, so that nobody scrolls sideways."""


def problems() -> Iterator[str]:
    """What is wrong, a sentence each."""
    for path in SITE.rglob("*"):
        if path.suffix in (".py", ".pyc") or path.name == "__pycache__":
            yield f"{path} is not a page: exclude it in mkdocs.yml"
    found = json.loads((SITE / "search/search_index.json").read_text("utf-8"))["docs"]
    texts = [f"{each['title']} {each['text']}".casefold() for each in found]
    yield from (f"the search does not find {word!r}" for word in SEARCHED if not any(word in text for text in texts))
    examples = (SITE / "examples/index.html").read_text("utf-8")
    for path in (SITE.parent / "examples").glob("*.py"):
        if f'id="{path.stem}"' not in examples:
            yield f"docs/examples.md does not show {path.name}"
    reference = (SITE / "reference/index.html").read_text("utf-8")
    for name in re.findall(r'<h\d id="((?:[\w.]+\.)?_[a-z]\w*)"|<span title="[^"]+">(_[A-Za-z]\w*)<', reference):
        yield f"the reference shows the private name {''.join(name)}"
    signatures = re.findall(r'<div class="[^"]*doc-signature[^"]*">(.*?)</div>', reference, re.DOTALL)
    lines = html.unescape(re.sub("<[^>]+>", "", "\n".join(signatures))).splitlines()
    yield from (f"a signature does not wrap: {line:.60}" for line in lines if len(line) > WIDEST)
    if not any(line.startswith("    ") for line in lines):
        yield "the reference has no signature over several lines"


if __name__ == "__main__":
    sys.exit("\n".join(problems()) or None)
