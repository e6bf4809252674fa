"""A PySpark data source: collections as tables, read and written in Arrow batches. For PySpark 4.3.

    spark.dataSource.register(MongoSource)
    flights = spark.read.format("mongodriver").options(uri=..., collection="air.flights").load()
    frame.write.format("mongodriver").options(uri=..., collection="air.late").mode("append").save()

Options: `uri`; `collection` ("database.collection"); `filter` (extended JSON), `partitions` (8) for
reading; `mode` ("insert", "replace", ...: see `mongodriver.ingest`) for writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow
from pyspark.sql.datasource import (
    DataSource,
    DataSourceArrowWriter,
    DataSourceReader,
    InputPartition,
    WriterCommitMessage,
)
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructType

from bsonx.json_util import loads_strict
from mongodriver.arrow import find_arrow
from mongodriver.ingest import ingest
from mongodriver.partitions import Partition, scan, shared_client


def collection_of(options: dict[str, str]) -> Any:
    """The collection that options name."""
    database, _, name = options["collection"].partition(".")
    return shared_client(options["uri"])[database][name]


def filter_of(options: dict[str, str]) -> Any:
    """The query that options have."""
    return loads_strict(options.get("filter", "{}"))


class MongoSource(DataSource):
    """What Spark asks for tables."""

    @classmethod
    def name(cls) -> str:
        return "mongodriver"

    def schema(self) -> StructType:
        """That of the first documents; ids of ObjectIds are texts."""
        stream = find_arrow(
            collection_of(self.options), filter_of(self.options), limit=1000, objectid="text"
        )
        with stream:
            return from_arrow_schema(pyarrow.schema(stream.schema))

    def reader(self, schema: StructType) -> DataSourceReader:
        return MongoReader(self.options, schema)

    def writer(self, schema: StructType, overwrite: bool) -> DataSourceArrowWriter:
        return MongoWriter(self.options, overwrite)


class Part(InputPartition):
    """A partition as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)


class MongoReader(DataSourceReader):
    """Cuts a collection, and reads its parts where Spark wants them."""

    def __init__(self, options: dict[str, str], schema: StructType) -> None:
        self.options = options
        self.columns = schema

    def partitions(self) -> list[Part]:
        found = scan(
            collection_of(self.options),
            filter_of(self.options),
            self.columns.names,
            partitions=int(self.options.get("partitions", "8")),
        )
        return [Part(partition.to_json()) for partition in found.partitions]

    def read(self, partition: Part) -> Iterator[pyarrow.RecordBatch]:
        wanted = to_arrow_schema(self.columns, timezone="UTC")
        found = Partition.from_json(partition.value)
        stream = found.read_arrow(self.options["uri"], schema=wanted)
        for batch in pyarrow.RecordBatchReader.from_stream(stream):
            yield batch.cast(wanted)


class Written(WriterCommitMessage):
    """What a task has stored."""

    def __init__(self, documents: int) -> None:
        self.documents = documents


class MongoWriter(DataSourceArrowWriter):
    """Stores the batches of each task; `overwrite` empties the collection first."""

    def __init__(self, options: dict[str, str], overwrite: bool) -> None:
        self.options = options
        if overwrite:
            collection_of(options).delete_many({})

    def write(self, iterator: Iterator[pyarrow.RecordBatch]) -> Written:
        documents = 0
        for batch in iterator:
            report = ingest(
                collection_of(self.options), batch, mode=self.options.get("mode", "insert")
            )
            documents += report.documents
        return Written(documents)
