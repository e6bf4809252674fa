"""The operations of databases."""

from __future__ import annotations

from typing import Any

from ..failures import Unsupported
from .base import Call, Operation, calls
from .collection import WATCH, watch

_RUN = "command"
_RUN_MORE = "commandName readPreference session timeoutMS"


async def _run_command(call: Call) -> Any:
    call.arguments.pop("commandName", None)
    return await call.target.command(**call.keywords("command"))


async def _cursor_command(call: Call) -> Any:
    arguments = call.arguments
    arguments.pop("commandName", None)
    batch_size = arguments.pop("batchSize", None)
    if arguments.pop("cursorType", "nonTailable") not in (
        "nonTailable",
        "tailable",
        "tailableAwait",
    ):
        raise Unsupported("cursorType")
    if "maxTimeMS" in arguments:
        # The time of each getMore.
        arguments["maxAwaitTimeMS"] = arguments.pop("maxTimeMS")
    cursor = await call.target.cursor_command(**call.keywords("cursor_command"))
    return cursor if batch_size is None else cursor.batch_size(batch_size)


async def _run_cursor_command(call: Call) -> Any:
    return await (await _cursor_command(call)).to_list()


async def _create_collection(call: Call) -> Any:
    name = call.arguments.pop("collection")
    keywords = call.keywords("create_collection")
    return await call.target.create_collection(name, check_exists=False, **keywords)


async def _drop_collection(call: Call) -> Any:
    name = call.arguments.pop("collection")
    return await call.target.drop_collection(name, **call.keywords("drop_collection"))


async def _modify_collection(call: Call) -> Any:
    arguments = call.arguments
    session = arguments.pop("session", None)
    command = {"collMod": arguments.pop("collection"), **arguments}
    return await call.target.command(command, session=session)


async def _no_such_method(call: Call) -> Any:
    raise Unsupported("PyMongo has no such operation")


async def _list_collections(call: Call) -> Any:
    arguments = call.arguments
    if "batchSize" in arguments:
        arguments["cursor"] = {"batchSize": arguments.pop("batchSize")}
    cursor = await call.target.list_collections(**call.keywords("list_collections"))
    return await cursor.to_list()


_LIST = "filter session comment batchSize nameOnly authorizedCollections timeoutMS rawData"

OPERATIONS = {
    "aggregate": calls(
        "Database.aggregate",
        "pipeline",
        "allowDiskUse batchSize bypassDocumentValidation collation comment hint let maxTimeMS "
        "maxAwaitTimeMS session timeoutMS timeoutMode rawData",
        iterates=True,
    ),
    "createChangeStream": Operation(
        watch, "pipeline", WATCH, needs="Database.watch", saves="changeStream"
    ),
    "createCollection": Operation(
        _create_collection,
        "collection",
        "session viewOn pipeline capped size max validator validationLevel validationAction "
        "collation expireAfterSeconds timeseries clusteredIndex changeStreamPreAndPostImages "
        "encryptedFields indexOptionDefaults storageEngine comment timeoutMS",
        needs="Database.create_collection",
        saves="collection",
    ),
    "createCommandCursor": Operation(
        _cursor_command,
        _RUN,
        f"batchSize maxTimeMS comment cursorType timeoutMode {_RUN_MORE}",
        needs="Database.cursor_command",
        saves="commandCursor",
    ),
    "dropCollection": Operation(
        _drop_collection,
        "collection",
        "session comment encryptedFields timeoutMS",
        needs="Database.drop_collection",
    ),
    "listCollectionNames": calls("Database.list_collection_names", "", _LIST, documents=False),
    "listCollectionObjects": Operation(_no_such_method, "", _LIST),
    "listCollections": Operation(
        _list_collections,
        "",
        f"{_LIST} timeoutMode",
        needs="Database.list_collections",
    ),
    "modifyCollection": Operation(
        _modify_collection,
        "collection",
        "index validator validationLevel validationAction changeStreamPreAndPostImages session",
        needs="Database.command",
    ),
    "runCommand": Operation(_run_command, _RUN, _RUN_MORE, needs="Database.command"),
    "runCursorCommand": Operation(
        _run_cursor_command,
        _RUN,
        f"batchSize maxTimeMS comment cursorType timeoutMode {_RUN_MORE}",
        needs="Database.cursor_command",
    ),
}
