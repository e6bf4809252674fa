"""What a file is that is being uploaded: its document, and where what is written goes."""

from __future__ import annotations

import datetime
import io
import warnings
from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from bsonx.int64 import Int64
from bsonx.objectid import ObjectId
from mongodriver.execution.timeouts import refreshed
from mongodriver.gridfs.grid_file_shared import DEFAULT_CHUNK_SIZE
from mongodriver.values.errors import (
    ConfigurationError,
    DuplicateKeyError,
    InvalidOperation,
    PyMongoError,
)

from .chunk_writer import ChunkWriter
from .indexes import BucketIndexes
from .support import exactly, refuse_transaction, settled, usual

__all__ = ["GridInBase"]


def _deprecated(field: str) -> None:
    warnings.warn(
        f"GridIn property '{field}' is deprecated and will be removed in PyMongo 5.0",
        DeprecationWarning,
        stacklevel=3,
    )


class GridInBase:
    """A file that is written. What is set on it that it has no attribute for becomes a field of
    its document.
    """

    #: Whether a root collection is one of this flavour, and what such a class is called.
    _is_collection: ClassVar[Any]
    _collection_name: ClassVar[str]

    _session: Any
    _files: Any
    _chunks: Any
    _file: dict[str, Any]
    _writer: ChunkWriter
    #: Whether no other file can have its ``_id``.
    _unique: bool
    #: Whether its document was stored.
    _stored: bool
    _closed: bool

    def __init__(self, root_collection: Any, session: Any = None, **kwargs: Any) -> None:
        if not self._is_collection(root_collection):
            raise TypeError(
                f"root_collection must be an instance of {self._collection_name}, "
                f"not {type(root_collection)}"
            )
        if not root_collection.write_concern.acknowledged:
            raise ConfigurationError("root_collection must use acknowledged write_concern")
        refuse_transaction(session)
        for option, field in (("content_type", "contentType"), ("chunk_size", "chunkSize")):
            if option in kwargs:
                kwargs[field] = kwargs.pop(option)
        unique = "_id" not in kwargs
        kwargs.setdefault("_id", ObjectId())
        kwargs.setdefault("chunkSize", DEFAULT_CHUNK_SIZE)
        collection = usual(root_collection)
        files, chunks = collection.files, collection.chunks
        # Plain attributes would become fields of the file's document.
        self.__dict__.update(
            _session=session,
            _coll=collection,
            _files=files,
            _chunks=chunks,
            _file=kwargs,
            _writer=ChunkWriter(kwargs, chunks, BucketIndexes(files, chunks), session),
            _unique=unique,
            _stored=False,
            _closed=False,
        )

    def __repr__(self) -> str:
        name, written = self._file.get("filename"), self._writer.length
        state = "closed" if self._closed else "open"
        return f"<{type(self).__name__} {name!r}: {written} bytes written, {state}>"

    # -- its document --

    @property
    def _id(self) -> Any:
        """The file's ``_id``."""
        return self._file["_id"]

    @property
    def closed(self) -> bool:
        """Whether the file is closed: nothing can be written any more."""
        return self._closed

    @property
    def filename(self) -> str | None:
        """The file's name, or None."""
        return self._file.get("filename")

    @filename.setter
    def filename(self, value: Any) -> None:
        self._set_now("filename", value)

    @property
    def name(self) -> str | None:
        """Another name of `filename`."""
        return self._file.get("filename")

    @name.setter
    def name(self, value: Any) -> None:
        self._set_now("filename", value)

    @property
    def content_type(self) -> str | None:
        """A MIME type, or None. Deprecated: put it in ``metadata``."""
        _deprecated("contentType")
        return self._file.get("contentType")

    @content_type.setter
    def content_type(self, value: Any) -> None:
        _deprecated("contentType")
        self._set_now("contentType", value)

    @property
    def length(self) -> int:
        """How many bytes the file has; known when it is closed."""
        return self._when_closed("length")  # type: ignore[no-any-return]

    @property
    def chunk_size(self) -> int:
        """How many bytes a chunk has."""
        return self._file["chunkSize"]  # type: ignore[no-any-return]

    @property
    def upload_date(self) -> datetime.datetime:
        """When the upload was finished; known when it is closed."""
        return self._when_closed("uploadDate")  # type: ignore[no-any-return]

    @property
    def md5(self) -> str | None:
        """Deprecated: None, if the application has not put a hash there."""
        _deprecated("md5")
        md5: str | None = self._when_closed("md5")
        return md5

    def _when_closed(self, field: str) -> Any:
        if not self._closed:
            raise AttributeError(field)
        return self._file.get(field)

    def __getattr__(self, name: str) -> Any:
        file = self.__dict__.get("_file", {})
        if name in file:
            return file[name]
        raise AttributeError(f"GridIn object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ or hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            self._set_now(name, value, AttributeError)

    def _set_now(self, field: str, value: Any, refusal: type[Exception] = InvalidOperation) -> None:
        """Set a field of the document; of a file that is closed, on the server too.

        :param refusal: what to raise where that cannot be done.
        """
        raise NotImplementedError

    async def _set(self, field: str, value: Any) -> None:
        self._file[field] = value
        if self._closed:
            update = self._files.update_one({"_id": exactly(self._id)}, {"$set": {field: value}})
            await settled(update)

    # -- writing --

    async def _write(self, data: Any) -> None:
        if self._closed:
            raise ValueError("cannot write to a closed file")
        if isinstance(data, bytes):
            await self._writer.write(data)
        elif isinstance(data, str):
            await self._writer.write(self._encoded(data))
        elif hasattr(data, "read"):
            await self._write_from(data.read)
        else:
            raise TypeError("can only write strings or file-like objects")

    def _encoded(self, text: str) -> bytes:
        encoding = self._file.get("encoding")
        if encoding is None:
            raise TypeError("must specify an encoding for file in order to write str")
        return text.encode(encoding)

    async def _write_from(self, read: Any) -> None:
        """Write all that a file has; a read that gives less than it is asked for is no end."""
        writer = self._writer
        while data := _as_bytes(await settled(read(writer.room))):
            await writer.write(data)

    async def _writelines(self, sequence: Iterable[Any]) -> None:
        for line in sequence:
            await self._write(line)

    # -- the end --

    async def _close(self) -> None:
        if self._closed:
            return
        refuse_transaction(self._session)
        writer = self._writer
        await writer.finish()
        # Spec: length is stored as int64, the time is that of the end of the upload.
        self._file["length"] = Int64(writer.length)
        self._file["uploadDate"] = datetime.datetime.now(tz=datetime.UTC)
        try:
            await settled(self._files.insert_one(self._file, session=self._session))
        except DuplicateKeyError as exc:
            raise writer.exists() from exc
        self.__dict__.update(_closed=True, _stored=True)

    async def _abort(self) -> None:
        """Delete all there is of the file; but nothing of another one that has the ``_id`` which
        the application has given to this one.
        """
        if self._writer.sent or self._unique:
            await self._delete_chunks()
        if self._stored or self._unique:
            await settled(self._files.delete_one({"_id": exactly(self._id)}, session=self._session))
        object.__setattr__(self, "_closed", True)

    async def _delete_chunks(self) -> None:
        chunks = {"files_id": exactly(self._id)}
        await settled(self._chunks.delete_many(chunks, session=self._session))

    async def _give_up(self, failure: BaseException | None) -> None:
        """Close a file that did not come to its end, and delete the chunks that were sent.

        Not where sending them has failed: that would only fail once more, and takes time.
        """
        object.__setattr__(self, "_closed", True)
        writer = self._writer
        if writer.sent and not writer.failed and isinstance(failure, Exception):
            try:
                with refreshed():
                    await self._delete_chunks()
            except PyMongoError:
                pass  # what has happened first is what the caller hears

    async def _leave(self, failure: BaseException | None) -> None:
        """The end of a block: the file is stored if nothing has failed in it."""
        if failure is None:
            await self._close()
        else:
            await self._give_up(failure)

    # -- what files can do --

    def read(self, size: int = -1) -> NoReturn:
        """Not possible: the file is being written."""
        raise io.UnsupportedOperation("read")

    def readable(self) -> bool:
        """Whether it can be read: no."""
        return False

    def seekable(self) -> bool:
        """Whether it can be read at any place: no."""
        return False

    def writeable(self) -> bool:
        """Whether it can be written: yes."""
        return True


def _as_bytes(data: Any) -> bytes:
    """What a source has given, as bytes.

    :raises TypeError: if it is none; None is not the end, but a source that has nothing yet.
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'")
