"""A Parquet file for each administration, by Dask: `dask[distributed]`, here on a local cluster.

    PAYT_TOKEN=... python examples/dask_workers.py folder 1 2 3

A pager travels as settings, its token stays behind. The workers of one machine keep to one pace; those of several
machines do with `payt.Client(pace=payt.SQLPace(url))`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet

import payt


def save(pager: payt.Pager[payt.Contact], file: Path) -> int | payt.PaytError:
    """The work: how many contacts were written, or why they could not be listed. One failure ends no others."""
    reader = pager.to_arrow()
    try:
        with pyarrow.parquet.ParquetWriter(part := file.with_suffix(".part"), reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    except payt.PaytError as error:
        return error
    part.replace(file)  # so that no file is half of a listing
    return int(pyarrow.parquet.read_metadata(file).num_rows)


def main(cluster: Any, folder: Path, administration_ids: list[str]) -> dict[str, int | payt.PaytError]:
    """Save the contacts of each administration."""
    files = {each: folder / f"{each}.parquet" for each in administration_ids}  # each once, as each has one file
    with payt.Client() as client:
        pagers = [client.contacts.list(administration_id=each) for each in files]
        # not pure: Dask would give what another run has listed, where it still knows that
        saved = cluster.map(save, pagers, list(files.values()), pure=False)
        return dict(zip(files, cluster.gather(saved), strict=True))


if __name__ == "__main__":
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1) as local, Client(local) as cluster:
        print(main(cluster, Path(sys.argv[1]), sys.argv[2:]))
