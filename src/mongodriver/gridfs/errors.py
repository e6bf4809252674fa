"""The exceptions that GridFS raises besides the driver's own."""

from __future__ import annotations

from mongodriver.values.errors import PyMongoError

__all__ = ["CorruptGridFile", "FileExists", "GridFSError", "NoFile", "PyMongoError"]


class GridFSError(PyMongoError):
    """Base class of GridFS's exceptions."""


class CorruptGridFile(GridFSError):
    """A file's chunks are not what its document says; the text names the chunk."""


class NoFile(GridFSError):
    """There is no such file, or no such revision of it."""


class FileExists(GridFSError):
    """There is a file with this ``_id`` already."""
