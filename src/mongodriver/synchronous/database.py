"""Databases, synchronous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mongodriver.asynchronous.database import AsyncDatabase
from mongodriver.public.database_base import DatabaseBase
from mongodriver.public.flavour import blocking, giving

from .collection import Collection
from .command_cursor import CommandCursor

if TYPE_CHECKING:
    from .change_stream import DatabaseChangeStream

__all__ = ["Database"]

DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])


class Database(DatabaseBase[DocumentT]):
    """A MongoDB database.

    Made by a client: ``client.name`` or ``client["name"]``. Its attributes are collections.
    """

    _collection_class = Collection

    command = blocking(AsyncDatabase.command)
    cursor_command = giving(CommandCursor[DocumentT], AsyncDatabase.cursor_command)
    aggregate = giving(CommandCursor[DocumentT], AsyncDatabase.aggregate)
    watch = giving(
        cast("type[DatabaseChangeStream[DocumentT]]", None), AsyncDatabase[DocumentT].watch
    )
    create_collection = giving(Collection[DocumentT], AsyncDatabase.create_collection)
    drop_collection = blocking(AsyncDatabase.drop_collection)
    list_collections = giving(CommandCursor[Any], AsyncDatabase.list_collections)
    list_collection_names = blocking(AsyncDatabase.list_collection_names)
    validate_collection = blocking(AsyncDatabase.validate_collection)
    dereference = blocking(AsyncDatabase[DocumentT].dereference)

    @property
    def _change_stream_class(self) -> Any:
        from .change_stream import DatabaseChangeStream  # few watch anything

        return DatabaseChangeStream
