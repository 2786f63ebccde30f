"""Contacts as a data frame: polars here; `pandas.DataFrame.from_arrow`, DuckDB and pyarrow take a pager the same way.

PAYT_TOKEN=... python examples/frames.py contacts.parquet 1 2
"""

from __future__ import annotations

import sys

import polars

import payt


def frame(client: payt.Client, administration_ids: list[str]) -> polars.DataFrame:
    """The contacts of several administrations, each with its administration's id."""
    return polars.DataFrame(client.contacts.list_many(administration_ids=administration_ids))


if __name__ == "__main__":
    with payt.Client() as client:
        frame(client, sys.argv[2:]).write_parquet(sys.argv[1])
