"""GridFS, asynchronous: what files, buckets and the older interface can do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from mongodriver.asynchronous.collection import AsyncCollection
from mongodriver.asynchronous.cursor import AsyncCursor
from mongodriver.asynchronous.database import AsyncDatabase
from mongodriver.gridfs.core.bucket import BucketBase, GridFSBase
from mongodriver.gridfs.core.chunks import ChunkReader
from mongodriver.gridfs.core.cursor import GridOutCursorBase
from mongodriver.gridfs.core.download import GridOutBase
from mongodriver.gridfs.core.support import exactly, next_of, refuse_transaction, settled
from mongodriver.gridfs.core.upload import GridInBase
from mongodriver.gridfs.errors import CorruptGridFile, FileExists, NoFile
from mongodriver.gridfs.grid_file_shared import DEFAULT_CHUNK_SIZE
from mongodriver.values.errors import InvalidOperation
from mongodriver.values.validators import validate_string

if TYPE_CHECKING:
    from types import TracebackType

    from bsonx.objectid import ObjectId
    from mongodriver.asynchronous.client_session import AsyncClientSession
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.write_concern import WriteConcern

__all__ = [
    "DEFAULT_CHUNK_SIZE",
    "AsyncCollection",
    "AsyncCursor",
    "AsyncDatabase",
    "AsyncGridFS",
    "AsyncGridFSBucket",
    "AsyncGridIn",
    "AsyncGridOut",
    "AsyncGridOutCursor",
    "AsyncGridOutIterator",
    "CorruptGridFile",
    "FileExists",
    "NoFile",
]


# Looked up when they are called: mocks of databases put classes of their own in their place.


def _is_database(value: Any) -> bool:
    return isinstance(value, AsyncDatabase)


def _is_collection(value: Any) -> bool:
    return isinstance(value, AsyncCollection)


def _files_cursor(*args: Any, **kwargs: Any) -> Any:
    return AsyncGridOutCursor(*args, **kwargs)


class AsyncGridIn(GridInBase):
    """A file that is being uploaded. Made by a bucket: `AsyncGridFSBucket.open_upload_stream`.

        async with bucket.open_upload_stream("name") as file:
            await file.write(b"...")

    The file is there when it is closed, not before. A block that raises closes it without storing
    it, and deletes the chunks that were sent. Attributes that are set become fields of the file's
    document. Not to be shared by tasks.
    """

    _is_collection = staticmethod(_is_collection)
    _collection_name = "AsyncCollection"

    def __init__(
        self,
        root_collection: AsyncCollection[Any],
        session: AsyncClientSession | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(root_collection, session, **kwargs)

    def _set_now(self, field: str, value: Any, refusal: type[Exception] = InvalidOperation) -> None:
        if self._closed:
            raise refusal(
                "AsyncGridIn does not support __setattr__ after being closed(). Set the attribute "
                "before closing the file or use AsyncGridIn.set() instead"
            )
        self._file[field] = value

    async def set(self, name: str, value: Any) -> None:
        """Set a field of the file's document; of a file that is closed, on the server."""
        await self._set(name, value)

    async def write(self, data: Any) -> None:
        """Write to the file. What fills chunks is sent, many at a time.

        :param data: bytes, or a str if the file has an ``encoding``, or an object whose ``read``
            gives bytes, or a coroutine of them, until it gives none.
        :raises ValueError: if the file is closed.
        :raises FileExists: if there is a file with this ``_id``.
        """
        await self._write(data)

    async def writelines(self, sequence: Iterable[Any]) -> None:
        """Write each of the items; nothing is put between them."""
        await self._writelines(sequence)

    async def close(self) -> None:
        """Send what is left, and store the file's document. May be called again.

        :raises FileExists: if there is a file with this ``_id``.
        """
        await self._close()

    async def abort(self) -> None:
        """Close the file, and delete all there is of it."""
        await self._abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> Any:
        await self._leave(exc_val)
        return False


class AsyncGridOut(GridOutBase):
    """A stored file. Made by a bucket: `AsyncGridFSBucket.open_download_stream`.

    Iteration gives its lines. Fields of its document are attributes. Not to be shared by tasks.
    """

    _is_collection = staticmethod(_is_collection)
    _collection_name = "AsyncCollection"
    _warns = False

    def __init__(
        self,
        root_collection: AsyncCollection[Any],
        file_id: Any | None = None,
        file_document: Any | None = None,
        session: AsyncClientSession | None = None,
    ) -> None:
        super().__init__(root_collection, file_id, file_document, session)
        #: Whether the file was closed.
        self.closed = False

    def _document(self, name: str, owner: str = "GridOut") -> Any:
        if not self._file:
            raise InvalidOperation(
                f"You must call {owner}.open() before accessing the {name} property"
            )
        return self._file

    async def open(self) -> None:
        """Fetch the file's document, if it is not there yet. Reading does so by itself.

        :raises NoFile: if there is no such file.
        """
        await self._open()

    async def read(self, size: int = -1) -> bytes:
        """Read bytes: at most `size`, or all that are left.

        :returns: ``b""`` at the end.
        :raises CorruptGridFile: if a chunk is missing or has not its length, or there is one too
            many.
        """
        return await self._read(size)

    async def readchunk(self) -> bytes:
        """Read what is left of the chunk at the position; ``b""`` at the end."""
        return await self._readchunk()

    async def readline(self, size: int | None = -1) -> bytes:
        """Read a line with its newline, or at most `size` bytes of it; ``b""`` at the end."""
        return await self._readline(size)

    async def readlines(self, size: int = -1) -> list[bytes]:
        """Read lines, all, or until they have more than `size` bytes."""
        lines: list[bytes] = []
        read = 0
        while line := await self._readline(-1):
            lines.append(line)
            read += len(line)
            if 0 < size < read:
                break
        return lines

    async def to_list(self) -> list[bytes]:
        """Read all the lines that are left."""
        return await self.readlines()

    async def seek(self, pos: int, whence: int = os.SEEK_SET) -> int:
        """Set the position from which is read.

        :param pos: bytes from the place that `whence` names: the start, the position or the end.
        :returns: the new position.
        :raises OSError: if it is before the start, or `whence` names nothing.
        """
        return await self._seek(pos, whence)

    async def close(self) -> None:
        """Close the cursor of its chunks."""
        await self._close_reader()
        self.closed = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        line = await self._readline(-1)
        if not line:
            raise StopAsyncIteration
        return line

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> Any:
        await self.close()
        return False

    def __del__(self) -> None:
        """Nothing: the cursor leaves its end to the client."""


class AsyncGridOutIterator:
    """The chunks of a file as bytes."""

    def __init__(
        self,
        grid_out: AsyncGridOut,
        chunks: AsyncCollection[Any],
        session: AsyncClientSession | None,
    ) -> None:
        self._reader = ChunkReader(grid_out, chunks, session, 0)

    def __aiter__(self) -> Self:
        return self

    async def next(self) -> bytes:
        """Read the next chunk. Raises StopAsyncIteration at the end."""
        return await self.__anext__()

    async def __anext__(self) -> bytes:
        chunk = await self._reader._next_chunk_document()
        if chunk is None:
            raise StopAsyncIteration
        return bytes(chunk["data"])


class AsyncGridOutCursor(GridOutCursorBase, AsyncCursor[Any]):
    """Stored files. Made by `AsyncGridFSBucket.find`."""

    _grid_out_class = AsyncGridOut

    if TYPE_CHECKING:

        @property
        def session(self) -> AsyncClientSession | None: ...
        async def next(self) -> AsyncGridOut: ...
        async def __anext__(self) -> AsyncGridOut: ...
        async def to_list(self, length: int | None = None) -> list[AsyncGridOut]: ...

    def __init__(
        self,
        collection: AsyncCollection[Any],
        filter: Mapping[str, Any] | None = None,
        skip: int = 0,
        limit: int = 0,
        no_cursor_timeout: bool = False,
        sort: Any | None = None,
        batch_size: int = 0,
        session: AsyncClientSession | None = None,
    ) -> None:
        self._begin(collection, filter, skip, limit, no_cursor_timeout, sort, batch_size, session)


class AsyncGridFSBucket(BucketBase):
    """Files in two collections of a database, "<bucket_name>.files" and "<bucket_name>.chunks".

    A file has an ``_id`` of any type, and a name that others may have too: then they are its
    revisions, from the oldest, 0, or from the newest, -1.

    :param chunk_size_bytes: of files that are uploaded.
    :param write_concern: in place of the database's.
    :param read_preference: in place of the database's.
    :raises TypeError: if `db` is no asynchronous database.
    :raises ConfigurationError: if the write concern does not ask for acknowledgement.
    """

    _is_database = staticmethod(_is_database)
    _files_cursor = staticmethod(_files_cursor)
    _database_name = "AsyncDatabase"
    _grid_in_class = AsyncGridIn
    _grid_out_class = AsyncGridOut

    def __init__(
        self,
        db: AsyncDatabase[Any],
        bucket_name: str = "fs",
        chunk_size_bytes: int = DEFAULT_CHUNK_SIZE,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
    ) -> None:
        super().__init__(db, bucket_name, chunk_size_bytes, write_concern, read_preference)

    def open_upload_stream(
        self,
        filename: str,
        chunk_size_bytes: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        session: AsyncClientSession | None = None,
    ) -> AsyncGridIn:
        """Return a file to write to. Nothing is sent yet.

        :param filename: its name; there may be others of that name.
        :param chunk_size_bytes: how many bytes a chunk has; left out, as the bucket says.
        :param metadata: a document to store with the file.
        """
        validate_string("filename", filename)
        stream: AsyncGridIn = self._upload_stream(
            {"filename": filename}, chunk_size_bytes, metadata, session
        )
        return stream

    def open_upload_stream_with_id(
        self,
        file_id: Any,
        filename: str,
        chunk_size_bytes: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        session: AsyncClientSession | None = None,
    ) -> AsyncGridIn:
        """Return a file to write to, with an ``_id`` of your own, a value of any type.

        Other arguments are those of `open_upload_stream`.
        """
        validate_string("filename", filename)
        stream: AsyncGridIn = self._upload_stream(
            {"_id": file_id, "filename": filename}, chunk_size_bytes, metadata, session
        )
        return stream

    async def upload_from_stream(
        self,
        filename: str,
        source: Any,
        chunk_size_bytes: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        session: AsyncClientSession | None = None,
    ) -> ObjectId:
        """Upload all that a source has, and return the file's ``_id``.

        If reading the source raises, the chunks that were sent are deleted.

        :param source: bytes, or what can be read: see `AsyncGridIn.write`. It is not closed. A time
            limit does not interrupt reading it.

        Other arguments are those of `open_upload_stream`.
        """
        validate_string("filename", filename)
        fields = {"filename": filename}
        grid_in = self._upload_stream(fields, chunk_size_bytes, metadata, session)
        await self._upload(grid_in, source)
        file_id: ObjectId = grid_in._id
        return file_id

    async def upload_from_stream_with_id(
        self,
        file_id: Any,
        filename: str,
        source: Any,
        chunk_size_bytes: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        session: AsyncClientSession | None = None,
    ) -> None:
        """Upload all that a source has, as a file with an ``_id`` of your own.

        Other arguments are those of `upload_from_stream`.

        :raises FileExists: if there is a file with this ``_id``.
        """
        validate_string("filename", filename)
        fields = {"_id": file_id, "filename": filename}
        grid_in = self._upload_stream(fields, chunk_size_bytes, metadata, session)
        await self._upload(grid_in, source)

    async def open_download_stream(
        self, file_id: Any, session: AsyncClientSession | None = None
    ) -> AsyncGridOut:
        """Return a stored file to read.

        :raises NoFile: if there is none with this ``_id``.
        """
        stream: AsyncGridOut = await self._opened(file_id, session)
        return stream

    async def download_to_stream(
        self, file_id: Any, destination: Any, session: AsyncClientSession | None = None
    ) -> None:
        """Write a stored file to an object that has ``write``.

        :raises NoFile: if there is none with this ``_id``.
        :raises CorruptGridFile: if its chunks are not what they should be.
        """
        with self._one_deadline():
            grid_out = await self._opened(file_id, session)
            await grid_out._copy_to(destination)

    async def open_download_stream_by_name(
        self, filename: str, revision: int = -1, session: AsyncClientSession | None = None
    ) -> AsyncGridOut:
        """Return a revision of a stored file to read.

        :param revision: 0 is the oldest, 1 the next; -1 the newest, -2 the one before.
        :raises NoFile: if there is no such revision.
        """
        validate_string("filename", filename)
        query = {"filename": filename}
        stream: AsyncGridOut = await self._revision(query, filename, revision, session)
        return stream

    async def download_to_stream_by_name(
        self,
        filename: str,
        destination: Any,
        revision: int = -1,
        session: AsyncClientSession | None = None,
    ) -> None:
        """Write a revision of a stored file to an object that has ``write``.

        Arguments are those of `open_download_stream_by_name`.
        """
        validate_string("filename", filename)
        with self._one_deadline():
            query = {"filename": filename}
            grid_out = await self._revision(query, filename, revision, session)
            await grid_out._copy_to(destination)

    async def delete(self, file_id: Any, session: AsyncClientSession | None = None) -> None:
        """Delete a stored file. Its chunks are deleted even if there is no document of it.

        :raises NoFile: if there is none with this ``_id``.
        """
        with self._one_deadline():
            deleted = await self._remove(file_id, session)
        if not deleted:
            raise NoFile(f"no file could be deleted because none matched {file_id}")

    async def delete_by_name(
        self, filename: str, session: AsyncClientSession | None = None
    ) -> None:
        """Delete all revisions of a stored file.

        :raises NoFile: if there are none.
        """
        refuse_transaction(session)
        with self._one_deadline():
            cursor = self._files.find({"filename": filename}, {"_id": 1}, session=session)
            ids = {"$in": [file["_id"] for file in await settled(cursor.to_list())]}
            result = await settled(self._files.delete_many({"_id": ids}, session=session))
            await settled(self._chunks.delete_many({"files_id": ids}, session=session))
        if not result.deleted_count:
            raise NoFile(f"no file could be deleted because none matched filename {filename!r}")

    def find(self, *args: Any, **kwargs: Any) -> AsyncGridOutCursor:
        """Return a cursor over stored files whose documents match a filter.

            async for file in bucket.find({"metadata.kind": "picture"}).sort("uploadDate"):
                data = await file.read()

        :param filter: a query document; fields that applications store are in "metadata".

        Other arguments are those of `AsyncGridOutCursor`.
        """
        cursor: AsyncGridOutCursor = self._files_cursor(self._collection, *args, **kwargs)
        return cursor

    async def rename(
        self, file_id: Any, new_filename: str, session: AsyncClientSession | None = None
    ) -> None:
        """Give a stored file another name.

        :raises NoFile: if there is none with this ``_id``.
        """
        refuse_transaction(session)
        rename = {"$set": {"filename": new_filename}}
        with self._one_deadline():
            update = self._files.update_one({"_id": exactly(file_id)}, rename, session=session)
            result = await settled(update)
        if not result.matched_count:
            raise NoFile(
                f"no files could be renamed {new_filename!r} because none matched file_id {file_id}"
            )

    async def rename_by_name(
        self, filename: str, new_filename: str, session: AsyncClientSession | None = None
    ) -> None:
        """Give all revisions of a stored file another name.

        :raises NoFile: if there are none.
        """
        refuse_transaction(session)
        rename = {"$set": {"filename": new_filename}}
        with self._one_deadline():
            update = self._files.update_many({"filename": filename}, rename, session=session)
            result = await settled(update)
        if not result.matched_count:
            raise NoFile(
                f"no files could be renamed {new_filename!r} because none matched filename "
                f"{filename!r}"
            )


class AsyncGridFS(GridFSBase):
    """The older interface of files in a database. New programs use `AsyncGridFSBucket`.

    :param collection: the name of the bucket.
    :raises TypeError: if `database` is no asynchronous database.
    :raises ConfigurationError: if its write concern does not ask for acknowledgement.
    """

    _is_database = staticmethod(_is_database)
    _files_cursor = staticmethod(_files_cursor)
    _grid_in_class = AsyncGridIn
    _grid_out_class = AsyncGridOut

    def __init__(self, database: AsyncDatabase[Any], collection: str = "fs") -> None:
        super().__init__(database, collection)

    def new_file(self, /, **kwargs: Any) -> AsyncGridIn:
        """Return a file to write to. Nothing is sent yet.

        :param kwargs: ``session``; ``chunk_size``, ``content_type``, ``filename``, ``encoding``
            for text, and fields of the file's document, such as ``_id`` and ``metadata``.
        """
        session = kwargs.pop("session", None)
        file: AsyncGridIn = self._new_file(session, **kwargs)
        return file

    async def put(self, /, data: Any, **kwargs: Any) -> Any:
        """Store a file, and return its ``_id``.

        :param data: see `AsyncGridIn.write`.

        Other arguments are those of `new_file`.

        :raises FileExists: if there is a file with this ``_id``.
        """
        session = kwargs.pop("session", None)
        grid_in = self._new_file(session, **kwargs)
        try:
            await grid_in._write(data)
        except BaseException as exc:
            await grid_in._give_up(exc)
            raise
        await grid_in._close()
        return grid_in._id

    async def get(self, file_id: Any, session: AsyncClientSession | None = None) -> AsyncGridOut:
        """Return a stored file to read.

        :raises NoFile: if there is none with this ``_id``.
        """
        file: AsyncGridOut = await self._opened(file_id, session)
        return file

    async def get_version(
        self,
        /,
        filename: str | None = None,
        version: int | None = -1,
        session: AsyncClientSession | None = None,
        **kwargs: Any,
    ) -> AsyncGridOut:
        """Return a revision of a stored file to read.

        :param version: 0 is the oldest, 1 the next; -1 the newest, -2 the one before.
        :param kwargs: fields of its document, and their values.
        :raises NoFile: if there is no such revision.
        """
        query = kwargs if filename is None else {**kwargs, "filename": filename}
        revision = -1 if version is None else version
        file: AsyncGridOut = await self._revision(query, filename, revision, session)
        return file

    async def get_last_version(
        self,
        /,
        filename: str | None = None,
        session: AsyncClientSession | None = None,
        **kwargs: Any,
    ) -> AsyncGridOut:
        """Return the newest revision of a stored file.

        Arguments are those of `get_version`.
        """
        query = kwargs if filename is None else {**kwargs, "filename": filename}
        file: AsyncGridOut = await self._revision(query, filename, -1, session)
        return file

    async def delete(self, file_id: Any, session: AsyncClientSession | None = None) -> None:
        """Delete a stored file. Nothing is said if there is none with this ``_id``."""
        await self._remove(file_id, session)

    async def list(self, session: AsyncClientSession | None = None) -> list[str]:
        """Return the names of stored files, each once."""
        refuse_transaction(session)
        names = await settled(self._files.distinct("filename", session=session))
        return [name for name in names if name is not None]

    async def find_one(
        self,
        /,
        filter: Any | None = None,
        session: AsyncClientSession | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> AsyncGridOut | None:
        """Return a stored file whose document matches a filter, or None.

        :param filter: a query document; anything else is taken as the value of ``_id``.

        Other arguments are those of `find`.
        """
        if filter is not None and not isinstance(filter, Mapping):
            filter = {"_id": exactly(filter)}
        cursor = self._files_cursor(self._collection, filter, *args, session=session, **kwargs)
        file: AsyncGridOut | None = await next_of(cursor)
        await settled(cursor.close())
        return file

    def find(self, *args: Any, **kwargs: Any) -> AsyncGridOutCursor:
        """Return a cursor over stored files: see `AsyncGridFSBucket.find`."""
        cursor: AsyncGridOutCursor = self._files_cursor(self._collection, *args, **kwargs)
        return cursor

    async def exists(
        self,
        /,
        document_or_id: Any | None = None,
        session: AsyncClientSession | None = None,
        **kwargs: Any,
    ) -> bool:
        """Return whether there is a file that matches.

        :param document_or_id: a query document, or an ``_id``.
        :param kwargs: in place of that, fields of its document and their values.
        """
        refuse_transaction(session)
        query: Any = kwargs or document_or_id or {}
        if not kwargs and document_or_id is not None and not isinstance(document_or_id, Mapping):
            query = {"_id": exactly(document_or_id)}
        found = self._files.find_one(query, {"_id": 1}, session=session)
        return await settled(found) is not None
