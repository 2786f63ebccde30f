"""A dlt resource over `client.contacts.list`, for those who load warehouses: `dlt[duckdb]`.

    PAYT_TOKEN=... python examples/dlt_contacts.py 1

`payt.sync` keeps a table right by itself; this is for pipelines that are dlt's already. dlt's incremental keeps the
newest `updated_at`; the lag reads five minutes twice, for what changes or is written while it is listed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import attrs
import dlt

import payt


def contacts(client: payt.Client, administration_id: str) -> Any:
    """A resource of the contacts that changed since the last load, page by page.

    Each administration has a resource of its own, and so a watermark of its own; all go into one table.
    """

    @dlt.resource(
        name=f"contacts_{administration_id}",
        table_name="contacts",
        write_disposition="merge",
        primary_key=("administration_id", "id"),
        columns={"debtor_numbers": {"data_type": "json"}, "validation_errors": {"data_type": "json"}},
    )
    def changed(
        updated_at: dlt.sources.incremental[Any] = dlt.sources.incremental(  # noqa: B008 - dlt's way
            "updated_at", lag=300, on_cursor_value_missing="include"
        ),
    ) -> Iterator[list[dict[str, Any]]]:
        pager = client.contacts.list(administration_id=administration_id, updated_after=updated_at.last_value)
        for page in pager.pages():
            yield [{"administration_id": administration_id, **attrs.asdict(contact)} for contact in page.data]

    return changed


if __name__ == "__main__":
    pipeline = dlt.pipeline("payt", destination="duckdb", dataset_name="crm")
    with payt.Client() as client:
        print(pipeline.run(contacts(client, sys.argv[1])))
