"""GridFS, synchronous, under the name by which applications know it."""

from __future__ import annotations

from mongodriver.gridfs.errors import CorruptGridFile, FileExists, NoFile
from mongodriver.gridfs.grid_file_shared import DEFAULT_CHUNK_SIZE
from mongodriver.gridfs.synchronous.grid_file import (
    Collection,
    Cursor,
    Database,
    GridFS,
    GridFSBucket,
    GridIn,
    GridOut,
    GridOutChunkIterator,
    GridOutCursor,
    GridOutIterator,
)

__all__ = [
    "DEFAULT_CHUNK_SIZE",
    "Collection",
    "CorruptGridFile",
    "Cursor",
    "Database",
    "FileExists",
    "GridFS",
    "GridFSBucket",
    "GridIn",
    "GridOut",
    "GridOutChunkIterator",
    "GridOutCursor",
    "GridOutIterator",
    "NoFile",
]
