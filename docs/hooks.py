"""What MkDocs does besides: leave out of the navigation what is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Drop the entries of the navigation whose page does not exist."""
    docs = Path(config["docs_dir"])
    config["nav"] = [entry for entry in config["nav"] if all((docs / page).exists() for page in entry.values())]
    return config
