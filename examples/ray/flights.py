"""Ray Data: a collection as a dataset, each partition of it read by a task.

    python -m mongodriver local --replica-set rs0 -- python examples/ray/flights.py

computes the mean delay of each carrier in ``air.flights``, and stores it in ``air.carriers``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyarrow
import ray
import ray.data

from mongodriver import MongoClient
from mongodriver.ingest import ingest
from mongodriver.partitions import Partition, scan, shared_client

URI = os.environ["MONGODB_URI"]
SCHEMA = pyarrow.schema({"carrier": pyarrow.string(), "delay": pyarrow.float64()})


def read(rows: pyarrow.Table) -> Iterator[pyarrow.Table]:
    """The documents of partitions: from the server's bytes to columns, in C."""
    for text in rows["partition"].to_pylist():
        stream = Partition.from_json(text).read_arrow(URI, schema=SCHEMA)
        for batch in pyarrow.RecordBatchReader.from_stream(stream):
            yield pyarrow.Table.from_batches([batch])


def write(rows: pyarrow.Table) -> pyarrow.Table:
    """Store rows; how many."""
    carriers = shared_client(URI).air.carriers
    report = ingest(carriers, rows, id_field="carrier", mode="upsert")
    return pyarrow.table({"stored": [report.documents]})


def main() -> None:
    """Compute and store."""
    with MongoClient(URI) as client:
        partitions = scan(client.air.flights, projection=SCHEMA.names, partitions=8).partitions
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    texts = ray.data.from_items([{"partition": partition.to_json()} for partition in partitions])
    flights = texts.repartition(len(partitions)).map_batches(read, batch_format="pyarrow")
    means = flights.groupby("carrier").mean("delay")
    stored = means.map_batches(write, batch_format="pyarrow").sum("stored")
    print(f"{len(partitions)} partitions, {stored} carriers")
    ray.shutdown()


if __name__ == "__main__":
    main()
