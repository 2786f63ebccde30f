"""Seconds by number of contacts, as an SVG for the documentation."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure


def draw(curves: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Draw each client's (contacts, seconds) into a file."""
    mpl.rcParams.update({"svg.hashsalt": "payt", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for position, (name, points) in enumerate(curves.items()):
        axes.plot(
            *zip(*points, strict=True), marker="o", markersize=4, label=name, linewidth=2.5 if not position else 1.2
        )
    axes.set(
        xscale="log", yscale="log", xlabel="contacts", ylabel="seconds", title="Listing contacts from a local server"
    )
    axes.grid(visible=True, which="major", linewidth=0.4)
    axes.legend()
    figure.savefig(path, format="svg", metadata={"Date": None})
