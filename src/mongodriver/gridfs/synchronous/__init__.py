"""GridFS, synchronous."""

from __future__ import annotations

from mongodriver.gridfs.errors import NoFile
from mongodriver.gridfs.grid_file_shared import DEFAULT_CHUNK_SIZE
from mongodriver.gridfs.synchronous.grid_file import (
    GridFS,
    GridFSBucket,
    GridIn,
    GridOut,
    GridOutCursor,
)

__all__ = [
    "DEFAULT_CHUNK_SIZE",
    "GridFS",
    "GridFSBucket",
    "GridIn",
    "GridOut",
    "GridOutCursor",
    "NoFile",
]
