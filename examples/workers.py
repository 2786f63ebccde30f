"""One administration per task, in a pool of processes. A pager travels as settings; its token stays behind.

    PAYT_TOKEN=... python examples/workers.py 1 2 3

All processes on a machine share one login, and Payt's limit of ten requests a second.
"""

from __future__ import annotations

import multiprocessing
import sys

import payt

PROCESSES = 2


def count(pager: payt.Pager[payt.Contact]) -> int:
    """The work: here, counting an administration's contacts."""
    return sum(1 for _ in pager)


def main(administration_ids: list[str]) -> dict[str, int]:
    """Count the contacts of each administration."""
    with (
        payt.Client() as client,
        multiprocessing.get_context("spawn").Pool(PROCESSES) as pool,
    ):
        pagers = [client.contacts.list(administration_id=each) for each in administration_ids]
        return dict(zip(administration_ids, pool.map(count, pagers), strict=True))


if __name__ == "__main__":
    print(main(sys.argv[1:]))
