"""Requests of bulk writes, and index descriptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.keys import hint_document, index_name, key_document, key_pairs
from mongodriver.values.public_names import known_as
from mongodriver.values.validators import (
    document_to_insert,
    replacement_to_send,
    validate_is_mapping,
    validate_list,
    validate_ok_for_update,
)
from mongodriver.values.write_concern import validate_boolean

if TYPE_CHECKING:
    from bsonx._documents import Document
    from mongodriver.typings import _CollationIn, _Hint

__all__ = [
    "DeleteMany",
    "DeleteOne",
    "IndexModel",
    "InsertOne",
    "ReplaceOne",
    "SearchIndexModel",
    "UpdateMany",
    "UpdateOne",
]

DocumentT = TypeVar("DocumentT", bound="Document")


class _Request:
    """What the requests share: equality by value, a positional repr, no hash.

    What is asked of each of thousands of requests is cheap: attributes of the class, and one method
    that looks at exact types first.
    """

    __slots__ = ()
    #: "insert", "update" or "delete": the command it goes into.
    _kind = ""
    #: Whether it may touch many documents.
    _multi = False
    #: Attributes in the order of the repr; the namespace is shown only when there is one.
    _shown: tuple[str, ...] = ()

    __hash__ = None  # type: ignore[assignment]

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._shown)

    def __eq__(self, other: object) -> bool:
        if type(other) is type(self):
            return self._values() == other._values()
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        shown = ", ".join(
            repr(value)
            for name, value in zip(self._shown, self._values(), strict=True)
            if name != "_namespace" or value
        )
        return f"{type(self).__name__}({shown})"

    def _statement(self, codec_options: Any) -> Any:
        """It as it goes on the wire. Raises TypeError or ValueError for what cannot be sent.

        :param codec_options: how an instance of a class with typed fields is encoded.
        """
        raise TypeError(f"{self!r} is not a valid request")

    def _add_to_bulk(self, bulkobj: Any) -> None:
        """Add it to somebody else's bulk: mongomock's, see `mongodriver.compat.private_names`."""
        raise TypeError(f"{self!r} is not a valid request")

    def _operation(self, codec_options: Any) -> dict[str, Any]:
        """It as an operation of a client's bulk write, for the first of its namespaces.

        Raises TypeError or ValueError for what cannot be sent.
        """
        raise TypeError(f"{self!r} is not a valid request")


class _WithOptions(_Request):
    """Base of updates and deletes, which most often have none of the options they may have."""

    __slots__ = ()
    #: In wire order: the attribute, and the field of the statement.
    _OPTIONS: tuple[tuple[str, str], ...] = (("_hint", "hint"),)
    _collation: Any

    def _checked(self, check: Callable[..., Any], change: Any, *options: Any) -> Any:
        """What `check` makes of the change, whose keys may be no strings.

        :raises TypeError: for such keys; errors of an instance with typed fields are its own.
        """
        try:
            return check(change, *options)
        except AttributeError:
            if not isinstance(change, Mapping):
                raise
            raise TypeError(f"{self!r} is not a valid request") from None

    def _checked_collation(self) -> Any:
        return validate_collation_or_none(self._collation)

    def _complete(self, statement: dict[str, Any]) -> dict[str, Any]:
        """Add the options that are given to a statement."""
        collation = self._checked_collation()
        if collation is not None:
            statement["collation"] = collation
        for name, field in self._OPTIONS:
            value = getattr(self, name)
            if value is not None:
                statement[field] = value
        return statement

    def _complete_operation(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Add the options that are given to an operation of a client's bulk write."""
        for name, field in _OPERATION_OPTIONS:
            value = getattr(self, name, None)
            if value is not None:
                operation[field] = value
        if "collation" in operation:
            operation["collation"] = validate_collation_or_none(self._collation)
        return operation


#: Of operations of a client's bulk write, in wire order.
_OPERATION_OPTIONS = (
    ("_upsert", "upsert"),
    ("_array_filters", "arrayFilters"),
    ("_hint", "hint"),
    ("_collation", "collation"),
    ("_sort", "sort"),
)


class InsertOne(_Request, Generic[DocumentT]):
    """Insert one document.

    :param document: a mutable mapping, which gets an ``_id`` if it has none, or a raw document, or
        an instance of a class with typed fields.
    :param namespace: "database.collection", for `MongoClient.bulk_write` only.
    """

    __slots__ = ("_doc", "_namespace")
    _shown = ("_doc", "_namespace")
    _kind = "insert"

    def __init__(self, document: DocumentT, namespace: str | None = None) -> None:
        self._doc = document
        self._namespace = namespace

    def _statement(self, codec_options: Any) -> Any:
        document: Any = self._doc
        if type(document) is not dict:
            document = document_to_insert(document, codec_options)
            if isinstance(document, RawBSONDocument):
                return document
        if "_id" not in document:
            document["_id"] = ObjectId()
        return document

    def _add_to_bulk(self, bulkobj: Any) -> None:
        bulkobj.add_insert(self._doc)

    def _operation(self, codec_options: Any) -> dict[str, Any]:
        document: Any = document_to_insert(self._doc, codec_options)
        if not isinstance(document, RawBSONDocument) and "_id" not in document:
            # First on the wire, as the codec has it for documents that stand alone.
            identified = {"_id": ObjectId(), **document}
            document["_id"] = identified["_id"]
            document = identified
        return {"insert": 0, "document": document}


class _DeleteRequest(_WithOptions):
    """Base of `DeleteOne` and `DeleteMany`."""

    __slots__ = ("_collation", "_filter", "_hint", "_namespace")
    _shown = ("_filter", "_collation", "_hint", "_namespace")
    _kind = "delete"
    _limit = 0

    def __init__(
        self,
        filter: Mapping[str, Any],
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        namespace: str | None = None,
    ) -> None:
        if type(filter) is not dict:
            validate_is_mapping("filter", filter)
        self._filter = filter
        self._collation = collation
        self._hint = None if hint is None else hint_document(hint)
        self._namespace = namespace

    def _statement(self, codec_options: Any) -> Any:
        statement: dict[str, Any] = {"q": self._filter, "limit": self._limit}
        if self._collation is None and self._hint is None:
            return statement
        return self._complete(statement)

    def _add_to_bulk(self, bulkobj: Any) -> None:
        bulkobj.add_delete(
            self._filter, self._limit, collation=self._checked_collation(), hint=self._hint
        )

    def _operation(self, codec_options: Any) -> dict[str, Any]:
        operation = {"delete": 0, "filter": self._filter, "multi": self._multi}
        return self._complete_operation(operation)


class DeleteOne(_DeleteRequest):
    """Delete the first document that matches `filter`."""

    __slots__ = ()
    _limit = 1


class DeleteMany(_DeleteRequest):
    """Delete all documents that match `filter`."""

    __slots__ = ()
    _multi = True


class ReplaceOne(_WithOptions, Generic[DocumentT]):
    """Replace the first document that matches `filter`.

    :param replacement: the whole new document, without update operators.
    :param upsert: insert it when nothing matches.
    :param sort: which match is first (server 8.0).
    """

    __slots__ = ("_collation", "_doc", "_filter", "_hint", "_namespace", "_sort", "_upsert")
    _shown = ("_filter", "_doc", "_upsert", "_collation", "_hint", "_namespace", "_sort")
    _kind = "update"
    _OPTIONS = (("_hint", "hint"), ("_sort", "sort"))

    def __init__(
        self,
        filter: Mapping[str, Any],
        replacement: DocumentT | RawBSONDocument,
        upsert: bool | None = None,
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        namespace: str | None = None,
        sort: Mapping[str, Any] | None = None,
    ) -> None:
        if type(filter) is not dict:
            validate_is_mapping("filter", filter)
        if upsert is not None:
            validate_boolean("upsert", upsert)
        self._filter = filter
        self._doc = replacement
        self._upsert = upsert
        self._collation = collation
        self._hint = None if hint is None else hint_document(hint)
        self._namespace = namespace
        self._sort = sort

    def _statement(self, codec_options: Any) -> Any:
        document = self._checked(replacement_to_send, self._doc, codec_options)
        statement: dict[str, Any] = {"q": self._filter, "u": document}
        if self._upsert is not None:
            statement["upsert"] = self._upsert
        if self._collation is None and self._hint is None and self._sort is None:
            return statement
        return self._complete(statement)

    def _add_to_bulk(self, bulkobj: Any) -> None:
        bulkobj.add_replace(
            self._filter,
            self._doc,
            self._upsert,
            collation=self._checked_collation(),
            hint=self._hint,
            sort=self._sort,
        )

    def _operation(self, codec_options: Any) -> dict[str, Any]:
        document = replacement_to_send(self._doc, codec_options)
        operation = {"update": 0, "filter": self._filter, "updateMods": document, "multi": False}
        return self._complete_operation(operation)


class _UpdateRequest(_WithOptions):
    """Base of `UpdateOne` and `UpdateMany`."""

    __slots__ = (
        "_array_filters",
        "_collation",
        "_doc",
        "_filter",
        "_hint",
        "_is_plain",
        "_namespace",
        "_sort",
        "_upsert",
    )
    _shown = (
        "_filter",
        "_doc",
        "_upsert",
        "_collation",
        "_array_filters",
        "_hint",
        "_namespace",
        "_sort",
    )
    _kind = "update"
    _OPTIONS = (("_array_filters", "arrayFilters"), ("_hint", "hint"), ("_sort", "sort"))

    def _take(
        self,
        filter: Mapping[str, Any],
        doc: Any,
        upsert: bool | None,
        collation: Any,
        array_filters: Sequence[Mapping[str, Any]] | None,
        hint: Any,
        namespace: str | None,
        sort: Mapping[str, Any] | None,
    ) -> None:
        if type(filter) is not dict:
            validate_is_mapping("filter", filter)
        if upsert is not None:
            validate_boolean("upsert", upsert)
        if array_filters is not None:
            validate_list("array_filters", array_filters)
        self._filter = filter
        self._doc = doc
        self._upsert = upsert
        self._collation = collation
        self._array_filters = array_filters
        self._hint = None if hint is None else hint_document(hint)
        self._namespace = namespace
        self._sort = sort
        self._is_plain = (
            collation is None and array_filters is None and hint is None and sort is None
        )

    def _statement(self, codec_options: Any) -> Any:
        change = self._doc
        first = next(iter(change), None) if type(change) is dict else None
        if type(first) is not str or first[:1] != "$":
            self._checked(validate_ok_for_update, change)  # unlike most changes: look closely
        multi = self._multi
        if self._upsert is None and not multi:
            statement = {"q": self._filter, "u": change, "multi": False, "upsert": False}
        else:
            statement = {"q": self._filter, "u": change, "multi": multi}
            if self._upsert is not None:
                statement["upsert"] = self._upsert
        return statement if self._is_plain else self._complete(statement)

    def _add_to_bulk(self, bulkobj: Any) -> None:
        options: dict[str, Any] = {} if self._multi else {"sort": self._sort}
        bulkobj.add_update(
            self._filter,
            self._doc,
            self._multi,
            self._upsert if self._multi else bool(self._upsert),
            collation=self._checked_collation(),
            array_filters=self._array_filters,
            hint=self._hint,
            **options,
        )

    def _operation(self, codec_options: Any) -> dict[str, Any]:
        change = self._doc
        validate_ok_for_update(change)
        operation = {
            "update": 0,
            "filter": self._filter,
            "updateMods": change,
            "multi": self._multi,
        }
        return self._complete_operation(operation)


class UpdateOne(_UpdateRequest):
    """Update the first document that matches `filter`.

    :param update: update operators, or an aggregation pipeline as a list.
    :param upsert: insert a document when nothing matches.
    :param array_filters: which array elements to change.
    :param sort: which match is first (server 8.0).
    """

    __slots__ = ()

    def __init__(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        upsert: bool | None = None,
        collation: _CollationIn | None = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _Hint | None = None,
        namespace: str | None = None,
        sort: Mapping[str, Any] | None = None,
    ) -> None:
        self._take(filter, update, upsert, collation, array_filters, hint, namespace, sort)


class UpdateMany(_UpdateRequest):
    """Update all documents that match `filter`."""

    __slots__ = ()
    _multi = True

    def __init__(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        upsert: bool | None = None,
        collation: _CollationIn | None = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _Hint | None = None,
        namespace: str | None = None,
    ) -> None:
        self._take(filter, update, upsert, collation, array_filters, hint, namespace, None)


class IndexModel:
    """An index to create.

    :param keys: a name, a list of names and (name, direction) pairs, or a mapping.
    :param kwargs: index options of the server; ``name`` is generated from the keys if left out.
    """

    __slots__ = ("__document",)

    def __init__(self, keys: _Hint, **kwargs: Any) -> None:
        pairs = key_pairs(keys)
        if kwargs.get("name") is None:
            kwargs["name"] = index_name(pairs)
        collation = validate_collation_or_none(kwargs.pop("collation", None))
        self.__document = kwargs
        self.__document["key"] = key_document(pairs)
        if collation is not None:
            self.__document["collation"] = collation

    @property
    def document(self) -> dict[str, Any]:
        """The index description as createIndexes takes it."""
        return self.__document

    def __repr__(self) -> str:
        options = {name: value for name, value in self.__document.items() if name != "key"}
        shown = "".join(f", {name}={value!r}" for name, value in options.items())
        return f"{type(self).__name__}({self.__document['key']!r}{shown})"


class SearchIndexModel:
    """A search index to create.

    :param definition: the definition of the index.
    :param name: its name, "default" on the server if left out.
    :param type: "search" or "vectorSearch".
    """

    __slots__ = ("__document",)

    def __init__(
        self,
        definition: Mapping[str, Any],
        name: str | None = None,
        type: str | None = None,
        **kwargs: Any,
    ) -> None:
        document: dict[str, Any] = {}
        if name is not None:
            document["name"] = name
        document["definition"] = definition
        if type is not None:
            document["type"] = type
        document.update(kwargs)
        self.__document = document

    @property
    def document(self) -> Mapping[str, Any]:
        """The index description as createSearchIndexes takes it."""
        return self.__document

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__document.items())
        return f"{self.__class__.__name__}({shown})"


known_as("mongodriver.operations", globals())
