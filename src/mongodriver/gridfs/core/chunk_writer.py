"""The chunks of a file that is being uploaded: cut off what is written, and sent in batches."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from mongodriver.gridfs.errors import FileExists
from mongodriver.replies.verdicts import write_concern_error, write_error
from mongodriver.values.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from .indexes import BucketIndexes
from .support import refuse_transaction, settled

__all__ = ["BATCH_BYTES", "ChunkWriter"]

#: How many bytes of chunks are kept until they are sent in one command; and how many chunks.
BATCH_BYTES = 16_000_000
BATCH_CHUNKS = 100_000


class ChunkWriter:
    """What is left of the last chunk, and chunks that are to be sent."""

    def __init__(
        self, file: Mapping[str, Any], chunks: Any, indexes: BucketIndexes, session: Any
    ) -> None:
        self._file = file
        self._chunks = chunks
        self._session = session
        self._rest = io.BytesIO()
        self._batch: list[dict[str, Any]] = []
        self._batch_bytes = 0
        self._last: dict[str, Any] | None = None
        self._next = 0
        self.indexes = indexes
        #: How many bytes are in chunks.
        self.length = 0
        #: Whether there may be chunks on the server.
        self.sent = False
        #: Whether sending has failed.
        self.failed = False

    @property
    def size(self) -> int:
        """How many bytes a chunk has.

        :raises TypeError, ValueError: where the application has given what cannot be.
        """
        size = self._file["chunkSize"]
        if not isinstance(size, int):
            raise TypeError(f"chunk_size must be an instance of int, not {type(size)}")
        if size <= 0:
            raise ValueError("chunk_size must be greater than 0")
        return size

    @property
    def room(self) -> int:
        """How many bytes are missing until a chunk is full."""
        return self.size - self._rest.tell()

    async def write(self, data: bytes) -> None:
        """Cut chunks off the bytes; keep the rest."""
        refuse_transaction(self._session)
        size = self.size
        end = len(data)
        begin = 0
        if rest := self._rest.tell():
            begin = min(size - rest, end)
            self._rest.write(data[:begin])
            if rest + begin < size:
                return
            await self._add(self._take_rest())
        while end - begin >= size:
            await self._add(data[begin : begin + size])
            begin += size
        if begin < end:
            self._rest.write(data[begin:])

    async def finish(self) -> None:
        """Send all that is there."""
        if self._rest.tell():
            await self._add(self._take_rest())
        await self.indexes.ensure(self._session)
        await self._send()

    def _take_rest(self) -> bytes:
        data = self._rest.getvalue()
        self._rest = io.BytesIO()
        return data

    async def _add(self, data: bytes) -> None:
        # Into the batch first: what is written is not lost where a command fails.
        self._batch.append({"files_id": self._file["_id"], "n": self._next, "data": data})
        self._next += 1
        self.length += len(data)
        self._batch_bytes += len(data)
        await self.indexes.ensure(self._session)
        if self._batch_bytes + self.size > BATCH_BYTES or len(self._batch) >= BATCH_CHUNKS:
            await self._send()

    async def _send(self) -> None:
        """Insert the chunks of the batch; if that fails they are kept."""
        if not self._batch:
            return
        first = not self.sent
        self.sent = True
        try:
            await settled(self._chunks.insert_many(self._batch, session=self._session))
        except BulkWriteError as exc:
            self.failed = True
            error = _single(exc)
            if isinstance(error, DuplicateKeyError):
                self.sent = not first  # the first chunk of another file is there
                raise self.exists() from exc
            raise error from None
        except BaseException:
            self.failed = True
            raise
        # It stays until the next batch is sent: otherwise the C library gives the memory of all the
        # chunks back to the system and takes it again, six times the page faults.
        self._last = self._batch[-1]
        self._batch = []
        self._batch_bytes = 0

    def exists(self) -> FileExists:
        """The error to raise where there is another file with this ``_id``."""
        self.failed = True
        return FileExists(f"file with _id {self._file['_id']!r} already exists")


def _single(error: BulkWriteError) -> PyMongoError:
    """The one error of a bulk that stops at the first."""
    details = error.details or {}
    found: PyMongoError | None = write_error(details)
    if found is None and details.get("writeConcernErrors"):
        found = write_concern_error({"writeConcernError": details["writeConcernErrors"][-1]})
    return found or error
