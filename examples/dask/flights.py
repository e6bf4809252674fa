"""Dask: a collection as a data frame, each partition of it read by the worker that needs it.

    python -m mongodriver local --replica-set rs0 -- python examples/dask/flights.py

computes the mean delay of each carrier in ``air.flights``, and stores it in ``air.carriers``.
"""

from __future__ import annotations

import os

import dask
import dask.dataframe as dd
import pandas
import pyarrow
from dask.distributed import Client, LocalCluster

from mongodriver import MongoClient
from mongodriver.ingest import ingest
from mongodriver.partitions import Partition, scan, shared_client

URI = os.environ["MONGODB_URI"]
#: The columns, so that all partitions have the same, also those that are empty.
SCHEMA = pyarrow.schema(
    {"carrier": pyarrow.string(), "delay": pyarrow.float64(), "at": pyarrow.timestamp("ms", "UTC")}
)


def read(partition: Partition) -> pandas.DataFrame:
    """The documents of a partition: from the server's bytes to columns, in C."""
    return pyarrow.table(partition.read_arrow(URI, schema=SCHEMA)).to_pandas()


def write(frame: pandas.DataFrame) -> int:
    """Store the rows of a frame, the index as ``_id``; how many."""
    rows = frame.reset_index(names="_id")
    return ingest(shared_client(URI).air.carriers, rows, mode="upsert").documents


def main() -> None:
    """Compute and store."""
    with MongoClient(URI) as client:
        partitions = scan(client.air.flights, projection=SCHEMA.names, partitions=8).partitions
    empty = SCHEMA.empty_table().to_pandas()
    with LocalCluster(n_workers=2, threads_per_worker=2) as cluster, Client(cluster):
        flights = dd.from_map(read, partitions, meta=empty)
        means = flights.groupby("carrier").delay.agg(["mean", "count"])
        stored = dask.compute(*[dask.delayed(write)(part) for part in means.to_delayed()])
        print(f"{len(partitions)} partitions, {sum(stored)} carriers")


if __name__ == "__main__":
    main()
