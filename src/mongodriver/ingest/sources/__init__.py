"""What can be read: `base` has the protocol; files, iterables and columns have modules."""

from mongodriver.ingest.sources.base import (
    AsyncReader,
    AsyncSource,
    Reader,
    Source,
    SourceLike,
)
from mongodriver.ingest.sources.files import (
    FORMATS,
    STDIN,
    FileSource,
    OpenSource,
    find_files,
    make_source,
    make_sources,
    open_source,
)

__all__ = [
    "FORMATS",
    "STDIN",
    "AsyncReader",
    "AsyncSource",
    "FileSource",
    "OpenSource",
    "Reader",
    "Source",
    "SourceLike",
    "find_files",
    "make_source",
    "make_sources",
    "open_source",
]
