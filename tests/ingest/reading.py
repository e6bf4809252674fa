"""Run what reads a format over bytes."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import bsonx
from mongodriver.ingest.batch import BatchLimits
from mongodriver.ingest.csv.options import CSVOptions
from mongodriver.ingest.csv.text import CSVText
from mongodriver.ingest.records import MAX_RECORD
from mongodriver.ingest.sources import OpenSource
from mongodriver.ingest.sources.csv_text import CSVBatches
from mongodriver.ingest.sources.geojson_text import GeoJSONTextReader
from mongodriver.ingest.sources.json_text import JSONTextReader

#: One document a batch, so that what the batch was made of is the text of its record.
LIMITS = BatchLimits(1, 64 << 10)
PLAIN = bsonx.CodecOptions(
    tz_aware=True, datetime_conversion=bsonx.DatetimeConversion.DATETIME_AUTO
)


def records(reader: Any, reject: Callable[..., Any]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """What a reader gives one by one: line, size of the text (with what is between records), and
    document.
    """
    while (batch := reader.read(LIMITS)) is not None:
        size = batch.read
        for bad in batch.rejects:
            size -= len(bad.raw)
            reject(bad.position, bad.raw, bad.error)
        for line in batch.positions:
            yield line, size, bsonx.decode(batch.document(0), PLAIN)


def _json(make: type[JSONTextReader], form: str, stream: Any, reject: Any, **options: Any) -> Any:
    return records(make("test", form, OpenSource(stream, stream), None, **options), reject)


def ndjson_records(stream: Any, reject: Any, **options: Any) -> Any:
    """The records of NDJSON; `reject` gets line, text and reason of bad ones."""
    return _json(JSONTextReader, "ndjson", stream, reject, **options)


def json_records(stream: Any, reject: Any, **options: Any) -> Any:
    """The same of an array, or of documents one behind the other."""
    return _json(JSONTextReader, "json", stream, reject, **options)


def geojson_records(stream: Any, reject: Any, **options: Any) -> Any:
    """The same of GeoJSON."""
    return _json(GeoJSONTextReader, "geojson", stream, reject, **options)


def csv_records(
    stream: Any,
    reject: Any,
    options: CSVOptions | None = None,
    *,
    likely: str = ",",
    max_record: int = MAX_RECORD,
) -> Any:
    """The same of CSV."""
    opened = OpenSource(stream, stream)
    text = CSVText(stream, options or CSVOptions(), likely, max_record)
    return records(CSVBatches("test", text, None, opened), reject)


def read(make_reader: Callable[..., Any], data: bytes, **options: Any) -> tuple[list, list]:
    """Return the records (line, document) and the rejected ones (line, text, reason)."""
    rejected: list[tuple[int, bytes, str]] = []
    reader = make_reader(
        io.BytesIO(data), lambda line, raw, why: rejected.append((line, raw, why)), **options
    )
    return [(line, document) for line, _, document in reader], rejected


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, so that every boundary is met."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = io.BytesIO(data)
        self._size = size

    def read(self, size: int = -1) -> bytes:
        return self._data.read(self._size)

    read1 = read
