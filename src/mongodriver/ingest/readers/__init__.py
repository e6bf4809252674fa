"""One reader for each file format."""

from mongodriver.ingest.readers.base import Reader, ReaderFactory, Record, Reject
from mongodriver.ingest.readers.csv_rows import CSVOptions, CSVReader
from mongodriver.ingest.readers.geojson import GeoJSONReader
from mongodriver.ingest.readers.json_values import JSONReader
from mongodriver.ingest.readers.ndjson import NDJSONReader

__all__ = [
    "CSVOptions",
    "CSVReader",
    "GeoJSONReader",
    "JSONReader",
    "NDJSONReader",
    "Reader",
    "ReaderFactory",
    "Record",
    "Reject",
]
