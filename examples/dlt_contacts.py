"""A dlt resource over `client.contacts.list`, for those who load warehouses: `dlt[duckdb]`.

    PAYT_TOKEN=... python examples/dlt_contacts.py 1

`payt.sync` keeps a table right by itself; this is for pipelines that are dlt's already. dlt's own incremental keeps the
newest `updated_at`, and so loses what changes on a page that was passed, while a long listing goes on. Here the
watermark follows the rules of `payt.incremental`, and is kept in dlt's state, together with what was loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import attrs
import dlt

import payt
from payt import incremental

KINDS = {"debtor_numbers": "json", "validation_errors": "json", "updated_at": "timestamp"}
COLUMNS: Any = {field.name: {"data_type": KINDS.get(field.name, "text")} for field in attrs.fields(payt.Contact)}
"""All of them, whatever comes: dlt makes no column by itself for a field in which it has seen nothing."""


def contacts(client: payt.Client, administration_id: str) -> Any:
    """A resource of the contacts that changed since the last load, page by page.

    Each administration has a resource of its own, and so a watermark of its own; all go into one table.
    """

    @dlt.resource(
        name=f"contacts_{administration_id}",
        table_name="contacts",
        write_disposition="merge",
        primary_key=("administration_id", "id"),
        columns=COLUMNS,
    )
    def changed() -> Iterator[list[dict[str, Any]]]:
        state = dlt.current.resource_state()
        run = incremental.begin(state.get("watermark"))
        pager = client.contacts.list(administration_id=administration_id, updated_after=run.updated_after)
        for page in pager.pages():
            yield [{**attrs.asdict(contact), "administration_id": administration_id} for contact in page.data]
            run.take(page)
        state["watermark"] = run.watermark

    return changed


if __name__ == "__main__":
    pipeline = dlt.pipeline("payt", destination="duckdb", dataset_name="crm")
    with payt.Client() as client:
        print(pipeline.run(contacts(client, sys.argv[1])))
