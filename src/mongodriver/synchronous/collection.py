"""Collections, synchronous."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypeVar

from bsonx._impl import run_coroutine
from mongodriver.asynchronous.collection import AsyncCollection, create_on_server
from mongodriver.public.collection_base import CollectionBase, ReturnDocument
from mongodriver.public.flavour import blocking, own_methods, sibling

from .command_cursor import CommandCursor, RawBatchCommandCursor
from .cursor import Cursor, RawBatchCursor

if TYPE_CHECKING:
    from bsonx._documents import Document
    from mongodriver.synchronous.client_session import ClientSession  # noqa: F401  # in the base
    from mongodriver.synchronous.database import Database  # noqa: F401  # in the base

__all__ = ["Collection", "ReturnDocument"]

DocumentT = TypeVar("DocumentT", bound="Document")


@own_methods
class Collection(CollectionBase[DocumentT, "Database[DocumentT]", "ClientSession"]):
    """A MongoDB collection.

    Made by a database: ``db.name`` or ``db["name"]``. Attributes that are no methods are
    collections too: ``db.log.errors`` is "log.errors".
    """

    _cursor_class = Cursor
    _raw_cursor_class = RawBatchCursor
    _command_cursor_class = CommandCursor
    _raw_command_cursor_class = RawBatchCommandCursor

    find = sibling(AsyncCollection.find)
    find_one = blocking(AsyncCollection.find_one)
    find_raw_batches = sibling(AsyncCollection.find_raw_batches)
    aggregate = blocking(AsyncCollection.aggregate)
    aggregate_raw_batches = blocking(AsyncCollection.aggregate_raw_batches)
    watch = blocking(AsyncCollection.watch)
    count_documents = blocking(AsyncCollection.count_documents)
    estimated_document_count = blocking(AsyncCollection.estimated_document_count)
    distinct = blocking(AsyncCollection.distinct)

    insert_one = blocking(AsyncCollection.insert_one)
    insert_many = blocking(AsyncCollection.insert_many)
    bulk_write = blocking(AsyncCollection.bulk_write)
    replace_one = blocking(AsyncCollection.replace_one)
    update_one = blocking(AsyncCollection.update_one)
    update_many = blocking(AsyncCollection.update_many)
    delete_one = blocking(AsyncCollection.delete_one)
    delete_many = blocking(AsyncCollection.delete_many)
    find_one_and_delete = blocking(AsyncCollection.find_one_and_delete)
    find_one_and_replace = blocking(AsyncCollection.find_one_and_replace)
    find_one_and_update = blocking(AsyncCollection.find_one_and_update)

    create_index = blocking(AsyncCollection.create_index)
    create_indexes = blocking(AsyncCollection.create_indexes)
    drop_index = blocking(AsyncCollection.drop_index)
    drop_indexes = blocking(AsyncCollection.drop_indexes)
    list_indexes = blocking(AsyncCollection.list_indexes)
    index_information = blocking(AsyncCollection.index_information)
    create_search_index = blocking(AsyncCollection.create_search_index)
    create_search_indexes = blocking(AsyncCollection.create_search_indexes)
    list_search_indexes = blocking(AsyncCollection.list_search_indexes)
    drop_search_index = blocking(AsyncCollection.drop_search_index)
    update_search_index = blocking(AsyncCollection.update_search_index)
    options = blocking(AsyncCollection.options)
    rename = blocking(AsyncCollection.rename)
    drop = blocking(AsyncCollection.drop)

    def _create_now(self, options: dict[str, Any], session: Any) -> None:
        warnings.warn(
            f"The `create` and `kwargs` arguments to {type(self).__name__} are deprecated and "
            "will be removed in PyMongo 5.0",
            DeprecationWarning,
            stacklevel=3,
        )
        run_coroutine(create_on_server(self, options, session))

    @property
    def _change_stream_class(self) -> Any:
        from .change_stream import CollectionChangeStream  # few watch anything

        return CollectionChangeStream
