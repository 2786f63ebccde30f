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
    """Lead links to examples to their page, drop other links out of docs/, and leave prompts out of what is copied."""
    markdown = re.sub(r"\]\(\.\./examples(?:/(\w+)\.py)?\)", r"](examples.md#\1)", markdown)
    markdown = re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", markdown)
    return re.sub(r"^```console\n(.*?)^```$", _without_prompts, markdown, flags=re.DOTALL | re.MULTILINE)


def on_page_content(html: str, **_: Any) -> str:
    """Leave out of signatures what only takes mistakes, so as to answer them with a hint."""
    return re.sub(r'\n *<span class="o">\*\*</span><span class="n">mistaken</span>.*', "", html)


def _without_prompts(block: re.Match[str]) -> str:
    """Commands alone lose their prompts; a session, which shows answers too, loses its button."""
    lines = block[1].splitlines()
    if all(line.startswith("$ ") or not line for line in lines):
        return "```shell\n" + "\n".join(line.removeprefix("$ ") for line in lines) + "\n```"
    return f"``` {{ .console .no-copy }}\n{block[1]}```"
