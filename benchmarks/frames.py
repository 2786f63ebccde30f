"""All contacts as a frame, and as Parquet by Spark, beside the listing alone; and the memory that streaming takes."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import payt

from . import loops
from .measure import Plan, Row, interleaved, row, serving
from .memory import peak

ALONE = "the listing alone"
SPARK = Path(".venv-examples/bin/python")
"""Where scripts/test-examples has put a Spark; here there is none."""


def measure(plan: Plan) -> list[Row]:
    count, most = (5_000, 10_000) if plan.fast else (200_000, 1_000_000)
    with serving(plan) as server:
        alone = partial(loops.with_payt, server.url, count)
        rows = []
        for what, make in FRAMES.items():
            timed = {what: partial(framed, server.url, count, make), ALONE: alone}
            for run in timed.values():
                run()  # the first one imports what it needs
            rows.append(row(f"{count:,} contacts as a frame of {what}", interleaved(timed, plan.runs), ALONE, 2.0))
        growth = [grown(server.url, most) for _ in range(1 if plan.fast else 3)]
        rows.append(
            Row(
                what=f"{most:,} contacts streamed as Arrow: peak memory over that after batch 10",
                ours=f"{statistics.median(growth):.1f} MB",
                peer="the most allowed",
                theirs="15 MB",
                ratio=statistics.median(growth) / 15,
                goal=1.0,
            )
        )
        if plan.fast:
            pass
        elif SPARK.exists() and shutil.which("java"):
            seconds = by_spark(server.url, count, runs=plan.runs)
            listed = interleaved({ALONE: alone}, plan.runs)
            rows.append(
                row(f"{count:,} contacts into Parquet by Spark, its start aside", {"": seconds, **listed}, ALONE, None)
            )
        else:
            plan.notes.append("Spark was left out: scripts/test-examples installs it, and it takes a Java")
    return rows


def _polars(pager: Any) -> int:
    import polars

    return polars.DataFrame(pager).height


def _pyarrow(pager: Any) -> int:
    import pyarrow

    return int(pyarrow.table(pager).num_rows)


FRAMES: dict[str, Callable[[Any], int]] = {"polars": _polars, "pyarrow": _pyarrow}


def framed(url: str, count: int, make: Callable[[Any], int]) -> float:
    with payt.Client("token", base_url=url, rate_limit=None) as client:
        started = time.perf_counter()
        assert make(client.contacts.list(administration_id=str(count))) == count
        return time.perf_counter() - started


def grown(url: str, count: int) -> float:
    """Megabytes by which the peak of a fresh process rises after its tenth batch."""
    command = [sys.executable, "-m", "benchmarks.frames", "grown", url, str(count)]
    return float(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def by_spark(url: str, count: int, *, runs: int) -> list[float]:
    """The seconds of so many runs in one session of Spark."""
    command = [str(SPARK), "-m", "benchmarks.frames", "spark", url, str(count), str(runs)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def _grown(url: str, count: int) -> float:
    with payt.Client("token", base_url=url, rate_limit=None) as client:
        found = after_ten = 0
        for number, batch in enumerate(client.contacts.list(administration_id=str(count)).to_arrow(), start=1):
            found += batch.num_rows
            if number == 10:
                after_ten = peak()
        assert found == count
    return (peak() - after_ten) / 2**20


def _spark(url: str, count: int, runs: int) -> list[float]:
    import os

    from pyspark.sql import SparkSession

    import payt.spark

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "PAYT_TOKEN": "token", "SPARK_LOCAL_IP": "127.0.0.1"}
    builder: Any = SparkSession.builder
    spark = builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    spark.dataSource.register(payt.spark.Source)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs + 1):
            source = spark.read.format("payt").options(base_url=url, rate_limit="100000", administration_ids=str(count))
            started = time.perf_counter()
            source.load().write.parquet(f"{folder}/{number}")
            seconds.append(time.perf_counter() - started)
    spark.stop()
    return seconds[1:]  # the first one starts the workers


if __name__ == "__main__":
    measured = {"grown": _grown, "spark": _spark}[sys.argv[1]]
    print(json.dumps(measured(sys.argv[2], *map(int, sys.argv[3:]))))
