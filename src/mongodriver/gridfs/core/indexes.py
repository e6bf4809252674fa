"""The indexes of a bucket, which are made before its first write."""

from __future__ import annotations

from typing import Any

from mongodriver.values.read_preferences import ReadPreference

from .support import settled

__all__ = ["BucketIndexes"]

_FILES = [("filename", 1), ("uploadDate", 1)]
_CHUNKS = [("files_id", 1), ("n", 1)]


class BucketIndexes:
    """Makes the indexes of a bucket that is empty, once.

    GridFS specification, Before write operations.
    """

    def __init__(self, files: Any, chunks: Any) -> None:
        self._files = files
        self._chunks = chunks
        self._ensured = False

    async def ensure(self, session: Any) -> None:
        """Have the indexes there. Several callers may do it at once; no one waits for another."""
        if self._ensured:
            return
        await _ensure(self._files, _FILES, False, session)
        await _ensure(self._chunks, _CHUNKS, True, session)
        self._ensured = True


async def _ensure(collection: Any, keys: list[tuple[str, int]], unique: bool, session: Any) -> None:
    primary = collection.with_options(read_preference=ReadPreference.PRIMARY)
    if await settled(primary.find_one({}, projection={"_id": 1}, session=session)) is not None:
        return
    indexes = await settled(collection.index_information(session=session))
    # Numbers compare by value, whatever shell has created the index.
    if not any([tuple(pair) for pair in index["key"]] == keys for index in indexes.values()):
        await settled(collection.create_index(keys, unique=unique, session=session))
