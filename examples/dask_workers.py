"""The same with Dask: `dask[distributed]`, here on a local cluster.

PAYT_TOKEN=... python examples/dask_workers.py 1 2 3
"""

from __future__ import annotations

import sys
from typing import Any

import payt

WORKERS = 2


def lastnames(pager: payt.Pager[payt.Contact]) -> list[str | None]:
    """The work: here, one column of an administration's contacts."""
    return [contact.lastname for contact in pager]


def main(cluster: Any, administration_ids: list[str]) -> list[list[str | None]]:
    """Gather the last names of each administration."""
    with payt.Client() as client:  # on several machines: pace=payt.SQLPace(url)
        pagers = [client.contacts.list(administration_id=each) for each in administration_ids]
        gathered: list[list[str | None]] = cluster.gather(cluster.map(lastnames, pagers))
        return gathered


if __name__ == "__main__":
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=WORKERS, threads_per_worker=1) as local, Client(local) as cluster:
        print(main(cluster, sys.argv[1:]))
