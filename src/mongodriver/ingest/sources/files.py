"""The files to read: opening, unpacking, recognising the format."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePath
from typing import IO, BinaryIO, cast

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.readers import (
    CSVOptions,
    CSVReader,
    JSONReader,
    NDJSONReader,
    ReaderFactory,
)

STDIN = "-"
FORMATS = ("csv", "json", "ndjson")
_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "ndjson",
    ".ndjson": "ndjson",
}
_PACKED = (".gz", ".zip")
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_BUFFER = 1 << 20
# What reading a damaged file raises, beside OSError.
DAMAGE = (EOFError, zlib.error, zipfile.BadZipFile)


@dataclass(frozen=True)
class FileSource:
    """A file and its format."""

    path: str
    format: str

    @property
    def name(self) -> str:
        """The file as the report names it."""
        return "stdin" if self.is_stdin else self.path

    @property
    def is_stdin(self) -> bool:
        """Whether it is standard input."""
        return self.path == STDIN

    @property
    def is_repeatable(self) -> bool:
        """Whether what has been read can be read again: True for files, False for pipes."""
        return not self.is_stdin and os.path.isfile(self.path)

    @property
    def stem(self) -> str:
        """The file's name without folder and suffixes: `flights` for `data/flights.csv.gz`."""
        return PurePath(self.path).name.split(".")[0]

    @property
    def size(self) -> int | None:
        """The size on disk in bytes, None when it is unknown."""
        try:
            return None if self.is_stdin else os.stat(self.path).st_size
        except OSError:
            return None


def make_source(path: str | os.PathLike[str], form: str | None = None) -> FileSource:
    """Return the source for a path, "-" for standard input.

    Without `form` the format follows from the suffix; `.gz` and `.zip` are looked through.
    Raises IngestError when it does not.
    """
    name = os.fspath(path)
    if form is not None:
        if form not in FORMATS:
            raise IngestError(f"unknown format {form!r}; there are {', '.join(FORMATS)}")
        return FileSource(name, form)
    if name == STDIN:
        return FileSource(name, "ndjson")
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    if suffixes and suffixes[-1] in _BY_SUFFIX:
        return FileSource(name, _BY_SUFFIX[suffixes[-1]])
    raise IngestError(f"cannot tell the format of {name!r} from its name; name one of {FORMATS}")


class OpenSource:
    """An open file: `stream` gives the unpacked bytes."""

    def __init__(self, raw: BinaryIO, stream: BinaryIO) -> None:
        self._raw = raw
        self.stream = stream

    def position(self) -> int:
        """Return how many bytes of the file on disk have been read; 0 when that is unknown."""
        try:
            return self._raw.tell()
        except OSError:  # a pipe
            return 0


@contextmanager
def open_source(source: FileSource) -> Iterator[OpenSource]:
    """Open a file, unpacking gzip and zip by content. Raises IngestError or OSError."""
    with ExitStack() as stack:
        raw: io.BufferedReader
        if source.is_stdin:
            raw = cast(io.BufferedReader, sys.stdin.buffer)
        else:
            raw = stack.enter_context(open(source.path, "rb"))
        start = raw.peek(4)[:4]
        if start.startswith(_GZIP):
            unpacked = stack.enter_context(gzip.GzipFile(fileobj=raw))
            yield OpenSource(raw, io.BufferedReader(unpacked, _BUFFER))
        elif start == _ZIP and not source.is_stdin:
            archive = stack.enter_context(zipfile.ZipFile(raw))
            member = stack.enter_context(_open_member(archive))
            yield OpenSource(raw, io.BufferedReader(cast(io.RawIOBase, member), _BUFFER))
        else:
            yield OpenSource(raw, raw)


def _open_member(archive: zipfile.ZipFile) -> IO[bytes]:
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise IngestError(f"the archive must hold one file, but holds {len(members)}")
    try:
        return archive.open(members[0])
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed in a rare way
        raise IngestError(f"the archive cannot be unpacked: {error}")


def reader_factory(source: FileSource, options: CSVOptions) -> ReaderFactory:
    """Return what makes the reader of the source's format."""
    if source.format == "csv":
        if options.delimiter is None:
            tabs = ".tsv" in PurePath(source.path.lower()).suffixes
            options = replace(options, delimiter="\t" if tabs else ",")
        return partial(CSVReader, options=options)
    return JSONReader if source.format == "json" else NDJSONReader
