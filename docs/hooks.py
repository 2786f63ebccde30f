"""What MkDocs does besides: leave out what is not there, or not on the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Drop the entries of the navigation whose page does not exist."""
    docs = Path(config["docs_dir"])
    config["nav"] = [
        {title: [page for page in pages if all((docs / name).exists() for name in page.values())]}
        for section in config["nav"]
        for title, pages in section.items()
    ]
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Turn links to files that are not on the site into plain text, and leave prompts out of what is copied."""
    markdown = re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", markdown)
    return re.sub(r"^```console\n(.*?)^```$", _without_prompts, markdown, flags=re.DOTALL | re.MULTILINE)


def _without_prompts(block: re.Match[str]) -> str:
    """Commands alone lose their prompts; a session, which shows answers too, loses its button."""
    lines = block[1].splitlines()
    if all(line.startswith("$ ") or not line for line in lines):
        return "```shell\n" + "\n".join(line.removeprefix("$ ") for line in lines) + "\n```"
    return f"``` {{ .console .no-copy }}\n{block[1]}```"
