"""An Airflow task that keeps a copy. The callable is plain Python; the DAG around it is for Airflow 3.

No release of Airflow 2 can be installed beside the extra `sql`, which needs SQLAlchemy 2.

The token is in the environment of the workers (PAYT_TOKEN). For a login in a `payt.SQLTokenStore`, give the client
`payt.AuthorizationCode(…, store)` as its credentials.
"""

from __future__ import annotations

import datetime

import payt


def sync_contacts(administration_ids: list[str], to: str) -> dict[str, int]:
    """Sync, and return a small summary for XCom. An error fails the task, and a retry resumes where it stopped."""
    with payt.Client() as client:
        results = payt.sync(client, administration_ids, to, full_after=datetime.timedelta(days=7))
    return {
        name: sum(getattr(result, name) for result in results)
        for name in ("inserted", "updated", "unchanged", "deleted")
    }


try:
    from airflow.sdk import dag, task
except ImportError:  # where only the callable is wanted
    pass
else:

    @dag(schedule="0 6 * * *", start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), catchup=False)
    def payt_contacts() -> None:
        """Every morning at six."""
        arguments = {"administration_ids": ["1"], "to": "postgresql+psycopg://airflow@db/crm"}
        task(sync_contacts, retries=3)(**arguments)

    payt_contacts()
