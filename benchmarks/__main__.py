"""Measure, print the table, judge."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
import tempfile
from pathlib import Path

from . import before, data, peers
from .measure import Plan, Row

HERE = Path(__file__).resolve().parent
MEASUREMENTS = [
    "decode",
    "importing",
    "listing",
    "asynchronous",
    "memory",
    "frames",
    "overlap",
    "ahead",
    "many",
    "pace",
    "administrations",
    "copying",
]


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="a short part that writes and judges nothing")
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="one measurement; may be repeated")
    parser.add_argument("--runs", type=int, help="how often each is repeated (default: 7; 1 with --fast)")
    parser.add_argument(
        "--before", metavar="COMMIT", default=before.FIRST_VERSION, help="which client to measure beside (the first)"
    )
    arguments = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="payt-bench-") as folder:
        plan = Plan(runs=arguments.runs or (1 if arguments.fast else 7), fast=arguments.fast, page=data.page())
        plan.notes += [*peers.make(), *before.make(arguments.before)]
        plan.before = before.INSTALLED.exists()
        plan.page_file = Path(folder) / "page.json"
        plan.page_file.write_bytes(plan.page)
        for name in arguments.only or MEASUREMENTS:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += importlib.import_module(f"benchmarks.{name}").measure(plan)
    table = as_table(rows, judged=not arguments.fast)
    print("\n".join([*table, "", *plan.notes]))
    if arguments.fast:
        return 0
    if not arguments.only:
        write_results(table, plan)
        for name, plot in plan.plots.items():
            plot.draw(HERE.parent / "docs" / name)
    missed = [row for row in rows if not row.met]
    for row in missed:
        print(f"missed: {row.what}, beside {row.peer}: {row.ratio:.2f}, goal {goal(row)}", file=sys.stderr)
    return 1 if missed else 0


def as_table(rows: list[Row], *, judged: bool) -> list[str]:
    """The rows as a table of Markdown, aligned."""
    cells = [["what", "this client", "beside", "takes", "ratio", "goal", "met"], [""] * 7]
    cells += [
        [
            row.what,
            row.ours,
            row.peer,
            row.theirs,
            ratio(row),
            goal(row),
            "" if row.goal is None or not judged else "yes" if row.met else "NO",
        ]
        for row in rows
    ]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    cells[1] = ["-" * width for width in widths]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]


def ratio(row: Row) -> str:
    return f"{row.ratio:.2f} × faster" if row.higher else f"{row.ratio:.2f}"


def goal(row: Row) -> str:
    return "" if row.goal is None else f"{'≥' if row.higher else '≤'} {row.goal:g}"


def write_results(table: list[str], plan: Plan) -> None:
    """The table as `benchmarks/results.md`, with what it was measured on, and as a part of `docs/speed.md`."""
    text = [
        "# Results",
        "",
        f"Written by `scripts/bench`: medians of {plan.runs} runs that took turns, and the median of their ratios.",
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()},",
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; a page has {len(plan.page):,} bytes.",
        "",
        *table,
        *([""] if plan.notes else []),
        *plan.notes,
        "",
    ]
    (HERE / "results.md").write_text("\n".join(text), encoding="utf-8")
    page = HERE.parent / "docs" / "speed.md"
    before, begin, rest = page.read_text(encoding="utf-8").partition("<!-- written by scripts/bench -->\n")
    _, end, after = rest.partition("<!-- to here -->\n")
    page.write_text("\n".join([before + begin + "\n".join(text[2:]), end + after]), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
