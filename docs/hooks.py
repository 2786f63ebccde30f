"""What MkDocs does besides: leave out what is not there, or not on the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Drop the entries of the navigation whose page does not exist."""
    docs = Path(config["docs_dir"])
    config["nav"] = [entry for entry in config["nav"] if all((docs / page).exists() for page in entry.values())]
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Turn links to files of the repository that are not on the site into plain text."""
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", markdown)
