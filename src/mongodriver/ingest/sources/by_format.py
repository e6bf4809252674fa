"""From a file and its format to the source that reads it."""

from __future__ import annotations

from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.sources.base import Source
from mongodriver.ingest.sources.bson_dump import BSONSource
from mongodriver.ingest.sources.csv_text import CSVSource
from mongodriver.ingest.sources.files import FileSource
from mongodriver.ingest.sources.json_text import JSONSource

__all__ = ["source_of_file"]


def source_of_file(
    file: FileSource, csv: CSVOptions | None = None, id_field: str | None = None
) -> Source:
    """Return what reads the batches of a file.

    :param csv: how CSV is read.
    :param id_field: a field of JSON that becomes `_id`.
    """
    if file.format == "csv":
        return CSVSource(file, csv)
    if file.format == "bson":
        return BSONSource(file)
    if file.format == "parquet":
        from mongodriver.ingest.sources.parquet import ParquetSource

        return ParquetSource(file.path, id_field=id_field)
    return JSONSource(file, id_field)
