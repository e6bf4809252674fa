"""Databases, synchronous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from mongodriver.asynchronous.database import AsyncDatabase
from mongodriver.public.database_base import DatabaseBase
from mongodriver.public.flavour import blocking, own_methods

from .collection import Collection
from .command_cursor import CommandCursor  # noqa: F401  # PyMongo's module has it as well

if TYPE_CHECKING:
    from bsonx._documents import Document
    from mongodriver.synchronous.mongo_client import MongoClient  # noqa: F401  # in the base

__all__ = ["Database"]

DocumentT = TypeVar("DocumentT", bound="Document")


@own_methods
class Database(DatabaseBase[DocumentT, "MongoClient[DocumentT]", "Collection[DocumentT]"]):
    """A MongoDB database.

    Made by a client: ``client.name`` or ``client["name"]``. Its attributes are collections.
    """

    _collection_class = Collection

    command = blocking(AsyncDatabase.command)
    cursor_command = blocking(AsyncDatabase.cursor_command)
    aggregate = blocking(AsyncDatabase.aggregate)
    watch = blocking(AsyncDatabase.watch)
    create_collection = blocking(AsyncDatabase.create_collection)
    drop_collection = blocking(AsyncDatabase.drop_collection)
    list_collections = blocking(AsyncDatabase.list_collections)
    list_collection_names = blocking(AsyncDatabase.list_collection_names)
    validate_collection = blocking(AsyncDatabase.validate_collection)
    dereference = blocking(AsyncDatabase.dereference)

    @property
    def _change_stream_class(self) -> Any:
        from .change_stream import DatabaseChangeStream  # few watch anything

        return DatabaseChangeStream
