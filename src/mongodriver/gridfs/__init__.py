"""GridFS: files of any size in two collections of a database.

`GridFSBucket` is what new programs use; `GridFS` is the older interface. Their classes for files
read and write like files of Python; the asynchronous ones likewise, by coroutines.
"""

from __future__ import annotations

from mongodriver.gridfs.asynchronous.grid_file import (
    AsyncGridFS,
    AsyncGridFSBucket,
    AsyncGridIn,
    AsyncGridOut,
    AsyncGridOutCursor,
)
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
    "AsyncGridFS",
    "AsyncGridFSBucket",
    "AsyncGridIn",
    "AsyncGridOut",
    "AsyncGridOutCursor",
    "GridFS",
    "GridFSBucket",
    "GridIn",
    "GridOut",
    "GridOutCursor",
    "NoFile",
]
