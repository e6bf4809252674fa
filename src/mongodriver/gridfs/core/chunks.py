"""The chunks of a stored file, in their order, each checked."""

from __future__ import annotations

from typing import Any, NoReturn

from mongodriver.gridfs.errors import CorruptGridFile
from mongodriver.values.errors import CursorNotFound

from .support import exactly, next_of, settled

__all__ = ["ChunkReader", "number_of"]


class ChunkReader:
    """Reads the chunks of a file by a cursor, from one on; and says which one is wrong."""

    def __init__(self, grid_out: Any, chunks: Any, session: Any, next_chunk: int) -> None:
        self._id = grid_out._id
        self._chunk_size = number_of(grid_out.chunk_size, "chunkSize")
        self._length = number_of(grid_out.length, "length")
        if self._chunk_size <= 0:
            raise CorruptGridFile(f"invalid chunkSize: {self._chunk_size}")
        self._chunks = chunks
        self._session = session
        self._next_chunk = next_chunk
        self._num_chunks = -(-self._length // self._chunk_size)
        self._cursor: Any = None

    def expected_chunk_length(self, chunk_n: int) -> int:
        """How many bytes the chunk of this number has to have."""
        if chunk_n < self._num_chunks - 1:
            return self._chunk_size
        return self._length - self._chunk_size * (self._num_chunks - 1)

    async def _next_chunk_document(self) -> Any:
        """The document of the next chunk, or None at the end.

        :raises CorruptGridFile: if another one comes, or none, or it has not the length it should.
        """
        chunk = await self._read()
        if chunk is None:
            if self._next_chunk >= self._num_chunks:
                return None
            raise CorruptGridFile(f"no chunk #{self._next_chunk}")
        n = chunk.get("n")
        if n != self._next_chunk:
            await self._corrupt(
                f"Missing chunk: expected chunk #{self._next_chunk} but found chunk with n={n}"
            )
        length = await self._length_of(chunk.get("data"), n)
        if n >= self._num_chunks and length:
            await self._corrupt(
                f"Extra chunk found: expected {self._num_chunks} chunks but found chunk with n={n}"
            )
        expected = self.expected_chunk_length(n)
        if length != expected:
            await self._corrupt(
                f"truncated chunk #{n}: expected chunk length to be {expected} but found chunk "
                f"with length {length}"
            )
        self._next_chunk += 1
        return chunk

    async def _length_of(self, data: Any, n: int) -> int:
        if not isinstance(data, bytes):
            await self._corrupt(f"invalid chunk #{n}: its data is no binary, but {type(data)}")
        return len(data)

    async def _corrupt(self, message: str) -> NoReturn:
        await self._close()
        raise CorruptGridFile(message)

    async def _read(self) -> Any:
        """The next document, whatever it is; from a new cursor if the server has lost the first,
        as it does with those that were idle for long.
        """
        if self._cursor is not None:
            try:
                return await next_of(self._cursor)
            except CursorNotFound:
                await self._close()
        self._open()
        return await next_of(self._cursor)

    def _open(self) -> None:
        """Make a cursor over what is left; nothing is sent yet."""
        query: dict[str, Any] = {"files_id": exactly(self._id)}
        if self._next_chunk:
            query["n"] = {"$gte": self._next_chunk}
        self._cursor = self._chunks.find(query, sort=[("n", 1)], session=self._session)

    async def _close(self) -> None:
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            await settled(cursor.close())


def number_of(value: Any, field: str) -> int:
    """A number of a file's document, whatever BSON type it has.

    :raises CorruptGridFile: if it is none.
    """
    try:
        return int(value)
    except (TypeError, ValueError):
        raise CorruptGridFile(f"invalid {field}: {value!r}") from None
