"""What was measured as pictures for the documentation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter


@dataclass
class Plot:
    """Seconds by something else, a curve for each client."""

    title: str
    by: str
    logarithmic: bool = False
    curves: defaultdict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """By name, the points in the order in which they are joined."""

    def draw(self, path: Path) -> None:
        """Draw it into an SVG file."""
        mpl.rcParams.update({"svg.hashsalt": "payt", "svg.fonttype": "none", "font.family": "sans-serif"})
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.subplots()
        for position, (name, points) in enumerate(self.curves.items()):
            axes.plot(
                *zip(*points, strict=True), marker="o", markersize=4, label=name, linewidth=1.2 if position else 2.5
            )
        axes.set(xlabel=self.by, ylabel="seconds", title=self.title)
        if self.logarithmic:
            axes.set(xscale="log", yscale="log")
        else:
            axes.set_ylim(bottom=0)
            axes.set_xticks(sorted({x for points in self.curves.values() for x, _ in points}))
            axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.grid(visible=True, which="major", linewidth=0.4)
        axes.legend()
        figure.savefig(path, format="svg", metadata={"Date": None})
