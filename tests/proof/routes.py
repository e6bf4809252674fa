"""The same documents in every form that an ingestion takes: values of Python, columns and files."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import bsonx
from bsonx import Int64, json_util
from bsonx.arrow import from_bson
from bsonx.raw_bson import RawBSONDocument

__all__ = ["Documents", "Reading", "is_here"]

Document = dict[str, Any]
#: In Arrow's words: what sizes of integers and doubles say in the other forms.
SCHEMA = {
    "_id": "int32",
    "at": "timestamp[ms, UTC]",
    "big": "int64",
    "even": "bool",
    "share": "float64",
    "small": "int32",
    "text": "string",
}
_TEXTS = (
    'a "quote"',
    "two\nlines",
    "a\ttab, a comma; a | bar",
    "Žluťoučký kůň",
    "日本語 😀",
    " x ",
    "7a",
)


@dataclass
class Reading:
    """A document as an instance of a class."""

    _id: int
    at: datetime
    big: Int64
    even: bool
    share: float | None
    small: int
    text: str


def is_here(module: str) -> bool:
    """Whether a library is installed."""
    try:
        __import__(module)
    except ImportError:
        return False
    return True


class Documents:
    """So many documents, and the forms they have.

    What all forms can hold: fields in the order of the alphabet, in which servers add what an
    update sets; no document in another, for CSV has none.
    """

    def __init__(self, count: int, folder: Path) -> None:
        chance = Random(count)
        self.folder = folder
        self.plain = [_document(number, chance) for number in range(count)]
        self.encoded = [bsonx.encode(document) for document in self.plain]
        self.bson = b"".join(self.encoded)
        self.values: dict[str, Callable[[], Any]] = {
            "a list of dicts": lambda: self.plain,
            "a generator": lambda: (dict(document) for document in self.plain),
            "other mappings": self._mappings,
            "instances": lambda: (Reading(**document) for document in self.plain),
            "raw documents": lambda: [RawBSONDocument(data) for data in self.encoded],
            "bytes": lambda: iter(self.encoded),
            "columns": lambda: from_bson(self.bson, SCHEMA),
        }
        self.values |= self._frames()
        self.files: dict[str, Path] = {}
        self._write_files()

    async def asynchronous(self) -> Any:
        """An asynchronous iterable."""
        for document in self.plain:
            yield document

    def _mappings(self) -> Iterator[Any]:
        for document in self.plain:
            yield (OrderedDict if document["even"] else MappingProxyType)(document)

    # -- libraries of columns --

    def _frames(self) -> dict[str, Callable[[], Any]]:
        found: dict[str, Callable[[], Any]] = {}
        if is_here("pyarrow"):
            import pyarrow

            table = pyarrow.table(from_bson(self.bson, SCHEMA))
            found["a table of pyarrow"] = lambda: table
            found["a reader of pyarrow"] = lambda: table.to_reader(max_chunksize=777)
        if is_here("polars"):
            import polars

            frame = polars.DataFrame(from_bson(self.bson, SCHEMA))
            found["a frame of polars"] = lambda: frame
        if is_here("duckdb") and is_here("pyarrow"):
            import duckdb

            connection = duckdb.connect()
            connection.register("source", pyarrow.table(from_bson(self.bson, SCHEMA)))
            found["a result of DuckDB"] = lambda: connection.sql("select * from source")
        return found

    # -- files --

    def _write_files(self) -> None:
        lines = [_json(document) for document in self.plain]
        canonical = json_util.CANONICAL_JSON_OPTIONS
        exact = [json_util.dumps(one, json_options=canonical) for one in self.plain]
        self._text("lines.ndjson", "\n".join(lines))
        self._text("array.json", "[\n" + ",\n".join(lines) + "\n]\n")
        self._text("indented.json", json.dumps([json.loads(line) for line in lines], indent=2))
        self._text("documents.json", " ".join(lines))
        self._text("canonical.jsonl", "\r\n".join(exact) + "\r\n")
        self._write("dump.bson", self.bson)
        for name, delimiter in (("a.csv", ","), ("b.tsv", "\t"), ("c.csv", ";"), ("d.psv", "|")):
            self._rows(name, delimiter)
        data = self.files["lines.ndjson"].read_bytes()
        self._write("wide.ndjson", data.decode().encode("utf-16"))
        self._write("p.ndjson.gz", gzip.compress(data, 1))
        self._write("p.ndjson.bz2", bz2.compress(data, 1))
        self._write("p.ndjson.xz", lzma.compress(data, preset=0))
        self._write("rows.csv.gz", gzip.compress(self.files["a.csv"].read_bytes(), 1))
        self._write("dump.bson.gz", gzip.compress(self.bson, 1))
        with zipfile.ZipFile(self.folder / "z.ndjson.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("z.ndjson", data)
        self.files["z.ndjson.zip"] = self.folder / "z.ndjson.zip"
        for library in ("compression.zstd", "backports.zstd"):
            if is_here(library):
                zstd = __import__(library, fromlist=["compress"])
                self._write("p.ndjson.zst", zstd.compress(data))
        if is_here("pyarrow"):
            import pyarrow
            from pyarrow import parquet

            path = self.files["q.parquet"] = self.folder / "q.parquet"
            parquet.write_table(pyarrow.table(from_bson(self.bson, SCHEMA)), path)

    def _write(self, name: str, data: bytes) -> None:
        self.files[name] = self.folder / name
        self.files[name].write_bytes(data)

    def _text(self, name: str, text: str) -> None:
        self._write(name, text.encode())

    def _rows(self, name: str, delimiter: str) -> None:
        self.files[name] = self.folder / name
        with self.files[name].open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(SCHEMA)
            for one in self.plain:
                even = "true" if one["even"] else "false"
                writer.writerow({**one, "at": one["at"].isoformat(), "even": even}.values())


def _document(number: int, chance: Random) -> Document:
    return {
        "_id": number,
        "at": datetime(1970, 1, 1, tzinfo=UTC)
        + timedelta(milliseconds=chance.randrange(-(10**12), 10**12)),
        "big": Int64(chance.choice((1, -1)) * chance.randrange(1 << 33, 1 << 53)),
        "even": number % 2 == 0,
        "share": None if number % 97 == 5 else chance.uniform(-1, 1) * 10.0 ** chance.randrange(9),
        "small": chance.randrange(-(1 << 31), 1 << 31),
        "text": f"{chance.choice(_TEXTS)} {number} a",
    }


def _json(document: Document) -> str:
    """A document as other programs write it: plain numbers, and extended JSON for the date."""
    at = {"$date": document["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    return json.dumps({**document, "at": at}, ensure_ascii=False)
