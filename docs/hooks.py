"""What MkDocs does besides: leave out what is not there, or not on the site, and describe what was generated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

GENERATED = Path(__file__).parents[1] / "generated"


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
    """List what is generated, lead links to examples to their page, drop other links out of docs/, copy no prompts."""
    markdown = _generated(markdown)
    markdown = re.sub(r"\]\(\.\./examples(?:/(\w+)\.py)?\)", r"](examples.md#\1)", markdown)
    markdown = re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", markdown)
    return re.sub(r"^```console\n(.*?)^```$", _without_prompts, markdown, flags=re.DOTALL | re.MULTILINE)


def on_page_content(html: str, **_: Any) -> str:
    """Leave out of signatures what only takes mistakes, so as to answer them with a hint."""
    return re.sub(r'\n *<span class="o">\*\*</span><span class="n">mistaken</span>.*', "", html)


def _generated(page: str) -> str:
    """Put what a generated package has in its place, but for what the page describes as payt's own."""
    resources = [
        f"payt_resources.{path.stem}.{name}"
        for path in sorted((GENERATED / "payt_resources").glob("[!_]*.py"))
        for name in re.findall(r"^class (\w+)", path.read_text("utf-8"), re.MULTILINE)
    ]
    exports = (GENERATED / "payt_api/models/__init__.py").read_text("utf-8")
    models = [f"payt_api.models.{name}" for name in re.findall(r"import (\w+)$", exports, re.MULTILINE)]
    models = [name for name in models if f"::: payt.{name.rpartition('.')[2]}\n" not in page]
    operations = [
        f"payt_api.api.{path.parent.name}.{path.stem}"
        for path in sorted((GENERATED / "payt_api/api").glob("*/[!_]*.py"))
    ]
    for package, names in {"payt_resources": resources, "payt_api.models": models, "payt_api.api": operations}.items():
        page = page.replace(f"::: {package}\n", "".join(f"::: {name}\n\n" for name in names))
    return page


def _without_prompts(block: re.Match[str]) -> str:
    """Commands alone lose their prompts; a session, which shows answers too, loses its button."""
    lines = block[1].splitlines()
    if all(line.startswith("$ ") or not line for line in lines):
        return "```shell\n" + "\n".join(line.removeprefix("$ ") for line in lines) + "\n```"
    return f"``` {{ .console .no-copy }}\n{block[1]}```"
