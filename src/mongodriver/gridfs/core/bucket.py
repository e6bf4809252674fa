"""What a bucket is: its collections, and the classes of this flavour that it makes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

from mongodriver.execution.timeouts import one_deadline
from mongodriver.gridfs.errors import NoFile
from mongodriver.gridfs.grid_file_shared import DEFAULT_CHUNK_SIZE
from mongodriver.values.errors import ConfigurationError

from .indexes import BucketIndexes
from .support import exactly, next_of, refuse_transaction, settled, usual

if TYPE_CHECKING:
    from mongodriver.values.write_concern import WriteConcern

__all__ = ["BucketBase", "GridFSBase", "StoredFiles"]


class StoredFiles:
    """The two collections of a bucket, and what is the same in both of PyMongo's interfaces."""

    #: Whether a database is one of this flavour.
    _is_database: ClassVar[Any]
    #: Makes a cursor over files.
    _files_cursor: ClassVar[Any]
    _grid_in_class: ClassVar[Any]
    _grid_out_class: ClassVar[Any]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._collection.database!r}, {self._collection.name!r})"

    def _use(self, collection: Any) -> None:
        self._collection = usual(collection)
        self._files = self._collection.files
        self._chunks = self._collection.chunks
        self._indexes = BucketIndexes(self._files, self._chunks)

    def _new_file(self, session: Any, **fields: Any) -> Any:
        """A file to be written. Buckets look for indexes once, not once a file."""
        grid_in = self._grid_in_class(self._collection, session=session, **fields)
        grid_in._writer.indexes = self._indexes
        return grid_in

    async def _opened(self, file_id: Any, session: Any) -> Any:
        """A file to be read."""
        grid_out = self._grid_out_class(self._collection, file_id, session=session)
        await grid_out._open()
        return grid_out

    async def _revision(
        self, query: dict[str, Any], filename: Any, revision: int, session: Any
    ) -> Any:
        """A revision of the files that a query matches: from the oldest, 0, or the newest, -1."""
        refuse_transaction(session)
        newest_first = revision < 0
        cursor = self._files.find(query, session=session)
        cursor.limit(-1).skip(-revision - 1 if newest_first else revision)
        cursor.sort("uploadDate", -1 if newest_first else 1)
        document = await next_of(cursor)
        if document is None:
            raise NoFile(f"no version {revision} for filename {filename!r}")
        return self._grid_out_class(self._collection, file_document=document, session=session)

    async def _remove(self, file_id: Any, session: Any) -> int:
        """Delete a file, first its document; how many documents there were."""
        refuse_transaction(session)
        files = self._files.delete_one({"_id": exactly(file_id)}, session=session)
        result = await settled(files)
        await settled(self._chunks.delete_many({"files_id": exactly(file_id)}, session=session))
        return result.deleted_count  # type: ignore[no-any-return]


class GridFSBase(StoredFiles):
    """The constructor of `GridFS` in both flavours."""

    def __init__(self, database: Any, collection: str = "fs") -> None:
        if not self._is_database(database):
            raise TypeError(f"database must be an instance of Database, not {type(database)}")
        database = usual(database)
        if not database.write_concern.acknowledged:
            raise ConfigurationError("database must use acknowledged write_concern")
        self._use(database[collection])


class BucketBase(StoredFiles):
    """The constructor of `GridFSBucket` in both flavours."""

    _database_name: ClassVar[str]

    def __init__(
        self,
        db: Any,
        bucket_name: str = "fs",
        chunk_size_bytes: int = DEFAULT_CHUNK_SIZE,
        write_concern: WriteConcern | None = None,
        read_preference: Any = None,
    ) -> None:
        if not self._is_database(db):
            raise TypeError(
                f"database must be an instance of {self._database_name}, not {type(db)}"
            )
        concern = db.write_concern if write_concern is None else write_concern
        if not concern.acknowledged:
            raise ConfigurationError("write concern must be acknowledged")
        self._bucket_name = bucket_name
        self._chunk_size_bytes = chunk_size_bytes
        limit = db.client.options.timeout
        # Mocks of clients have databases for attributes.
        self._timeout = limit if isinstance(limit, (int, float)) else None
        self._use(
            db[bucket_name].with_options(
                write_concern=write_concern, read_preference=read_preference
            )
        )

    def _one_deadline(self) -> AbstractContextManager[None]:
        """One deadline for all that a method sends (client-side operations timeout, GridFS API)."""
        return one_deadline(self._timeout)

    def _upload_stream(
        self, fields: dict[str, Any], chunk_size: int | None, metadata: Any, session: Any
    ) -> Any:
        """A file to be written, with the fields of its document in this order."""
        fields["chunk_size"] = self._chunk_size_bytes if chunk_size is None else chunk_size
        if metadata is not None:
            fields["metadata"] = metadata
        return self._new_file(session, **fields)

    async def _upload(self, grid_in: Any, source: Any) -> None:
        """Write all of a source to a file, and close that."""
        with self._one_deadline():
            try:
                await grid_in._write(source)
            except BaseException as exc:
                await grid_in._give_up(exc)
                raise
            await grid_in._close()
