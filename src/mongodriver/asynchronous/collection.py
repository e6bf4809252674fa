"""Collections, asynchronous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from mongodriver.public.flavour import adopt

from ..public.collection_base import ReturnDocument
from .collection_indexes import CollectionIndexes
from .collection_reads import CollectionReads
from .collection_writes import CollectionWrites
from .command_cursor import AsyncCommandCursor, AsyncRawBatchCommandCursor
from .cursor import AsyncCursor, AsyncRawBatchCursor

__all__ = ["AsyncCollection", "ReturnDocument"]

DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])


@adopt(CollectionReads, CollectionWrites, CollectionIndexes)
class AsyncCollection(
    CollectionReads[DocumentT], CollectionWrites[DocumentT], CollectionIndexes[DocumentT]
):
    """A MongoDB collection.

    Made by a database: ``db.name`` or ``db["name"]``. Attributes that are no methods are
    collections too: ``db.log.errors`` is "log.errors".
    """

    _cursor_class = AsyncCursor
    _raw_cursor_class = AsyncRawBatchCursor
    _command_cursor_class = AsyncCommandCursor
    _raw_command_cursor_class = AsyncRawBatchCommandCursor
