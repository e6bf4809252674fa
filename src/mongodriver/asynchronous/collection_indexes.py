"""Indexes of a collection, and the collection as a whole: options, rename, drop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from bsonx.son import SON
from mongodriver.execution.timeouts import one_deadline
from mongodriver.ops.base import present
from mongodriver.ops.command import CreateSearchIndexes, ListCommand, WriteCommand
from mongodriver.replies.catalogue import collection_options, index_information
from mongodriver.values.errors import InvalidName
from mongodriver.values.keys import index_name, key_pairs
from mongodriver.values.requests import IndexModel, SearchIndexModel
from mongodriver.values.validators import validate_list

from ..public.collection_base import CollectionBase

if TYPE_CHECKING:
    from .client_session import ClientSessionBase
    from .command_cursor import AsyncCommandCursor

__all__ = ["CollectionIndexes"]

DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])

_SON_OPTIONS: CodecOptions[SON[str, Any]] = CodecOptions(SON)
_NAMESPACE_NOT_FOUND = 26
_NOT_FOUND = ("ns not found", _NAMESPACE_NOT_FOUND)


class CollectionIndexes(CollectionBase[DocumentT]):
    """The administrative part of `AsyncCollection`."""

    async def _write_command(
        self,
        fields: Mapping[str, Any],
        session: ClientSessionBase | None,
        *,
        ignore: tuple[int | str, ...] = (),
        database: str = "",
        concern: bool = True,
    ) -> Any:
        operation = WriteCommand(
            database or self._database.name,
            fields,
            DEFAULT_CODEC_OPTIONS,
            self._concern_in(session) if concern else None,
            ignore=ignore,
        )
        return await self._execute(operation, self._core_session(session))

    # -- indexes --

    async def create_index(
        self,
        /,
        keys: Any,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> str:
        """Create an index and return its name.

        :param keys: a name, a list of names and (name, direction) pairs, or a mapping.
        :param kwargs: options of the index, such as ``unique``, ``name``, ``sparse``,
            ``expireAfterSeconds``, ``partialFilterExpression``, ``collation``; and ``maxTimeMS``.
        """
        options = {}
        if "maxTimeMS" in kwargs:
            options["maxTimeMS"] = kwargs.pop("maxTimeMS")
        if comment is not None:
            options["comment"] = comment
        names = await self._create_indexes([IndexModel(keys, **kwargs)], session, options)
        return names[0]

    async def create_indexes(
        self,
        /,
        indexes: Sequence[IndexModel],
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> list[str]:
        """Create indexes and return their names.

        :param kwargs: other fields of the command, such as ``commitQuorum`` and ``maxTimeMS``.
        """
        if comment is not None:
            kwargs["comment"] = comment
        return await self._create_indexes(indexes, session, kwargs)

    async def _create_indexes(
        self,
        indexes: Sequence[IndexModel],
        session: ClientSessionBase | None,
        options: Mapping[str, Any],
    ) -> list[str]:
        validate_list("indexes", indexes)
        for index in indexes:
            if not isinstance(index, IndexModel):
                raise TypeError(f"{index!r} is not an instance of pymongo.operations.IndexModel")
        documents = [index.document for index in indexes]
        await self._write_command(
            {"createIndexes": self._name, "indexes": documents, **options}, session
        )
        return [document["name"] for document in documents]

    async def drop_index(
        self,
        /,
        index_or_name: Any,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> None:
        """Drop an index.

        :param index_or_name: the index's name, or the keys it was created with.
        :raises OperationFailure: if there is no such index; not if there is no collection.
        """
        await self._drop_index(index_or_name, session, comment, kwargs)

    async def drop_indexes(
        self,
        /,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> None:
        """Drop all indexes but the one on ``_id``."""
        await self._drop_index("*", session, comment, kwargs)

    async def _drop_index(
        self,
        index_or_name: Any,
        session: ClientSessionBase | None,
        comment: Any,
        options: dict[str, Any],
    ) -> None:
        name = index_or_name
        if isinstance(index_or_name, (list, Mapping)):
            name = index_name(key_pairs(index_or_name))
        if not isinstance(name, str):
            raise TypeError(f"index_or_name must be an instance of str or list, not {type(name)}")
        fields = {"dropIndexes": self._name, "index": name, **options, **present(comment=comment)}
        await self._write_command(fields, session, ignore=_NOT_FOUND)

    async def list_indexes(
        self, session: ClientSessionBase | None = None, comment: Any = None
    ) -> AsyncCommandCursor[SON[str, Any]]:
        """Return a cursor over the descriptions of the indexes, as `SON` documents."""
        cursor: AsyncCommandCursor[SON[str, Any]] = await self._list_indexes(session, comment)
        return cursor

    async def _list_indexes(self, session: ClientSessionBase | None, comment: Any) -> Any:
        operation = ListCommand(
            self._database.name,
            {"listIndexes": self._name, "cursor": {}, **present(comment=comment)},
            _SON_OPTIONS,
            collection=self._name,
            empty_on=(_NAMESPACE_NOT_FOUND,),
        )
        reply = await self._execute(operation, self._core_session(session))
        return self._command_cursor_class._from_reply(
            self, reply, session=session, comment=comment, codec_options=_SON_OPTIONS
        )

    async def index_information(
        self, session: ClientSessionBase | None = None, comment: Any = None
    ) -> dict[str, Any]:
        """Return a dict of the indexes: name to description, keys as a list of pairs."""
        with one_deadline(self._core.options.timeout):
            cursor = await self._list_indexes(session, comment)
            indexes = await cursor._all(None)
        return index_information(indexes, cursor.address)

    # -- search indexes --

    async def create_search_index(
        self,
        /,
        model: Mapping[str, Any] | SearchIndexModel,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> str:
        """Create a search index and return its name.

        :param model: a `SearchIndexModel`, or a mapping of its arguments.
        """
        if not isinstance(model, SearchIndexModel):
            model = SearchIndexModel(**model)
        names = await self._create_search_indexes([model], session, comment, kwargs)
        return names[0]

    async def create_search_indexes(
        self,
        /,
        models: list[SearchIndexModel],
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> list[str]:
        """Create search indexes and return their names."""
        return await self._create_search_indexes(models, session, comment, kwargs)

    async def _create_search_indexes(
        self,
        models: list[SearchIndexModel],
        session: ClientSessionBase | None,
        comment: Any,
        options: Mapping[str, Any],
    ) -> list[str]:
        documents = []
        for model in models:
            if not isinstance(model, SearchIndexModel):
                raise TypeError(
                    f"{model!r} is not an instance of pymongo.operations.SearchIndexModel"
                )
            documents.append(model.document)
        fields = {
            "createSearchIndexes": self._name,
            "indexes": documents,
            **options,
            **present(comment=comment),
        }
        operation = CreateSearchIndexes(self._database.name, fields, DEFAULT_CODEC_OPTIONS)
        created: list[str] = await self._execute(operation, self._core_session(session))
        return created

    async def list_search_indexes(
        self,
        /,
        name: str | None = None,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[Mapping[str, Any]]:
        """Return a cursor over the search indexes, or the one with this name.

        :param kwargs: arguments of `AsyncCollection.aggregate`.
        """
        stage = {} if name is None else {"name": name}
        cursor: AsyncCommandCursor[Mapping[str, Any]] = await self._run_aggregate(
            self._command_cursor_class,
            [{"$listSearchIndexes": stage}],
            session,
            None,
            comment,
            kwargs,
        )
        return cursor

    async def drop_search_index(
        self,
        /,
        name: str,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> None:
        """Drop a search index."""
        fields = {
            "dropSearchIndex": self._name,
            "name": name,
            **kwargs,
            **present(comment=comment),
        }
        await self._write_command(fields, session, ignore=_NOT_FOUND, concern=False)

    async def update_search_index(
        self,
        /,
        name: str,
        definition: Mapping[str, Any],
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> None:
        """Replace the definition of a search index."""
        fields = {
            "updateSearchIndex": self._name,
            "name": name,
            "definition": definition,
            **kwargs,
            **present(comment=comment),
        }
        await self._write_command(fields, session, ignore=_NOT_FOUND, concern=False)

    # -- the collection as a whole --

    async def options(
        self, session: ClientSessionBase | None = None, comment: Any = None
    ) -> Mapping[str, Any]:
        """Return the options the collection was created with; {} if it does not exist."""
        with one_deadline(self._core.options.timeout):
            cursor = await self._database._list_collections(
                session, {"filter": {"name": self._name}}, comment
            )
            found = await cursor._all(None)
        return collection_options(found[0], cursor.address) if found else {}

    async def rename(
        self,
        /,
        new_name: str,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Rename the collection; this object keeps the old name.

        :param kwargs: other fields of the command, such as ``dropTarget``.
        :raises InvalidName: if it cannot be a name.
        """
        if not isinstance(new_name, str):
            raise TypeError(f"new_name must be an instance of str, not {type(new_name)}")
        if not new_name or ".." in new_name:
            raise InvalidName("collection names cannot be empty")
        if new_name[0] == "." or new_name[-1] == ".":
            raise InvalidName("collection names must not start or end with '.'")
        if "$" in new_name and not new_name.startswith("oplog.$main"):
            raise InvalidName("collection names must not contain '$'")
        fields = {
            "renameCollection": self._full_name,
            "to": f"{self._database.name}.{new_name}",
            **kwargs,
            **present(comment=comment),
        }
        reply: dict[str, Any] = await self._write_command(fields, session, database="admin")
        return reply

    async def drop(
        self,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Drop the collection with its documents and indexes, if it exists.

        :param encrypted_fields: of a collection with queryable encryption, whose state
            collections are dropped with it.
        """
        await self._database._drop(
            self._name, self._concern_in(session), session, comment, encrypted_fields
        )
