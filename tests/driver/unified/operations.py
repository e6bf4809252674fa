"""The operations of unified tests, as calls of the driver's public methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flavour import plain

import mongodriver
from mongodriver import operations as requests
from mongodriver.results import (
    BulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)

from .entities import options_from, transaction_options

#: Argument names that are not the camelCase of the method's.
_RENAMED = {
    "maxTimeMS": "max_time_ms",
    "maxAwaitTimeMS": "max_await_time_ms",
    "fieldName": "key",
}
_REQUESTS = {
    "insertOne": requests.InsertOne,
    "updateOne": requests.UpdateOne,
    "updateMany": requests.UpdateMany,
    "replaceOne": requests.ReplaceOne,
    "deleteOne": requests.DeleteOne,
    "deleteMany": requests.DeleteMany,
}
#: Methods whose extra options are fields of the command and keep their names.
_FIELDS = {
    "aggregate",
    "count_documents",
    "distinct",
    "estimated_document_count",
    "find_one_and_delete",
    "find_one_and_replace",
    "find_one_and_update",
    "create_collection",
    "list_collections",
    "list_databases",
    "create_index",
}
_FIELD_NAMES = {
    "maxTimeMS",
    "batchSize",
    "allowDiskUse",
    "collation",
    "bypassDocumentValidation",
    "maxAwaitTimeMS",
}
_METHODS = {
    "listIndexes": "list_indexes",
    "runCommand": "command",
    "runCursorCommand": "cursor_command",
}
_LISTS = {
    "find",
    "aggregate",
    "list_indexes",
    "list_collections",
    "list_databases",
    "list_search_indexes",
    "cursor_command",
}


def snake(name: str) -> str:
    """fooBarBaz -> foo_bar_baz."""
    known = _RENAMED.get(name)
    if known is not None:
        return known
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def make_request(model: Mapping[str, Any]) -> Any:
    """A request of bulkWrite from its description."""
    ((kind, arguments),) = model.items()
    if "rawData" in arguments:
        pytest.skip("rawData is not part of the API")
    return _REQUESTS[kind](**{snake(name): value for name, value in arguments.items()})


def arguments_of(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of a method from those of an operation."""
    if "rawData" in given:
        pytest.skip("rawData is not part of the API")
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        if name == "returnDocument":
            value = value == "After"
        elif name == "requests":
            value = [make_request(model) for model in value]
        elif name in ("sort", "hint") and isinstance(value, Mapping) and name == "hint":
            value = list(value.items())
        elif name in ("readPreference", "readConcern", "writeConcern"):
            arguments.update(options_from({name: value}))
            continue
        keeps = method in _FIELDS and name in _FIELD_NAMES
        arguments[name if keeps else snake(name)] = value
    return arguments


async def run(target: Any, name: str, given: Mapping[str, Any]) -> Any:
    """Run an operation on a client, database, collection or cursor; its result as a document."""
    special = _SPECIAL.get(name)
    if special is not None:
        return await special(target, dict(given))
    method = _METHODS.get(name) or snake(name)
    if not hasattr(type(getattr(target, "_object", target)), method):
        pytest.skip(f"{name} is not part of the API")
    arguments = arguments_of(method, given)
    result = getattr(target, method)(**arguments)
    if method != "find":
        result = await result
    if method in _LISTS:
        result = await result.to_list()
    return as_document(result)


async def _run_command(target: Any, given: dict[str, Any]) -> Any:
    given.pop("commandName", None)
    return await target.command(**arguments_of("command", given))


async def _create_index(target: Any, given: dict[str, Any]) -> Any:
    keys = list(given.pop("keys").items())
    return await target.create_index(keys, **arguments_of("create_index", given))


async def _drop_index(target: Any, given: dict[str, Any]) -> Any:
    await target.drop_index(given.pop("name"), **arguments_of("drop_index", given))


async def _drop_database(target: Any, given: dict[str, Any]) -> Any:
    await target.drop_database(given.pop("database"), **given)


async def _modify_collection(target: Any, given: dict[str, Any]) -> Any:
    return await target.command({"collMod": given.pop("collection"), **given})


async def _create_collection(target: Any, given: dict[str, Any]) -> Any:
    name = given.pop("collection")
    session = given.pop("session", None)
    await target.create_collection(name, session=session, check_exists=False, **given)


async def _drop_collection(target: Any, given: dict[str, Any]) -> Any:
    await target.drop_collection(given.pop("collection"), **given)


async def _find_cursor(target: Any, given: dict[str, Any]) -> Any:
    return target.find(**arguments_of("find", given))


async def _index_names(target: Any, given: dict[str, Any]) -> Any:
    found = await (await target.list_indexes(**given)).to_list()
    return [index["name"] for index in found]


async def _run_cursor_command(target: Any, given: dict[str, Any]) -> Any:
    return await (await _command_cursor(target, given)).to_list()


async def _command_cursor(target: Any, given: dict[str, Any]) -> Any:
    given.pop("commandName", None)
    batch_size = given.pop("batchSize", None)
    if given.pop("timeoutMode", None) or given.pop("cursorType", None):
        pytest.skip("timeoutMode and cursorType are not part of the API")
    cursor = await target.cursor_command(**arguments_of("cursor_command", given))
    return cursor if batch_size is None else cursor.batch_size(batch_size)


async def _until_document(target: Any, given: dict[str, Any]) -> Any:
    return await target.next()


async def _once(target: Any, given: dict[str, Any]) -> Any:
    if not hasattr(type(plain(target)), "try_next"):
        pytest.skip("cursors of queries have no try_next")
    return await target.try_next()


async def _insert_many_documents(target: Any, given: dict[str, Any]) -> Any:
    arguments = arguments_of("insert_many", given)
    return as_document(await target.insert_many(**arguments))


async def _start_transaction(target: Any, given: dict[str, Any]) -> Any:
    await target.start_transaction(**transaction_options(given))


async def _snapshot_time(target: Any, given: dict[str, Any]) -> Any:
    return target.snapshot_time


_SPECIAL: dict[str, Any] = {
    "runCommand": _run_command,
    "runCursorCommand": _run_cursor_command,
    "createCommandCursor": _command_cursor,
    "createFindCursor": _find_cursor,
    "createIndex": _create_index,
    "dropIndex": _drop_index,
    "dropDatabase": _drop_database,
    "modifyCollection": _modify_collection,
    "createCollection": _create_collection,
    "dropCollection": _drop_collection,
    "listIndexNames": _index_names,
    "iterateUntilDocumentOrError": _until_document,
    "iterateOnce": _once,
    "insertMany": _insert_many_documents,
    "startTransaction": _start_transaction,
    "getSnapshotTime": _snapshot_time,
}


def as_document(result: Any) -> Any:
    """A result object as the document tests expect; other results as they are."""
    if isinstance(result, InsertOneResult):
        return {"insertedId": result.inserted_id} | _acknowledged(result)
    if isinstance(result, InsertManyResult):
        ids = {str(index): value for index, value in enumerate(result.inserted_ids)}
        return {"insertedIds": ids} | _acknowledged(result)
    if not isinstance(result, (UpdateResult, DeleteResult, BulkWriteResult)):
        return result
    if not result.acknowledged:
        return {"acknowledged": False}
    if isinstance(result, DeleteResult):
        return {"deletedCount": result.deleted_count}
    if isinstance(result, BulkWriteResult):
        return bulk_counts(result.bulk_api_result)
    document = {
        "matchedCount": result.matched_count,
        "modifiedCount": result.modified_count,
        "upsertedCount": 0 if result.upserted_id is None else 1,
    }
    if result.upserted_id is not None:
        document["upsertedId"] = result.upserted_id
    return document


def _acknowledged(result: Any) -> dict[str, Any]:
    return {} if result.acknowledged else {"acknowledged": False}


def bulk_counts(counts: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of a bulk write, from its result or the details of its error."""
    return {
        "deletedCount": counts["nRemoved"],
        "insertedCount": counts["nInserted"],
        "matchedCount": counts["nMatched"],
        "modifiedCount": counts["nModified"],
        "upsertedCount": counts["nUpserted"],
        "upsertedIds": {str(entry["index"]): entry["_id"] for entry in counts["upserted"]},
    }


assert mongodriver.ReturnDocument.AFTER is True
