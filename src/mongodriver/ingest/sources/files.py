"""The files to read: which there are, their formats, and how they are opened."""

from __future__ import annotations

import glob
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, cast

from mongodriver.ingest.errors import IngestError
from mongodriver.ingest.records import BOM
from mongodriver.ingest.sources.encodings import check_encoding, in_utf8, marked_encoding
from mongodriver.ingest.sources.unpack import PACKED, unpacked

STDIN = "-"
FORMATS = ("csv", "json", "ndjson", "geojson", "bson", "parquet")
_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
    ".bson": "bson",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".geojson": "geojson",
    ".jsonl": "ndjson",
    ".ndjson": "ndjson",
    ".geojsonl": "ndjson",
    ".geojsons": "ndjson",
}
_LIKELY = {".tsv": "\t", ".tab": "\t", ".psv": "|"}
_PATTERN = frozenset("*?[")
_SPACE = b" \t\r\n"


@dataclass(frozen=True)
class FileSource:
    """A file, its format, and the encoding of its text (None: what its first bytes say)."""

    path: str
    format: str
    encoding: str | None = None

    @property
    def name(self) -> str:
        """The file as the report names it."""
        return "stdin" if self.is_stdin else self.path

    @property
    def is_stdin(self) -> bool:
        """Whether it is standard input."""
        return self.path == STDIN

    @property
    def repeatable(self) -> bool:
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


def find_files(path: str | os.PathLike[str]) -> list[str]:
    """Return the files that a path or a pattern (`data/*.csv`, `**`) names, sorted.

    A file whose name looks like a pattern is that file. What is no pattern is returned as it is.

    :raises IngestError: for a pattern that no file matches.
    """
    name = os.fspath(path)
    if name == STDIN or not _PATTERN & set(name) or os.path.lexists(name):
        return [name]
    found = sorted(file for file in glob.glob(name, recursive=True) if not os.path.isdir(file))
    if not found:
        raise IngestError(f"no file matches {name!r}")
    return found


def make_source(
    path: str | os.PathLike[str], form: str | None = None, encoding: str | None = None
) -> FileSource:
    """Return the source for a path, "-" for standard input.

    Without `form` the format follows from the suffix; those of packed files are looked through.

    :raises IngestError: when it does not, for a folder, and for a format or an encoding that
        nobody knows.
    """
    name = os.fspath(path)
    if encoding is not None:
        encoding = check_encoding(encoding)
    if form is not None and form not in FORMATS:
        raise IngestError(f"unknown format {form!r}; there are {', '.join(FORMATS)}")
    if name != STDIN and os.path.isdir(name):
        hint = os.path.join(name, "*.csv")
        raise IngestError(f"{name!r} is a folder: name the files in it, such as {hint}")
    if form is None:
        form = "ndjson" if name == STDIN else _format_of(name)
    if form == "parquet" and (name == STDIN or name.lower().endswith(PACKED)):
        what = "standard input" if name == STDIN else repr(name)
        raise IngestError(f"Parquet is read from its end on, and packed by itself: not from {what}")
    return FileSource(name, form, encoding)


def make_sources(
    paths: Iterable[str | os.PathLike[str]], form: str | None = None, encoding: str | None = None
) -> list[FileSource]:
    """Return the sources of all files that paths and patterns name; see `make_source`."""
    return [make_source(name, form, encoding) for path in paths for name in find_files(path)]


def _format_of(name: str) -> str:
    suffix = _suffix(name)
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if _PATTERN & set(name) and not os.path.lexists(name):
        raise IngestError(f"no file matches {name!r}")
    what = f"the suffix {suffix!r}" if suffix else "no suffix"
    raise IngestError(
        f"cannot tell the format of {name!r} from its name, with {what}; give it: "
        f"--format {{{','.join(FORMATS)}}}"
    )


def _suffix(name: str) -> str:
    """The suffix that tells what a file holds, in lower case."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    while suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


class OpenSource:
    """An open file: `stream` gives the unpacked bytes, text in UTF-8."""

    def __init__(self, raw: BinaryIO, stream: BinaryIO, encoding: str = "utf-8") -> None:
        self._raw = raw
        self.stream = stream
        self.encoding = encoding

    def position(self) -> int:
        """Return how many bytes of the file on disk have been read; 0 when that is unknown."""
        try:
            return self._raw.tell()
        except (OSError, ValueError):  # a pipe; a file that has been closed
            return 0


@contextmanager
def open_source(source: FileSource) -> Iterator[OpenSource]:
    """Open a file, unpacked and as UTF-8. Raises IngestError or OSError."""
    with ExitStack() as stack:
        raw: io.BufferedReader
        if source.is_stdin:
            raw = cast(io.BufferedReader, sys.stdin.buffer)
        else:
            raw = stack.enter_context(open(source.path, "rb"))
        stream = unpacked(raw, seekable=not source.is_stdin)
        if source.format == "bson":
            yield OpenSource(raw, stream)
            return
        start = stream.peek(64)
        encoding = source.encoding or marked_encoding(start)
        if encoding != "utf-8":
            stream = in_utf8(stream, encoding)
            start = stream.peek(64)
        _check_start(source, start)
        yield OpenSource(raw, stream, encoding)


def _check_start(source: FileSource, start: bytes) -> None:
    """Raises IngestError where the first bytes say that it is another format."""
    text = start.removeprefix(BOM).lstrip(_SPACE)
    if source.format == "ndjson" and text.startswith(b"["):
        raise IngestError(
            "an array begins here, but in NDJSON each line is an object of its own; "
            "read it as --format json"
        )


def likely_delimiter(source: FileSource) -> str:
    """What a file's name says of its delimiter."""
    return _LIKELY.get(_suffix(source.path), ",")
