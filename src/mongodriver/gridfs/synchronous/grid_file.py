"""GridFS, synchronous: each method runs the coroutine of its asynchronous twin to its end."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from bsonx._impl import run_coroutine
from mongodriver.gridfs.asynchronous.grid_file import (
    AsyncGridFS,
    AsyncGridFSBucket,
    AsyncGridIn,
    AsyncGridOut,
)
from mongodriver.gridfs.core.bucket import BucketBase, GridFSBase
from mongodriver.gridfs.core.chunks import ChunkReader
from mongodriver.gridfs.core.cursor import GridOutCursorBase
from mongodriver.gridfs.core.download import GridOutBase
from mongodriver.gridfs.core.upload import GridInBase
from mongodriver.gridfs.errors import CorruptGridFile, FileExists, NoFile
from mongodriver.gridfs.grid_file_shared import DEFAULT_CHUNK_SIZE
from mongodriver.public.flavour import blocking, sibling
from mongodriver.synchronous.collection import Collection
from mongodriver.synchronous.cursor import Cursor
from mongodriver.synchronous.database import Database
from mongodriver.values.errors import InvalidOperation

if TYPE_CHECKING:
    from types import TracebackType

    from mongodriver.synchronous.client_session import ClientSession
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


# Looked up when they are called: mocks of databases put classes of their own in their place.


def _is_database(value: Any) -> bool:
    return isinstance(value, Database)


def _is_collection(value: Any) -> bool:
    return isinstance(value, Collection)


def _files_cursor(*args: Any, **kwargs: Any) -> Any:
    return GridOutCursor(*args, **kwargs)


class GridIn(GridInBase):
    """A file that is being uploaded. Made by a bucket: `GridFSBucket.open_upload_stream`.

        with bucket.open_upload_stream("name") as file:
            file.write(b"...")

    The file is there when it is closed, not before. A block that raises closes it without storing
    it, and deletes the chunks that were sent. Attributes that are set become fields of the file's
    document, also when it is closed. Not to be shared by threads.
    """

    _is_collection = staticmethod(_is_collection)
    _collection_name = "Collection"

    def __init__(
        self,
        root_collection: Collection[Any],
        session: ClientSession | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(root_collection, session, **kwargs)

    def _set_now(self, field: str, value: Any, refusal: type[Exception] = InvalidOperation) -> None:
        run_coroutine(self._set(field, value))

    set = blocking(AsyncGridIn.set)
    write = blocking(AsyncGridIn.write)
    writelines = blocking(AsyncGridIn.writelines)
    close = blocking(AsyncGridIn.close)
    abort = blocking(AsyncGridIn.abort)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> Any:
        run_coroutine(self._leave(exc_val))
        return False


class GridOut(GridOutBase, io.IOBase):
    """A stored file. Made by a bucket: `GridFSBucket.open_download_stream`.

    Iteration gives its lines. Fields of its document are attributes. Not to be shared by threads.
    """

    _is_collection = staticmethod(_is_collection)
    _collection_name = "Collection"
    _warns = True

    def __init__(
        self,
        root_collection: Collection[Any],
        file_id: Any | None = None,
        file_document: Any | None = None,
        session: ClientSession | None = None,
    ) -> None:
        super().__init__(root_collection, file_id, file_document, session)

    def _document(self, name: str, owner: str = "GridOut") -> Any:
        if not self._file:
            run_coroutine(self._open())
        return self._file

    open = blocking(AsyncGridOut.open)
    read = blocking(AsyncGridOut.read)
    readchunk = blocking(AsyncGridOut.readchunk)
    readline = blocking(AsyncGridOut.readline)
    seek = blocking(AsyncGridOut.seek)

    def close(self) -> None:
        """Close the cursor of its chunks."""
        run_coroutine(self._close_reader())
        io.IOBase.close(self)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        line: bytes = self.readline()
        if not line:
            raise StopIteration
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> Any:
        self.close()
        return False

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
    ) -> None:
        super().__init__(grid_out, chunks, session, next_chunk)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Mapping[str, Any]:
        chunk: Mapping[str, Any] | None = run_coroutine(self._next_chunk_document())
        if chunk is None:
            raise StopIteration
        return chunk

    next = __next__

    def close(self) -> None:
        """Close the cursor."""
        run_coroutine(self._close())


class GridOutIterator:
    """The chunks of a file as bytes."""

    def __init__(
        self, grid_out: GridOut, chunks: Collection[Any], session: ClientSession | None
    ) -> None:
        self._chunks = GridOutChunkIterator(grid_out, chunks, session, 0)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        return bytes(next(self._chunks)["data"])

    next = __next__


class GridOutCursor(GridOutCursorBase, Cursor[Any]):
    """Stored files. Made by `GridFSBucket.find`."""

    _grid_out_class = GridOut

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
    ) -> None:
        self._begin(collection, filter, skip, limit, no_cursor_timeout, sort, batch_size, session)


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

    _is_database = staticmethod(_is_database)
    _files_cursor = staticmethod(_files_cursor)
    _database_name = "Database"
    _grid_in_class = GridIn
    _grid_out_class = GridOut

    def __init__(
        self,
        db: Database[Any],
        bucket_name: str = "fs",
        chunk_size_bytes: int = DEFAULT_CHUNK_SIZE,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
    ) -> None:
        super().__init__(db, bucket_name, chunk_size_bytes, write_concern, read_preference)

    open_upload_stream = sibling(AsyncGridFSBucket.open_upload_stream)
    open_upload_stream_with_id = sibling(AsyncGridFSBucket.open_upload_stream_with_id)
    upload_from_stream = blocking(AsyncGridFSBucket.upload_from_stream)
    upload_from_stream_with_id = blocking(AsyncGridFSBucket.upload_from_stream_with_id)
    open_download_stream = blocking(AsyncGridFSBucket.open_download_stream)
    open_download_stream_by_name = blocking(AsyncGridFSBucket.open_download_stream_by_name)
    download_to_stream = blocking(AsyncGridFSBucket.download_to_stream)
    download_to_stream_by_name = blocking(AsyncGridFSBucket.download_to_stream_by_name)
    delete = blocking(AsyncGridFSBucket.delete)
    delete_by_name = blocking(AsyncGridFSBucket.delete_by_name)
    find = sibling(AsyncGridFSBucket.find)
    rename = blocking(AsyncGridFSBucket.rename)
    rename_by_name = blocking(AsyncGridFSBucket.rename_by_name)


class GridFS(GridFSBase):
    """The older interface of files in a database. New programs use `GridFSBucket`.

    :param collection: the name of the bucket.
    :raises TypeError: if `database` is no synchronous database.
    :raises ConfigurationError: if its write concern does not ask for acknowledgement.
    """

    _is_database = staticmethod(_is_database)
    _files_cursor = staticmethod(_files_cursor)
    _grid_in_class = GridIn
    _grid_out_class = GridOut

    def __init__(self, database: Database[Any], collection: str = "fs") -> None:
        super().__init__(database, collection)

    new_file = sibling(AsyncGridFS.new_file)
    put = blocking(AsyncGridFS.put)
    get = blocking(AsyncGridFS.get)
    get_version = blocking(AsyncGridFS.get_version)
    get_last_version = blocking(AsyncGridFS.get_last_version)
    delete = blocking(AsyncGridFS.delete)
    list = blocking(AsyncGridFS.list)
    find_one = blocking(AsyncGridFS.find_one)
    find = sibling(AsyncGridFS.find)
    exists = blocking(AsyncGridFS.exists)
