"""What becomes of batches of BSON documents: JSON, CSV, BSON, Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Any, BinaryIO

from bsonx import decode_all, ndjson
from bsonx.codec_options import CodecOptions, DatetimeConversion
from bsonx.json_util import CANONICAL_JSON_OPTIONS, RELAXED_JSON_OPTIONS

from .errors import ExportError
from .texts import cell, field

__all__ = ["FORMATS", "format_of", "write"]

FORMATS = ("ndjson", "json", "bson", "csv", "parquet")
_SUFFIXES = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".bson": "bson",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_EXACT: CodecOptions[Any] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_MS, tz_aware=False
)
_length = Struct("<i").unpack_from


def format_of(name: str) -> str | None:
    """The format that the name of a file tells, packed or not; None for no such name."""
    name = name.lower().removesuffix(".gz")
    return next((known for end, known in _SUFFIXES.items() if name.endswith(end)), None)


def write(
    format: str,
    out: BinaryIO,
    batches: Iterable[bytes],
    *,
    canonical: bool = False,
    fields: Sequence[str] = (),
    delimiter: str = ",",
) -> None:
    """Write all batches.

    :param out: where to.
    :param batches: BSON documents one behind the other.
    :param canonical: of JSON: every type is told, so that it is read back as it was.
    :param fields: the columns of CSV: names, with points in them for fields within fields.
    :param delimiter: of CSV.
    :raises ExportError: for documents that the format cannot hold.
    """
    if format == "ndjson":
        _write_lines(out, batches, canonical)
    elif format == "json":
        _write_array(out, batches, canonical)
    elif format == "bson":
        for batch in batches:
            out.write(batch)
    elif format == "csv":
        _write_csv(out, batches, fields, delimiter)
    else:
        from .parquet import write_parquet  # needs a library

        write_parquet(out, batches)


def count_documents(batch: bytes) -> int:
    """How many documents stand one behind the other."""
    count = position = 0
    while position < len(batch):
        position += _length(batch, position)[0]
        count += 1
    return count


def _lines(batches: Iterable[bytes], canonical: bool) -> Iterator[bytes]:
    options = CANONICAL_JSON_OPTIONS if canonical else RELAXED_JSON_OPTIONS
    for batch in batches:
        yield ndjson.write_lines(batch, options, ensure_ascii=False)


def _write_lines(out: BinaryIO, batches: Iterable[bytes], canonical: bool) -> None:
    for lines in _lines(batches, canonical):
        out.write(lines)


def _write_array(out: BinaryIO, batches: Iterable[bytes], canonical: bool) -> None:
    before = b"[\n"
    for lines in _lines(batches, canonical):
        out.write(before)
        # Ends of lines within strings are escapes.
        out.write(lines[:-1].replace(b"\n", b",\n"))
        before = b",\n"
    out.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _write_csv(
    out: BinaryIO, batches: Iterable[bytes], fields: Sequence[str], delimiter: str
) -> None:
    if not fields:
        raise ExportError("CSV needs the names of its columns")
    paths = [name.split(".") for name in fields]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(fields)
    for batch in batches:
        for document in decode_all(batch, _EXACT):
            writer.writerow([cell(field(document, path)) for path in paths])
        _flush(text, out)
    _flush(text, out)


def _flush(text: io.StringIO, out: BinaryIO) -> None:
    out.write(text.getvalue().encode("utf-8", "surrogatepass"))
    text.seek(0)
    text.truncate()
