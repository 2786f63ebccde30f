"""A Parquet file for each administration, by Ray: `ray`, here on this machine. The work is that of dask_workers.py.

PAYT_TOKEN=... python examples/ray_workers.py folder 1 2 3
"""

from __future__ import annotations

import sys
from pathlib import Path

import ray
from dask_workers import save

import payt


def main(folder: Path, administration_ids: list[str]) -> dict[str, int | payt.PaytError]:
    """Save the contacts of each administration."""
    task = ray.remote(save)
    files = {each: folder / f"{each}.parquet" for each in administration_ids}  # each once, as each has one file
    with payt.Client() as client:
        started = [task.remote(client.contacts.list(administration_id=each), file) for each, file in files.items()]
        return dict(zip(files, ray.get(started), strict=True))


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False)
    print(main(Path(sys.argv[1]), sys.argv[2:]))
