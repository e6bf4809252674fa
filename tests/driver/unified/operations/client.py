"""The operations of clients."""

from __future__ import annotations

from typing import Any

from mongodriver.driver_info import DriverInfo

from ..failures import Unsupported
from ..options import only
from .base import Call, Operation, calls
from .collection import WATCH, make_request, watch

_LIST = "filter session comment nameOnly authorizedDatabases timeoutMS rawData"


async def _close(call: Call) -> None:
    await call.target.close()


async def _append_metadata(call: Call) -> None:
    info = call.arguments["driverInfoOptions"]
    only(info, "name", "version", "platform", of="driverInfoOptions")
    call.target.append_metadata(DriverInfo(info["name"], info.get("version"), info.get("platform")))


async def _bulk_write(call: Call) -> Any:
    call.arguments["models"] = [make_request(model) for model in call.arguments["models"]]
    return await call.target.bulk_write(**call.keywords("bulk_write"))


async def _drop_database(call: Call) -> Any:
    name = call.arguments.pop("database")
    return await call.target.drop_database(name, **call.keywords("drop_database"))


async def _no_such_method(call: Call) -> Any:
    raise Unsupported("PyMongo has no such operation")


OPERATIONS = {
    "appendMetadata": Operation(
        _append_metadata, "driverInfoOptions", needs="MongoClient.append_metadata"
    ),
    "clientBulkWrite": Operation(
        _bulk_write,
        "models",
        "ordered verboseResults bypassDocumentValidation comment let session writeConcern "
        "timeoutMS rawData",
        needs="MongoClient.bulk_write",
    ),
    "close": Operation(_close, needs="MongoClient.close"),
    "createChangeStream": Operation(
        watch, "pipeline", WATCH, needs="MongoClient.watch", saves="changeStream"
    ),
    "dropDatabase": Operation(
        _drop_database,
        "database",
        "session comment timeoutMS",
        needs="MongoClient.drop_database",
    ),
    "listDatabaseNames": calls("MongoClient.list_database_names", "", _LIST, documents=False),
    "listDatabaseObjects": Operation(_no_such_method, "", _LIST),
    "listDatabases": calls("MongoClient.list_databases", "", _LIST, iterates=True),
}
