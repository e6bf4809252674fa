"""The operations of collections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongodriver import operations as requests
from mongodriver.cursor import CursorType

from .. import inside
from ..failures import Mismatch, Unsupported
from .base import Call, Operation, calls, snake

_WRITE = "session comment let collation hint bypassDocumentValidation timeoutMS rawData"
_UPDATE = f"upsert arrayFilters sort {_WRITE}"
_FIND_AND = f"sort projection maxTimeMS writeConcern {_WRITE}"
_READ = "session comment collation hint maxTimeMS timeoutMS rawData readPreference readConcern"
_FIND = (
    f"sort projection skip limit batchSize min max showRecordId returnKey allowDiskUse let "
    f"allowPartialResults noCursorTimeout oplogReplay cursorType maxAwaitTimeMS timeoutMode {_READ}"
)
_AGGREGATE = (
    f"batchSize allowDiskUse bypassDocumentValidation let maxAwaitTimeMS timeoutMode {_READ}"
)
_CURSOR_TYPES = {
    "nonTailable": CursorType.NON_TAILABLE,
    "tailable": CursorType.TAILABLE,
    "tailableAwait": CursorType.TAILABLE_AWAIT,
}
#: The arguments of requests, by their kind.
_REQUESTS: dict[str, tuple[Any, str, str]] = {
    "insertOne": (requests.InsertOne, "document", "namespace"),
    "updateOne": (
        requests.UpdateOne,
        "filter update",
        "upsert collation arrayFilters hint sort namespace",
    ),
    "updateMany": (
        requests.UpdateMany,
        "filter update",
        "upsert collation arrayFilters hint namespace",
    ),
    "replaceOne": (
        requests.ReplaceOne,
        "filter replacement",
        "upsert collation hint sort namespace",
    ),
    "deleteOne": (requests.DeleteOne, "filter", "collation hint namespace"),
    "deleteMany": (requests.DeleteMany, "filter", "collation hint namespace"),
}


def make_request(model: Mapping[str, Any]) -> Any:
    """A request of a bulk write from its description."""
    if len(model) != 1:
        raise Unsupported(f"a request has one kind: {model!r}")
    ((kind, arguments),) = model.items()
    if kind not in _REQUESTS:
        raise Unsupported(f"there is no request {kind}")
    make, required, optional = _REQUESTS[kind]
    Operation(_nothing, required, optional).check(kind, arguments)
    return make(**{snake(name): value for name, value in arguments.items()})


async def _nothing(call: Call) -> None:
    pass


async def _bulk_write(call: Call) -> Any:
    call.arguments["requests"] = [make_request(model) for model in call.arguments["requests"]]
    return await call.target.bulk_write(**call.keywords("bulk_write"))


def _found_cursor(call: Call) -> Any:
    arguments = call.arguments
    cursor_type = arguments.pop("cursorType", None)
    wait = arguments.pop("maxAwaitTimeMS", None)
    if "hint" in arguments and isinstance(arguments["hint"], Mapping):
        arguments["hint"] = list(arguments["hint"].items())
    keywords = call.keywords("find")
    if cursor_type is not None:
        if cursor_type not in _CURSOR_TYPES:
            raise Unsupported(f"cursorType {cursor_type}")
        keywords["cursor_type"] = _CURSOR_TYPES[cursor_type]
    cursor = call.target.find(**keywords)
    return cursor if wait is None else cursor.max_await_time_ms(wait)


async def _find(call: Call) -> Any:
    return await _found_cursor(call).to_list()


async def _create_find_cursor(call: Call) -> Any:
    cursor = _found_cursor(call)
    await inside.open_cursor(cursor)
    return cursor


def _find_one_and(name: str) -> Any:
    async def run(call: Call) -> Any:
        wanted = call.arguments.pop("returnDocument", None)
        if wanted is not None:
            if str(wanted).lower() not in ("before", "after"):
                raise Unsupported(f"returnDocument {wanted}")
            call.arguments["returnDocument"] = wanted.lower() == "after"
        return await call.method(name)(**call.keywords(name))

    return run


async def _create_index(call: Call) -> Any:
    keys = list(call.arguments.pop("keys").items())
    return await call.target.create_index(keys, **call.keywords("create_index"))


async def _drop_index(call: Call) -> Any:
    name = call.arguments.pop("name")
    return await call.target.drop_index(name, **call.keywords("drop_index"))


async def _list_indexes(call: Call) -> Any:
    if "batchSize" in call.arguments:
        raise Mismatch("list_indexes takes no size of batches")
    return await (await call.target.list_indexes(**call.keywords("list_indexes"))).to_list()


async def _list_index_names(call: Call) -> Any:
    return [index["name"] for index in await _list_indexes(call)]


async def _rename(call: Call) -> Any:
    new_name = call.arguments.pop("to")
    return await call.target.rename(new_name, **call.keywords("rename"))


def _index_model(document: Mapping[str, Any]) -> Any:
    Operation(_nothing, "definition", "name type").check("a search index", document)
    return requests.SearchIndexModel(**document)


async def _create_search_index(call: Call) -> Any:
    call.arguments["model"] = _index_model(call.arguments["model"])
    return await call.target.create_search_index(**call.keywords("create_search_index"))


async def _create_search_indexes(call: Call) -> Any:
    call.arguments["models"] = [_index_model(one) for one in call.arguments["models"]]
    return await call.target.create_search_indexes(**call.keywords("create_search_indexes"))


async def _list_search_indexes(call: Call) -> Any:
    options = call.arguments.pop("aggregationOptions", {})
    call.arguments.update(options)
    found = await call.target.list_search_indexes(**call.keywords("list_search_indexes"))
    return await found.to_list()


WATCH = (
    "batchSize collation comment fullDocument fullDocumentBeforeChange maxAwaitTimeMS resumeAfter "
    "startAfter startAtOperationTime session showExpandedEvents timeoutMS readPreference "
    "readConcern"
)


async def watch(call: Call) -> Any:
    """Open a change stream; its cursor is on the server then."""
    return await call.target.watch(**call.keywords("watch"))


async def _unknown(call: Call) -> Any:
    raise Unsupported("PyMongo has no such operation")


OPERATIONS = {
    "aggregate": calls("Collection.aggregate", "pipeline", _AGGREGATE, iterates=True),
    "bulkWrite": Operation(
        _bulk_write,
        "requests",
        f"ordered writeConcern {_WRITE}",
        needs="Collection.bulk_write",
    ),
    "count": Operation(_unknown, "", f"filter skip limit {_READ}"),
    "countDocuments": calls("Collection.count_documents", "filter", f"skip limit {_READ}"),
    "createChangeStream": Operation(
        watch, "pipeline", WATCH, needs="Collection.watch", saves="changeStream"
    ),
    "createFindCursor": Operation(
        _create_find_cursor, "filter", _FIND, needs="Collection.find", saves="findCursor"
    ),
    "createIndex": Operation(
        _create_index,
        "keys",
        "name unique sparse expireAfterSeconds partialFilterExpression collation background "
        "hidden wildcardProjection weights commitQuorum session comment maxTimeMS timeoutMS "
        "rawData writeConcern",
        needs="Collection.create_index",
    ),
    "createSearchIndex": Operation(
        _create_search_index, "model", "session comment", needs="Collection.create_search_index"
    ),
    "createSearchIndexes": Operation(
        _create_search_indexes,
        "models",
        "session comment",
        needs="Collection.create_search_indexes",
    ),
    "deleteMany": calls("Collection.delete_many", "filter", _WRITE),
    "deleteOne": calls("Collection.delete_one", "filter", _WRITE),
    "distinct": calls("Collection.distinct", "fieldName", f"filter {_READ}", documents=False),
    "drop": calls("Collection.drop", "", "session comment timeoutMS encryptedFields"),
    "dropIndex": Operation(
        _drop_index,
        "name",
        "session comment maxTimeMS timeoutMS rawData",
        needs="Collection.drop_index",
    ),
    "dropIndexes": calls(
        "Collection.drop_indexes", "", "session comment maxTimeMS timeoutMS rawData"
    ),
    "dropSearchIndex": calls("Collection.drop_search_index", "name", "session comment"),
    "estimatedDocumentCount": calls(
        "Collection.estimated_document_count", "", "comment maxTimeMS timeoutMS rawData"
    ),
    "find": Operation(_find, "", f"filter {_FIND}", needs="Collection.find"),
    "findOne": calls("Collection.find_one", "", f"filter {_FIND}"),
    "findOneAndDelete": calls("Collection.find_one_and_delete", "filter", _FIND_AND),
    "findOneAndReplace": Operation(
        _find_one_and("find_one_and_replace"),
        "filter replacement",
        f"returnDocument upsert {_FIND_AND}",
        needs="Collection.find_one_and_replace",
    ),
    "findOneAndUpdate": Operation(
        _find_one_and("find_one_and_update"),
        "filter update",
        f"returnDocument upsert arrayFilters {_FIND_AND}",
        needs="Collection.find_one_and_update",
    ),
    "insertMany": calls("Collection.insert_many", "documents", f"ordered {_WRITE}"),
    "insertOne": calls("Collection.insert_one", "document", _WRITE),
    "listIndexNames": Operation(
        _list_index_names,
        "",
        "session comment batchSize timeoutMS",
        needs="Collection.list_indexes",
    ),
    "listIndexes": Operation(
        _list_indexes,
        "",
        "session comment batchSize timeoutMS timeoutMode rawData",
        needs="Collection.list_indexes",
    ),
    "listSearchIndexes": Operation(
        _list_search_indexes,
        "",
        "name aggregationOptions session comment",
        needs="Collection.list_search_indexes",
    ),
    "mapReduce": Operation(_unknown, "map reduce out", f"query sort limit {_READ}"),
    "rename": Operation(
        _rename, "to", "dropTarget session comment timeoutMS", needs="Collection.rename"
    ),
    "replaceOne": calls("Collection.replace_one", "filter replacement", _UPDATE),
    "updateMany": calls("Collection.update_many", "filter update", _UPDATE),
    "updateOne": calls("Collection.update_one", "filter update", _UPDATE),
    "updateSearchIndex": calls(
        "Collection.update_search_index", "name definition", "session comment"
    ),
}
