"""Celery tasks, one for each administration.

PAYT_TOKEN=... CELERY_BROKER_URL=redis://... celery --app celery_tasks worker --concurrency 4
"""

from __future__ import annotations

from celery import Celery, Task

import payt

app = Celery("contacts")


# The client waits out short outages itself; Celery tries again where an outage is longer, or Payt asks to wait longer.
@app.task(bind=True, autoretry_for=(payt.TransportError, payt.ServerError), retry_backoff=60, max_retries=5)
def count_contacts(task: Task, administration_id: str) -> int:
    """The work: here, counting an administration's contacts."""
    try:
        with payt.Client() as client:
            return sum(1 for _ in client.contacts.list(administration_id=administration_id))
    except payt.RateLimitError as error:
        raise task.retry(exc=error, countdown=error.retry_after) from None  # None: Celery's own three minutes
