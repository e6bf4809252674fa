"""What a stored file is while it is read: its document, a position, and the chunk that is there."""

from __future__ import annotations

import errno
import io
import os
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from mongodriver.gridfs.errors import NoFile

from .chunks import ChunkReader, number_of
from .support import exactly, plain_documents_of, refuse_transaction, settled, usual

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

__all__ = ["GridOutBase"]

#: So many bytes of chunks are kept until they are put together: a batch of the server's.
JOINED = 16 << 20


class GridOutBase:
    """A stored file. Fields of its document that have no property are attributes too."""

    #: Whether a root collection is one of this flavour, and what such a class is called.
    _is_collection: ClassVar[Any]
    _collection_name: ClassVar[str]
    #: Whether properties that are deprecated say so: PyMongo's are silent in the async flavour.
    _warns: ClassVar[bool]

    def __init__(
        self,
        root_collection: Any,
        file_id: Any = None,
        file_document: Any = None,
        session: Any = None,
    ) -> None:
        if not self._is_collection(root_collection):
            raise TypeError(
                f"root_collection must be an instance of {self._collection_name}, "
                f"not {type(root_collection)}"
            )
        refuse_transaction(session)
        root_collection = usual(root_collection)
        self._session = session
        self._chunks = plain_documents_of(root_collection.chunks)
        self._files = root_collection.files
        self._file_id = file_id
        self._file = file_document
        self._position = 0
        self._reader: ChunkReader | None = None
        self._forget_chunk()

    def _forget_chunk(self) -> None:
        self._chunk = b""
        #: Where in that chunk the position is.
        self._offset = 0

    def _deprecated(self, field: str) -> None:
        if self._warns:
            warnings.warn(
                f"GridOut property '{field}' is deprecated and will be removed in PyMongo 5.0",
                DeprecationWarning,
                stacklevel=3,
            )

    # -- its document --

    async def _open(self) -> None:
        """Fetch the document, if it is not there."""
        if self._file:
            return
        refuse_transaction(self._session)
        query = {"_id": exactly(self._file_id)}
        self._file = await settled(self._files.find_one(query, session=self._session))
        if not self._file:
            raise NoFile(f"no file in gridfs collection {self._files!r} with _id {self._file_id!r}")

    def _document(self, name: str, owner: str = "GridOut") -> Any:
        """The document, for an attribute of this name."""
        raise NotImplementedError

    @property
    def _id(self) -> Any:
        """The file's ``_id``."""
        return self._document("_id").get("_id")

    @property
    def filename(self) -> str:
        """The file's name, or None."""
        name: str = self._document("filename").get("filename")
        return name

    @property
    def name(self) -> str:
        """Another name of `filename`."""
        name: str = self._document("filename").get("filename")
        return name

    @property
    def content_type(self) -> str | None:
        """A MIME type, or None. Deprecated: put it in ``metadata``."""
        self._deprecated("contentType")
        content_type: str | None = self._document("contentType").get("contentType")
        return content_type

    @property
    def length(self) -> int:
        """How many bytes the file has."""
        return self._document("length").get("length", 0)  # type: ignore[no-any-return]

    @property
    def chunk_size(self) -> int:
        """How many bytes a chunk has."""
        return self._document("chunkSize").get("chunkSize")  # type: ignore[no-any-return]

    @property
    def upload_date(self) -> datetime.datetime:
        """When the upload was finished, a datetime."""
        date: datetime.datetime = self._document("uploadDate").get("uploadDate")
        return date

    @property
    def aliases(self) -> list[str] | None:
        """Other names, or None. Deprecated: put them in ``metadata``."""
        self._deprecated("aliases")
        aliases: list[str] | None = self._document("aliases").get("aliases")
        return aliases

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """What the application has stored with the file, or None."""
        metadata: Mapping[str, Any] | None = self._document("metadata").get("metadata")
        return metadata

    @property
    def md5(self) -> str | None:
        """A hash that an older driver or the application has stored, or None. Deprecated."""
        self._deprecated("md5")
        md5: str | None = self._document("md5").get("md5")
        return md5

    def __repr__(self) -> str:
        if not self._file:
            return f"<{type(self).__name__} of _id {self._file_id!r}: not opened yet>"
        name, length = self._file.get("filename"), self._file.get("length", 0)
        return f"<{type(self).__name__} {name!r}: {length} bytes, at {self._position}>"

    def __getattr__(self, name: str) -> Any:
        # Python asks for names of its own, as io.IOBase does for whether it is closed.
        if "_file" in self.__dict__ and not name.startswith("__"):
            document = self._document(name, type(self).__name__)
            if name in document:
                return document[name]
        raise AttributeError(f"GridOut object has no attribute '{name}'")

    # -- reading --

    async def _left(self) -> int:
        """How many bytes come after the position; none or less where it is behind the end."""
        await self._open()
        return number_of(self.length, "length") - self._position

    async def _load(self) -> None:
        """Have the chunk there that the position is in."""
        size = number_of(self.chunk_size, "chunkSize")
        if self._reader is None:
            chunk = self._position // size if size > 0 else 0
            self._reader = ChunkReader(self, self._chunks, self._session, chunk)
        document = await self._reader._next_chunk_document()
        self._chunk = document["data"]
        self._offset = self._position % size

    def _take(self, size: int) -> bytes:
        """Bytes of the chunk that is there, and the position behind them."""
        begin = self._offset
        end = min(begin + size, len(self._chunk))
        data = self._chunk[begin:end]
        self._position += end - begin
        if end == len(self._chunk):
            self._forget_chunk()
        else:
            self._offset = end
        return data

    async def _check_end(self) -> None:
        """Look for a chunk too many, at the end of the file.

        :raises CorruptGridFile: if there is one.
        """
        if self._reader is not None:
            await self._reader._next_chunk_document()

    async def _readchunk(self) -> bytes:
        if await self._left() <= 0:
            return b""
        if not self._chunk:
            await self._load()
        return self._take(len(self._chunk))

    async def _read(self, size: int) -> bytes:
        if not size < 0 and 0 < size < len(self._chunk) - self._offset:
            return self._take(size)
        left = await self._left()
        wanted = left if size < 0 or size > left else size
        if wanted <= 0:
            return b""
        if not self._chunk:
            await self._load()
        data = self._take(wanted)
        if len(data) < wanted:
            data = await self._gather(data, wanted)
        if wanted == left:
            await self._check_end()
        return data

    async def _gather(self, first: bytes, wanted: int) -> bytes:
        """Bytes of several chunks; of a long file each is dropped soon after it was copied."""
        whole = io.BytesIO()  # moves what it has again and again: a few pieces are joined faster
        pieces, size = [first], len(first)
        while missing := wanted - whole.tell() - size:
            if size >= JOINED:
                whole.writelines(pieces)
                pieces, size = [], 0
            await self._load()
            pieces.append(self._take(missing))
            size += len(pieces[-1])
        if not whole.tell():
            return b"".join(pieces)
        whole.writelines(pieces)
        return whole.getvalue()

    async def _readline(self, size: int | None) -> bytes:
        if size is None or size < 0:
            end = self._chunk.find(b"\n", self._offset) + 1
            if 0 < end < len(self._chunk):
                return self._take(end - self._offset)
        left = await self._left()
        wanted = left if size is None or size < 0 or size > left else size
        if wanted <= 0:
            return b""
        pieces = []
        found = False
        missing = wanted
        while missing and not found:
            if not self._chunk:
                await self._load()
            newline = self._chunk.find(b"\n", self._offset, self._offset + missing)
            found = newline >= 0
            piece = self._take(newline + 1 - self._offset if found else missing)
            missing -= len(piece)
            pieces.append(piece)
        if wanted - missing == left:
            await self._check_end()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _seek(self, pos: int, whence: int) -> int:
        if whence == os.SEEK_SET:
            new = pos
        elif whence == os.SEEK_CUR:
            new = self._position + pos
        elif whence == os.SEEK_END:
            await self._open()
            new = number_of(self.length, "length") + pos
        else:
            raise OSError(errno.EINVAL, "Invalid value for `whence`")
        if new < 0:
            raise OSError(errno.EINVAL, "Invalid value for `pos` - must be positive")
        if new != self._position:
            self._position = new
            self._forget_chunk()
            await self._close_reader()
        return new

    async def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader._close()

    async def _copy_to(self, destination: Any) -> None:
        """Write all chunks to a stream."""
        while data := await self._readchunk():
            await settled(destination.write(data))
        await self._check_end()

    # -- what files can do --

    def tell(self) -> int:
        """The position: how many bytes of the file come before it."""
        return self._position

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be read at any place: yes."""
        return True

    def writable(self) -> bool:
        """Whether it can be written: no."""
        return False

    def isatty(self) -> bool:
        """Whether it is a terminal: no."""
        return False

    def flush(self) -> None:
        """Nothing is to be done: the file is read."""

    def fileno(self) -> NoReturn:
        """Not possible: it is no file of the operating system."""
        raise io.UnsupportedOperation("fileno")

    def truncate(self, size: int | None = None) -> NoReturn:
        """Not possible: stored files do not change."""
        raise io.UnsupportedOperation("truncate")

    def write(self, value: Any) -> NoReturn:
        """Not possible: stored files do not change."""
        raise io.UnsupportedOperation("write")

    def writelines(self, lines: Any) -> NoReturn:
        """Not possible: stored files do not change."""
        raise io.UnsupportedOperation("writelines")
