"""Writing to a collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bsonx.objectid import ObjectId
from bsonx.raw_bson import RawBSONDocument
from mongodriver.ops.base import present
from mongodriver.ops.bulk import BulkWrite, Run, plan_runs
from mongodriver.ops.write import Delete, FindAndModify, InsertOne, Update
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.errors import ConfigurationError, InvalidOperation, OperationFailure
from mongodriver.values.keys import field_document, hint_document, key_document
from mongodriver.values.results import (
    BulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)
from mongodriver.values.validators import (
    validate_is_document_type,
    validate_is_mapping,
    validate_list,
    validate_ok_for_replace,
    validate_ok_for_update,
)
from mongodriver.values.write_concern import validate_boolean

from ..public.collection_base import CollectionBase, ReturnDocument

if TYPE_CHECKING:
    from .client_session import ClientSessionBase

__all__ = ["CollectionWrites"]

DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])


def _needs_id(document: Any) -> bool:
    return not isinstance(document, RawBSONDocument) and "_id" not in document


class CollectionWrites(CollectionBase[DocumentT]):
    """The writing part of `AsyncCollection`."""

    async def insert_one(
        self,
        document: DocumentT | RawBSONDocument,
        bypass_document_validation: bool | None = None,
        session: ClientSessionBase | None = None,
        comment: Any = None,
    ) -> InsertOneResult:
        """Insert one document.

        :param document: a mutable mapping; it gets an ``_id`` (an `ObjectId`) if it has none, also
            when the insert then fails. Or a raw document, which is left alone.
        :param bypass_document_validation: skip the collection's validation rules.
        :raises DuplicateKeyError: if a document with this ``_id`` or unique key is there.
        :raises WriteError: if the server refuses the document.
        """
        raw = False
        if type(document) is not dict:
            validate_is_document_type("document", document)
            raw = isinstance(document, RawBSONDocument)
        if not raw and "_id" not in document:
            document["_id"] = ObjectId()  # type: ignore[index]
        options = None
        if comment is not None or bypass_document_validation is not None:
            options = present(comment=comment, bypassDocumentValidation=bypass_document_validation)
        target = self._writing(session)
        await self._execute(InsertOne(target, document, options), self._core_session(session))
        return InsertOneResult(None if raw else document["_id"], target.acknowledged)

    async def insert_many(
        self,
        documents: Iterable[DocumentT | RawBSONDocument],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: ClientSessionBase | None = None,
        comment: Any = None,
    ) -> InsertManyResult:
        """Insert documents, in as many commands as the server's limits ask for.

        :param documents: mutable mappings, which get an ``_id`` each, or raw documents.
        :param ordered: stop at the first error; otherwise try all and report all errors.
        :raises TypeError: if there are no documents, or one is not a document; nothing is sent.
        :raises BulkWriteError: if the server refuses any of them.
        """
        if not isinstance(documents, Iterable) or isinstance(documents, Mapping) or not documents:
            raise TypeError("documents must be a non-empty list")
        inserts = documents if isinstance(documents, list) else list(documents)
        if not inserts:
            raise InvalidOperation("No operations to execute")
        raw = False
        for document in inserts:
            if type(document) is not dict:
                validate_is_document_type("document", document)
                raw = raw or isinstance(document, RawBSONDocument)
        target = self._writing(session)
        if not target.acknowledged:
            _check_bypass(bypass_document_validation)
        operation = BulkWrite(
            target,
            (Run("insert", inserts),),
            ordered,
            present(comment=comment, bypassDocumentValidation=bypass_document_validation),
            add_ids=True,
        )
        try:
            await self._execute(operation, self._core_session(session))
        except BaseException:
            for document in inserts:
                if _needs_id(document):
                    document["_id"] = ObjectId()  # type: ignore[index]
            raise
        ids = operation.inserted_ids
        if raw:
            ids = [doc["_id"] for doc in inserts if not isinstance(doc, RawBSONDocument)]
        return InsertManyResult(ids, target.acknowledged)

    async def bulk_write(
        self,
        requests: Sequence[Any],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: ClientSessionBase | None = None,
        comment: Any = None,
        let: Mapping[str, Any] | None = None,
    ) -> BulkWriteResult:
        """Run a list of writes.

        :param requests: `InsertOne`, `UpdateOne`, `UpdateMany`, `ReplaceOne`, `DeleteOne` and
            `DeleteMany` requests.
        :param ordered: run them in order and stop at the first error; otherwise group them by
            kind, try all and report all errors.
        :param let: variables for expressions of updates and deletes.
        :raises BulkWriteError: if any write fails; its details tell what was done.
        """
        validate_list("requests", requests)
        if let is not None:
            validate_is_document_type("let", let)
        statements = []
        for request in requests:
            try:
                make_statement = request._statement
            except AttributeError:
                raise TypeError(f"{request!r} is not a valid request") from None
            statements.append(make_statement())
        if not statements:
            raise InvalidOperation("No operations to execute")
        target = self._writing(session)
        if not target.acknowledged:
            _check_bypass(bypass_document_validation)
            _check_unacknowledged(statement for _, statement, _ in statements)
        operation = BulkWrite(
            target,
            plan_runs(statements, ordered),
            ordered,
            present(comment=comment, bypassDocumentValidation=bypass_document_validation),
            present(let=let),
        )
        result = await self._execute(operation, self._core_session(session))
        return BulkWriteResult(result, target.acknowledged)

    async def replace_one(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        hint: Any = None,
        session: ClientSessionBase | None = None,
        let: Mapping[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
        comment: Any = None,
    ) -> UpdateResult:
        """Replace the first document that matches.

        :param replacement: the whole new document; its ``_id``, if any, must be the old one's.
        :param upsert: insert it when nothing matches.
        :param hint: name or keys of the index to use.
        :param sort: which match is first (server 8.0).
        :raises ValueError: if the replacement has update operators.
        """
        validate_is_mapping("filter", filter)
        validate_ok_for_replace(replacement)
        return await self._run_update(
            filter,
            replacement,
            upsert,
            False,
            session,
            bypass_document_validation,
            let,
            comment,
            collation=collation,
            hint=hint,
            sort=sort,
        )

    async def update_one(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: Any = None,
        session: ClientSessionBase | None = None,
        let: Mapping[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
        comment: Any = None,
    ) -> UpdateResult:
        """Update the first document that matches.

        :param update: update operators, or an aggregation pipeline as a list.
        :param upsert: insert a document when nothing matches.
        :param array_filters: which array elements to change.
        :param sort: which match is first (server 8.0).
        :raises ValueError: if the update has no operators.
        """
        validate_is_mapping("filter", filter)
        validate_ok_for_update(update)
        return await self._run_update(
            filter,
            update,
            upsert,
            False,
            session,
            bypass_document_validation,
            let,
            comment,
            collation=collation,
            array_filters=array_filters,
            hint=hint,
            sort=sort,
        )

    async def update_many(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        hint: Any = None,
        session: ClientSessionBase | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
    ) -> UpdateResult:
        """Update all documents that match. Takes the arguments of `update_one` but ``sort``."""
        validate_is_mapping("filter", filter)
        validate_ok_for_update(update)
        return await self._run_update(
            filter,
            update,
            upsert,
            True,
            session,
            bypass_document_validation,
            let,
            comment,
            collation=collation,
            array_filters=array_filters,
            hint=hint,
        )

    async def _run_update(
        self,
        filter: Mapping[str, Any],
        update: Any,
        upsert: bool,
        multi: bool,
        session: ClientSessionBase | None,
        bypass_document_validation: bool | None,
        let: Any,
        comment: Any,
        *,
        collation: Any = None,
        array_filters: Any = None,
        hint: Any = None,
        sort: Any = None,
    ) -> UpdateResult:
        validate_boolean("upsert", upsert)
        statement: dict[str, Any] = {"q": filter, "u": update, "multi": multi, "upsert": upsert}
        if collation is not None:
            statement["collation"] = validate_collation_or_none(collation)
        if array_filters is not None:
            validate_list("array_filters", array_filters)
            statement["arrayFilters"] = array_filters
        if hint is not None:
            statement["hint"] = hint_document(hint)
        if sort is not None:
            validate_is_mapping("sort", sort)
            statement["sort"] = sort
        if let is not None:
            validate_is_mapping("let", let)
        target = self._writing(session)
        if not target.acknowledged:
            _check_unacknowledged((statement,))
        options = present(
            let=let, comment=comment, bypassDocumentValidation=bypass_document_validation
        )
        operation = Update(target, statement, options, multi)
        reply = await self._execute(operation, self._core_session(session))
        return UpdateResult(reply, target.acknowledged)

    async def delete_one(
        self,
        filter: Mapping[str, Any],
        collation: Any = None,
        hint: Any = None,
        session: ClientSessionBase | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
    ) -> DeleteResult:
        """Delete the first document that matches.

        :param hint: name or keys of the index to use.
        :param let: variables for the filter's expressions.
        """
        return await self._run_delete(filter, 1, collation, hint, session, let, comment)

    async def delete_many(
        self,
        filter: Mapping[str, Any],
        collation: Any = None,
        hint: Any = None,
        session: ClientSessionBase | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
    ) -> DeleteResult:
        """Delete all documents that match. Takes the arguments of `delete_one`."""
        return await self._run_delete(filter, 0, collation, hint, session, let, comment)

    async def _run_delete(
        self,
        filter: Mapping[str, Any],
        limit: int,
        collation: Any,
        hint: Any,
        session: ClientSessionBase | None,
        let: Any,
        comment: Any,
    ) -> DeleteResult:
        validate_is_mapping("filter", filter)
        statement: dict[str, Any] = {"q": filter, "limit": limit}
        if collation is not None:
            statement["collation"] = validate_collation_or_none(collation)
        if hint is not None:
            statement["hint"] = hint_document(hint)
        if let is not None:
            validate_is_document_type("let", let)
        target = self._writing(session)
        if not target.acknowledged:
            _check_unacknowledged((statement,))
        operation = Delete(target, statement, present(let=let, comment=comment), limit == 0)
        reply = await self._execute(operation, self._core_session(session))
        return DeleteResult(reply, target.acknowledged)

    async def find_one_and_delete(
        self,
        /,
        filter: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: Any = None,
        hint: Any = None,
        session: ClientSessionBase | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Delete the first document that matches and return it, or None.

        :param projection: field names to return, or a projection document.
        :param sort: which match is first: names or (name, direction) pairs.
        :param kwargs: other fields of findAndModify, such as ``maxTimeMS`` and ``collation``.
        """
        kwargs["remove"] = True
        return await self._find_and_modify(
            filter, projection, sort, hint, session, let, comment, kwargs
        )

    async def find_one_and_replace(
        self,
        /,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: Any = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        hint: Any = None,
        session: ClientSessionBase | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Replace the first document that matches; return it, as it was or as it is.

        :param return_document: a value of `ReturnDocument`.

        Other arguments are those of `replace_one` and `find_one_and_delete`.
        """
        validate_ok_for_replace(replacement)
        kwargs["update"] = replacement
        return await self._find_and_modify(
            filter,
            projection,
            sort,
            hint,
            session,
            let,
            comment,
            kwargs,
            upsert=upsert,
            return_document=return_document,
        )

    async def find_one_and_update(
        self,
        /,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: Any = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: Any = None,
        session: ClientSessionBase | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> DocumentT | None:
        """Update the first document that matches; return it, as it was or as it is.

        :param return_document: a value of `ReturnDocument`.

        Other arguments are those of `update_one` and `find_one_and_delete`.
        """
        validate_ok_for_update(update)
        if array_filters is not None:
            validate_list("array_filters", array_filters)
        kwargs["update"] = update
        return await self._find_and_modify(
            filter,
            projection,
            sort,
            hint,
            session,
            let,
            comment,
            kwargs,
            upsert=upsert,
            return_document=return_document,
            array_filters=array_filters,
        )

    async def _find_and_modify(
        self,
        filter: Mapping[str, Any],
        projection: Any,
        sort: Any,
        hint: Any,
        session: ClientSessionBase | None,
        let: Any,
        comment: Any,
        kwargs: dict[str, Any],
        *,
        upsert: bool | None = None,
        return_document: bool = ReturnDocument.BEFORE,
        array_filters: Any = None,
    ) -> DocumentT | None:
        validate_is_mapping("filter", filter)
        if not isinstance(return_document, bool):
            raise TypeError(
                "return_document must be ReturnDocument.BEFORE or ReturnDocument.AFTER, "
                f"not {type(return_document)}"
            )
        if let is not None:
            validate_is_mapping("let", let)
        collation = validate_collation_or_none(kwargs.pop("collation", None))
        options: dict[str, Any] = {"new": return_document, **present(let=let), **kwargs}
        options |= present(
            comment=comment,
            fields=None if projection is None else field_document(projection),
            sort=None if sort is None else key_document(sort),
        )
        if upsert is not None:
            validate_boolean("upsert", upsert)
            options["upsert"] = upsert
        options |= present(
            arrayFilters=array_filters,
            hint=None if hint is None else hint_document(hint),
            collation=collation,
        )
        target = self._writing(session)
        if not target.acknowledged:
            _check_unacknowledged((options,))
        operation = FindAndModify(target, filter, options)
        document: DocumentT | None = await self._execute(operation, self._core_session(session))
        return document


def _check_unacknowledged(statements: Iterable[Mapping[str, Any]]) -> None:
    """Raise ConfigurationError for options whose errors nobody would see."""
    for statement in statements:
        if "collation" in statement:
            raise ConfigurationError("Collation is unsupported for unacknowledged writes.")
        if "arrayFilters" in statement:
            raise ConfigurationError("arrayFilters is unsupported for unacknowledged writes.")


def _check_bypass(bypass_document_validation: bool | None) -> None:
    """Raise OperationFailure: PyMongo does so for several documents, and takes it for one."""
    if bypass_document_validation:
        raise OperationFailure(
            "Cannot set bypass_document_validation with unacknowledged write concern"
        )
