"""GridFS, synchronous: each method runs the coroutine of its asynchronous twin to its end.

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

import io
import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from bsonx.objectid import ObjectId
from mongodriver.gridfs.core.bucket import BucketBase, GridFSBase
from mongodriver.gridfs.core.chunks import ChunkReader
from mongodriver.gridfs.core.cursor import GridOutCursorBase
from mongodriver.gridfs.core.download import GridOutBase
from mongodriver.gridfs.core.upload import GridInBase
from mongodriver.gridfs.errors import CorruptGridFile, FileExists, NoFile
from mongodriver.gridfs.grid_file_shared import DEFAULT_CHUNK_SIZE
from mongodriver.synchronous.client_session import ClientSession
from mongodriver.synchronous.collection import Collection
from mongodriver.synchronous.cursor import Cursor
from mongodriver.synchronous.database import Database
from mongodriver.values.read_preferences import _ServerMode
from mongodriver.values.write_concern import WriteConcern

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

class GridIn(GridInBase):
    """A file that is being uploaded. Made by a bucket: `GridFSBucket.open_upload_stream`.

        with bucket.open_upload_stream("name") as file:
            file.write(b"...")

    The file is there when it is closed, not before. A block that raises closes it without storing
    it, and deletes the chunks that were sent. Attributes that are set become fields of the file's
    document, also when it is closed. Not to be shared by threads.
    """

    def __init__(
        self, root_collection: Collection[Any], session: ClientSession | None = None, **kwargs: Any
    ) -> None: ...
    def set(self, name: str, value: Any) -> None:
        """Set a field of the file's document; of a file that is closed, on the server."""

    def write(self, data: Any) -> None:
        """Write to the file. What fills chunks is sent, many at a time.

        :param data: bytes, or a str if the file has an ``encoding``, or an object whose ``read``
            gives bytes, or a coroutine of them, until it gives none.
        :raises ValueError: if the file is closed.
        :raises FileExists: if there is a file with this ``_id``.
        """

    def writelines(self, sequence: Iterable[Any]) -> None:
        """Write each of the items; nothing is put between them."""

    def close(self) -> None:
        """Send what is left, and store the file's document. May be called again.

        :raises FileExists: if there is a file with this ``_id``.
        """

    def abort(self) -> None:
        """Close the file, and delete all there is of it."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> Any: ...

class GridOut(GridOutBase, io.IOBase):
    """A stored file. Made by a bucket: `GridFSBucket.open_download_stream`.

    Iteration gives its lines. Fields of its document are attributes. Not to be shared by threads.
    """

    def __init__(
        self,
        root_collection: Collection[Any],
        file_id: Any | None = None,
        file_document: Any | None = None,
        session: ClientSession | None = None,
    ) -> None: ...
    def open(self) -> None:
        """Fetch the file's document, if it is not there yet. Reading does so by itself.

        :raises NoFile: if there is no such file.
        """

    def read(self, size: int = -1) -> bytes:
        """Read bytes: at most `size`, or all that are left.

        :returns: ``b""`` at the end.
        :raises CorruptGridFile: if a chunk is missing or has not its length, or there is one too
            many.
        """

    def readchunk(self) -> bytes:
        """Read what is left of the chunk at the position; ``b""`` at the end."""

    def readline(self, size: int | None = -1) -> bytes:
        """Read a line with its newline, or at most `size` bytes of it; ``b""`` at the end."""

    def seek(self, pos: int, whence: int = os.SEEK_SET) -> int:
        """Set the position from which is read.

        :param pos: bytes from the place that `whence` names: the start, the position or the end.
        :returns: the new position.
        :raises OSError: if it is before the start, or `whence` names nothing.
        """

    def close(self) -> None:
        """Close the cursor of its chunks."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> bytes: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> Any: ...
    def __del__(self) -> None:
        """Nothing, in place of what files do: the cursor leaves its end to the client."""

class GridOutChunkIterator(ChunkReader):
    """The documents of a file's chunks, from one on."""

    def __init__(
        self,
        grid_out: GridOut,
        chunks: Collection[Any],
        session: ClientSession | None,
        next_chunk: Any,
    ) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Mapping[str, Any]: ...
    next = __next__
    def close(self) -> None:
        """Close the cursor."""

class GridOutIterator:
    """The chunks of a file as bytes."""

    def __init__(
        self, grid_out: GridOut, chunks: Collection[Any], session: ClientSession | None
    ) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> bytes: ...
    next = __next__

class GridOutCursor(GridOutCursorBase, Cursor[Any]):
    """Stored files. Made by `GridFSBucket.find`."""

    @property
    def session(self) -> ClientSession | None: ...
    def next(self) -> GridOut: ...
    def __next__(self) -> GridOut: ...
    def to_list(self, length: int | None = None) -> list[GridOut]: ...
    def __init__(
        self,
        collection: Collection[Any],
        filter: Mapping[str, Any] | None = None,
        skip: int = 0,
        limit: int = 0,
        no_cursor_timeout: bool = False,
        sort: Any | None = None,
        batch_size: int = 0,
        session: ClientSession | None = None,
    ) -> None: ...

class GridFSBucket(BucketBase):
    """Files in two collections of a database, "<bucket_name>.files" and "<bucket_name>.chunks".

    A file has an ``_id`` of any type, and a name that others may have too: then they are its
    revisions, from the oldest, 0, or from the newest, -1.

    :param chunk_size_bytes: of files that are uploaded.
    :param write_concern: in place of the database's.
    :param read_preference: in place of the database's.
    :raises TypeError: if `db` is no synchronous database.
    :raises ConfigurationError: if the write concern does not ask for acknowledgement.
    """

    def __init__(
        self,
        db: Database[Any],
        bucket_name: str = "fs",
        chunk_size_bytes: int = DEFAULT_CHUNK_SIZE,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
    ) -> None: ...
    def open_upload_stream(
        self,
        filename: str,
        chunk_size_bytes: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        session: ClientSession | None = None,
    ) -> GridIn:
        """Return a file to write to. Nothing is sent yet.

        :param filename: its name; there may be others of that name.
        :param chunk_size_bytes: how many bytes a chunk has; left out, as the bucket says.
        :param metadata: a document to store with the file.
        """

    def open_upload_stream_with_id(
        self,
        file_id: Any,
        filename: str,
        chunk_size_bytes: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        session: ClientSession | None = None,
    ) -> GridIn:
        """Return a file to write to, with an ``_id`` of your own, a value of any type.

        Other arguments are those of `open_upload_stream`.
        """

    def upload_from_stream(
        self,
        filename: str,
        source: Any,
        chunk_size_bytes: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        session: ClientSession | None = None,
    ) -> ObjectId:
        """Upload all that a source has, and return the file's ``_id``.

        If reading the source raises, the chunks that were sent are deleted.

        :param source: bytes, or what can be read: see `AsyncGridIn.write`. It is not closed. A time
            limit does not interrupt reading it.

        Other arguments are those of `open_upload_stream`.
        """

    def upload_from_stream_with_id(
        self,
        file_id: Any,
        filename: str,
        source: Any,
        chunk_size_bytes: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        session: ClientSession | None = None,
    ) -> None:
        """Upload all that a source has, as a file with an ``_id`` of your own.

        Other arguments are those of `upload_from_stream`.

        :raises FileExists: if there is a file with this ``_id``.
        """

    def open_download_stream(self, file_id: Any, session: ClientSession | None = None) -> GridOut:
        """Return a stored file to read.

        :raises NoFile: if there is none with this ``_id``.
        """

    def open_download_stream_by_name(
        self, filename: str, revision: int = -1, session: ClientSession | None = None
    ) -> GridOut:
        """Return a revision of a stored file to read.

        :param revision: 0 is the oldest, 1 the next; -1 the newest, -2 the one before.
        :raises NoFile: if there is no such revision.
        """

    def download_to_stream(
        self, file_id: Any, destination: Any, session: ClientSession | None = None
    ) -> None:
        """Write a stored file to an object that has ``write``.

        :raises NoFile: if there is none with this ``_id``.
        :raises CorruptGridFile: if its chunks are not what they should be.
        """

    def download_to_stream_by_name(
        self,
        filename: str,
        destination: Any,
        revision: int = -1,
        session: ClientSession | None = None,
    ) -> None:
        """Write a revision of a stored file to an object that has ``write``.

        Arguments are those of `open_download_stream_by_name`.
        """

    def delete(self, file_id: Any, session: ClientSession | None = None) -> None:
        """Delete a stored file. Its chunks are deleted even if there is no document of it.

        :raises NoFile: if there is none with this ``_id``.
        """

    def delete_by_name(self, filename: str, session: ClientSession | None = None) -> None:
        """Delete all revisions of a stored file.

        :raises NoFile: if there are none.
        """

    def find(self, *args: Any, **kwargs: Any) -> GridOutCursor:
        """Return a cursor over stored files whose documents match a filter.

            async for file in bucket.find({"metadata.kind": "picture"}).sort("uploadDate"):
                data = await file.read()

        :param filter: a query document; fields that applications store are in "metadata".

        Other arguments are those of `AsyncGridOutCursor`.
        """

    def rename(self, file_id: Any, new_filename: str, session: ClientSession | None = None) -> None:
        """Give a stored file another name.

        :raises NoFile: if there is none with this ``_id``.
        """

    def rename_by_name(
        self, filename: str, new_filename: str, session: ClientSession | None = None
    ) -> None:
        """Give all revisions of a stored file another name.

        :raises NoFile: if there are none.
        """

class GridFS(GridFSBase):
    """The older interface of files in a database. New programs use `GridFSBucket`.

    :param collection: the name of the bucket.
    :raises TypeError: if `database` is no synchronous database.
    :raises ConfigurationError: if its write concern does not ask for acknowledgement.
    """

    def __init__(self, database: Database[Any], collection: str = "fs") -> None: ...
    def new_file(self, **kwargs: Any) -> GridIn:
        """Return a file to write to. Nothing is sent yet.

        :param kwargs: ``session``; ``chunk_size``, ``content_type``, ``filename``, ``encoding``
            for text, and fields of the file's document, such as ``_id`` and ``metadata``.
        """

    def put(self, data: Any, **kwargs: Any) -> Any:
        """Store a file, and return its ``_id``.

        :param data: see `AsyncGridIn.write`.

        Other arguments are those of `new_file`.

        :raises FileExists: if there is a file with this ``_id``.
        """

    def get(self, file_id: Any, session: ClientSession | None = None) -> GridOut:
        """Return a stored file to read.

        :raises NoFile: if there is none with this ``_id``.
        """

    def get_version(
        self,
        filename: str | None = None,
        version: int | None = -1,
        session: ClientSession | None = None,
        **kwargs: Any,
    ) -> GridOut:
        """Return a revision of a stored file to read.

        :param version: 0 is the oldest, 1 the next; -1 the newest, -2 the one before.
        :param kwargs: fields of its document, and their values.
        :raises NoFile: if there is no such revision.
        """

    def get_last_version(
        self, filename: str | None = None, session: ClientSession | None = None, **kwargs: Any
    ) -> GridOut:
        """Return the newest revision of a stored file.

        Arguments are those of `get_version`.
        """

    def delete(self, file_id: Any, session: ClientSession | None = None) -> None:
        """Delete a stored file. Nothing is said if there is none with this ``_id``."""

    def list(self, session: ClientSession | None = None) -> list[str]:
        """Return the names of stored files, each once."""

    def find_one(
        self,
        filter: Any | None = None,
        session: ClientSession | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> GridOut | None:
        """Return a stored file whose document matches a filter, or None.

        :param filter: a query document; anything else is taken as the value of ``_id``.

        Other arguments are those of `find`.
        """

    def find(self, *args: Any, **kwargs: Any) -> GridOutCursor:
        """Return a cursor over stored files: see `AsyncGridFSBucket.find`."""

    def exists(
        self, document_or_id: Any | None = None, session: ClientSession | None = None, **kwargs: Any
    ) -> bool:
        """Return whether there is a file that matches.

        :param document_or_id: a query document, or an ``_id``.
        :param kwargs: in place of that, fields of its document and their values.
        """
