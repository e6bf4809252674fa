"""Commands about indexes and search indexes."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from bsonx.son import SON
from mongodriver.values.keys import index_name, key_pairs
from mongodriver.values.requests import IndexModel, SearchIndexModel
from mongodriver.values.validators import validate_list

from ..replies.fields import plain_documents, text
from .base import Attempt, present
from .command import ListCommand, WriteCommand

if TYPE_CHECKING:
    from .catalogue_target import CatalogueTarget

__all__ = [
    "NAMESPACE_NOT_FOUND",
    "CreateIndexes",
    "CreateSearchIndexes",
    "DropIndexes",
    "DropSearchIndex",
    "ListIndexes",
    "UpdateSearchIndex",
]

_NAMESPACE_NOT_FOUND = 26
#: Errors that say there is nothing to drop, by message from old servers.
NAMESPACE_NOT_FOUND: tuple[int | str, ...] = ("ns not found", _NAMESPACE_NOT_FOUND)
_SON_OPTIONS: CodecOptions[SON[str, Any]] = CodecOptions(SON)


class CreateIndexes(WriteCommand):
    """createIndexes; the names are in `names`.

    :param options: fields after the indexes.
    :raises TypeError: for what are no `IndexModel`s.
    """

    def __init__(
        self,
        target: CatalogueTarget,
        indexes: Sequence[IndexModel],
        options: Mapping[str, Any],
        comment: Any = None,
    ) -> None:
        validate_list("indexes", indexes)
        for index in indexes:
            if not isinstance(index, IndexModel):
                raise TypeError(f"{index!r} is not an instance of pymongo.operations.IndexModel")
        documents = [index.document for index in indexes]
        self.names: list[str] = [document["name"] for document in documents]
        fields = {
            "createIndexes": target.collection,
            "indexes": documents,
            **options,
            **present(comment=comment),
        }
        super().__init__(target.database, fields, DEFAULT_CODEC_OPTIONS, target.write_concern)


class DropIndexes(WriteCommand):
    """dropIndexes: one index by its name or keys, or all with the name "*".

    :raises TypeError: for what is neither.
    """

    def __init__(
        self, target: CatalogueTarget, index: Any, options: Mapping[str, Any], comment: Any
    ) -> None:
        name = index
        if isinstance(index, (list, Mapping)):
            name = index_name(key_pairs(index))
        if not isinstance(name, str):
            raise TypeError(f"index_or_name must be an instance of str or list, not {type(name)}")
        fields = {
            "dropIndexes": target.collection,
            "index": name,
            **options,
            **present(comment=comment),
        }
        super().__init__(
            target.database,
            fields,
            DEFAULT_CODEC_OPTIONS,
            target.write_concern,
            ignore=NAMESPACE_NOT_FOUND,
        )


class ListIndexes(ListCommand):
    """listIndexes: descriptions as `SON` documents; none where there is no collection."""

    def __init__(self, target: CatalogueTarget, comment: Any) -> None:
        super().__init__(
            target.database,
            {"listIndexes": target.collection, "cursor": {}, **present(comment=comment)},
            _SON_OPTIONS,
            collection=target.collection,
            empty_on=(_NAMESPACE_NOT_FOUND,),
        )


class _SearchIndexCommand(WriteCommand):
    """Base of commands about search indexes, which have no write concern."""

    def __init__(
        self,
        target: CatalogueTarget,
        command: str,
        fields: Mapping[str, Any],
        options: Mapping[str, Any],
        comment: Any,
        ignore: tuple[int | str, ...] = NAMESPACE_NOT_FOUND,
    ) -> None:
        fields = {command: target.collection, **fields, **options, **present(comment=comment)}
        super().__init__(target.database, fields, DEFAULT_CODEC_OPTIONS, ignore=ignore)


class CreateSearchIndexes(_SearchIndexCommand):
    """createSearchIndexes: the names of the new indexes.

    :param models: `SearchIndexModel`s.
    :raises TypeError: for what are none.
    """

    def __init__(
        self,
        target: CatalogueTarget,
        models: Sequence[SearchIndexModel],
        options: Mapping[str, Any],
        comment: Any,
    ) -> None:
        for model in models:
            if not isinstance(model, SearchIndexModel):
                raise TypeError(
                    f"{model!r} is not an instance of pymongo.operations.SearchIndexModel"
                )
        fields = {"indexes": [model.document for model in models]}
        super().__init__(target, "createSearchIndexes", fields, options, comment, ignore=())

    def parse(self, reply: MutableMapping[str, Any], attempt: Attempt) -> list[str]:
        return [text(index, "name") for index in plain_documents(reply, "indexesCreated")]


def index_model(keys: Any, **options: Any) -> IndexModel:
    """Return the model of an index, for modules that do not load the models' own."""
    return IndexModel(keys, **options)


def search_index_model(model: Mapping[str, Any] | SearchIndexModel) -> SearchIndexModel:
    """Return a model of a search index, or that of a mapping of its arguments."""
    return model if isinstance(model, SearchIndexModel) else SearchIndexModel(**model)


class DropSearchIndex(_SearchIndexCommand):
    """dropSearchIndex."""

    def __init__(
        self, target: CatalogueTarget, name: str, options: Mapping[str, Any], comment: Any
    ) -> None:
        super().__init__(target, "dropSearchIndex", {"name": name}, options, comment)


class UpdateSearchIndex(_SearchIndexCommand):
    """updateSearchIndex."""

    def __init__(
        self,
        target: CatalogueTarget,
        name: str,
        definition: Mapping[str, Any],
        options: Mapping[str, Any],
        comment: Any,
    ) -> None:
        fields = {"name": name, "definition": definition}
        super().__init__(target, "updateSearchIndex", fields, options, comment)
