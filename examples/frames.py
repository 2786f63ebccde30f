"""A data frame in three lines: polars here, and pandas the same way.

PAYT_TOKEN=... python examples/frames.py 1
"""

from __future__ import annotations

import sys

import attrs
import polars as pl

import payt


def frame(client: payt.Client, administration_id: str) -> pl.DataFrame:
    """All contacts as a frame; `pandas.DataFrame(rows)` makes the other kind."""
    rows = [attrs.asdict(contact) for contact in client.contacts.list(administration_id=administration_id)]
    schema = {"validation_errors": pl.Object, "updated_at": pl.Datetime("us", "UTC")}
    names = [field.name for field in attrs.fields(payt.Contact)]  # where there are no contacts as well
    return pl.DataFrame(rows, schema=names, schema_overrides=schema, infer_schema_length=None)


if __name__ == "__main__":
    with payt.Client() as client:
        print(frame(client, sys.argv[1]))
